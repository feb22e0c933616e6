"""Whole streams against a model of the order that was written down a second time, one number after the other."""

from __future__ import annotations

import hashlib
import json
from itertools import chain, zip_longest
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from surgsigma_hub.schema import FORMAT_VERSION
from surgsigma_hub.shards.manifest import Manifest, Shard
from surgsigma_hub.shards.tar_index import Members
from surgsigma_hub.streaming import Stream
from surgsigma_hub.streaming.decode.decoder import Decoder
from surgsigma_hub.streaming.sample import Settings
from surgsigma_hub.streaming.selection.dataset import LoadedSelection, Selection, StreamDataset
from surgsigma_hub.streaming.selection.index import Index, Wanted

MASK = 2**64 - 1


# -- the model: shuffling, lanes, mixtures and dealing, with lists and loops -------------------------------------------


def shuffled(size: int, words: str, tweak: int = 0) -> list[int]:
    """``range(size)``: each number through eight rounds of a Feistel network, until it is small enough."""
    keys = np.frombuffer(hashlib.blake2b(words.encode(), digest_size=64).digest(), "<u8").tolist()
    bits = max(2, (size - 1).bit_length())
    left = bits // 2
    right = bits - left
    out = []
    for value in range(size):
        while True:
            low, high = value % 2**right, value >> right
            for turn, key in enumerate(keys):
                mixed = ((high if turn % 2 else low) + key + tweak * 0x9E3779B97F4A7C15) & MASK
                mixed = (mixed ^ mixed >> 30) * 0xBF58476D1CE4E5B9 & MASK
                mixed = (mixed ^ mixed >> 27) * 0x94D049BB133111EB & MASK
                mixed ^= mixed >> 31
                if turn % 2:
                    low ^= mixed % 2**right
                else:
                    high ^= mixed % 2**left
            value = high << right | low
            if value < size:
                break
        out.append(value)
    return out


def order(blocks: list[list[int]], kind: str, seed: int, epoch: int, interleave: int) -> list[int]:
    """An epoch of blocks of sample numbers."""
    flat = list(chain(*blocks))
    if kind != "block":
        return flat if kind == "none" else [flat[p] for p in shuffled(len(flat), f"full/{seed}/{epoch}")]
    interleave = min(interleave, len(blocks))
    dealt = shuffled(len(blocks), f"blocks/{seed}/{epoch}")
    inside = [[blocks[b][p] for p in shuffled(len(blocks[b]), f"inside/{seed}/{epoch}", b)] for b in dealt]
    rows = zip_longest(*(chain(*inside[lane::interleave]) for lane in range(interleave)))
    return [n for row in rows for n in row if n is not None]


def mixed(
    parts: list[list[list[int]]], quotas: list[int], kind: str, seed: int, epoch: int, interleave: int
) -> list[int]:
    """An epoch of several parts in fixed shares; each part goes on where the epoch before left it."""
    seeds = [
        int.from_bytes(hashlib.blake2b(f"{seed}/{p}".encode(), digest_size=8).digest(), "big")
        for p in range(len(parts))
    ]
    pattern = [p for _, p in sorted(((k + 0.5) / q, p) for p, q in enumerate(quotas) for k in range(q))]
    taken, out = [q * epoch for q in quotas], []
    for part in pattern:
        turn, place = divmod(taken[part], sum(map(len, parts[part])))
        out.append(order(parts[part], kind, seeds[part], turn, interleave)[place])
        taken[part] += 1
    return out


def dealt(whole: list[int], start: int, rank: int, world: int, uneven: str) -> list[int]:
    """What is left to a rank."""
    left = list(range(start, len(whole)))
    if uneven == "drop":
        left = left[: len(left) // world * world]
    while uneven == "pad" and len(left) % world:
        left.append((start + len(left)) % len(whole))
    return [whole[p] for p in left[rank::world]]


# -- the stream, over samples that are nothing but their numbers -------------------------------------------------------


class Numbered:
    """A place in memory."""

    where, local = "memory", True

    def mappable(self) -> bool:
        return False

    def shards(self, index: Index, *, mapped: bool = False) -> Any:
        return self

    def begin(self) -> None: ...

    def stop(self) -> None: ...

    def close(self) -> None: ...

    def expect(self, numbers: Any) -> None: ...

    def read(self, number: int) -> Members:
        doc = {"format_version": FORMAT_VERSION, "id": str(number), "media": []}
        return Members(str(number), memoryview(json.dumps(doc).encode()), {}, "memory")


def manifest(task: str, shards: list[list[int]]) -> Manifest:
    """Shards as lists of the sizes of their blocks."""
    made = []
    for n, blocks in enumerate(shards):
        firsts = np.cumsum([0, *blocks]).tolist()
        index = tuple((1024 * first, first) for first in firsts[:-1])
        made.append(Shard(f"train-{n:05d}.tar", "0" * 64, 1024 * firsts[-1] + 1024, firsts[-1], index))
    samples = sum(s.samples for s in made)
    return Manifest(
        task=task, source="synthetic", split="train", samples=samples, bytes=sum(s.bytes for s in made), media_bytes=1,
        members=(), videos=("v",), options={}, shards=tuple(made),
    )  # fmt: skip


parts_of = st.lists(
    st.lists(st.lists(st.integers(1, 9), min_size=1, max_size=3), min_size=1, max_size=4), min_size=1, max_size=3
)


@settings(max_examples=250)
@given(
    shards=parts_of, kind=st.sampled_from(["full", "block", "none"]), seed=st.integers(0, 9), epoch=st.integers(0, 3),
    interleave=st.integers(1, 5), world=st.integers(1, 5), uneven=st.sampled_from(["exact", "drop", "pad"]),
    threads=st.sampled_from([0, 0, 2]), at=st.floats(0, 1), drop=st.sets(st.integers(0, 60), max_size=12),
    mix=st.booleans(), weights=st.lists(st.integers(1, 5), min_size=3, max_size=3), other=st.integers(1, 4),
)  # fmt: skip
def test_streams_follow_the_model(
    shards: list[list[list[int]]], kind: Any, seed: int, epoch: int, interleave: int, world: int, uneven: Any,
    threads: int, at: float, drop: set[int], mix: bool, weights: list[int], other: int,
) -> None:  # fmt: skip
    manifests = [manifest(f"task{n}", blocks) for n, blocks in enumerate(shards)]
    sizes = [m.samples for m in manifests]
    numbers = iter(range(sum(sizes)))
    parts = [[[next(numbers) for _ in range(b)] for b in chain(*blocks)] for blocks in shards]
    kept = [[[n for n in b if n not in drop] for b in blocks] for blocks in parts]
    kept = [[b for b in blocks if b] for blocks in kept]
    if not all(kept):
        drop, kept = set(), parts  # a part without samples is refused, which is tested elsewhere
    shares = tuple(map(float, weights[: len(parts)]))
    choice = Selection(
        tuple(m.task for m in manifests), tuple((m,) for m in manifests), shares if mix else None, mixed=mix
    )
    if not mix:
        choice = Selection(("all",), (tuple(manifests),))
    loaded = LoadedSelection(choice, tuple((m,) for m in manifests) if mix else (tuple(manifests),))
    every = np.array([n for n in range(sum(sizes)) if n not in drop], np.int64)
    unknown = np.full(len(every), -1)  # where they lie: not in the catalog
    wanted = Wanted(every, unknown, unknown) if drop else None
    data = StreamDataset(loaded, wanted=wanted, where={"label": "x"} if drop else None)
    whole = (
        mixed(kept, data.quotas or [], kind, seed, epoch, interleave)
        if mix
        else order([b for blocks in kept for b in blocks], kind, seed, epoch, interleave)
    )

    def stream(rank: int, world: int) -> Stream:
        how = Settings(kind, interleave, seed, rank, world, uneven, "raise", 32, threads)
        return Stream(data, Numbered(), Decoder("bytes"), how, epoch=epoch)  # type: ignore[arg-type]

    assert len(data) == len(whole)
    assert mix or sorted(whole) == every.tolist()
    steps = int(at * (len(whole) // world))
    states = []
    for rank in range(world):
        with stream(rank, world) as mine:
            rows = iter(mine)
            assert [int(next(rows).key) for _ in range(steps)] == dealt(whole, 0, rank, world, uneven)[:steps]
            states.append(json.dumps(mine.state_dict()))
            assert [int(i.key) for i in rows] == dealt(whole, 0, rank, world, uneven)[steps:]
            assert mine.state_dict()["epoch"] == epoch + 1
    if steps < len(dealt(whole, 0, world - 1, world, uneven)) or not steps:
        assert len(set(states)) == 1
        for rank in range(other):
            with stream(rank, other) as mine:
                mine.load_state_dict(json.loads(states[0]))
                assert [int(i.key) for i in mine] == dealt(whole, steps * world, rank, other, uneven)


def test_the_model_can_fail() -> None:
    blocks = [[0, 1, 2], [3], [4, 5, 6, 7]]
    assert order(blocks, "block", 0, 0, 2) != order(blocks, "block", 0, 1, 2) != order(blocks, "block", 1, 1, 2)
    assert sorted(order(blocks, "full", 0, 0, 1)) == list(range(8))
