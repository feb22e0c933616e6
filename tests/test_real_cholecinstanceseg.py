"""Real files of CholecInstanceSeg against counts taken from their JSON in plain Python."""

from __future__ import annotations

import csv
import json
import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from surgsigma_hub.api import build
from surgsigma_hub.ontology import resolve_frame
from surgsigma_hub.records import Defect, Fact, Frame, Polygons, Reason
from surgsigma_hub.registry import get_source
from surgsigma_hub.shards.manifest import load_tree
from surgsigma_hub.shards.validate import validate
from surgsigma_hub.tasks.common.base import Task
from surgsigma_hub.tasks.instrument_localization import TASK as LOCALIZATION
from surgsigma_hub.tasks.instrument_recognition import TASK as RECOGNITION
from surgsigma_hub.tasks.instrument_segmentation import TASK as SEGMENTATION

from footage_files import seen

Loader = get_source("cholecinstanceseg")
Instances = dict[tuple[str, int], list[list[float]]]


@pytest.fixture(scope="module")
def folder(real: Path) -> Path:
    return real / "cholecinstanceseg"


@pytest.fixture(scope="module")
def truth(folder: Path) -> dict[int, Instances]:
    """Points in pixels of each instance of each file, by second."""
    found: dict[int, Instances] = {}
    for path in (folder / "val").glob("*/ann_dir/*.json"):
        instances = found.setdefault(int(path.stem.split("_")[-1]), {})
        for shape in json.loads(path.read_text())["shapes"]:
            instances.setdefault((shape["label"], shape["group_id"]), []).extend(shape["points"])
    return found


@pytest.fixture(scope="module")
def frames(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[int, Frame]:
    """All frames of a copy in which every file has a picture, so that no label stays unread."""
    root = tmp_path_factory.mktemp("whole")
    shutil.copytree(folder / "val", root / "val")
    for path in root.glob("val/*/ann_dir/*.json"):
        (path.parent.parent / "img_dir" / f"{path.stem}.png").touch()
    source = Loader(root)
    (video,) = source.videos()
    items = list(seen(source, video).frames())
    assert not [d for d in items if isinstance(d, Defect)]
    return {f.index: resolve_frame("cholecinstanceseg", f) for f in items if isinstance(f, Frame)}


def test_frames_boxes_and_masks_are_those_of_the_files(frames: dict[int, Frame], truth: dict[int, Instances]) -> None:
    assert sorted(frames) == sorted(truth) == [0, 30, 60, 90, 120, 270]
    for second, instances in truth.items():
        frame = frames[second]
        assert frame.facts() == Loader.info.facts
        assert {x.native for x in frame.instruments or ()} == {label for label, _ in instances}
        boxes = [(b.label.native, b.box) for b in frame.instrument_boxes or ()]
        assert [label for label, _ in boxes] == [label for label, _ in instances]
        for (_, box), points in zip(boxes, instances.values(), strict=True):
            xs, ys = [p[0] / 854 for p in points], [p[1] / 480 for p in points]
            assert (box.x1, box.y1, box.x2, box.y2) == pytest.approx((min(xs), min(ys), max(xs), max(ys)), abs=1e-9)
        masks = [m.mask for m in frame.instrument_masks or ()]
        points_held = [sum(len(r) for r in m.rings) for m in masks if isinstance(m, Polygons)]
        assert points_held == [len(points) for points in instances.values()]
    assert sum(len(f.instrument_boxes or ()) for f in frames.values()) == sum(map(len, truth.values())) == 12


def _grid(points: list[list[float]]) -> tuple[int, int]:
    x = (min(p[0] for p in points) + max(p[0] for p in points)) / 2 / 854
    y = (min(p[1] for p in points) + max(p[1] for p in points)) / 2 / 480
    return int(3 * x), int(3 * y)


def _drafts(task: Task, frames: dict[int, Frame]) -> int:
    assert task.draft is not None
    return sum(len(list(task.draft(frame))) for frame in frames.values())


def test_samples_of_each_task(frames: dict[int, Frame], truth: dict[int, Instances]) -> None:
    assert _drafts(RECOGNITION, frames) == len(truth)
    assert _drafts(SEGMENTATION, frames) == sum(1 + len({label for label, _ in i}) for i in truth.values())
    expected = 0
    for instances in truth.values():
        labels = Counter(label for label, _ in instances)
        places = Counter((label, _grid(points)) for (label, _), points in instances.items())
        alone = [
            1 for (label, _), points in instances.items() if labels[label] == 1 or places[label, _grid(points)] == 1
        ]
        expected += 1 + len(alone)
    assert _drafts(LOCALIZATION, frames) == expected


def test_a_build_of_the_real_pictures(folder: Path, truth: dict[int, Instances], tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    shutil.copytree(folder / "val", tmp_path / "in" / "val")
    report = build("cholecinstanceseg", root=tmp_path / "in", out=tmp_path / "out", max_quarantine=1)
    there = {int(p.stem.split("_")[-1]) for p in folder.glob("val/*/img_dir/*.png")}
    assert report.quarantined_by_video == {"VID03_t80_sparse": {Reason.MEDIA_MISSING: len(truth.keys() - there)}}
    made: dict[str, Any] = {}
    for manifest in load_tree(tmp_path / "out"):
        made[manifest.task] = made.get(manifest.task, 0) + sum(shard.samples for shard in manifest.shards)
    assert made["instrument_recognition"] == len(there) == 4
    assert made["instrument_segmentation"] == sum(1 + len({label for label, _ in truth[n]}) for n in there)
    outcome = validate(tmp_path / "out")
    assert outcome.ok, outcome.problems[:5]


def test_early_files_without_a_size_take_that_of_the_picture(folder: Path, real: Path, tmp_path: Path) -> None:
    for stem, video in (("t50_VID01_000631", "VID01_t50_full"), ("t50_VID02_000828", "VID02_t50_sparse")):
        home = tmp_path / "train" / video
        (home / "ann_dir").mkdir(parents=True)
        (home / "img_dir").mkdir()
        (path,) = (folder / "early_json").glob(f"{stem}*.json")
        shutil.copy(path, home / "ann_dir" / f"{stem}.json")
        shutil.copy(next((real / "cholecinstanceseg").glob("val/*/img_dir/*.png")), home / "img_dir" / f"{stem}.png")
    source = Loader(tmp_path)
    found = {v.canonical_id: [f for f in seen(source, v).frames() if isinstance(f, Frame)] for v in source.videos()}
    assert {k: [[x.native for x in f.instruments or ()] for f in v] for k, v in found.items()} == {
        "cholec80/video01": [["hook"]],
        "cholec80/video02": [["grasper", "hook"]],
    }
    hook = (found["cholec80/video01"][0].instrument_boxes or ())[0].box
    assert (hook.x1, hook.y1, hook.x2, hook.y2) == pytest.approx((558 / 854, 29 / 480, 764 / 854, 169 / 480))


def test_the_published_sequences_are_names_that_are_read(real: Path, tmp_path: Path) -> None:
    with (real.parent / "vocab" / "cholecinstanceseg_splits.csv").open(newline="") as file:
        rows = [(row["sequence"], row["split"]) for row in csv.DictReader(file)]
    for sequence, split in rows:
        (tmp_path / split / sequence).mkdir(parents=True)
    videos = Loader(tmp_path).videos()
    assert {(v.id, v.split) for v in videos} == set(rows) and len(rows) == 95
    assert Counter(v.split for v in videos) == {"train": 55, "val": 18, "test": 22}
    assert len({v.canonical_id for v in videos}) == 85
    assert Fact.INSTRUMENT_MASKS in Loader.info.facts
