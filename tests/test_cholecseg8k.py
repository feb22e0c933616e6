"""The CholecSeg8k loader: its fixture, and masks that are missing, foreign or damaged."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from surgsigma_hub.api import build
from surgsigma_hub.errors import LayoutError
from surgsigma_hub.media.masks import render
from surgsigma_hub.records import Box, Coverage, Defect, Fact, FileImage, Frame, Label, LabeledBox, Reason
from surgsigma_hub.registry import get_source

from conftest import FIXTURES
from footage_files import landed

Loader = get_source("cholecseg8k")
ROOT = FIXTURES / "cholecseg8k"
CLIP = "video01/video01_00080"


def read(root: Path, video: str = "video01") -> tuple[dict[int, Frame], list[Defect]]:
    source = Loader(root)
    (found,) = (v for v in source.videos() if v.id == video)
    items = list(source.frames(found))
    return {f.index: f for f in items if isinstance(f, Frame)}, [d for d in items if isinstance(d, Defect)]


def mask_of(root: Path, frame: int) -> Path:
    return root / CLIP / f"frame_{frame}_endo_watershed_mask.png"


def test_the_classes_of_a_frame() -> None:
    frames, defects = read(ROOT)
    assert not defects and list(frames) == [80, 81, 160]
    first = frames[80]
    assert first.fps == 25 and first.image == FileImage(ROOT / CLIP / "frame_80_endo.png")
    assert first.instruments == (Label("Grasper"),) and first.holds_all(Fact.TISSUES)
    assert first.tissues == tuple(map(Label, ("Abdominal Wall", "Liver", "Gallbladder")))
    assert (first.tissue_boxes or ())[1] == LabeledBox(Label("Liver"), Box(0, 20 / 64, 40 / 96, 1))
    (grasper,) = first.instrument_masks or ()
    drawn = render([grasper.mask], width=96, height=64)
    assert drawn[30:40, 60:].all() and drawn.sum() == 255 * 10 * 36
    assert frames[81].instruments == () == frames[81].instrument_masks, "a true none"


def test_operations_are_those_of_cholec80() -> None:
    assert [(v.id, v.canonical_id, len(v.files)) for v in Loader(ROOT).videos()] == [
        ("video01", "cholec80/video01", 3),
        ("video12", "cholec80/video12", 2),
    ]


def test_labels_land_on_the_frame_that_they_were_given_for(tmp_path: Path) -> None:
    build("cholecseg8k", root=ROOT, out=tmp_path / "tree")
    assert landed(tmp_path / "tree", "tissue_recognition") == {
        "video01": {n / 25: n for n in (80, 81, 160)},
        "video12": {n / 25: n % 4096 for n in (15750, 15751)},
    }


def test_an_unknown_value_is_told_and_the_lists_are_not_complete(tmp_path: Path) -> None:
    root = Path(shutil.copytree(ROOT, tmp_path / "a" / "archive")).parent
    pixels = np.array(Image.open(mask_of(root / "archive", 80)))
    pixels[0, :7] = 99
    Image.fromarray(pixels).save(mask_of(root / "archive", 80))
    frames, (defect,) = read(root)
    assert defect == Defect(
        Reason.LABEL_UNKNOWN,
        f"archive/{CLIP}/frame_80_endo_watershed_mask.png",
        "value 99 of 7 pixels is none of the known ones",
    )
    assert frames[80].coverage_of(Fact.TISSUES) is Coverage.ANNOTATED_ONLY and not frames[80].holds_all(Fact.TISSUES)
    assert frames[81].holds_all(Fact.TISSUES)


def test_a_missing_mask_and_a_colour_mask_cost_their_frames_only(tmp_path: Path) -> None:
    root = Path(shutil.copytree(ROOT, tmp_path / "a"))
    mask_of(root, 80).unlink()
    shutil.copy(mask_of(root, 81).with_name("frame_81_endo_color_mask.png"), mask_of(root, 81))
    frames, defects = read(root)
    assert list(frames) == [160] and [d.reason for d in defects] == [Reason.MEDIA_MISSING, Reason.LABEL_CORRUPT]
    assert "shows colours" in defects[1].detail and not any(str(tmp_path) in d.detail for d in defects)


def test_files_that_archives_add_and_endings_in_capitals_are_no_trouble(tmp_path: Path) -> None:
    root = Path(shutil.copytree(ROOT, tmp_path / "a"))
    (root / CLIP / "frame_80_endo.png").rename(root / CLIP / "frame_80_endo.PNG")
    (root / CLIP / "._frame_80_endo.png").write_bytes(b"x")
    (root / "__MACOSX" / CLIP).mkdir(parents=True)
    frames, defects = read(root)
    assert not defects and list(frames) == [80, 81, 160]


def test_another_folder_shows_the_layout(tmp_path: Path) -> None:
    with pytest.raises(LayoutError, match="watershed_mask"):
        Loader(tmp_path).videos()
