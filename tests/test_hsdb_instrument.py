"""The hSDB-instrument loader: its fixture, parts of instruments, and files of another dataset."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from surgsigma_hub.errors import LayoutError
from surgsigma_hub.records import Box, Defect, Fact, Frame, Label, LabeledBox, Reason
from surgsigma_hub.registry import get_source

from conftest import FIXTURES

Loader = get_source("hsdb_instrument")
ROOT = FIXTURES / "hsdb_instrument"


def read(root: Path) -> tuple[dict[tuple[str, int], Frame], list[Defect]]:
    source = Loader(root)
    items = [(v.split, one) for v in source.videos() for one in source.frames(v)]
    return {(v, f.index): f for v, f in items if isinstance(f, Frame)}, [d for _, d in items if isinstance(d, Defect)]


def test_heads_are_boxed_and_bodies_tell_that_an_instrument_is_there() -> None:
    frames, (defect,) = read(ROOT)
    assert [*frames] == [("train", 0), ("train", 1), ("train", 2), ("train", 5), ("val", 0)]
    first = frames["train", 0]
    assert first.instruments == (Label("HarmonicAce"), Label("Needle")) and first.holds_all(Fact.INSTRUMENT_BOXES)
    assert (first.instrument_boxes or ())[0] == LabeledBox(Label("HarmonicAce"), Box(0, 0, 20 / 96, 20 / 64))
    shaft = frames["train", 1]
    assert len(shaft.instruments or ()) == 2 and len(shaft.instrument_boxes or ()) == 1
    assert shaft.holds_all(Fact.INSTRUMENTS) and not shaft.holds_all(Fact.INSTRUMENT_BOXES)
    assert frames["train", 5].instruments == () == frames["train", 5].instrument_boxes, "a true none"
    assert defect.reason is Reason.LABEL_UNKNOWN and "'Zapper_Head'" in defect.detail
    assert not frames["train", 2].holds_all(Fact.INSTRUMENTS)


def test_one_split_alone_and_folders_between(tmp_path: Path) -> None:
    root = tmp_path / "a"
    shutil.copytree(ROOT, root / "gastric" / "b")
    (root / "gastric" / "b" / "gastric_real_train.json").unlink()
    (frame,) = read(root)[0].values()
    assert frame.image.path.is_file()  # type: ignore[union-attr]


def test_another_dataset_of_the_same_form_is_refused(tmp_path: Path) -> None:
    root = Path(shutil.copytree(ROOT, tmp_path / "a"))
    document = json.loads((root / "gastric_real_val.json").read_text())
    names = [{"id": n, "name": name} for n, name in enumerate(("Stomach", "Liver", "Needle"), 1)]
    (root / "gastric_real_val.json").write_text(json.dumps({**document, "categories": names}))
    with pytest.raises(LayoutError, match=r"names Liver, Needle, Stomach, \.\.\.: this is another dataset"):
        read(root)
    with pytest.raises(LayoutError, match="no gastric_real_train"):
        Loader(root / "gastric_real_train").videos()
