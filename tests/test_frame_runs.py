"""Long videos in runs of frames: the tree and its report are those of whole videos, whatever the length of a run."""

from __future__ import annotations

import pickle
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from surgsigma_hub.api import build
from surgsigma_hub.building import frame_runs
from surgsigma_hub.building.frame_runs import MOST_RUNS, FrameRun, Turns, further_runs, worthwhile
from surgsigma_hub.errors import BuildError
from surgsigma_hub.media.moments import Seen
from surgsigma_hub.records import Defect, Frame, Video
from surgsigma_hub.registry import get_source
from surgsigma_hub.source import Source

from builds import digests

CHOLECT50 = Path(__file__).parent / "fixtures" / "cholect50"
DRAWN: dict[str, Any] = {
    "options": {"videos": "2", "frames": "8", "width": "64", "height": "48", "media": "video"},
    "tasks": ["instrument_segmentation", "next_action_planning", "phase_recognition"],
    "layout": "frames",
    "smoke": 0.5,
    "shard_bytes": 40_000,
}
WHOLE = 10**9


def cut(monkeypatch: pytest.MonkeyPatch, length: int, clip: int = 32) -> None:
    """So long are runs now."""
    monkeypatch.setattr(frame_runs, "FRAME_RUN", length)
    monkeypatch.setattr(frame_runs, "MOST_AGAIN", 1e9)  # whatever drawn labels cost here and now
    monkeypatch.setattr("surgsigma_hub.building.map.CLIP_WEIGHT", clip)


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The tree of whole videos."""
    out = tmp_path_factory.mktemp("whole") / "surgsigma"
    with pytest.MonkeyPatch.context() as patch:
        cut(patch, WHOLE)
        build("synthetic", out=out, **DRAWN)
    return digests(out)


class Counting:
    """Counts the units that it runs, and stops in the middle of them where asked to."""

    def __init__(self, most: int = WHOLE) -> None:
        self.most, self.done = most, []

    def run(self, work: Any, jobs: Sequence[Any], add: Callable[[int, int], None]) -> None:
        for job in jobs:
            if len(self.done) == self.most:
                raise BuildError("killed")
            work(pickle.loads(pickle.dumps(job)), add)
            self.done.append(job)


def with_engine(monkeypatch: pytest.MonkeyPatch, engine: Counting) -> Counting:
    monkeypatch.setattr("surgsigma_hub.building.engines.chosen_engine", lambda name, **_: engine)
    return engine


@pytest.mark.parametrize(("length", "clip", "units"), [(1, 1, 16), (5, 3, 4)])
def test_the_tree_does_not_depend_on_the_length_of_runs(
    drawn: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, length: int, clip: int, units: int
) -> None:
    cut(monkeypatch, length, clip)
    engine = with_engine(monkeypatch, Counting())
    build("synthetic", out=tmp_path / "surgsigma", **DRAWN)
    assert digests(tmp_path / "surgsigma") == drawn
    assert len([job for job in engine.done if hasattr(job, "run")]) >= units


def test_the_tree_does_not_depend_on_who_makes_the_runs(
    drawn: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Processes of their own get the runs as they are sent: what is changed of the module here is not there."""
    cut(monkeypatch, 5)
    made: list[Path] = []
    summary = frame_runs.check_results
    monkeypatch.setattr(frame_runs, "check_results", lambda paths: made.extend(paths) or summary(paths))
    build("synthetic", out=tmp_path / "surgsigma", workers=2, **DRAWN)
    assert sum("+" in path.parent.name for path in made) >= 2
    assert digests(tmp_path / "surgsigma") == drawn


def test_killed_in_the_middle_of_a_video_and_run_again(
    drawn: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cut(monkeypatch, 5, 3)
    out = tmp_path / "surgsigma"
    with monkeypatch.context() as patch:
        with_engine(patch, Counting(3))  # both first runs and a later one
        with pytest.raises(BuildError, match="killed"):
            build("synthetic", out=out, **DRAWN)
    made = {path: path.stat().st_mtime_ns for path in out.rglob("part.json")}
    assert len(made) == 3 and any("+001" in path.parent.name for path in made)
    told: dict[Path, int] = {}
    summary = frame_runs.read_summary

    def read(folder: Path) -> dict[str, Any]:
        told.update({path: path.stat().st_mtime_ns for path in made})
        return summary(folder)

    monkeypatch.setattr(frame_runs, "read_summary", read)
    build("synthetic", out=out, **DRAWN)
    assert told == made, "what was finished is not made again"
    assert digests(out) == drawn and not (out / ".build").exists()


def test_what_is_left_out_is_counted_once_and_told_in_the_same_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A picture that cannot be read, moments that come twice in a row and at the end again, and a defect of the loader
    in between."""
    root = Path(shutil.copytree(CHOLECT50, tmp_path / "root"))
    spoiled = next(p for p in sorted((root / "videos").rglob("*.png")) if p.stem.isdigit())
    spoiled.write_bytes(b"")
    kind = get_source("cholect50")
    frames = kind.frames

    def again(self: Source, video: Video) -> Iterator[Frame | Defect]:
        every = list(frames(self, video))
        for found in every:
            yield found
            yield found
            yield Defect("label_missing", f"{video.id}", "nothing is said here")
        yield from every

    monkeypatch.setattr(kind, "frames", again)
    said, trees, tasks = [], [], ["phase_recognition", "triplet_recognition"]
    for name, length in (("whole", WHOLE), ("1", 1), ("2", 2)):
        cut(monkeypatch, length, 1)
        report = asdict(build("cholect50", root=root, out=tmp_path / name, tasks=tasks, max_quarantine=1))
        said.append({**report, "seconds": 0.0})
        trees.append(digests(tmp_path / name))
    assert said[0] == said[1] == said[2]
    assert trees[0] == trees[1] == trees[2]
    assert {"media_unreadable", "duplicate_id", "label_missing"} <= set(said[0]["quarantined"])


@pytest.mark.parametrize("step", ["__init__", "course", "frames"])
def test_what_each_run_does_again_counts_as_reading(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str) -> None:
    """Most sources read their tables when a recording is opened, others for the course, or frame by frame."""
    clock, noted = [0.0], []
    monkeypatch.setattr("surgsigma_hub.building.map.process_time", lambda: clock[0])
    real, summary = getattr(Seen, step), frame_runs.read_summary

    def slow(self: Seen, *given: Any) -> Any:
        clock[0] += 100
        return real(self, *given)

    def slow_frames(self: Seen) -> Iterator[Frame | Defect]:
        clock[0] += 100
        yield from real(self)

    monkeypatch.setattr(Seen, step, slow_frames if step == "frames" else slow)
    monkeypatch.setattr(frame_runs, "read_summary", lambda folder: noted.append(summary(folder)) or noted[-1])
    build("synthetic", out=tmp_path / "surgsigma", **{**DRAWN, "tasks": ["phase_recognition"]})
    assert [(one["reading"], one["making"]) for one in noted] == [(100, 0)] * 2


@given(st.floats(0, 1e4), st.floats(0, 1e4), st.integers(1, 100_000), st.integers(1, 100_000))
def test_labels_are_not_read_more_often_than_they_are_worth(
    reading: float, making: float, taken: int, others: int
) -> None:
    """Those of masks are pixels: to read them again for each of many runs would cost more than the runs themselves."""
    things = taken + others
    runs = worthwhile({"things": things, "taken": taken, "reading": reading, "making": making})
    assert 1 <= runs < MOST_RUNS
    assert runs == 1 or runs * reading <= frame_runs.MOST_AGAIN * making * things / taken * (1 + 1e-9)


@given(st.integers(0, 100_000), st.integers(1, 3000), st.integers(1, MOST_RUNS - 1))
def test_runs_follow_each_other_and_their_number_is_bounded(weight: int, length: int, most: int) -> None:
    runs = [FrameRun(0, length), *further_runs(weight, length, most)]
    assert all(one.end == other.begin < other.end for one, other in pairwise(runs))
    assert runs[-1].end == max(weight, length) and len(runs) <= most + 1
    assert len(runs) == most + 1 or all(one.end - one.begin <= length for one in runs)


@given(st.lists(st.tuples(st.sampled_from("abcdefgh"), st.integers(1, 4)), max_size=30), st.integers(1, 9))
def test_each_thing_has_its_turn_once_and_a_moment_in_one_run(things: list[tuple[str, int]], length: int) -> None:
    weight = sum(size for _, size in things)
    runs = [FrameRun(0, length), *further_runs(weight, length)]
    taken = []
    for run in runs:
        turns = Turns(run)
        taken.append([turns.takes(moment, size) for moment, size in things])
        assert turns.weight == weight
    assert all(sum(column) == 1 for column in zip(*taken, strict=True))
    for moment in {moment for moment, _ in things}:
        assert (
            len({n for n, one in enumerate(taken) for t, (m, _) in zip(one, things, strict=True) if t and m == moment})
            == 1
        )


def test_the_readme_says_how_long_runs_are() -> None:
    said = (Path(__file__).parent.parent / "README.md").read_text()
    assert f"runs of some {frame_runs.FRAME_RUN:,} frames of a video" in said
