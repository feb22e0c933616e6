"""A trainer that is killed at any moment and goes on, on another number of ranks: no sample lost, none twice."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import surgsigma_hub

from handmade import sample, write_part
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

CARD = """---
configs:
- config_name: phase_recognition-synthetic
  data_files: [{split: train, path: data/phase_recognition/synthetic/train-*.tar}]
---
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
            process.wait(timeout=60)
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


@pytest.mark.slow
@pytest.mark.parametrize("remote", [False, True])
def test_killed_fifty_times(tree: Path, tmp_path: Path, remote: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = [i.key for i in surgsigma_hub.stream(tree, decode="bytes", seed=9, shuffle="block")]
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    draw = random.Random(2)
    kills = 0
    with serve(tree) as web:
        for run in range(100):
            folder = tmp_path / str(run)
            folder.mkdir()
            worlds = draw.sample([1, 2, 3, 4, 8], 3)
            assert run_killed(web.url if remote else str(tree), folder, 5, worlds, draw) == expected
            kills += max(int(p.name.partition("-")[0]) for p in folder.iterdir())
            if kills >= 50:
                return
    raise AssertionError(f"only {kills} kills")
