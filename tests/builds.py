"""Helpers of the build tests: small trees and their digests."""

from __future__ import annotations

import hashlib
from pathlib import Path

SMALL = {"videos": "6", "frames": "5", "width": "96", "height": "64"}
"""Options of a synthetic build that takes seconds."""


def digests(tree: Path) -> dict[str, str]:
    """sha256 of every file of a tree by relative path."""
    return {
        p.relative_to(tree).as_posix(): hashlib.sha256(p.read_bytes()).hexdigest()
        for p in sorted(tree.rglob("*"))
        if p.is_file()
    }
