"""The EndoVis 2018 loader: its fixture, repairs, and tables of colours that contradict each other."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from surgsigma_hub.errors import LayoutError
from surgsigma_hub.media.masks import render
from surgsigma_hub.records import Box, Coverage, Defect, Fact, Frame, Label, LabeledBox, Reason
from surgsigma_hub.registry import get_source
from surgsigma_hub.source import parse_options

from conftest import FIXTURES

Loader = get_source("endovis2018")
ROOT = FIXTURES / "endovis2018"
RELEASE = "miccai_challenge_2018_release_1"


def read(root: Path, **options: str) -> tuple[dict[tuple[str, int], Frame], list[Defect]]:
    source = Loader(root, parse_options(Loader, options))
    items = [(v.id, one) for v in source.videos() for one in source.frames(v)]
    return {(v, f.index): f for v, f in items if isinstance(f, Frame)}, [d for _, d in items if isinstance(d, Defect)]


def test_parts_instruments_and_tissues() -> None:
    frames, (defect,) = read(ROOT)
    assert [*frames] == [("train_seq_1", 0), ("train_seq_1", 1), ("train_seq_2", 0), ("test_seq_1", 0)]
    assert defect.reason is Reason.MEDIA_MISSING and defect.where.endswith("seq_1/labels/frame001.png")
    first = frames["train_seq_1", 0]
    assert first.tissue_boxes == (LabeledBox(Label("kidney-parenchyma"), Box(0, 0, 0.5, 1)),)
    assert {m.label for m in first.part_masks or ()} == {
        Label(f"instrument-{part}") for part in ("shaft", "wrist", "clasper")
    }
    test = frames["test_seq_1", 0]
    assert [m.label for m in test.instrument_masks or ()] == [None] and test.instruments is None
    whole = render([m.mask for m in first.part_masks or ()], width=96, height=64)
    assert whole[:48, 60:70].all() and whole[48:60, 58:72].all() and whole.sum() == 255 * (480 + 14 * 12)
    assert [m.label for m in frames["train_seq_2", 0].instrument_masks or ()] == [Label("ultrasound-probe")]


def test_labels_that_were_put_right_are_taken_and_only_for_train() -> None:
    frames, _ = read(ROOT)
    (suction,) = frames["train_seq_1", 1].instrument_masks or ()
    assert render([suction.mask], width=96, height=64)[:40, 70:90].all()
    assert ("test_seq_1", 1) not in frames, "a repair of train is none of test"


def test_labels_that_are_half_transparent() -> None:
    frame = read(ROOT)[0]["test_seq_1", 0]
    assert frame.tissue_boxes == (LabeledBox(Label("covered-kidney"), Box(0, 0, 40 / 96, 40 / 64)),)


def test_splits() -> None:
    for scheme, expected in (("isinet", ["train", "val", "test"]), ("challenge", ["train", "train", "test"])):
        videos = list(Loader(ROOT, parse_options(Loader, {"split_scheme": scheme})).videos())
        assert [v.split for v in videos] == expected
        assert len({v.canonical_id for v in videos}) == 3


def test_an_unknown_colour_is_told_and_nothing_is_taken_as_complete(tmp_path: Path) -> None:
    root = Path(shutil.copytree(ROOT, tmp_path / "a"))
    path = root / RELEASE / "seq_1" / "labels" / "frame000.png"
    pixels = np.array(Image.open(path))
    pixels[60:, 90:] = (255, 0, 255)
    Image.fromarray(pixels).save(path)
    frames, defects = read(root)
    assert defects[0].detail == "colour (255, 0, 255) of 24 pixels is none of the known ones"
    assert frames["train_seq_1", 0].coverage_of(Fact.INSTRUMENT_MASKS) is Coverage.ANNOTATED_ONLY


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ([{"name": "thread", "color": [0, 255, 0]}], r"colour \[0, 255, 0\] is 'thread', expected 'instrument-shaft'"),
        ({"classes": [{"name": "spleen", "color": [255, 55, 0, 128]}]}, "is 'spleen'"),
        ("{", "not JSON"),
    ],
)
def test_a_table_that_contradicts_the_others_is_an_error(tmp_path: Path, table: Any, words: str) -> None:
    root = Path(shutil.copytree(ROOT, tmp_path / "a"))
    (root / RELEASE / "labels.json").write_text(table if isinstance(table, str) else json.dumps(table))
    with pytest.raises(LayoutError, match=words):
        read(root)


def test_a_table_of_more_classes_and_another_name_of_one_are_no_trouble(tmp_path: Path) -> None:
    root = Path(shutil.copytree(ROOT, tmp_path / "a"))
    table = [{"name": "intestine", "color": [124, 155, 5]}, {"name": "stapler", "color": [9, 9, 9]}, 3]
    (root / RELEASE / "labels.json").write_text(json.dumps(table))
    assert len(read(root)[0]) == 4


def test_kinds_of_isinet_are_read_by_the_table_that_is_there() -> None:
    frames, _ = read(ROOT)
    first, driver = frames["train_seq_1", 0], Label("large-needle-driver")
    assert first.instruments == (driver,)
    assert first.instrument_boxes == (LabeledBox(driver, Box(58 / 96, 0, 72 / 96, 60 / 64)),)
    assert [m.label for m in first.instrument_masks or ()] == [driver]
    assert frames["train_seq_1", 1].instruments == (Label("suction-instrument"),)
    assert frames["train_seq_2", 0].instruments is None, "a sequence without such masks"


def kinds(root: Path) -> Path:
    return root / RELEASE / "seq_1" / "instrument_labels"


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ("[]", "lists no kind of instrument by number"),
        ('[{"name": "Bipolar Forceps"}]', "is no number with a name"),
        ('{"1": "Bipolar Forceps", "Clip Applier": 1}', "or one listed twice"),
        ("{", "not JSON"),
    ],
)
def test_a_table_of_kinds_that_cannot_be_read_is_an_error(tmp_path: Path, table: str, words: str) -> None:
    root = Path(shutil.copytree(ROOT, tmp_path / "a"))
    (root / "final_labels.json").write_text(table)
    with pytest.raises(LayoutError, match=f"final_labels.json: .*{words}"):
        read(root)


@pytest.mark.parametrize(
    "table",
    [{"Large_Needle_Driver": 3, "suction instrument": 6}, {"classes": [{"name": "large needle driver", "id": 3}]}],
)
def test_other_forms_of_the_table_say_the_same(tmp_path: Path, table: Any) -> None:
    root = Path(shutil.copytree(ROOT, tmp_path / "a"))
    (root / "final_labels.json").write_text(json.dumps(table))
    assert read(root)[0]["train_seq_1", 0].instruments == (Label("large-needle-driver"),)


def test_numbers_of_kinds_are_never_assumed(tmp_path: Path) -> None:
    root = Path(shutil.copytree(ROOT, tmp_path / "a"))
    (root / "final_labels.json").rename(root / "final_labels_2017.json")
    frames, defects = read(root)
    assert frames["train_seq_1", 0].instruments is None
    assert any("final_labels.json names" in d.detail and d.reason is Reason.LABEL_MISSING for d in defects)
    kinds(root).rename(kinds(root).with_name("instrument_labels_2017"))
    assert read(root)[0]["train_seq_1", 0].instruments == (Label("large-needle-driver"),)


def test_an_instrument_without_its_mask_or_of_another_kind_is_no_complete_list(tmp_path: Path) -> None:
    root = Path(shutil.copytree(ROOT, tmp_path / "a"))
    (first,) = kinds(root).glob("*frame000*")
    first.rename(first.with_name(first.name.replace("class3", "class9")))
    frames, defects = read(root)
    assert frames["train_seq_1", 0].coverage_of(Fact.INSTRUMENTS) is Coverage.ANNOTATED_ONLY
    assert any(d.detail == "class 9 is not listed, none of the known instruments" for d in defects)
    next(kinds(root).glob("*frame000*")).unlink()
    frames, defects = read(root)
    assert frames["train_seq_1", 0].instruments is None, "its parts show that one is there"
    assert any("no mask of a kind" in d.detail for d in defects)
