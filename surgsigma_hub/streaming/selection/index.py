"""What is where: shards, blocks and samples of a choice of manifests as a few flat arrays.

Ten thousand shards with six million samples are about 6 MB here. The offset of a single sample is found when its block
is first read, by hopping from header to header (``shards/tar_index.py``), not before.
"""

from __future__ import annotations

import hashlib
from array import array
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
import numpy.typing as npt

from ...errors import SurgSigmaError, UnknownNameError
from ...shards.config_names import ALL, FRAMES, config_names
from ...shards.manifest import Manifest, names_of
from ...shards.manifest_checks import Blocks
from ..order.permutation import Numbers


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
        """From ``.../data/<task>/<source>/<split>.manifest.json``.

        Raises:
            ShardError: names that no build gives.
        """
        return cls(*names_of("/".join(path.split("/")[-4:])))


def choose(named: Iterable[Named], config: str | None, split: str, *, where: str) -> list[Named]:
    """The manifests of a config and split, in reading order.

    Args:
        named: All of a tree.
        config: A task, a source, ``<task>-<source>`` or ``all``, as for ``load_dataset``. None: all.
        split: One split, or several joined by ``+``.
        where: The tree, for errors.

    Raises:
        UnknownNameError: no such config, or it has no such split.
        SurgSigmaError: it may be laid out by medium, or is.
    """
    known: dict[str, set[str]] = {}
    found: list[Named] = []
    for m in named:
        names = config_names(m.task, m.source)
        for name in names:
            known.setdefault(name, set()).add(m.split)
        if (config or ALL) in names:
            found.append(m)
    name = config or ALL
    if name not in known:
        if FRAMES in known:
            raise SurgSigmaError(
                f"{where}: no config {name!r} by task; what is laid out by medium is read with talk=",
                hint=f"Say talk='one', 'all' or 'turns' (in commands --talk one). {_known(known)}",
            )
        raise UnknownNameError("config", name, known, where=where)
    if any(m.task == FRAMES for m in found):
        raise SurgSigmaError(
            f"config {name!r} of {where} is laid out by medium: say what an item is",
            hint="talk='one': one conversation about each medium; 'all': every conversation; 'turns': a medium with "
            "its conversations as turns.",
        )
    wanted = [part.strip() for part in split.split("+")]
    for part in wanted:
        if part not in known[name]:
            raise UnknownNameError("split", part, known[name], where=f"config {name!r} of {where}")
    return sorted((m for m in found if m.split in wanted), key=lambda m: (wanted.index(m.split), m.task, m.source))


def _known(names: Iterable[str]) -> str:
    return f"Configs here: {', '.join(sorted(names))}."


def ints(values: npt.ArrayLike) -> array[int]:
    """Whole numbers as an array that gives plain integers: 8 bytes each, no object each, and fast to search in."""
    return array("q", np.ascontiguousarray(values, np.int64).tobytes())


@dataclass(frozen=True, slots=True)
class Wanted:
    """The samples that a filter keeps, and where the catalog says that they lie.

    Attributes:
        numbers: Their numbers, rising.
        start: Where each begins in its shard; -1 where the catalog does not say.
        end: Where each ends.
    """

    numbers: Numbers
    start: Numbers
    end: Numbers


def nowhere(count: int) -> Numbers:
    """That the catalog does not say where ``count`` samples lie: -1 for each, stored once."""
    return np.broadcast_to(np.int64(-1), count)


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
        wanted: The samples that are read at all; None: all are.
    """

    places: list[str]
    hashes: list[str]
    bytes: array[int]
    first: array[int]
    block_first: array[int]
    block_shard: array[int]
    block_start: array[int]
    block_end: array[int]
    wanted: Wanted | None = None
    sizes: Numbers = field(init=False)

    def __post_init__(self) -> None:
        self.sizes = np.diff(np.asarray(self.block_first))

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
    """The index of manifests, in their order; ``shards.manifest`` has made sure that their numbers agree."""
    listed = [(m, shard) for m in manifests for shard in m.shards if shard.samples]
    parts = [m.blocks.filled() for m in manifests] or [Blocks.of((), (), ())]
    size, samples, counts, flat = (
        np.concatenate([getattr(part, name) for part in parts]) for name in ("bytes", "samples", "counts", "numbers")
    )
    start, inside = flat[::2], flat[1::2]
    shard = np.repeat(np.arange(len(listed)), counts)
    ends = np.cumsum(counts) - 1
    end = np.append(start[1:], 0)
    end[ends] = size
    first = np.append(0, np.cumsum(samples))
    return Index(
        [f"{m.folder}/{shard.name}" for m, shard in listed],
        [shard.sha256 for _, shard in listed],
        ints(size),
        ints(first),
        ints(np.append(first[shard] + inside, first[-1])),
        ints(shard),
        ints(start),
        ints(end),
    )
