"""Shuffle: parts to shards. The order is the order of a seeded hash of the ids, so any worker can write any shard."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import orjson

from ..errors import BuildError
from ..shards.shard_names import shard_name
from ..shards.writer import ShardWriter
from ..temporary import temporary_name
from ..whole_files import write_atomic
from .catalog import CatalogRows
from .map import Progress
from .parts import read_index, split_row

GROUP = 8
"""From this many shards on, their number is a multiple of it: ranks and workers then share them evenly."""


@dataclass(frozen=True, slots=True)
class Ready:
    """One sample as it goes into a shard.

    Attributes:
        key: Its id.
        text: Its JSON.
        media: Its media members and their bytes, in their order.
        conversations: What the catalog lists of it, each as the JSON of a sample of its task.
    """

    key: str
    text: bytes
    media: Sequence[tuple[str, bytes]]
    conversations: Sequence[Mapping[str, Any]]


class Job(Protocol):
    """One shard to write; plain data, so that any process can write it."""

    @property
    def path(self) -> Path:
        """Place of the tar in the staging folder; its record goes beside it."""

    def samples(self) -> Iterator[Ready]:
        """What goes into it, in order."""


ROW = np.dtype([("part", "<u4"), ("offset", "<u8"), ("length", "<u4")])


@dataclass(frozen=True, slots=True, eq=False)
class ShardJob:
    """One shard of a task.

    Attributes:
        path: See :class:`Job`.
        parts: Folders of the parts that rows come from.
        rows: ``(part, offset, length)`` of every row, in shard order.
    """

    path: Path
    task: str
    parts: tuple[Path, ...]
    rows: npt.NDArray[Any]

    def samples(self) -> Iterator[Ready]:
        """See :class:`Job`."""
        opened = Opened()
        for part, offset, length in self.rows.tolist():
            folder = self.parts[part]
            id, blobs, text = split_row(opened(folder / f"{self.task}.rows").read(offset, length))
            media = [(b.member, opened(folder / "media.bin").read(b.offset, b.length)) for b in blobs]
            yield Ready(id, text, media, [orjson.loads(text)])


def shard_jobs(parts: Sequence[Path], *, task: str, split: str, folder: Path, shard_bytes: int) -> list[ShardJob]:
    """Deal the rows of one task and split that stay in the layout by task to shards, in a folder named by the source.

    See :func:`shard_edges`.
    """
    indices = [index[index["medium"] == 0] for index in (read_index(part, task) for part in parts)]
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
    edges = shard_edges(total, int(index["bytes"].sum()), shard_bytes, name=f"{task}/{split}")
    return [
        ShardJob(folder / shard_name(task, folder.name, split, n), task, tuple(parts), rows[begin:end])
        for n, (begin, end) in enumerate(edges)
    ]


def shard_edges(samples: int, size: int, shard_bytes: int, *, name: str) -> list[tuple[int, int]]:
    """The first sample of each shard, and the one behind its last.

    The number of shards follows from the bytes; each gets a run of the shuffled order, equal in samples to within one.

    Args:
        samples: All that are to be dealt, at least one.
        size: Their bytes.
        shard_bytes: Near which a shard is cut.
        name: For errors.

    Raises:
        BuildError: so many shards that their numbers have no room in a name.
    """
    count = max(1, -(-size // shard_bytes))
    if count > GROUP:
        count = -(-count // GROUP) * GROUP
    count = min(count, samples)
    if count > 99_999:
        raise BuildError(f"{name} would need {count} shards", hint="Raise --shard-size.")
    return [(samples * n // count, samples * (n + 1) // count) for n in range(count)]


def write_shard(job: Job, progress: Progress) -> None:
    """Write the shard, its catalog piece and, last, its record; nothing when the record is there already."""
    record = record_path(job.path)
    if record.exists():
        return
    job.path.parent.mkdir(parents=True, exist_ok=True)
    rows = CatalogRows()
    members: set[str] = set()
    videos: set[str] = set()
    talks: Counter[str] = Counter()
    media_bytes = media_count = 0
    with ShardWriter(job.path) as shard:
        for ready in job.samples():
            place = shard.add(ready.key, [("json", ready.text), *ready.media])
            for one in ready.conversations:
                rows.add(one, shard=job.path.name, place=place)
                videos.add(one["canonical_video_id"])
                talks[one["task"]] += 1
            members.update(member for member, _ in ready.media)
            size = sum(len(data) for _, data in ready.media)
            media_bytes += size
            media_count += len(ready.media)
            progress(len(ready.conversations), size + len(ready.text))
        entry = shard.close()
    temporary = temporary_name(catalog_path(job.path))
    rows.write(temporary)
    temporary.replace(catalog_path(job.path))
    found = {
        "shard": entry,
        "members": sorted(members),
        "videos": sorted(videos),
        "conversations": dict(sorted(talks.items())),
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


class Opened:
    """Files that the rows of one shard come from: all in turn, so that a bounded number of them stays open."""

    def __init__(self) -> None:
        self._open: Callable[[str], _Open] = lru_cache(maxsize=256)(_Open)

    def __call__(self, path: Path | str) -> _Open:
        """The file, open for reading at any place."""
        return self._open(str(path))


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
            raise BuildError(f"{self._name}: {len(data)} of {length} bytes at {offset}: it was changed meanwhile")
        return data
