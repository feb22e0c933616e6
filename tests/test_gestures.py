"""The loaders of gestures, JIGSAWS and SAR-RARP50: inclusive ends, bases, unlabelled time, parts of one operation."""

from __future__ import annotations

import csv
import shutil
from pathlib import Path

import pytest
from surgsigma_hub.ontology import native_names
from surgsigma_hub.records import Defect, Frame, Reason
from surgsigma_hub.registry import get_source
from surgsigma_hub.source import parse_options

from conftest import FIXTURES
from footage_files import seen

Jigsaws, SarRarp50 = get_source("jigsaws"), get_source("sar_rarp50")
SAR = FIXTURES / "sar_rarp50"


def told(kind: type, root: Path, id: str) -> tuple[dict[float, str], list[tuple[str, float, float]], list[Defect]]:
    """Action of each second, segments and defects of one video."""
    source = kind(root)
    (video,) = (v for v in source.videos() if v.id == id)
    items, course = list(seen(source, video).frames()), source.course(video)
    actions = {f.seconds: f.actions[0].native for f in items if isinstance(f, Frame) and f.actions}
    segments = [(s.label.native, s.start_seconds, s.end_seconds) for s in course.segments]
    return actions, segments, [d for d in items if isinstance(d, Defect)]


def test_gestures_count_from_one_and_hold_their_last_frame() -> None:
    actions, segments, defects = told(Jigsaws, FIXTURES / "jigsaws", "Knot_Tying_B003")
    assert segments[:2] == [
        ("Reaching for needle with left hand", 1.0, 5.0),
        ("Making C loop around right hand", 5.0, 9.0),
    ]
    assert defects == [] and sorted(actions) == [float(s) for s in range(1, 17)]
    assert actions[4.0] == segments[0][0] and actions[5.0] == segments[1][0]


def test_every_surgeon_and_every_trial_can_be_left_out() -> None:
    for scheme, test in (("user-C", {"Needle_Passing_C002"}), ("trial-3", {"Knot_Tying_B003"})):
        source = Jigsaws(FIXTURES / "jigsaws", parse_options(Jigsaws, {"split_scheme": scheme}))
        assert {v.id for v in source.videos() if v.split == "test"} == test
    assert len(Jigsaws.info.split_schemes) == 13


def test_other_is_unlabelled_and_so_are_gaps() -> None:
    actions, segments, _ = told(SarRarp50, SAR, "video_11_1")
    assert segments[0] == ("Picking-up the needle", 2.0, 7.0) and min(actions) == 2.0
    actions, _, _ = told(SarRarp50, SAR, "video_11_2")
    assert 10.0 not in actions and actions[11.0] == "Returning/dropping the needle"


def test_parts_of_one_operation_and_the_published_split() -> None:
    found = {v.id: (v.canonical_id, v.split) for v in SarRarp50(SAR).videos()}
    assert found == {
        "video_11_1": ("sar_rarp50/video_11", "train"),
        "video_11_2": ("sar_rarp50/video_11", "train"),
        "video_41": ("sar_rarp50/video_41", "test"),
    }


def test_labels_frame_by_frame_say_the_same(tmp_path: Path) -> None:
    shutil.copytree(SAR, tmp_path / "copy")
    for path in sorted((tmp_path / "copy").rglob("action_continuous.txt")):
        path.unlink()
    for id in ("video_11_1", "video_11_2", "video_41"):
        assert told(SarRarp50, tmp_path / "copy", id)[:2] == told(SarRarp50, SAR, id)[:2]


@pytest.mark.parametrize(("id", "rows"), [("video_01", 55), ("video_11_1", 34), ("video_11_2", 30), ("video_41", 29)])
def test_real_files_of_both_forms_agree(real: Path, tmp_path: Path, id: str, rows: int) -> None:
    folder = real / "sar_rarp50" / "RECONSTRUCTED" / id
    source = SarRarp50(folder.parent)
    (video,) = (v for v in source.videos() if v.id == id)
    listed = [line.split(",") for line in (folder / "action_continuous.txt").read_text().split()]
    assert len(listed) == rows
    assert len(source.course(video).segments) == sum(code != "0" for _, _, code in listed)
    frames = {f.index: f.actions for f in source.frames(video) if isinstance(f, Frame)}
    shutil.copytree(folder, tmp_path / id)
    (tmp_path / id / "action_continuous.txt").unlink()
    other = SarRarp50(tmp_path)
    (same,) = other.videos()
    found = {f.index: f.actions for f in other.frames(same) if isinstance(f, Frame)}
    assert found == frames and frames


def test_real_ids_count_from_zero_whatever_the_readme_says(real: Path) -> None:
    files = sorted((real / "sar_rarp50" / "RECONSTRUCTED").glob("video_*/action_discrete.txt"))
    ids = {int(line.split(",")[1]) for path in files for line in path.read_text().split()}
    assert len(files) == 4 and ids == {0, 1, 2, 3, 4, 6, 7}


def test_labels_are_those_of_the_releases(real: Path) -> None:
    for name, file in (("jigsaws", "jigsaws_gestures"), ("sar_rarp50", "sar_rarp50_actions")):
        with (real.parent / "vocab" / f"{file}.csv").open(newline="") as rows:
            theirs = {row["name"] for row in csv.DictReader(rows)} - {"Other"}
        assert {native for kind, native in native_names(name) if kind == "action"} == theirs


def test_masks_tell_parts_where_all_instruments_in_view_have_them() -> None:
    source = SarRarp50(SAR)
    (video,) = (v for v in source.videos() if v.id == "video_11_1")
    items = list(seen(source, video).frames())
    frames = {f.index: f for f in items if isinstance(f, Frame)}
    first = [m.label.native for m in frames[0].part_masks or () if m.label is not None]
    assert first == ["Tool clasper", "Tool wrist", "Tool shaft"] and frames[0].actions is None
    assert frames[120].part_masks == () and frames[120].actions, "one record of a moment"
    (passed,) = (d for d in items if isinstance(d, Defect))
    assert 60 not in frames and passed.reason is Reason.LABEL_MISSING and "have no class" in passed.detail
