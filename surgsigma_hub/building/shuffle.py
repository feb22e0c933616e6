"""Shuffle: parts to shards. The order is the order of a seeded hash of the ids, so any worker can write any shard."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import orjson

from ..errors import BuildError
from ..shards.writer import ShardWriter
from ..temporary import temporary_name
from ..whole_files import write_atomic
from .catalog import CatalogRows
from .map import Progress
from .parts import read_index, split_row

GROUP = 8
"""From this many shards on, their number is a multiple of it: ranks and workers then share them evenly."""


@dataclass(frozen=True, slots=True, eq=False)
class ShardJob:
    """One shard to write.

    Attributes:
        path: Place of the tar in the staging folder; its record goes beside it.
        parts: Folders of the parts that rows come from.
        rows: ``(part, offset, length)`` of every row, in shard order.
    """

    path: Path
    task: str
    parts: tuple[Path, ...]
    rows: npt.NDArray[Any]


ROW = np.dtype([("part", "<u4"), ("offset", "<u8"), ("length", "<u4")])


def shard_jobs(parts: Sequence[Path], *, task: str, split: str, folder: Path, shard_bytes: int) -> list[ShardJob]:
    """Deal the rows of one task and split to shards.

    The number of shards follows from the bytes; each gets a run of the shuffled order, equal in samples to within one.
    """
    indices = [read_index(part, task) for part in parts]
    lengths = [len(i) for i in indices]
    total = sum(lengths)
    if total == 0:
        return []
    index = np.concatenate(indices)
    part_numbers = np.repeat(np.arange(len(parts), dtype=np.uint32), lengths)
    # A stable sort keeps the order of parts and rows where two hashes meet, which 64 bits make a curiosity.
    order = np.argsort(index["order"], kind="stable")
    rows = np.empty(total, dtype=ROW)
    rows["part"], rows["offset"], rows["length"] = part_numbers[order], index["offset"][order], index["length"][order]
    count = max(1, -(-int(index["bytes"].sum()) // shard_bytes))
    if count > GROUP:
        count = -(-count // GROUP) * GROUP
    count = min(count, total)
    if count > 99_999:
        raise BuildError(f"{task}/{split} would need {count} shards", hint="Raise --shard-size.")
    edges = [total * n // count for n in range(count + 1)]
    return [
        ShardJob(folder / f"{split}-{n:05d}.tar", task, tuple(parts), rows[edges[n] : edges[n + 1]])
        for n in range(count)
    ]


def write_shard(job: ShardJob, progress: Progress) -> None:
    """Write the shard, its catalog piece and, last, its record; nothing when the record is there already."""
    record = record_path(job.path)
    if record.exists():
        return
    job.path.parent.mkdir(parents=True, exist_ok=True)
    rows = CatalogRows()
    members: set[str] = set()
    videos: set[str] = set()
    media_bytes = media_count = 0
    # Rows come from all parts in turn; a bounded number of them stays open, for this shard only.
    folders = [str(folder) for folder in job.parts]
    opened = lru_cache(maxsize=256)(lambda part, name: _Open(f"{folders[part]}/{name}"))
    rows_name = f"{job.task}.rows"
    with ShardWriter(job.path) as shard:
        for part, offset, length in job.rows.tolist():
            id, blobs, text = split_row(opened(part, rows_name).read(offset, length))
            media = [(b.member, opened(part, "media.bin").read(b.offset, b.length)) for b in blobs]
            place = shard.add(id, [("json", text), *media])
            sample = orjson.loads(text)
            rows.add(sample, shard=job.path.name, place=place)
            members.update(b.member for b in blobs)
            videos.add(sample["canonical_video_id"])
            size = sum(b.length for b in blobs)
            media_bytes += size
            media_count += len(blobs)
            progress(1, size + length)
        entry = shard.close()
    temporary = temporary_name(catalog_path(job.path))
    rows.write(temporary)
    temporary.replace(catalog_path(job.path))
    found = {
        "shard": entry,
        "members": sorted(members),
        "videos": sorted(videos),
        "media_bytes": media_bytes,
        "media_count": media_count,
    }
    write_atomic(record, orjson.dumps(found))


def record_path(shard: Path) -> Path:
    """Where the record of a staged shard is: its presence says that the shard is whole."""
    return shard.with_suffix(".json")


def catalog_path(shard: Path) -> Path:
    """Where the catalog piece of a staged shard is."""
    return shard.with_suffix(".parquet")


class _Open:
    """A file open for reading at any place; closes when the cache lets it go."""

    def __init__(self, path: str) -> None:
        self._name = Path(path).name
        self._number = os.open(path, os.O_RDONLY)

    def __del__(self) -> None:
        if hasattr(self, "_number"):
            os.close(self._number)

    def read(self, offset: int, length: int) -> bytes:
        data = os.pread(self._number, length, offset)
        if len(data) != length:
            raise BuildError(
                f"{self._name}: {len(data)} of {length} bytes at {offset}: the unfinished build was changed"
            )
        return data
