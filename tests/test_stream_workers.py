"""Processes: forked, spawned, persistent; a stream that was in use before; every place of a StatefulDataLoader."""

from __future__ import annotations

import json
import multiprocessing
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import surgsigma_hub
from surgsigma_hub.streaming import RemoteOptions, Rgb, Stream, StreamSample

from handmade import CARD, sample, write_part
from webserver import serve

SAMPLES = 31


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("workers")
    write_part(root, [[sample(n) for n in range(at, min(SAMPLES, at + 9))] for at in range(0, SAMPLES, 9)])
    (root / "README.md").write_text(CARD)
    return root


@pytest.fixture(scope="module", params=[False, True], ids=["local", "remote"])
def place(request: pytest.FixtureRequest, tree: Path) -> Iterator[str]:
    if not request.param:
        yield str(tree)
        return
    with serve(tree) as web, pytest.MonkeyPatch.context() as patch:
        patch.setenv("no_proxy", "127.0.0.1")
        yield web.url


def open_stream(place: str | Path, **more: Any) -> Stream:
    how = RemoteOptions(timeout=5.0, connections=2)
    return surgsigma_hub.stream(
        place,
        **{
            "decode": Rgb(short_side=20),
            "seed": 3,
            "threads": 2,
            "shuffle": "block",
            "interleave": 3,
            "remote": how,
            **more,
        },
    )


def key(item: StreamSample) -> str:
    return item.key


def keys(items: list[StreamSample]) -> list[str]:
    return [item.key for item in items]


def rest(stream: Stream, out: Any) -> None:
    """What a child process makes of a stream that it was given."""
    out.put(([item.key for item in stream], stream.state_dict(), len(stream.errors.last)))


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_a_stream_in_use_goes_to_another_process(place: str, method: str) -> None:
    """Its threads, files and connections are alive; the child has its own and goes on at the same sample."""
    context = multiprocessing.get_context(method)
    expected = keys(list(open_stream(place)))
    with open_stream(place) as stream:
        rows = iter(stream)
        before = [next(rows).key for _ in range(7)]
        out = context.Queue()
        children = [context.Process(target=rest, args=(stream, out)) for _ in range(2)]
        for child in children:
            child.start()
        found = [out.get(timeout=60) for _ in children]
        for child in children:
            child.join(timeout=60)
            assert child.exitcode == 0
        assert [before + got for got, _, _ in found] == [expected] * 2
        assert found[0][1]["epoch"] == 1
        assert before + keys(list(rows)) == expected  # and the parent goes on as if nothing had been


FORKING = """
import os, sys, threading, time
sys.path.insert(0, sys.argv[1])
from surgsigma_hub.streaming.thread_pool import OrderedThreadPool
def work(job):
    import slowly  # holds the lock of the module while it sleeps
    return job
rows = OrderedThreadPool(work, threads=2).map(range(9))
threading.Thread(target=lambda: list(rows)).start()
time.sleep(0.2)  # in the middle of the import
child = os.fork()
if not child:
    import slowly
    assert list(OrderedThreadPool(work, threads=2).map(range(9))) == list(range(9))
    os._exit(7)
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


def test_a_fork_waits_for_work_under_way(tmp_path: Path) -> None:
    """Without that, the child waits for ever for the lock of an import that its parent's thread was in."""
    (tmp_path / "slowly.py").write_text("import time\ntime.sleep(0.6)\n")
    done = subprocess.run([sys.executable, "-c", FORKING, str(tmp_path)], capture_output=True, text=True, timeout=30)
    assert done.stdout == "7\n", done.stderr


FREEING = """
import gc, os, sys
from pathlib import Path
import numpy as np
from surgsigma_hub.media.film_pyav import open_pyav
from surgsigma_hub.media.video import encode_video
path = Path(sys.argv[1]) / "clip.mp4"
encode_video(path, (np.full((96, 128, 3), 9 * n, np.uint8) for n in range(20)), fps=10)
readers = [open_pyav(path.read_bytes(), path.name) for _ in range(3)]
assert len({reader.frames([2, 7, 19]).tobytes() for reader in readers}) == 1
child = os.fork()
if not child:
    readers.clear()
    gc.collect()
    assert open_pyav(path.read_bytes(), path.name).frames([3]).shape == (1, 96, 128, 3)
    os._exit(7)
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


def test_a_forked_worker_frees_the_films_of_its_parent(tmp_path: Path) -> None:
    """A conversion of PyAV 17 that has threads of its own waits for ever for them in a forked process."""
    done = subprocess.run([sys.executable, "-c", FREEING, str(tmp_path)], capture_output=True, text=True, timeout=60)
    assert done.stdout == "7\n", done.stderr


@pytest.mark.parametrize("method", ["fork", "spawn"])
@pytest.mark.torch
def test_persistent_workers(place: str, method: str) -> None:
    torch = pytest.importorskip("torch")
    stream = open_stream(place)
    next(iter(stream))
    stream.close()
    stream.set_epoch(1)
    stream.set_epoch(0)
    data = stream.torch(4)
    loader = torch.utils.data.DataLoader(
        data, batch_size=4, num_workers=2, collate_fn=keys, multiprocessing_context=method, persistent_workers=True
    )
    for epoch in (0, 1, 0):
        data.set_epoch(epoch)
        got = [k for batch in loader for k in batch]
        assert got == keys(list(open_stream(place, epoch=epoch)))
    del loader


@pytest.mark.parametrize("workers", [0, 1, 2, 3])
@pytest.mark.torch
def test_every_place_of_a_stateful_dataloader(tree: Path, workers: int) -> None:
    stateful = pytest.importorskip("torchdata.stateful_dataloader").StatefulDataLoader
    batch, context = 6, {"multiprocessing_context": "fork"} if workers else {}

    def make() -> Any:
        data = open_stream(tree, decode="bytes", threads=0).torch(batch)
        return stateful(data, batch_size=batch, num_workers=workers, collate_fn=keys, **context)

    order = keys(list(open_stream(tree, decode="bytes", threads=0)))
    expected = [order[at : at + batch] for at in range(0, SAMPLES, batch)]
    first = make()
    states = [json.dumps(first.state_dict(), default=str)]
    places = []
    for turn, got in enumerate(first):
        assert got == expected[turn]
        places.append(first.state_dict())
    assert len(places) == len(expected) and len(states[0]) < 20_000
    for turn, state in enumerate(places):
        second = make()
        second.load_state_dict(state)
        assert list(second) == expected[turn + 1 :], turn
    ended = make()
    ended.load_state_dict(first.state_dict())  # taken after the end of the loop: the next epoch is next
    ended.dataset.set_epoch(1)
    assert [k for row in ended for k in row] == keys(list(open_stream(tree, decode="bytes", threads=0, epoch=1)))


@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.torch
def test_every_place_by_state_after(tree: Path, workers: int) -> None:
    """With the plain DataLoader, to any other number of workers and ranks."""
    torch = pytest.importorskip("torch")
    order = keys(list(open_stream(tree, decode="bytes")))
    data = open_stream(tree, decode="bytes").torch(5)
    for turn, got in enumerate(torch.utils.data.DataLoader(data, batch_size=5, num_workers=workers, collate_fn=keys)):
        assert got == order[5 * turn : 5 * turn + 5]
        if 5 * turn + 5 >= SAMPLES:
            break
        state = data.state_after(5 * turn + 5)
        rows = []
        for rank in range(2):
            other = open_stream(tree, decode="bytes", rank=rank, world_size=2)
            other.load_state_dict(state)
            rows.append(keys(list(other)))
        mixed = [row[k] for k in range(SAMPLES) for row in rows if k < len(row)]
        assert order[: 5 * turn + 5] + mixed == order
    assert data.state_after(99)["epoch"] == data.state_after(SAMPLES)["epoch"] >= 1


@pytest.mark.torch
def test_a_worker_that_dies_is_an_error(tree: Path) -> None:
    torch = pytest.importorskip("torch")
    data = open_stream(tree, decode="bytes").torch(1)
    loader = torch.utils.data.DataLoader(data, batch_size=1, num_workers=1, collate_fn=_die)
    with pytest.raises(RuntimeError, match="exited unexpectedly"):
        list(loader)


def _die(items: list[StreamSample]) -> list[str]:
    import os
    import signal

    os.kill(os.getpid(), signal.SIGKILL)
    return []


@pytest.mark.torch
def test_an_error_in_a_worker_says_what_it_is(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    write_part(tmp_path, [[sample(n) for n in range(6)]])
    data = open_stream(tmp_path, decode="bytes").torch(2)
    (tmp_path / "data/phase_recognition/synthetic/train-00000.tar").unlink()
    with pytest.raises(surgsigma_hub.errors.ShardError, match=r"train-00000\.tar: shard named in the manifest is"):
        list(torch.utils.data.DataLoader(data, batch_size=2, num_workers=1, collate_fn=keys))
