"""The DSAD loader: its fixture, images that lie there twice, and tables of weak labels of either form."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from surgsigma_hub.parsers.releases.dsad_weak_labels import read_weak_labels
from surgsigma_hub.records import Box, Coverage, Defect, Fact, Frame, Label, LabeledBox, Reason
from surgsigma_hub.registry import get_source

from conftest import FIXTURES

Loader = get_source("dsad")
ROOT = FIXTURES / "dsad"


def read(root: Path) -> tuple[dict[tuple[str, str, int], Frame], list[Defect]]:
    source = Loader(root)
    items = [
        (v.id, source.resolved(x) if isinstance(x, Frame) else x) for v in source.videos() for x in source.frames(v)
    ]
    frames = {(v, f.variant, f.index): f for v, f in items if isinstance(f, Frame)}
    return frames, [d for _, d in items if isinstance(d, Defect)]


def test_organs_and_boxes() -> None:
    frames, defects = read(ROOT)
    assert not defects and [*frames] == [
        ("surgery01", "ureter", 0),
        ("surgery01", "multilabel", 0),
        ("surgery01", "stomach", 3),
        ("surgery02", "liver", 0),
        ("surgery02", "liver", 1),
        ("surgery03", "vesicular_glands", 5),
    ]
    first = frames["surgery02", "liver", 0]
    assert first.tissue_boxes == (LabeledBox(Label("liver", "liver"), Box(0, 0, 0.5, 0.5)),)
    assert [t.id for t in first.tissues or ()][1:] == [
        "colon",
        *("inferior_mesenteric_artery", "intestinal_vein", "liver"),
    ]
    assert first.holds_all(Fact.TISSUES) and first.coverage_of(Fact.TISSUE_BOXES) is Coverage.ANNOTATED_ONLY
    several = frames["surgery01", "multilabel", 0]
    assert several.tissues is None, "no weak labels there"
    assert [b.label.id for b in several.tissue_boxes or ()] == ["liver", "spleen", "stomach"]


def test_the_published_split() -> None:
    assert {v.id: v.split for v in Loader(ROOT).videos()} == {
        "surgery01": "train",
        "surgery02": "test",
        "surgery03": "val",
    }


def test_an_image_of_the_stomach_is_read_once() -> None:
    frames, _ = read(ROOT)
    assert ("surgery01", "stomach", 0) not in frames and ("surgery01", "stomach", 3) in frames


def test_a_missing_mask_costs_a_box_and_a_strange_one_is_told(tmp_path: Path) -> None:
    root = Path(shutil.copytree(ROOT, tmp_path / "DSAD" / "inner")).parent
    (root / "inner" / "liver" / "02" / "mask00.png").unlink()
    shutil.copy(root / "inner/liver/02/mask01.png", root / "inner/multilabel/01/mask00_heart.png")
    frames, defects = read(root)
    assert [(d.reason, d.where) for d in defects] == [
        (Reason.LABEL_UNKNOWN, "inner/multilabel/01/mask00_heart.png"),
        (Reason.MEDIA_MISSING, "inner/liver/02/mask00.png"),
    ]
    assert (
        frames["surgery02", "liver", 0].tissue_boxes == () and len(frames["surgery02", "liver", 0].tissues or ()) == 5
    )


def test_weak_labels_that_contradict_a_mask_are_told(tmp_path: Path) -> None:
    root = Path(shutil.copytree(ROOT, tmp_path / "a"))
    shutil.copy(root / "ureter" / "01" / "weak_labels.csv", root / "liver" / "02" / "weak_labels.csv")
    frames, (defect,) = read(root)
    assert defect.reason is Reason.LABEL_CORRUPT and "says that liver is not in view" in defect.detail
    assert frames["surgery02", "liver", 0].tissues is None and frames["surgery02", "liver", 0].tissue_boxes


@pytest.mark.parametrize(
    ("text", "found", "words"),
    [
        ("liver,colon,uterus\n1,0,1\n0,1,0\n", {0: ("liver",), 1: ("colon",)}, ()),
        ("id,Liver,COLON\nimage04.png,1,1\n7,0,0\n", {4: ("liver", "colon"), 7: ()}, ()),
        (
            "id,liver,colon\nx,1,1\n7,2,0\n7,0,0\n7,1,1\n",
            {7: ()},
            ("'x' names no image", "'2' is neither", "or one twice"),
        ),
        ("id,liver\n0,1\n", {}, ("no column 'colon'",)),
        ("", {}, ("no column 'liver'",)),
    ],
)
def test_weak_labels(tmp_path: Path, text: str, found: dict[int, tuple[str, ...]], words: tuple[str, ...]) -> None:
    (tmp_path / "a.csv").write_text(text)
    read, defects = read_weak_labels(tmp_path / "a.csv", "a.csv", ("liver", "colon"))
    assert read == found
    assert len(defects) == len(words) and all(w in d.detail for w, d in zip(words, defects, strict=True))
    nothing, (defect,) = read_weak_labels(tmp_path / "b.csv", "b.csv", ("liver",))
    assert not nothing and defect.reason is Reason.LABEL_MISSING and defect.where == "b.csv"
