"""A tree without its media: the same configs, names, order and features, and what is needed to join the media again.

Beside the stripped shards lies ``join/<task>-<source>-<split>.parquet``: for each sample what its media were (members,
sha256), where the picture is from (video, frame, rate, size) and its perceptual hash; and the manifest of before, so
that whoever joins can say whether every byte is back. What is laid out by medium keeps the name that it has by its
medium, and is found again by the first of its conversations.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import orjson

from ..errors import BuildError, UnknownNameError
from ..media.perceptual import clip_hash, picture_hash, require_hashing
from ..schema import Layout
from ..shards.by_medium import conversations_in
from ..shards.lock import only_writer
from ..shards.manifest import WITHOUT_MEDIA, Manifest, Shard, load_tree
from ..shards.part_reader import parsed, read_part_shard
from ..temporary import temporary_name
from .commit import STAGING, staged_manifest, write_part
from .copying import copy_rest
from .new_tree import become, check_out, drop_records
from .pool import run_jobs
from .shuffle import Ready, write_shard


def join_place(manifest: Manifest) -> str:
    """Where the notes for joining lie, relative to the tree."""
    return f"join/{manifest.task}-{manifest.source}-{manifest.split}.parquet"


@dataclass(frozen=True, slots=True)
class StripJob:
    """One shard to write without its media; see :class:`surgsigma_hub.building.shuffle.Job`."""

    path: Path
    tree: Path
    folder: str
    shard: Shard
    layout: Layout = "tasks"

    def samples(self) -> Iterator[Ready]:
        """What goes into the new shard; what was taken out is noted beside it."""
        notes: list[dict[str, Any]] = []
        hashes: dict[str, int] = {}
        for key, members in read_part_shard(self.tree, self.folder, self.shard):
            doc = parsed(members, where=f"{self.folder}/{self.shard.name}: {key}", layout=self.layout)
            talks = conversations_in(doc, self.layout)
            notes.append(
                {
                    "id": talks[0]["id"],
                    "task": talks[0]["task"],
                    "media": orjson.dumps(doc["media"]).decode(),
                    "hash": _hash(doc["media"], members, hashes),
                    **{name: doc[name] for name in ("video_id", "frame_index", "fps", "width", "height")},
                }
            )
            for one in (doc, *talks):
                one["media"] = []
            yield Ready(key, orjson.dumps(doc), [], talks)
        temporary = temporary_name(notes_path(self.path))
        temporary.write_bytes(orjson.dumps(notes))
        temporary.replace(notes_path(self.path))


def _hash(media: Sequence[Mapping[str, Any]], members: Mapping[str, bytes], known: dict[str, int]) -> int | None:
    """The perceptual hash of the first input, each computed once in a shard; None where there is none."""
    first = next((m for m in media if m["role"] == "input"), None)
    if first is None:
        return None
    sha256, data = first["sha256"], members[first["member"]]
    if sha256 not in known:
        known[sha256] = clip_hash(data) if first["kind"] == "video" else picture_hash(data)
    return known[sha256]


def notes_path(shard: Path) -> Path:
    """Where the notes on one staged shard are."""
    return shard.with_suffix(".notes")


@dataclass(frozen=True, slots=True, kw_only=True)
class StripReport:
    """What was taken out.

    Attributes:
        bytes: Of the shards, before and after.
    """

    sources: tuple[str, ...]
    samples: int
    bytes: tuple[int, int]
    seconds: float

    def as_dict(self) -> dict[str, Any]:
        """For ``--json``."""
        return {"sources": list(self.sources), "samples": self.samples, "bytes": list(self.bytes),
                "seconds": round(self.seconds, 1)}  # fmt: skip


def strip_media(
    tree: Path, out: Path, *, sources: Sequence[str], workers: int, progress: bool, finish: Callable[[Path], None]
) -> StripReport:
    """Write ``out``: the tree without the media of some sources.

    Args:
        tree: The built tree; it is only read.
        out: The new tree, made whole or not at all.
        sources: Whose media stay out; all when empty.
        workers: Processes; the bytes do not depend on their number.
        progress: Whether to show progress bars.
        finish: Called with the unfinished new tree: writes what describes it.

    Raises:
        BuildError: ``out`` holds something, or nothing there has media.
        UnknownNameError: no such source in the tree.
        ShardError: the tree is damaged, or there is none.
        MissingExtraError: imagehash is not installed.
    """
    started = time.monotonic()
    check_out(tree, out)
    everything = load_tree(tree)
    there = sorted({m.source for m in everything})
    for name in sources:
        if name not in there:
            raise UnknownNameError("source", name, there, where=str(tree))
    chosen = [m for m in everything if m.members and not m.without_media and (not sources or m.source in sources)]
    _check(chosen, tree)
    work = Path(f"{out.resolve()}.strip")
    with only_writer(work, shown=out, work="strip"):
        staging = work / STAGING
        shutil.rmtree(staging, ignore_errors=True)
        jobs = {
            m.path: [StripJob(staging / m.folder / s.name, tree, m.folder, s, m.layout) for s in m.shards]
            for m in chosen
        }  # fmt: skip
        run_jobs(
            write_shard, [j for some in jobs.values() for j in some], workers=workers, title="strip", progress=progress
        )
        made = [_staged(m, [job.path for job in jobs[m.path]], staging) for m in chosen]
        gone = {m.catalog for m in chosen} | {m.path for m in chosen}
        copy_rest(tree, staging, leave=gone | {f"{m.folder}/{s.name}" for m in chosen for s in m.shards})
        become(out, work, finish)
    return StripReport(
        sources=tuple(sorted({m.source for m in chosen})),
        samples=sum(m.samples for m in chosen),
        bytes=(sum(m.bytes for m in chosen), sum(m.bytes for m in made)),
        seconds=time.monotonic() - started,
    )


def _check(chosen: Sequence[Manifest], tree: Path) -> None:
    if not chosen:
        raise BuildError(f"{tree}: its shards hold no media", hint="See: surgsigma info TREE")
    require_hashing()


def _staged(old: Manifest, shards: list[Path], staging: Path) -> Manifest:
    import pyarrow as pa
    import pyarrow.parquet as pq

    options = {**old.options, WITHOUT_MEDIA: True}
    made = staged_manifest(shards, task=old.task, source=old.source, split=old.split, options=options)
    made = replace(made, members=old.members, builder=old.builder)
    write_part(made, staging)
    columns = {
        "id": pa.string(), "task": pa.string(), "media": pa.string(), "hash": pa.uint64(), "video_id": pa.string(),
        "frame_index": pa.int64(), "fps": pa.float64(), "width": pa.int32(), "height": pa.int32(),
    }  # fmt: skip
    schema = pa.schema(columns, metadata={"manifest": old.dumps()})
    (staging / "join").mkdir(exist_ok=True)
    with (staging / join_place(old)).open("wb") as file, pq.ParquetWriter(file, schema) as out:
        for path in shards:
            out.write_table(pa.Table.from_pylist(orjson.loads(notes_path(path).read_bytes()), schema=schema))
    drop_records(shards)
    for path in shards:
        notes_path(path).unlink()
    return made
