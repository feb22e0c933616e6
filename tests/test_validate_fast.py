"""Validation with several processes, and the quick one: what they find, and that they find the same."""

from __future__ import annotations

import importlib
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from surgsigma_hub.api import build
from surgsigma_hub.shards.manifest import load_tree
from surgsigma_hub.shards.validate import validate

from builds import SMALL
from handmade import SHARD, small_tree

TASKS = ["phase_recognition", "instrument_segmentation"]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twenty shards and more."""
    out = tmp_path_factory.mktemp("built") / "surgsigma"
    build("synthetic", out=out, options=SMALL, tasks=TASKS, shard_bytes=6_000)
    return out


def flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 0xFF
    path.write_bytes(data)


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-512])


def leave(path: Path) -> None:
    path.unlink()


def repeat(path: Path) -> None:
    """Its samples a second time, under another name."""
    shutil.copy(path, path.with_name("train-00077.tar"))


@pytest.mark.parametrize("spoil", [None, flip, cut, leave, repeat])
def test_the_report_does_not_depend_on_workers(
    tmp_path: Path, spoil: Callable[[Path], None] | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    tree = small_tree(tmp_path / "surgsigma")
    if spoil:
        spoil(tree / SHARD)
    one = validate(tree)
    monkeypatch.setattr(importlib.import_module("surgsigma_hub.shards.validate"), "START", 1)
    assert validate(tree, workers=3) == one and one.ok == (spoil is None)


@pytest.mark.parametrize("spoil", [cut, leave, repeat])
def test_a_quick_check_finds_what_the_sizes_tell(built: Path, tmp_path: Path, spoil: Callable[[Path], None]) -> None:
    tree = Path(shutil.copytree(built, tmp_path / "surgsigma"))
    spoil(tree / "data/phase_recognition/synthetic/phase_recognition-synthetic-train-00000.tar")
    found = {problem.where for problem in validate(tree, quick=True, share=0).problems}
    assert len(found) == 1 and "train-000" in found.pop()


def test_a_quick_check_hashes_the_share_that_its_seed_draws(built: Path, tmp_path: Path) -> None:
    tree = Path(shutil.copytree(built, tmp_path / "surgsigma"))
    manifests = load_tree(tree)
    shards = sum(len(m.shards) for m in manifests)
    good = validate(tree, quick=True, share=0.3)
    assert good.ok and good.counts["samples"] == sum(m.samples for m in manifests) and good.counts["shards"] == shards
    assert 1 < good.counts["hashed"] < shards and good.counts["bytes"] == sum(m.bytes for m in manifests)
    assert good.counts["videos"] == validate(tree).counts["videos"]
    for path in tree.glob("data/*/*/*.tar"):
        flip(path)
    found = [{p.where for p in validate(tree, quick=True, share=0.3, seed=seed).problems} for seed in (0, 0, 1)]
    assert found[0] == found[1] != found[2] and len(found[0]) == good.counts["hashed"]
    assert validate(tree, quick=True, share=0).counts["hashed"] == 1
    everything = validate(tree, quick=True, share=1, workers=2)
    assert len(everything.problems) == shards == everything.counts["hashed"]


def test_a_quick_check_finds_a_video_in_two_splits(built: Path, tmp_path: Path) -> None:
    tree = Path(shutil.copytree(built, tmp_path / "surgsigma"))
    path = tree / "data/phase_recognition/synthetic/train.manifest.json"
    train, test = (m for m in load_tree(tree) if m.task == "phase_recognition" and m.split in ("train", "test"))
    if train.split != "train":
        train, test = test, train
    path.write_text(path.read_text().replace(f'"{train.videos[0]}"', f'"{test.videos[0]}"'))
    assert set(validate(tree, quick=True).by_kind) == {"split"}


def test_the_command_says_what_a_quick_check_did_not_do(built: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from surgsigma_hub.cli import main

    assert main(["validate", str(built), "--quick", "--share", "10%", "--workers", "2"]) == 0
    said = capsys.readouterr().out
    assert said.startswith("OK: ") and "not looked at" in said and "hashed" in said
    shard = next((built / "data" / "phase_recognition").rglob("*.tar"))
    assert main(["validate", str(shard), "--quick"]) == 0
    assert "hashed" not in capsys.readouterr().out, "a single tar is always read"


def test_no_more_processes_are_started_than_there_is_work_for(built: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    module = importlib.import_module("surgsigma_hub.shards.validate")
    monkeypatch.setattr(module.futures, "ProcessPoolExecutor", None)
    assert validate(built, workers=8).ok  # a few hundred samples: in this process
