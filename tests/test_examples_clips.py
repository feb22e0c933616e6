"""The examples on clips run as their users run them, learn for the right reason, and go on after a kill."""

from __future__ import annotations

import argparse
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from PIL import Image
from surgsigma_hub.cli import main

from conftest import ROOT

torch = pytest.importorskip("torch", reason="torch is not installed, so the examples on clips were not run")

pytestmark = pytest.mark.torch

EXAMPLES = ROOT / "examples"
OPTIONS = {"videos": "24", "frames": "60", "width": "96", "height": "72", "fps": "1"}
CLASSIFY = ("--side", "48", "--epochs", "6", "--save-every", "5")


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Sixteen operations to train on and four that are held out, of one minute each."""
    root = tmp_path_factory.mktemp("clips") / "tree"
    options = [word for name, value in OPTIONS.items() for word in ("--option", f"{name}={value}")]
    tasks = ["--task", "action_recognition", "--task", "video_generation"]
    splits = ["--split", "train", "--split", "val"]
    assert main(["build", "synthetic", "--out", str(root), "--workers", "2", *tasks, *splits, *options]) == 0
    return root


@pytest.fixture(scope="module")
def generation() -> Iterator[ModuleType]:
    """The example as a module."""
    sys.path.insert(0, str(EXAMPLES))
    import video_generation  # type: ignore[import-not-found]

    yield video_generation
    sys.path.remove(str(EXAMPLES))


def start(name: str, *words: str | Path) -> subprocess.Popen[str]:
    """An example in a process of its own, with one thread for torch, which makes its sums repeat exactly."""
    env = {**os.environ, "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(
        [sys.executable, str(EXAMPLES / f"{name}.py"), *map(str, words)], env=env, stdout=subprocess.PIPE, text=True
    )


def finish(process: subprocess.Popen[str]) -> str:
    """What it printed."""
    out, _ = process.communicate(timeout=300)
    assert process.returncode == 0
    return out


def lines(folder: Path, name: str) -> list[dict[str, Any]]:
    """Lines of a log that hold ``name``; the last may be half written."""
    log = folder / "log.jsonl"
    whole = log.read_text().split("\n")[:-1] if log.exists() else []
    return [line for line in map(json.loads, whole) if name in line]


@pytest.fixture(scope="module")
def runs(tree: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Folders of a whole run of the classifier, and of its control."""
    folder = tmp_path_factory.mktemp("runs")
    common = ("--tree", tree, *CLASSIFY)
    whole = start("clip_classifier", *common, "--out", folder / "whole")
    control = start("clip_classifier", *common, "--out", folder / "control", "--shuffle-labels")
    assert "mean average precision" in finish(whole)
    finish(control)
    return folder / "whole", folder / "control"


@pytest.mark.slow
def test_the_classifier_learns_what_clips_show(runs: tuple[Path, Path]) -> None:
    whole, control = (lines(folder, "map") for folder in runs)
    base = whole[0]["base"]
    assert all(line["base"] == base for line in whole + control) and 0.05 < base < 0.3
    assert whole[-1]["map"] > max(2.5 * base, control[-1]["map"] + 0.15)
    assert control[-1]["map"] < 2.5 * base
    losses = [line["loss"] for line in lines(runs[0], "loss")]
    assert sum(losses[-10:]) < 0.8 * sum(losses[10:20])


@pytest.mark.slow
def test_the_classifier_goes_on_after_a_kill(tree: Path, runs: tuple[Path, Path], tmp_path: Path) -> None:
    common = ("--tree", tree, *CLASSIFY, "--epochs", "2", "--out", tmp_path)
    process = start("clip_classifier", *common)
    while len(lines(tmp_path, "loss")) < 8 and process.poll() is None:
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=60)
    assert process.returncode == -signal.SIGKILL
    before = lines(tmp_path, "loss")
    finish(start("clip_classifier", *common, "--resume", "--threads", "1"))
    after = lines(tmp_path, "loss")[len(before) :]
    expected = {line["step"]: line for line in lines(runs[0], "loss")}
    assert after[0]["step"] % 5 == 1 and 5 < after[0]["step"] <= before[-1]["step"] + 1
    assert [line["step"] for line in after] == list(range(after[0]["step"], after[-1]["step"] + 1))
    # Same clips, same order, same losses to the last bit, also where steps were made again.
    assert all(line == expected[line["step"]] for line in before + after)
    keys = [key for step in range(1, after[-1]["step"] + 1) for key in expected[step]["keys"]]
    assert len(keys) == 2 * len(set(keys)), "two epochs, each clip once in each"


def options(generation: ModuleType, tree: Path, **more: Any) -> argparse.Namespace:
    found = {"tree": tree, "rate": 1.0, "frames": 8, "side": 32, "batch": 4, "window": 24, "workers": 0, "seed": 5}
    return argparse.Namespace(**{**found, **more})


def test_threads_and_workers_give_the_same_batches(generation: ModuleType, tree: Path) -> None:
    epochs: dict[int, list[Any]] = {}
    for workers in (0, 2):
        args = options(generation, tree, workers=workers)
        stream = generation.open_stream(args, "train")
        epochs[workers] = [batch for _ in range(2) for window in generation.windows(stream, args) for batch in window]
        assert stream.epoch == 2 and len(stream) * 2 == sum(len(batch.keys) for batch in epochs[workers])
    for mine, other in zip(epochs[0], epochs[2], strict=True):
        assert mine.keys == other.keys and mine.captions == other.captions
        assert torch.equal(mine.clips, other.clips)
        assert (mine.first is None) == (other.first is None)
        assert mine.first is None or torch.equal(mine.first, other.first)


def test_batches_hold_what_belongs_together(generation: ModuleType, tree: Path) -> None:
    args = options(generation, tree)
    batches = [b for window in generation.windows(generation.open_stream(args, "train"), args) for b in window]
    lengths = set()
    for batch in batches:
        n, t = len(batch.keys), batch.clips.shape[1]
        lengths.add(t)
        assert 1 <= n <= 4 and 2 <= t <= 8 and batch.clips.shape == (n, t, 3, 32, 32) and len(batch.captions) == n
        assert all(key.endswith("-text" if batch.first is None else "-picture") for key in batch.keys)
        assert batch.clips.dtype == torch.uint8 and batch.clips.max() > 128
        if batch.first is not None:
            # The film is compressed once more, so the first picture and its first frame are alike, not equal.
            start, mirrored = batch.clips[:, 0].float(), batch.first.flip(-1)
            assert (batch.first - start).abs().mean() < 10 < (mirrored - start).abs().mean()
    assert 8 in lengths and {batch.first is None for batch in batches} == {True, False}


def test_a_loader_goes_on_between_windows(generation: ModuleType, tree: Path) -> None:
    args = options(generation, tree)
    whole = [b.keys for window in generation.windows(generation.open_stream(args, "train"), args) for b in window]
    stream = generation.open_stream(args, "train")
    windows = generation.windows(stream, args)
    before = [b.keys for _ in range(2) for b in next(windows)]
    state = json.loads(json.dumps(stream.state_dict()))
    again = generation.open_stream(args, "train")
    again.load_state_dict(state)
    assert before + [b.keys for window in generation.windows(again, args) for b in window] == whole


@pytest.mark.slow
def test_the_net_uses_the_first_picture(tree: Path, tmp_path: Path) -> None:
    sheet = tmp_path / "sheet.png"
    words = ("--tree", tree, "--rate", "1", "--side", "32", "--epochs", "7", "--sheet", sheet)
    out = finish(start("video_generation", *words))
    found = re.findall(r"epoch \d+: loss ([\d.]+); on val ([\d.]+), with a wrong picture ([\d.]+)", out)
    losses, own, other = ([float(row[n]) for row in found] for n in range(3))
    assert len(found) == 7 and losses[-1] < 0.6 * losses[0] and own[-1] < 0.8 * own[0]
    assert own[-1] < 0.92 * other[-1], "a net that leaves the picture aside errs equally with any picture"
    assert own[-1] / other[-1] < own[0] / other[0], "what it takes from the picture grows"
    with Image.open(sheet) as picture:
        assert picture.width == 9 * 32 and picture.height == 32 * len(re.findall(r"^row \d+:", out, re.MULTILINE))


@pytest.mark.parametrize("name", ["clip_classifier", "video_generation"])
def test_help(name: str) -> None:
    out = finish(start(name, "--help"))
    assert "--tree" in out and "(default: surgsigma)" in " ".join(out.split())


def test_the_index_names_every_example() -> None:
    text = (EXAMPLES / "README.md").read_text("utf-8")
    missing = [path.name for path in EXAMPLES.glob("*.py") if f"`{path.name}`" not in text]
    assert not missing, f"examples/README.md does not name {missing}"
