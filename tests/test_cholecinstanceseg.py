"""The CholecInstanceSeg loader: its fixture, layouts, and label files with damage."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from surgsigma_hub.errors import LayoutError
from surgsigma_hub.ontology import native_names, resolve_frame
from surgsigma_hub.records import Box, Defect, Fact, FileImage, Frame, Label, LabeledBox, Origin, Polygons, Reason
from surgsigma_hub.registry import get_source
from surgsigma_hub.source import Part

from chole_files import picture
from conftest import FIXTURES
from footage_files import seen

Loader = get_source("cholecinstanceseg")
ROOT = FIXTURES / "cholecinstanceseg"
FULL = "VID01_t50_full"
STEM = "t50_VID01_{:06d}"


def read(root: Path, video: str) -> tuple[dict[int, Frame], list[Defect]]:
    source = Loader(root)
    (found,) = (v for v in source.videos() if v.id == video)
    items = list(seen(source, found).frames())
    frames = [f for f in items if isinstance(f, Frame)]
    assert [f.index for f in frames] == sorted({f.index for f in frames})
    return {f.index: f for f in frames}, [d for d in items if isinstance(d, Defect)]


def shape(label: str, points: Any, group: Any = 1, **more: Any) -> dict[str, Any]:
    return {"label": label, "points": points, "group_id": group, "shape_type": "polygon", "flags": None, **more}


def write(folder: Path, shapes: Any, *, number: int = 0, size: Any = (100, 50), drawn: bool = True) -> Path:
    """One picture of VID01_t50_full and its file; ``size`` is what the file says, the picture has 100 x 50."""
    home = folder / "train" / FULL
    for name in ("ann_dir", "img_dir"):
        (home / name).mkdir(parents=True, exist_ok=True)
    document = {"shapes": shapes, "imagePath": "x.png", "imageWidth": size[0], "imageHeight": size[1]}
    path = home / "ann_dir" / f"{STEM.format(number)}.json"
    path.write_text(json.dumps(document))
    if drawn:
        (home / "img_dir" / f"{STEM.format(number)}.png").write_bytes(picture(number, size=(100, 50)))
    return path


TRIANGLE = [[10.0, 10.0], [30.0, 10.0], [10.0, 40.0]]


# ------------------------------------------------------------------------------------------------------ good files


def test_the_facts_of_the_fixture() -> None:
    frames, defects = read(ROOT, FULL)
    assert defects == [] and list(frames) == [0, 1, 2]
    assert frames[0].instruments == frames[0].instrument_boxes == frames[0].instrument_masks == ()
    assert frames[1].image == FileImage(ROOT / "train" / FULL / "img_dir" / f"{STEM.format(1)}.png")
    assert frames[1].fps == 1 and frames[1].instruments == (Label("grasper"), Label("hook"))
    assert frames[1].instrument_boxes == (
        LabeledBox(Label("grasper"), Box(0.0, 0.25, 0.5, 0.75)),  # two pieces of one instance
        LabeledBox(Label("hook"), Box(0.75, 0.0, 1.0, 0.5)),  # reached past the edge
        LabeledBox(Label("grasper"), Box(0.5, 0.75, 0.75, 1.0)),
    )
    masks = frames[1].instrument_masks or ()
    assert [len(m.mask.rings) for m in masks if isinstance(m.mask, Polygons)] == [2, 1, 1]
    assert frames[1].origins == {Fact.INSTRUMENT_BOXES: Origin("derived", note="bounds of the polygons")}
    # Its file states no size, and its picture is of another one than the others.
    assert frames[2].instrument_boxes == (LabeledBox(Label("hook"), Box(8 / 96, 9 / 54, 24 / 96, 27 / 54)),)


def test_what_a_number_counts_depends_on_the_sequence() -> None:
    seen = {}
    for video in Loader(ROOT).videos():
        frames, defects = read(ROOT, video.id)
        assert defects == []
        seen[video.id] = [(f.index, f.fps, f.seconds) for f in frames.values()]
    assert seen == {
        FULL: [(0, 1, 0), (1, 1, 1), (2, 1, 2)],
        "VID01_seg8k": [(15810, 25, 632.4)],
        "VID03_t80_sparse": [(0, 1, 0), (30, 1, 30)],
        "VID07_t80_sparse": [(60, 1, 60)],
        "VID96_t50_sparse": [(30, 1, 30)],
    }


def test_sequences_splits_and_surgeries() -> None:
    assert [(v.id, v.split, v.canonical_id, len(v.files)) for v in Loader(ROOT).videos()] == [
        ("VID01_seg8k", "train", "cholec80/video01", 1),
        (FULL, "train", "cholec80/video01", 3),
        ("VID03_t80_sparse", "val", "cholec80/video03", 2),
        ("VID07_t80_sparse", "test", "cholec80/video07", 1),
        ("VID96_t50_sparse", "train", "cholect50/VID96", 1),
    ]


def test_canonical_ids_are_those_of_cholec80_and_cholect50(tmp_path: Path) -> None:
    for number in (1, 80, 92, 96, 103, 110, 111):
        (tmp_path / "ours" / "train" / f"VID{number:02d}_t50_sparse").mkdir(parents=True)
        (tmp_path / "t50" / "labels").mkdir(parents=True, exist_ok=True)
        (tmp_path / "t50" / "videos" / f"VID{number:02d}").mkdir(parents=True)
        (tmp_path / "t50" / "labels" / f"VID{number:02d}.json").write_text("{}")
    theirs = {v.id: v.canonical_id for v in get_source("cholect50")(tmp_path / "t50").videos()}
    ours = {v.id.split("_")[0]: v.canonical_id for v in Loader(tmp_path / "ours").videos()}
    assert ours == theirs and len(ours) == 7


def test_every_label_resolves() -> None:
    seen = set()
    for video in Loader(ROOT).videos():
        for frame in read(ROOT, video.id)[0].values():
            assert resolve_frame("cholecinstanceseg", frame).facts() == Loader.info.facts
            seen |= {("instrument", label.native) for label in frame.instruments or ()}
    assert seen == set(native_names("cholecinstanceseg")), "the fixture shows every class"


# ---------------------------------------------------------------------------------------------------------- layouts


def test_the_parent_will_do(tmp_path: Path) -> None:
    shutil.copytree(ROOT, tmp_path / "up" / "cholecinstanceseg")
    shutil.copytree(ROOT, tmp_path / "up" / "__MACOSX")
    assert read(tmp_path / "up", FULL)[1] == []
    (tmp_path / "up" / "cholecinstanceseg" / "train" / FULL / "img_dir" / f"{STEM.format(1)}.png").unlink()
    (defect,) = read(tmp_path / "up", FULL)[1]
    assert (defect.reason, defect.where) == (Reason.MEDIA_MISSING, f"{FULL}/1")
    assert str(tmp_path) not in defect.detail
    shutil.copytree(ROOT, tmp_path / "up" / "second")
    with pytest.raises(LayoutError, match="several copies"):
        Loader(tmp_path / "up").videos()


def test_wrong_roots_show_the_layout(tmp_path: Path) -> None:
    for name in ("train", "train/VID01", "other/VID01_t50_full"):
        (tmp_path / name).mkdir(parents=True, exist_ok=True)
        with pytest.raises(LayoutError, match=r"VID01_t50_full/ann_dir/t50_VID01_000000\.json"):
            Loader(tmp_path).videos()


def test_one_sequence_in_two_splits_is_not_chosen_between(tmp_path: Path) -> None:
    for split in ("train", "test"):
        (tmp_path / split / FULL).mkdir(parents=True)
    with pytest.raises(LayoutError, match=rf"{FULL} is in test/ and in train/"):
        Loader(tmp_path).videos()


def test_pictures_without_files_and_files_without_pictures_are_told(tmp_path: Path) -> None:
    write(tmp_path, [], number=1)
    write(tmp_path, [], number=2, drawn=False)
    path = write(tmp_path, [], number=3)
    path.unlink()
    path.with_name("t50_VID02_000004.json").write_text("{}")
    path.with_name("t50_VID01_000005.copy.json").write_text("{}")
    frames, defects = read(tmp_path, FULL)
    assert list(frames) == [1]
    assert [(d.reason, d.where) for d in defects] == [
        (Reason.ROW_MALFORMED, f"train/{FULL}/ann_dir/t50_VID01_000005.copy.json"),
        (Reason.ROW_MALFORMED, f"train/{FULL}/ann_dir/t50_VID02_000004.json"),
        (Reason.ROW_MALFORMED, f"train/{FULL}"),
        (Reason.MEDIA_MISSING, f"{FULL}/2"),
    ]
    assert "1 images" in defects[2].detail and STEM.format(3) in defects[2].detail


def test_a_sequence_of_pictures_alone_is_told(tmp_path: Path) -> None:
    write(tmp_path, [])
    shutil.rmtree(tmp_path / "train" / FULL / "ann_dir")
    frames, (defect,) = read(tmp_path, FULL)
    assert not frames and defect.where == f"train/{FULL}"


# ----------------------------------------------------------------------------------------------------- damaged files


@pytest.mark.parametrize(
    "shapes",
    [
        None,
        {},
        [3],
        [shape("hook", TRIANGLE[:2])],
        [shape("", TRIANGLE)],
        [shape("hook", [["a", 1], [2, 3], [4, 5]])],
        [shape("hook", TRIANGLE, [1])],
        [shape("hook", [*TRIANGLE, [104.0, 20.0]])],
        [shape("hook", TRIANGLE, shape_type="rectangle")],
    ],
)
def test_a_bad_file_costs_its_own_picture(tmp_path: Path, shapes: Any) -> None:
    for number in (0, 2):
        write(tmp_path, [shape("hook", TRIANGLE)], number=number)
    write(tmp_path, shapes, number=1)
    frames, (defect,) = read(tmp_path, FULL)
    assert list(frames) == [0, 2]
    assert (defect.reason, defect.where) == (Reason.ROW_MALFORMED, f"train/{FULL}/ann_dir/{STEM.format(1)}.json")
    assert str(tmp_path) not in defect.detail


def test_a_file_cut_anywhere_is_one_defect(tmp_path: Path) -> None:
    path = write(tmp_path, [shape("hook", TRIANGLE)])
    whole = path.read_bytes()
    for end in range(0, len(whole), 5):
        path.write_bytes(whole[:end])
        frames, (defect,) = read(tmp_path, FULL)
        assert not frames and defect.reason is Reason.ROW_MALFORMED


def test_an_instance_without_width_costs_the_boxes_only(tmp_path: Path) -> None:
    write(tmp_path, [shape("hook", TRIANGLE), shape("grasper", [[5, 5], [5, 9], [5, 7]])])
    frames, (defect,) = read(tmp_path, FULL)
    assert defect.reason is Reason.ROW_MALFORMED and "keeps its other facts" in defect.detail
    assert frames[0].instrument_boxes is None and frames[0].origins == {}
    assert len(frames[0].instrument_masks or ()) == len(frames[0].instruments or ()) == 2


@pytest.mark.parametrize("size", [(None, None), (None, 50), (100, None)])
def test_the_picture_tells_the_size_that_the_file_does_not(tmp_path: Path, size: Any) -> None:
    write(tmp_path, [shape("hook", TRIANGLE)], size=size)
    expected = (LabeledBox(Label("hook"), Box(0.1, 0.2, 0.3, 0.8)),)
    assert read(tmp_path, FULL)[0][0].instrument_boxes == expected
    png = tmp_path / "train" / FULL / "img_dir" / f"{STEM.format(0)}.png"
    png.with_suffix(".jpg").write_bytes(picture(0, form="JPEG", size=(100, 50)))
    png.unlink()
    assert read(tmp_path, FULL)[0][0].instrument_boxes == expected
    png.write_bytes(b"no picture")  # goes before the JPEG, and the usual 854 x 480 has to do
    (box,) = read(tmp_path, FULL)[0][0].instrument_boxes or ()
    assert box.box.x1 in (10 / 854, 0.1) and box.box != expected[0].box


POINT = st.tuples(st.floats(-1, 101), st.floats(-0.5, 50.5)).map(list)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.builds(
            shape, st.sampled_from(["hook", "snare"]), st.lists(POINT, min_size=3, max_size=5), st.integers(1, 2)
        ),
        max_size=5,
    )
)
def test_a_box_is_the_tightest_around_all_pieces_of_its_instance(tmp_path: Path, shapes: list[dict[str, Any]]) -> None:
    write(tmp_path, shapes)
    frames, defects = read(tmp_path, FULL)
    corners: dict[tuple[str, int], list[tuple[float, float]]] = {}
    for s in shapes:
        inside = [(min(max(x / 100, 0), 1), min(max(y / 50, 0), 1)) for x, y in s["points"]]
        corners.setdefault((s["label"], s["group_id"]), []).extend(inside)
    expected = [
        (label, min(x for x, _ in p), min(y for _, y in p), max(x for x, _ in p), max(y for _, y in p))
        for (label, _), p in corners.items()
    ]
    if any(x1 == x2 or y1 == y2 for _, x1, y1, x2, y2 in expected):
        assert frames[0].instrument_boxes is None and len(defects) == 1
    else:
        found = frames[0].instrument_boxes or ()
        assert [(b.label.native, b.box.x1, b.box.y1, b.box.x2, b.box.y2) for b in found] == expected


def test_info_is_what_the_terms_say() -> None:
    info = Loader.info
    assert info.license == "cc-by-nc-sa-4.0" and info.access == "registration"
    assert info.terms.published == (Part.ANNOTATIONS,)


def test_a_file_without_a_size_is_not_read_by_a_picture_that_was_made_smaller(tmp_path: Path) -> None:
    write(tmp_path, [shape("hook", TRIANGLE)], number=0, size=(None, None))
    assert len(read(tmp_path, FULL)[0]) == 1, "no file of the sequence states a size: that of the picture holds"
    write(tmp_path, [shape("hook", TRIANGLE)], number=1, size=(200, 100))
    frames, (told,) = read(tmp_path, FULL)
    assert list(frames) == [1] and told.where.endswith("000000.json")
    assert told.detail == "states no size, and its image has 100 x 50; others of the sequence state 200 x 100"
