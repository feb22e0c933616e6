"""Real label files of MultiBypass140 against a reading by plain Python; the folds as far as their lists are known."""

from __future__ import annotations

import csv
import json
import pickle
import shutil
from collections import Counter
from pathlib import Path

import pytest
from surgsigma_hub.ontology import native_names, resolve_frame, resolve_timeline
from surgsigma_hub.parsers.plain_pickle import load_plain
from surgsigma_hub.records import Frame
from surgsigma_hub.registry import get_source
from surgsigma_hub.source import parse_options
from surgsigma_hub.tasks import all_tasks

MultiBypass140 = get_source("multibypass140")
CENTRE = {"BBP01": "bern", "BBP49": "bern", "SBP01": "strasbourg"}


@pytest.fixture
def root(real: Path, tmp_path: Path) -> Path:
    """The files at hand, laid out as in the repository."""
    for id, centre in CENTRE.items():
        folder = tmp_path / "labels" / centre / "labels_by70"
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copy(real / "multibypass140" / f"{id}.mp4.json", folder)
    return tmp_path


def test_every_second_and_every_interval(root: Path) -> None:
    for marks in ("false", "true"):
        options = {"split_scheme": "undivided", "marks": marks}
        source = MultiBypass140(root, parse_options(MultiBypass140, options))
        drafts: Counter[str] = Counter()
        truth: Counter[str] = Counter()
        for video in source.videos():
            folder = root / "labels" / CENTRE[video.id] / "labels_by70"
            raw = json.loads((folder / f"{video.id}.mp4.json").read_text())
            second: dict[int, dict[str, str]] = {}
            for key in ("phases", "steps"):
                for row in raw[key]:
                    if key == "steps" or row["label_id"] < 12:
                        for n in range(-(-row["start"] // 1000), -(-row["end"] // 1000)):
                            if n:
                                second.setdefault(n, {})[key] = row["label_name"]
            items = list(source.frames(video))
            frames = [resolve_frame("multibypass140", f) for f in items if isinstance(f, Frame)]
            assert len(items) == len(frames), "the published files have no damage"
            assert {
                f.index: {k: x.native for k, x in (("phases", f.phase), ("steps", f.step)) if x is not None}
                for f in frames
            } == second
            truth["phase_recognition"] += sum("phases" in s for s in second.values())
            truth["step_recognition"] += sum("steps" in s for s in second.values())
            for task in all_tasks().values():
                drafts[task.name] += sum(1 for f in frames for _ in (task.draft(f) if task.draft else ()))
            course = source.course(video)
            assert course.footage is None
            segments = resolve_timeline("multibypass140", course).segments or ()
            assert Counter(
                (s.layer + "s", s.label.native, s.start_seconds, s.end_seconds) for s in segments
            ) == Counter(
                (key, row["label_name"], row["start"] / 1000, row["end"] / 1000)
                for key in ("phases", "steps")
                for row in raw[key]
                if key == "steps" or row["label_id"] < 12 or marks == "true"
            )
        assert +drafts == +truth and truth["phase_recognition"] > 10_000


def test_folds(real: Path, root: Path) -> None:
    lists = json.loads((real / "multibypass140" / "derived_splits.json").read_text())
    shutil.rmtree(root / "labels" / "strasbourg")  # of whose test folds no list is at hand
    for fold in range(1, 5):
        for split in ("val", "test"):
            folder = root / "labels" / "bern" / "labels_by70_splits" / "labels" / split
            folder.mkdir(parents=True, exist_ok=True)
            content = {id: [{"Frame_id": f"{id}_00000001"}] for id in lists[f"bern_{split}_{fold}"]}
            (folder / f"1fps_{fold}.pickle").write_bytes(pickle.dumps(content))
        source = MultiBypass140(root, parse_options(MultiBypass140, {"split_scheme": f"fold-{fold}"}))
        expected = {
            id: next((s for s in ("val", "test") if id in lists[f"bern_{s}_{fold}"]), "train")
            for id in ("BBP01", "BBP49")
        }
        assert {v.id: v.split for v in source.videos()} == expected


def test_a_real_pickle_is_plain(real: Path) -> None:
    content = load_plain(real / "multibypass140" / "bern_val_1fps_1.slice400.pickle")
    assert list(content) == ["BBP12"] and len(content["BBP12"]) == 400
    for n, row in enumerate(content["BBP12"]):
        assert row["Original_frame_id"] == 154 + n and row["Frame_id"] == f"BBP12_{155 + n:08d}"
        assert {type(v) for v in row.values()} == {str, int}


def test_the_table_of_names_is_the_release(real: Path) -> None:
    published = set()
    for kind in ("phase", "step"):
        with (real / "multibypass140" / f"{kind}.csv").open() as file:
            published |= {(kind, name.strip()) for _, name in list(csv.reader(file))[1:]}
    assert len(published) == 60 and published == set(native_names("multibypass140"))
