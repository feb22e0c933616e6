"""A new tree made of another one: what repacking, taking media out and joining them have in common.

The new tree is staged in a folder beside it and becomes it in one step; the old tree is only read.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable
from pathlib import Path

from ..errors import BuildError
from ..temporary import remove_unfinished
from ..whole_files import write_atomic
from .commit import MARK, STAGING
from .shuffle import catalog_path, record_path


def check_apart(tree: Path, out: Path) -> None:
    """Refuse a new tree in, around or in place of the old one."""
    here, there = tree.resolve(), out.resolve()
    if here == there or here in there.parents or there in here.parents:
        raise BuildError(
            "the new tree and the old one must be two folders side by side",
            hint="Give another folder with --out; a tree is never changed in place.",
        )


def check_out(tree: Path, out: Path) -> None:
    """Refuse a place where something would be lost."""
    check_apart(tree, out)
    if out.exists() and not (out.is_dir() and not any(out.iterdir())):
        raise BuildError(f"{out} exists already", hint="Give another folder with --out, or remove this one.")


def keep_own_work(work: Path, digest: str, folders: Iterable[str]) -> None:
    """Keep what a stopped run of the same work left in ``folders``; drop that of any other."""
    mark = work / MARK
    if not mark.exists() or mark.read_text() != digest:
        for name in folders:
            shutil.rmtree(work / name, ignore_errors=True)
        write_atomic(mark, digest.encode())


def drop_records(shards: Iterable[Path]) -> None:
    """Remove what was noted beside staged shards, the record first: it says that both are there."""
    for path in shards:
        for piece in (record_path(path), catalog_path(path)):
            piece.unlink(missing_ok=True)


def become(out: Path, work: Path, finish: Callable[[Path], None]) -> None:
    """Make what is staged in ``work`` the tree at ``out``, and remove the work.

    Args:
        out: Not there, or an empty folder.
        work: Holds :data:`surgsigma_hub.building.commit.STAGING`.
        finish: Called with the unfinished new tree: writes what describes it.
    """
    staging = work / STAGING
    remove_unfinished(staging)  # of workers that were killed: the folder becomes the tree
    finish(staging)
    if out.exists():
        out.rmdir()
    staging.replace(out)
    shutil.rmtree(work, ignore_errors=True)
