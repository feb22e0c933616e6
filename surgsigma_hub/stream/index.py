"""What is where: shards, blocks and samples of a choice of manifests as a few flat arrays.

Ten thousand shards with six million samples are about 4 MB here. The offset of a single sample is found when its block
is first read, by hopping from header to header (``tar.py``), not before.
"""

from __future__ import annotations

import hashlib
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from ..errors import ShardError, UnknownNameError
from ..shards.manifest import Manifest
from .order import Numbers

ALL = "all"


class Named(Protocol):
    """A manifest, or what its path says of it: one need not read a manifest to know that it is not asked for."""

    @property
    def task(self) -> str:
        """Its task."""

    @property
    def source(self) -> str:
        """Its source."""

    @property
    def split(self) -> str:
        """Its split."""

    @property
    def path(self) -> str:
        """Its place in the tree."""


@dataclass(frozen=True, slots=True)
class Listed:
    """The name of a manifest."""

    task: str
    source: str
    split: str

    @property
    def path(self) -> str:
        """Its place in the tree."""
        return f"data/{self.task}/{self.source}/{self.split}.manifest.json"

    @classmethod
    def from_path(cls, path: str) -> Listed:
        """From ``.../data/<task>/<source>/<split>.manifest.json``."""
        task, source, name = path.split("/")[-3:]
        return cls(task, source, name.removesuffix(".manifest.json"))


def choose(named: Iterable[Named], config: str | None, split: str, *, where: str) -> list[Named]:
    """The manifests of a config and split, in reading order.

    Args:
        named: All of a tree.
        config: A task, a source, ``<task>-<source>`` or ``all``, as for ``load_dataset``. None: all.
        split: One split, or several joined by ``+``.
        where: The tree, for errors.

    Raises:
        UnknownNameError: no such config, or it has no such split.
    """
    known: dict[str, set[str]] = {}
    found: list[Named] = []
    for m in named:
        names = (m.task, m.source, f"{m.task}-{m.source}", ALL)
        for name in names:
            known.setdefault(name, set()).add(m.split)
        if (config or ALL) in names:
            found.append(m)
    name = config or ALL
    if name not in known:
        raise UnknownNameError("config", name, known, where=where)
    wanted = [part.strip() for part in split.split("+")]
    for part in wanted:
        if part not in known[name]:
            raise UnknownNameError("split", part, known[name], where=f"config {name!r} of {where}")
    return sorted((m for m in found if m.split in wanted), key=lambda m: (wanted.index(m.split), m.task, m.source))


@dataclass(slots=True)
class Index:
    """Shards and blocks. Samples are numbered through, in the order of the shards.

    Attributes:
        places: Shards as ``data/<task>/<source>/<tar>``.
        hashes: sha256 of each shard, as the manifest says.
        bytes: Size of each shard.
        first: Number of the first sample of each shard, and behind the last one the number of all samples.
        block_first: The same of each block.
        block_shard: Shard of each block.
        block_start: Where each block begins in its shard.
        block_end: Where it ends; for the last one of a shard, where the shard does.
    """

    places: list[str]
    hashes: list[str]
    bytes: list[int]
    first: list[int]
    block_first: list[int]
    block_shard: list[int]
    block_start: list[int]
    block_end: list[int]
    sizes: Numbers = field(init=False)

    def __post_init__(self) -> None:
        first: Numbers = np.asarray(self.block_first, np.int64)
        self.sizes = first[1:] - first[:-1]

    @property
    def samples(self) -> int:
        """All samples."""
        return self.first[-1]

    def block_of(self, number: int) -> int:
        """The block that holds a sample."""
        return bisect_right(self.block_first, number) - 1

    def name(self, number: int) -> str:
        """A sample for error messages."""
        shard = bisect_right(self.first, number) - 1
        return f"{self.places[shard]}: sample {number - self.first[shard]}"

    def digest(self) -> str:
        """Changes whenever a shard does: names, hashes and numbers of samples."""
        total = hashlib.sha256()
        for place, sha, first in zip(self.places, self.hashes, self.first, strict=False):
            total.update(f"{place} {sha} {first}\n".encode())
        total.update(str(self.samples).encode())
        return total.hexdigest()


def make_index(manifests: Sequence[Manifest]) -> Index:
    """The index of manifests, in their order.

    Raises:
        ShardError: numbers of a manifest that contradict each other.
    """
    made = Index([], [], [], [0], [], [], [], [])
    total = 0
    for m in manifests:
        for shard in m.shards:
            if not shard.samples:
                continue
            blocks = shard.blocks or ((0, 0),)  # without an index the shard is one block
            number = len(made.places)
            starts, firsts = [b[0] for b in blocks], [b[1] for b in blocks]
            ends = [*starts[1:], shard.bytes]
            rising = all(a < b for a, b in zip(starts, ends, strict=True))
            if starts[0] or firsts[0] or not rising or any(
                a >= b for a, b in zip(firsts, [*firsts[1:], shard.samples], strict=True)
            ):  # fmt: skip
                raise ShardError(
                    f"{m.path}: the block index of {shard.name} contradicts itself",
                    hint="Rebuild this part of the tree.",
                )
            made.places.append(f"{m.folder}/{shard.name}")
            made.hashes.append(shard.sha256)
            made.bytes.append(shard.bytes)
            made.block_first += [total + n for n in firsts]
            made.block_shard += [number] * len(blocks)
            made.block_start += starts
            made.block_end += ends
            total += shard.samples
            made.first.append(total)
    made.block_first.append(total)
    made.__post_init__()
    return made
