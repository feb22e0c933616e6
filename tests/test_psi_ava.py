"""The PSI-AVA loader: its fixture, folds, and damage of every kind."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from surgsigma_hub.errors import LayoutError, SurgSigmaError
from surgsigma_hub.ontology import native_names, resolve_frame, resolve_timeline
from surgsigma_hub.parsers.releases.psi_ava_keyframes import PHASES, STEPS
from surgsigma_hub.records import Box, Defect, FileImage, Frame, Label, LabeledBox, Reason, Stills, VideoTimeline
from surgsigma_hub.registry import get_source
from surgsigma_hub.source import parse_options

from conftest import FIXTURES
from footage_files import seen

PsiAva = get_source("psi_ava")
ROOT = FIXTURES / "psi_ava"
SHORT = "psi-ava/fold1/coco_anns/train_coco_anns_v3_35s.json"
LONG = "psi-ava_extended/fold1/annotations/train.csv"


def opened(root: Path, **options: str) -> Any:
    return PsiAva(root, parse_options(PsiAva, options))


def read(
    root: Path, case: str = "CASE001", **options: str
) -> tuple[dict[int, Frame], list[Defect], VideoTimeline | None]:
    source = opened(root, **options)
    (found,) = (v for v in source.videos() if v.id == case)
    items = list(seen(source, found).frames())
    frames = [f for f in items if isinstance(f, Frame)]
    assert [f.index for f in frames] == sorted({f.index for f in frames})
    defects = [d for d in items if isinstance(d, Defect)]
    assert not any(str(root) in d.where + d.detail for d in defects)
    return {f.index: f for f in frames}, defects, seen(source, found).course()


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    return Path(shutil.copytree(ROOT, tmp_path / "psi"))


def edit(root: Path, change: Callable[[dict[str, Any]], object]) -> None:
    document = json.loads((root / SHORT).read_text())
    change(document)
    (root / SHORT).write_text(json.dumps(document))


def named(*names: str) -> tuple[Label, ...]:
    return tuple(map(Label, names))


# ------------------------------------------------------------------------------------------------------ good files


def test_key_frames_and_seconds_come_together() -> None:
    frames, defects, _ = read(ROOT)
    assert defects == [] and list(frames) == list(range(13))
    scissors, bipolar = named("Monopolar Curved Scissors", "Bipolar Forceps")
    assert frames[1] == Frame(
        index=1,
        fps=1,
        image=FileImage(ROOT / "keyframes" / "CASE001" / "00001.jpg"),
        size=(1280, 800),
        phase=Label("LPIL"),
        step=Label("Id_Illiac_Vein_Artery"),
        instruments=(scissors, bipolar),
        actions=named("Push", "Hold", "Pull"),
        instrument_boxes=(
            LabeledBox(scissors, Box(0.125, 0.2, 0.375, 0.5)),
            LabeledBox(bipolar, Box(0.0, 0.0, 0.25, 0.25)),
        ),
    )
    assert frames[2].facts() == {"phase", "step"}
    assert frames[8].instrument_boxes == (LabeledBox(Label("Large Needle Driver"), Box(0.5, 0.5, 1.0, 1.0)),)


def test_a_key_frame_without_annotation_does_not_say_none(copy: Path) -> None:
    frames, _, _ = read(ROOT)
    assert frames[11].instruments is None and frames[11].instrument_boxes is None and frames[11].actions is None
    (copy / LONG).unlink()
    frames, (missing, defect), course = read(copy)
    assert missing.where == LONG and "is missing, another is there" in missing.detail
    assert list(frames) == [1, 8] and defect.where == "CASE001" and "1 key frames" in defect.detail
    assert course is not None and course.segments == () and course.footage is not None


def test_intervals_follow_the_seconds() -> None:
    course = read(ROOT)[2]
    assert course is not None
    assert [(s.layer, s.label.native, s.start_seconds, s.end_seconds) for s in course.segments] == [
        ("phase", "LPIL", 0, 6),
        ("phase", "RPIL", 6, 10),
        ("phase", "Idle", 10, 13),
        ("step", "Id_Illiac_Vein_Artery", 0, 6),
        ("step", "Dissection_Illiac_Lymph_Nodes", 6, 10),
        ("step", "Idle", 10, 13),
    ]
    assert {o.label_origin for o in course.origins.values()} == {"derived"}
    pictures = [FileImage(ROOT / "keyframes" / "CASE001" / f"{n:05d}.jpg") for n in range(13)]
    assert course.footage == Stills(tuple(pictures), 1)


def test_every_label_resolves_and_the_vocabulary_is_the_files() -> None:
    source = opened(ROOT)
    for video in source.videos():
        for frame in seen(source, video).frames():
            resolve_frame("psi_ava", frame)
        resolve_timeline("psi_ava", seen(source, video).course())
    document = json.loads((ROOT / SHORT).read_text())
    kinds = {"categories": "instrument", **{f"{k}_categories": k for k in ("action", "phase", "step")}}
    names = {(kind, entry["name"]) for key, kind in kinds.items() for entry in document[key]}
    assert names == set(native_names("psi_ava"))
    assert {e["id"]: e["name"] for e in document["phase_categories"]} == PHASES
    assert {e["id"]: e["name"] for e in document["step_categories"]} == STEPS


@pytest.mark.parametrize("place", ["outputs/data_annotations", "data_annotations", "TAPIR/outputs/data_annotations"])
def test_the_root_may_be_the_repository_or_the_folder_above(tmp_path: Path, place: str) -> None:
    for name in ("psi-ava", "psi-ava_extended"):
        shutil.copytree(ROOT / name, tmp_path / place / name)
    keyframes = {"outputs": "outputs/PSIAVA", "TAPIR": "TAPIR/outputs/PSIAVA"}.get(place.split("/")[0], "")
    shutil.copytree(ROOT / "keyframes", tmp_path / keyframes / "keyframes")
    frames, defects, _ = read(tmp_path)
    assert defects == [] and len(frames) == 13 and all(f.image is not None for f in frames.values())


def test_pictures_may_be_missing(copy: Path) -> None:
    (copy / "keyframes" / "CASE001" / "00004.jpg").unlink()
    (copy / "keyframes" / "CASE001" / "00008 (1).jpg").touch()
    frames, defects, course = read(copy)
    assert [(d.reason, d.where) for d in defects] == [(Reason.MEDIA_MISSING, "CASE001/4")]
    assert [n for n in range(13) if n not in frames] == [4]
    assert course is not None and isinstance(course.footage, Stills)
    assert [n for n, i in enumerate(course.footage.images) if i is None] == [4]
    shutil.rmtree(copy / "keyframes")
    frames, defects, course = read(copy)
    assert frames == {} and [(d.reason, d.where, d.moments) for d in defects] == [
        (Reason.MEDIA_MISSING, "keyframes/CASE001", 13)
    ]
    assert course is not None and course.footage is None and course.segments


def test_step_seconds_keeps_the_key_frames() -> None:
    assert list(read(ROOT, step_seconds="5")[0]) == [0, 1, 5, 8, 10, 11]
    with pytest.raises(SurgSigmaError, match="step_seconds"):
        opened(ROOT, step_seconds="0")


# ------------------------------------------------------------------------------------------------ folds and layout


def test_the_folds_are_each_other_turned_round(copy: Path) -> None:
    assert {v.id: v.split for v in opened(ROOT).videos()} == {"CASE001": "train", "CASE002": "val"}
    assert {v.id: v.split for v in opened(ROOT, split_scheme="fold2").videos()} == {
        "CASE001": "val",
        "CASE002": "train",
    }
    for n in ("003", "004", "007", "014", "015", "021"):
        (copy / "keyframes" / f"CASE{n}").mkdir()
    found = {v.id: v.split for v in opened(copy).videos()}
    assert {c for c, s in found.items() if s == "train"} == {"CASE001", "CASE004", "CASE014", "CASE015"} and len(
        found
    ) == 8
    frames, (defect,), course = read(copy, "CASE003")
    assert not frames and course is None and "without annotations" in defect.detail


def test_the_second_fold_fills_in(copy: Path) -> None:
    for name in ("psi-ava", "psi-ava_extended"):
        (copy / name / "fold1").rename(copy / name / "fold2")
    assert read(copy)[0].keys() == read(ROOT)[0].keys()


def test_wrong_roots_and_cases_are_told(copy: Path, tmp_path: Path) -> None:
    with pytest.raises(LayoutError, match="train_coco_anns_v3_35s"):
        opened(tmp_path / "psi" / "keyframes").videos()
    (copy / "keyframes" / "CASE050").mkdir()
    frames, (defect,), _ = read(copy, "CASE050")
    assert not frames and "in no split of scheme fold1 (train 4 videos, val 4 videos)" in defect.detail
    (copy / SHORT).write_text('{"images": [')
    with pytest.raises(LayoutError, match=r"train_coco_anns_v3_35s\.json: not JSON.*line 1"):
        opened(copy).videos()
    shutil.rmtree(copy / "psi-ava" / "fold1")
    shutil.rmtree(copy / "psi-ava_extended" / "fold1")
    with pytest.raises(LayoutError, match="no annotation file"):
        opened(copy).videos()


# ---------------------------------------------------------------------------------------------------- damaged files


@pytest.mark.parametrize(
    ("key", "value", "reason", "lost"),
    [
        ("bbox", [1270, 0, 300, 100], Reason.BOX_OUTSIDE, {"instrument_boxes"}),
        ("bbox", [10, 10, 0, 100], Reason.ROW_MALFORMED, {"instrument_boxes"}),
        ("bbox", [10, 10, 20], Reason.ROW_MALFORMED, {"instrument_boxes"}),
        ("bbox", [10, 10, "20", 5], Reason.ROW_MALFORMED, {"instrument_boxes"}),
        ("bbox", [10, float("nan"), 20, 5], Reason.ROW_MALFORMED, {"instrument_boxes"}),
        ("category_id", 8, Reason.LABEL_UNKNOWN, {"instrument_boxes", "instruments"}),
        ("category_id", None, Reason.LABEL_UNKNOWN, {"instrument_boxes", "instruments"}),
        ("actions", [17], Reason.LABEL_UNKNOWN, {"actions"}),
        ("actions", 3, Reason.LABEL_UNKNOWN, {"actions"}),
        ("phase", 5, Reason.LABEL_CORRUPT, set()),  # the table of seconds still tells it
        ("step", "x", Reason.LABEL_CORRUPT, set()),
        ("image_id", 77, Reason.ROW_MALFORMED, {"instrument_boxes", "instruments", "actions"}),
        ("image_id", 3, Reason.ROW_MALFORMED, {"instrument_boxes", "instruments", "actions"}),
        ("image_name", "x", Reason.ROW_MALFORMED, {"instrument_boxes", "instruments", "actions"}),
        ("image_name", "CASE001/00011.jpg", Reason.ROW_MALFORMED, {"instrument_boxes", "instruments", "actions"}),
    ],
)
def test_a_damaged_annotation_costs_its_own_list(
    copy: Path, key: str, value: Any, reason: Reason, lost: set[str]
) -> None:
    edit(copy, lambda d: d["annotations"][0].update({key: value}))
    frames, (defect,), _ = read(copy)
    assert defect.reason is reason and defect.where.startswith(f"{SHORT} ")
    assert read(ROOT)[0][1].facts() - frames[1].facts() == lost
    assert frames[8].facts() == read(ROOT)[0][8].facts() and frames[11].facts() == read(ROOT)[0][11].facts()


def test_what_is_not_labelled_is_no_defect(copy: Path) -> None:
    edit(copy, lambda d: d["annotations"][0].update({"actions": [], "phase": -1}))
    edit(copy, lambda d: [a.pop("step") for a in d["annotations"]])
    (copy / LONG).unlink()
    frames, defects, _ = read(copy)
    assert frames[1].facts() == {"phase", "instruments", "instrument_boxes"}
    assert [d.where for d in defects] == [LONG, "CASE001"], (
        "the table of another half is there, that of this one is not"
    )


def test_boxes_at_the_edge_are_cut(copy: Path) -> None:
    edit(copy, lambda d: d["annotations"][0].update({"bbox": [1000, 0, 300, 100]}))
    frames, defects, _ = read(copy)
    assert defects == [] and frames[1].instrument_boxes is not None and frames[1].instrument_boxes[0].clipped


def test_images_that_are_listed_twice_or_are_broken(copy: Path) -> None:
    edit(copy, lambda d: d["images"].append({**d["images"][0], "id": 99}))
    edit(copy, lambda d: d["images"][1].update({"width": 0}))
    frames, defects, _ = read(copy)
    assert [d.reason for d in defects].count(Reason.DUPLICATE_ID) == 1
    assert frames[1].instruments is not None and frames[8].instruments is None


def test_key_frame_and_table_that_disagree_tell_neither(copy: Path) -> None:
    text = (copy / LONG).read_text()
    (copy / LONG).write_text(text.replace(",1,1\nCASE001,2,", ",1,9\nCASE001,2,"))
    frames, (defect,), _ = read(copy)
    assert (defect.reason, defect.where) == (Reason.LABEL_CORRUPT, "CASE001/00001")
    assert frames[1].phase is None and frames[1].step == Label("Id_Illiac_Vein_Artery")


def test_damaged_rows_of_the_table(copy: Path) -> None:
    lines = (copy / LONG).read_text().splitlines()
    lines[2] = lines[2].rsplit(",", 1)[0]
    lines[3] = lines[3].replace("CASE001,3,", "CASE001,x,")
    lines[4] = f"{lines[4].rsplit(',', 2)[0]},21,-1"
    lines += [lines[5], f"{lines[6].rsplit(',', 2)[0]},7,2", "CASE001"]
    (copy / LONG).write_text("\n".join(lines))
    frames, defects, course = read(copy)
    assert [(d.reason, d.where.split()[-1]) for d in defects] == [
        (Reason.ROW_MALFORMED, "3"),
        (Reason.ROW_MALFORMED, "4"),
        (Reason.LABEL_UNKNOWN, "5"),
        (Reason.DUPLICATE_ID, "15"),
        (Reason.ROW_MALFORMED, "16"),
    ]
    assert list(frames) == [0, 1, 5, 6, 7, 8, 9, 10, 11, 12]
    assert frames[6].facts() == {"phase"} and frames[6].phase == Label("RPIL")
    assert course is not None
    assert [s.start_seconds for s in course.segments if s.layer == "step"] == [0, 5, 7, 10]


def test_entries_of_no_case_are_told_once(copy: Path) -> None:
    other = {"id": 50, "file_name": "CASE004/00001.jpg", "width": 1280, "height": 800}
    edit(copy, lambda d: (d["images"].extend([7, {"id": 9}, other]), d["annotations"].extend([None, {"id": 5}])))
    _, defects, _ = read(copy)
    assert [d.where.removeprefix(SHORT) for d in defects] == [
        " image number 3", " image number 4", " annotation number 3", " annotation number 4",
    ]  # fmt: skip
    table, bare = read(copy, "CASE004")[1]
    assert table.detail == "nothing in the file is of CASE004" and table.where.endswith("train.csv")
    assert bare.where == "CASE004"  # a key frame without annotation


def test_names_that_the_file_changes_are_used(copy: Path) -> None:
    edit(copy, lambda d: d["categories"][3].update(name="Hook"))
    assert Label("Hook") in (read(copy)[0][1].instruments or ())
    edit(copy, lambda d: d.pop("categories"))
    frames, (defect,), _ = read(copy)
    assert "no vocabulary categories" in defect.detail and frames[1].facts() == {"phase", "step"}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 30) | st.floats() | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)
KEYS = ("id", "image_id", "image_name", "category_id", "bbox", "actions", "phase", "step")


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.integers(0, 2),
    st.dictionaries(st.sampled_from(KEYS), JSON | st.lists(st.integers(-9, 1300), min_size=4, max_size=4), max_size=4),
    st.dictionaries(st.sampled_from(["id", "file_name", "width", "height"]), JSON, max_size=2),
)
def test_whatever_an_annotation_holds(copy: Path, n: int, note: dict[str, Any], image: dict[str, Any]) -> None:
    shutil.copy(ROOT / SHORT, copy / SHORT)
    edit(copy, lambda d: (d["annotations"][n].update(note), d["images"][n].update(image)))
    frames, _, _ = read(copy)
    assert list(frames) == list(range(13))
    for frame in frames.values():
        for boxed in frame.instrument_boxes or ():
            assert 0 <= boxed.box.x1 < boxed.box.x2 <= 1 and 0 <= boxed.box.y1 < boxed.box.y2 <= 1
