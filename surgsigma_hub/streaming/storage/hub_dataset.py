"""A dataset on the Hub: its commit, its files and how they are asked for, within a clock and a bound."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import orjson

from ...errors import SurgSigmaError
from .http import HttpFiles
from .options import RemoteOptions, fetch

MAX_LISTING = 256 << 20
"""Most bytes of a listing: two million files take as many."""

_COMMIT = re.compile(r"[0-9a-f]{40}")
_HINT = "Check the spelling of ORG/NAME and the revision; for a private or gated one log in: hf auth login"


@dataclass(frozen=True, slots=True)
class HubDataset:
    """A dataset at one commit.

    Attributes:
        sha: The commit.
        files: Paths of all files.
    """

    sha: str
    files: tuple[str, ...]


def headers_for(token: str | bool | None) -> Mapping[str, str]:
    """What requests to the Hub send of an account.

    Args:
        token: As in ``huggingface_hub``: None takes the token that is logged in, False none.

    Raises:
        SurgSigmaError: a token is asked for, and nobody is logged in.
    """
    from huggingface_hub.errors import LocalTokenNotFoundError
    from huggingface_hub.utils import build_hf_headers

    try:
        sent = build_hf_headers(token=token)
    except LocalTokenNotFoundError:
        raise SurgSigmaError("token=True, but no token is kept on this machine", hint="Log in: hf auth login") from None
    return {name: value for name, value in sent.items() if name.lower() == "authorization"}


def files_url(repo: str, sha: str) -> str:
    """Where the files of a dataset are, with a slash at the end."""
    from huggingface_hub import constants

    return f"{constants.ENDPOINT}/datasets/{repo}/resolve/{sha}/"


def find_dataset(repo: str, revision: str | None, headers: Mapping[str, str], options: RemoteOptions) -> HubDataset:
    """The commit that a revision stands for now, and its files: one request.

    Args:
        repo: ``ORG/NAME``.
        revision: Branch, tag or commit. None: the main branch.
        headers: As :func:`headers_for` gives them.
        options: Clock.

    Raises:
        SurgSigmaError: no network, no such dataset or revision, no access, or an answer that is none.
    """
    from huggingface_hub import constants

    name = f"{repo} at revision {revision}" if revision else repo
    url = f"{constants.ENDPOINT}/api/datasets/{repo}" + (f"/revision/{quote(revision, safe='')}" if revision else "")
    try:
        if constants.HF_HUB_OFFLINE:
            raise SurgSigmaError("HF_HUB_OFFLINE forbids asking it")
        files = HttpFiles(url, headers=headers, timeout=options.timeout)
        try:
            data = fetch(files, "", None, None, deadline=options.deadline, most=MAX_LISTING).data
        finally:
            files.close()
        info = orjson.loads(data)
        return HubDataset(_commit(info["sha"]), tuple(_path(one["rfilename"]) for one in info.get("siblings") or ()))
    except (orjson.JSONDecodeError, KeyError, TypeError, ValueError, AttributeError) as error:
        what = f"its answer is not that of a Hub ({type(error).__name__})"
    except SurgSigmaError as error:
        what = error.message.removeprefix(": ")
    raise SurgSigmaError(f"dataset {name} could not be opened at {constants.ENDPOINT}: {what}", hint=_HINT)


def _commit(value: Any) -> str:
    if not isinstance(value, str) or not _COMMIT.fullmatch(value):
        raise ValueError("no commit")
    return value


def _path(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError("a file without a name")
    return value
