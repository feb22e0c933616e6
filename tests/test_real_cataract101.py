"""The real tables of Cataract-101 against a reading by plain Python."""

from __future__ import annotations

import csv
from collections import Counter
from pathlib import Path

import pytest
from surgsigma_hub.ontology import native_names, resolve_frame, resolve_timeline
from surgsigma_hub.records import Frame
from surgsigma_hub.registry import get_source
from surgsigma_hub.tasks import all_tasks

Cataract101 = get_source("cataract101")


def table(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file, delimiter=";"))


@pytest.fixture(scope="module")
def rows(real: Path) -> dict[str, list[tuple[int, str]]]:
    """Frame and phase name of every start, by video."""
    name = {r["Phase"]: r["Meaning"] for r in table(real / "cataract101" / "phases.csv")}
    found: dict[str, list[tuple[int, str]]] = {}
    for row in table(real / "cataract101" / "annotations.csv"):
        found.setdefault(row["VideoID"], []).append((int(row["FrameNo"]), name[row["Phase"]]))
    return found


def test_every_second_and_every_interval(real: Path, rows: dict[str, list[tuple[int, str]]]) -> None:
    frames_of = {r["VideoID"]: int(r["Frames"]) for r in table(real / "cataract101" / "videos.csv")}
    source = Cataract101(real / "cataract101")
    videos = list(source.videos())
    assert [v.id for v in videos] == [f"case_{n}" for n in sorted(frames_of, key=int)] and len(videos) == 101
    drafts: Counter[str] = Counter()
    merged = moments = 0
    for video in videos:
        number = video.id.removeprefix("case_")
        expected: dict[int, str] = {}
        for start, phase in rows[number]:  # each start overwrites all that comes after it
            for frame in range(-(-start // 25) * 25, frames_of[number], 25):
                expected[frame] = phase
        items = list(source.frames(video))
        frames = [resolve_frame("cataract101", f) for f in items if isinstance(f, Frame)]
        assert len(frames) == len(items), "the published tables have no damage"
        assert {f.index: f.phase and f.phase.native for f in frames} == expected
        assert all(f.image is None and f.fps == 25 for f in frames)
        moments += len(expected)
        for task in all_tasks().values():
            drafts[task.name] += sum(1 for f in frames for _ in (task.draft(f) if task.draft else ()))
        course = source.course(video)
        assert course is not None and course.footage is None
        segments = resolve_timeline("cataract101", course).segments
        names = [name for _, name in rows[number]]
        kept = [n for n in range(len(names)) if n == 0 or names[n] != names[n - 1]]
        merged += len(names) - len(kept)
        assert [(s.start_seconds * 25, s.label.native) for s in segments] == [
            (pytest.approx(rows[number][n][0]), names[n]) for n in kept
        ]
        assert segments[-1].end_seconds * 25 == pytest.approx(frames_of[number])
        assert sum(s.end_seconds - s.start_seconds for s in segments) * 25 == pytest.approx(
            frames_of[number] - rows[number][0][0]
        )
    assert merged == 93 and sum(map(len, rows.values())) == 1266
    assert drafts == Counter(phase_recognition=moments) and moments == 49353


def test_splits_have_the_sizes_that_the_card_says(real: Path) -> None:
    source = Cataract101(real / "cataract101")
    assert Counter(v.split for v in source.videos()) == {"train": 71, "val": 11, "test": 19}


def test_the_table_of_names_is_the_release(real: Path) -> None:
    published = {("phase", r["Meaning"]) for r in table(real / "cataract101" / "phases.csv")}
    assert published == set(native_names("cataract101"))
