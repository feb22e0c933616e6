"""Paired smoke folders: layouts, splits, what is no pair, damage, and that the clear image is the answer."""

from __future__ import annotations

import shutil
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from surgsigma_hub.api import build
from surgsigma_hub.errors import LayoutError
from surgsigma_hub.records import Defect, Frame, Reason
from surgsigma_hub.registry import get_source

from conftest import FIXTURES
from fixture_kit import image, numbered, stills
from footage_files import number_of, samples, seen

ROOT = FIXTURES / "desmoke_pairs"
Source = get_source("desmoke_pairs")


def read(root: Path) -> tuple[dict[str, list[Frame]], list[Defect], dict[str, str]]:
    source = Source(root)
    frames: dict[str, list[Frame]] = {}
    defects: list[Defect] = []
    for video in source.videos():
        for found in seen(source, video).frames():
            if isinstance(found, Frame):
                frames.setdefault(video.id, []).append(found)
            else:
                defects.append(found)
    return frames, defects, {v.id: v.split for v in source.videos()}


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    return Path(shutil.copytree(ROOT, tmp_path / "smoke"))


def test_the_public_layouts_are_found_side_by_side() -> None:
    frames, defects, splits = read(ROOT)
    assert {id: [f.index for f in found] for id, found in frames.items()} == {
        "desmokedata-images": [1, 2],
        "lsrpd-test": [1, 2],
        "lsrpd-train": [1, 2, 3],
        "surgclean-dataset-desmoke-test": [0],
    }
    assert splits == {
        "desmokedata-images": "train",
        "lsrpd-test": "test",
        "lsrpd-train": "train",
        "surgclean-dataset-desmoke-test": "test",
    }
    assert [(d.reason, d.moments) for d in defects] == [(Reason.LABEL_MISSING, 1), (Reason.MEDIA_MISSING, 1)]
    assert "Defog" in defects[0].detail and "3_gt.png" in defects[1].where


def test_the_smoky_image_is_looked_at_and_the_clear_one_is_the_answer(tmp_path: Path) -> None:
    build("desmoke_pairs", root=ROOT, out=tmp_path / "surgsigma", max_quarantine=1)
    shown = set()
    for doc, members in samples(tmp_path / "surgsigma", "desmoking"):
        both = [np.asarray(Image.open(BytesIO(members[m]))) for m in ("image.jpg", "target.jpg")]
        shown.add((doc["video_id"], *map(number_of, both)))
    assert ("lsrpd-train", 101, 201) in shown and ("desmokedata-images", 302, 402) in shown and len(shown) == 8
    assert number_of(numbered(101)) == 101


def test_what_is_no_pair_is_refused(tmp_path: Path) -> None:
    for side in ("hazy", "clear"):
        stills(tmp_path / "Dataset" / "case1" / side, "{}.png", [1])
    with pytest.raises(LayoutError, match="DeSmoke-LAP"):
        Source(tmp_path).videos()
    with pytest.raises(LayoutError, match="images in pairs"):
        Source(tmp_path / "Dataset" / "case1" / "hazy").videos()


def test_sequences_of_lsvd_are_refused_by_name_and_told_beside_pairs(copy: Path, tmp_path: Path) -> None:
    for root in (tmp_path / "LSVD", copy):
        for n in range(3):
            image(root / "train" / "seq_07" / f"{n:05d}.png", n)
    with pytest.raises(LayoutError, match="as of LSVD, whose one clear frame shows another moment"):
        Source(tmp_path / "LSVD").videos()
    source = Source(copy)
    told = [one for v in source.videos() for one in seen(source, v).frames() if isinstance(one, Defect)]
    assert any("seq_07 (folders like it: 1)" in one.detail for one in told)


def test_two_folders_of_one_side_are_refused(copy: Path) -> None:
    stills(copy / "LSRPD" / "train" / "gt", "fig{}.png", [1])
    with pytest.raises(LayoutError, match="clear and gt in train are the same side"):
        Source(copy).videos()


def test_the_repeated_test_images_of_surgclean_count_once(copy: Path) -> None:
    again = copy / "SurgClean Dataset_Fine-grain Division" / "Desmoke_Level" / "test"
    shutil.copytree(copy / "SurgClean Dataset" / "Desmoke" / "test", again)
    frames, defects, _ = read(copy)
    assert sum(len(found) for found in frames.values()) == 8
    assert any("again" in d.detail for d in defects)


def test_damage_costs_what_it_hits(copy: Path) -> None:
    train = copy / "LSRPD" / "train"
    image(train / "clear" / "fig1.png", 1, (80, 48))
    (train / "hazy" / "fig2.png").write_bytes(b"no image")
    (train / "hazy" / "._fig3.png").write_bytes(b"junk")
    (train / "hazy" / "FIG9.PNG").write_bytes((train / "hazy" / "fig3.png").read_bytes())
    frames, defects, _ = read(copy)
    assert [f.index for f in frames["lsrpd-train"]] == [3]
    told = [(d.reason, d.where.rpartition("/")[2]) for d in defects if "LSRPD" in d.where]
    assert told == [
        (Reason.MEDIA_MISSING, "FIG9.PNG"),
        (Reason.FOOTAGE_CONTRADICTS, "fig1.png"),
        (Reason.FOOTAGE_CONTRADICTS, "fig2.png"),
    ]
