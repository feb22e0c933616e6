"""Conversations in the shards of a tree: found by looking through each whole, then read one by one."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import orjson

from ..errors import ShardError
from ..schema import Layout
from ..shards.by_medium import conversations_in, is_about_one_medium, medium_hash, sample_of
from ..shards.manifest import Shard
from ..shards.part_reader import parsed, read_part_shard
from ..shards.tar_index import Members, members
from ..temporary import temporary_name
from .map import Progress
from .medium_shards import TALK, Media
from .parts import shuffle_key
from .shuffle import Opened, Ready

_BLOCK = 512

FOUND = np.dtype([*TALK.descr, ("order", "<u8"), ("task", "<u2"), ("turn", "<u4")])
"""One conversation of a shard: what the layout by medium needs, its place in the shuffled order, its task by number,
and which of the conversations of its sample it is."""


@dataclass(frozen=True, slots=True)
class ScanJob:
    """One shard to look through, and where what is found goes."""

    tree: Path
    folder: str
    shard: Shard
    layout: Layout
    seed: int
    tasks: tuple[str, ...]
    path: Path


def scan_shard(job: ScanJob, progress: Progress) -> None:
    """Write down every conversation of a shard, unless that was done before.

    Raises:
        ShardError: the shard is missing, damaged or not the one that its manifest lists.
    """
    if job.path.exists():
        return
    number = {task: n for n, task in enumerate(job.tasks)}
    found: list[tuple[int, ...]] = []
    offset = 0
    for key, stored in read_part_shard(job.tree, job.folder, job.shard):
        doc = parsed(stored, where=f"{job.folder}/{job.shard.name}: {key}", layout=job.layout)
        length = sum(_BLOCK + len(data) + -len(data) % _BLOCK for data in stored.values())
        media = sum(len(data) for name, data in stored.items() if name != "json")
        for turn, one in enumerate(conversations_in(doc, job.layout)):
            if not is_about_one_medium([m["role"] for m in one["media"]]) or one["task"] not in number:
                raise ShardError(
                    f"{job.folder}/{job.shard.name}: {key} is of task {one['task']!r} and answers with a medium or is "
                    "none that its manifest lists",
                    hint="See: surgsigma validate",
                )
            text = len(stored["json"]) if job.layout == "tasks" else len(orjson.dumps(one))
            order = shuffle_key(job.seed, one["id"])
            place = (medium_hash(one), 0, offset, length, text, text + media)
            found.append((*place, order, number[one["task"]], turn))
        offset += length
        progress(1, length)
    temporary = temporary_name(job.path)
    with temporary.open("wb") as file:
        np.save(file, np.array(found, FOUND))
    temporary.replace(job.path)


@dataclass(frozen=True, slots=True)
class TarRows:
    """Conversations in the shards of a tree, one a sample: see :class:`surgsigma_hub.building.medium_shards.Rows`."""

    files: tuple[Path, ...]

    def text(self, opened: Opened, file: int, offset: int, length: int) -> bytes:
        """The JSON of one, which comes first."""
        head = opened(self.files[file]).read(offset, _BLOCK)
        if not head[:100].rstrip(b"\0").endswith(b".json"):
            return bytes(self._sample(opened, file, offset, length).json)
        return opened(self.files[file]).read(offset + _BLOCK, int(head[124:135], 8))

    def media(self, opened: Opened, file: int, offset: int, length: int) -> Media:
        """Its media, compared with the sha256 that the JSON names."""
        found = self._sample(opened, file, offset, length)
        return _checked(orjson.loads(found.json), found.media, self.files[file].name)

    def _sample(self, opened: Opened, file: int, offset: int, length: int) -> Members:
        data = opened(self.files[file]).read(offset, length)
        return members(data, memoryview(data), 0, length, where=self.files[file].name)


def _checked(doc: Mapping[str, Any], media: Mapping[str, memoryview], where: str) -> Media:
    for one in doc["media"]:
        if hashlib.sha256(media.get(one["member"], b"")).hexdigest() != one["sha256"]:
            raise ShardError(f"{where}: {one['member']} of {doc['id']} is not what it was when it was written (sha256)")
    return [(name, bytes(data)) for name, data in media.items()]


@dataclass(frozen=True, slots=True, eq=False)
class TaskJob:
    """One shard by task, from shards by medium; ``rows`` are of :data:`FOUND`, in shard order."""

    path: Path
    source: TarRows
    rows: npt.NDArray[Any]

    def samples(self) -> Iterator[Ready]:
        """See :class:`surgsigma_hub.building.shuffle.Job`."""
        opened = Opened()
        for file, offset, length, turn in self.rows[["file", "offset", "length", "turn"]].tolist():
            medium = orjson.loads(self.source.text(opened, file, offset, length))
            one = sample_of(medium, medium["conversations"][turn])
            yield Ready(one["id"], orjson.dumps(one), self.source.media(opened, file, offset, length), [one])
