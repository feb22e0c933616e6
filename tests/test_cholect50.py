"""The CholecT50 loader: its fixture, damage of every kind, and real label files read a second way."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from surgsigma_hub.errors import BadRowError, LayoutError, SurgSigmaError, UnknownNameError
from surgsigma_hub.ontology import native_names, resolve_frame
from surgsigma_hub.parsers.strict_json import read_json
from surgsigma_hub.parsers.triplet_vectors import NAMES, names_in, read_label_mapping, triples_in
from surgsigma_hub.records import Box, Defect, Fact, FileImage, Frame, Label, LabeledBox, Reason, Triplet, Video
from surgsigma_hub.source import Options, get_source

from chole_files import label_file, pictures, vector
from conftest import FIXTURES

CholecT50 = get_source("cholect50")
ROOT = FIXTURES / "cholect50"
GRASP = vector(17, 0, 1, 0, 1)  # grasper, retract, gallbladder, in phase 1


def triplet(text: str) -> Triplet:
    i, v, t = text.split(",")
    return Triplet(Label(i), Label(v), Label(t))


def read(root: Path, video: str, scheme: str = "") -> tuple[dict[int, Frame], list[Defect]]:
    source = CholecT50(root, Options(split_scheme=scheme))
    (found,) = (v for v in source.videos() if v.id == video)
    items = list(source.frames(found))
    frames = [f for f in items if isinstance(f, Frame)]
    assert [f.index for f in frames] == sorted({f.index for f in frames})
    return {f.index: f for f in frames}, [d for d in items if isinstance(d, Defect)]


def one(folder: Path, annotations: dict[str, Any], **more: Any) -> tuple[dict[int, Frame], list[Defect]]:
    """Frames and defects of a VID01 made of ``annotations``, all its pictures present."""
    label_file(folder, "VID01", annotations, **more)
    pictures(folder, "VID01", [int(k) for k in annotations if k.isdigit()])
    return read(folder, "VID01")


# ------------------------------------------------------------------------------------------------------ good files


def test_the_facts_of_the_fixture() -> None:
    frames, defects = read(ROOT, "VID01")
    assert defects == [] and list(frames) == [0, 2, 10]
    picture = {n: FileImage(ROOT / "videos" / "VID01" / f"{n:06d}.png") for n in frames}
    assert frames[0] == Frame(
        index=0, fps=1, image=picture[0], phase=Label("preparation"),
        instruments=(), tissues=(), actions=(), triplets=(),
    )  # fmt: skip
    assert frames[2] == Frame(
        index=2,
        fps=1,
        image=picture[2],
        phase=Label("preparation"),
        instruments=(Label("grasper"),),
        tissues=(Label("gallbladder"),),
        actions=(Label("retract"),),
        triplets=(triplet("grasper,null_verb,null_target"), triplet("grasper,retract,gallbladder")),
    )
    assert frames[10] == Frame(
        index=10,
        fps=1,
        image=picture[10],
        phase=Label("carlot-triangle-dissection"),
        instruments=(Label("grasper"), Label("hook")),
        tissues=(Label("gallbladder"),),
        actions=(Label("retract"), Label("dissect")),
        triplets=(triplet("grasper,retract,gallbladder"), triplet("hook,dissect,gallbladder")),
    )


def test_repeated_words_are_named_once_and_in_order() -> None:
    frames, _ = read(ROOT, "VID06")
    assert [x.native for x in frames[0].actions or ()] == ["retract", "dissect"]
    assert [x.native for x in frames[0].tissues or ()] == ["gallbladder", "liver"]
    assert [x.native for x in frames[0].instruments or ()] == ["grasper", "hook"]
    assert len(frames[0].triplets or ()) == 3


def test_null_verb_and_target_keep_the_instrument_and_the_triplet() -> None:
    frames, _ = read(ROOT, "VID111")
    assert frames[0].instruments == (Label("clipper"),)
    assert frames[0].triplets == (triplet("clipper,null_verb,null_target"),)
    assert frames[0].actions == () and frames[0].tissues == ()


def test_boxes_where_the_file_has_them() -> None:
    frames, defects = read(ROOT, "VID74")
    assert defects == []
    assert frames[6].instrument_boxes == (
        LabeledBox(Label("grasper"), Box(0.125, 0.25, 0.375, 0.75)),
        LabeledBox(Label("hook"), Box(0.5, 0.25, 0.75, 0.5)),
    )
    assert frames[19].instrument_boxes == (LabeledBox(Label("hook"), Box(0.5, 0.5, 1.0, 0.75), clipped=True),)
    assert read(ROOT, "VID01")[0][2].instrument_boxes is None


def test_every_label_of_the_fixture_resolves_and_the_vocabulary_is_the_ontologys() -> None:
    source = CholecT50(ROOT)
    for video in source.videos():
        for frame in source.frames(video):
            assert isinstance(frame, Frame)
            assert frame.facts() <= CholecT50.info.facts
            resolve_frame("cholect50", frame)
    kinds = {"instrument": "instrument", "verb": "action", "target": "target", "phase": "phase"}
    assert {(kinds[k], name) for k, names in NAMES.items() for name in names} == set(native_names("cholect50"))


def test_the_parent_will_do_and_places_are_relative_to_what_was_given(tmp_path: Path) -> None:
    shutil.copytree(ROOT, tmp_path / "up" / "CholecT50")
    (tmp_path / "up" / "__MACOSX" / "labels").mkdir(parents=True)
    (tmp_path / "up" / "__MACOSX" / "videos").mkdir()
    (tmp_path / "up" / "CholecT50" / "videos" / "VID08" / "000001.png").unlink()
    (tmp_path / "up" / "CholecT50" / "labels" / "VID06.json").write_text("{")
    assert read(tmp_path / "up", "VID08")[1][0].where == "VID08/000001"
    (cut,) = read(tmp_path / "up", "VID06")[1]
    assert cut.where == "CholecT50/labels/VID06.json" and "character 1" in cut.detail
    with pytest.raises(LayoutError):
        CholecT50(tmp_path).videos()  # two levels up


def test_jpeg_pictures_and_strays(tmp_path: Path) -> None:
    label_file(tmp_path, "VID01", {"1": [GRASP], "2": [GRASP], "3": [GRASP]})
    pictures(tmp_path, "VID01", [1, 2], suffix="jpg")
    pictures(tmp_path, "VID01", [2, 7])
    for name in ("000003 (1).png", "3.png", "0000003.png", ".000003.png", "000003.bmp"):
        (tmp_path / "videos" / "VID01" / name).write_bytes(b"")
    frames, defects = read(tmp_path, "VID01")
    assert [getattr(frames[n].image, "path").name for n in frames] == ["000001.jpg", "000002.png"]  # noqa: B009
    assert [(d.reason, d.where) for d in defects] == [(Reason.MEDIA_MISSING, "VID01/000003")]


# ----------------------------------------------------------------------------------------------- splits and layout


def test_split_schemes_have_the_published_sizes(tmp_path: Path) -> None:
    numbers = [p.stem for p in _empty_release(tmp_path)]
    tests: list[str] = []
    for scheme, sizes in {
        "rendezvous": (35, 5, 10),
        "challenge": (40, 5, 5),
        **{f"crossval-{n}": (35, 5, 10) for n in range(1, 6)},
    }.items():
        videos = list(CholecT50(tmp_path, Options(split_scheme=scheme)).videos())
        assert [v.id for v in videos] == sorted(numbers, key=lambda v: int(v[3:]))
        count = Counter(v.split for v in videos)
        assert (count["train"], count["val"], count["test"]) == sizes
        if scheme.startswith("crossval"):
            tests += [v.id for v in videos if v.split == "test"]
    assert sorted(tests) == sorted(numbers)
    assert next(iter(CholecT50.info.split_schemes)) == "rendezvous"


def test_split_of_known_videos(tmp_path: Path) -> None:
    _empty_release(tmp_path)

    def members(scheme: str, split: str) -> set[int]:
        source = CholecT50(tmp_path, Options(split_scheme=scheme))
        return {int(v.id[3:]) for v in source.videos() if v.split == split}

    assert members("rendezvous", "val") == {8, 12, 29, 50, 78}
    assert members("challenge", "test") == {92, 96, 103, 110, 111}
    assert members("crossval-1", "test") == {79, 2, 51, 6, 25, 14, 66, 23, 50, 111}
    assert members("crossval-1", "val") == {1, 56, 4, 13, 92}  # the last five of fold 5
    assert members("crossval-5", "val") == {75, 22, 49, 12, 110}  # the last five of fold 4


def test_canonical_ids_say_which_surgeries_are_cholec80s(tmp_path: Path) -> None:
    _empty_release(tmp_path)
    canonical = {v.id: v.canonical_id for v in CholecT50(tmp_path).videos()}
    assert len(canonical) == 50
    own = {"VID92", "VID96", "VID103", "VID110", "VID111"}
    assert {k: v for k, v in canonical.items() if v.startswith("cholect50/")} == {k: f"cholect50/{k}" for k in own}
    assert canonical["VID01"] == "cholec80/video01" and canonical["VID80"] == "cholec80/video80"


def _empty_release(folder: Path) -> list[Path]:
    numbers = [1, 2, 4, 5, 6, 8, 10, 12, 13, 14, 15, 18, 22, 23, 25, 26, 27, 29, 31, 32, 35, 36, 40, 42, 43, 47, 48, 49]
    numbers += [50, 51, 52, 56, 57, 60, 62, 65, 66, 68, 70, 73, 74, 75, 78, 79, 80, 92, 96, 103, 110, 111]
    return [label_file(folder, f"VID{n:02d}", {}) for n in numbers]


def test_wrong_roots_show_the_layout(tmp_path: Path) -> None:
    for make in ((), ("labels",), ("videos",), ("labels", "videos")):
        for name in make:
            (tmp_path / name).mkdir(exist_ok=True)
        with pytest.raises(LayoutError, match=r"labels/VID01.json"):
            CholecT50(tmp_path).videos()
    with pytest.raises(LayoutError, match="request form"):
        CholecT50(None)
    with pytest.raises(UnknownNameError, match="crossval-1"):
        CholecT50(ROOT, Options(split_scheme="crossval-7"))


def test_two_copies_and_two_files_of_one_video_are_not_chosen_between(tmp_path: Path) -> None:
    for name in ("a", "b"):
        label_file(tmp_path / name, "VID01", {})
    with pytest.raises(LayoutError, match="several copies"):
        CholecT50(tmp_path).videos()
    label_file(tmp_path / "a", "VID1", {})
    with pytest.raises(LayoutError, match=r"VID01.json and VID1.json"):
        CholecT50(tmp_path / "a").videos()


def test_videos_that_the_scheme_does_not_know_are_listed(tmp_path: Path) -> None:
    for video in ("VID01", "VID03", "VID200"):
        label_file(tmp_path, video, {})
    with pytest.raises(SurgSigmaError, match="VID03, VID200 not in split scheme 'rendezvous'"):
        CholecT50(tmp_path).videos()


def test_pictures_without_labels_and_labels_without_pictures_are_told(tmp_path: Path) -> None:
    label_file(tmp_path, "VID01", {"0": [GRASP], "5": [GRASP]})
    (tmp_path / "videos" / "VID01").rmdir()
    pictures(tmp_path, "VID02", [0])
    assert [(d.reason, d.where) for d in read(tmp_path, "VID01")[1]] == [
        (Reason.MEDIA_MISSING, "VID01/000000"),
        (Reason.MEDIA_MISSING, "VID01/000005"),
    ]
    frames, (defect,) = read(tmp_path, "VID02")
    assert not frames and "labels/VID02.json" in defect.detail


# ---------------------------------------------------------------------------------------------------- damaged files


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
    frames, defects = one(tmp_path, {"5": [GRASP], "-1": [GRASP], "x": [GRASP], "1.0": [GRASP], "9" * 7: [GRASP]})
    assert list(frames) == [5] and [d.reason for d in defects] == [Reason.ROW_MALFORMED] * 4


def test_a_file_cut_anywhere_is_one_defect_and_no_frame(tmp_path: Path) -> None:
    shutil.copytree(ROOT, tmp_path / "t50")
    path = tmp_path / "t50" / "labels" / "VID01.json"
    text = path.read_bytes().rstrip()
    source = CholecT50(tmp_path / "t50")
    video = next(iter(source.videos()))
    for end in range(0, len(text), 7):
        path.write_bytes(text[:end])
        (defect,) = source.frames(video)
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


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(annotations=st.dictionaries(KEY, JSON | st.lists(ROW | JSON, max_size=3), max_size=5))
def test_whatever_a_file_holds_every_key_is_a_frame_or_a_defect(tmp_path: Path, annotations: dict[str, Any]) -> None:
    path = label_file(tmp_path, "VID01", annotations)
    source = CholecT50(tmp_path)
    items = list(source.frames(Video(id="VID01", canonical_id="cholec80/video01", split="train", files=(path,))))
    numbers = {int(k) for k in annotations if k.isascii() and k.isdigit() and len(k) <= 6}
    wrong = [k for k in annotations if not (k.isascii() and k.isdigit() and len(k) <= 6)]
    assert all(isinstance(item, Defect) for item in items)  # no picture is there
    assert len(items) == len(numbers) + len(wrong)


# ------------------------------------------------------------------------------------------------------- real files

REAL = ("VID68", "VID73", "VID74")


def _plain(frame: Frame) -> dict[str, Any]:
    return {
        "phase": frame.phase and frame.phase.native,
        "instruments": {x.native for x in frame.instruments or ()},
        "actions": {x.native for x in frame.actions or ()},
        "tissues": {x.native for x in frame.tissues or ()},
        "triplets": {(t.instrument.native, t.action.native, t.target.native) for t in frame.triplets or ()},
        "boxes": [
            (b.label.native, *(round(side, 9) for side in (b.box.x1, b.box.y1, b.box.x2, b.box.y2)))
            for b in frame.instrument_boxes or ()
        ],
    }


@pytest.mark.parametrize("video", REAL)
def test_real_labels_against_a_second_reading(real: Path, video: str, tmp_path: Path) -> None:
    with (real / "cholect50" / "labels" / f"{video}.json").open() as file:
        raw = json.load(file)
    name = raw["categories"]
    expected: dict[int, dict[str, Any]] = {}
    for key, rows in raw["annotations"].items():
        present = [r for r in rows if r[1] != -1]
        words = [name["triplet"][str(r[0])].split(",") for r in present]  # by the triplet's own name, not by parts
        expected[int(key)] = {
            "phase": name["phase"][str(rows[0][14])],
            "instruments": {w[0] for w in words},
            "actions": {w[1] for w in words} - {"null_verb"},
            "tissues": {w[2] for w in words} - {"null_target"},
            "triplets": {tuple(w) for w in words},
            "boxes": [
                (w[0], *(round(min(max(side, 0.0), 1.0), 9) for side in (r[3], r[4], r[3] + r[5], r[4] + r[6])))
                for w, r in zip(words, present, strict=True)
            ],
        }
    # A copy with a picture for every frame, so that all labels are compared and not only those of the excerpt.
    (tmp_path / "labels").mkdir()
    shutil.copy(real / "cholect50" / "labels" / f"{video}.json", tmp_path / "labels")
    shutil.copy(real / "cholect50" / "label_mapping.txt", tmp_path)
    (tmp_path / "videos" / video).mkdir(parents=True)
    for index in expected:
        (tmp_path / "videos" / video / f"{index:06d}.png").touch()
    frames, defects = read(tmp_path, video)
    assert defects == [] and len(frames) == len(raw["annotations"])
    assert {n: _plain(f) for n, f in frames.items()} == expected
    for frame in frames.values():
        assert frame.facts() == CholecT50.info.facts
        resolve_frame("cholect50", frame)
    clipped = sum(b.clipped for f in frames.values() for b in f.instrument_boxes or ())
    assert clipped == {"VID68": 2, "VID73": 0, "VID74": 0}[video]


def test_real_pictures_that_are_missing_are_counted_by_video(real: Path) -> None:
    root = real / "cholect50"
    missing: Counter[str] = Counter()
    held: Counter[str] = Counter()
    source = CholecT50(root)
    for video in source.videos():
        for item in source.frames(video):
            if isinstance(item, Frame):
                held[video.id] += 1
                assert isinstance(item.image, FileImage) and item.image.path.is_file()
            else:
                assert item.reason is Reason.MEDIA_MISSING and str(real) not in item.where + item.detail
                missing[item.where.split("/")[0]] += 1
    for video in REAL:
        keys = {f"{int(k):06d}.png" for k in read_json(root / "labels" / f"{video}.json")["annotations"]}
        there = {p.name for p in (root / "videos" / video).iterdir()}
        assert (missing[video], held[video]) == (len(keys - there), len(keys & there))
    assert {v.id: v.split for v in source.videos()} == {"VID68": "train", "VID73": "test", "VID74": "test"}


def test_real_mapping_agrees_with_the_names_of_the_files(real: Path) -> None:
    root = real / "cholect50"
    mapping = read_label_mapping((root / "label_mapping.txt").read_text())
    assert len(mapping) == 100
    categories = read_json(root / "labels" / "VID68.json")["categories"]
    assert triples_in(categories) == mapping
    assert names_in(categories) == (NAMES, [])


def test_info_is_what_the_terms_say() -> None:
    info = CholecT50.info
    assert info.license == "cc-by-nc-sa-4.0" and info.access == "request"
    assert (info.redistribution.annotations, info.redistribution.media) == (True, False)
    assert Fact.INSTRUMENT_BOXES in info.facts and Fact.TISSUE_BOXES not in info.facts
