"""The Cataract-1K loader: rates that two tables tell, spellings, holes in outlines, folds, the authors' lists."""

from __future__ import annotations

import csv
import json
import shutil
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from surgsigma_hub.media.masks import render
from surgsigma_hub.records import Box, Defect, Fact, Frame, Label, Reason
from surgsigma_hub.registry import get_source
from surgsigma_hub.source.layout import split_table

from conftest import FIXTURES
from footage_files import seen

Loader = get_source("cataract1k")
ROOT = FIXTURES / "cataract1k"
PHASES = Path("Phase_recognition_dataset/annotations/case_11")


def read(root: Path, video: str) -> tuple[list[Frame], list[Defect]]:
    source = Loader(root)
    (found,) = (v for v in source.videos() if v.id == video)
    items = list(source.frames(found))
    return [f for f in items if isinstance(f, Frame)], [d for d in items if isinstance(d, Defect)]


def copied(tmp_path: Path) -> Path:
    return Path(shutil.copytree(ROOT, tmp_path / "copy"))


def test_a_phase_ends_before_its_end_and_what_no_row_holds_has_none() -> None:
    frames, defects = read(ROOT, "case_11")
    said = {f.index: f.phase.native for f in frames if f.phase}
    assert not defects and said[1] == said[2] == "Incision" and said[3] == "Viscoelastic"
    assert said[8] == "Capsule Polishing" and 0 not in said and 16 not in said


def test_labels_land_on_the_second_that_they_name() -> None:
    source = Loader(ROOT)
    for frame in (f for v in source.videos() if v.id == "case_11" for f in seen(source, v).frames()):
        assert isinstance(frame, Frame) and frame.image is not None
        assert abs(frame.image.index - frame.index * 60000 / 1001) <= 0.5  # type: ignore[union-attr]


def test_what_is_outlined_is_a_mask_less_its_holes_and_a_box() -> None:
    (first, second), defects = read(ROOT, "case_5013_images")
    assert not defects and first.instruments == () and second.instruments == (Label("Slit Knife"),)
    assert {b.label.native: b.box for b in first.tissue_boxes or ()}["Pupil"] == Box(16 / 96, 0.25, 56 / 96, 0.625)
    assert [b.label.native for b in second.tissue_boxes or ()] == ["Cornea", "Lens"] and second.size == (96, 64)
    inside = render([m.mask for m in second.instrument_masks or ()], width=96, height=64) > 0
    assert inside[24, 34] and not inside[32, 45] and not inside[10, 10]
    assert np.argwhere(inside).min(axis=0).tolist() == [20, 30]
    assert second.origins[Fact.INSTRUMENT_BOXES].label_origin == "derived"


def test_without_supervisely_files_the_coco_file_of_a_case_is_read() -> None:
    ((frame,), defects) = read(ROOT, "case_5016_images")
    assert not defects and frame.index == 7 and frame.image is not None
    assert [i.native for i in frame.instruments or ()] == ["Spatula", "Gauge"]


@pytest.mark.parametrize(
    ("size", "frames", "words"),
    [
        (None, 15, "the file is missing; the rate of the video is of frames and seconds"),
        ("11,96,64,959,30\n", 0, "30 frames a second; frames and seconds in"),
        ("11,96,64,,\n", 15, "no line with frames and fps"),
    ],
)
def test_two_tables_must_agree_on_the_rate(tmp_path: Path, size: str | None, frames: int, words: str) -> None:
    root = copied(tmp_path)
    path = root / PHASES / "case_11_video.csv"
    path.unlink() if size is None else path.write_text("caseId,width,height,frames,fps\n" + size)
    found, (defect,) = read(root, "case_11")
    assert len(found) == frames and words in defect.detail and defect.where.endswith("case_11_video.csv")


def test_an_unknown_title_costs_its_frame_and_an_unknown_phase_its_time(tmp_path: Path) -> None:
    root = copied(tmp_path)
    (path,) = root.glob("**/case5013_02.png.json")
    told = json.loads(path.read_text())
    told["objects"][1]["classTitle"] = "Forceps of some kind"
    path.write_text(json.dumps(told))
    frames, (defect,) = read(root, "case_5013_images")
    assert [f.index for f in frames] == [1] and defect.reason is Reason.LABEL_UNKNOWN
    table = root / PHASES / "case_11_annotations_phases.csv"
    table.write_text(table.read_text().replace("viscoelastic", "something else").replace("comment", "comments"))
    frames, (defect,) = read(root, "case_11")
    assert {f.index for f in frames} & {3, 4, 5} == set() and "something else" in defect.detail


def test_the_folds_are_a_partition_and_an_operation_is_in_one_split() -> None:
    table = split_table("cataract1k")
    tested = Counter(case for fold in table.values() for case, split in fold.items() if split == "test")
    assert tested == dict.fromkeys(table["fold-0"], 1) and len(tested) == 30
    assert [sum(split == "test" for split in fold.values()) for fold in table.values()] == [6] * 5
    source = Loader(ROOT, Loader.options_type(split_scheme="fold-0"))
    splits = {v.id: v.split for v in source.videos()}
    assert splits["case_5013"] == splits["case_5013_images"] == "test" and splits["case_5016_images"] == "train"
    (outside,) = source.frames(next(v for v in source.videos() if v.id == "case_11"))
    assert isinstance(outside, Defect) and "in no split" in outside.detail


# ------------------------------------------------------------------------------------------------- the authors' files


def test_the_lists_of_the_authors_are_our_folds(real: Path) -> None:
    table = split_table("cataract1k")
    for n, frames in ((0, 561), (1, 459)):
        with (real / "cataract1k" / f"Cat1k_anatomy_instrument_{n}_test.csv").open(newline="") as file:
            paths = [row["imgs"] for row in csv.DictReader(file)]
        assert len(paths) == frames
        assert {p.split("/")[-3] for p in paths} == {c for c, s in table[f"fold-{n}"].items() if s == "test"}
    assert 561 + 459 + 420 + 385 + 431 == 2256


def test_rows_of_a_real_case_are_read_at_their_own_rate(real: Path, tmp_path: Path) -> None:
    folder = tmp_path / "case_5013"
    folder.mkdir()
    shutil.copy(
        real / "cataract1k" / "case_5013_phases.transcribed_rows.csv", folder / "case_5013_annotations_phases.csv"
    )
    source = Loader(tmp_path)
    (video,) = source.videos()
    course = source.course(video)
    assert course is not None and source.fps_of(video) == pytest.approx(60000 / 1001, rel=1e-4)
    assert [(s.label.native, s.start_seconds, s.end_seconds) for s in course.segments] == [
        ("Incision", 4.004, 6.807),
        ("Viscoelastic", 17.401, 25.342),
        ("Capsulorhexis", 27.477, 72.706),
    ]


def test_every_spelling_of_the_reconstructed_tables_is_known(real: Path, tmp_path: Path) -> None:
    for path in (real / "cataract1k" / "RECONSTRUCTED").glob("*.csv"):
        case = path.name.split("_")[1]
        folder = tmp_path / f"case_{case}"
        folder.mkdir()
        rows = list(csv.DictReader(path.open(newline="")))
        lines = [f"{case},{r['comment_normalised']},,,{r['sec']},{r['endSec']}\n" for r in rows]
        text = "caseId,comment,frame,endFrame,sec,endSec\n" + "".join(lines)
        (folder / f"case_{case}_annotations_phases.csv").write_text(text)
        (folder / f"case_{case}_video.csv").write_text(f"caseId,width,height,frames,fps\n{case},1024,768,99999,59.94\n")
    source = Loader(tmp_path)
    for video in source.videos():
        assert not [d for d in source.frames(video) if isinstance(d, Defect)], video.id
        assert len(getattr(source.course(video), "segments", ())) > 10
