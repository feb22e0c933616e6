"""The HeiChole loader: two rates, names in any case, a shaft without a name, reserved columns."""

from __future__ import annotations

import csv
import shutil
from pathlib import Path

import pytest
from surgsigma_hub.media.moments import Seen
from surgsigma_hub.ontology import native_names
from surgsigma_hub.records import Defect, Frame, VideoFrame
from surgsigma_hub.registry import get_source

from conftest import FIXTURES
from footage_files import seen

HeiChole = get_source("heichole")
ROOT = FIXTURES / "heichole"


def read(root: Path, video: str) -> tuple[list[Frame], list[Defect], Seen]:
    source = HeiChole(root)
    (found,) = (v for v in source.videos() if v.id == video)
    items = list(seen(source, found).frames())
    return [f for f in items if isinstance(f, Frame)], [d for d in items if isinstance(d, Defect)], seen(source, found)


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    return Path(shutil.copytree(ROOT, tmp_path / "heichole"))


@pytest.mark.parametrize(("video", "fps", "seconds"), [("Hei-Chole1", 25, 12), ("Hei-Chole16", 50, 6)])
def test_a_moment_is_a_frame_of_its_own_films_rate(video: str, fps: int, seconds: int) -> None:
    frames, defects, looked = read(ROOT, video)
    assert defects == [] and [f.index for f in frames] == [fps * s for s in range(seconds)]
    for frame in frames:
        assert isinstance(frame.image, VideoFrame) and frame.image.index == frame.index
    course = looked.course()
    assert course is not None and [s.end_seconds for s in course.segments] == [
        2.0 * k for k in range(1, seconds // 2 + 1)
    ]
    assert not course.segments[-1].end_known and course.segments[0].end_known


def test_a_shaft_that_the_table_does_not_name_leaves_no_list() -> None:
    frames, _, _ = read(ROOT, "Hei-Chole1")
    without = [f for f in frames if f.instruments is None]
    assert [f.seconds for f in without] == [5.0] and without[0].phase is not None
    assert [label.native for label in frames[3].instruments or ()] == ["Grasper", "Scissors"]


def test_a_reserved_column_in_use_is_an_unknown_label(copy: Path) -> None:
    path = copy / "Annotations/Instrument/Hei-Chole1_Annotation_Instrument.csv"
    lines = path.read_text().splitlines()
    cells = lines[25].split(",")
    cells[1 + 12] = "1"
    path.write_text("\n".join([*lines[:25], ",".join(cells), *lines[26:]]))
    frames, _, _ = read(copy, "Hei-Chole1")
    assert "reserved 12" in [label.native for label in frames[1].instruments or ()]
    assert ("instrument", "reserved 12") not in native_names("heichole")


def test_films_of_the_skill_part_and_votes_of_raters_are_left_aside(copy: Path) -> None:
    shutil.copy(copy / "Videos/Full/Hei-Chole1.mp4", copy / "Videos/Hei-Chole1_calot.mp4")
    raw = copy / "Annotations/Phase/Raw_annotations"
    raw.mkdir()
    (raw / "Hei-Chole1_Annotation_Phase.csv").write_text("0,6\n")
    assert [v.id for v in HeiChole(copy).videos()] == ["Hei-Chole1", "Hei-Chole16"]
    assert [f.phase for f in read(copy, "Hei-Chole1")[0]] == [f.phase for f in read(ROOT, "Hei-Chole1")[0]]
    (copy / "Annotations/Phase/Hei-Chole1_Annotation_Phase.csv").unlink()
    assert {f.phase for f in read(copy, "Hei-Chole1")[0]} == {None}, "one rater is not the agreement"


def test_labels_are_those_of_the_benchmark(real: Path) -> None:
    names = {native for kind, native in native_names("heichole") if kind == "instrument"}
    with (real.parent / "vocab" / "heichole_instrument_categories.csv").open(newline="") as file:
        theirs = {row["name"] for row in csv.DictReader(file)}
    assert {n for n in theirs if not n.startswith("reserved")} == names | {"Undefined instrument shaft"}
    phases = {native for kind, native in native_names("heichole") if kind == "phase"}
    with (real.parent / "vocab" / "cholec80_phases.csv").open(newline="") as file:
        assert {row["heichole_name"] for row in csv.DictReader(file)} == phases
