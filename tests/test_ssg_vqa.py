"""The SSG-VQA loader: what questions and graphs say, whose labels they are, damage, and the real files."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from surgsigma_hub.api import build
from surgsigma_hub.errors import LayoutError
from surgsigma_hub.parsers.releases.scene_graphs import read_scene_graph
from surgsigma_hub.records import Box, Defect, Fact, Frame, Label, Reason, Triplet
from surgsigma_hub.registry import get_source

from conftest import FIXTURES
from footage_files import samples, seen

ROOT = FIXTURES / "ssg_vqa"
Source = get_source("ssg_vqa")


def read(root: Path, video: str) -> tuple[list[Frame], list[Defect]]:
    source = Source(root)
    (found,) = (v for v in source.videos() if v.id == video)
    items = list(seen(source, found).frames())
    return [f for f in items if isinstance(f, Frame)], [d for d in items if isinstance(d, Defect)]


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    return Path(shutil.copytree(ROOT, tmp_path / "ssg"))


def test_lists_boxes_and_triplets() -> None:
    frames, defects = read(ROOT, "VID02")
    assert [f.index for f in frames] == [0, 1, 2] and frames[2].instruments is None
    first = frames[0]
    assert first.tissues == (Label("cystic_plate"), Label("omentum"))
    assert first.instruments == (Label("grasper"), Label("hook"))
    assert first.asked[Fact.INSTRUMENTS].answer == "grasper, hook"
    assert (first.instrument_boxes or ())[0].box == Box(20 / 430, 10 / 240, 100 / 430, 120 / 240)
    assert first.triplets == (Triplet(Label("grasper"), Label("grasp"), Label("cystic_plate")),)
    assert {d.reason for d in defects} == {Reason.QUESTION_UNTYPED, Reason.LABEL_MISSING}
    assert any("of the type query_color" in d.detail for d in defects)


def test_what_a_model_found_is_not_called_the_word_of_an_expert(tmp_path: Path) -> None:
    build("ssg_vqa", root=ROOT, out=tmp_path / "surgsigma")
    origins = {
        task: {doc["provenance"]["label_origin"] for doc, _ in samples(tmp_path / "surgsigma", task)}
        for task in ("tissue_localization", "instrument_recognition", "triplet_recognition")
    }
    assert origins == {
        "tissue_localization": {"model"},
        "instrument_recognition": {"model"},
        "triplet_recognition": {"derived"},
    }


def test_surgeries_are_those_of_cholec80_and_splits_those_of_the_authors() -> None:
    assert [(v.id, v.split, v.canonical_id) for v in Source(ROOT).videos()] == [
        ("VID01", "val", "cholec80/video01"),
        ("VID02", "test", "cholec80/video02"),
        ("VID04", "train", "cholec80/video04"),
    ]


def test_damage_costs_what_it_hits(copy: Path) -> None:
    path = copy / "scene_graph" / "VID02_0.json"
    graph = json.loads(path.read_text())
    graph["scenes"][0]["objects"][0]["bbox"] = [9, 9, 9, 9]
    path.write_text(json.dumps(graph))
    (copy / "scene_graph" / "VID02_1.json").write_text("{")
    (copy / "qa_txt" / "VID02" / "1.txt").write_text("Which tools are present?|none\na|b|c|d\n")
    frames, defects = read(copy, "VID02")
    assert frames[0].instrument_boxes is None and frames[0].triplets is not None
    assert frames[1].instruments == () and frames[1].tissues is None
    usual = (Reason.QUESTION_UNTYPED, Reason.LABEL_MISSING)
    told = [(d.reason, d.where.rpartition("/")[2]) for d in defects if d.reason not in usual]
    assert told == [
        (Reason.LABEL_CORRUPT, "VID02_0.json"),
        (Reason.ROW_MALFORMED, "1.txt line 2"),
        (Reason.ROW_MALFORMED, "VID02_1.json"),
    ]


def test_nothing_there_names_the_layout(tmp_path: Path) -> None:
    with pytest.raises(LayoutError, match="scene_graph"):
        list(Source(tmp_path).videos())


def test_the_real_files(real: Path) -> None:
    frames, defects = read(real / "ssg_vqa", "VID01")
    graph, asked = frames
    assert (graph.index, asked.index) == (0, 262)
    assert [label.native for label in asked.tissues or ()] == ["liver", "omentum", "cystic_plate", "gallbladder"]
    assert {d.reason for d in defects} == {Reason.QUESTION_UNTYPED, Reason.LABEL_MISSING}
    untyped = [int(d.detail.split()[0]) for d in defects if d.reason is Reason.QUESTION_UNTYPED]
    lines = (real / "ssg_vqa" / "qa_txt" / "VID01" / "262.txt").read_text().splitlines()
    assert (len(lines), sum(untyped), len(untyped)) == (21, 19, 7), "two lists are read, the others counted by type"
    read_graph = read_scene_graph(real / "ssg_vqa" / "scene_graph" / "VID01_0.json")
    assert not read_graph.problems and len(read_graph.structures) == 5
    assert graph.triplets == (Triplet(Label("grasper"), Label("grasp"), Label("gallbladder")),)


def test_other_images_under_the_names_of_the_frames_are_refused(copy: Path) -> None:
    shutil.copytree(copy / "data", copy / "again")
    assert len(read(copy, "VID02")[0]) == 3, "the same images twice are no trouble"
    shutil.copy(copy / "again/VID01/000002.png", copy / "again/VID01/000001.png")
    with pytest.raises(LayoutError, match=r"again/VID01/000001\.png and data/VID01/000001\.png are other images"):
        Source(copy).videos()
