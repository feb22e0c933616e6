"""The AutoLaparo loader: rows and phases from 1, clips that are numbered like films, published splits."""

from __future__ import annotations

import csv
import shutil
from pathlib import Path

from surgsigma_hub.media.masks import render
from surgsigma_hub.media.video import open_video
from surgsigma_hub.ontology import native_names
from surgsigma_hub.records import Defect, Film, Frame, Label, Reason, Video, VideoFrame
from surgsigma_hub.registry import get_source
from surgsigma_hub.source.layout import split_table

from conftest import FIXTURES
from footage_files import seen

AutoLaparo = get_source("autolaparo")
ROOT = FIXTURES / "autolaparo"


def test_row_one_is_the_first_second_and_phase_one_the_first_phase() -> None:
    source = AutoLaparo(ROOT)
    films = [v for v in source.videos() if "clip" not in v.data]
    frames = {v.id: [f for f in seen(source, v).frames() if isinstance(f, Frame)] for v in films}
    first, later = frames["01"], frames["11"]
    assert (first[0].index, first[0].fps) == (0, 1) and len(first) == 8 and len(later) == 7
    assert first[0].phase is not None and first[0].phase.native == "Dividing Ligament and Peritoneum"
    assert [f.image.index for f in first if isinstance(f.image, VideoFrame)] == [25 * s for s in range(8)]


def test_a_clip_is_no_film(tmp_path: Path) -> None:
    shutil.copytree(ROOT, tmp_path / "copy")
    clips = tmp_path / "copy" / "Task 2 Laparoscope motion prediction" / "clips"
    shutil.copy(clips / "001.mp4", clips / "011.mp4")
    source = AutoLaparo(tmp_path / "copy")
    assert [v.id for v in source.videos() if "clip" not in v.data] == ["01", "11"]
    films = (v for v in source.videos() if "clip" not in v.data)
    assert all(isinstance(item, Frame) for film in films for item in seen(source, film).frames())


def test_a_clip_has_the_phase_of_its_row_and_its_motion_is_told_by_name() -> None:
    source = AutoLaparo(ROOT)
    third = next(v for v in source.videos() if v.id == "clip003")
    course = seen(source, third).course()
    assert course is not None and course.footage is not None and third.split == "train"
    (shown,) = course.segments
    assert (shown.layer, shown.label.native) == ("phase", "Transecting the Vagina")
    assert (shown.start_seconds, shown.end_seconds, shown.start_known, shown.end_known) == (0, 10, False, False)
    (told,) = source.frames(third)
    assert isinstance(told, Defect) and told.reason is Reason.QUESTION_UNTYPED
    assert "zoom-out: no task asks how a camera moves" in told.detail and told.where.endswith("clip 3")


def test_pictures_of_a_clip_have_the_phase_of_its_row_where_there_is_one(tmp_path: Path) -> None:
    root = shutil.copytree(ROOT, tmp_path / "copy")
    phases = {v.id: [f.phase for f in AutoLaparo(root).frames(v) if isinstance(f, Frame)] for v in clips_of(root)}
    assert phases["clip228"] == [Label("Specimen Removal")] and not phases["clip003"]
    (table,) = root.glob("Task 2*/*.txt")
    table.write_text("Clip\tLabel\tPhase\n1\t0\t2\n2\t9\t2\n228\t1\n")
    told = {v.id: list(AutoLaparo(root).frames(v)) for v in clips_of(root)}
    assert [d.detail for d in told["clip228"] if isinstance(d, Defect)] == ["no phase of this clip"]
    broken = [d.where for d in told["clip001"] if isinstance(d, Defect) and d.reason is not Reason.QUESTION_UNTYPED]
    wrong = [where.rpartition("/")[2] for where in broken]
    assert wrong == ["laparoscope_motion_label.txt line 4", "laparoscope_motion_label.txt frame 2"]
    table.unlink()
    told = {v.id: list(AutoLaparo(root).frames(v)) for v in clips_of(root)}
    for items in told.values():
        assert all(
            one.phase is None if isinstance(one, Frame) else "the file is missing" in one.detail for one in items
        )
        assert len([one for one in items if isinstance(one, Defect)]) == 1


def clips_of(root: Path) -> list[Video]:
    return [v for v in AutoLaparo(root).videos() if "clip" in v.data]


def test_a_real_clip_lasts_as_long_as_all_do(real: Path, tmp_path: Path) -> None:
    clips = tmp_path / "AutoLaparo_Task2" / "clips"
    clips.mkdir(parents=True)
    (clips.parent / "laparoscope_motion_label.txt").write_text("Clip\tLabel\tPhase\n1\t1\t2\n")
    (clips / "001.mp4").symlink_to(real / "autolaparo" / "Up-1_2.mp4")
    source = AutoLaparo(tmp_path)
    (clip,) = source.videos()
    course = seen(source, clip).course()
    assert course is not None and isinstance(course.footage, Film) and course.footage.fps == 25
    assert len(open_video(course.footage.path)) == 250


def test_splits_and_labels_are_the_published_ones(real: Path) -> None:
    splits = list(split_table("autolaparo")["official"].values())
    assert [splits.count(s) for s in ("train", "val", "test")] == [10, 4, 7]
    with (real.parent / "vocab" / "autolaparo_phases.csv").open(newline="") as file:
        phases = {name for kind, name in native_names("autolaparo") if kind == "phase"}
        assert {row["name"] for row in csv.DictReader(file)} == phases


def test_masks_are_of_clips_with_a_split_of_their_own(tmp_path: Path) -> None:
    root = shutil.copytree(ROOT, tmp_path / "copy")
    source = AutoLaparo(root)
    clips = {v.id: v for v in source.videos() if "clip" in v.data}
    assert {id: v.split for id, v in clips.items() if id != "clip003"} == {
        "clip001": "train",
        "clip002": "train",
        "clip228": "test",
    }
    first, second = (f for f in source.frames(clips["clip001"]) if isinstance(f, Frame))
    assert (first.index, second.index) == (1, 25) and first.instruments == (Label("Grasping forceps"),)
    assert [b.label.native for b in first.tissue_boxes or ()] == ["uterus"] and first.tissues is None
    assert [i.native for i in second.instruments or ()] == ["LigaSure", "Electric hook"]
    inside = render([m.mask for m in first.instrument_masks or ()], width=96, height=64) > 0
    assert inside[4, 4] and inside[20, 20] and not inside[30, 60], "end and shaft are one mask"
    for path in root.glob("Task 3*/imgs/002001.jpg"):
        path.unlink()
    _, lost = AutoLaparo(root).frames(clips["clip002"])
    assert isinstance(lost, Defect) and lost.reason is Reason.MEDIA_MISSING
