"""The two m2cai16 loaders: parts that repeat their numbers, files that are no labels, operations of Cholec80."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from surgsigma_hub.ontology import native_names
from surgsigma_hub.records import Defect, Frame
from surgsigma_hub.registry import get_source
from surgsigma_hub.source import Source

from conftest import FIXTURES
from footage_files import seen


def read(name: str, root: Path | None = None) -> dict[str, list[Frame | Defect]]:
    source = get_source(name)(root or FIXTURES / name)
    return {v.id: list(seen(source, v).frames()) for v in source.videos()}


def opened(name: str) -> Source:
    return get_source(name)(FIXTURES / name)


def test_training_and_test_videos_of_one_number_are_two() -> None:
    source = opened("m2cai16_workflow")
    assert {v.id: v.split for v in source.videos()} == {"workflow_video_01": "train", "test_workflow_video_01": "test"}


def test_a_header_is_no_label_and_neither_are_predictions() -> None:
    found = read("m2cai16_workflow")
    assert [len(items) for items in found.values()] == [8, 16]
    labels = [i.phase.native for items in found.values() for i in items if isinstance(i, Frame) and i.phase]
    assert set(labels) == {name for _, name in native_names("m2cai16_workflow")}
    assert found["workflow_video_01"][0].phase.native == "TrocarPlacement"  # type: ignore[union-attr]


def test_the_class_that_others_made_of_the_header_is_no_phase(real: Path) -> None:
    lists = real / "surgrec_splits"
    theirs = json.loads((lists / "M2CAI16-Workflow_label_mapping.json").read_text())["label_to_index"]
    ours = {native for _, native in native_names("m2cai16_workflow")}
    assert theirs.keys() - ours == {"Phase"} and ours - theirs.keys() == set() and len(ours) == 8
    of_header = [
        line
        for part in ("train", "test")
        for line in (lists / f"M2CAI16-Workflow_{part}.csv").read_text().splitlines()
        if line.endswith(f" {theirs['Phase']}")
    ]
    assert len(of_header) == 41, "one of each video"


def test_the_operations_of_the_tool_part_are_those_of_cholec80() -> None:
    source = opened("m2cai16_tool")
    assert [(v.id, v.canonical_id, v.split) for v in source.videos()] == [
        ("tool_video_01", "cholec80/video67", "train"),
        ("tool_video_11", "cholec80/video61", "test"),
    ]


def test_test_videos_that_are_counted_from_one_are_the_same(tmp_path: Path) -> None:
    shutil.copytree(FIXTURES / "m2cai16_tool", tmp_path / "copy")
    for path in sorted((tmp_path / "copy/test_dataset").iterdir()):
        path.rename(path.with_name(path.name.replace("tool_video_11", "test_tool_video_01")))
    (test, train) = get_source("m2cai16_tool")(tmp_path / "copy").videos()
    assert (test.canonical_id, test.split) == ("cholec80/video61", "test") and train.split == "train"


def test_rows_between_seconds_are_told_and_not_shifted(tmp_path: Path) -> None:
    shutil.copytree(FIXTURES / "m2cai16_tool", tmp_path / "copy")
    path = tmp_path / "copy/train_dataset/tool_video_01.txt"
    path.write_text(path.read_text().replace("\n25\t", "\n26\t"))
    items = read("m2cai16_tool", tmp_path / "copy")["tool_video_01"]
    assert [i.index for i in items if isinstance(i, Frame)] == [25 * s for s in (0, 2, 3, 4, 5, 6, 7)]
    assert [d.where for d in items if isinstance(d, Defect)] == ["train_dataset/tool_video_01.txt frame 26"]
