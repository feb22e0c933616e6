"""What README.md says in "Train on it" works as it is written there: its own lines are run on a small tree."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from itertools import chain, zip_longest
from pathlib import Path
from typing import Any

import pytest
from surgsigma_hub.cli import main

from conftest import ROOT
from webserver import serve

SECTION = re.search(r"^## Train on it\n(.*?)^## ", (ROOT / "README.md").read_text("utf-8"), re.DOTALL | re.MULTILINE)
BLOCKS = re.findall(r"^```python\n(.*?)^```", SECTION[1], re.DOTALL | re.MULTILINE) if SECTION else []
TASKS = ("phase_recognition", "instrument_recognition", "action_recognition")
LOOP = "for batch in stream.batches(8):\n"
SAVE = "    state = stream.state_dict()"
LOG = """\
    log.write(json.dumps([[item.key for item in batch], state]) + "\\n")
    log.flush()
    time.sleep(pause)
"""
"""What a test adds to the loop: a line of a log for each step, and time to be killed."""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the tree ``surgsigma`` in it, as ``surgsigma demo`` makes one, but smaller."""
    folder = tmp_path_factory.mktemp("home")
    options = [w for o in ("videos=6", "frames=24", "width=96", "height=64") for w in ("--option", o)]
    tasks = [w for t in TASKS for w in ("--task", t)]
    assert main(["build", "synthetic", "--out", str(folder / "surgsigma"), *tasks, *options]) == 0
    assert main(["repack", str(folder / "surgsigma"), "--layout", "frames", "--out", str(folder / "pictures")]) == 0
    return folder


def start(code: str, folder: Path, home: Path, **env: str) -> subprocess.Popen[str]:
    """A program in a file, as a user has it, run where the tree is."""
    program = folder / f"train{env.get('RANK', '')}.py"
    program.write_text(code)
    surroundings = {k: v for k, v in os.environ.items() if k not in ("RANK", "WORLD_SIZE")}
    return subprocess.Popen(
        [sys.executable, str(program)], cwd=home, env={**surroundings, **env}, stdout=subprocess.PIPE, text=True
    )


def finish(process: subprocess.Popen[str]) -> str:
    out, _ = process.communicate(timeout=120)
    assert process.returncode == 0
    return out


def test_the_section_is_found() -> None:
    assert BLOCKS, "README.md has no section 'Train on it' with a program in it"
    assert BLOCKS[0].count(LOOP) == 1, "the first program has another loop; adapt this test"
    assert BLOCKS[0].splitlines()[-1].startswith(SAVE), "the first program ends otherwise; adapt this test"


@pytest.mark.torch
def test_the_programs_run(home: Path, tmp_path: Path) -> None:
    """One after the other in one process, for later ones use the names of earlier ones."""
    pytest.importorskip("torch", reason="torch is not installed: the programs of README.md were not all run")
    finish(start("\n\n".join(BLOCKS), tmp_path, home))


def test_the_first_program_does_what_it_says(home: Path, tmp_path: Path) -> None:
    code = BLOCKS[0] + (
        "\nimport collections, json, sys\n"
        "assert 'torch' not in sys.modules, 'it needs no torch'\n"
        "pixels = batch[0].media['image.jpg']\n"
        "assert stream.epoch == 1, 'after an epoch the stream stands at the start of the next one'\n"
        "tasks = collections.Counter(item.sample['task'] for item in stream)\n"
        "roles = [message['role'] for message in batch[0].sample['messages']]\n"
        "print(json.dumps([tasks, pixels.shape, str(pixels.dtype), len(json.dumps(state)), roles]))\n"
    )
    tasks, shape, dtype, length, roles = json.loads(finish(start(code, tmp_path, home)))
    assert abs(tasks["phase_recognition"] - 2 * tasks["instrument_recognition"]) <= 2
    assert min(shape[:2]) == 336 and shape[2] == 3 and dtype == "uint8"
    assert 100 <= length <= 250 and roles[:2] == ["user", "assistant"]


def steps(log: Path) -> list[Any]:
    """Whole lines of a log: the keys of a batch, and the state after it."""
    return [json.loads(line) for line in log.read_text().split("\n")[:-1]] if log.exists() else []


def run(home: Path, folder: Path, tree: str, world: int, state: Any, kill_after: int | None) -> tuple[list[str], Any]:
    """A job of ``world`` processes, from ``state`` on, all of them killed after some steps.

    Gives the keys that the job got in steps that all its processes have done, step by step, and the state after them.
    """
    logs = [folder / f"{world}-{rank}.log" for rank in range(world)]
    jobs = []
    for rank, log in enumerate(logs):
        before = f"import json, time\nlog = open({str(log)!r}, 'a')\npause = {0.3 if kill_after else 0}\n"
        before += f"stream.load_state_dict(json.loads({json.dumps(state)!r}))\n" if state else ""
        code = BLOCKS[0].replace(LOOP, before + LOOP).replace('"surgsigma"', repr(tree)) + LOG
        jobs.append(start(code, folder, home, RANK=str(rank), WORLD_SIZE=str(world)))
    while kill_after and min(len(steps(log)) for log in logs) < kill_after and all(j.poll() is None for j in jobs):
        time.sleep(0.01)
    for job in jobs:
        if kill_after:
            job.send_signal(signal.SIGKILL)
            job.communicate(timeout=60)
            assert job.returncode == -signal.SIGKILL
        else:
            finish(job)
    rows = [steps(log) for log in logs]
    done = min(map(len, rows)) if kill_after else None
    shares = [list(chain.from_iterable(keys for keys, _ in row[:done])) for row in rows]
    found = [key for turn in zip_longest(*shares) for key in turn if key is not None]
    return found, rows[0][done - 1][1] if done else None


@pytest.mark.slow
@pytest.mark.parametrize("where", ["folder", "web"])
def test_a_killed_run_goes_on_with_other_processes(home: Path, tmp_path: Path, where: str) -> None:
    """One process, then two, then three: the sequence of samples is that of a run that was never killed."""
    with serve(home / "surgsigma") as web:
        tree = "surgsigma" if where == "folder" else web.url
        found: list[str] = []
        state = None
        for world, kill_after in ((1, 2), (2, 2), (3, None)):
            more, state = run(home, tmp_path, tree, world, state, kill_after)
            assert len(more) >= 8
            found += more
        whole = tmp_path / "whole"
        whole.mkdir()
        expected, _ = run(home, whole, tree, 1, None, None)
        assert found == expected and len(set(found)) > 60
