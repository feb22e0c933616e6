"""A source built again into the same tree: afterwards the tree holds what the source yields today, and nothing else."""

from __future__ import annotations

import gzip
import os
import shutil
from collections import Counter
from pathlib import Path

import orjson
import pytest
from surgsigma_hub.api import build
from surgsigma_hub.building import commit
from surgsigma_hub.building.commit import finish_interrupted
from surgsigma_hub.building.report import BuildReport
from surgsigma_hub.errors import BuildError
from surgsigma_hub.hub.cards import refresh
from surgsigma_hub.shards.manifest import JOURNAL, WORK_DIR, load_manifest, load_tree
from surgsigma_hub.shards.validate import validate
from surgsigma_hub.streaming import stream

from builds import digests

CHOLECT50 = Path(__file__).parent / "fixtures" / "cholect50"
LOST = {"cholec80/video08", "cholec80/video12", "cholec80/video74"}
TASKS = ("triplet_recognition", "video_captioning")


def again(root: Path, out: Path, **more: object) -> BuildReport:
    return build("cholect50", root=root, out=out, max_quarantine=1, **{"tasks": None, **more})


def lose(root: Path, *videos: str) -> None:
    for video in videos:
        shutil.rmtree(root / "videos" / video)
        (root / "labels" / f"{video}.json").unlink()


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return Path(shutil.copytree(CHOLECT50, tmp_path_factory.mktemp("root") / "root"))


@pytest.fixture(scope="module")
def less(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The root without two of its videos: all that is of the split val, and one of the test's."""
    copy = Path(shutil.copytree(root, tmp_path_factory.mktemp("less") / "root"))
    lose(copy, "VID08", "VID12", "VID74")
    return copy


@pytest.fixture(scope="module")
def whole(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("whole") / "surgsigma"
    assert again(root, out).committed
    return out


@pytest.fixture(scope="module")
def fresh(less: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What a tree of the smaller root is, built where nothing was."""
    out = tmp_path_factory.mktemp("fresh") / "surgsigma"
    assert again(less, out).committed
    return digests(out)


def test_a_lost_video_leaves_all_tasks_splits_catalogs_and_cards(
    whole: Path, less: Path, fresh: dict[str, str], tmp_path: Path
) -> None:
    out = Path(shutil.copytree(whole, tmp_path / "surgsigma"))
    before = load_tree(out)
    report = again(less, out)
    assert digests(out) == fresh and validate(out).ok
    assert set(report.difference.removed_videos) == LOST
    assert not report.difference.left_standing
    removed = {(part.task, part.split): part.samples for part in report.difference.removed}
    assert removed == {(m.task, m.split): m.samples for m in before if not (out / m.path).exists()} and removed
    assert {split for _, split in removed} == {"val", "test"}


def test_what_the_source_has_again_comes_back(whole: Path, root: Path, less: Path, tmp_path: Path) -> None:
    out = Path(shutil.copytree(whole, tmp_path / "surgsigma"))
    again(less, out)
    report = again(root, out)
    assert digests(out) == digests(whole)
    assert not report.difference.removed and not report.difference.removed_videos


def test_another_source_is_left_alone(less: Path, whole: Path, tmp_path: Path) -> None:
    out = Path(shutil.copytree(whole, tmp_path / "surgsigma"))
    options = {"videos": "2", "frames": "3", "width": "96", "height": "64"}
    build("synthetic", out=out, options=options, tasks=["phase_recognition"])
    theirs = {path: digest for path, digest in digests(out).items() if "synthetic" in path}
    again(less, out)
    assert {path: digest for path, digest in digests(out).items() if "synthetic" in path} == theirs and theirs


def test_a_build_of_some_tasks_or_splits_says_what_it_left_standing(
    whole: Path, less: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from surgsigma_hub.cli import main

    out = Path(shutil.copytree(whole, tmp_path / "surgsigma"))
    before = load_tree(out)
    report = again(less, out, tasks=["phase_recognition"], splits=["test", "val"])
    asked = {("phase_recognition", "test"), ("phase_recognition", "val")}
    standing = {(part.task, part.split) for part in report.difference.left_standing}
    assert standing == {(m.task, m.split) for m in before} - asked
    assert {(part.task, part.split) for part in report.difference.removed} == {("phase_recognition", "val")}
    stale = {video for part in report.difference.left_standing for video in part.stale_videos}
    assert stale == LOST
    command = ["build", "cholect50", "--root", str(less), "--out", str(out), "--task", "phase_recognition"]
    assert main([*command, "--max-quarantine", "100%"]) == 0
    said = capsys.readouterr().out
    assert "Left standing" in said and "triplet_recognition train" in said and "cholec80/video12" in said


def test_a_video_that_changed_its_split_is_told_where_it_was_left_standing(
    whole: Path, root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from dataclasses import replace

    from surgsigma_hub.registry import get_source

    kind = get_source("cholect50")
    videos = kind.videos
    moved = {"VID74": "train"}
    monkeypatch.setattr(kind, "videos", lambda self: [replace(v, split=moved.get(v.id, v.split)) for v in videos(self)])
    out = Path(shutil.copytree(whole, tmp_path / "surgsigma"))
    report = again(root, out, splits=["train"])
    stale = {part.split: part.stale_videos for part in report.difference.left_standing if part.stale_videos}
    assert stale == {"test": ("cholec80/video74",)}


# ---------------------------------------------------------------------------------------------------------- kills


class Killed(BaseException):
    """What a test throws where a process would have been killed."""


def killed_at(step: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """From here on, the ``step``-th renaming or removal is the last."""
    left = [step]

    def counted(name: str) -> None:
        real = getattr(os, name)

        def call(*args: object, **kwargs: object) -> object:
            left[0] -= 1
            if left[0] < 0:
                raise Killed
            return real(*args, **kwargs)

        monkeypatch.setattr(os, name, call)

    for name in ("replace", "unlink", "rmdir"):
        counted(name)


def test_parts_of_another_version_are_told_and_made_anew_and_damaged_ones_refused(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    out, goal = tmp_path / "surgsigma", tmp_path / "goal"
    again(root, goal, tasks=TASKS)

    def killed_after_its_parts() -> list[Path]:
        with monkeypatch.context() as patch:
            patch.setattr("surgsigma_hub.building.run._shuffle", lambda *_: (_ for _ in ()).throw(Killed))
            with pytest.raises(Killed):
                again(root, out, tasks=TASKS)
        return sorted(out.rglob("part.json"))

    with monkeypatch.context() as patch:
        patch.setattr("surgsigma_hub.building.plan.code_digest", lambda: "that of last week")
        for old in killed_after_its_parts():
            old.write_text('{"frames": 1}')
    parts = killed_after_its_parts()
    assert "by another version of surgsigma-hub: its parts are made anew" in caplog.text
    parts[1].write_text("")
    with pytest.raises(BuildError, match="counts of a part of an unfinished build cannot be read") as told:
        again(root, out, tasks=TASKS)
    assert str(parts[1].parent) in str(told.value.hint)
    shutil.rmtree(parts[1].parent)
    before = len(caplog.records)
    again(root, out, tasks=TASKS)
    assert digests(out) == digests(goal) and len(caplog.records) == before


def test_a_kill_at_any_step_of_the_commit_is_made_good_by_the_next_build(
    root: Path, less: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    start = tmp_path / "start"
    again(root, start, tasks=TASKS)
    before = digests(start / "data")
    with monkeypatch.context() as patch:
        patch.setattr("surgsigma_hub.building.commit._apply", lambda *_: (_ for _ in ()).throw(Killed))
        with pytest.raises(Killed):
            again(less, start, tasks=TASKS)
    shutil.rmtree(start / WORK_DIR / "cholect50" / "parts")
    assert (start / WORK_DIR / "cholect50" / JOURNAL).exists()
    assert "unfinished" in validate(start).by_kind and not validate(start).ok
    goal = Path(shutil.copytree(start, tmp_path / "goal"))
    finish_interrupted(goal, refresh)
    (goal / WORK_DIR).rmdir()
    want, want_data = digests(goal), digests(goal / "data")
    assert validate(goal).ok
    steps = 0
    while True:
        out = tmp_path / f"killed-{steps}"
        shutil.copytree(start, out)
        with monkeypatch.context() as patch:
            killed_at(steps, patch)
            try:
                finish_interrupted(out, refresh)
                finished = True
            except Killed:
                finished = False
        if finished:
            break
        there = {path: digest for path, digest in digests(out / "data").items() if path.endswith(".manifest.json")}
        assert there.items() <= before.items() or there.items() <= want_data.items(), "never some of both builds"
        for place in there:  # and whatever is there is whole
            manifest = load_manifest(out / "data" / place)
            assert all((out / manifest.folder / s.name).stat().st_size == s.bytes for s in manifest.shards)
        finish_interrupted(out, refresh)
        found = {path: digest for path, digest in digests(out).items() if not path.endswith(".tmp")}
        found = {path: digest for path, digest in found.items() if not path.startswith(WORK_DIR)}
        assert found == want, f"killed before step {steps}"
        shutil.rmtree(out)
        steps += 1
    assert steps > 20


def test_the_next_build_of_another_source_finishes_the_commit(
    whole: Path, less: Path, fresh: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = Path(shutil.copytree(whole, tmp_path / "surgsigma"))
    with monkeypatch.context() as patch:
        patch.setattr("surgsigma_hub.building.commit._apply", lambda *_: (_ for _ in ()).throw(Killed))
        with pytest.raises(Killed):
            again(less, out)
    options = {"videos": "2", "frames": "3", "width": "96", "height": "64"}
    build("synthetic", out=out, options=options, tasks=["phase_recognition"])
    ours = {path: digest for path, digest in digests(out).items() if "/cholect50/" in path or "-cholect50-" in path}
    assert ours == {path: digest for path, digest in fresh.items() if "/cholect50/" in path or "-cholect50-" in path}


def test_a_kill_while_finished_work_is_removed_leaves_no_half_of_it_for_the_next_build(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = tmp_path / "whole"
    again(root, whole, tasks=TASKS)
    for steps in (1, 3, 6):
        out = tmp_path / f"killed-{steps}"
        with monkeypatch.context() as patch:

            def begin(work: Path, patch: pytest.MonkeyPatch = patch, steps: int = steps) -> None:
                killed_at(steps, patch)
                commit.discard(work)

            patch.setattr("surgsigma_hub.building.run.discard", begin)
            with pytest.raises(Killed):
                again(root, out, tasks=TASKS)
        assert any((out / WORK_DIR / "cholect50").iterdir())
        again(root, out, tasks=TASKS)
        assert digests(out) == digests(whole), f"killed before step {steps}"


@pytest.mark.parametrize("place", ["../outside.tar", "/etc/hostname", "README.md", "data/a/b/../../c.tar", 7])
def test_a_journal_of_a_stranger_reaches_nothing_else(whole: Path, tmp_path: Path, place: object) -> None:
    out = Path(shutil.copytree(whole, tmp_path / "surgsigma"))
    (tmp_path / "outside.tar").write_text("mine")
    journal = out / WORK_DIR / "cholect50" / JOURNAL
    journal.parent.mkdir(parents=True)
    for change in ({"manifests": [], "files": [], "removed": [place]}, {"removed": 3}, [], {"other": []}):
        journal.write_bytes(orjson.dumps(change))
        before = digests(tmp_path)
        with pytest.raises(BuildError, match="journal"):
            finish_interrupted(out, refresh)
        assert digests(tmp_path) == before


# -------------------------------------------------------------------------------------------------- what was left out


def test_every_quarantined_item_is_in_the_reports(root: Path, tmp_path: Path) -> None:
    spoiled = Path(shutil.copytree(root, tmp_path / "root"))
    for path in sorted((spoiled / "videos" / "VID12").glob("*.png"))[:12]:
        path.write_bytes(b"")
    out = tmp_path / "surgsigma"
    report = again(spoiled, out, tasks=["triplet_recognition"])
    assert report.quarantine_file == "reports/cholect50.quarantine.jsonl.gz"
    data = (out / report.quarantine_file).read_bytes()
    lines = [orjson.loads(line) for line in gzip.decompress(data).splitlines()]
    assert Counter(line["reason"] for line in lines) == report.quarantined
    assert sum(line["video"] == "VID12" and line["reason"] == "media_unreadable" for line in lines) == 12
    assert all(set(line) == {"video", "reason", "where", "detail"} and str(tmp_path) not in str(line) for line in lines)
    assert data[3] == 0 and data[4:8] == bytes(4), "no name and no time in the header"
    summary = orjson.loads((out / "reports" / "cholect50.json").read_bytes())
    assert summary["quarantine_file"] == report.quarantine_file and summary["tasks"] == ["triplet_recognition"]
    assert validate(out).ok
    elsewhere = tmp_path / "elsewhere"
    again(spoiled, elsewhere, tasks=["triplet_recognition"], workers=2)
    assert digests(elsewhere) == digests(out)
    again(root, out, tasks=["triplet_recognition"])
    assert gzip.decompress((out / report.quarantine_file).read_bytes()) == b"", "a rebuild replaces it whole"


def test_above_the_limit_the_items_are_kept_outside_of_the_tree(root: Path, tmp_path: Path) -> None:
    spoiled = Path(shutil.copytree(root, tmp_path / "root"))
    for path in (spoiled / "videos").glob("*/*.png"):
        path.write_bytes(b"")
    out = tmp_path / "surgsigma"
    report = build("cholect50", root=spoiled, out=out, max_quarantine=0.05)
    assert not report.committed and not (out / "reports").exists()
    lines = gzip.decompress((out / report.quarantine_file).read_bytes()).splitlines()
    assert len(lines) == sum(report.quarantined.values())


# ------------------------------------------------------------------------------------------------ files of others


def test_files_of_others_stay_whatever_they_are_called(whole: Path, root: Path, tmp_path: Path) -> None:
    out = Path(shutil.copytree(whole, tmp_path / "surgsigma"))
    theirs = [
        ".notes.tmp", "mine/.draft.tmp", "data/.x.tmp", "reports/.swap.tmp", "cards/.mine.md.123-abcdef01.tmp",
        ".README.md.otherhost-1-0123abcd.tmp", "data/phase_recognition/cholect50/notes.tar", "catalog/mine.parquet",
        "data/phase_recognition/cholect50/train-00000.tar.bak",
    ]  # fmt: skip
    for place in theirs:
        (out / place).parent.mkdir(exist_ok=True)
        (out / place).write_text("mine")
    again(root, out)
    assert [place for place in theirs if not (out / place).exists()] == []


def test_what_a_killed_build_left_under_our_names_goes(whole: Path, root: Path, tmp_path: Path) -> None:
    import subprocess
    import sys

    from surgsigma_hub.temporary import temporary_name

    out = Path(shutil.copytree(whole, tmp_path / "surgsigma"))
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    ours, running = (temporary_name(out / name) for name in ("README.md", "schema.json"))
    head, _, tail = ours.name.rpartition("-")
    left = ours.with_name(f"{head.rpartition('-')[0]}-{ended.pid}-{tail}")
    for path in (left, running):
        path.write_text("half")
    again(root, out)
    assert not left.exists() and running.exists(), "only what no running process can still be writing"


def test_a_tree_that_was_built_again_streams(whole: Path, less: Path, tmp_path: Path) -> None:
    out = Path(shutil.copytree(whole, tmp_path / "surgsigma"))
    again(less, out)
    for split in ("train", "test"):
        found = {item.sample["video_id"] for item in stream(out, "phase_recognition", split=split)}
        assert found and not found & {"VID08", "VID12", "VID74"}
