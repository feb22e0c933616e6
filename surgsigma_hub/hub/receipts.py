"""What stays at home after a push: where a tree went, whose rights were claimed, and that it was found valid.

``<tree>/.push/<ORG>--<NAME>.json`` is written once a push has ended, ``<tree>/.push/valid.json`` once all samples were
checked; neither is published, and neither holds a token.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson

from ..whole_files import write_json
from .published import RECEIPTS

_VALID = "valid.json"


def _folder(tree: Path) -> Path:
    return tree / RECEIPTS


def was_found_valid(tree: Path, state: str) -> bool:
    """Whether all samples were checked since the files last changed.

    Args:
        tree: Its folder.
        state: Digest of names, sizes and times of its files.
    """
    try:
        return bool(orjson.loads((_folder(tree) / _VALID).read_bytes())["state"] == state)
    except (OSError, ValueError, KeyError, TypeError):
        return False


def note_valid(tree: Path, state: str, counts: Mapping[str, int]) -> None:
    """Remember that all samples were checked and no error was found."""
    write_json(_folder(tree) / _VALID, {"state": state, "counts": dict(counts)})


def receipt_path(tree: Path, repo: str) -> Path:
    """Where the receipt of a push lies."""
    return _folder(tree) / f"{repo.replace('/', '--')}.json"


def write_receipt(tree: Path, repo: str, receipt: Mapping[str, Any]) -> Path:
    """Write the receipt of a push."""
    path = receipt_path(tree, repo)
    write_json(path, receipt)
    return path
