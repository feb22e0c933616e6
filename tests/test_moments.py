"""From label to picture through a whole build: the picture of each sample shows the moment that was labelled.

Every source reads footage as released beside footage of another rate, numbering or length: what is not as released is
refused by name with its options, and with these each label is on its own picture.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from surgsigma_hub.api import build
from surgsigma_hub.building.report import BuildReport
from surgsigma_hub.errors import BuildError

import footage_files as make
from footage_files import at_rate, landed, write_film, write_images

S = 12
"""Seconds of a recording."""
N = 25 * S
TV = Fraction(30000, 1001)


def built(source: str, root: Path, tree: Path, *options: str, task: str = "phase_recognition") -> BuildReport:
    """A build of one task."""
    chosen = dict(option.split("=", 1) for option in options)
    return build(source, root=root, out=tree, tasks=[task], options=chosen, max_quarantine=1)


def exact(tree: Path, video: str, *, moments: int, task: str = "phase_recognition") -> None:
    """Each of so many samples shows the frame of its second, or of the half frame around it."""
    found = landed(tree, task)[video]
    assert len(found) == moments
    assert {s: n for s, n in found.items() if abs(n - 25 * s) > 0.5} == {}


def refused(report: BuildReport, video: str) -> dict[str, Any]:
    """The one line on footage of a video."""
    (line,) = (dict(d) for d in report.examples["footage_contradicts"] if d["video"] == video)
    return line


# ----------------------------------------------------------------------------------------------------------- Cholec80

FOLDERS: dict[str, tuple[str, dict[int, int], tuple[str, ...]]] = {
    "from 0": ("{:06d}.png", {n: 25 * n for n in range(S)}, ("image_base=0",)),
    "all, upper case": ("{:06d}.PNG", {n + 1: n for n in range(N)}, ("image_fps=25",)),
    "15 a second": ("{:06d}.jpg", {n + 1: round(n * 25 / 15) for n in range(15 * S)}, ("image_fps=15",)),
    "by 25": ("{:06d}.JPG", {25 * n: 25 * n for n in range(S)}, ("image_fps=25", "image_base=0")),
    "front cut": ("{:06d}.jpeg", {n + 1: 25 * (n + 4) for n in range(S - 4)}, ("starts_at=4",)),
}


@pytest.fixture
def cholec80(tmp_path: Path) -> Path:
    """A copy of two videos, of which the first is as released, in pictures of mixed forms."""
    root = tmp_path / "cholec80"
    for video in ("video01", "video02"):
        make.cholec80_labels(root, video, S)
    for second in range(S):
        ending = ("png", "jpg", "PNG", "JPEG")[second % 4]
        make.write_image(root / "frames" / "video01" / f"video01_{second + 1:06d}.{ending}", 25 * second)
    return root


@pytest.mark.parametrize("name", FOLDERS)
def test_a_folder_numbered_otherwise_is_refused_and_read_when_that_is_stated(
    cholec80: Path, tmp_path: Path, name: str
) -> None:
    names, shown, options = FOLDERS[name]
    write_images(cholec80 / "frames" / "video02", "video02_" + names, shown)
    report = built("cholec80", cholec80, tmp_path / "doubt")
    line = refused(report, "video02")
    assert line["where"] == "frames/video02" and line["moments"] == S == report.quarantined["footage_contradicts"]
    assert all(f"--option {option}" in line["detail"] for option in options), line["detail"]
    assert report.quarantined_share == pytest.approx(0.5)
    exact(tmp_path / "doubt", "video01", moments=S)
    assert "video02" not in landed(tmp_path / "doubt")

    stated = [o.replace("=", "=video02:") for o in options]
    report = built("cholec80", cholec80, tmp_path / "stated", *stated)
    assert "footage_contradicts" not in report.quarantined
    exact(tmp_path / "stated", "video01", moments=S)
    exact(tmp_path / "stated", "video02", moments=S - 4 if name == "front cut" else S)


def test_a_folder_with_gaps_gives_what_is_there(cholec80: Path, tmp_path: Path) -> None:
    write_images(
        cholec80 / "frames" / "video02", "video02_{:06d}.png", {n + 1: 25 * n for n in range(S) if n not in (0, 5)}
    )
    report = built("cholec80", cholec80, tmp_path / "tree")
    assert report.quarantined["media_missing"] == 2
    exact(tmp_path / "tree", "video02", moments=S - 2)


FILMS: dict[str, tuple[list[int], float, list[float] | None, bool, tuple[str, ...]]] = {
    "as released": (list(range(N)), 25, None, True, ()),
    "30": (at_rate(N, 30), 30, None, True, ()),
    "29.97": (at_rate(N, float(TV)), TV, None, True, ()),
    "50": (at_rate(N, 50), 50, None, True, ()),
    "15": (at_rate(N, 15), 15, None, True, ()),
    "lost frames": (
        [n for n in range(N) if n % 50 != 30], 25, [n / 25 for n in range(N) if n % 50 != 30], True, (),
    ),
    "shown at 30": (list(range(N)), 30, None, False, ("video_fps=30",)),
    "shown at 29.97": (list(range(N)), TV, None, False, ("video_fps=29.97",)),
    "front cut": (list(range(100, N)), 25, None, False, ("starts_at=4",)),
    "end cut": (list(range(N - 100)), 25, None, False, ("starts_at=0",)),
    "lost frames, timed anew": ([n for n in range(N) if n % 50 != 30], 25, None, False, ()),
}  # fmt: skip


@pytest.mark.parametrize("name", FILMS)
def test_a_film_of_another_clock_is_found_by_time_or_refused(cholec80: Path, tmp_path: Path, name: str) -> None:
    shown, fps, times, fits, options = FILMS[name]
    write_film(cholec80 / "videos" / "video01.mp4", list(range(N)), 25)
    write_film(cholec80 / "videos" / "video02.MP4", shown, fps, times=times)
    report = built("cholec80", cholec80, tmp_path / "doubt", "form=mp4")
    exact(tmp_path / "doubt", "video01", moments=S)
    if fits:
        assert "footage_contradicts" not in report.quarantined
        exact(tmp_path / "doubt", "video02", moments=S)
        told = [line for line in report.footage["told"]["video02"] if "labels" not in line]
        assert len(told) == (name != "as released")
        return
    line = refused(report, "video02")
    assert line["where"] == "videos/video02.MP4" and line["moments"] == S
    assert all(f"--option {option}" in line["detail"] for option in options), line["detail"]
    if options:
        report = built(
            "cholec80", cholec80, tmp_path / "stated", "form=mp4", *(o.replace("=", "=video02:") for o in options)
        )
        assert set(report.quarantined) <= {"media_missing", "clip_incomplete"}
        exact(tmp_path / "stated", "video02", moments=S - 4 if "cut" in name else S)


def test_clips_show_the_seconds_that_they_are_of(cholec80: Path, tmp_path: Path) -> None:
    write_film(cholec80 / "videos" / "video01.mp4", at_rate(N, 50), 50)
    write_film(cholec80 / "videos" / "video02.mp4", list(range(50, N)), 30)
    report = built("cholec80", cholec80, tmp_path / "tree", "form=mp4", "starts_at=video02:2", "video_fps=video02:30")
    assert set(report.quarantined) <= {"media_missing", "clip_incomplete"}
    found = make.clips(tmp_path / "tree")
    assert {video for video, *_ in found} == {"video01", "video02"}
    for _, start, fps, numbers in found:
        for n, number in enumerate(numbers):
            assert abs(number - 25 * (start + n / fps)) <= 1.01, "within a frame of its place in the clip"


# ------------------------------------------------------------------------------------------------------ other sources


def cataract101(root: Path, shown: list[int], fps: float) -> None:
    make.cataract101_labels(root, 269, N)
    write_film(root / "videos" / "case_269.mp4", shown, fps)


def multibypass140(root: Path, shown: list[int], fps: float) -> None:
    make.multibypass140_labels(root, "BBP01", 1000 * S)
    write_film(root / "BernBypass70" / "videos" / "BBP01.mp4", shown, fps)


@pytest.mark.parametrize("source", [cataract101, multibypass140], ids=["cataract101", "multibypass140"])
def test_films_of_the_other_sources(source: Callable[..., None], tmp_path: Path) -> None:
    name = source.__name__
    undivided = ("split_scheme=undivided",) if name == "multibypass140" else ()
    video, moments = ("case_269", S - 1) if name == "cataract101" else ("BBP01", S - 2)
    for label, shown, fps in (("25", list(range(N)), 25.0), ("30", at_rate(N, 30), 30.0), ("50", at_rate(N, 50), 50.0)):
        source(tmp_path / label, shown, fps)
        built(name, tmp_path / label, tmp_path / f"tree-{label}", *undivided)
        exact(tmp_path / f"tree-{label}", video, moments=moments)
    source(tmp_path / "quick", list(range(N)), 30.0)
    with pytest.raises(BuildError, match="video_fps=30"):
        built(name, tmp_path / "quick", tmp_path / "tree-quick", *undivided)
    built(name, tmp_path / "quick", tmp_path / "tree-quick", *undivided, "video_fps=30")
    exact(tmp_path / "tree-quick", video, moments=moments)


def cholect50(root: Path) -> tuple[Path, str, str]:
    make.cholect50_labels(root, "VID01", range(S))
    return root / "videos" / "VID01", "{:06d}.png", "VID01"


def psi_ava(root: Path) -> tuple[Path, str, str]:
    make.psi_ava_labels(root, "CASE001", range(S))
    return root / "keyframes" / "CASE001", "{:05d}.jpg", "CASE001"


@pytest.mark.parametrize("source", [cholect50, psi_ava], ids=["cholect50", "psi_ava"])
def test_folders_of_sources_that_count_from_0(source: Callable[[Path], tuple[Path, str, str]], tmp_path: Path) -> None:
    for label, shown, option in (
        ("released", {n: 25 * n for n in range(S)}, ""),
        ("from 1", {n + 1: 25 * n for n in range(S)}, "image_base=1"),
        ("all of 25", {n: n for n in range(N)}, "image_fps=25"),
    ):
        folder, names, video = source(tmp_path / label)
        write_images(folder, names, shown)
        tree = tmp_path / f"tree {label}"
        if option:
            with pytest.raises(BuildError, match=option):
                built(source.__name__, tmp_path / label, tree)
        built(source.__name__, tmp_path / label, tree, *([option] if option else []))
        exact(tree, video, moments=S)


def test_pictures_of_multibypass140_go_by_the_authors_numbers(tmp_path: Path) -> None:
    for label, shown, option in (
        ("released", {n: 25 * n for n in range(1, S + 1)}, ""),
        ("from 0", {n - 1: 25 * n for n in range(1, S + 1)}, "image_base=0"),
        ("all of 25", {n + 1: n for n in range(N)}, "image_fps=25"),
    ):
        root, tree = tmp_path / label, tmp_path / f"tree {label}"
        make.multibypass140_labels(root, "BBP01", 1000 * S)
        write_images(root / "BernBypass70" / "frames" / "BBP01", "BBP01_{:08d}.jpg", shown)
        if option:
            with pytest.raises(BuildError, match=option):
                built("multibypass140", root, tree, "split_scheme=undivided")
        built("multibypass140", root, tree, "split_scheme=undivided", *([option] if option else []))
        exact(tree, "BBP01", moments=S - 2)


# --------------------------------------------------------------------------------------------------- sizes, same labels


def test_a_size_that_is_no_rescale_of_the_labels_own_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "cis" / "train" / "VID01_t50_full"
    square = [[10, 10], [80, 10], [80, 60], [10, 60]]
    for n in range(4):
        shape = {"label": "grasper", "points": square, "group_id": 1, "shape_type": "polygon"}
        content = {"shapes": [shape], "imagePath": "x.png", "imageWidth": 854, "imageHeight": 480}
        path = folder / "ann_dir" / f"t50_VID01_{n:06d}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(content))
        size = [(854, 480), (427, 240), (425, 240), (512, 512)][n]
        make.write_image(folder / "img_dir" / f"t50_VID01_{n:06d}.png", 25 * n, size)
    report = built("cholecinstanceseg", tmp_path / "cis", tmp_path / "tree", task="instrument_recognition")
    assert report.quarantined == {"footage_contradicts": 1}
    assert "512x512" in refused(report, "VID01_t50_full")["detail"] and "854x480" in str(report.examples)
    assert report.footage["told"] == {
        "VID01_t50_full": [
            "1 image is 425x240, the labels say 854x480, as a rescale",
            "1 image is 427x240, the labels say 854x480, as a rescale",
        ]
    }
    assert set(landed(tmp_path / "tree", "instrument_recognition")["VID01_t50_full"]) == {0, 1, 2}


def test_the_same_labels_under_two_names_are_told(cholec80: Path, tmp_path: Path) -> None:
    write_images(cholec80 / "frames" / "video02", "video02_{:06d}.png", {n + 1: 25 * n for n in range(S)})
    report = built("cholec80", cholec80, tmp_path / "tree")
    assert report.footage["told"] == {"video02": ["its labels are those of video01, moment by moment"]}
    assert make.report_of(tmp_path / "tree", "cholec80")["footage"] == report.footage


def test_a_number_of_frames_that_cannot_be_is_told(tmp_path: Path) -> None:
    folder, names, _ = cholect50(tmp_path / "t50")
    make.cholect50_labels(tmp_path / "t50", "VID01", range(S), num_frames=5)
    write_images(folder, names, {n: 25 * n for n in range(S)})
    report = built("cholect50", tmp_path / "t50", tmp_path / "tree")
    assert report.footage["told"] == {"VID01": ["num_frames is 5, the file labels 12 seconds, the last is 11"]}
