"""The few requests to the Hub that reading needs; each failure becomes an error that says what to do."""

from __future__ import annotations

import inspect
import re
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from tqdm import tqdm

from ..errors import ShardError, SurgSigmaError
from ..shards.frontmatter import MAX_CARD, read_card
from ..streaming.storage.deadline import within
from ..streaming.storage.http import HttpFiles
from ..streaming.storage.hub_dataset import files_url, find_dataset, headers_for
from ..streaming.storage.options import RemoteOptions

OPTIONS = RemoteOptions()
"""Clock of what is asked of the Hub here; ``stream`` takes one of its own."""

_PLACE = re.compile(r"hf://datasets/([^/@]+/[^/@]+)@([^/@]+)/(.+)")


@dataclass(frozen=True, slots=True)
class HubCard:
    """The card of a dataset, the commit it was read at, and the dataset's page."""

    text: str
    sha: str
    page: str


def fetch_card(repo: str, *, revision: str | None = None, token: str | bool | None = None) -> HubCard:
    """The README.md of a dataset on the Hub (``HF_ENDPOINT`` respected), and the commit that ``revision`` stands for.

    Raises:
        SurgSigmaError: no network, no such dataset or revision, no access, no card, or not within the clock.
        ShardError: larger than a card may be.
    """
    from huggingface_hub import constants
    from huggingface_hub import errors as hub

    name = f"{repo} at revision {revision}" if revision else repo
    try:
        path = within(OPTIONS.deadline, lambda: _download_card(repo, revision, token, name))
    except hub.GatedRepoError:
        raise SurgSigmaError(
            f"dataset {name} is gated: {constants.ENDPOINT} did not let this account in",
            hint=f"Ask for access at {constants.ENDPOINT}/datasets/{repo}, then log in with: hf auth login",
        ) from None
    except hub.RepositoryNotFoundError:
        raise SurgSigmaError(
            f"dataset {repo} was not found at {constants.ENDPOINT}",
            hint="Check the spelling of ORG/NAME; for a private dataset log in first with: hf auth login",
        ) from None
    except hub.RevisionNotFoundError:
        raise SurgSigmaError(
            f"dataset {repo} has no revision {revision!r}", hint="Expected a branch, a tag or a commit of the dataset."
        ) from None
    except hub.LocalEntryNotFoundError:
        raise SurgSigmaError(
            f"{constants.ENDPOINT} could not be reached, and the card of {name} is not in the local cache",
            hint="Check the network and the variables HF_ENDPOINT and HF_HUB_OFFLINE, then try again.",
        ) from None
    except hub.EntryNotFoundError:
        raise SurgSigmaError(
            f"dataset {name} has no README.md, so it is not a tree of this package",
            hint="Was it published with: surgsigma push?",
        ) from None
    except hub.HFValidationError as error:
        raise SurgSigmaError(f"{repo!r} is not a dataset name of the form ORG/NAME ({error})") from None
    except (hub.HfHubHTTPError, OSError, ValueError) as error:
        raise SurgSigmaError(f"the card of {name} could not be read: {error}", hint="Try again later.") from None
    # huggingface_hub keeps files at .../snapshots/<commit>/README.md: this is how `datasets` learns the commit too.
    place = Path(path)
    return HubCard(read_card(place, where=name), place.parent.name, f"{constants.ENDPOINT}/datasets/{repo}")


def _download_card(repo: str, revision: str | None, token: str | bool | None, name: str) -> str:
    """Where the cache of ``huggingface_hub`` keeps the card now."""
    from huggingface_hub import get_hf_file_metadata, hf_hub_download, hf_hub_url
    from huggingface_hub.errors import HfHubHTTPError

    asked = {"repo_type": "dataset", "revision": revision}
    if "tqdm_class" in inspect.signature(hf_hub_download).parameters:
        return str(hf_hub_download(repo, "README.md", **asked, token=token, tqdm_class=_bounded(name)))
    # huggingface_hub 1.0 lets nobody look on while it downloads: the size that the Hub names has to do.
    with suppress(OSError, *HfHubHTTPError.__bases__):  # without a network, the cache may have it
        _bounded(name)(total=get_hf_file_metadata(hf_hub_url(repo, "README.md", **asked), token=token).size)
    return str(hf_hub_download(repo, "README.md", **asked, token=token))


def _bounded(name: str) -> type[tqdm[Any]]:
    """What ``huggingface_hub`` calls with the size of a card, and with each part of it before that is written."""
    until = time.monotonic() + OPTIONS.deadline

    class Bounded(tqdm):  # type: ignore[type-arg]
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            self._left: float = MAX_CARD
            kwargs.pop("name", None)  # an argument of huggingface_hub's own bar
            super().__init__(*args, **{**kwargs, "disable": True})
            self._take(kwargs.get("total") or 0)
            self._left = MAX_CARD

        def update(self, n: float | None = 1) -> bool | None:
            self._take(n or 0)
            return None

        def _take(self, size: float) -> None:
            self._left -= size
            if self._left < 0:
                raise ShardError(f"the card of {name}: holds more than {MAX_CARD} bytes, which are not read")
            if time.monotonic() > until:
                raise TimeoutError(f"not there within {OPTIONS.deadline:g} s")

    return Bounded


def glob_hub(patterns: Sequence[str], *, token: str | bool | None = None) -> list[list[str]]:
    """The files that ``hf://`` globs match, as ``hf://`` paths, sorted; for each glob.

    Each dataset is asked once for a list of its files.

    Raises:
        ShardError: a pattern that names no dataset and commit.
        SurgSigmaError: the Hub could not be asked.
    """
    known: dict[tuple[str, str], list[list[str]]] = {}
    found: list[list[str]] = []
    for pattern in patterns:
        repo, sha, inner = _split(pattern)
        if (repo, sha) not in known:
            files = find_dataset(repo, sha, headers_for(token), OPTIONS).files
            known[repo, sha] = sorted(path.split("/") for path in files)
        parts = inner.split("/")
        hits = [f for f in known[repo, sha] if len(f) == len(parts) and all(map(fnmatchcase, f, parts))]
        found.append([f"hf://datasets/{repo}@{sha}/{'/'.join(hit)}" for hit in hits])
    return found


def hub_files(place: str, *, token: str | bool | None = None) -> tuple[HttpFiles, str]:
    """Where a file of the Hub is read by range, and its path there.

    Raises:
        ShardError: not ``hf://datasets/ORG/NAME@COMMIT/PATH``.
    """
    repo, sha, path = _split(place)
    return HttpFiles(files_url(repo, sha), headers=headers_for(token), timeout=OPTIONS.timeout), path


def _split(place: str) -> tuple[str, str, str]:
    """Dataset, commit and path."""
    found = _PLACE.fullmatch(place)
    if found is None:
        raise ShardError(f"{place[:200]!r} is no place on the Hub (expected hf://datasets/ORG/NAME@COMMIT/PATH)")
    return found[1], found[2], found[3]
