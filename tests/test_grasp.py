"""The GraSP loader: its fixture, time by rank, the two rates of frames, and entries that break the form."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from surgsigma_hub.api import build
from surgsigma_hub.errors import LayoutError
from surgsigma_hub.media.masks import render
from surgsigma_hub.parsers.releases.grasp_frames import Seconds
from surgsigma_hub.records import Box, Defect, Fact, Frame, Label, LabeledBox, Reason
from surgsigma_hub.registry import get_source

from conftest import FIXTURES
from footage_files import landed

Loader = get_source("grasp")
ROOT = FIXTURES / "grasp"
NOTES = "GraSP_30fps/annotations/grasp_{}-term_{}.json"


def read(root: Path, case: str = "CASE001") -> tuple[dict[int, Frame], list[Defect]]:
    source = Loader(root)
    (video,) = (v for v in source.videos() if v.id == case)
    items = list(source.frames(video))
    return {f.index: f for f in items if isinstance(f, Frame)}, [d for d in items if isinstance(d, Defect)]


def test_the_kth_key_frame_is_second_k() -> None:
    frames, (defect,) = read(ROOT)
    assert sorted(frames) == [0, 30, 45, 60, 90, 120, 150, 180, 210]
    assert [frames[30 * s].image.path.name for s in (3, 4)] == ["000000135.jpg", "000000500.jpg"]  # type: ignore[union-attr]
    assert frames[30].phase == Label("RPIL") and frames[60].phase == Label("Seminal_Vesicles")
    assert "000000300.jpg: its second is not known" in defect.detail and defect.reason is Reason.MEDIA_MISSING


def test_instruments_between_two_seconds() -> None:
    frame = read(ROOT)[0][45]
    assert frame.seconds == 1.5 and frame.phase is None
    assert frame.instruments == (Label("Bipolar Forceps"), Label("Monopolar Curved Scissors"))
    assert (frame.instrument_boxes or ())[0] == LabeledBox(Label("Bipolar Forceps"), Box(0, 0, 40 / 96, 30 / 64))
    assert frame.actions == (Label("Hold"), Label("Cut"), Label("Pull")) and frame.holds_all(Fact.ACTIONS)
    assert render([(frame.instrument_masks or ())[1].mask], width=96, height=64).sum() == 255 * 40 * 40


def test_a_second_with_instruments_holds_both_and_other_actions_make_the_list_partial() -> None:
    frame = read(ROOT)[0][120]
    assert frame.phase == Label("Seminal_Vesicles") and len(frame.instruments or ()) == 2
    assert frame.actions == (Label("Grasp"),) and not frame.holds_all(Fact.ACTIONS)


def test_labels_land_on_the_frames_of_either_rate(tmp_path: Path) -> None:
    build("grasp", root=ROOT, out=tmp_path / "tree", tasks=["phase_recognition"], max_quarantine=1)
    found = landed(tmp_path / "tree")
    assert found["CASE001"].items() <= {float(s): n for s, n in enumerate((0, 45, 90, 135, 500, 545, 590, 635))}.items()
    assert found["CASE041"].items() <= {float(s): 30 * s for s in range(6)}.items() and len(found["CASE041"]) == 6


def test_images_of_one_a_second_give_stages_and_no_instruments() -> None:
    frames, (defect,) = read(ROOT, "CASE041")
    assert sorted(frames) == [0, 30, 60, 90, 120, 150] and all(f.instruments is None for f in frames.values())
    assert "these need all frames" in defect.detail


def test_images_that_do_not_fit_refuse_the_operation(tmp_path: Path) -> None:
    root = Path(shutil.copytree(ROOT, tmp_path / "a"))
    for n in (1, 2):
        (root / f"GraSP_1fps/frames/CASE041/{n:05d}.jpg").unlink()
    frames, (defect,) = read(root, "CASE041")
    assert not frames and defect.reason is Reason.FOOTAGE_CONTRADICTS and defect.moments == 6
    shutil.rmtree(root / "GraSP_1fps")
    assert read(root, "CASE041")[1][0].reason is Reason.MEDIA_MISSING


def test_operations_and_the_files_of_folds(tmp_path: Path) -> None:
    assert [(v.id, v.split, v.canonical_id) for v in Loader(ROOT).videos()] == [
        ("CASE001", "train", "psi_ava/CASE001"),
        ("CASE041", "test", "grasp/CASE041"),
    ]
    root = Path(shutil.copytree(ROOT, tmp_path / "a"))
    for kind in ("long", "short"):
        (root / NOTES.format(kind, "train")).rename(root / NOTES.format(kind, "fold2"))
    assert read(root) == tuple(read(root)) and sorted(read(root)[0]) == sorted(read(ROOT)[0])


@pytest.mark.parametrize(
    ("kind", "change", "words"),
    [
        ("long", {"phases": 99}, "phases 99: expected one number"),
        ("short", {"actions": [99]}, "actions left out"),
        ("short", {"category_id": 99}, "is not in categories"),
        ("short", {"bbox": [0, 0, 500, 1]}, "outside a 96 x 64 frame"),
    ],
)
def test_an_entry_that_breaks_the_form_is_told(tmp_path: Path, kind: str, change: Any, words: str) -> None:
    root = Path(shutil.copytree(ROOT, tmp_path / "a"))
    path = root / NOTES.format(kind, "train")
    document = json.loads(path.read_text())
    document["annotations"][0] |= change
    path.write_text(json.dumps(document))
    frames, defects = read(root)
    assert len(defects) == 2 and any(words in d.detail for d in defects)
    assert sorted(frames) == [0, 30, 45, 60, 90, 120, 150, 180, 210]
    if kind == "short" and "actions" not in change:
        assert frames[45].instruments is None and frames[45].actions is not None


def test_a_file_that_cannot_be_read_leaves_the_rest(tmp_path: Path) -> None:
    root = Path(shutil.copytree(ROOT, tmp_path / "a"))
    (root / NOTES.format("short", "train")).write_text("[]")
    frames, (defect,) = read(root)
    assert len(frames) == 8 and "not a COCO file" in defect.detail
    with pytest.raises(LayoutError, match="grasp_long-term_train"):
        Loader(tmp_path / "a" / "GraSP_1fps").videos()


def test_no_second_is_made_up() -> None:
    assert Seconds.of([]).at(3) is None and Seconds.of([7]).at(0) is None and Seconds.of([7, 37]).at(22) == 0.5
