"""The order: golden values, and a model of ten lines that every number of ranks and workers must agree with."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from surgsigma_hub.errors import SurgSigmaError
from surgsigma_hub.streaming.order.mixture import PERIOD, Mixture, quotas
from surgsigma_hub.streaming.order.partition import Partition
from surgsigma_hub.streaming.order.permutation import (
    ORDER_VERSION,
    BlockOrder,
    FullOrder,
    Order,
    SequentialOrder,
    make_order,
)

BLOCKS = np.array([3, 1, 4, 1, 5, 9, 2, 6], np.int64)


def everything(order: Order) -> list[int]:
    return order.at(np.arange(len(order), dtype=np.int64)).tolist()


def test_the_orders_are_what_they_were() -> None:
    """A change here loses the place of every run in progress: raise ORDER_VERSION and say so in the changelog."""
    assert ORDER_VERSION == 1
    assert everything(FullOrder(12, seed=0, epoch=0)) == GOLDEN["full 0 0"]
    assert everything(FullOrder(12, seed=7, epoch=3)) == GOLDEN["full 7 3"]
    assert FullOrder(6_000_000, seed=1, epoch=2).at(np.array([0, 1, 5_999_999])).tolist() == GOLDEN["full large"]
    assert everything(BlockOrder(BLOCKS, seed=0, epoch=0, interleave=3)) == GOLDEN["block 0 0"]
    assert everything(BlockOrder(BLOCKS, seed=7, epoch=3, interleave=3)) == GOLDEN["block 7 3"]
    mixture = Mixture([4, 6], [4, 8], epoch=1, order=lambda part, n: FullOrder([4, 6][part], seed=part, epoch=n))
    assert everything(mixture) == GOLDEN["mixture"]


GOLDEN: dict[str, list[int]] = {
    "full 0 0": [6, 2, 3, 8, 4, 9, 5, 0, 1, 11, 10, 7],
    "full 7 3": [6, 2, 1, 5, 4, 8, 3, 9, 10, 11, 0, 7],
    "full large": [1107111, 639840, 2246328],
    "block 0 0": [27, 3, 8, 25, 23, 2, 29, 24, 1, 28, 12, 0, 30, 10, 26, 11, 18, 9, 22, 13, 17, 14, 20, 16, 21, 19, 15, 4, 6, 7, 5],  # noqa: E501
    "block 7 3": [8, 25, 24, 5, 28, 23, 6, 27, 13, 7, 26, 10, 4, 29, 9, 17, 30, 12, 15, 2, 11, 14, 1, 16, 0, 21, 3, 19, 20, 18, 22],  # noqa: E501
    "mixture": [8, 1, 6, 9, 2, 5, 8, 3, 4, 5, 0, 6],
}  # fmt: skip


block_lists = st.lists(st.integers(1, 90), min_size=1, max_size=30).map(lambda sizes: np.array(sizes, np.int64))
seeds = st.integers(-(2**40), 2**40)


@settings(max_examples=60)
@given(blocks=block_lists, seed=seeds, epoch=st.integers(0, 9), kind=st.sampled_from(["full", "block", "none"]),
       interleave=st.integers(1, 40))  # fmt: skip
def test_every_sample_once_and_any_position_by_itself(
    blocks: np.ndarray, seed: int, epoch: int, kind: str, interleave: int
) -> None:
    order = make_order(kind, blocks, seed=seed, epoch=epoch, interleave=interleave)  # type: ignore[arg-type]
    whole = everything(order)
    assert sorted(whole) == list(range(int(blocks.sum())))
    for position in {0, len(whole) // 2, len(whole) - 1}:
        assert order.at(np.array([position])).tolist() == [whole[position]]


def model(order: list[int], start: int, world: int, workers: int, run: int, uneven: str) -> list[list[list[int]]]:
    """What each worker of each rank gets, by dealing cards: the definition that ``Partition`` has to agree with."""
    left = list(range(start, len(order)))
    if uneven == "drop":
        left = left[: len(left) // world * world]
    while uneven == "pad" and len(left) % world:
        left.append((start + len(left)) % len(order))
    ranks = [left[rank::world] for rank in range(world)]
    runs = [[mine[at : at + run] for at in range(0, len(mine), run)] for mine in ranks]
    return [[[order[p] for r in mine[k::workers] for p in r] for k in range(workers)] for mine in runs]


@settings(max_examples=60)
@given(blocks=block_lists, seed=st.integers(0, 99), kind=st.sampled_from(["full", "block", "none"]),
       at=st.floats(0, 1), world=st.integers(1, 9), workers=st.integers(1, 5), run=st.integers(1, 7),
       uneven=st.sampled_from(["exact", "drop", "pad"]))  # fmt: skip
def test_ranks_and_workers_deal_the_order_out(
    blocks: np.ndarray, seed: int, kind: str, at: float, world: int, workers: int, run: int, uneven: str
) -> None:
    order = make_order(kind, blocks, seed=seed, epoch=1)  # type: ignore[arg-type]
    whole = everything(order)
    start = int(at * len(whole))
    expected = model(whole, start, world, workers, run, uneven)
    for rank in range(world):
        for worker in range(workers):
            share = Partition(len(whole), start, rank, world, uneven, worker, workers, run)  # type: ignore[arg-type]
            assert order.at(share.positions(0, len(share))).tolist() == expected[rank][worker]
            half = len(share) // 2
            assert order.at(share.positions(half, len(share))).tolist() == expected[rank][worker][half:]
    if uneven != "exact":
        assert len({sum(map(len, mine)) for mine in expected}) == 1


@given(world=st.integers(1, 8), other=st.integers(1, 8), steps=st.integers(0, 12), total=st.integers(1, 90))
def test_another_world_goes_on_where_this_one_stopped(world: int, other: int, steps: int, total: int) -> None:
    order = everything(FullOrder(total, seed=5, epoch=0))
    stop = min(total, steps * world)
    before = [order[p] for k in range(steps) for p in range(k * world, min(total, (k + 1) * world))]
    shares = [Partition(total, stop, rank, other) for rank in range(other)]
    rows = [[order[p] for p in share.positions(0, len(share))] for share in shares]
    after = [row[k] for k in range(max(map(len, rows))) for row in rows if k < len(row)]
    assert before + after == order


def test_seeds_epochs_and_positions_matter() -> None:
    orders = [everything(FullOrder(500, seed=s, epoch=e)) for s in range(3) for e in range(3)]
    assert len({tuple(order) for order in orders}) == 9
    together = np.array(orders)
    assert abs(np.corrcoef(together[0], np.arange(500))[0, 1]) < 0.2
    assert max(abs(np.corrcoef(together[0], other)[0, 1]) for other in together[1:]) < 0.2


def test_a_full_order_is_uniform() -> None:
    counts = np.zeros((7, 7))
    for seed in range(3000):
        counts[np.arange(7), FullOrder(7, seed=seed, epoch=0).at(np.arange(7))] += 1
    chi2 = ((counts - 3000 / 7) ** 2 / (3000 / 7)).sum()
    assert chi2 < 36 + 6 * (2 * 36) ** 0.5


def test_lanes_keep_ranks_apart() -> None:
    """Worlds that divide the lanes share the blocks out: nobody reads a block that another one reads."""
    blocks = np.full(64, 16, np.int64)
    order = BlockOrder(blocks, seed=1, epoch=0, interleave=16)
    for world in (1, 2, 4, 8, 16):
        seen = [
            set((order.at(Partition(1024, 0, r, world).positions(0, 1024 // world)) // 16).tolist())
            for r in range(world)
        ]
        assert sum(map(len, seen)) == 64


def test_a_block_order_reads_few_blocks_at_a_time() -> None:
    blocks = np.full(200, 64, np.int64)
    found = BlockOrder(blocks, seed=0, epoch=0, interleave=16).at(np.arange(12_800)) // 64
    first = {b: int(np.flatnonzero(found == b)[0]) for b in range(200)}
    last = {b: int(np.flatnonzero(found == b)[-1]) for b in range(200)}
    open_at = [sum(first[b] <= p <= last[b] for b in range(200)) for p in range(0, 12_800, 97)]
    assert max(open_at) <= 17


def test_six_million_samples_cost_nothing() -> None:
    import tracemalloc

    tracemalloc.start()
    order = BlockOrder(np.full(93_750, 64, np.int64), seed=0, epoch=0)
    order.at(np.arange(5_000_000, 5_001_024))
    FullOrder(6_000_000, seed=0, epoch=0).at(np.arange(5_000_000, 5_001_024))
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 20_000_000, "of six million numbers nothing is made that has a place for each"


@settings(max_examples=30)
@given(sizes=st.lists(st.integers(1, 40), min_size=1, max_size=5), epoch=st.integers(0, 3), data=st.data())
def test_a_mixture_keeps_its_shares_and_reads_its_parts_in_turn(
    sizes: list[int], epoch: int, data: st.DataObject
) -> None:
    weights = data.draw(st.lists(st.floats(0.05, 5), min_size=len(sizes), max_size=len(sizes)))
    shares = quotas(sizes, weights=weights)
    assert sum(shares) == sum(sizes)
    assert min(shares) >= 1
    starts = np.cumsum([0, *sizes])

    def order(part: int, n: int) -> Order:
        return FullOrder(sizes[part], seed=part, epoch=n)

    # The model: walk through all epochs, counting what each part has given.
    walked = [everything(Mixture(sizes, shares, epoch=e, order=order)) for e in range(epoch + 1)]
    given_so_far = [0] * len(sizes)
    for numbers in walked:
        parts = [int(np.searchsorted(starts, n, side="right")) - 1 for n in numbers]
        assert [parts.count(p) for p in range(len(sizes))] == shares
        for number, part in zip(numbers, parts, strict=True):
            passes, place = divmod(given_so_far[part], sizes[part])
            assert number == starts[part] + everything(order(part, passes))[place]
            given_so_far[part] += 1


def test_shares_of_long_mixtures() -> None:
    sizes = [1_000_000, 3_000_000, 5]
    shares = quotas(sizes, temperature=2.0)
    mixture = Mixture(sizes, shares, epoch=0, order=lambda part, n: SequentialOrder(sizes[part]))
    window = mixture.at(np.arange(1_000_000, 1_000_000 + 4 * PERIOD))
    first = float((window < 1_000_000).mean())
    assert abs(first - shares[0] / sum(shares)) < 1e-4
    parts = np.searchsorted([1_000_000, 4_000_000], window[:50], side="right")
    assert set(parts.tolist()) == {0, 1} or 2 in parts  # spread evenly, not in runs
    assert max(len(run) for run in "".join(map(str, parts)).split("0")) <= 3


def test_temperature_and_caps() -> None:
    assert quotas([100, 900]) == [100, 900]
    assert quotas([100, 900], temperature=1e9) == [500, 500]
    assert quotas([100, 900], caps=[None, 300]) == [100, 300]
    assert quotas([10, 10], weights=[1, 0]) == [20, 0]
    for bad in ({"weights": [0, 0]}, {"weights": [-1, 2]}, {"temperature": 0}, {"weights": [float("nan"), 1]}):
        with pytest.raises(SurgSigmaError):
            quotas([10, 10], **bad)  # type: ignore[arg-type]
