"""The order of an epoch as a pure function: from positions to sample numbers, at any place, without a list of them.

Nothing here knows of ranks, workers or threads, and nothing is drawn from a generator with a state: what stands at
position ``p`` follows from the index, the seed and the epoch alone. A change of what these functions give is a breaking
change: it raises :data:`ORDER_VERSION`, and states of another version are refused.
"""

from __future__ import annotations

import hashlib
from typing import Literal, Protocol

import numpy as np
import numpy.typing as npt

ORDER_VERSION = 1
"""Raised whenever the same arguments would give another order."""

INTERLEAVE = 16
"""Blocks that a block shuffle mixes at a time. See :class:`BlockOrder`."""

Shuffle = Literal["full", "block", "none"]
Numbers = npt.NDArray[np.int64]

_ROUNDS = 8
_PIECE = 1 << 16
"""Values that are permuted at a time: some 150 bytes each are needed meanwhile."""
_U = np.uint64


class Order(Protocol):
    """A list of sample numbers, never made as a whole."""

    def __len__(self) -> int: ...

    def at(self, positions: Numbers) -> Numbers:
        """The sample numbers at ``positions``, each in ``0..len-1``."""


def compact(values: npt.ArrayLike, most: int) -> Numbers:
    """Whole numbers of 0 to ``most`` in 4 bytes each where they fit: there may be one for each of millions of media.

    What is looked up in them must have their type, or numpy converts all of them.
    """
    return np.asarray(values, np.int32 if most < 1 << 31 else np.int64)


def round_keys(*words: object) -> npt.NDArray[np.uint64]:
    """Keys of one permutation, from whatever names it."""
    text = "/".join(str(word) for word in words)
    return np.frombuffer(hashlib.blake2b(text.encode(), digest_size=8 * _ROUNDS).digest(), dtype="<u8").astype(_U)


def permute(
    values: Numbers, sizes: Numbers, keys: npt.NDArray[np.uint64], tweaks: npt.NDArray[np.uint64] | None = None
) -> Numbers:
    """Each value through a permutation of ``range(size)``; elements of one size and tweak share one permutation.

    A Feistel network over the bits that the size needs, walked on until the value is below the size: every step is a
    bijection, so no two values meet. The domain is less than twice the size, so a walk takes two steps on average.

    Args:
        values: ``0 <= value < size``.
        sizes: One size for all or one per value.
        keys: See :func:`round_keys`.
        tweaks: Distinguishes permutations of one key, one per value.
    """
    sizes = np.broadcast_to(sizes, values.shape)
    if len(values) > _PIECE:
        parts = [slice(n, n + _PIECE) for n in range(0, len(values), _PIECE)]
        return np.concatenate(
            [permute(values[part], sizes[part], keys, None if tweaks is None else tweaks[part]) for part in parts]
        )
    out = values.astype(_U)
    bits = np.maximum(2, np.frexp((sizes - 1).astype(np.float64))[1])  # frexp counts bits exactly, log2 may not
    left = (bits // 2).astype(_U)
    right = bits.astype(_U) - left
    todo = np.arange(len(out))
    limit = sizes.astype(_U)
    while len(todo):
        moved = _network(out[todo], left[todo], right[todo], keys, None if tweaks is None else tweaks.astype(_U)[todo])
        out[todo] = moved
        todo = todo[moved >= limit[todo]]
    return out.astype(np.int64)


def _network(
    values: npt.NDArray[np.uint64],
    left: npt.NDArray[np.uint64],
    right: npt.NDArray[np.uint64],
    keys: npt.NDArray[np.uint64],
    tweaks: npt.NDArray[np.uint64] | None,
) -> npt.NDArray[np.uint64]:
    one = _U(1)
    low_mask, high_mask = (one << right) - one, (one << left) - one
    low, high = values & low_mask, values >> right
    with np.errstate(over="ignore"):
        for number, key in enumerate(keys):
            if number % 2:
                low ^= _hash(high, key, tweaks) & low_mask
            else:
                high ^= _hash(low, key, tweaks) & high_mask
    return (high << right) | low


def _hash(
    values: npt.NDArray[np.uint64], key: np.uint64, tweaks: npt.NDArray[np.uint64] | None
) -> npt.NDArray[np.uint64]:
    """The finaliser of splitmix64 over value, key and tweak."""
    mixed = values + key
    if tweaks is not None:
        mixed = mixed + tweaks * _U(0x9E3779B97F4A7C15)
    mixed = (mixed ^ (mixed >> _U(30))) * _U(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> _U(27))) * _U(0x94D049BB133111EB)
    return mixed ^ (mixed >> _U(31))


class SequentialOrder:
    """The order of the shards."""

    def __init__(self, size: int) -> None:
        self._size = size

    def __len__(self) -> int:
        return self._size

    def at(self, positions: Numbers) -> Numbers:
        """The positions themselves."""
        return positions


class FullOrder:
    """A full permutation: what local files allow at no cost."""

    def __init__(self, size: int, *, seed: int, epoch: int) -> None:
        self._size = size
        self._keys = round_keys("full", seed, epoch)

    def __len__(self) -> int:
        return self._size

    def at(self, positions: Numbers) -> Numbers:
        """The sample numbers at ``positions``."""
        return permute(positions, np.array(self._size), self._keys)


class BlockOrder:
    """Shuffled blocks dealt to lanes; position ``p`` takes from lane ``p % lanes``, blocks are shuffled inside.

    There are ``interleave`` lanes, and about as many blocks are being read at any time. A rank of a world whose size
    divides ``interleave`` takes from its own lanes only, so the ranks share the blocks out among them and none is read
    twice; a world of another size gets the same order, but some blocks are then read by more than one rank. Where lanes
    run out unevenly, at the very end of an epoch, the others go on in turn.

    Args:
        sizes: Samples of each block, none empty; sample numbers count through the blocks.
        dealt: The blocks in the order in which they are dealt. None: a permutation of them.
    """

    def __init__(
        self, sizes: Numbers, *, seed: int, epoch: int, interleave: int = INTERLEAVE, dealt: Numbers | None = None
    ) -> None:
        count = len(sizes)
        self._lanes = max(1, min(interleave, count))
        self._size = int(sizes.sum())
        self._keys = round_keys("inside", seed, epoch)
        if dealt is None:
            dealt = permute(np.arange(count), np.array(count), round_keys("blocks", seed, epoch))
        # Blocks lane by lane, so that one search finds the block of any place of any lane.
        self._blocks = compact(np.concatenate([dealt[lane :: self._lanes] for lane in range(self._lanes)]), count)
        places = compact(np.append(0, np.cumsum(sizes[self._blocks], dtype=np.int64)), self._size)
        self._places = places  # where each of these blocks begins, and behind the last one
        self._first = compact((np.cumsum(sizes, dtype=np.int64) - sizes)[self._blocks], self._size)
        edges = np.cumsum([0] + [len(dealt[lane :: self._lanes]) for lane in range(self._lanes)])
        self._lane_start = places[edges[:-1]].astype(np.int64)
        lengths = places[edges[1:]].astype(np.int64) - self._lane_start
        self._even = int(lengths.min()) if count else 0
        over = lengths - self._even
        lane = np.repeat(np.arange(self._lanes), over)
        turn = np.concatenate([np.arange(n) for n in over]) if count else np.zeros(0, np.int64)
        order = np.lexsort((lane, turn))
        self._tail_lane, self._tail_turn = lane[order], turn[order] + self._even

    def __len__(self) -> int:
        return self._size

    def at(self, positions: Numbers) -> Numbers:
        """The sample numbers at ``positions``."""
        lane, turn = positions % self._lanes, positions // self._lanes
        late = positions >= self._even * self._lanes
        if late.any():
            tail = positions[late] - self._even * self._lanes
            lane[late], turn[late] = self._tail_lane[tail], self._tail_turn[tail]
        place = self._lane_start[lane] + turn
        block = np.searchsorted(self._places, place.astype(self._places.dtype), side="right") - 1
        begin, end, first, name = (
            found.astype(np.int64)
            for found in (self._places[block], self._places[block + 1], self._first[block], self._blocks[block])
        )
        numbers: Numbers = first + permute(place - begin, end - begin, self._keys, name)
        return numbers


def make_order(shuffle: Shuffle, blocks: Numbers, *, seed: int, epoch: int, interleave: int = INTERLEAVE) -> Order:
    """The order of an epoch.

    Args:
        shuffle: ``full``, ``block`` or ``none``.
        blocks: Samples of each block, none empty.
        seed: Any integer.
        epoch: Counted from 0; unused by ``none``.
        interleave: See :class:`BlockOrder`.
    """
    if shuffle == "block":
        return BlockOrder(blocks, seed=seed, epoch=epoch, interleave=interleave)
    size = int(blocks.sum())
    return FullOrder(size, seed=seed, epoch=epoch) if shuffle == "full" else SequentialOrder(size)
