"""A shard that is read as a whole is compared with the sha256 of its manifest; nobody gets wrong data in silence."""

from __future__ import annotations

import hashlib
import threading
import time
from concurrent.futures import CancelledError
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import surgsigma_hub
from hypothesis import given, settings
from hypothesis import strategies as st
from surgsigma_hub.errors import ShardError, SurgSigmaError
from surgsigma_hub.streaming import RemoteOptions, Stream
from surgsigma_hub.streaming.selection.index import Index, ints
from surgsigma_hub.streaming.storage.checksums import ShardChecksums

from packed import write_packed
from webserver import serve

SAMPLES = [[3000] * 200, [3000] * 40]


def changed(tree: Path) -> Path:
    """A tree whose first shard has one other byte in a picture: no header shows it."""
    made = write_packed(tree, SAMPLES)
    path = tree / made.folder / made.shards[0].name
    data = bytearray(path.read_bytes())
    data[made.shards[0].blocks[1][0] + 4000] ^= 1
    path.write_bytes(data)
    return tree


def open_stream(place: str | Path, **more: Any) -> Stream:
    how = {"timeout": 5.0, "deadline": 20.0, **more.pop("how", {})}
    return surgsigma_hub.stream(place, **{"decode": "bytes", "shuffle": "none", "remote": RemoteOptions(**how), **more})


def checked(stream: Stream) -> int:
    return stream._shards._fetcher.sums.checked  # type: ignore[union-attr]


@pytest.mark.parametrize("threads", [0, 3])
@pytest.mark.parametrize("how", [{"connections": 1, "ahead": 0}, {"connections": 8}, {"connections": 3, "memory": 0}])
def test_whole_shards_are_checked(tmp_path: Path, threads: int, how: dict[str, Any]) -> None:
    write_packed(tmp_path, SAMPLES)
    with serve(tmp_path) as web, open_stream(web.url, threads=threads, how=how) as stream:
        for epoch in range(2):
            assert len(list(stream)) == 240
            assert checked(stream) == 2 if epoch == 0 else checked(stream) >= 2


@pytest.mark.parametrize("threads", [0, 3])
@pytest.mark.parametrize("connections", [1, 8])
def test_a_shard_with_other_content_is_an_error(tmp_path: Path, threads: int, connections: int) -> None:
    changed(tmp_path)
    how = {"connections": connections}
    with serve(tmp_path) as web:
        with (
            open_stream(web.url, threads=threads, how=how) as stream,
            pytest.raises(ShardError, match=r"train-00000\.tar: is not the shard that the manifest describes"),
        ):
            list(stream)
        with open_stream(web.url, threads=threads, how=how, on_error="skip", max_errors_in_row=500) as stream:
            # The end of the shard in the first epoch, whatever the timing; all of it from then on.
            assert [len(list(stream)) for _ in range(3)] == [232, 40, 40]
            assert stream.errors.count == 8 + 200 + 200
            assert "train-00000.tar: is not the shard" in stream.errors.last[-1]


def test_every_medium_is_compared_on_request(tmp_path: Path) -> None:
    changed(tmp_path)
    with serve(tmp_path) as web, open_stream(web.url, shuffle="block", verify=True, on_error="skip") as stream:
        assert len(list(stream)) == 239 and "sha256" in stream.errors.last[-1]


def test_a_full_disk_cache_is_checked(tmp_path: Path) -> None:
    changed(tmp_path / "tree")
    cache = tmp_path / "cache"
    with serve(tmp_path / "tree") as web:
        how = {"cache": cache, "connections": 1}
        with open_stream(web.url, shuffle="block", how=how, on_error="skip", max_errors_in_row=500) as stream:
            first = len(list(stream))
            assert 40 <= first < 240 and len(list(stream)) == 40
        assert len(list(cache.glob("*.block"))) == 1  # nothing of the bad shard is kept
        web.log.clear()
        write_packed(tmp_path / "tree", SAMPLES)
        with open_stream(web.url, shuffle="block", how=how) as stream:
            assert len(list(stream)) == 240 and checked(stream) >= 1


def test_a_shard_read_from_its_middle_is_not_waited_for(tmp_path: Path) -> None:
    write_packed(tmp_path, SAMPLES)
    with serve(tmp_path) as web, open_stream(web.url) as stream:
        stream.load_state_dict({**stream.state_dict(), "position": 100})
        assert len(list(stream)) == 140 and checked(stream) == 1


@pytest.mark.parametrize("fault", ["stall", "stall and close"])
def test_closing_does_not_wait_for_answers(tmp_path: Path, fault: str) -> None:
    """Neither for those that began, nor for those that some thread was just about to ask for."""
    write_packed(tmp_path, SAMPLES)
    with serve(tmp_path) as web:
        web.stall = 300.0
        web.faults += [fault] * 50
        stream = open_stream(web.url, threads=2, how={"timeout": 600.0, "deadline": 600.0})
        rows = iter(stream)
        found: list[Any] = []

        def take() -> None:
            try:
                found.append(next(rows))
            except (SurgSigmaError, CancelledError) as error:
                found.append(error)

        taker, closer = threading.Thread(target=take, daemon=True), threading.Thread(target=stream.close, daemon=True)
        taker.start()
        while not web.tars():
            time.sleep(0.01)
        closer.start()
        closer.join(150)
        taker.join(30)
        assert not closer.is_alive() and not taker.is_alive() and found


@settings(max_examples=100)
@given(cuts=st.sets(st.integers(1, 199), max_size=8), data=st.data())
def test_any_order_of_arrival_gives_the_sum_or_none(cuts: set[int], data: st.DataObject) -> None:
    whole = bytes(range(200))
    edges = [0, *sorted(cuts), 200]
    ranges = list(pairwise(edges))
    wrong = data.draw(st.booleans())
    digest = hashlib.sha256(whole + b"!" * wrong).hexdigest()
    one = ints([0, 1])
    sums = ShardChecksums(Index(["x.tar"], [digest], ints([200]), one, one, ints([0]), ints([0]), ints([200])))
    under_way = data.draw(st.integers(1, len(ranges)))  # how many are asked for before the first is there
    lost = data.draw(st.none() | st.sampled_from(ranges))
    waiting, left = list[tuple[int, int]](), list(ranges)
    while left or waiting:
        while left and len(waiting) < under_way:
            waiting.append(left.pop(0))
            sums.expect(0, *waiting[-1])
        start, end = waiting.pop(data.draw(st.integers(0, len(waiting) - 1)))
        if (start, end) == lost:
            sums.lose(0, start)
        else:
            sums.add(0, start, whole[start:end])
    in_order = lost is None
    if in_order:
        assert sums.checked == (0 if wrong else 1)
    if lost is not None:
        assert sums.checked == 0
    if wrong and in_order:
        with pytest.raises(ShardError, match="is not the shard"):
            sums.check(0, 200)
    else:
        sums.check(0, 200)
