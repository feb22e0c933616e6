"""Behind a torch DataLoader: any number of workers, forked or spawned, gives the order of the stream."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import surgsigma_hub
from surgsigma_hub.errors import SurgSigmaError
from surgsigma_hub.streaming import Rgb, Stream, StreamSample

from handmade import sample, write_part

torch = pytest.importorskip("torch")
from torch.utils.data import DataLoader  # noqa: E402

pytestmark = pytest.mark.torch


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """53 samples in three shards."""
    root = tmp_path_factory.mktemp("torch")
    write_part(
        root,
        [[sample(n) for n in range(0, 20)], [sample(n) for n in range(20, 41)], [sample(n) for n in range(41, 53)]],
    )
    return root


def open_stream(tree: Path, **more: Any) -> Stream:
    return surgsigma_hub.stream(tree, **{"decode": "bytes", "seed": 3, "threads": 1, **more})


def keys(items: list[StreamSample]) -> list[str]:
    """A collate function; at module level, so that spawned workers find it."""
    return [item.key for item in items]


def key(item: StreamSample) -> str:
    return item.key


def loader(data: Any, workers: int, batch: int | None, **more: Any) -> Any:
    return DataLoader(data, batch_size=batch, num_workers=workers, collate_fn=keys if batch else key, **more)


def flat(batches: Any) -> list[str]:
    return [k for batch in batches for k in ([batch] if isinstance(batch, str) else batch)]


@pytest.mark.parametrize("workers", [0, 1, 2, 3])
@pytest.mark.parametrize("batch", [None, 1, 4, 100])
def test_the_order_is_that_of_the_stream(tree: Path, workers: int, batch: int | None) -> None:
    expected = [i.key for i in open_stream(tree)]
    assert flat(loader(open_stream(tree).torch(batch), workers, batch)) == expected


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_forked_and_spawned_workers(tree: Path, method: str) -> None:
    stream = open_stream(tree, decode=Rgb(short_side=20), threads=2)
    list(stream)  # threads and maps are alive when the workers start
    stream.set_epoch(0)
    found = flat(loader(stream.torch(4), 2, 4, multiprocessing_context=method))
    assert found == [i.key for i in open_stream(tree)]


@pytest.mark.parametrize("workers", [0, 2])
def test_epochs(tree: Path, workers: int) -> None:
    data = open_stream(tree).torch(4)
    persistent = loader(data, workers, 4, persistent_workers=workers > 0)
    for epoch in range(3):
        data.set_epoch(epoch)
        assert flat(persistent) == [i.key for i in open_stream(tree, epoch=epoch)]


@pytest.mark.parametrize("world", [1, 2])
def test_a_place_from_workers_holds_for_others(tree: Path, world: int) -> None:
    expected = [i.key for i in open_stream(tree)]
    rows, states = [], []
    for rank in range(world):
        data = open_stream(tree, rank=rank, world_size=world).torch(3)
        batches = iter(loader(data, 2, 3))
        rows.append([k for _ in range(4) for k in next(batches)])  # the workers are further than this
        states.append(json.loads(json.dumps(data.state_after(12))))
    assert all(state == states[0] for state in states)
    before = [row[k] for k in range(12) for row in rows]
    for workers, batch in ((0, 5), (3, 2), (1, None)):
        data = open_stream(tree).torch(batch)
        data.load_state_dict(states[0])
        assert before + flat(loader(data, workers, batch)) == expected


@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize("batch", [4, 53])
def test_the_state_of_the_last_batch_is_the_next_epoch(tree: Path, workers: int, batch: int) -> None:
    """Also of a short one, which a loop without workers gets when the reader is at its end already."""
    data = open_stream(tree).torch(batch)
    for epoch in range(3):
        data.set_epoch(epoch)
        taken, state = 0, {}
        for got in loader(data, workers, batch):
            taken += len(got)
            state = data.state_after(taken)
            assert state["epoch"] == (epoch if taken < 53 else epoch + 1)
        assert state == data.state_after(taken) == open_stream(tree, epoch=epoch + 1).state_dict()


def test_a_stateful_dataloader(tree: Path) -> None:
    stateful = pytest.importorskip("torchdata.stateful_dataloader")

    def make(workers: int, batch: int) -> Any:
        data = open_stream(tree).torch(batch)
        return stateful.StatefulDataLoader(data, batch_size=batch, num_workers=workers, collate_fn=keys)

    expected = [i.key for i in open_stream(tree)]
    for workers in (0, 2, 3):
        for stop in (1, 5, 9):
            first = make(workers, 4)
            batches = iter(first)
            before = [k for _ in range(stop) for k in next(batches)]
            state = first.state_dict()
            second = make(workers, 4)
            second.load_state_dict(state)
            assert before + flat(second) == expected, (workers, stop)


def test_another_loader_is_refused(tree: Path) -> None:
    data = open_stream(tree).torch(4)
    rows = iter(data)
    next(rows)
    other = open_stream(tree).torch(8)
    with pytest.raises(SurgSigmaError, match="taken with batch_size=4"):
        other.load_state_dict(data.state_dict())


@pytest.mark.parametrize("workers", [0, 2])
def test_pixels_come_as_tensors(tree: Path, workers: int) -> None:
    from_stream = {i.key: i.media["image.jpg"] for i in open_stream(tree, decode="rgb")}
    data = open_stream(tree, decode="rgb").torch()
    for item in DataLoader(data, batch_size=None, num_workers=workers):
        tensor = item.media["image.jpg"]
        assert tensor.dtype == torch.uint8 and (tensor.numpy() == from_stream[item.key]).all()
    masked = next(iter(open_stream(tree).torch()))
    assert isinstance(masked.media["image.jpg"], bytes)


def test_the_programs_torch_threads_stay(tree: Path) -> None:
    before = torch.get_num_threads()
    with open_stream(tree, decode=Rgb(short_side=20, kernel="torch"), threads=2) as stream:
        next(iter(stream))
        assert torch.get_num_threads() == before


def test_tensors_share_the_pixels(tree: Path) -> None:
    """Buffers come back only when the tensor is gone as well."""
    kept = {}
    with open_stream(tree, decode="rgb", threads=2) as stream:
        for _ in range(3):
            for item in stream:
                pixels = item.media["image.jpg"]
                tensor = torch.from_numpy(pixels)
                tensor[0, 0, 0] = item.position
                kept[stream.epoch, item.position] = tensor
                del pixels, item
    assert all(int(t[0, 0, 0]) == p for (_, p), t in kept.items())
