"""Shards by medium: the conversations of all tasks about one image or clip become one sample."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import orjson

from ..shards.by_medium import joined, medium_id, samples_of
from ..shards.config_names import FRAMES
from ..shards.shard_names import shard_name
from .parts import read_index, shuffle_key, split_row
from .shuffle import Opened, Ready, shard_edges

Media = Sequence[tuple[str, bytes]]

TALK = np.dtype(
    [("medium", "<u8"), ("file", "<u4"), ("offset", "<u8"), ("length", "<u4"), ("text", "<u4"), ("bytes", "<u4")]
)
"""One conversation: its medium, where its row lies, the bytes of its JSON, and those with its media."""


class Rows(Protocol):
    """Where conversations lie; plain data."""

    def text(self, opened: Opened, file: int, offset: int, length: int) -> bytes:
        """The JSON of one, as the layout by task has it."""

    def media(self, opened: Opened, file: int, offset: int, length: int) -> Media:
        """Its media."""


@dataclass(frozen=True, slots=True)
class PartRows:
    """Rows of parts: ``files`` are ``<part>/<task>.rows``."""

    files: tuple[Path, ...]

    def text(self, opened: Opened, file: int, offset: int, length: int) -> bytes:
        """See :class:`Rows`."""
        return split_row(opened(self.files[file]).read(offset, length))[2]

    def media(self, opened: Opened, file: int, offset: int, length: int) -> Media:
        """See :class:`Rows`."""
        _, blobs, _ = split_row(opened(self.files[file]).read(offset, length))
        store = opened(self.files[file].parent / "media.bin")
        return [(b.member, store.read(b.offset, b.length)) for b in blobs]


@dataclass(frozen=True, slots=True, eq=False)
class MediumJob:
    """One shard by medium.

    Attributes:
        path: Place of the tar in the staging folder.
        source: Where its rows lie.
        talks: Of :data:`TALK`, those of one medium beside each other, in shard order.
        first: Where the talks of each medium begin, and behind the last one their number.
    """

    path: Path
    source: Rows
    talks: npt.NDArray[Any]
    first: npt.NDArray[Any]

    def samples(self) -> Iterator[Ready]:
        """See :class:`surgsigma_hub.building.shuffle.Job`."""
        opened = Opened()
        places = list(zip(*(self.talks[name].tolist() for name in ("file", "offset", "length")), strict=True))
        for begin, end in zip(self.first[:-1].tolist(), self.first[1:].tolist(), strict=True):
            medium = joined(orjson.loads(self.source.text(opened, *place)) for place in places[begin:end])
            media = self.source.media(opened, *places[begin])
            yield Ready(medium["id"], orjson.dumps(medium), media, list(samples_of(medium)))


def medium_jobs(
    talks: npt.NDArray[Any], source: Rows, *, name: str, split: str, folder: Path, seed: int, shard_bytes: int
) -> list[MediumJob]:
    """Deal the media of one source and split to shards.

    Args:
        talks: Of :data:`TALK`, in an order that does not depend on who works.
        source: Where they lie.
        name: Of the source.
        split: Their split.
        folder: Where the shards go.
        seed: Of the order.
        shard_bytes: Near which a shard is cut.
    """
    if not len(talks):
        return []
    talks = talks[np.argsort(talks["medium"], kind="stable")]
    media, first, counts = np.unique(talks["medium"], return_index=True, return_counts=True)
    size = int(talks["bytes"][first].sum()) + int(talks["text"].sum()) - int(talks["text"][first].sum())
    keys = np.array([shuffle_key(seed, medium_id(name, medium)) for medium in media.tolist()], np.uint64)
    order = np.argsort(keys, kind="stable")
    edges = shard_edges(len(media), size, shard_bytes, name=f"{FRAMES}/{split}")
    jobs: list[MediumJob] = []
    for number, (begin, end) in enumerate(edges):
        mine = order[begin:end]
        starts = np.concatenate([[0], np.cumsum(counts[mine])])
        # The talks of medium m are first[m], first[m] + 1, ...: a run for each.
        places = np.repeat(first[mine] - starts[:-1], counts[mine]) + np.arange(starts[-1])
        jobs.append(MediumJob(folder / shard_name(FRAMES, name, split, number), source, talks[places], starts))
    return jobs


def talks_of_parts(parts: Sequence[Path], tasks: Sequence[str]) -> tuple[npt.NDArray[Any], PartRows]:
    """The conversations of some parts that go into the layout by medium, and where they lie."""
    files: list[Path] = []
    found: list[npt.NDArray[Any]] = [np.empty(0, TALK)]
    for part in parts:
        for task in tasks:
            index = read_index(part, task)
            index = index[index["medium"] != 0]
            made = np.empty(len(index), TALK)
            for column in ("medium", "offset", "length", "text", "bytes"):
                made[column] = index[column]
            made["file"] = len(files)
            files.append(part / f"{task}.rows")
            found.append(made)
    return np.concatenate(found), PartRows(tuple(files))
