"""A hundred epochs: no file handle, no thread and no memory more than after the first ones."""

from __future__ import annotations

import gc
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
import surgsigma_hub
from surgsigma_hub.streaming import RemoteOptions, Stream

from handmade import CARD, sample, write_part
from webserver import serve

EPOCHS, WARM = 100, 30
SIZE = (160, 120)


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """16 samples of 58 kB of pixels in four shards: an epoch is 0.9 MB, so one leaked a hundred times is 90 MB."""
    root = tmp_path_factory.mktemp("leaks")
    write_part(root, [[sample(n, size=SIZE) for n in range(at, at + 4)] for at in range(0, 16, 4)])
    (root / "README.md").write_text(CARD)
    return root


@pytest.fixture(params=[False, True], ids=["local", "remote"])
def place(request: pytest.FixtureRequest, tree: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    if not request.param:
        yield str(tree)
        return
    with serve(tree) as web:
        yield web.url


def open_stream(place: str, threads: int) -> Stream:
    return surgsigma_hub.stream(
        place, decode="rgb", threads=threads, shuffle="block", remote=RemoteOptions(connections=2, timeout=5.0)
    )


def growth(epoch: Callable[[int], None]) -> dict[str, int]:
    """What 70 epochs take and do not give back."""
    process = psutil.Process()

    def now() -> dict[str, int]:
        gc.collect()
        limit, calm, found = time.monotonic() + 5, 0, (0, 0)
        while calm < 5 and time.monotonic() < limit:  # the server's threads end a little after their connections
            time.sleep(0.04)
            last, found = found, (process.num_fds(), threading.active_count())
            calm = calm + 1 if found == last else 0
        return {"handles": found[0], "threads": found[1], "memory": process.memory_info().rss}

    for number in range(WARM):
        epoch(number)
    before = now()
    for number in range(WARM, EPOCHS):
        epoch(number)
    after = now()
    return {name: after[name] - before[name] for name in before}


def check(found: dict[str, int]) -> None:
    # Less than one of each in an epoch; what was just let go of may take a moment to end.
    assert found["handles"] < 20 and found["threads"] < 10, found
    assert found["memory"] < 15_000_000, found  # the allocator keeps a little more or less


@pytest.mark.parametrize("threads", [0, 2])
def test_one_stream_for_all_epochs(place: str, threads: int) -> None:
    with open_stream(place, threads) as stream:
        check(growth(lambda _: [None for _ in stream].clear()))


@pytest.mark.parametrize("threads", [0, 2])
def test_a_new_stream_for_each_epoch(place: str, threads: int) -> None:
    def epoch(number: int) -> None:
        with open_stream(place, threads) as stream:
            stream.set_epoch(number)
            for _ in stream:
                pass

    check(growth(epoch))


@pytest.mark.parametrize("threads", [0, 2])
def test_streams_that_are_broken_off_and_forgotten(place: str, threads: int) -> None:
    """Nobody closes them: what they hold goes with them."""

    def epoch(_: int) -> None:
        for item in open_stream(place, threads):
            if item.position == 5:
                break

    check(growth(epoch))


def test_a_leak_is_seen(tree: Path) -> None:
    """The bounds above are below what one array, one handle or one thread an epoch come to."""
    kept: list[Any] = []
    stop = threading.Event()

    def epoch(number: int) -> None:
        with open_stream(str(tree), 0) as stream:
            kept.extend(item.media for item in stream)
            kept.append(np.ones(2_000_000, np.uint8))  # so large that no memory freed by other tests holds them all
            kept.append((tree / "README.md").open())
            if number % 4 == 0:
                kept.append(threading.Thread(target=stop.wait))
                kept[-1].start()

    found = growth(epoch)
    stop.set()
    assert found["handles"] > 50 and found["threads"] > 10 and found["memory"] > 15_000_000, found


@pytest.mark.parametrize("workers", [0, 1])
@pytest.mark.torch
def test_a_dataloader(tree: Path, workers: int, monkeypatch: pytest.MonkeyPatch) -> None:
    torch = pytest.importorskip("torch")
    monkeypatch.setattr("test_stream_leaks.EPOCHS", 30)
    monkeypatch.setattr("test_stream_leaks.WARM", 10)
    data = open_stream(str(tree), 1).torch()
    loader = torch.utils.data.DataLoader(data, batch_size=None, num_workers=workers)

    def epoch(number: int) -> None:
        data.set_epoch(number)
        assert sum(1 for _ in loader) == 16

    check(growth(epoch))
