"""The CholecTrack20 loader: numbers from 1, instruments out of view, labels of another film by content."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from surgsigma_hub.parsers.releases import track_records
from surgsigma_hub.parsers.releases.track_records import read_tracks
from surgsigma_hub.records import Defect, Fact, FileImage, Frame, Reason, VideoFrame
from surgsigma_hub.registry import get_source
from surgsigma_hub.source.layout import split_table

from conftest import FIXTURES
from footage_files import seen

CholecTrack20 = get_source("cholectrack20")
ROOT = FIXTURES / "cholectrack20"


def read(root: Path, video: str) -> tuple[list[Frame], list[Defect]]:
    source = CholecTrack20(root)
    (found,) = (v for v in source.videos() if v.id == video)
    items = list(seen(source, found).frames())
    return [f for f in items if isinstance(f, Frame)], [d for d in items if isinstance(d, Defect)]


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    return Path(shutil.copytree(ROOT, tmp_path / "copy"))


def edit(path: Path, change: Callable[[Any], object]) -> None:
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))


def test_keys_count_from_one_in_pictures_and_in_the_test_films() -> None:
    frames, defects = read(ROOT, "VID02")
    assert defects == [] and [f.index for f in frames] == [25 * s for s in range(1, 13)]
    assert [f.image.path.name for f in frames[:1] if isinstance(f.image, FileImage)] == ["000026.png"]
    frames, defects = read(ROOT, "VID01")
    assert defects == [] and [f.image.index for f in frames if isinstance(f.image, VideoFrame)] == [
        25 * s for s in range(6)
    ]


def test_an_instrument_out_of_view_is_in_no_list_and_a_box_over_the_border_is_cut() -> None:
    frames, _ = read(ROOT, "VID02")
    for frame in frames:
        assert frame.instrument_boxes is not None and len(frame.instrument_boxes) == 2
        assert "specimen-bag" not in [label.native for label in frame.instruments or ()]
        assert frame.instrument_boxes[1].clipped and frame.instrument_boxes[1].box.x2 == 1.0


def acts(frame: Frame) -> list[tuple[str, ...]] | None:
    told = frame.triplets
    return None if told is None else [(t.instrument.native, t.action.native, t.target.native) for t in told]


GRASPS, RESTS = ("grasper", "grasp", "gallbladder"), ("grasper", "null_verb", "null_target")
DISSECTS, COAGULATES = ("hook", "dissect", "gallbladder"), ("hook", "coagulate", "gallbladder")


def test_triplets_are_told_where_every_instrument_that_may_be_part_of_one_has_its_own() -> None:
    frames, defects = read(ROOT, "VID23")
    told = [acts(f) for f in frames]
    assert defects == [] and told == [
        *[[GRASPS, DISSECTS]] * 3,
        *[[RESTS, DISSECTS]] * 2,
        [RESTS],
        [RESTS, COAGULATES],
        None,
    ]
    assert [label.native for label in frames[3].actions or ()] == ["dissect"]
    assert frames[5].tissues == () == frames[5].actions
    assert frames[5].instruments is not None and frames[5].instruments[1].native == "specimen-bag"
    note = frames[0].origins[Fact.TRIPLETS].note
    assert note is not None and "CholecT50" in note and Fact.TRIPLETS not in frames[7].origins
    frames, _ = read(ROOT, "VID02")
    assert {f.triplets for f in frames} == {f.actions for f in frames} == {f.tissues for f in frames} == {None}


def test_what_is_done_is_a_course_only_where_it_is_annotated() -> None:
    source = CholecTrack20(ROOT)
    courses = {v.id: source.course(v) for v in source.videos()}
    course = courses["VID23"]
    assert course is not None and course.labelled["action"] == ((60.0, 67.0),)
    runs = [
        (s.label.native, s.start_seconds, s.end_seconds, s.end_known) for s in course.segments if s.layer == "action"
    ]
    assert runs == [("grasp", 60, 63, True), ("dissect", 60, 65, True), ("coagulate", 66, 67, False)]
    other = courses["VID02"]
    assert other is not None and other.labelled["action"] == () and {s.layer for s in other.segments} == {"phase"}


@pytest.mark.parametrize(
    ("bad", "said"),
    [
        ({"instrument": 6}, "in a record of specimen-bag,grasp,gallbladder"),
        ({"verb": 1}, "in a record of grasper,retract,gallbladder"),
        ({"target": 99}, "target 99 is not one of"),
        ({"triplet": 100}, "triplet 100, expected"),
        ({"triplet": "7"}, "triplet 7, expected"),
        ({"verb": []}, "verb [] is not one of"),
    ],
)
def test_ids_that_contradict_each_other_cost_their_second_triplets(copy: Path, bad: dict[str, Any], said: str) -> None:
    edit(copy / "Training/VID23/VID23.json", lambda d: d["annotations"]["1501"][0].update(bad))
    frames, (defect,) = read(copy, "VID23")
    assert frames[0].triplets is None and frames[0].actions is None and frames[0].instrument_boxes
    assert defect.reason is Reason.LABEL_CORRUPT and said in defect.detail and acts(frames[1]) == [GRASPS, DISSECTS]


def test_names_of_verbs_and_targets_of_a_file_itself_count(copy: Path) -> None:
    own = {"verbs": [{"id": 0, "name": "retract"}, *({"id": n, "name": "dissect"} for n in (2, 3, 9))]}
    own["targets"] = [{"id": n, "name": "liver"} for n in (0, 14)]
    edit(copy / "Training/VID23/VID23.json", lambda d: d["categories"].update(own))
    frames, defects = read(copy, "VID23")
    assert defects == [] and acts(frames[0]) == [("grasper", "retract", "liver"), ("hook", "dissect", "liver")]
    assert Fact.TRIPLETS not in frames[0].origins


def test_a_phase_is_presumed_unless_the_file_names_phases(copy: Path) -> None:
    frames, _ = read(ROOT, "VID02")
    note = frames[0].origins[Fact.PHASE].note
    assert note is not None and "order of Cholec80" in note
    names = [{"id": 1, "name": "clipping-and-cutting"}, *({"id": n, "name": "preparation"} for n in range(2, 7))]
    edit(copy / "Training/VID02/VID02.json", lambda d: d["categories"].update(phases=names))
    frames, _ = read(copy, "VID02")
    assert frames[0].phase is not None and frames[0].phase.native == "clipping-and-cutting" and not frames[0].origins


@pytest.mark.parametrize(("video", "said"), [("VID30", "not among its own"), ("VID31", "not among its own")])
def test_labels_of_another_film_are_left_out_whole(video: str, said: str) -> None:
    frames, (defect,) = read(ROOT, video)
    assert frames == [] and defect.reason is Reason.LABEL_CORRUPT and said in defect.detail and defect.moments == 6
    assert read(ROOT, "VID17")[1] == []


def test_without_pictures_a_repeated_file_is_known_by_its_boxes(copy: Path) -> None:
    for video in ("Training/VID17", "Validation/VID30"):
        shutil.rmtree(copy / video / "Frames")
    for video, other in (("VID17", "VID30"), ("VID30", "VID17")):
        frames, (defect,) = read(copy, video)
        assert frames == [] and f"those of {other}" in defect.detail


@pytest.mark.parametrize("indent", [None, 2])
def test_a_repeated_file_is_known_however_its_text_is_laid_out(copy: Path, indent: int | None) -> None:
    for video in ("Training/VID17", "Validation/VID30"):
        shutil.rmtree(copy / video / "Frames")
    path = copy / "Validation/VID30/VID30.json"
    turned = json.loads(path.read_text())
    turned["annotations"] = {key: rows[::-1] for key, rows in reversed(turned["annotations"].items())}
    path.write_text(json.dumps(turned, indent=indent).replace('"2', '"\\u0032') if indent else json.dumps(turned))
    assert "those of VID30" in read(copy, "VID17")[1][0].detail
    (copy / "Training/VID02/VID02.json").unlink()
    assert "those of VID30" in read(copy, "VID17")[1][0].detail


def test_a_repaired_release_is_read(copy: Path) -> None:
    own = json.loads((copy / "Training/VID31/VID31.json").read_text())
    (copy / "Validation/VID30/VID30.json").write_text(json.dumps(own))
    moved = {str(int(key) + 40 * 25): rows for key, rows in own["annotations"].items()}
    edit(copy / "Training/VID31/VID31.json", lambda d: d.update(annotations=moved))
    for video in ("VID30", "VID31"):
        frames, defects = read(copy, video)
        assert len(frames) == 6 and defects == []


def test_a_lost_picture_is_one_moment_and_no_other_film(copy: Path) -> None:
    more = {str(25 * s + 1): [] for s in range(13, 113)}
    edit(copy / "Training/VID02/VID02.json", lambda d: d["annotations"].update(more))
    picture = copy / "Training/VID02/Frames/000026.png"
    for s in range(14, 113):
        shutil.copy(picture, picture.with_name(f"{25 * s + 1:06d}.png"))
    picture.unlink()
    frames, defects = read(copy, "VID02")
    assert len(frames) >= 99 and {d.reason for d in defects} == {Reason.MEDIA_MISSING}


@pytest.mark.parametrize("bad", [{"tool_bbox": [0.1, 0.2]}, {"instrument": 77}, {"tool_bbox": [0.1, 0.1, 0.1, "x"]}])
def test_a_bad_record_costs_its_second_the_lists_and_not_the_phase(copy: Path, bad: dict[str, Any]) -> None:
    edit(copy / "Training/VID02/VID02.json", lambda d: d["annotations"]["26"][0].update(bad))
    frames, (defect,) = read(copy, "VID02")
    assert frames[0].instruments is None and frames[0].instrument_boxes is None and frames[0].phase is not None
    assert defect.where == "Training/VID02/VID02.json frame 26" and frames[1].instruments


def test_boxes_in_pixels_are_of_the_stated_size(copy: Path) -> None:
    edit(copy / "Training/VID02/VID02.json", lambda d: d["annotations"]["26"][0].update(tool_bbox=[24, 16, 48, 32]))
    frames, _ = read(copy, "VID02")
    box = (frames[0].instrument_boxes or ())[0].box
    assert (box.x1, box.y1, box.x2, box.y2) == (0.25, 0.25, 0.75, 0.75)


def test_the_published_split() -> None:
    table = split_table("cholectrack20")["official"]
    assert {v for v, split in table.items() if split == "val"} == {"VID30", "VID110"}
    assert [list(table.values()).count(s) for s in ("train", "test")] == [10, 8]


@pytest.mark.parametrize("key", ["phase", "instrument", "tool_bbox"])
@pytest.mark.parametrize("value", [[], {}, "1", True, 1.5])
def test_a_value_of_another_kind_is_told_and_no_traceback(tmp_path: Path, key: str, value: object) -> None:
    record = {"instrument": 0, "tool_bbox": [0.1, 0.1, 0.2, 0.2], "phase": 1, key: value}
    path = tmp_path / "VID01.json"
    path.write_text(json.dumps({"annotations": {"26": [record]}}))
    (defect,) = read_tracks(path, "VID01.json", {0: "grasper"}, {1: "preparation"}, every=25).defects
    assert defect.where == "VID01.json frame 26"


SIDES = st.sampled_from([0, 1, 0.0, 0.1, 0.25, 0.5, 0.9, 1.0, 1.01, -0.01, -1, 40, True, None, "1"])
RECORDS = st.fixed_dictionaries(
    {},
    optional={
        "tool_bbox": st.lists(SIDES, min_size=4, max_size=4)
        | st.sampled_from([[0.1, 0.2, 0.3, 0.4], [-1] * 4, [0, 0, 1, 1]]),
        "instrument": st.sampled_from([0, 1, 1, 2, 1.0, True, [], "0"]),
        "phase": st.sampled_from([0, 1, 1, -1, 7, 1.0, True, None, []]),
        "triplet": st.sampled_from([-1, -1, -2, 0, 94, None, []]),
        "verb": st.just(9),
        "target": st.just(14),
    },
)


@settings(max_examples=150)
@given(st.lists(RECORDS | st.none(), max_size=3))
def test_the_short_way_says_what_the_long_way_says(records: list[Any]) -> None:
    """Frames in which nothing is unusual are read by a shorter way, which may not say more or less."""
    tools, phases = {0: "grasper", 1: "bipolar"}, {0: "preparation", 1: "dissection"}
    data = json.dumps({"annotations": {"26": records}}).encode()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(track_records, "read_json", lambda path: json.loads(data))
        short = read_tracks(Path("VID01.json"), "VID01.json", tools, phases, every=25)
        patch.setattr(track_records, "_usual", lambda *of: None)
        assert repr(read_tracks(Path("VID01.json"), "VID01.json", tools, phases, every=25)) == repr(short)
