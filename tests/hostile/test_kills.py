"""Runs that are killed or whose disk is full: nothing half-written counts, and the same command again ends the same."""

from __future__ import annotations

import random
import resource
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from surgsigma_hub.cli import main
from surgsigma_hub.shards.validate import validate

import enrichtree
from builds import digests
from chatserver import chat

TESTS = Path(__file__).parent.parent
LIMIT = 16 << 10
"""Bytes of the largest file that may be written, so that the "disk" is full in the middle of the work."""

ENRICH = """
import sys
from surgsigma_hub.api import enrich_tree
print("ready", flush=True)
enrich_tree(sys.argv[1], out=sys.argv[2], endpoint=sys.argv[3], model="some/model-1", backoff=0.01)
"""
DEPTH = """
import sys
from pathlib import Path
from hostile.test_kills import Brightness
from surgsigma_hub.depth.run import run_depth
print("ready", flush=True)
options = {"videos": "3", "frames": "12", "width": "96", "height": "64"}
run_depth("synthetic", root=None, out=Path(sys.argv[2]), open_model=Brightness, options=options, batch=4)
"""
EXPORT = """
import resource, sys
from surgsigma_hub.cli import main
print("ready", flush=True)
if sys.argv[3] != "0":
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[3]), resource.RLIM_INFINITY))
sys.exit(main(["export", sys.argv[1], "--format", "sharegpt", "--out", sys.argv[2]]))
"""
LIMITED = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, ({limit}, resource.RLIM_INFINITY))\n"


class Brightness:
    """A model of depth that needs no torch: what is bright is near."""

    def __init__(self) -> None:
        from surgsigma_hub.depth.encode import Sense
        from surgsigma_hub.depth.model import Card

        self.sense = Sense.NEARER
        self.card = Card(model="brightness", sha256="0" * 64)

    def predict(self, pictures: list[np.ndarray]) -> list[np.ndarray]:
        time.sleep(0.02)
        return [picture.astype(np.float32).mean(axis=2) for picture in pictures]


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("PYTHONPATH", str(TESTS))


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return enrichtree.made(tmp_path_factory.mktemp("kills") / "surgsigma")


def start(program: str, *arguments: str) -> subprocess.Popen[str]:
    call = [sys.executable, "-c", program, *arguments]
    running = subprocess.Popen(call, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert running.stdout is not None and running.stdout.readline() == "ready\n", (
        running.stderr and running.stderr.read()
    )
    return running


def ended(running: subprocess.Popen[str]) -> None:
    _, errors = running.communicate(timeout=300)
    assert running.returncode == 0, errors


def killed_again_and_again(program: str, first: str, out: Path, *more: str) -> None:
    """Run it whole, then run it elsewhere with kills at any moment: both end with the same bytes."""
    began = time.monotonic()
    ended(start(program, first, str(out / "whole"), *more))
    lasts, chance, kills = time.monotonic() - began, random.Random(11), 0
    for _ in range(8):
        running = start(program, first, str(out / "cut"), *more)
        try:
            running.wait(timeout=chance.uniform(0.02, 0.7) * lasts)
            if kills:
                break
            shutil.rmtree(out / "cut")  # the machine has become faster since the first run
            lasts /= 3
        except subprocess.TimeoutExpired:
            running.send_signal(signal.SIGKILL)
            running.communicate()
            kills += 1
            finished = [out / "cut"] if (out / "cut" / "reports/enrich.json").exists() else []
            assert all(validate(made).ok for made in finished), "a tree that is there is whole"
    ended(start(program, first, str(out / "cut"), *more))
    assert kills, "nothing was killed"
    assert digests(out / "cut") == digests(out / "whole")


@pytest.mark.slow
def test_enrich_killed_at_any_moment_ends_with_the_same_tree(tree: Path, tmp_path: Path) -> None:
    before = digests(tree)
    with chat() as server:
        killed_again_and_again(ENRICH, str(tree), tmp_path, server.url)
    assert digests(tree) == before and validate(tmp_path / "cut").ok


@pytest.mark.slow
def test_depth_killed_at_any_moment_ends_with_the_same_maps(tmp_path: Path) -> None:
    killed_again_and_again(DEPTH, "", tmp_path)
    assert len(digests(tmp_path / "cut")) == 3 * 12 + 1


# ------------------------------------------------------------------------------------------------------- a full disk


def test_an_export_into_a_full_disk_says_so_and_goes_on_when_there_is_room(tree: Path, tmp_path: Path) -> None:
    full = start(EXPORT, str(tree), str(tmp_path / "cut"), str(LIMIT))
    _, errors = full.communicate(timeout=300)
    assert full.returncode == 2 and "Traceback" not in errors, errors
    assert "File too large" in errors and str(tmp_path / "cut") in errors and "run the same command again" in errors
    assert not (tmp_path / "cut/export.json").exists() and not list((tmp_path / "cut").glob("*.json*"))
    assert main(["export", str(tree), "--format", "sharegpt", "--out", str(tmp_path / "cut")]) == 0
    assert main(["export", str(tree), "--format", "sharegpt", "--out", str(tmp_path / "whole")]) == 0
    assert digests(tmp_path / "cut") == digests(tmp_path / "whole")


def test_enrich_into_a_full_disk_leaves_the_old_tree_and_its_answers(tree: Path, tmp_path: Path) -> None:
    before = digests(tree)
    with chat() as server:
        full = start(LIMITED.format(limit=4 << 10) + ENRICH, str(tree), str(tmp_path / "rich"), server.url)
        _, errors = full.communicate(timeout=300)
        assert full.returncode == 1 and "BuildError" in errors and "File too large" in errors, errors
        assert not (tmp_path / "rich").exists() and digests(tree) == before
        asked = len(server.bodies)
        ended(start(ENRICH, str(tree), str(tmp_path / "rich"), server.url))
        assert len(server.bodies) == asked, "answers that were paid for are kept"
    assert validate(tmp_path / "rich").ok


def test_the_limit_is_one(tmp_path: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (LIMIT, hard))
    try:
        with pytest.raises(OSError, match="too large"):
            (tmp_path / "a").write_bytes(bytes(LIMIT + 1))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
