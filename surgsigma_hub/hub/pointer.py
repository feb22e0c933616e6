"""A pointer card: a folder with nothing but a README whose globs lead to the Hub, pinned to one commit.

Beside such a folder ``datasets.load_dataset("surgsigma", ...)`` works without this package and without local data.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..errors import BuildError, ShardError
from ..shards.frontmatter import OURS, check_ours, join_card, read_card, split_card
from ..whole_files import write_atomic
from .index import card_index
from .remote import fetch_card

_NAME = re.compile(r"[a-z0-9_-]+")


def init_pointer(repo: str, folder: Path, revision: str | None = None) -> str:
    """Write ``folder/README.md`` as a pointer to a dataset on the Hub.

    Args:
        repo: ``ORG/NAME``.
        folder: Where to write, usually ``./surgsigma``. An older pointer card there is replaced.
        revision: Branch, tag or commit; None takes the main branch. What is written is the commit it stands for now.

    Returns:
        The commit.

    Raises:
        BuildError: the folder holds a built tree or a card that is no pointer.
        ShardError: the dataset's card is not one of ours, or of a newer format version.
        SurgSigmaError: no network, no such dataset or revision, no access.
    """
    _check_folder(folder)  # before any request
    card = fetch_card(repo, revision=revision)
    where = f"{repo} at commit {card.sha[:12]}"
    front, _ = split_card(card.text, where=where)
    ours = check_ours(front, where=where)
    if "pointer" in ours:
        raise ShardError(f"{where}: its card is itself a pointer to {ours['pointer']}", hint="Point at that dataset.")
    base = f"hf://datasets/{repo}@{card.sha}/"
    card_index(card.text, base=base, where=where)  # names and numbers are those that this package writes
    made = {
        **front,
        OURS: {**ours, "pointer": f"{repo}@{card.sha}"},
        "configs": [_config(entry, base, where) for entry in front["configs"]],
    }
    if "license_link" in front and "://" not in str(front["license_link"]):
        made["license_link"] = f"{card.page}/blob/{card.sha}/{front['license_link']}"
    # YAML aliases came back as shared objects, so equal features are written once again.
    write_atomic(folder / "README.md", join_card(made, _body(repo, card.sha, front)))
    return card.sha


def _check_folder(folder: Path) -> None:
    if folder.exists() and not folder.is_dir():
        raise BuildError(f"{folder} is a file", hint="Name a folder to write the pointer card to.")
    if any(folder.glob("data/*/*/*.manifest.json")) or any(folder.glob("data/*/*/*.tar")):
        raise BuildError(
            f"{folder} holds a built tree; a pointer card would hide it", hint="Name another folder, or move the tree."
        )
    readme = folder / "README.md"
    if readme.is_file():
        try:
            front, _ = split_card(read_card(readme, where=str(readme)), where=str(readme))
        except ShardError:
            front = {}
        entry = front.get(OURS)
        if not (isinstance(entry, dict) and "pointer" in entry):
            raise BuildError(f"{readme} is there already and is no pointer card", hint="Name another folder.")


def _config(entry: Mapping[str, Any], base: str, where: str) -> dict[str, Any]:
    try:
        files = [{"split": part["split"], "path": _pinned(part["path"], base, where)} for part in entry["data_files"]]
        if not _NAME.fullmatch(entry["config_name"]):  # it comes to stand in a line of Python
            raise ShardError(f"{where}: the card names the config {entry['config_name']!r}, expected a-z, 0-9, _ and -")
        return {**entry, "data_files": files}
    except (KeyError, TypeError) as error:
        raise ShardError(f"{where}: the configs of the card are not as this package writes them ({error!r})") from None


def _pinned(path: Any, base: str, where: str) -> Any:
    if isinstance(path, list):
        return [_pinned(p, base, where) for p in path]
    if not isinstance(path, str) or "://" in path or not path.startswith("data/") or ".." in path.split("/"):
        raise ShardError(
            f"{where}: the card names {path!r}, expected globs of the form data/<task>/<source>/*-<split>-*.tar",
            hint="Is this a dataset that this package published?",
        )
    return base + path


def _body(repo: str, sha: str, front: Mapping[str, Any]) -> str:
    first = front["configs"][0]["config_name"]
    return (
        f"# Pointer to {repo}\n\n"
        f"This folder holds no data. Its card leads to the dataset `{repo}` on the Hub at commit `{sha}`, so that\n\n"
        "```python\nfrom datasets import load_dataset\n"
        f'ds = load_dataset("surgsigma", "{first}", streaming=True)\n```\n\n'
        "works beside it. Every load reads that commit, whatever is published later. "
        f"To follow, run `surgsigma init --repo {repo}` again."
    )
