"""A trainer that is killed at any moment and goes on, on another number of ranks: no sample lost, none twice."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import surgsigma_hub

from handmade import CARD, sample, write_part
from webserver import serve

TRAINER = """
import json, os, sys, surgsigma_hub
place, log, rank, world, begin, pause = sys.argv[1:]
rank, world, pause = int(rank), int(world), float(pause)
import time
stream = surgsigma_hub.stream(place, decode="rgb", seed=9, shuffle="block", rank=rank, world_size=world, threads=2)
if begin:
    stream.load_state_dict(json.loads(begin))
with open(log, "ab", buffering=0) as file:
    for batch in stream.batches(2):
        # One write is one step: the samples, and the state that goes on behind them.
        file.write(json.dumps([[i.key for i in batch], stream.state_dict()]).encode() + b"\\n")
        time.sleep(pause)
    file.write(b"end\\n")
"""


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("kill")
    write_part(root, [[sample(n) for n in range(at, at + 23)] for at in range(0, 230, 23)])
    (root / "README.md").write_text(CARD)
    return root


def read_log(path: Path) -> tuple[list[tuple[list[str], dict[str, object]]], bool]:
    """Whole steps that a trainer has done, and whether it came to the end."""
    lines = path.read_bytes().split(b"\n")[:-1] if path.exists() else []
    return [tuple(json.loads(line)) for line in lines if line != b"end"], lines[-1:] == [b"end"]


def run_killed(place: str, folder: Path, kills: int, worlds: list[int], draw: random.Random) -> list[str]:
    """Train with ``kills`` kills; gives what was trained on, in order. A step counts when all ranks have done it."""
    trained: list[str] = []
    begin = ""
    for life in range(kills + 1):
        world = worlds[life % len(worlds)]
        logs = [folder / f"{life}-{rank}.log" for rank in range(world)]
        pause = 0.004 if life < kills else 0.0
        processes = [
            subprocess.Popen([sys.executable, "-c", TRAINER, place, str(log), str(rank), str(world), begin, str(pause)])
            for rank, log in enumerate(logs)
        ]
        if life < kills:
            limit = time.monotonic() + 30
            while not all(log.exists() and log.stat().st_size for log in logs) and time.monotonic() < limit:
                time.sleep(0.005)
            time.sleep(draw.random() * 0.05)
            for process in processes:
                os.kill(process.pid, signal.SIGKILL)
        for process in processes:
            process.wait(timeout=300)
        done = [read_log(log) for log in logs]
        whole = min(len(steps) for steps, _ in done)
        if all(end for _, end in done):
            whole = max(len(steps) for steps, _ in done)  # the uneven end
        for step in range(whole):
            rows = [steps[step][0] for steps, _ in done if step < len(steps)]
            trained += [row[turn] for turn in range(max(map(len, rows))) for row in rows if turn < len(row)]
        if all(end for _, end in done):
            return trained
        if whole:
            begin = json.dumps(done[0][0][whole - 1][1])
    raise AssertionError("the last life did not come to the end")


@pytest.mark.parametrize("worlds", [[1], [2, 1, 3]])
def test_killed_and_resumed(tree: Path, tmp_path: Path, worlds: list[int]) -> None:
    expected = [i.key for i in surgsigma_hub.stream(tree, decode="bytes", seed=9, shuffle="block")]
    assert run_killed(str(tree), tmp_path, 4, worlds, random.Random(1)) == expected


# -- many lives -----------------------------------------------------------------------------------------------------

LAUNCHER = """
import json, os, sys, time
import surgsigma_hub, surgsigma_hub.streaming.storage.http

def train(place, log, rank, world, threads, begin, pause):
    stream = surgsigma_hub.stream(
        place, decode="rgb", seed=9, shuffle="block", interleave=4, rank=rank, world_size=world, threads=threads
    )
    if begin:
        stream.load_state_dict(begin)
    handle = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    for batch in stream.batches(2):
        # One write is one step: the samples, and the state that goes on behind them.
        os.write(handle, json.dumps([[i.key for i in batch], stream.state_dict()]).encode() + b"\\n")
        os.fsync(handle)
        time.sleep(pause)
    os.write(handle, b"end\\n")

for line in sys.stdin:  # each line is a process to start; what was killed is told by its number
    child = os.fork()
    if not child:
        try:
            train(*json.loads(line))
        finally:
            os._exit(0)
    print(child, flush=True)
"""


@pytest.fixture(scope="module")
def launcher() -> Iterator[subprocess.Popen[str]]:
    """Starts trainers by forking, for importing the package a thousand times would take an hour."""
    with subprocess.Popen(
        [sys.executable, "-c", LAUNCHER],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "no_proxy": "127.0.0.1"},
    ) as process:
        yield process
        process.kill()


def live(launcher: Any, place: str, folder: Path, draw: random.Random, kills: int) -> tuple[list[str], int]:
    """Lives with another world and other threads each time, all but the last of them killed at a random moment."""
    trained: list[str] = []
    begin: dict[str, object] | None = None
    for life in range(kills + 1):
        world, pause = draw.choice([1, 2, 3, 4, 8]), 0.003 if life < kills else 0.0
        logs = [folder / f"{life}-{rank}.log" for rank in range(world)]
        children = []
        for rank, log in enumerate(logs):
            job = [place, str(log), rank, world, draw.choice([0, 1, 2]), begin, pause]
            launcher.stdin.write(json.dumps(job) + "\n")
            launcher.stdin.flush()
            children.append(int(launcher.stdout.readline()))
        if life < kills:
            time.sleep(draw.random() * 0.12)
            for child in children:
                os.kill(child, signal.SIGKILL)  # one after the other, so that the ranks are at different steps
        limit = time.monotonic() + 300
        while any(_runs(child) for child in children) and time.monotonic() < limit:
            time.sleep(0.002)
        done = [read_log(log) for log in logs]
        ended = all(end for _, end in done)
        whole = max(len(steps) for steps, _ in done) if ended else min(len(steps) for steps, _ in done)
        for step in range(whole):
            rows = [steps[step][0] for steps, _ in done if step < len(steps)]
            trained += [row[turn] for turn in range(max(map(len, rows))) for row in rows if turn < len(row)]
        if ended:
            return trained, life
        if whole:
            assert len({json.dumps(steps[whole - 1][1]) for steps, _ in done}) == 1  # all ranks' states are one state
            begin = done[0][0][whole - 1][1]
    raise AssertionError("the last life did not come to the end")


def _runs(child: int) -> bool:
    """A child that was killed is a zombie until its parent ends."""
    return b") Z " not in Path(f"/proc/{child}/stat").read_bytes()


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc")
@pytest.mark.parametrize(
    "remote, kills", [(False, 6), (True, 6), *(pytest.param(r, 50, marks=pytest.mark.slow) for r in (False, True))]
)
def test_killed_at_random_moments(
    tree: Path, launcher: Any, tmp_path: Path, remote: bool, kills: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    expected = [i.key for i in surgsigma_hub.stream(tree, decode="bytes", seed=9, shuffle="block", interleave=4)]
    draw = random.Random(kills)
    killed = 0
    with serve(tree) as web:
        for run in range(10 * kills):
            folder = tmp_path / str(run)
            folder.mkdir()
            trained, lives = live(launcher, web.url if remote else str(tree), folder, draw, min(12, kills - killed))
            assert trained == expected
            killed += lives
            if killed >= kills:
                return
    raise AssertionError(f"only {killed} kills")
