from __future__ import annotations

import json
import shutil
import tarfile
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from surgsigma_hub.errors import LayoutError
from surgsigma_hub.ontology import resolve_frame
from surgsigma_hub.records import Box, Fact, FileImage, FileSlice, Frame, MaskImage, Reason
from surgsigma_hub.source import Part

from sigma_reading import FIXTURE, KIND, defects, frames, load


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    return Path(shutil.copytree(FIXTURE, tmp_path / "copy"))


def rewrite(root: Path, *annos: dict[str, Any], images: Any = None) -> None:
    """Put other annotations in place, about frame 9 of VID02 (image 1), and take the dense predictions away."""
    shutil.rmtree(root / "dense_prediction", ignore_errors=True)
    document = {
        "images": images or [{"id": 1, "image path": "CholecT50/videos/VID02/000009.png"}],
        "annos": [{"id": n, "images": [1], "task type": [1], **a} for n, a in enumerate(annos, 1)],
    }
    (root / "surgsigma_v01.json").write_text(json.dumps(document))


def test_videos() -> None:
    videos = list(KIND(FIXTURE).videos())
    assert [(v.id, v.canonical_id, v.split) for v in videos] == [
        ("VID02", "cholec80/video02", "train"),
        ("VID92", "cholect50/VID92", "train"),
    ]
    assert all([p.name for p in v.files] == ["surgsigma_v01.json"] for v in videos)


def test_frames_and_their_facts() -> None:
    found = load(FIXTURE)
    first, second = frames(found["VID02"]), frames(found["VID92"])
    boxes, presence = Fact.INSTRUMENT_BOXES, Fact.INSTRUMENTS
    dense = {Fact.INSTRUMENT_MASKS, Fact.DEPTH}
    assert {key: set(f.facts()) for key, f in (first | second).items()} == {
        (9, ""): {boxes, presence, Fact.TRACE, *dense},
        (9, "smoke"): {Fact.CLEAN_IMAGE},
        (10, ""): {boxes, presence, Fact.TRACE},
        (11, ""): {boxes, presence, Fact.TRACE},
        (13, ""): dense,
        (13, "smoke"): {Fact.CLEAN_IMAGE},
        (38, ""): {boxes, presence, *dense},
        (38, "a107"): {boxes, presence},
        (38, "a109"): {boxes, presence},
        (38, "smoke"): {Fact.CLEAN_IMAGE},
    }
    assert set().union(*(f.facts() for f in (first | second).values())) == KIND.info.facts
    assert all(f.fps == 1 for f in (first | second).values())
    assert list(first) == sorted(first)


def test_boxes_trace_and_native_words() -> None:
    found = load(FIXTURE)
    hook = frames(found["VID02"])[9, ""]
    assert hook.instrument_boxes is not None and hook.trace is not None and hook.native_qa is not None
    assert [(b.label.native, b.box, b.clipped) for b in hook.instrument_boxes] == [
        ("hook", Box(0.063, 0.167, 0.469, 0.556), False)
    ]
    assert (hook.trace.perceptual, hook.trace.relational, hook.trace.model) == (
        "A hook lies at [2, 3, 15, 10].",
        None,
        None,
    )
    assert (hook.native_qa.question, hook.native_qa.answer) == ("Where are the tools?", "hook (63,167),(469,556)")
    nothing = frames(found["VID02"])[11, ""]
    assert nothing.instrument_boxes == () and nothing.instruments == ()  # a true "none", not "not annotated"
    clipped = frames(found["VID92"])[38, "a109"]
    assert clipped.instrument_boxes is not None
    assert clipped.instrument_boxes[0].clipped and clipped.instrument_boxes[0].box.x2 == 1.0


def test_presence_names_each_instrument_once(copy: Path) -> None:
    rewrite(copy, {"gt label": "hook (1,2),(3,4) grasper (1,2),(3,4) hook (5,6),(7,8)"})
    frame = frames(load(copy)["VID02"])[9, ""]
    assert [i.native for i in frame.instruments or ()] == ["hook", "grasper"]
    assert len(frame.instrument_boxes or ()) == 3


def test_pictures() -> None:
    first = frames(load(FIXTURE)["VID02"])
    own = FIXTURE / "raw_data/CholecT50/videos/VID02/000009.png"
    dense = FIXTURE / "dense_prediction"
    assert first[9, ""].image == FileImage(own)
    assert first[9, "smoke"].clean_image == FileImage(own)
    assert first[9, "smoke"].image == FileImage(dense / "desmoke/CholecT50/VID02/000009.png")
    assert first[9, ""].depth == FileImage(dense / "depth/CholecT50/VID02/000009.png")
    masks = first[9, ""].instrument_masks
    assert masks is not None and masks[0].label is None
    assert masks[0].mask == MaskImage(FileImage(dense / "seg/CholecT50/VID02/000009.png"), None)


def test_all_that_was_left_out_is_told() -> None:
    found = load(FIXTURE)
    told = [(d.reason, d.where) for d in defects(found["VID02"]) + defects(found["VID92"])]
    assert told == [
        (Reason.ROW_MALFORMED, "surgsigma_v01.json anno 113"),
        (Reason.TYPE_UNKNOWN, "VID02 annotations of task type 6"),
        (Reason.TYPE_UNKNOWN, "VID02 annotations of task type 9"),
        (Reason.DUPLICATE_ID, "VID02/000010 anno 103"),
        (Reason.LABEL_CORRUPT, "VID02/000012 anno 105"),
        (Reason.MEDIA_MISSING, "VID02/000099"),
        (Reason.BOX_OUTSIDE, "VID92/000038 anno 108"),
    ]
    details = [d.detail for d in defects(found["VID02"])]
    assert "image id 77" in details[0]
    assert "task type 6" in details[1] and "2 annotations" in details[1] and "anno 110" in details[1]
    assert not any(str(FIXTURE.parent) in d.where + d.detail for d in defects(found["VID02"]))


def test_every_label_is_in_the_ontology() -> None:
    for found in load(FIXTURE).values():
        for frame in frames(found).values():
            resolve_frame("surgsigma_v01", frame)


@pytest.mark.parametrize("packed", [None, "tar", "tar.gz"])
def test_a_cache_and_packing_change_nothing(copy: Path, tmp_path: Path, packed: str | None) -> None:
    expected = load(FIXTURE)
    if packed:
        folder = copy / "dense_prediction"
        with tarfile.open(copy / f"dense_prediction.{packed}", "w:gz" if packed == "tar.gz" else "w") as tar:
            tar.add(folder, arcname="dense_prediction")
        shutil.rmtree(folder)
    cache = tmp_path / "cache"
    for _ in range(2):
        found = load(copy, cache=cache)
        assert {v: defects(f) for v, f in found.items()} == {v: defects(f) for v, f in expected.items()}
        for video, of_video in found.items():
            want = frames(expected[video])
            assert list(frames(of_video)) == list(want)
            for key, frame in frames(of_video).items():
                assert _shown(frame) == _shown(want[key])
    if packed:
        frame = frames(load(copy, cache=cache)["VID02"])[9, ""]
        assert isinstance(frame.depth, FileSlice) and frame.depth.path.suffix == ".tar"
        planned = next(iter(KIND(copy, cache_dir=cache).videos()))
        assert [p.name for p in planned.files] == ["surgsigma_v01.json", f"dense_prediction.{packed}"]


def _shown(frame: Frame) -> dict[str, Any]:
    """A frame with the bytes of its pictures in place of the references."""
    shown: dict[str, Any] = {f.value: getattr(frame, f.value) for f in sorted(frame.facts())}
    if frame.instrument_masks:
        mask = frame.instrument_masks[0].mask
        assert isinstance(mask, MaskImage)
        shown["instrument_masks"] = _bytes(mask.image)
    for name in ("image", "depth", "clean_image"):
        shown[name] = _bytes(getattr(frame, name))
    return shown


def _bytes(ref: Any) -> bytes | None:
    if ref is None:
        return None
    data: bytes = ref.path.read_bytes()
    return data[ref.offset : ref.offset + ref.length] if isinstance(ref, FileSlice) else data


def test_the_cache_spares_workers_the_whole_json(copy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache = tmp_path / "cache"
    videos = list(KIND(copy, cache_dir=cache).videos())
    monkeypatch.setattr(
        "surgsigma_hub.parsers.releases.sigma_pieces.parse_release", None
    )  # reading the whole again would fail
    assert len(frames(list(KIND(copy, cache_dir=cache).frames(videos[0])))) == 6
    monkeypatch.undo()
    rewrite(copy, {"gt label": "No tools detected"})
    assert list(frames(load(copy, cache=cache)["VID02"])) == [(9, "")]  # a changed JSON is read anew


def test_nothing_is_written_without_a_cache(copy: Path) -> None:
    before = sorted(copy.rglob("*"))
    load(copy)
    assert sorted(copy.rglob("*")) == before


def test_frames_root(copy: Path, tmp_path: Path) -> None:
    own = tmp_path / "CholecT50"
    shutil.move(copy / "raw_data" / "CholecT50", own)
    with pytest.raises(LayoutError, match="frames_root"):
        load(copy)
    with pytest.raises(LayoutError, match="frames_root"):
        load(copy, frames_root=str(tmp_path / "nowhere"))
    found = load(copy, frames_root=str(own))
    assert frames(found["VID02"])[9, ""].image == FileImage(own / "videos/VID02/000009.png")
    assert [(d.reason, d.where) for d in defects(found["VID02"])] == [
        (d.reason, d.where) for d in defects(load(FIXTURE)["VID02"])
    ]


def test_frames_of_the_cropped_part_are_refused(copy: Path) -> None:
    """Boxes of the release are shares of whole frames; those of the challenge part have the same names."""
    for path in (copy / "raw_data/CholecT50/videos/VID02").iterdir():
        Image.new("RGB", (774, 434), (90, 60, 50)).save(path)
    found = load(copy)
    assert not frames(found["VID02"]) and frames(found["VID92"])
    assert any("774x434" in d.detail for d in defects(found["VID02"]) if d.reason is Reason.FOOTAGE_CONTRADICTS)


def test_a_missing_frame_takes_its_smoky_twin_along(copy: Path) -> None:
    (copy / "raw_data/CholecT50/videos/VID02/000009.png").unlink()
    found = load(copy)["VID02"]
    assert not [key for key in frames(found) if key[0] == 9]
    told = [d for d in defects(found) if d.where == "VID02/000009"]
    assert [d.reason for d in told] == [Reason.MEDIA_MISSING]
    assert all(word in told[0].detail for word in ("annotations", "depth", "desmoke", "seg"))


def test_dense_files_of_unknown_kinds_and_names_are_told(copy: Path) -> None:
    dense = copy / "dense_prediction"
    shutil.copytree(dense / "seg", dense / "normals")
    (dense / "depth").rename(dense / "Depth_anything")
    shutil.copytree(dense / "seg/CholecT50/VID92", dense / "normals/CholecT50/VID111")  # nothing else of this video
    (dense / "notes.txt").write_text("hello")
    twin = dense / "seg/CholecT50/VID2/000009.png"
    twin.parent.mkdir()
    twin.write_bytes(b"")
    found = load(copy)
    assert frames(found["VID02"])[9, ""].depth is not None
    first = Counter((d.reason, d.detail.split(" (")[-1]) for d in defects(found["VID02"]) if "dense" in d.where)
    assert first == {
        (Reason.ROW_MALFORMED, "1 files)"): 1,
        (Reason.TYPE_UNKNOWN, "2 files)"): 1,
        (Reason.DUPLICATE_ID, "1 files)"): 1,
    }
    assert [d.reason for d in defects(found["VID92"]) if "dense" in d.where] == [Reason.TYPE_UNKNOWN]
    assert [d.reason for d in defects(found["VID111"])] == [Reason.TYPE_UNKNOWN]


def test_underscored_keys_and_single_values_are_read_too(copy: Path) -> None:
    (copy / "surgsigma_v01.json").write_text(
        json.dumps(
            {
                "images": [{"id": "a", "image_path": "raw_data/CholecT50/videos/VID2/000009.png"}],
                "annos": [{"id": "x/1", "images": ["a"], "task_type": 1, "gt_label": "hook (1,2),(3,4)"}],
            }
        )
    )
    assert frames(load(copy)["VID02"])[9, ""].instruments is not None


def test_annotations_that_differ_become_variants_with_safe_names(copy: Path) -> None:
    rewrite(
        copy,
        {"id": "p/1", "gt label": "hook (1,2),(3,4)"},
        {"id": "q/2", "gt label": "hook (1,2),(3,5)"},
        {"id": "q/2", "gt label": "hook (1,2),(3,6)"},
        {"id": "r", "gt label": "hook (1,2),(3,4)", "thinking": "Level 1: Other words."},
    )
    found = load(copy)["VID02"]
    assert list(frames(found)) == [(9, ""), (9, "aq-2"), (9, "ar")]
    assert [d.reason for d in defects(found)] == [Reason.DUPLICATE_ID]


@pytest.mark.parametrize(
    ("anno", "reason"),
    [
        ({"gt label": "hook (5,5),(5,9)"}, Reason.LABEL_CORRUPT),
        ({"gt label": "hook (9,9),(5,5)"}, Reason.LABEL_CORRUPT),
        ({"gt label": "hook (1,1),(9,9) grasper (1"}, Reason.LABEL_CORRUPT),
        ({"gt label": ""}, Reason.LABEL_CORRUPT),
        ({"gt label": "hook (1,1),(9,1021)"}, Reason.BOX_OUTSIDE),
        ({"gt label": "hook (-21,1),(9,9)"}, Reason.BOX_OUTSIDE),
        ({"gt label": ["hook"]}, Reason.ROW_MALFORMED),
        ({}, Reason.ROW_MALFORMED),
        ({"gt label": "hook (1,1),(9,9)", "images": [1, 1]}, Reason.ROW_MALFORMED),
        ({"gt label": "hook (1,1),(9,9)", "images": []}, Reason.ROW_MALFORMED),
        ({"gt label": "hook (1,1),(9,9)", "images": [2]}, Reason.ROW_MALFORMED),
        ({"gt label": "hook (1,1),(9,9)", "task type": []}, Reason.ROW_MALFORMED),
        ({"gt label": "hook (1,1),(9,9)", "task type": ["1"]}, Reason.ROW_MALFORMED),
        ({"gt label": "hook (1,1),(9,9)", "task type": [True]}, Reason.ROW_MALFORMED),
        ({"gt label": "hook (1,1),(9,9)", "id": None}, Reason.ROW_MALFORMED),
        ({"gt label": "hook (1,1),(9,9)", "task type": [2]}, Reason.TYPE_UNKNOWN),
    ],
)
def test_a_bad_annotation_is_told_and_costs_no_other(copy: Path, anno: dict[str, Any], reason: Reason) -> None:
    rewrite(copy, {"gt label": "hook (1,2),(3,4)"}, anno)
    found = load(copy)["VID02"]
    assert list(frames(found)) == [(9, "")]
    assert [d.reason for d in defects(found)] == [reason]


def test_a_known_type_beside_an_unknown_one_is_read(copy: Path) -> None:
    rewrite(copy, {"gt label": "hook (1,2),(3,4)", "task type": [1, 14]})
    found = load(copy)["VID02"]
    assert list(frames(found)) == [(9, "")]
    assert "task type 14" in defects(found)[0].detail


def test_a_corrupt_trace_costs_the_trace_only(copy: Path) -> None:
    rewrite(copy, {"gt label": "hook (1,2),(3,4)", "thinking": "Level 1: <|box_start|>"})
    found = load(copy)["VID02"]
    assert frames(found)[9, ""].trace is None
    assert [d.reason for d in defects(found)] == [Reason.LABEL_CORRUPT]


def test_bad_images_are_told(copy: Path) -> None:
    images = [
        {"id": 1, "image path": "CholecT50/videos/VID02/000009.png"},
        {"id": 1, "image path": "CholecT50/videos/VID2/000009.png"},
        {"id": 1, "image path": "CholecT50/videos/VID02/000010.png"},
        {"id": 2, "image path": "Elsewhere/videos/VID02/000010.png"},
        {"image path": "CholecT50/videos/VID02/000010.png"},
        None,
    ]
    rewrite(copy, {"gt label": "hook (1,2),(3,4)"}, images=images)
    found = load(copy)["VID02"]
    assert list(frames(found)) == [(9, "")]
    assert [d.reason for d in defects(found)] == [Reason.DUPLICATE_ID] + [Reason.ROW_MALFORMED] * 3


def test_dense_predictions_alone_are_enough(copy: Path) -> None:
    (copy / "surgsigma_v01.json").write_text('{"images": [], "annos": []}')
    found = load(copy)
    assert list(frames(found["VID02"])) == [(9, ""), (9, "smoke"), (13, ""), (13, "smoke")]
    assert not defects(found["VID02"])


def test_what_the_source_declares() -> None:
    info = KIND.info
    assert info.license == "cc-by-nc-sa-4.0" and info.label_origin == "model"
    assert info.terms.published == (Part.ANNOTATIONS,)
    assert info.split_schemes == {"release": ("train",)}
