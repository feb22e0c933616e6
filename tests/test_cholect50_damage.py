"""The CholecT50 loader on label files with damage of every kind: what is lost is told, and no more is lost."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from surgsigma_hub.errors import BadRowError
from surgsigma_hub.parsers.releases.triplet_vectors import NAMES, names_in, read_label_mapping, triples_in
from surgsigma_hub.records import Defect, Label, Reason

from chole_files import label_file, pictures, vector
from cholect50_reading import GRASP, ROOT, CholecT50, one, read
from footage_files import seen


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (GRASP[:-1], Reason.ROW_MALFORMED),
        ([*GRASP, 0], Reason.ROW_MALFORMED),
        ([], Reason.ROW_MALFORMED),
        ("17", Reason.ROW_MALFORMED),
        (None, Reason.ROW_MALFORMED),
        ({"a": 1}, Reason.ROW_MALFORMED),
        (vector("17", 0, 1, 0, 1), Reason.ROW_MALFORMED),  # type: ignore[arg-type]
        (vector(True, 0, 1, 0, 1), Reason.ROW_MALFORMED),
        (vector(17.5, 0, 1, 0, 1), Reason.ROW_MALFORMED),  # type: ignore[arg-type]
        (vector(float("nan"), 0, 1, 0, 1), Reason.ROW_MALFORMED),  # type: ignore[arg-type]
        (vector(100, 0, 1, 0, 1), Reason.LABEL_UNKNOWN),
        (vector(-2, 0, 1, 0, 1), Reason.LABEL_UNKNOWN),
        (vector(17, 6, 1, 0, 1), Reason.LABEL_UNKNOWN),
        (vector(17, 0, 10, 0, 1), Reason.LABEL_UNKNOWN),
        (vector(17, 0, 1, 15, 1), Reason.LABEL_UNKNOWN),
        (vector(17, 0, 1, 0, 7), Reason.LABEL_UNKNOWN),
        (vector(17, 1, 1, 0, 1), Reason.LABEL_CORRUPT),  # triplet 17 is a grasper's
        (vector(17, -1, -1, -1, 1), Reason.LABEL_CORRUPT),
        (vector(-1, -1, 1, 0, 1), Reason.LABEL_CORRUPT),
        (vector(60, 2, 2, 0, 2), Reason.ROW_MALFORMED),  # another phase than the vector beside it
        (vector(60, 2, 2, 0, -1), Reason.ROW_MALFORMED),
        (vector(60, 2, 2, 0, 1, ("a", 0, 1, 1)), Reason.ROW_MALFORMED),  # type: ignore[arg-type]
    ],
)
def test_a_bad_vector_takes_its_whole_frame_with_it_and_no_other(tmp_path: Path, row: Any, reason: Reason) -> None:
    shutil.copy(ROOT / "label_mapping.txt", tmp_path)
    frames, defects = one(tmp_path, {"4": [GRASP], "5": [GRASP, row], "6": [GRASP]})
    assert list(frames) == [4, 6]
    assert [(d.reason, d.where) for d in defects] == [(reason, "labels/VID01.json frame 5")]


@pytest.mark.parametrize("rows", [[], None, 3, "x", {}])
def test_a_frame_without_vectors_is_no_frame_without_instruments(tmp_path: Path, rows: Any) -> None:
    frames, defects = one(tmp_path, {"5": rows})
    assert not frames and [d.reason for d in defects] == [Reason.ROW_MALFORMED]


def test_the_files_own_triplet_names_check_the_ids_where_the_mapping_is_missing(tmp_path: Path) -> None:
    names = {kind: {str(i): n for i, n in enumerate(NAMES[kind])} for kind in NAMES}
    categories = {**names, "triplet": {"17": "grasper,retract,gallbladder", "18": "broken"}}
    frames, defects = one(tmp_path, {"5": [GRASP], "6": [vector(17, 0, 0, 0, 1)]}, categories=categories)
    assert list(frames) == [5] and [d.reason for d in defects] == [Reason.LABEL_CORRUPT]
    assert triples_in(categories) == {17: (0, 1, 0)}


def test_an_instrument_without_triplet_leaves_the_triplets_unannotated(tmp_path: Path) -> None:
    frames, defects = one(tmp_path, {"5": [GRASP, vector(-1, 2, -1, -1, 1)]})
    assert defects == []
    assert frames[5].instruments == (Label("grasper"), Label("hook"))
    assert frames[5].triplets is None and frames[5].actions is None and frames[5].tissues is None


def test_a_frame_without_phase_id_has_no_phase(tmp_path: Path) -> None:
    frames, defects = one(tmp_path, {"5": [vector(17, 0, 1, 0, -1)]})
    assert defects == [] and frames[5].phase is None and frames[5].instruments == (Label("grasper"),)


@pytest.mark.parametrize(
    ("box", "reason"),
    [
        ((0.5, 0.5, 0.6, 0.2), Reason.BOX_OUTSIDE),
        ((-1.0, 0.5, 0.6, 0.2), Reason.BOX_OUTSIDE),
        ((0.5, 0.5, 0.0, 0.2), Reason.ROW_MALFORMED),
        ((0.5, 0.5, -0.1, 0.2), Reason.ROW_MALFORMED),
    ],
)
def test_a_bad_box_costs_the_boxes_of_its_frame_only(
    tmp_path: Path, box: tuple[float, float, float, float], reason: Reason
) -> None:
    good = vector(17, 0, 1, 0, 1, (0.1, 0.1, 0.2, 0.2))
    frames, defects = one(tmp_path, {"5": [good, vector(60, 2, 2, 0, 1, box)], "6": [good]})
    assert [(d.reason, d.where) for d in defects] == [(reason, "labels/VID01.json frame 5")]
    assert frames[5].instrument_boxes is None and frames[5].instruments == (Label("grasper"), Label("hook"))
    assert frames[6].instrument_boxes is not None


def test_boxes_only_where_every_instrument_has_one(tmp_path: Path) -> None:
    boxed, none = vector(17, 0, 1, 0, 1, (0.1, 0.1, 0.2, 0.2)), vector(-1, -1, -1, -1, 1)
    frames, defects = one(tmp_path, {"5": [boxed, vector(60, 2, 2, 0, 1)], "6": [none], "7": [boxed, none]})
    assert defects == []
    assert frames[5].instrument_boxes is None
    assert frames[6].instrument_boxes == ()  # the file has boxes, and this frame has no instrument
    assert len(frames[7].instrument_boxes or ()) == 1


def test_repeated_keys_are_left_out(tmp_path: Path) -> None:
    path = label_file(tmp_path, "VID01", {"5": [GRASP], "05": [GRASP], "6": [GRASP], "7": [GRASP]})
    pictures(tmp_path, "VID01", [5, 6, 7])
    path.write_text(path.read_text().replace('"7":', '"6":'))
    frames, defects = read(tmp_path, "VID01")
    assert not frames
    assert [(d.reason, d.where) for d in defects] == [
        (Reason.DUPLICATE_ID, "labels/VID01.json frame 5"),
        (Reason.DUPLICATE_ID, "labels/VID01.json frame 6"),
    ]


def test_keys_that_are_no_frame_numbers(tmp_path: Path) -> None:
    label_file(tmp_path, "VID01", {key: [GRASP] for key in ("5", "-1", "x", "1.0", "9" * 7)})
    pictures(tmp_path, "VID01", [5])
    frames, defects = read(tmp_path, "VID01")
    assert list(frames) == [5] and [d.reason for d in defects] == [Reason.ROW_MALFORMED] * 4


def test_a_file_cut_anywhere_is_one_defect_and_no_frame(tmp_path: Path) -> None:
    shutil.copytree(ROOT, tmp_path / "t50")
    path = tmp_path / "t50" / "labels" / "VID01.json"
    text = path.read_bytes().rstrip()
    video = next(iter(CholecT50(tmp_path / "t50").videos()))
    for end in range(0, len(text), 7):
        path.write_bytes(text[:end])
        (defect,) = seen(CholecT50(tmp_path / "t50"), video).frames()
        assert isinstance(defect, Defect) and defect.reason is Reason.ROW_MALFORMED
        assert defect.where == "labels/VID01.json" and "character" in defect.detail


@pytest.mark.parametrize(
    "content",
    [
        b"\xff{}", b"[]", b"null", b"{}", b'{"annotations": []}', b'{"annotations": {}, "annotations": {}}',
        b'{"annotations": {}, "video": 2}', b'{"annotations": {}, "fps": 25}', b"[" * 100_000, b"9" * 5000,
    ],
)  # fmt: skip
def test_files_that_are_no_label_files_are_one_defect(tmp_path: Path, content: bytes) -> None:
    label_file(tmp_path, "VID01", {}).write_bytes(content)
    frames, defects = read(tmp_path, "VID01")
    assert not frames and [d.where for d in defects] == ["labels/VID01.json"]


def test_names_of_the_file_that_differ_from_the_published_ones_are_told_and_used(tmp_path: Path) -> None:
    categories = {"phase": {"1": "calot-triangle-dissection", "9": "lunch"}, "verb": [{"id": 1, "name": "retract"}]}
    frames, defects = one(tmp_path, {"5": [GRASP]}, categories=categories)
    assert frames[5].phase == Label("calot-triangle-dissection")
    assert [(d.reason, d.where.split()[-1]) for d in defects] == [
        (Reason.LABEL_UNKNOWN, "categories.phase.1"),
        (Reason.LABEL_UNKNOWN, "categories.phase.9"),
    ]
    for nonsense in (None, [], 3, {"phase": 3}, {"phase": {"x": "y"}}, {"phase": [1]}, {"phase": {"1": 2}}):
        assert names_in(nonsense) == (NAMES, [])


def test_a_broken_mapping_file_stops_before_the_build(tmp_path: Path) -> None:
    label_file(tmp_path, "VID01", {})
    (tmp_path / "label_mapping.txt").write_text("# IVT, I, V, T\n0,0,2,1,2,1\n1,0,x,0\n")
    with pytest.raises(BadRowError, match=r"label_mapping.txt, line 3: '1,0,x,0'"):
        CholecT50(tmp_path).videos()
    assert read_label_mapping("# x\n\n 5,1,2,3,4,5\n") == {5: (1, 2, 3)}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 101) | st.floats() | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)
ROW = st.lists(st.integers(-2, 101) | st.sampled_from([-1, -1.0, 0.5, None, "x"]), min_size=14, max_size=16)
KEY = st.integers(0, 30).map(str) | st.text("0123456789-x", max_size=4)


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(annotations=st.dictionaries(KEY, JSON | st.lists(ROW | JSON, max_size=3), max_size=5))
def test_whatever_a_file_holds_every_key_is_a_frame_or_a_defect(tmp_path: Path, annotations: dict[str, Any]) -> None:
    label_file(tmp_path, "VID01", annotations)
    source = CholecT50(tmp_path)
    (video,) = source.videos()
    items = list(seen(source, video).frames())
    numbers = {int(k) for k in annotations if k.isascii() and k.isdigit() and len(k) <= 6}
    wrong = [k for k in annotations if not (k.isascii() and k.isdigit() and len(k) <= 6)]
    assert all(isinstance(item, Defect) for item in items)  # no picture is there
    assert len(items) == len(numbers) + len(wrong)
