"""The EndoVis 2017 loader: its fixture, numbers of parts by folder, folds, and folders that name no instrument."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from surgsigma_hub.errors import LayoutError
from surgsigma_hub.media.masks import render
from surgsigma_hub.parsers.releases.endovis2017_masks import type_of
from surgsigma_hub.records import Box, Defect, Fact, Frame, Label, LabeledBox, Reason
from surgsigma_hub.registry import get_source
from surgsigma_hub.source import parse_options

from conftest import FIXTURES
from test_ontology import csv

Loader = get_source("endovis2017")
ROOT = FIXTURES / "endovis2017"
NAMES = "instrument_dataset_{}"


def read(root: Path, **options: str) -> tuple[dict[tuple[int, int], Frame], list[Defect]]:
    source = Loader(root, parse_options(Loader, options))
    items = [(v.data["seq"], one) for v in source.videos() for one in source.frames(v)]
    return {(v, f.index): f for v, f in items if isinstance(f, Frame)}, [d for _, d in items if isinstance(d, Defect)]


def drawn(frame: Frame, part: str) -> int:
    masks = [m.mask for m in frame.part_masks or () if m.label == Label(part)]
    return int((render(masks, width=96, height=64) > 0).sum())


def test_each_folder_is_an_instrument() -> None:
    frames, defects = read(ROOT)
    assert not defects and [*frames] == [(1, 0), (1, 1), (1, 225), (4, 0), (7, 0), (8, 0), (9, 0)]
    first = frames[1, 0]
    assert first.fps == 2 and first.holds_all(Fact.INSTRUMENTS)
    assert set(first.instrument_boxes or ()) == {
        LabeledBox(Label("Bipolar_Forceps"), Box(0, 0, 12 / 96, 44 / 64)),
        LabeledBox(Label("Prograsp_Forceps"), Box(40 / 96, 0, 50 / 96, 30 / 64)),
        LabeledBox(Label("Prograsp_Forceps"), Box(70 / 96, 0, 80 / 96, 20 / 64)),
        LabeledBox(Label("Other"), Box(84 / 96, 40 / 64, 1, 1)),
    }
    assert len(first.instruments or ()) == 3, "each kind once"
    assert frames[1, 1].instruments == frames[1, 1].instrument_boxes == (), "a true none"


def test_the_folder_tells_what_a_number_means() -> None:
    """30 is the jaws in a training mask and the shaft in a published test mask."""
    frames, _ = read(ROOT)
    assert drawn(frames[1, 0], "Claspers") == 12 * 8 + 100 and drawn(frames[1, 0], "Shaft") == 300 + 200 + 200
    assert drawn(frames[1, 225], "Shaft") == 200 and drawn(frames[1, 225], "Claspers") == 100
    assert [m.label for m in frames[9, 0].instrument_masks or ()] == [
        Label("Large_Needle_Driver"),
        Label("Monopolar_Curved_Scissors"),
    ]
    assert frames[9, 0].instrument_boxes is None and frames[1, 225].seconds == 112.5


@pytest.mark.parametrize(("fold", "val"), [("fold0", {1}), ("fold1", set()), ("fold2", {4, 8}), ("fold3", {7})])
def test_both_parts_of_a_sequence_are_in_one_split(fold: str, val: set[int]) -> None:
    videos = list(Loader(ROOT, parse_options(Loader, {"split_scheme": fold})).videos())
    assert {v.data["seq"] for v in videos if v.split == "val"} == val
    assert {v.data["seq"] for v in videos if v.split == "test"} == {9}


def test_a_folder_that_names_no_instrument_and_an_image_without_masks(tmp_path: Path) -> None:
    root = Path(shutil.copytree(ROOT, tmp_path / "a"))
    home = root / "train" / NAMES.format(7)
    (home / "ground_truth" / "Right_Vessel_Sealer").rename(home / "ground_truth" / "Hand")
    shutil.rmtree(root / "train" / NAMES.format(4) / "ground_truth")
    frames, defects = read(root)
    assert [d.reason for d in defects] == [Reason.MEDIA_MISSING, Reason.LABEL_UNKNOWN] and (4, 0) not in frames
    assert not frames[7, 0].holds_all(Fact.INSTRUMENTS) and frames[8, 0].holds_all(Fact.INSTRUMENTS)


def test_without_test_labels_the_training_part_is_read(tmp_path: Path) -> None:
    root = Path(shutil.copytree(ROOT, tmp_path / "a"))
    shutil.rmtree(root / "instrument_2017_test")
    frames, defects = read(root)
    assert len(frames) == 5 and [d.reason for d in defects] == [Reason.MEDIA_MISSING] * 2


def test_every_published_name_of_a_folder_names_its_instrument(real: Path) -> None:
    short = {"Bipolar": "Bipolar_Forceps", "Prograsp": "Prograsp_Forceps", "LND": "Large_Needle_Driver",
             "VesselSealer": "Vessel_Sealer", "GraspingRetractor": "Grasping_Retractor",
             "MCS": "Monopolar_Curved_Scissors", "Other": "Other"}  # fmt: skip
    with (real.parent / "vocab" / "endovis2017_train_ground_truth_folders.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 24 and all(type_of(row["folder"]) == short[row["instrument_type"]] for row in rows)


def test_a_mask_that_is_missing_leaves_the_lists_open(tmp_path: Path) -> None:
    root = Path(shutil.copytree(ROOT, tmp_path / "copy"))
    (root / "train/instrument_dataset_1/ground_truth/Other_labels/frame000.png").unlink()
    frames, defects = read(root)
    assert [(d.reason, "Other_labels" in d.detail) for d in defects] == [(Reason.LABEL_MISSING, True)]
    assert not frames[1, 0].holds_all(Fact.INSTRUMENTS) and frames[1, 1].holds_all(Fact.INSTRUMENTS)


def test_masks_of_one_image_never_label_another_of_its_number(tmp_path: Path) -> None:
    """As in a copy that counts the test images of a sequence from 0 again."""
    root = Path(shutil.copytree(ROOT, tmp_path / "copy"))
    shutil.copy(
        root / "test/instrument_dataset_1/left_frames/frame225.png",
        root / "test/instrument_dataset_1/left_frames/frame000.png",
    )
    frames, defects = read(root)
    assert (1, 0) not in frames and (1, 1) in frames
    assert {d.reason for d in defects} == {Reason.DUPLICATE_ID, Reason.MEDIA_MISSING}


@pytest.mark.parametrize(
    ("name", "mapping"),
    [
        ("parts_mapping.json", {"Shaft": 10, "Wrist": 20, "Claspers": 30, "Probe": 40}),
        ("parts_mapping.json", {"shaft": 30, "wrist": 100, "claspers": 255}),
        ("type_mapping.json", {"Bipolar Forceps": 1, "Prograsp_Forceps": 2, "Hand": 9}),
    ],
)
def test_mappings_that_a_copy_ships_are_no_trouble(name: str, mapping: dict[str, int], tmp_path: Path) -> None:
    root = Path(shutil.copytree(ROOT, tmp_path / "a"))
    (root / "train" / name).write_text(json.dumps(mapping))
    assert len(read(root)[0]) == 7


@pytest.mark.parametrize(
    ("name", "mapping", "words"),
    [
        ("parts_mapping.json", {"Shaft": 20, "Wrist": 10}, "shaft is 20, expected 10"),
        ("type_mapping.json", {"Bipolar Forceps": 2, "Prograsp Forceps": 1}, "bipolar forceps is 2, expected 1"),
        ("type_mapping.json", ["Bipolar Forceps"], "an object of names and whole numbers"),
    ],
)
def test_a_mapping_that_contradicts_the_masks_is_an_error(
    name: str, mapping: object, words: str, tmp_path: Path
) -> None:
    root = Path(shutil.copytree(ROOT, tmp_path / "a"))
    (root / "train" / name).write_text(json.dumps(mapping))
    with pytest.raises(LayoutError, match=f"{name}: .*{words}"):
        read(root)
