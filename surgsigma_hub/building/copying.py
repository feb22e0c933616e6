"""Copying what a new tree has in common with an old one."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Collection
from pathlib import Path

from ..shards.tree_files import TreeFiles
from ..shards.writer import link

logger = logging.getLogger(__name__)


def copy_rest(tree: Path, staging: Path, *, leave: Collection[str]) -> None:
    """Everything of the old tree that is not written anew: shards as links where possible, other files as copies.

    Links that lead out of the tree are left out, and a warning says how many: a file that they lead to is not part of
    the tree, and a new tree may be published.

    Args:
        tree: The old tree.
        staging: The new one.
        leave: Places of what is not copied.
    """
    files, left_out = TreeFiles(tree), list[str]()
    for path in sorted(tree.rglob("*")):
        relative = path.relative_to(tree)
        hidden = any(part.startswith(".") for part in relative.parts[:-1]) or path.name.endswith(".tmp")
        if hidden or not path.is_file() or relative.as_posix() in leave:
            continue
        if not files.holds(path):
            left_out.append(relative.as_posix())
            continue
        (staging / relative).parent.mkdir(parents=True, exist_ok=True)
        if path.suffix in (".tar", ".parquet"):  # replaced whole wherever they change, never written in place
            (staging / relative).unlink(missing_ok=True)  # of a run that was stopped
            link(path, staging / relative)
        else:
            shutil.copyfile(path, staging / relative)
    if left_out:
        logger.warning("left out %d links that lead out of the tree, among them %r", len(left_out), left_out[0])
