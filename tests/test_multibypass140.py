"""The MultiBypass140 loader: its fixture, folds, media in their places, and damage of every kind."""

from __future__ import annotations

import json
import pickle
import shutil
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from surgsigma_hub.errors import BadRowError, LayoutError, SurgSigmaError
from surgsigma_hub.ontology import resolve_frame, resolve_timeline
from surgsigma_hub.records import (
    Defect,
    FileImage,
    Film,
    Frame,
    Label,
    Reason,
    Segment,
    Stills,
    Video,
    VideoFrame,
    VideoTimeline,
)
from surgsigma_hub.registry import get_source
from surgsigma_hub.source import parse_options

from conftest import FIXTURES
from footage_files import seen

MultiBypass140 = get_source("multibypass140")
ROOT = FIXTURES / "multibypass140"
SPLITS = "labels/{}/labels_by70_splits"


def opened(root: Path, **options: str) -> Any:
    return MultiBypass140(root, parse_options(MultiBypass140, options))


def read(root: Path, video: str, **options: str) -> tuple[list[Frame], list[Defect], VideoTimeline]:
    source = opened(root, **options)
    (found,) = (v for v in source.videos() if v.id == video)
    items = list(seen(source, found).frames())
    frames = [f for f in items if isinstance(f, Frame)]
    return frames, [d for d in items if isinstance(d, Defect)], seen(source, found).course()


def said(frames: list[Frame]) -> list[tuple[int, str | None, str | None]]:
    return [(f.index, f.phase and f.phase.native, f.step and f.step.native) for f in frames]


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    return Path(shutil.copytree(ROOT, tmp_path / "MultiBypass140"))


def labels(root: Path, content: Any, video: str = "BBP02") -> None:
    path = root / "labels" / "bern" / "labels_by70" / f"{video}.mp4.json"
    path.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())


def row(name: str, start: Any, end: Any) -> dict[str, Any]:
    return {"start": start, "end": end, "label_name": name, "label_id": 0}


# ------------------------------------------------------------------------------------------------------ good files


def test_seconds_carry_the_label_of_their_own_millisecond() -> None:
    frames, defects, _ = read(ROOT, "BBP02")
    assert defects == []
    assert said(frames) == [(n, "preparation", "s1_cavity_exploration") for n in (1, 2, 3)] + [
        (n, "omentum_division", "s12_omental_lifting") for n in (4, 5, 6)
    ]
    assert {f.fps for f in frames} == {1}
    folder = ROOT / SPLITS.format("bern") / "frames" / "BBP02"
    assert [f.image for f in frames] == [FileImage(folder / f"BBP02_{n:08d}.jpg") for n in range(1, 7)]


def test_marks_lie_over_the_phases() -> None:
    frames, defects, course = read(ROOT, "BBP01")
    assert defects == [] and [f.index for f in frames] == list(range(2, 14))  # the first phase begins at 1.2 s
    assert {f.phase and f.phase.native for f in frames if f.index in (3, 4)} == {"preparation"}
    assert [(s.layer, s.label.native, s.start_seconds, s.end_seconds) for s in course.segments] == [
        ("phase", "preparation", 1.2, 9.0),
        ("phase", "gastric_pouch_creation", 9.0, 14.0),
        ("step", "s0_null_step", 1.2, 5.3),
        ("step", "s2_trocar_placement", 5.3, 9.0),
        ("step", "s6_horizontal_stapling", 9.0, 11.5),
        ("step", "s8_vertical_stapling", 11.5, 14.0),
    ]
    marked_frames, _, marked = read(ROOT, "BBP01", marks="true")
    assert marked_frames == frames
    assert set(marked.segments) - set(course.segments) == {
        Segment("phase", Label("out_of_body"), 2.5, 4.1),
        Segment("phase", Label("severe_index"), 10.0, 12.0),
    }


def test_footage_is_the_film_or_else_the_pictures() -> None:
    film = ROOT / "datasets/MultiBypass140/StrasBypass70/videos/SBP01.mp4"
    frames, _, course = read(ROOT, "SBP01")
    assert course.footage == Film(film, 25)
    assert [f.image for f in frames] == [VideoFrame(film, 25 * n) for n in range(1, 11)]
    footage = read(ROOT, "BBP02")[2].footage
    assert isinstance(footage, Stills) and footage.fps == 1 and len(footage.images) == 7
    assert footage.images[0] is None
    assert footage.images[6] == FileImage(ROOT / SPLITS.format("bern") / "frames" / "BBP02" / "BBP02_00000006.jpg")


def test_every_label_resolves() -> None:
    source = opened(ROOT, marks="true")
    for video in source.videos():
        for frame in seen(source, video).frames():
            assert resolve_frame("multibypass140", frame).facts() == {"phase", "step"}
        assert resolve_timeline("multibypass140", seen(source, video).course()).facts() == {
            "phase_segments",
            "step_segments",
            "footage",
        }


@pytest.mark.parametrize(
    "place", ["datasets/BernBypass70", "BernBypass70", "datasets/MultiBypass140/BernBypass70", "."]
)
def test_media_are_found_where_readers_put_them(copy: Path, place: str) -> None:
    frames = copy / SPLITS.format("bern") / "frames"
    (copy / place).mkdir(parents=True, exist_ok=True)
    (copy / place / "videos").mkdir()
    (copy / place / "videos" / "BBP02.mp4").write_bytes(b"no film")
    shutil.move(frames, copy / place / "frames")
    (copy / place / "frames" / "BBP02" / "BBP02_00000003.jpg").unlink()
    moments, _, course = read(copy.parent, "BBP02")
    assert [f.image.path.name[-5] for f in moments] == [*"12456"]  # type: ignore[union-attr]
    assert course.footage == Film(copy / place / "videos" / "BBP02.mp4", 25)
    shutil.rmtree(copy / place / "frames")
    assert {type(f.image) for f in read(copy, "BBP02")[0]} == {VideoFrame}
    shutil.rmtree(copy / place / "videos")
    moments, defects, course = read(copy, "BBP02")
    assert moments == [] and course.footage is None and course.segments
    assert [(d.reason, d.moments) for d in defects] == [(Reason.MEDIA_MISSING, len(read(ROOT, "BBP02")[0]))]


def test_step_seconds() -> None:
    assert [f.index for f in read(ROOT, "BBP01", step_seconds="5")[0]] == [5, 10]
    with pytest.raises(SurgSigmaError, match="step_seconds"):
        opened(ROOT, step_seconds="0")


# ------------------------------------------------------------------------------------------------ folds and layout


def test_folds_are_those_of_the_pickles(copy: Path) -> None:
    assert {v.id: v.split for v in opened(ROOT).videos()} == {"BBP01": "train", "BBP02": "test", "SBP01": "val"}
    assert {v.split for v in opened(ROOT, split_scheme="undivided").videos()} == {"train"}
    for centre, val, test in (("bern", "BBP01", "BBP70"), ("strasbourg", "SBP70", "SBP01")):
        for split, id in (("val", val), ("test", test)):
            path = copy / SPLITS.format(centre) / "labels" / split / "1fps_3.pickle"
            path.write_bytes(pickle.dumps({id: []}))
    third = {v.id: v.split for v in opened(copy, split_scheme="fold-3").videos()}
    assert third == {"BBP01": "val", "BBP02": "train", "SBP01": "test"}


def test_folds_that_cannot_be_told_are_an_error(copy: Path) -> None:
    with pytest.raises(SurgSigmaError, match=r"val/1fps_2\.pickle.*is missing[\s\S]*undivided"):
        opened(copy, split_scheme="fold-2").videos()
    path = copy / SPLITS.format("bern") / "labels" / "test" / "1fps_0.pickle"
    for content, error in (
        (pickle.dumps({"BBP63": []}), "both val and test"),
        (pickle.dumps([1]), "mapping of video"),
        (pickle.dumps({}), "mapping of video"),
        (b"cos\nsystem\n(Vtrue\ntR.", "os.system"),
        (b"", "damaged"),
    ):
        path.write_bytes(content)
        with pytest.raises(SurgSigmaError, match=error) as raised:
            opened(copy).videos()
        assert isinstance(raised.value, BadRowError) == ("both" not in error) and str(copy) not in str(raised.value)


def test_one_centre_is_enough(copy: Path) -> None:
    shutil.rmtree(copy / "labels" / "strasbourg")
    frames, (defect,), _ = read(copy, "SBP01")
    assert not frames and defect.detail == "the file is missing", "of the other one, only a film is there"
    shutil.rmtree(copy / "datasets")
    assert [v.id for v in opened(copy).videos()] == ["BBP01", "BBP02"]


def test_wrong_roots_show_the_layout(copy: Path, tmp_path: Path) -> None:
    for path in (copy / "labels").rglob("*.mp4.json"):
        path.rename(path.with_name(f"my{path.name}"))
    shutil.rmtree(copy / "datasets")
    shutil.rmtree(copy / SPLITS.format("bern") / "frames")
    with pytest.raises(LayoutError, match="no file is named after a video"):
        opened(copy).videos()
    shutil.copytree(copy, tmp_path / "second")
    with pytest.raises(LayoutError, match="several copies"):
        opened(tmp_path).videos()
    with pytest.raises(LayoutError, match=r"labels/bern/labels_by70/BBP01\.mp4\.json"):
        opened(copy / "labels" / "bern" / "labels_by70").videos()


# ---------------------------------------------------------------------------------------------------- damaged files


@pytest.mark.parametrize(
    "content", [b"", b"[]", b"{", b'{"phases": [], "phases": []}', b"\xff", b'{"phases": [{"start": 1', b"[" * 100_000]
)
def test_a_damaged_file_costs_its_own_video(copy: Path, content: bytes) -> None:
    labels(copy, content)
    frames, (defect,), course = read(copy, "BBP02")
    assert frames == [] and course.segments == ()
    assert (defect.reason, defect.where) == (Reason.ROW_MALFORMED, "labels/bern/labels_by70/BBP02.mp4.json")
    assert len(read(copy, "BBP01")[0]) == 12


@pytest.mark.parametrize(
    "bad",
    [3, [], {}, row("x", 5, 5), row("x", 6, 5), row("x", -1, 5), row("x", 0.5, 5), row("x", True, 5), row("x", "1", 5),
     row(None, 1, 5), row([], 1, 5), row({}, 1, 5), row("x", 1, 10**12)],  # type: ignore[arg-type]
)  # fmt: skip
def test_a_damaged_interval_leaves_a_hole(copy: Path, bad: Any) -> None:
    labels(copy, {"phases": [row("preparation", 0, 1500), bad, row("omentum_division", 3000, 4500)], "steps": []})
    frames, (defect,), _ = read(copy, "BBP02")
    assert said(frames) == [(1, "preparation", None), (3, "omentum_division", None), (4, "omentum_division", None)]
    assert defect.where == "labels/bern/labels_by70/BBP02.mp4.json phases 1"


def test_a_missing_list_is_told_and_the_other_is_read(copy: Path) -> None:
    labels(copy, {"steps": [row("s1_cavity_exploration", 0, 2500)]})
    frames, (defect,), _ = read(copy, "BBP02")
    assert said(frames) == [(1, None, "s1_cavity_exploration"), (2, None, "s1_cavity_exploration")]
    assert defect.where.endswith("BBP02.mp4.json phases")


def test_two_phases_at_once_tell_neither(copy: Path) -> None:
    phases = [row("preparation", 0, 6500), row("omentum_division", 1500, 2500), row("disassembling", 3500, 4500)]
    labels(copy, {"phases": phases, "steps": [row("s1_cavity_exploration", 0, 4500)]})
    frames, defects, _ = read(copy, "BBP02")
    assert [f.phase and f.phase.native for f in frames] == [
        "preparation",
        None,
        "preparation",
        None,
        *["preparation"] * 2,
    ]
    assert [d.reason for d in defects] == [Reason.ROW_MALFORMED] * 2
    assert "1500 ms to 2500 ms" in defects[0].detail and "3500 ms to 4500 ms" in defects[1].detail


TIME = st.integers(-500, 8000)
SPAN = st.builds(row, st.sampled_from(["preparation", "omentum_division", "out_of_body"]), TIME, TIME) | st.none()


@settings(max_examples=80, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(SPAN, max_size=5), st.lists(SPAN, max_size=5))
def test_whatever_the_intervals_are(copy: Path, phases: list[Any], steps: list[Any]) -> None:
    labels(copy, {"phases": phases, "steps": steps})
    path = copy / "labels/bern/labels_by70/BBP02.mp4.json"
    video = Video(id="BBP02", canonical_id="multibypass140/BBP02", split="train", files=(path,))
    source = opened(copy)
    course = seen(source, video).course()
    order = [(s.layer, s.start_seconds) for s in course.segments]
    assert order == sorted(order) and all(s.start_seconds < s.end_seconds for s in course.segments)
    for frame in seen(source, video).frames():
        if isinstance(frame, Frame):
            for layer, label in (("phase", frame.phase), ("step", frame.step)):
                under = {
                    s.label
                    for s in course.segments
                    if s.layer == layer and s.start_seconds <= frame.seconds < s.end_seconds
                }
                assert under == {label} if label is not None else len(under) != 1
