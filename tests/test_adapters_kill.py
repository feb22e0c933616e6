"""An export killed at any moment, by a real signal, goes on and ends with the same bytes."""

from __future__ import annotations

import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from builds import digests

_RUN = """
import sys
from surgsigma_hub.adapters import Options, exporting, get_adapter
from surgsigma_hub.streaming import Frames
exporting._EVERY = 16
print("ready", flush=True)
exporting.export(sys.argv[1], get_adapter(sys.argv[2]), out=sys.argv[3], options=Options(frames=Frames(count=8)))
"""


def _start(tree: Path, name: str, out: Path) -> subprocess.Popen[str]:
    call = [sys.executable, "-c", _RUN, str(tree), name, str(out)]
    running = subprocess.Popen(call, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert running.stdout is not None and running.stdout.readline() == "ready\n"
    return running


@pytest.mark.slow
@pytest.mark.parametrize("name", ["sharegpt", "trl"])
def test_killed_again_and_again(name: str, adapter_tree: Path, tmp_path: Path) -> None:
    began = time.monotonic()
    whole = _start(adapter_tree, name, tmp_path / "whole")
    assert whole.wait(timeout=120) == 0
    lasts = time.monotonic() - began
    chance, kills = random.Random(7), 0
    for _ in range(12):
        running = _start(adapter_tree, name, tmp_path / "cut")
        try:
            running.wait(timeout=chance.uniform(0.05, 0.5) * lasts)
            assert running.returncode == 0, running.stderr and running.stderr.read()
            if kills:
                break
            shutil.rmtree(tmp_path / "cut")  # the machine has become faster since the first run
            lasts /= 3
        except subprocess.TimeoutExpired:
            running.send_signal(signal.SIGKILL)
            running.wait(timeout=60)
            kills += 1
    last = _start(adapter_tree, name, tmp_path / "cut")
    assert last.wait(timeout=120) == 0
    assert kills, "nothing was killed"
    assert digests(tmp_path / "cut") == digests(tmp_path / "whole")
