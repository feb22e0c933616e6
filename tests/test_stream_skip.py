"""Skipping damaged samples: the order, the ranks' steps and the state are what they are without damage."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

import pytest
import surgsigma_hub
from surgsigma_hub.errors import SurgSigmaError
from surgsigma_hub.streaming import Stream, StreamSample

from handmade import entries, sample, tar_bytes, write_part

SAMPLES = 47
BAD = {3, 4, 17, 18, 19, 30, 46}


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three shards; the pictures of ``BAD`` are missing."""
    root = tmp_path_factory.mktemp("skip")
    edges = [(0, 15), (15, 31), (31, SAMPLES)]
    manifest = write_part(root, [[sample(n) for n in range(*edge)] for edge in edges])
    for shard, edge in zip(manifest.shards, edges, strict=True):
        rows = [entries(*sample(n)) for n in range(*edge)]
        bad = [[(name, b"?" if n in BAD and "jpg" in name else data) for name, data in row]
               for n, row in zip(range(*edge), rows, strict=True)]  # fmt: skip
        data = tar_bytes(e for row in bad for e in row)
        assert len(data) <= shard.bytes
        (root / manifest.folder / shard.name).write_bytes(data)
    rewritten = json.loads((root / manifest.path).read_text())
    for shard in rewritten["shards"]:
        shard["bytes"] = (root / manifest.folder / shard["name"]).stat().st_size
    rewritten["bytes"] = sum(s["bytes"] for s in rewritten["shards"])
    (root / manifest.path).write_text(json.dumps(rewritten))
    return root


def number(item: StreamSample) -> int:
    return int(item.sample["frame_index"])


def open_stream(tree: Path, **more: Any) -> Stream:
    return surgsigma_hub.stream(
        tree, **{"seed": 5, "threads": 2, "decode": "rgb", "on_error": "skip", "rank": 0, "world_size": 1, **more}
    )


@pytest.fixture(scope="module")
def order(tree: Path) -> list[int]:
    """The whole order, damaged samples included: their JSON is whole."""
    return [number(i) for i in open_stream(tree, decode="bytes", on_error="raise")]


def with_stand_ins(order: list[int]) -> list[int]:
    """The rule: in place of a bad sample the good one nearest before it, round the corner."""
    out = []
    for at in range(len(order)):
        while order[at] in BAD:
            at -= 1
        out.append(order[at])
    return out


def test_the_damage_is_there(tree: Path, order: list[int]) -> None:
    assert sorted(order) == list(range(SAMPLES))
    with open_stream(tree) as stream:
        assert [number(i) for i in stream] == [n for n in order if n not in BAD]
        assert stream.errors.count == len(BAD) and "not a readable image" in stream.errors.last[0]


@pytest.mark.parametrize("uneven", ["drop", "pad"])
@pytest.mark.parametrize("world", [1, 2, 3, 4, 8])
def test_ranks_take_equal_steps(tree: Path, order: list[int], uneven: str, world: int) -> None:
    expected = with_stand_ins(order)
    steps = SAMPLES // world + (uneven == "pad" and SAMPLES % world > 0)
    rows, states = [], []
    for rank in range(world):
        with open_stream(tree, uneven=uneven, rank=rank, world_size=world) as stream:
            mine, here = [], []
            for batch in stream.batches(1):
                mine += [number(i) for i in batch]
                here.append(stream.state_dict())
            rows.append(mine)
            states.append(here)
            assert len(stream) == steps
    assert [row[k] for k in range(steps) for row in rows] == [expected[p % SAMPLES] for p in range(steps * world)]
    assert all(here == states[0] for here in states)


@pytest.mark.parametrize("world, other", [(1, 3), (2, 1), (3, 4)])
def test_going_on_among_damage(tree: Path, order: list[int], world: int, other: int) -> None:
    """Batches are steps: after as many batches all ranks stand at one place, whatever each of them had to skip."""
    good = [n for n in order if n not in BAD]
    for size in (1, 3):
        for stop in (1, 3):
            rows, states = [], []
            for rank in range(world):
                with open_stream(tree, rank=rank, world_size=world) as stream:
                    batches, mine = stream.batches(size), []
                    while stream.state_dict()["position"] < stop * size * world:
                        mine += [(i.position, number(i)) for i in next(batches)]
                    rows.append(mine)
                    states.append(stream.state_dict())
            if any(state != states[0] for state in states):
                assert size == 1  # a batch of which nothing is left is left out
                continue
            for rank in range(other):
                with open_stream(tree, rank=rank, world_size=other, threads=0) as stream:
                    stream.load_state_dict(states[0])
                    rows.append([(i.position, number(i)) for i in stream])
            assert [n for _, n in sorted(pair for row in rows for pair in row)] == good


def test_filling_up_is_not_silent(tree: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING), open_stream(tree) as stream:
        list(stream)
    assert len(caplog.records) == len(BAD) and "image.jpg: not a readable image" in caplog.text


def test_too_many_in_a_row(tree: Path) -> None:
    for uneven in ("exact", "drop"):
        with open_stream(tree, uneven=uneven, shuffle=False, max_errors_in_row=3) as stream:
            assert len(list(stream)) == SAMPLES - (len(BAD) if uneven == "exact" else 0)
        with (
            open_stream(tree, uneven=uneven, shuffle=False, max_errors_in_row=2) as stream,
            pytest.raises(SurgSigmaError, match="3 samples in a row could not be read"),
        ):
            list(stream)


# -- behind a DataLoader ---------------------------------------------------------------------------------------------


def numbers(items: list[StreamSample]) -> list[int]:
    return [number(i) for i in items]


def loader(data: Any, workers: int, batch: int | None, kind: Any = None) -> Any:
    from torch.utils.data import DataLoader

    return (kind or DataLoader)(data, batch_size=batch, num_workers=workers, collate_fn=numbers)


@pytest.mark.parametrize("workers", [0, 1, 2, 3])
@pytest.mark.parametrize("uneven", ["exact", "drop"])
@pytest.mark.torch
def test_workers_keep_the_order(tree: Path, order: list[int], workers: int, uneven: str) -> None:
    pytest.importorskip("torch")
    data = open_stream(tree, uneven=uneven).torch(4)
    found = list(loader(data, workers, 4))
    filled = with_stand_ins(order)
    assert found == [filled[at : at + 4] for at in range(0, SAMPLES, 4)]
    assert data.skipped == len(BAD)
    data = open_stream(tree, uneven=uneven).torch(4, batched=True)
    found = list(loader(data, workers, None))
    whole = filled if uneven == "drop" else order
    assert found == [[n for n in whole[at : at + 4] if n not in BAD] for at in range(0, SAMPLES, 4)]
    assert len(data) == len(found) and data.skipped == len(BAD)


@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize("batched", [False, True])
@pytest.mark.torch
def test_saved_among_damage(tree: Path, order: list[int], workers: int, batched: bool) -> None:
    """``state_after`` and ``StatefulDataLoader`` go on with the next batch, on other workers too."""
    stateful = pytest.importorskip("torchdata.stateful_dataloader").StatefulDataLoader
    filled = with_stand_ins(order)
    if batched:
        filled = order
    expected = [[n for n in filled[at : at + 4] if n not in BAD] for at in range(0, SAMPLES, 4)]
    for stop in (1, 5, 8):
        data = open_stream(tree).torch(4, batched=batched)
        first = loader(data, workers, None if batched else 4, stateful)
        rows = iter(first)
        before = [next(rows) for _ in range(stop)]
        other = open_stream(tree).torch(4, batched=batched)
        other.load_state_dict(data.state_after(4 * stop))
        assert before + list(loader(other, 3 - workers, None if batched else 4)) == expected
        again = loader(open_stream(tree).torch(4, batched=batched), workers, None if batched else 4, stateful)
        again.load_state_dict(first.state_dict())
        assert before + list(again) == expected
