"""The Kvasir-SEG loader: its fixture, masks in place of boxes, and entries that break the form."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from surgsigma_hub.records import Box, Defect, Fact, Frame, Label, LabeledBox, Reason
from surgsigma_hub.registry import get_source

from conftest import FIXTURES

Loader = get_source("kvasir_seg")
ROOT = FIXTURES / "kvasir_seg"
TABLE = "kavsir_bboxes.json"


def read(root: Path) -> tuple[dict[str, Frame], list[Defect]]:
    source = Loader(root)
    items = [(v.id, one) for v in source.videos() for one in source.frames(v)]
    return {v: f for v, f in items if isinstance(f, Frame)}, [d for _, d in items if isinstance(d, Defect)]


def parted(defects: list[Defect]) -> tuple[list[Defect], list[str]]:
    """What is wrong, and the places whose boxes are those of masks."""
    wrong = [d for d in defects if d.reason is not Reason.LABEL_MISSING]
    return wrong, [d.where for d in defects if d not in wrong]


def test_boxes_of_the_file_and_of_the_mask() -> None:
    frames, defects = read(ROOT)
    assert parted(defects) == ([], [f"{TABLE} cju0cccc"]) and list(frames) == ["cju0aaaa", "cju0bbbb", "cju0cccc"]
    assert frames["cju0bbbb"].tissue_boxes == (
        LabeledBox(Label("polyp"), Box(0, 0, 32 / 112, 0.4)),
        LabeledBox(Label("polyp"), Box(64 / 112, 0.5, 104 / 112, 0.9)),
    )
    assert frames["cju0cccc"].tissue_boxes == (LabeledBox(Label("polyp"), Box(0.5, 0.25, 80 / 96, 0.875)),)
    assert Fact.TISSUE_BOXES in frames["cju0cccc"].origins and not frames["cju0aaaa"].origins


def test_without_the_file_boxes_come_from_masks(tmp_path: Path) -> None:
    root = Path(shutil.copytree(ROOT, tmp_path / "Kvasir-SEG")).parent
    (root / "Kvasir-SEG" / TABLE).unlink()
    (root / "Kvasir-SEG" / "masks" / "cju0aaaa.jpg").unlink()
    frames, defects = read(root)
    (defect,), masked = parted(defects)
    assert masked == [f"Kvasir-SEG/{TABLE} cju0{letter * 4}" for letter in "abc"]
    assert defect.reason is Reason.MEDIA_MISSING and list(frames) == ["cju0bbbb", "cju0cccc"]
    assert len(frames["cju0bbbb"].tissue_boxes or ()) == 1, "a mask does not tell two polyps apart"


@pytest.mark.parametrize(
    ("change", "reason", "words"),
    [
        ({"width": 0}, Reason.ROW_MALFORMED, "expected pixels"),
        ({"bbox": 3}, Reason.ROW_MALFORMED, "no object with"),
        ({"bbox": [{"label": "polyp"}]}, Reason.ROW_MALFORMED, "no object with"),
        (
            {"bbox": [{"label": "ulcer", "xmin": 1, "ymin": 1, "xmax": 2, "ymax": 2}]},
            Reason.ROW_MALFORMED,
            "no box of a",
        ),
        ({"bbox": [{"label": "polyp", "xmin": 1, "ymin": 1, "xmax": 999, "ymax": 2}]}, Reason.BOX_OUTSIDE, "outside"),
    ],
)
def test_an_entry_that_breaks_the_form_costs_its_image(tmp_path: Path, change: Any, reason: Reason, words: str) -> None:
    root = Path(shutil.copytree(ROOT, tmp_path / "a"))
    entries = json.loads((root / TABLE).read_text())
    entries["cju0aaaa"] |= change
    (root / TABLE).write_text(json.dumps(entries))
    frames, defects = read(root)
    ((defect,), masked) = parted(defects)
    assert list(frames) == ["cju0bbbb", "cju0cccc"] and masked == [f"{TABLE} cju0cccc"]
    assert defect.reason is reason and words in defect.detail and defect.where == f"{TABLE} cju0aaaa"


def test_a_file_of_boxes_that_cannot_be_read_is_told_once(tmp_path: Path) -> None:
    root = Path(shutil.copytree(ROOT, tmp_path / "a"))
    (root / TABLE).write_text("{")
    frames, defects = read(root)
    ((defect,), masked) = parted(defects)
    assert len(frames) == len(masked) == 3 and defect.where == TABLE and "not JSON" in defect.detail
