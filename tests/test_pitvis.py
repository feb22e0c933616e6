"""The PitVis loader: seconds outside the patient, the row without picture, second instruments that are none."""

from __future__ import annotations

import csv
from pathlib import Path

from surgsigma_hub.ontology import native_names
from surgsigma_hub.records import Defect, Frame, VideoFrame
from surgsigma_hub.registry import get_source
from surgsigma_hub.source.layout import split_table

from conftest import FIXTURES
from footage_files import seen

PitVis = get_source("pitvis")
ROOT = FIXTURES / "pitvis"


def read(root: Path, video: str) -> list[Frame | Defect]:
    source = PitVis(root)
    (found,) = (v for v in source.videos() if v.id == video)
    return list(seen(source, found).frames())


def names(frame: Frame) -> list[str] | None:
    return None if frame.instruments is None else [label.native for label in frame.instruments]


def test_seconds_and_not_frames_are_labelled_at_either_rate() -> None:
    for video, fps in (("video_01", 24), ("video_24", 25)):
        for frame in read(ROOT, video):
            assert isinstance(frame, Frame) and isinstance(frame.image, VideoFrame)
            assert frame.image.index == frame.index * fps and frame.fps == 1


def test_none_in_view_is_an_empty_list_and_outside_is_no_list() -> None:
    frames = {f.index: f for f in read(ROOT, "video_01") if isinstance(f, Frame)}
    assert sorted(frames) == [*range(1, 11), 12, 13]  # 0, 11 and the last row are outside the patient
    assert names(frames[1]) == [] and names(frames[4]) == ["suction"]
    assert names(frames[7]) == ["kerrisons", "suction"] and names(frames[12]) == ["surgical_drill"]


def test_a_film_that_lacks_more_than_the_last_row_is_refused(tmp_path: Path) -> None:
    for path in ROOT.glob("*_01.*"):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    table = tmp_path / "annotations_01.csv"
    table.write_text(table.read_text() + "".join(f"1,{n},1,0,-2\n" for n in range(15, 40)))
    assert all(isinstance(item, Defect) for item in read(tmp_path, "video_01"))


def test_real_rows_are_read(real: Path, tmp_path: Path) -> None:
    rows = (real / "pitvis" / "annotations.transcribed_rows.csv").read_text().splitlines()
    for number in ("1", "12", "25"):
        own = [rows[0], *(r for r in rows[1:] if r.split(",")[0] == number)]
        (tmp_path / f"annotations_{int(number):02d}.csv").write_text("\n".join(own))
    source = PitVis(tmp_path)
    found = {v.id: [i for i in source.frames(v) if isinstance(i, Frame)] for v in source.videos()}
    assert [names(f) for f in found["video_01"]] == [[], [], [], ["suction"], ["micro_doppler"]]
    assert [names(f) for f in found["video_12"]] == [[], []]
    assert [names(f) for f in found["video_25"]] == [["haemostatic_foam"]]


def test_the_rows_of_every_video_fit_its_film_though_the_last_is_one_too_many(real: Path, tmp_path: Path) -> None:
    """A second a row and one row more, whose step is -1: 115,586 rows of 24 videos."""
    with (real / "pitvis" / "rows_per_video.transcribed.csv").open(newline="") as file:
        videos = [row for row in csv.DictReader(file) if row["annotation_rows"]]
    assert len(videos) == 24 and sum(int(v["annotation_rows"]) for v in videos) == 115_586
    for video in videos:
        rows = int(video["annotation_rows"])
        cells = [f"1,{n},{-1 if n == rows - 1 else 1},0,-2" for n in range(rows)]
        text = "\n".join(["int_video,int_time,int_step,int_instrument1,int_instrument2", *cells])
        (tmp_path / f"annotations_{video['video']}.csv").write_text(text)
    source = PitVis(tmp_path)
    told = {video.id: (source.recording(video), list(source.frames(video))) for video in source.videos()}
    assert sum(len(items) for _, items in told.values()) == 115_586
    for video in videos:
        recording, items = told[f"video_{video['video']}"]
        seconds = int(video["frames"]) / float(video["fps"])
        assert recording is not None and recording.lasts <= seconds <= recording.lasts + recording.beyond
        last = items[-1]
        assert isinstance(last, Frame) and last.step is None and last.index == int(video["annotation_rows"]) - 1


def test_labels_are_those_of_the_release(real: Path) -> None:
    for kind, file in (("step", "pitvis_steps"), ("instrument", "pitvis_instruments")):
        with (real.parent / "vocab" / f"{file}.csv").open(newline="") as rows:
            theirs = {row["name"] for row in csv.DictReader(rows) if int(row["id"]) > 0}
        assert {native for k, native in native_names("pitvis") if k == kind} == theirs


def test_the_published_split_has_its_sizes() -> None:
    splits = list(split_table("pitvis")["pitvqa"].values())
    assert (splits.count("train"), splits.count("val")) == (20, 5)
