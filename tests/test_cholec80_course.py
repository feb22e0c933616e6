"""The course of Cholec80's videos: phases as segments and the footage, in the three forms of the dataset."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from surgsigma_hub.ontology import resolve_timeline
from surgsigma_hub.records import Fact, FileImage, FileSlice, Film, Origin, Stills, VideoTimeline

from chole_files import as_films, as_records
from cholec80_reading import ROOT, Cholec80, course

PHASES = "phase_annotations"
EXACT = [
    ("Preparation", 0, 6.4),
    ("CalotTriangleDissection", 6.4, 15.6),
    ("ClippingCutting", 15.6, 20),
]


def said(made: VideoTimeline | None) -> list[tuple[str, float, float]]:
    assert made is not None
    assert {s.layer for s in made.segments} == {"phase"}
    return [(s.label.native, s.start_seconds, s.end_seconds) for s in made.segments]


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    return Path(shutil.copytree(ROOT, tmp_path / "cholec80"))


def test_pictures_are_stills_and_phases_are_exact_to_the_frame() -> None:
    made = course(ROOT, "video02")
    assert said(made) == EXACT
    assert made is not None and made.origins == {Fact.PHASE_SEGMENTS: Origin("derived")}
    folder = ROOT / "frames" / "video02"
    assert made.footage == Stills(tuple(FileImage(folder / f"video02_{n:06d}.png") for n in range(1, 21)), 1.0)
    assert resolve_timeline("cholec80", made).facts() == {Fact.PHASE_SEGMENTS, Fact.FOOTAGE} <= Cholec80.info.facts


def test_a_film_has_its_own_rate(tmp_path: Path) -> None:
    films = as_films(ROOT, tmp_path / "films")
    made = course(films, "video02")
    assert said(made) == EXACT
    assert made is not None and made.footage == Film(films / "videos" / "video02.mp4", 25.0)
    (films / "videos" / "video02.mp4").unlink()
    made = course(films, "video02")
    assert said(made) == EXACT and made is not None and made.footage is None


def test_records_know_phases_by_the_second(tmp_path: Path) -> None:
    records = as_records(ROOT, tmp_path / "records")
    made = course(records, "video02")
    assert said(made) == [("Preparation", 0, 7), ("CalotTriangleDissection", 7, 16), ("ClippingCutting", 16, 20)]
    assert made is not None and isinstance(made.footage, Stills) and made.footage.fps == 1
    for n, image in enumerate(made.footage.images):
        assert isinstance(image, FileSlice)
        held = image.path.read_bytes()[image.offset :][: image.length]
        assert held == (ROOT / "frames" / "video02" / f"video02_{n + 1:06d}.png").read_bytes()
    assert len(made.footage.images) == 20


def test_missing_pictures_are_none_and_the_footage_ends_with_the_last(copy: Path) -> None:
    for n in (1, 5, 19):
        (copy / "frames" / "video02" / f"video02_{n:06d}.png").unlink()
    made = course(copy, "video02")
    assert said(made) == EXACT
    assert made is not None and isinstance(made.footage, Stills)
    assert [n for n, image in enumerate(made.footage.images) if image is None] == [0, 4, 18]
    assert len(made.footage.images) == 20
    shutil.rmtree(copy / "frames" / "video02")
    made = course(copy, "video02")
    assert said(made) == EXACT and made is not None and made.footage is None


def test_pictures_of_another_name_are_found_by_the_pattern(copy: Path) -> None:
    folder = copy / "frames" / "video02"
    for second in range(20):
        (folder / f"video02_{second + 1:06d}.png").rename(folder / f"{25 * second}.png")
    made = course(copy, "video02", frame_pattern="{frame}.png")
    assert made is not None and isinstance(made.footage, Stills) and None not in made.footage.images
    made = course(copy, "video02")
    assert made is not None and made.facts() == {Fact.PHASE_SEGMENTS}


def test_rows_left_out_end_a_run(copy: Path) -> None:
    path = copy / PHASES / "video02-phase.txt"
    text = path.read_text().replace("\n50\tPreparation\n", "\n50\n") + "100\tClippingCutting\n"
    path.write_text(text)
    assert said(course(copy, "video02")) == [
        ("Preparation", 0, 2),
        ("Preparation", 2.04, 4),
        ("Preparation", 4.04, 6.4),
        *EXACT[1:],
    ]


def test_a_table_thinned_to_seconds_makes_segments_of_seconds(copy: Path) -> None:
    path = copy / PHASES / "video02-phase.txt"
    head, *rows = path.read_text().splitlines()
    path.write_text("\n".join([head, *rows[::25]]) + "\n")
    assert said(course(copy, "video02")) == [
        ("Preparation", 0, 7),
        ("CalotTriangleDissection", 7, 16),
        ("ClippingCutting", 16, 20),
    ]


def test_thinned_moments_leave_the_course_whole() -> None:
    assert course(ROOT, "video02", step_seconds="5") == course(ROOT, "video02")


def test_without_phases_there_is_footage_alone(copy: Path) -> None:
    (copy / PHASES / "video02-phase.txt").unlink()
    made = course(copy, "video02")
    assert made is not None and made.facts() == {Fact.FOOTAGE}
    shutil.rmtree(copy / "frames" / "video02")
    made = course(copy, "video02")
    assert made is not None and not made.facts() and made.labelled == {"phase": ()}, "nothing is known of phases"


def test_a_video_of_no_split_has_no_course(copy: Path) -> None:
    (copy / PHASES / "video02-phase.txt").rename(copy / PHASES / "video99-phase.txt")
    assert course(copy, "video99") is None


def test_real_excerpt(real: Path, copy: Path) -> None:
    shutil.copy(real / "cholec80" / PHASES / "video01-phase.excerpt.txt", copy / PHASES / "video02-phase.txt")
    assert said(course(copy, "video02")) == [("Preparation", 0, 3 / 25)]
