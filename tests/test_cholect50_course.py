"""The course of CholecT50's videos: segments out of labels second by second, and the pictures as footage."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from surgsigma_hub.ontology import resolve_timeline
from surgsigma_hub.records import Fact, FileImage, Origin, Stills, VideoTimeline

from chole_files import label_file, pictures, vector
from cholect50_reading import GRASP, ROOT, CholecT50, course

RETRACT, DISSECT = GRASP, vector(60, 2, 2, 0, 1)
NOTHING, IDLE = vector(-1, -1, -1, -1, 1), vector(94, 0, 9, 14, 1)
UNSAID = vector(-1, 2, -1, -1, 1)  # a hook without triplet: what it does was not annotated


def said(made: VideoTimeline | None) -> list[tuple[str, str, float, float]]:
    assert made is not None
    return [(s.layer, s.label.native, s.start_seconds, s.end_seconds) for s in made.segments]


def of(folder: Path, annotations: dict[str, Any]) -> list[tuple[str, str, float, float]]:
    label_file(folder, "VID01", annotations)
    return said(course(folder, "VID01"))


def actions(folder: Path, annotations: dict[str, Any]) -> list[tuple[str, float, float]]:
    return [(name, start, end) for layer, name, start, end in of(folder, annotations) if layer == "action"]


def test_the_course_of_the_fixture() -> None:
    made = course(ROOT, "VID12")
    assert said(made) == [
        ("action", "retract", 2, 12),
        ("action", "dissect", 7, 17),
        ("action", "clip", 19, 26),
        ("action", "cut", 26, 32),
        ("phase", "carlot-triangle-dissection", 2, 16),
        ("phase", "clipping-and-cutting", 16, 32),
    ]
    assert made is not None and set(made.origins.values()) == {Origin("derived")} and made.moments == ()
    folder = ROOT / "videos" / "VID12"
    expected = (None, None, *(FileImage(folder / f"{n:06d}.png") for n in range(2, 32)))
    assert made.footage == Stills(expected, 1.0)
    assert resolve_timeline("cholect50", made).facts() == {*made.origins, Fact.FOOTAGE} <= CholecT50.info.facts


def test_a_missing_picture_is_none_and_its_labels_hold(tmp_path: Path) -> None:
    assert actions(tmp_path, {str(n): [RETRACT] for n in range(4)}) == [("retract", 0, 4)]
    made = course(tmp_path, "VID01")
    assert made is not None and made.footage is None and made.facts() == {Fact.ACTION_SEGMENTS, Fact.PHASE_SEGMENTS}
    pictures(tmp_path, "VID01", [1, 3])
    made = course(tmp_path, "VID01")
    assert made is not None and isinstance(made.footage, Stills)
    names = [image.path.name if isinstance(image, FileImage) else None for image in made.footage.images]
    assert names == [None, "000001.png", None, "000003.png"]


def test_several_verbs_at_once_overlap_and_one_verb_of_two_instruments_is_one(tmp_path: Path) -> None:
    both = vector(19, 0, 1, 8, 1)  # grasper, retract, liver
    rows = {"0": [RETRACT], "1": [RETRACT, DISSECT], "2": [both, RETRACT, DISSECT], "3": [DISSECT]}
    assert actions(tmp_path, rows) == [("retract", 0, 3), ("dissect", 1, 4)]


def test_no_verb_ends_a_run_and_makes_none(tmp_path: Path) -> None:
    for n, rest in enumerate(([NOTHING], [IDLE], [UNSAID], [RETRACT, UNSAID])):
        rows = {"0": [RETRACT], "1": rest, "2": [RETRACT]}
        assert actions(tmp_path / str(n), rows) == [("retract", 0, 1), ("retract", 2, 3)], rest


def test_seconds_without_labels_or_with_bad_ones_end_a_run(tmp_path: Path) -> None:
    bad = vector(17, 0, 1, 0, 9)
    rows = {"4": [RETRACT], "5": [RETRACT], "7": [RETRACT], "8": [bad], "9": [RETRACT], "x": [RETRACT]}
    assert actions(tmp_path, rows) == [("retract", 4, 6), ("retract", 7, 8), ("retract", 9, 10)]
    phases = [x[2:] for x in of(tmp_path, rows) if x[0] == "phase"]
    assert phases == [(4, 6), (7, 8), (9, 10)]


def test_a_file_that_cannot_be_read_leaves_no_course(tmp_path: Path) -> None:
    label_file(tmp_path, "VID01", {}).write_text("{")
    pictures(tmp_path, "VID01", [0])
    assert course(tmp_path, "VID01") is None


@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seconds=st.dictionaries(st.integers(0, 30), st.sets(st.sampled_from(["R", "D"])), min_size=1, max_size=12))
def test_a_second_lies_in_a_segment_exactly_where_its_verb_is_said(tmp_path: Path, seconds: Any) -> None:
    rows = {"R": RETRACT, "D": DISSECT}
    found = actions(tmp_path, {str(n): [rows[c] for c in sorted(held)] or [NOTHING] for n, held in seconds.items()})
    for code, name in (("R", "retract"), ("D", "dissect")):
        covered = [n for verb, start, end in found if verb == name for n in range(int(start), int(end))]
        assert sorted(covered) == sorted(n for n, held in seconds.items() if code in held)
        ends = {end for verb, _, end in found if verb == name}
        assert not ends & {start for verb, start, _ in found if verb == name}, "two runs that touch are one"
