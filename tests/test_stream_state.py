"""The state: exact on any number of ranks, workers and threads, in a new process, and refused elsewhere."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import surgsigma_hub
from hypothesis import given, settings
from hypothesis import strategies as st
from surgsigma_hub.errors import SurgSigmaError, UnknownNameError
from surgsigma_hub.streaming import Stream

from handmade import sample, write_part


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three tasks of 17, 6 and 2 samples."""
    root = tmp_path_factory.mktemp("state") / "tree"
    write_part(root, [[sample(n) for n in range(0, 7)], [sample(n) for n in range(7, 17)]])
    write_part(root, [[sample(n, task="step_recognition") for n in range(6)]])
    write_part(root, [[sample(n, task="image_captioning") for n in range(2)]])
    return root


def open_stream(tree: Path, **more: Any) -> Stream:
    return surgsigma_hub.stream(tree, **{"decode": "bytes", "seed": 3, **more})


def keys(stream: Stream) -> list[str]:
    return [item.key for item in stream]


MIXTURES: list[dict[str, Any]] = [
    {},
    {"shuffle": "block", "interleave": 2},
    {"shuffle": False},
    {"config": {"phase_recognition": 1.0, "image_captioning": 2.5}},
    {"temperature": 3.0, "caps": {"phase_recognition": 9}},
]


@settings(max_examples=60)
@given(
    arguments=st.sampled_from(MIXTURES),
    world=st.integers(1, 4),
    other=st.integers(1, 4),
    steps=st.integers(0, 40),
    threads=st.sampled_from([0, 2]),
    epoch=st.integers(0, 2),
)
def test_a_state_goes_on_anywhere(
    tree: Path, arguments: dict[str, Any], world: int, other: int, steps: int, threads: int, epoch: int
) -> None:
    whole = keys(open_stream(tree, epoch=epoch, rank=0, world_size=1, **arguments))
    before: list[list[str]] = []
    states = []
    steps = min(steps, len(whole) // world)
    for rank in range(world):
        with open_stream(tree, epoch=epoch, rank=rank, world_size=world, threads=threads, **arguments) as stream:
            rows = iter(stream)
            before.append([next(rows).key for _ in range(steps)])
            states.append(json.loads(json.dumps(stream.state_dict())))
    if steps < len(whole) // world:
        assert all(state == states[0] for state in states)
    after = []
    for rank in range(other):
        with open_stream(tree, rank=rank, world_size=other, threads=2 - threads, **arguments) as stream:
            stream.load_state_dict(states[0])
            stream.set_epoch(epoch)  # what a training loop does; must not lose the place
            after.append(keys(stream))
    assert [row[k] for k in range(steps) for row in before] + [
        row[k] for k in range(len(whole)) for row in after if k < len(row)
    ] == whole


def test_it_is_small_and_plain(tree: Path) -> None:
    stream = open_stream(tree, config={"phase_recognition": 1.0, "image_captioning": 2.5})
    next(iter(stream))
    assert len(json.dumps(stream.state_dict())) < 300


def test_a_new_process_goes_on(tree: Path) -> None:
    stream = open_stream(tree, threads=2)
    rows = iter(stream)
    before = [next(rows).key for _ in range(5)]
    code = (
        "import json, sys, surgsigma_hub\n"
        "s = surgsigma_hub.stream(sys.argv[1], decode='bytes', seed=3)\n"
        "s.load_state_dict(json.loads(sys.argv[2]))\n"
        "print(json.dumps([i.key for i in s]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tree), json.dumps(stream.state_dict())],
        capture_output=True, text=True, check=True, timeout=60,
    )  # fmt: skip
    assert before + json.loads(done.stdout) == keys(open_stream(tree))


def test_the_state_counts_what_was_delivered(tree: Path) -> None:
    stream = open_stream(tree, threads=2)
    for count, _ in enumerate(stream, start=1):
        assert stream.state_dict()["position"] == count
    assert (stream.epoch, stream.state_dict()["position"]) == (1, 0)


def test_batches(tree: Path) -> None:
    stream = open_stream(tree)
    sizes = []
    for batch in stream.batches(10):
        sizes.append(len(batch))
        assert stream.state_dict()["position"] == sum(sizes)
    assert sizes == [10, 10, 5]
    assert [len(batch) for batch in stream.batches(10, drop_last=True)] == [10, 10]
    with pytest.raises(SurgSigmaError, match="batch size must be 1 or more, got 0"):
        next(stream.batches(0))


def test_epochs(tree: Path) -> None:
    stream = open_stream(tree)
    first, second = keys(stream), keys(stream)
    assert sorted(first) == sorted(second) and first != second
    assert second == keys(open_stream(tree, epoch=1))
    stream.set_epoch(0)
    assert keys(stream) == first


def test_breaking_off_and_going_on(tree: Path) -> None:
    stream = open_stream(tree, threads=2)
    first = []
    for item in stream:
        first.append(item.key)
        if len(first) == 7:
            break
    assert first + keys(stream) == keys(open_stream(tree))


@pytest.mark.parametrize("uneven, lengths", [("exact", [5, 5, 5, 5, 5]), ("drop", [5] * 5), ("pad", [5] * 5)])
def test_even(tree: Path, uneven: str, lengths: list[int]) -> None:
    streams = [open_stream(tree, uneven=uneven, rank=r, world_size=5) for r in range(5)]
    assert [len(s) for s in streams] == [len(keys(s)) for s in streams] == lengths


@pytest.mark.parametrize("uneven, lengths", [("exact", [9, 8, 8]), ("drop", [8] * 3), ("pad", [9] * 3)])
def test_uneven(tree: Path, uneven: str, lengths: list[int]) -> None:
    streams = [open_stream(tree, uneven=uneven, rank=r, world_size=3) for r in range(3)]
    assert [len(s) for s in streams] == [len(keys(s)) for s in streams] == lengths


def test_rank_from_the_surroundings(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RANK", "1")
    monkeypatch.setenv("WORLD_SIZE", "2")
    assert keys(open_stream(tree)) == keys(open_stream(tree, rank=1, world_size=2))
    monkeypatch.setenv("RANK", "one")
    with pytest.raises(SurgSigmaError, match="RANK"):
        open_stream(tree)


@pytest.mark.parametrize(
    "change, message",
    [
        ({"seed": 4}, "another seed"),
        ({"shuffle": "block"}, "another way of shuffling"),
        ({"config": "phase_recognition"}, "other data"),
        ({"temperature": 2.0}, "other data"),
    ],
)
def test_a_state_of_another_stream_is_refused(tree: Path, change: dict[str, Any], message: str) -> None:
    state = open_stream(tree).state_dict()
    with pytest.raises(SurgSigmaError, match=message):
        open_stream(tree, **change).load_state_dict(state)


@pytest.mark.parametrize(
    "change, message",
    [
        ({"order": 0}, "shuffle-order version 0"),
        ({"position": 99}, "position 99 of 25"),
        ({"position": "3"}, "position missing or of the wrong kind"),
        ({"epoch": -1}, "epoch -1"),
        ({"data": None}, "data missing"),
    ],
)
def test_a_damaged_state_is_refused(tree: Path, change: dict[str, Any], message: str) -> None:
    stream = open_stream(tree)
    with pytest.raises(SurgSigmaError, match=message):
        stream.load_state_dict({**stream.state_dict(), **change})


def test_a_rebuilt_tree_is_other_data(tree: Path, tmp_path: Path) -> None:
    state = open_stream(tree, config="image_captioning").state_dict()
    write_part(tmp_path, [[sample(n, task="image_captioning", question="Other?") for n in range(2)]])
    with pytest.raises(SurgSigmaError, match="other data"):
        open_stream(tmp_path, config="image_captioning").load_state_dict(state)


def test_bad_arguments(tree: Path) -> None:
    with pytest.raises(UnknownNameError, match="phase_recognitoin"):
        open_stream(tree, config="phase_recognitoin")
    with pytest.raises(UnknownNameError, match="split 'val'"):
        open_stream(tree, split="val")
    for bad in (
        {"rank": 0}, {"rank": 2, "world_size": 2}, {"shuffle": "all"}, {"uneven": "cut"}, {"on_error": "ignore"},
        {"decode": "jpeg"}, {"threads": -1}, {"interleave": 0}, {"caps": {"nothing": 3}},
        {"config": {"phase_recognition": 1.0}}, {"config": {"phase_recognition": 1, "all": 1}, "temperature": 2.0},
    ):  # fmt: skip
        with pytest.raises(SurgSigmaError):
            open_stream(tree, **bad)
    with pytest.raises(SurgSigmaError, match="no such folder"):
        surgsigma_hub.stream(tree / "nowhere")
