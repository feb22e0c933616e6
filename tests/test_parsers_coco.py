"""COCO files: boxes, polygons, run lengths packed and not, attributes of images, and entries that break the form."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from surgsigma_hub.errors import BadRowError
from surgsigma_hub.media.masks import render
from surgsigma_hub.parsers.coco import CocoFile, read_coco
from surgsigma_hub.parsers.run_lengths import read_run_lengths
from surgsigma_hub.records import Box, Polygons, Reason

from fixture_kit import packed, run_lengths

IMAGE = {"id": 8_000_025, "file_name": "8_25.jpg", "width": 20, "height": 10, "ds": [0.3, 1, 0]}
CATEGORIES = [{"id": 1, "name": "liver"}, {"id": 4, "name": "tool"}]


def file(folder: Path, *notes: Any, image: Any = IMAGE, **more: Any) -> CocoFile:
    path = folder / "a.json"
    found = {"images": [image], "annotations": [*notes], "categories": CATEGORIES, **more}
    path.write_text(json.dumps(found))
    return read_coco(path, "train/a.json")


def note(**more: Any) -> dict[str, Any]:
    return {"id": 3, "image_id": IMAGE["id"], "category_id": 4, **more}


def test_boxes_categories_and_attributes(tmp_path: Path) -> None:
    read = file(tmp_path, note(bbox=[5, 2, 10, 5]), note(category_id=1, bbox=[-0.2, 0, 5, 10], seen=True))
    (image,) = read.images.values()
    assert (image.name, image.width, image.height, image.data["ds"]) == ("8_25.jpg", 20, 10, [0.3, 1, 0])
    objects, defects = read.objects(image)
    assert not defects and not read.defects
    assert [(o.category, o.box, o.clipped, o.mask) for o in objects] == [
        ("tool", Box(0.25, 0.2, 0.75, 0.7), False, None),
        ("liver", Box(0, 0, 0.24, 1), True, None),
    ]
    assert objects[1].data["seen"] is True


def test_polygons_and_run_lengths_mark_the_same_pixels(tmp_path: Path) -> None:
    inside = np.zeros((10, 20), bool)
    inside[2:7, 5:15] = True
    lengths = [52, *[5] * 19, 53]
    size = [10, 20]
    square = [5, 2, 14, 2, 14, 6, 5, 6]
    assert run_lengths((5, 2, 15, 7), (20, 10)) == {"size": size, "counts": packed(lengths)}
    read = file(
        tmp_path,
        note(segmentation=[square]),
        note(segmentation={"size": size, "counts": lengths}),
        note(segmentation={"size": size, "counts": packed(lengths)}),
    )
    objects, defects = read.objects(read.images[8_000_025])
    assert not defects and len(objects) == 3
    for one in objects:
        assert one.mask is not None
        assert np.array_equal(render([one.mask], width=20, height=10) > 0, inside)
    assert isinstance(objects[0].mask, Polygons) and objects[0].mask.rings[0][0] == (0.25, 0.2)


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.integers(1, 5000), min_size=1, max_size=40))
def test_any_lengths_are_unpacked(lengths: list[int]) -> None:
    read = read_run_lengths({"size": [1, sum(lengths)], "counts": packed(lengths)})
    assert list(read.lengths) == lengths and read.pixels == sum(lengths[1::2])
    assert (read().ravel() > 0).sum() == read.pixels


@pytest.mark.parametrize(
    ("entry", "reason", "words"),
    [
        (note(category_id=9), Reason.LABEL_UNKNOWN, "category 9 is not in categories"),
        (note(bbox=[1, 2, 3]), Reason.ROW_MALFORMED, "is not [x, y, width, height]"),
        (note(bbox=[1, 2, 0, 3]), Reason.ROW_MALFORMED, "empty or inside out"),
        (note(bbox=[1, 2, 40, 3]), Reason.BOX_OUTSIDE, "outside a 20 x 10 frame"),
        (note(segmentation=[[1, 2, 3, 4]]), Reason.ROW_MALFORMED, "three points or more"),
        (note(segmentation={"size": [4, 4], "counts": [16]}), Reason.ROW_MALFORMED, "4 x 4 for an image of 20 x 10"),
        (note(segmentation="x"), Reason.ROW_MALFORMED, "no object with size and counts"),
    ],
)
def test_an_object_that_breaks_the_form_is_told_and_the_others_stay(
    tmp_path: Path, entry: Any, reason: Reason, words: str
) -> None:
    read = file(tmp_path, entry, note(bbox=[5, 2, 10, 5]))
    objects, (defect,) = read.objects(read.images[8_000_025])
    assert len(objects) == 1 and defect.reason is reason and words in defect.detail
    assert defect.where == "train/a.json image 8000025 annotation 3"


def test_entries_of_no_image_are_told(tmp_path: Path) -> None:
    read = file(tmp_path, note(image_id=5), image={**IMAGE, "width": 0}, categories=CATEGORIES)
    assert [d.where for d in read.defects] == ["train/a.json image 0", "train/a.json annotation 0"]
    read = file(tmp_path, images=[IMAGE, {**IMAGE, "file_name": "b.jpg"}])
    (defect,) = read.defects
    assert defect.reason is Reason.DUPLICATE_ID and list(read.images) == [8_000_025]


@pytest.mark.parametrize(
    "text", ["", "[]", '{"images": []}', '{"images": [], "categories": [], "annotations": 1}', "{"]
)
def test_what_is_no_coco_file_is_an_error_with_its_place(tmp_path: Path, text: str) -> None:
    (tmp_path / "a.json").write_text(text)
    with pytest.raises(BadRowError, match=r"^train/a\.json: "):
        read_coco(tmp_path / "a.json", "train/a.json")
    with pytest.raises(BadRowError, match="cannot be opened"):
        read_coco(tmp_path / "b.json", "train/b.json")
