"""The CaDIS loader: its fixture, its lists of bad labels, and real corrected masks."""

from __future__ import annotations

import shutil
from collections import Counter
from pathlib import Path

import pytest
from PIL import Image
from surgsigma_hub.errors import SurgSigmaError
from surgsigma_hub.ontology import native_names
from surgsigma_hub.parsers.class_masks import read_class_mask
from surgsigma_hub.records import Defect, Fact, FileImage, Frame, Label, Reason
from surgsigma_hub.registry import get_source
from surgsigma_hub.source import parse_options

from conftest import FIXTURES
from test_ontology import csv

Loader = get_source("cadis")
ROOT = FIXTURES / "cadis"


def read(root: Path, **options: str) -> tuple[dict[tuple[str, int], Frame], list[Defect]]:
    source = Loader(root, parse_options(Loader, options))
    items = [(v.id, one) for v in source.videos() for one in source.frames(v)]
    return {(v, f.index): f for v, f in items if isinstance(f, Frame)}, [d for _, d in items if isinstance(d, Defect)]


def test_class_0_is_the_pupil_in_masks_of_any_mode() -> None:
    frames, defects = read(ROOT)
    assert not defects and list(frames) == [("Video01", 90), ("Video01", 100), ("Video07", 8830), ("Video12", 17650)]
    for frame in frames.values():
        assert frame.fps == 30 and frame.holds_all(Fact.TISSUES)
        assert {label.native for label in frame.tissues or ()} == {"Pupil", "Iris", "Skin", "Cornea"}
        names = {label.native for label in frame.instruments or ()}
        assert names and not names & {"Hand", "Surgical Tape", "Cotton"}
    assert Label("Rycroft Cannula Handle") in (frames["Video01", 90].instruments or ())


def test_splits_and_operations() -> None:
    assert [(v.id, v.split, v.canonical_id) for v in Loader(ROOT).videos()] == [
        ("Video01", "train", "cataracts/train01"),
        ("Video07", "val", "cataracts/train07"),
        ("Video12", "test", "cataracts/train12"),
    ]


def test_frames_with_labels_that_are_listed_as_wrong_are_left_out_where_asked_for(tmp_path: Path) -> None:
    root = Path(shutil.copytree(ROOT, tmp_path / "a"))
    (root / "names.txt").write_text("Video1_frame000090.png\nVideo12_frame017650.png\n")
    head = ",img_path,lbl_path,blacklisted,comment\n"
    rows = "0,Video01/Images/Video1_frame000090.png,x,0,\n1,Video07/Images/Video7_frame008830.png,x,1,blurred\n"
    (root / "data.csv").write_text(head + rows)
    for name, left in (("names.txt", {("Video01", 90), ("Video12", 17650)}), ("data.csv", {("Video07", 8830)})):
        frames, defects = read(root, bad_labels=name)
        assert {*read(root)[0]} - {*frames} == left
        assert [d.reason for d in defects] == [Reason.LABEL_CORRUPT] * len(left) and name in defects[0].detail
    with pytest.raises(SurgSigmaError, match="no text file"):
        read(root, bad_labels="other.txt")


@pytest.mark.parametrize(
    "names", [{"Images": ""}, {"Images": "", "Labels": "mask_"}, {}], ids=["images", "both", "all"]
)
def test_a_video_whose_folder_is_flattened_or_empty_is_told_by_name(names: dict[str, str], tmp_path: Path) -> None:
    root = Path(shutil.copytree(ROOT, tmp_path / "a"))
    for kind in ("Images", "Labels"):
        for file in (root / "Video07" / kind).iterdir():
            if kind in names:
                file.rename(root / "Video07" / (names[kind] + file.name))
            elif not names:
                file.unlink()
    frames, defects = read(root)
    assert [video for video, _ in frames] == ["Video01", "Video01", "Video12"]
    (defect,) = defects
    assert defect.reason is Reason.MEDIA_MISSING and defect.where.startswith("Video07") and defect.moments == 1
    lacking = "this frame" if names else "all frames"
    assert defect.detail == f"Video07/Images lacks {lacking}: put images there and masks in Video07/Labels"


def test_a_folder_of_masks_that_is_flattened_is_told(tmp_path: Path) -> None:
    root = Path(shutil.copytree(ROOT, tmp_path / "a"))
    for file in (root / "Video07" / "Labels").iterdir():
        file.rename(root / "Video07" / file.name)
    frames, defects = read(root)
    assert [video for video, _ in frames] == ["Video01", "Video01", "Video12"]
    assert [defect.where for defect in defects] == ["Video07/Labels/Video7_frame008830.png"]


def test_the_table_holds_every_class_but_those_left_out(real: Path) -> None:
    with (real.parent / "vocab" / "cadis_classes.csv").open(newline="") as file:
        classes = {row["name"] for row in csv.DictReader(file)}
    assert classes - {native for _, native in native_names("cadis")} == {"Surgical Tape", "Hand", "Cotton"}


def test_real_masks_are_read_whatever_their_mode(real: Path) -> None:
    from surgsigma_hub.loaders.cadis import _CODES

    paths = sorted((real / "cadis").glob("relabelled_*.png"))
    with_modes = Counter(Image.open(path).mode for path in paths)
    assert with_modes == {"RGB": 6, "RGBA": 3, "L": 1}
    for path in paths:
        mask, defects = read_class_mask(FileImage(path), path.name, _CODES)
        assert mask is not None and not defects, (path.name, defects)
        assert (mask.width, mask.height) == (960, 540) and {"Pupil", "Cornea"} <= {*mask.regions}
