"""The CATARACTS loader: frames from 1, tables that share a name, films of either name."""

from __future__ import annotations

import csv
import shutil
from pathlib import Path

from surgsigma_hub.ontology import concept, native_names
from surgsigma_hub.records import Defect, Frame, Label, VideoFrame
from surgsigma_hub.registry import get_source

from conftest import FIXTURES
from footage_files import seen

Cataracts = get_source("cataracts")
ROOT = FIXTURES / "cataracts"


def read(root: Path, video: str) -> list[Frame | Defect]:
    source = Cataracts(root)
    (found,) = (v for v in source.videos() if v.id == video)
    return list(seen(source, found).frames())


def test_row_one_is_the_first_picture_of_films_of_either_name() -> None:
    for video, count in (("train01", 10), ("test02", 3)):
        frames = read(ROOT, video)
        assert [f.index for f in frames if isinstance(f, Frame)] == [30 * s for s in range(count)]
        assert all(
            isinstance(f, Frame) and isinstance(f.image, VideoFrame) and f.image.index == f.index for f in frames
        )


def test_a_table_of_instruments_is_no_table_of_steps(tmp_path: Path) -> None:
    shutil.copytree(ROOT, tmp_path / "copy")
    shutil.rmtree(tmp_path / "copy" / "steps")
    items = read(tmp_path / "copy", "train01")
    assert [d.where for d in items if isinstance(d, Defect)] == ["train01.csv"]
    assert not [f for f in items if isinstance(f, Frame) and f.phase is not None]


def test_instruments_are_listed_where_raters_agree_and_rows_are_labels() -> None:
    frames = [f for f in read(ROOT, "train01") if isinstance(f, Frame)]
    lists = [None if f.instruments is None else [label.native for label in f.instruments] for f in frames]
    assert lists[0] == ["Biomarker", "Irrigation/Aspiration Handpiece"] and lists[2] is None
    assert lists[5] == ["Secondary Incision Knife"], "cotton is no instrument"
    later = [f.instruments for f in read(ROOT, "test02") if isinstance(f, Frame)]
    assert later[0] is None and later[1] == (Label("Needle Holder"),), "a row that is not to be evaluated is no label"


def test_idle_is_a_catch_all_and_steps_are_the_phases_of_other_sources() -> None:
    names = native_names("cataracts")
    assert concept("phase", names["phase", "Idle"]).catch_all
    assert names["phase", "Capsulorhexis"] == native_names("cataract101")["phase", "Rhexis"]


def test_real_rows_and_labels(real: Path, tmp_path: Path) -> None:
    shutil.copy(real / "cataracts" / "train01_steps.excerpt.csv", tmp_path / "train01.csv")
    source = Cataracts(tmp_path)
    (video,) = source.videos()
    recording = source.recording(video)
    assert recording is not None and recording.lasts == 14_380 / 30
    assert not [i for i in source.frames(video) if isinstance(i, Defect)]
    with (real.parent / "vocab" / "cataracts_steps.csv").open(newline="") as file:
        phases = {native for kind, native in native_names("cataracts") if kind == "phase"}
        assert {row["name"] for row in csv.DictReader(file)} == phases
    with (real.parent / "vocab" / "cataracts_tools.csv").open(newline="") as file:
        instruments = {native for kind, native in native_names("cataracts") if kind == "instrument"}
        assert {row["name"] for row in csv.DictReader(file)} == instruments | {"Cotton"}
