"""What is fetched at a time: pure properties of the rule, and that no way of asking changes what is read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
import surgsigma_hub
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from surgsigma_hub.errors import ShardError
from surgsigma_hub.shards.manifest import Manifest
from surgsigma_hub.streaming import RemoteOptions, Stream
from surgsigma_hub.streaming.selection.index import Index, Wanted, ints
from surgsigma_hub.streaming.storage.ranges import GAP, make_fetch_ranges

from packed import write_packed
from webserver import serve

LABELS = ["common"] * 99 + ["rare"]


def make(shards: list[list[list[int]]], kept: list[bool] | None, known: bool) -> tuple[Index, np.ndarray, np.ndarray]:
    """An index of shards of blocks of samples of so many half kilobytes; where each sample begins and ends."""
    first, shard, start, end, begins, ends, sizes = [0], [], [], [], [], [], []
    for n, blocks in enumerate(shards):
        at = 0
        for block in blocks:
            shard.append(n)
            start.append(at)
            for size in block:
                begins.append(at)
                at += size * 512
                ends.append(at)
            end.append(at)
            first.append(first[-1] + len(block))
        end[-1] += 1024  # the end mark
        sizes.append(end[-1])
    places = [f"{n}.tar" for n in range(len(shards))]
    firsts = ints(np.cumsum([0, *(sum(map(len, s)) for s in shards)]))
    index = Index(places, [""] * len(shards), ints(sizes), firsts, ints(first), ints(shard), ints(start), ints(end))
    if kept is not None:
        numbers = np.flatnonzero(np.resize(kept, first[-1]))
        nowhere = np.full(len(numbers), -1)
        index.wanted = Wanted(
            numbers, np.array(begins)[numbers] if known else nowhere, np.array(ends)[numbers] if known else nowhere
        )
    return index, np.array(begins), np.array(ends)


shards_of_blocks = st.lists(
    st.lists(st.lists(st.integers(1, 900), min_size=1, max_size=12), min_size=1, max_size=5), min_size=1, max_size=4
)


@settings(max_examples=80)
@given(shards=shards_of_blocks, kept=st.none() | st.lists(st.booleans(), min_size=1, max_size=60), known=st.booleans())
def test_units_hold_what_is_wanted_and_little_else(
    shards: list[list[list[int]]], kept: list[bool] | None, known: bool
) -> None:
    index, begins, ends = make(shards, kept, known)
    units = make_fetch_ranges(index)
    numbers = index.wanted.numbers if index.wanted else np.arange(index.samples)
    assert units.of_all(numbers).tolist() == [units.of(units.local_index(n)) for n in numbers.tolist()]
    asked: dict[int, int] = {}
    for number in numbers.tolist():
        unit = units.of(units.local_index(number))
        block = index.block_of(number)
        assert units.shard[unit] == index.block_shard[block]
        assert units.start[unit] <= begins[number] and ends[number] <= units.end[unit]
        assert index.block_start[block] <= units.start[unit] and units.end[unit] <= index.block_end[block]
        asked[unit] = asked.get(unit, 0) + int(ends[number] - begins[number])
        if known and index.wanted:
            assert units.span(units.local_index(number)) == (begins[number], ends[number])
    assert sorted(asked) == list(range(len(units)))  # none for nothing
    for unit, bytes_wanted in asked.items():
        if kept is not None and known:
            assert units.size(unit) <= 2 * bytes_wanted + 1024
        if unit + 1 < len(units) and units.shard[unit] == units.shard[unit + 1]:
            gap = units.start[unit + 1] - units.end[unit]
            assert gap >= 0
            if units.mergeable[unit]:
                assert gap <= GAP
            elif kept is None:
                raise AssertionError("blocks side by side may go together")
    if kept is None or not known:
        assert set(zip(units.start, units.end, strict=True)) <= set(
            zip(index.block_start, index.block_end, strict=True)
        )


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """60 MB in four shards; one sample in a hundred is rare."""
    root = tmp_path_factory.mktemp("units") / "tree"
    sizes = np.random.default_rng(1).integers(5_000, 35_000, (4, 750)).tolist()
    write_packed(root, sizes, labels=LABELS)
    return root


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Shards of three blocks and of one."""
    root = tmp_path_factory.mktemp("units") / "small"
    sizes = [[100 + 7 * n for n in range(150)], [60] * 40, [5000] * 64]
    write_packed(root, sizes, labels=["a", "b", "a", "c", "d", "a", "a"])
    return root


def open_stream(place: str | Path, **more: Any) -> Stream:
    how = {"timeout": 5.0, "deadline": 20.0, **more.pop("how", {})}
    return surgsigma_hub.stream(place, **{"decode": "bytes", "threads": 0, "remote": RemoteOptions(**how), **more})


def rows(stream: Stream) -> list[tuple[str, Any, Any]]:
    with stream:
        return [(item.key, item.sample, item.media) for item in stream]


def shard_bytes(tree: Path) -> int:
    return sum(p.stat().st_size for p in tree.glob("data/*/*/*.tar"))


@pytest.mark.parametrize("shuffle", ["block", "none", "full"])
def test_a_filter_that_keeps_little_reads_little(tree: Path, shuffle: str) -> None:
    here = rows(open_stream(tree, where={"label": "rare"}, shuffle=shuffle))
    assert len(here) == 30
    with serve(tree) as web:
        assert rows(open_stream(web.url, where={"label": "rare"}, shuffle=shuffle)) == here
        # All that was sent: the card, the manifest, the footer and the columns of the catalog, and the samples.
        assert web.sent <= 0.03 * shard_bytes(tree)
        assert sum(web.asked()) <= 0.02 * shard_bytes(tree)


def test_a_filter_that_keeps_much_asks_seldom(tree: Path) -> None:
    where = {"label": "common"}
    here = rows(open_stream(tree, where=where, shuffle="none"))
    with serve(tree) as web:
        assert rows(open_stream(web.url, where=where, shuffle="none")) == here
        blocks = 4 * -(-750 // 64)
        assert len(web.tars()) <= blocks
        assert sum(web.asked()) <= shard_bytes(tree)


def without(tree: Path, home: Path, change: Any) -> Path:
    """The tree with another catalog."""
    for path in tree.rglob("*"):
        if path.is_file():
            (home / path.relative_to(tree)).parent.mkdir(parents=True, exist_ok=True)
            (home / path.relative_to(tree)).write_bytes(path.read_bytes())
    catalog = next(home.glob("catalog/*.parquet"))
    pq.write_table(change(pq.read_table(catalog)), catalog)
    return home


def test_a_tree_whose_catalog_does_not_say_where(small: Path, tmp_path: Path) -> None:
    old = without(small, tmp_path, lambda table: table.drop_columns(["offset", "bytes"]))
    same = {"where": {"label": "c"}, "shuffle": "block"}
    with serve(old) as web:
        assert rows(open_stream(web.url, **same)) == rows(open_stream(old, **same)) == rows(open_stream(small, **same))


def test_offsets_of_another_build_are_not_believed(
    small: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    def moved(table: Any) -> Any:
        at = table.schema.get_field_index("offset")
        values = table["offset"].to_pylist()
        return table.set_column(at, "offset", [[values[0], values[1] + 512, *values[2:]]])

    wrong = without(small, tmp_path, moved)
    with serve(wrong) as web:
        found = rows(open_stream(web.url, where={"label": "c"}, shuffle="none"))
    assert found == rows(open_stream(small, where={"label": "c"}, shuffle="none"))
    assert "offsets that do not fit the manifest" in caplog.text


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    shuffle=st.sampled_from(["none", "block", "full"]),
    where=st.sampled_from([None, {"label": "a"}, {"label": "d"}, {"label": ["b", "c"]}]),
    connections=st.integers(1, 5),
    request=st.integers(1, 900_000),
    ahead=st.sampled_from([0, 20_000, 1 << 22]),
    memory=st.sampled_from([0, 1 << 20]),
    threads=st.sampled_from([0, 2]),
    interleave=st.integers(1, 5),
    skip=st.integers(0, 120),
)
def test_the_way_of_asking_never_changes_what_is_read(
    small: Path, shuffle: str, where: Any, connections: int, request: int, ahead: int, memory: int, threads: int,
    interleave: int, skip: int,
) -> None:  # fmt: skip
    same = {"shuffle": shuffle, "where": where, "interleave": interleave, "threads": threads}
    here = open_stream(small, **same)
    state = {**here.state_dict(), "position": min(skip, here.samples)}
    here.load_state_dict(state)
    how = {"connections": connections, "request": request, "ahead": ahead, "memory": memory}
    with serve(small) as web:
        there = open_stream(web.url, **same, how=how)
        there.load_state_dict(state)
        assert rows(there) == rows(here)


def test_neighbours_go_together_within_the_bound(small: Path) -> None:
    with serve(small) as web:
        rows(open_stream(web.url, shuffle="none", how={"connections": 1, "request": 10**9, "ahead": 10**9}))
        assert len(web.tars()) == 4  # the first block alone, then one request for the rest of each shard
        web.log.clear()
        rows(open_stream(web.url, shuffle="none", how={"connections": 1, "request": 1, "ahead": 10**9}))
        assert len(web.tars()) == 5
        for bound, requests in ((300_000, 5), (350_000, 4)):  # the second and third block have 318 kB
            web.log.clear()
            rows(open_stream(web.url, shuffle="none", how={"connections": 1, "request": bound, "ahead": 10**9}))
            assert len(web.tars()) == requests


def damaged(tree: Path, home: Path, block: int) -> Manifest:
    """A copy whose first shard has a broken header at the start of a block."""
    made = write_packed(home, [[100 + 7 * n for n in range(250)]])
    path = home / made.folder / made.shards[0].name
    data = bytearray(path.read_bytes())
    data[made.shards[0].blocks[block][0] + 130] ^= 1
    path.write_bytes(data)
    return made


def test_a_damaged_block_costs_its_neighbours_nothing(small: Path, tmp_path: Path) -> None:
    damaged(small, tmp_path, 2)
    # The damage is one sample's; but then the shard is read to its end, and the sum says that it is bad.
    lost = 1 + 58
    for where in (None, {"label": "common"}):
        with serve(tmp_path) as web:
            stream = open_stream(web.url, shuffle="none", where=where, on_error="skip", max_errors_in_row=100,
                                 how={"connections": 1, "request": 10**9, "ahead": 10**9})  # fmt: skip
            assert len(rows(stream)) == 250 - lost
            assert stream.errors.count == lost
            assert len(web.tars()) == 2  # together, although one of them is bad
        with serve(tmp_path) as web, pytest.raises(ShardError, match=r"train-00000\.tar: .*damaged"):
            rows(open_stream(web.url, shuffle="none", where=where))


@pytest.mark.parametrize("fault", ["cut", "short", "shifted", "reset", "stall", "429"])
def test_a_large_request_that_fails_becomes_small_ones(small: Path, fault: str) -> None:
    here = rows(open_stream(small, shuffle="none"))
    with serve(small) as web:
        web.faults += ["none", fault]
        patience = 2.0 if fault == "stall" else 20.0  # a slow machine is no fault
        how = {"connections": 1, "request": 10**9, "ahead": 10**9, "timeout": patience}
        assert rows(open_stream(web.url, shuffle="none", how=how)) == here
        together = 1 if fault == "429" else 2  # a busy server would not like to be asked more often
        assert len(web.tars()) == 4 + together
