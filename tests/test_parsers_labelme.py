from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from surgsigma_hub.errors import BadRowError
from surgsigma_hub.parsers.labelme import LabelmePicture, parse_labelme
from surgsigma_hub.records import Polygons

TRIANGLE = [[0, 0], [10, 0], [0, 10.5]]


def shape(label: str = "hook", group: Any = 1, points: Any = None, **more: Any) -> dict[str, Any]:
    return {"label": label, "points": points or TRIANGLE, "group_id": group, "shape_type": "polygon", **more}


def read(*shapes: dict[str, Any], **more: Any) -> LabelmePicture:
    raw = {"shapes": list(shapes), "imagePath": "img_dir/a.png", "imageWidth": 100, "imageHeight": 50, **more}
    return parse_labelme(json.dumps(raw).encode(), where="a.json")


def rings(picture: LabelmePicture) -> list[tuple[str, int]]:
    found = []
    for mask in picture.masks:
        assert mask.label is not None and isinstance(mask.mask, Polygons)
        found.append((mask.label.native, len(mask.mask.rings)))
    return found


def test_pieces_of_one_instance_are_joined() -> None:
    picture = read(shape("hook", 1), shape("grasper", 1), shape("grasper", 1), shape("grasper", 2))
    assert rings(picture) == [("hook", 1), ("grasper", 2), ("grasper", 1)]
    assert picture.masks[0].mask == Polygons((((0.0, 0.0), (0.1, 0.0), (0.0, 0.21)),))


def test_polygons_without_a_group_are_instances_of_their_own() -> None:
    assert rings(read(shape(group=None), shape(group=None))) == [("hook", 1), ("hook", 1)]


def test_no_shapes_is_a_true_nothing() -> None:
    assert read().masks == ()


def test_size_falls_back_where_null_or_absent() -> None:
    assert (read(imageWidth=None).width, read(imageWidth=None).height) == (854, 50)
    bare = parse_labelme(b'{"shapes": []}', where="a.json", width=1920, height=1080)
    assert (bare.width, bare.height, bare.image) == (1920, 1080, "")


def test_picture_name_of_a_windows_path() -> None:
    assert read(imagePath="C:/Users/x/img_dir\\t50_VID01_000631.png").image == "t50_VID01_000631.png"
    assert read(imageData="aGVsbG8=").image == "a.png"


def test_points_just_outside_are_moved_to_the_edge_and_counted() -> None:
    picture = read(shape(points=[[-0.5, 0], [101, 0], [5, 51]]))
    assert picture.masks[0].mask == Polygons((((0.0, 0.0), (1.0, 0.0), (0.05, 1.0)),))
    assert picture.clipped == 3


@pytest.mark.parametrize(
    ("raw", "found"),
    [
        (b'{"shapes": [', "JSON"),
        (b"[]", "not a labelme file"),
        (b'{"shapes": {}}', "not a labelme file"),
        (b'{"shapes": [], "imageWidth": 0}', "imageWidth"),
        (b'{"shapes": [], "imageHeight": "480"}', "imageHeight"),
        (b'{"shapes": [3]}', "shape 0 is not a polygon"),
        (b'{"shapes": [{"label": "hook", "shape_type": "circle", "points": [[1,1],[2,2],[3,1]]}]}', "not a polygon"),
        (b'{"shapes": [{"points": [[1,1],[2,2],[3,1]]}]}', "no label"),
        (b'{"shapes": [{"label": "hook", "points": [[1,1],[2,2]]}]}', "fewer than 3"),
        (b'{"shapes": [{"label": "hook", "points": [[1,1],[2,2],[3]]}]}', "not \\[x, y\\]"),
        (b'{"shapes": [{"label": "hook", "points": [[1,1],[2,2],["3",1]]}]}', "not \\[x, y\\]"),
        (b'{"shapes": [{"label": "hook", "points": [[1,1],[2,2],[1900,1]]}]}', "outside a 854 x 480"),
        (b'{"shapes": [{"label": "hook", "group_id": [], "points": [[1,1],[2,2],[3,1]]}]}', "group_id"),
    ],
)
def test_bad_files_are_refused_with_their_name(raw: bytes, found: str) -> None:
    with pytest.raises(BadRowError, match=found) as caught:
        parse_labelme(raw, where="ann_dir/a.json")
    assert "ann_dir/a.json" in str(caught.value)


POINT = st.tuples(st.floats(0, 100), st.floats(0, 50)).map(list)
SHAPES = st.lists(
    st.builds(shape, st.sampled_from("ab"), st.sampled_from([None, 1, 2]), st.lists(POINT, min_size=3, max_size=5)),
    max_size=6,
)


@given(SHAPES)
def test_every_polygon_is_kept_once_and_inside(shapes: list[dict[str, Any]]) -> None:
    picture = read(*shapes)
    assert sum(n for _, n in rings(picture)) == len(shapes)
    grouped = {(s["label"], s["group_id"]) for s in shapes if s["group_id"] is not None}
    assert len(picture.masks) == len(grouped) + sum(s["group_id"] is None for s in shapes)
    for mask in picture.masks:
        assert isinstance(mask.mask, Polygons)
        assert all(0 <= c <= 1 for ring in mask.mask.rings for point in ring for c in point)


def test_real_files(real: Path) -> None:
    folder = real / "cholecinstanceseg"
    expected = {
        "t80_VID03_000000": [],
        "t80_VID03_000030": [("grasper", 1)],
        "t80_VID03_000060": [("grasper", 1), ("grasper", 1), ("hook", 1)],
        "t80_VID03_000090": [("grasper", 1), ("hook", 1), ("grasper", 1)],
        "t80_VID03_000120": [("hook", 1), ("grasper", 2), ("grasper", 1)],
        "t80_VID03_000270": [("grasper", 1), ("grasper", 1)],
        "t50_VID01_000631": [("hook", 1)],
        "t50_VID02_000828": [("grasper", 1), ("hook", 1), ("grasper", 1)],
    }
    for path in [*folder.glob("val/*/ann_dir/*.json"), *folder.glob("early_json/*.json")]:
        picture = parse_labelme(path.read_bytes(), where=path.name)
        stem = path.name.split(".")[0]
        assert rings(picture) == expected.pop(stem)
        assert (picture.image, picture.width, picture.height) == (f"{stem}.png", 854, 480)
    assert not expected
