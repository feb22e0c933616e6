"""The Cataract-101 loader: its fixture, and damage of every kind."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from surgsigma_hub.errors import LayoutError, SurgSigmaError, UnknownNameError
from surgsigma_hub.ontology import native_names, resolve_frame, resolve_timeline
from surgsigma_hub.records import Defect, Film, Frame, Label, Reason, Segment, VideoFrame, VideoTimeline
from surgsigma_hub.registry import get_source
from surgsigma_hub.source import parse_options

from conftest import FIXTURES
from footage_files import seen

Cataract101 = get_source("cataract101")
ROOT = FIXTURES / "cataract101"


def opened(root: Path, **options: str) -> Any:
    return Cataract101(root, parse_options(Cataract101, options))


def read(root: Path, video: str = "case_11", **options: str) -> tuple[list[Frame], list[Defect], VideoTimeline | None]:
    source = opened(root, **options)
    (found,) = (v for v in source.videos() if v.id == video)
    items = list(seen(source, found).frames())
    frames = [f for f in items if isinstance(f, Frame)]
    return frames, [d for d in items if isinstance(d, Defect)], seen(source, found).course()


def phases(frames: list[Frame]) -> list[tuple[int, str]]:
    return [(f.index, f.phase.native) for f in frames if f.phase is not None]


def segment(name: str, start: float, end: float, *, end_known: bool = True) -> Segment:
    return Segment("phase", Label(name), start, end, end_known=end_known)


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    return Path(shutil.copytree(ROOT, tmp_path / "cataract-101"))


def edit(path: Path, change: Callable[[str], str]) -> None:
    path.write_text(change(path.read_text()))


# ------------------------------------------------------------------------------------------------------ good files


def test_seconds_take_the_phase_that_started_last() -> None:
    frames, defects, _ = read(ROOT)
    assert defects == []
    film = ROOT / "videos" / "case_11.mp4"
    assert frames[0] == Frame(index=50, fps=25, image=VideoFrame(film, 50), phase=Label("Incision"))
    visco, rhexis = "Viscous agent injection", "Rhexis"
    assert phases(frames) == [(50, "Incision"), (75, "Incision")] + [(n, visco) for n in (100, 125, 150, 175)] + [
        (200, rhexis), (225, rhexis), (250, rhexis), (275, visco), (300, visco),
    ]  # fmt: skip
    assert phases(read(ROOT, step_seconds="5")[0]) == [(125, visco), (250, rhexis)]


def test_intervals_join_neighbours_of_one_phase() -> None:
    _, _, course = read(ROOT)
    assert course is not None and course.footage == Film(ROOT / "videos" / "case_11.mp4", 25)
    assert course.segments == (
        segment("Incision", 1.2, 3.6),
        segment("Viscous agent injection", 3.6, 8.0),
        segment("Rhexis", 8.0, 10.4),
        segment("Viscous agent injection", 10.4, 12.4, end_known=False),  # there the video ends
    )


def test_moments_and_intervals_agree() -> None:
    for video in ("case_11", "case_12"):
        frames, _, course = read(ROOT, video)
        assert course is not None and course.segments
        for frame in frames:
            (under,) = (s for s in course.segments if s.start_seconds <= frame.seconds < s.end_seconds)
            assert under.label == frame.phase


def test_every_label_resolves_and_the_table_is_the_sources() -> None:
    source = opened(ROOT)
    for video in source.videos():
        for frame in seen(source, video).frames():
            assert isinstance(frame, Frame)
            assert resolve_frame("cataract101", frame).facts() == {"phase"}
        assert resolve_timeline("cataract101", seen(source, video).course()).facts() == {"phase_segments", "footage"}
    lines = (ROOT / "phases.csv").read_text().splitlines()[1:]
    assert {native for _, native in native_names("cataract101")} == {line.split(";")[1] for line in lines}


def test_splits_depend_on_the_number_alone(copy: Path) -> None:
    before = {v.id: v.split for v in opened(ROOT).videos()}
    edit(copy / "videos.csv", lambda t: t.replace("11;310", "930;100;25;1;1\n11;310"))
    after = {v.id: v.split for v in opened(copy).videos()}
    assert after.items() > before.items() and list(after) == ["case_11", "case_12", "case_930"]
    with pytest.raises(UnknownNameError, match="hashed"):
        opened(ROOT, split_scheme="official")


def test_without_films_the_moments_are_there_without_picture(copy: Path) -> None:
    shutil.rmtree(copy / "videos")
    (copy / "phases.csv").unlink()
    frames, defects, course = read(copy.parent)
    assert frames == [] and [(d.reason, d.where, d.moments) for d in defects] == [
        (Reason.MEDIA_MISSING, "videos/case_11.mp4", len(read(ROOT)[0]))
    ]
    assert course is not None and course.footage is None and course.segments


# ---------------------------------------------------------------------------------------------------- damaged files


def test_a_row_that_cannot_be_read_costs_its_video(copy: Path) -> None:
    for bad in ("11;x;3", "11;200", "11;-1;3", "11;310;3", "11;200;3;4"):
        shutil.copy(ROOT / "annotations.csv", copy)
        edit(copy / "annotations.csv", lambda t, bad=bad: t.replace("11;200;3", bad))  # type: ignore[misc]
        frames, defects, course = read(copy)
        assert frames == [] and course is None
        assert [(d.reason, d.where) for d in defects] == [(Reason.ROW_MALFORMED, "annotations.csv line 5")], bad
        assert len(read(copy, "case_12")[0]) == 8


def test_an_unknown_phase_leaves_a_hole_and_not_the_phase_before(copy: Path) -> None:
    edit(copy / "annotations.csv", lambda t: t.replace("11;200;3", "11;200;77"))
    frames, defects, course = read(copy)
    assert [(d.reason, d.where) for d in defects] == [(Reason.LABEL_UNKNOWN, "annotations.csv line 5")]
    assert [f.index for f in frames] == [50, 75, 100, 125, 150, 175, 275, 300]
    assert course is not None and [s.end_seconds for s in course.segments] == [3.6, 8.0, 12.4]


def test_a_frame_that_starts_two_phases(copy: Path) -> None:
    edit(copy / "annotations.csv", lambda t: t + "11;200;3\n")
    frames, defects, _ = read(copy)
    assert phases(frames) == phases(read(ROOT)[0]) and [d.reason for d in defects] == [Reason.DUPLICATE_ID]
    edit(copy / "annotations.csv", lambda t: t + "11;200;4\n")
    frames, defects, _ = read(copy)
    assert [f.index for f in frames if f.index in (200, 225, 250)] == [] and len(defects) == 2


def test_rows_out_of_order_are_sorted(copy: Path) -> None:
    edit(copy / "annotations.csv", lambda t: "\n".join([t.splitlines()[0], *reversed(t.splitlines()[1:])]))
    assert read(copy)[:2] == (
        [Frame(index=f.index, fps=25, image=VideoFrame(copy / "videos/case_11.mp4", f.index), phase=f.phase)
         for f in read(ROOT)[0]],
        [],
    )  # fmt: skip


@pytest.mark.parametrize("row", ["11;310;25;4\n", "11;0;25;1;1\n", "11;310;0;1;1\n", "11;310;x;1;1\n", "", "twice"])
def test_a_video_of_unknown_length_is_left_out(copy: Path, row: str) -> None:
    good = "11;310;25;1;2\n"
    edit(copy / "videos.csv", lambda t: t.replace(good, good * 2 if row == "twice" else row))
    frames, (defect,), course = read(copy)
    assert frames == [] and course is None and defect.where == "videos.csv video 11"


def test_lines_of_no_video_are_told_once(copy: Path) -> None:
    edit(copy / "annotations.csv", lambda t: t + "x;1;1\ny;1;1\n;;\n")
    source = opened(copy)
    told = [d for v in source.videos() for d in seen(source, v).frames() if isinstance(d, Defect)]
    assert [d.where for d in told] == ["annotations.csv line 9", "annotations.csv line 10"]


def test_wrong_roots_show_the_layout(copy: Path, tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(LayoutError, match=r"annotations\.csv videos\.csv"):
        opened(empty).videos()
    edit(copy / "annotations.csv", lambda t: t.replace(";", ","))
    with pytest.raises(LayoutError, match=r"annotations\.csv, line 1"):
        opened(copy).videos()
    shutil.copytree(ROOT, tmp_path / "two" / "a")
    shutil.copytree(ROOT, tmp_path / "two" / "b")
    with pytest.raises(LayoutError, match="several copies"):
        opened(tmp_path / "two").videos()
    for name in ("annotations.csv", "videos.csv"):
        edit(copy / name, lambda t: t.splitlines()[0].replace(",", ";"))
    with pytest.raises(LayoutError, match="name no video"):
        opened(copy).videos()
    with pytest.raises(SurgSigmaError, match="step_seconds"):
        opened(ROOT, step_seconds="0")


ROW = st.tuples(st.integers(-2, 320), st.integers(-1, 12)).map(lambda r: f"11;{r[0]};{r[1]}")


@settings(max_examples=80, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(ROW | st.text("0123456789;x-", max_size=8), max_size=6))
def test_whatever_the_rows_are_segments_are_sorted_and_fit_the_film(copy: Path, rows: list[str]) -> None:
    (copy / "annotations.csv").write_text("\n".join(["VideoID;FrameNo;Phase", *rows]))
    frames, defects, course = read(copy)
    assert all(str(copy) not in d.where + d.detail for d in defects)
    segments = (course and course.segments) or ()
    ends = [0.0, *(t for s in segments for t in (s.start_seconds, s.end_seconds))]
    assert ends == sorted(ends) and ends[-1] <= 12.4 and all(s.start_seconds < s.end_seconds for s in segments)
    assert [f.index for f in frames] == sorted(f.index for f in frames)
