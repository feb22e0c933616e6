"""Commit: what is staged becomes part of the tree, and what is no longer so leaves it, as one step.

A journal of all moves and removals is written before the first of them. From then on the commit counts as done: where a
kill interrupts it, the next build into the tree finishes it first. Every step can be repeated.
"""

from __future__ import annotations

import logging
import shutil
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import orjson

from ..errors import BuildError, ShardError
from ..plain_file import read_plain
from ..shards.config_names import FRAMES
from ..shards.manifest import JOURNAL, WORK_DIR, Manifest, Shard
from ..shards.tree_files import TreeFiles
from ..version import __version__
from ..whole_files import write_atomic
from .catalog import merge
from .report import ReportRow
from .scope import Scope, is_built_place, stale_places
from .shuffle import catalog_path, record_path

logger = logging.getLogger(__name__)

STAGING = "staging"
"""Folder, beside the journal, that holds the new files under the places they get in the tree."""

MARK = "plan"
"""File beside them with the digest of the plan that the work was done for: without it, it is not used again."""


def staged_manifest(shards: list[Path], *, task: str, source: str, split: str, options: Mapping[str, Any]) -> Manifest:
    """The manifest of staged shards, from their records."""
    records = [orjson.loads(record_path(path).read_bytes()) for path in shards]
    entries = [Shard.from_json(r["shard"]) for r in records]
    talks: Counter[str] = Counter()
    for record in records:
        talks.update(record["conversations"])
    return Manifest(
        task=task,
        source=source,
        split=split,
        samples=sum(s.samples for s in entries),
        bytes=sum(s.bytes for s in entries),
        media_bytes=sum(r["media_bytes"] for r in records),
        members=tuple(sorted({m for r in records for m in r["members"]})),
        videos=tuple(sorted({v for r in records for v in r["videos"]})),
        conversations=dict(sorted(talks.items())) if task == FRAMES else {},
        options=options,
        shards=tuple(entries),
        builder=f"surgsigma-hub {__version__}",
    )


def write_part(manifest: Manifest, staging: Path) -> None:
    """Complete a staged part with its catalog and its manifest."""
    (staging / manifest.catalog).parent.mkdir(parents=True, exist_ok=True)
    pieces = [catalog_path(staging / manifest.folder / shard.name) for shard in manifest.shards]
    merge(pieces, staging / manifest.catalog)
    write_atomic(staging / manifest.path, manifest.dumps(), sync=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What a commit does to a tree; all places are relative to it.

    Attributes:
        manifests: Manifests to move in, each from staging.
        files: Shards, catalogs and reports to move in.
        removed: Manifests, shards and catalogs that leave the tree.
    """

    manifests: tuple[str, ...]
    files: tuple[str, ...]
    removed: tuple[str, ...]


def stage(tree: Path, work: Path, manifests: list[Manifest], *, scope: Scope, reports: Iterable[str]) -> Change:
    """Complete what is staged with catalogs and manifests, and say what the commit will do.

    Args:
        tree: It is only looked at.
        work: Folder of the work on this source; :data:`STAGING` in it holds the shards.
        manifests: Of the staged shards.
        scope: What of the tree the build speaks for: what it did not yield there is removed.
        reports: Places of staged reports.
    """
    for manifest in manifests:
        write_part(manifest, work / STAGING)
    shards = [f"{m.folder}/{s.name}" for m in manifests for s in m.shards]
    files = (*shards, *(m.catalog for m in manifests), *reports)
    new = {m.path for m in manifests}
    return Change(
        manifests=tuple(sorted(new)),
        files=files,
        removed=tuple(place for place in stale_places(tree, scope) if place not in new and place not in set(files)),
    )


def commit(tree: Path, work: Path, change: Change, finish: Callable[[Path], None]) -> None:
    """Bring a staged change into the tree.

    Args:
        tree: Its folder.
        work: Folder of the work on this source.
        change: What :func:`stage` returned.
        finish: Called with the tree once it is changed: writes what describes it.

    Raises:
        BuildError: something that was staged is gone.
    """
    write_atomic(work / JOURNAL, orjson.dumps(asdict(change)))
    _apply(tree, work / STAGING, change)
    finish(tree)
    shutil.rmtree(work / STAGING, ignore_errors=True)  # before the journal: a kill in between is finished once more
    (work / JOURNAL).unlink()


def finish_interrupted(tree: Path, finish: Callable[[Path], None], *, keep: str = "") -> None:
    """Finish commits into a tree that were killed, of whichever source, and remove what they left.

    Args:
        tree: Its folder.
        finish: As for :func:`commit`.
        keep: Source whose other unfinished work stays: the same build run again need not map its videos anew.

    Raises:
        BuildError: a journal cannot be read, or something that was staged is gone.
    """
    for journal in sorted((tree / WORK_DIR).glob(f"*/{JOURNAL}")):
        logger.info("finishing the interrupted commit of %s", journal.parent.name)
        change = _read_journal(tree, journal)
        commit(tree, journal.parent, change, finish)
        if journal.parent.name != keep:
            discard(journal.parent)
    for work in sorted((tree / WORK_DIR).glob("*/")):
        if work.name != keep and not work.is_symlink() and not (work / MARK).exists():
            discard(work)  # nothing but what was being removed when a build was killed


def discard(work: Path, *, keep: str = "") -> None:
    """Remove the work on a source, but for the folder ``keep``; a kill leaves nothing that looks like finished work."""
    (work / MARK).unlink(missing_ok=True)
    for child in work.iterdir():
        if child.name != keep:
            shutil.rmtree(child) if child.is_dir() else child.unlink()
    if not keep:
        work.rmdir()


_AGAIN = f"Remove the folder {WORK_DIR} from the tree and build the source again."


def _read_journal(tree: Path, journal: Path) -> Change:
    """A journal, which with its tree may come from a stranger: it names only what a build puts into a tree.

    Raises:
        BuildError: it cannot be read, or names something else.
    """
    files = TreeFiles(tree)
    try:
        files.check(journal.relative_to(tree).as_posix())
        raw = orjson.loads(read_plain(journal, most=_MOST))
        change = Change(**{name: tuple(places) for name, places in raw.items()})
        for place in (*change.manifests, *change.files, *change.removed):
            if not is_built_place(place):
                raise ValueError(f"no build puts anything at {place!r}")
            files.check(place)
    except ShardError as error:
        raise BuildError(error.message, hint=_AGAIN) from None
    except (OSError, TypeError, ValueError, AttributeError) as error:
        raise BuildError(f"{journal}: not the journal of a commit ({error})", hint=_AGAIN) from None
    return change


_MOST = 256 << 20
"""Bytes of a journal: three million shards need as many."""


def _apply(tree: Path, staging: Path, change: Change) -> None:
    """An old manifest goes before its shards, a new one comes after its own: none names a shard that is not whole."""
    for place in change.manifests:
        if (staging / place).exists():
            (tree / place).unlink(missing_ok=True)
    for place in sorted(change.removed, key=lambda place: not place.endswith(".manifest.json")):
        (tree / place).unlink(missing_ok=True)
    for place in (*change.files, *change.manifests):
        (tree / place).parent.mkdir(parents=True, exist_ok=True)
        try:
            (staging / place).replace(tree / place)
        except FileNotFoundError:  # moved before a kill
            if not (tree / place).exists():
                raise BuildError(f"{place} was staged, and is neither there nor in the tree", hint=_AGAIN) from None
    for folder in sorted({(tree / place).parent for place in change.removed}, reverse=True):
        for one in (folder, folder.parent):
            if one != tree and one.is_dir() and not any(one.iterdir()):
                one.rmdir()


def staged_row(manifest: Manifest, staging: Path) -> ReportRow:
    """What the report says of one manifest whose shards are still staged."""
    records = [orjson.loads(record_path(staging / manifest.folder / s.name).read_bytes()) for s in manifest.shards]
    media = sum(r["media_count"] for r in records)
    return ReportRow(manifest.task, manifest.source, manifest.split, manifest.rows, media, manifest.bytes)
