"""What is fetched at a time: whole blocks or, where a filter keeps few samples of them, only what it keeps.

Two rules, both with a bound:

- A block of which at least half the bytes are wanted is fetched whole. Of any other one, neighbours go together where
  what lies between them is no more than their mean size and :data:`GAP`. So at most twice the wanted bytes are read.
- Units follow each other in one request where the same holds between them; nothing lies between whole blocks.

A catalog says where samples lie; for trees whose catalogs do not, a unit is always a block.
"""

from __future__ import annotations

from array import array
from bisect import bisect_right
from dataclasses import dataclass

import numpy as np

from ..order.permutation import Numbers
from ..selection.index import Index, ints

GAP = 256 << 10
"""Largest gap, in bytes, read through to join two ranges into one request: some 5 ms of a good line."""


@dataclass(slots=True)
class FetchRanges:
    """Ranges of bytes. Samples have turns: their numbers or, under a filter, their places among those it keeps.

    Attributes:
        first: Turn of the first sample of each unit, and behind the last one the number of all turns.
        shard: Shard of each unit.
        start: Where it begins in its shard.
        end: Where it ends.
        mergeable: 1 where the next unit may be asked for together with it.
    """

    first: array[int]
    shard: array[int]
    start: array[int]
    end: array[int]
    mergeable: array[int]
    index: Index
    _first: Numbers

    def __len__(self) -> int:
        return len(self.shard)

    def local_index(self, number: int) -> int:
        """The turn of a sample."""
        wanted = self.index.wanted
        return number if wanted is None else int(np.searchsorted(wanted.numbers, number))

    def of(self, turn: int) -> int:
        """The unit that holds a turn."""
        return bisect_right(self.first, turn) - 1

    def of_all(self, numbers: Numbers) -> Numbers:
        """The units that hold samples."""
        wanted = self.index.wanted
        turns = numbers if wanted is None else np.searchsorted(wanted.numbers, numbers)
        return np.searchsorted(self._first, turns, side="right") - 1

    def size(self, unit: int) -> int:
        """Bytes of a unit."""
        return self.end[unit] - self.start[unit]

    def span(self, turn: int) -> tuple[int, int] | None:
        """Where a sample begins and ends in its shard, if the catalog says so."""
        wanted = self.index.wanted
        if wanted is None or wanted.start[turn] < 0:
            return None
        return int(wanted.start[turn]), int(wanted.end[turn])


def make_fetch_ranges(index: Index) -> FetchRanges:
    """The units of an index, in the order of the shards."""
    block_start, block_end = np.asarray(index.block_start), np.asarray(index.block_end)
    if index.wanted is None:
        first: Numbers = np.asarray(index.block_first)
        shard = np.asarray(index.block_shard)
        mergeable = np.append(shard[1:] == shard[:-1], False)
        return FetchRanges(
            index.block_first, index.block_shard, index.block_start, index.block_end, ints(mergeable), index, first
        )
    wanted = index.wanted
    block = np.searchsorted(np.asarray(index.block_first), wanted.numbers, side="right") - 1
    known = wanted.start >= 0
    kept = np.bincount(block, np.where(known, wanted.end - wanted.start, 0), len(block_start))
    whole = ~known | (2 * kept >= block_end - block_start)[block]
    start = np.where(whole, block_start[block], wanted.start)
    end = np.where(whole, block_end[block], wanted.end)
    size = end - start
    shard = np.asarray(index.block_shard)[block]
    near = (start[1:] - end[:-1] <= np.minimum(GAP, (size[1:] + size[:-1]) // 2)) & (shard[1:] == shard[:-1])
    begins = np.flatnonzero(np.append(True, (block[1:] != block[:-1]) | ~near)[: len(block)])
    ends = np.append(begins[1:], len(block))[: len(begins)]
    mergeable = np.append(near[ends[:-1] - 1], False)
    first = np.append(begins, len(block)).astype(np.int64)
    return FetchRanges(
        ints(first), ints(shard[begins]), ints(start[begins]), ints(end[ends - 1]), ints(mergeable), index, first
    )
