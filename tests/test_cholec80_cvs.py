"""The Cholec80-CVS loader and the reader of workbooks: scores, overlaps, the first clip, files that are none."""

from __future__ import annotations

import csv
import json
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from surgsigma_hub.errors import BadRowError, LayoutError
from surgsigma_hub.parsers.workbook import read_sheet
from surgsigma_hub.records import Defect, FileImage, Frame, VideoFrame
from surgsigma_hub.registry import get_source
from surgsigma_hub.source.layout import split_table

import fixture_kit
from conftest import FIXTURES
from footage_files import seen

Cvs = get_source("cholec80_cvs")
ROOT = FIXTURES / "cholec80_cvs"
BOOK = ROOT / "cholec80-CVS.xlsx"


def read(root: Path, video: str) -> tuple[list[Frame], list[Defect]]:
    source = Cvs(root)
    (found,) = (v for v in source.videos() if v.id == video)
    items = list(seen(source, found).frames())
    return [f for f in items if isinstance(f, Frame)], [d for d in items if isinstance(d, Defect)]


def test_every_second_of_a_row_has_its_three_scores() -> None:
    frames, defects = read(ROOT, "video12")
    assert [f.index for f in frames] == [25 * s for s in range(2, 12)]
    assert [f.image.path.name for f in frames[:1] if isinstance(f.image, FileImage)] == ["video12_000003.png"]
    first = {v.criterion.native: (v.met, v.scores) for v in frames[0].criteria or ()}
    assert first == {
        "two_structures": (True, (1.0,)), "cystic_plate": (True, (0.5,)), "hepatocystic_triangle": (False, (0.0,)),
    }  # fmt: skip
    assert all(v.met for v in frames[6].criteria or ()), "second 8 is of the second row: ends are open"
    assert [d.where for d in defects] == ["cholec80-CVS.xlsx row 4"]


def test_rows_of_zeros_count_and_overlaps_tell_neither() -> None:
    frames, (defect,) = read(ROOT, "video05")
    assert [f.index for f in frames] == [25 * s for s in (1, 2, 3, 6, 7)]
    assert all(isinstance(f.image, VideoFrame) and f.image.index == f.index for f in frames)
    assert not any(v.met for v in frames[0].criteria or ()) and "overlap" in defect.detail


def test_nothing_is_read_after_the_first_clip(tmp_path: Path, real: Path) -> None:
    with (real / "cholec80_cvs" / "videos_frames_index.csv").open(newline="") as file:
        last = {row["video_name"]: int(row["final_frame"]) for row in csv.DictReader(file)}
    end = last["video33"] // 25
    late = (33, (end - 3) // 60, (end - 3) % 60, (end + 9) // 60, (end + 9) % 60, 1, 1, 1, 3, 0)
    script = fixture_kit.script("cholec80_cvs")
    script.workbook(tmp_path / "surgeons_annotations.xlsx", [script.HEAD, late])
    source = Cvs(tmp_path)
    items = list(source.frames(source.videos()[0]))
    assert [i.index // 25 for i in items if isinstance(i, Frame)] == [end - 3, end - 2, end - 1, end]
    assert ["after its first clip" in d.detail for d in items if isinstance(d, Defect)] == [True]


def test_the_published_splits(real: Path) -> None:
    table = split_table("cholec80_cvs")
    assert [list(table["colenet"].values()).count(s) for s in ("train", "val", "test")] == [50, 15, 15]
    folds = json.loads((real / "cholec80_cvs" / "folds.json").read_text())["folds"]
    for n, fold in enumerate(folds, 1):
        assert {v for v, split in table[f"fold-{n}"].items() if split == "test"} == set(fold)


def test_a_folder_without_the_workbook_shows_the_layout(tmp_path: Path) -> None:
    with pytest.raises(LayoutError, match=r"no cholec80-CVS\.xlsx"):
        Cvs(tmp_path).videos()
    (tmp_path / "cholec80-CVS.xlsx").write_bytes(BOOK.read_bytes()[:200])
    with pytest.raises(LayoutError, match="cut short"):
        Cvs(tmp_path).videos()


def test_cells_are_found_by_their_places_and_texts_of_either_kind(tmp_path: Path) -> None:
    sheet = (
        '<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>'
        '<row r="2"><c r="C2" t="inlineStr"><is><t>Video</t></is></c>'
        '<c r="A2" t="inlineStr"><is><t>score</t></is></c></row>'
        '<row r="3"/><row r="4"><c r="C4"><v>7</v></c></row></sheetData></worksheet>'
    )
    with zipfile.ZipFile(tmp_path / "a.xlsx", "w") as archive:
        archive.writestr("xl/worksheets/sheet1.xml", sheet)
    (row,) = read_sheet(tmp_path / "a.xlsx", ("video", "score"))
    assert (row.number, row.cells) == (4, ("7", ""))
    with pytest.raises(BadRowError, match="lacks total"):
        read_sheet(tmp_path / "a.xlsx", ("video", "total"))


@given(at=st.integers(0, len(BOOK.read_bytes()) - 1), byte=st.integers(0, 255))
def test_a_workbook_with_any_byte_changed_is_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, at: int, byte: int
) -> None:
    data = bytearray(BOOK.read_bytes())
    data[at] = byte
    path = tmp_path_factory.mktemp("book") / "a.xlsx"
    path.write_bytes(data)
    try:
        assert all(len(row.cells) == 1 for row in read_sheet(path, ("video",)))
    except BadRowError as error:
        assert error.message
