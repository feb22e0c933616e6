"""VOC documents, and the loader that reads them: any order of tags, what counts, what is refused."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from surgsigma_hub.parsers.voc import parse_voc
from surgsigma_hub.records import Defect, Frame, Reason
from surgsigma_hub.registry import get_source

from conftest import FIXTURES
from footage_files import seen

Locations = get_source("m2cai16_tool_locations")
ROOT = FIXTURES / "m2cai16_tool_locations"
NAMES = {"hook": "Hook"}
GOOD = (ROOT / "Annotations" / "v01_002075.xml").read_bytes()


def read(root: Path, video: str = "v01") -> tuple[list[Frame], list[Defect]]:
    source = Locations(root)
    (found,) = (v for v in source.videos() if v.id == video)
    items = list(seen(source, found).frames())
    return [f for f in items if isinstance(f, Frame)], [d for d in items if isinstance(d, Defect)]


def test_boxes_of_listed_pictures_whatever_the_order_of_tags_and_the_case_of_names() -> None:
    frames, defects = read(ROOT)
    assert defects == [] and [f.index for f in frames] == [2050, 2075, 2100]
    both = frames[1].instrument_boxes or ()
    assert [(b.label.native, b.clipped) for b in both] == [("Grasper", False), ("Hook", True)]
    assert (both[0].box.x1, both[0].box.y2) == (12 / 96, 40 / 64)
    empty = read(ROOT, "v02")[0][1]
    assert empty.instrument_boxes == () and empty.instruments == ()


def test_without_lists_every_document_named_after_a_frame_counts(tmp_path: Path) -> None:
    shutil.copytree(ROOT, tmp_path / "copy")
    (tmp_path / "copy/ImageSets/Main/train.txt").write_text("v01_002100 1\n")
    assert [f.index for f in read(tmp_path / "copy")[0]] == [2100]
    shutil.rmtree(tmp_path / "copy/ImageSets")
    assert [f.index for f in read(tmp_path)[0]] == [2050, 2075, 2100]


def test_the_operations_are_those_of_cholec80() -> None:
    assert [v.canonical_id for v in Locations(ROOT).videos()] == ["cholec80/video67", "cholec80/video68"]


def test_a_missing_picture_and_a_bad_document_cost_themselves(tmp_path: Path) -> None:
    shutil.copytree(ROOT, tmp_path / "copy")
    (tmp_path / "copy/JPEGImages/v01_002050.jpg").unlink()
    (tmp_path / "copy/Annotations/v01_002100.xml").write_bytes(GOOD[:100])
    frames, defects = read(tmp_path / "copy")
    assert [f.index for f in frames] == [2075]
    assert [(d.reason, d.where) for d in defects] == [
        (Reason.MEDIA_MISSING, "JPEGImages/v01_002050.jpg"),
        (Reason.ROW_MALFORMED, "Annotations/v01_002100.xml"),
    ]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("<name>Hook", "<name>Wrench", "name 'Wrench' is not one of"),
        ("<xmin>60", "<xmin>98", "empty or inside out"),
        ("<xmax>97", "<xmax>140", "outside"),
        ("<ymin>20", "<ymin>x", "not a usable number"),
        ("<width>96", "<width>0", "size/width"),
        ("<annotation>", '<!DOCTYPE a [<!ENTITY b "c">]><annotation>', "document type"),
    ],
)
def test_what_cannot_be_read_is_told_and_leaves_no_half_list(old: str, new: str, said: str) -> None:
    data = GOOD.replace(old.encode(), new.encode())
    read = parse_voc(data, "a.xml", {"hook": "Hook", "grasper": "Grasper"})
    assert data != GOOD and read.boxes is None and said in read.defects[0].detail


@given(st.binary(max_size=60) | st.text(alphabet="<>/abxmin&;![]", max_size=60).map(str.encode))
def test_any_bytes_are_a_defect_and_no_error(data: bytes) -> None:
    read = parse_voc(data, "a.xml", NAMES)
    assert read.boxes is None and read.defects[0].where.startswith("a.xml")
