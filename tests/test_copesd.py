"""The CoPESD loader: its fixture, the two meanings of boxes, and rows with damage."""

from __future__ import annotations

import gzip
import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from surgsigma_hub.api import build
from surgsigma_hub.errors import LayoutError
from surgsigma_hub.ontology import native_names, resolve_frame
from surgsigma_hub.records import Box, Defect, FileImage, Frame, Label, LabeledBox, NativeQA, Reason, Triplet
from surgsigma_hub.registry import get_source
from surgsigma_hub.source import Part

from chole_files import picture
from conftest import FIXTURES
from footage_files import seen

CoPESD = get_source("copesd")
ROOT = FIXTURES / "copesd"
FILE = "smllm_test.json"


def read(root: Path, video: str = "7-test") -> tuple[dict[int, Frame], list[Defect]]:
    source = CoPESD(root)
    (found,) = (v for v in source.videos() if v.id == video)
    items = list(seen(source, found).frames())
    frames = [f for f in items if isinstance(f, Frame)]
    assert [f.index for f in frames] == sorted({f.index for f in frames})
    return {f.index: f for f in frames}, [d for d in items if isinstance(d, Defect)]


def row(number: Any, answer: Any = None, question: Any = "Turn it.", folder: str = "7") -> dict[str, Any]:
    """One conversation; by default of a box that can only be corners, and that differs with the number."""
    if answer is None:
        answer = f"Turn the Forceps[0.6, 0.5, 0.{70 + number}, 0.{80 + number}]."
    turns = [{"from": "human", "value": question}, {"from": "gpt", "value": answer}]
    return {"conversations": turns, "image": f"D:\\x\\{folder}\\{number:04d}.jpg"}


def write(folder: Path, rows: Any, drawn: range | None = None) -> Path:
    """A file of conversations, and pictures up to two after the last that it names."""
    path = folder / FILE
    named = [int(n) for n in re.findall(r"([0-9]+)\.jpg", json.dumps(rows))]
    drawn = drawn or range(1, max(named, default=0) + 3)
    path.write_text(json.dumps(rows))
    (folder / "7").mkdir(exist_ok=True)
    for n in drawn:
        (folder / "7" / f"{n:04d}.jpg").write_bytes(picture(n, form="JPEG"))
    return path


# ------------------------------------------------------------------------------------------------------ good files


def test_videos_splits_and_ids() -> None:
    assert [(v.id, v.split, v.canonical_id) for v in CoPESD(ROOT).videos()] == [
        ("900002-train", "train", "copesd/900002"),
        ("900001-test", "test", "copesd/900001"),
    ]


def test_the_facts_of_the_fixture() -> None:
    frames, defects = read(ROOT, "900001-test")
    assert [(d.reason, d.where) for d in defects] == [(Reason.NO_SURGICAL_VIEW, "annotations/smllm_test.json item 3")]
    assert list(frames) == [1, 2, 3]
    raw = json.loads((ROOT / "annotations" / FILE).read_text())[0]["conversations"]
    forceps, knife, flap = Label("Forceps"), Label("Knife"), Label("mucosa flap")
    assert frames[1] == Frame(
        index=1,
        fps=1,
        image=FileImage(ROOT / "images" / "900001" / "0001.jpg"),
        instruments=(forceps, knife),
        tissues=(flap,),
        actions=(Label("hold countertraction"), Label("dissect")),
        triplets=(Triplet(forceps, Label("hold countertraction"), flap), Triplet(knife, Label("dissect"), flap)),
        instrument_boxes=(LabeledBox(forceps, Box(0.1, 0.2, 0.4, 0.75)), LabeledBox(knife, Box(0.55, 0.3, 0.8, 0.75))),
        native_qa=NativeQA(raw[0]["value"], raw[1]["value"]),
    )
    assert frames[2].actions == (Label("lift"),)  # the idle knife does nothing
    assert (frames[2].triplets or ())[1] == Triplet(knife, Label("idle"), Label("no target"))
    assert frames[3].instruments == (knife,)


def test_boxes_of_a_folder_that_writes_width_and_height() -> None:
    frames, defects = read(ROOT, "900002-train")
    assert defects == []
    boxes = frames[1].instrument_boxes or ()
    assert [(b.box.x1, b.box.y1) for b in boxes] == [(0.1, 0.2), (0.6, 0.3)]
    assert [(b.box.x2, b.box.y2) for b in boxes] == [pytest.approx((0.4, 0.75)), pytest.approx((0.85, 0.75))]
    assert frames[3].tissues is None and frames[3].actions == (Label("rotate"), Label("move"))


def test_every_label_resolves(tmp_path: Path) -> None:
    seen = set()
    box = "[0.6, 0.5, 0.7, 0.8]"
    write(tmp_path, [row(1, f"Cut the submucosa with the Knife{box}."), row(2, f"Cut the muscle with the Knife{box}.")])
    layers = read(tmp_path)[0]
    assert [frame.tissues for frame in layers.values()] == [(Label("submucosa"),), (Label("muscle layer"),)]
    shown = [read(ROOT, video.id)[0] for video in CoPESD(ROOT).videos()]
    for frame in (frame for frames in (*shown, layers) for frame in frames.values()):
        resolve_frame("copesd", frame)
        for t in frame.triplets or ():
            seen |= {("instrument", t.instrument.native), ("action", t.action.native), ("target", t.target.native)}
    assert seen == set(native_names("copesd")), "the fixture and the two layers show every label"


@pytest.mark.parametrize("labels", ["", "annotations/smllm", "CoPESD main/labels"])
@pytest.mark.parametrize("images", ["", "high_light_images", "CoPESD main/pictures"])
def test_where_files_may_lie(tmp_path: Path, labels: str, images: str) -> None:
    (tmp_path / labels).mkdir(parents=True, exist_ok=True)
    write(tmp_path, [row(1)], range(1, 2)).rename(tmp_path / labels / "smllm_val.json")
    (tmp_path / images).mkdir(parents=True, exist_ok=True)
    (tmp_path / "7").rename(tmp_path / images / "7")
    frames, defects = read(tmp_path, "7-val")
    assert defects == [] and frames[1].image == FileImage(tmp_path / images / "7" / "0001.jpg")


def test_wrong_roots_show_the_layout(tmp_path: Path) -> None:
    for content in (None, "{}", "[]", "[", "[3]", json.dumps([{"image": "0001.jpg"}])):
        if content is not None:
            (tmp_path / FILE).write_text(content)
        with pytest.raises(LayoutError, match=r"smllm_train\.json, smllm_test\.json"):
            CoPESD(tmp_path).videos()
    (tmp_path / "annotations").mkdir()
    (tmp_path / "annotations" / FILE).write_text("[]")
    with pytest.raises(LayoutError, match="are the same split"):
        CoPESD(tmp_path).videos()


# ----------------------------------------------------------------------------------------------------------- damage


def test_a_sentence_of_another_wording_keeps_its_boxes(tmp_path: Path) -> None:
    write(tmp_path, [row(1), row(2, "Put down the Forceps[0.6, 0.5, 0.9, 0.9] and the Knife[0.7, 0.5, 0.8, 0.9].")])
    frames, (defect,) = read(tmp_path)
    assert (defect.reason, defect.where) == (Reason.ROW_MALFORMED, f"{FILE} item 1")
    assert frames[2].instruments == (Label("Forceps"), Label("Knife")) and len(frames[2].instrument_boxes or ()) == 2
    assert frames[2].triplets is None and frames[2].actions is None and frames[2].tissues is None
    assert frames[2].native_qa is not None and frames[1].triplets


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ("Turn the Forceps.", Reason.ROW_MALFORMED),
        ("Turn the Forceps[0.9, 0.5, 0.6, 0.9].", Reason.ROW_MALFORMED),
        ("Turn the Forceps[0.6, 0.5, 1.2, 0.9].", Reason.BOX_OUTSIDE),
    ],
)
def test_a_bad_box_costs_the_boxes_of_its_picture(tmp_path: Path, answer: str, reason: Reason) -> None:
    write(tmp_path, [*(row(n) for n in range(1, 15)), row(15, answer)])
    frames, (defect,) = read(tmp_path)
    assert (defect.reason, defect.where) == (reason, f"{FILE} item 14")
    assert frames[15].instrument_boxes is None and frames[15].actions == (Label("rotate"),)
    assert all(frames[n].instrument_boxes for n in range(1, 15))


def test_boxes_of_open_meaning_are_left_out(tmp_path: Path) -> None:
    write(tmp_path, [row(n, f"Turn the Forceps[0.1, 0.2, 0.3{n}, 0.4].") for n in range(1, 4)])
    frames, defects = read(tmp_path)
    assert [d.reason for d in defects] == [Reason.LABEL_CORRUPT] and "corners or as sizes" in defects[0].detail
    assert "no boxes of 3 of 3 images" in defects[0].detail
    assert [f.instrument_boxes for f in frames.values()] == [None] * 3
    assert all(f.instruments == (Label("Forceps"),) and f.triplets for f in frames.values())


def test_boxes_that_stand_still_are_left_out(tmp_path: Path) -> None:
    still = "Turn the Forceps[0.5, 0.5, 0.9, 0.9]."
    write(tmp_path, [*(row(n) for n in range(1, 10)), *(row(n, still) for n in range(10, 15))])
    frames, defects = read(tmp_path)
    assert [d.reason for d in defects] == [Reason.LABEL_CORRUPT] and "over a quarter" in defects[0].detail
    assert "no boxes of 5 of 14 images" in defects[0].detail
    assert [n for n, f in frames.items() if f.instrument_boxes is None] == list(range(10, 15))
    write(tmp_path, [*(row(n) for n in range(1, 10)), *(row(n, still) for n in range(10, 14))])
    assert read(tmp_path)[1] == []  # four in thirteen pictures may be chance


def test_boxes_that_stand_still_in_all_of_a_folder_do_not_fail_a_build(tmp_path: Path) -> None:
    """As in one of the three folders of the official test file, whose default build shall write samples."""
    root = tmp_path / "copesd"
    root.mkdir()
    still = "Lift the mucosa flap upward with the Forceps[0.5, 0.5, 0.9, 0.9] while the Knife[0.1, 0.5, 0.3, 0.9] {}."
    own = "{} the Forceps[0.5, 0.5, 0.{}, 0.9] while the Knife[0.1, 0.6, 0.3, 0.9] lifts the mucosa flap upward."
    rows = [row(n, still.format("rests" if n != 9 else "wobbles")) for n in range(1, 31)]
    rows += [
        row(n, own.format("Rotate" if n % 2 else "Release the mucosa flap with", 60 + n), folder="8")
        for n in range(1, 31)
    ]
    write(root, rows)
    shutil.copytree(root / "7", root / "8")
    report = build("copesd", root=root, out=tmp_path / "surgsigma")
    assert report.committed and {r.task for r in report.rows} > {"instrument_localization", "action_recognition"}
    kept = gzip.decompress((tmp_path / "surgsigma" / report.quarantine_file).read_bytes()).decode().splitlines()
    assert len(kept) == sum(report.quarantined.values()) == 2 and any("wobbles" in line for line in kept)


def test_missing_pictures_and_repeated_rows_are_told(tmp_path: Path) -> None:
    other = "Twist the Forceps[0.6, 0.5, 0.7, 0.8]."
    write(tmp_path, [row(1), row(2), row(2), row(3), row(3, other), row(30, other)], range(1, 6))
    frames, defects = read(tmp_path)
    assert list(frames) == [1, 2]
    assert [(d.reason, d.where) for d in defects] == [
        (Reason.DUPLICATE_ID, f"{FILE} item 2"),
        (Reason.DUPLICATE_ID, f"{FILE} item 4"),
        (Reason.MEDIA_MISSING, "7-test/30"),
    ]


@pytest.mark.parametrize(
    "turns",
    [
        None,
        [],
        [{"from": "human", "value": "x"}],
        [{"from": "gpt", "value": "x"}, {"from": "human", "value": "x"}],
        [{"from": "human", "value": "x"}, {"from": "gpt", "value": 3}],
        [{"from": "human"}, {"from": "gpt", "value": "x"}],
        ["human", "gpt"],
    ],
)
def test_a_conversation_of_another_form_is_told(tmp_path: Path, turns: Any) -> None:
    write(tmp_path, [row(1), {**row(2), "conversations": turns}, row(3)])
    frames, (defect,) = read(tmp_path)
    assert list(frames) == [1, 3] and (defect.reason, defect.where) == (Reason.ROW_MALFORMED, f"{FILE} item 1")


def test_a_row_of_no_picture_is_told_once(tmp_path: Path) -> None:
    write(tmp_path, [row(1), row(1, folder="8"), {**row(2), "image": "0002.jpg"}, 3, {"image": None}])
    _, defects = read(tmp_path)
    assert [d.where for d in defects] == [f"{FILE} item {n}" for n in (2, 3, 4)]
    assert [d.reason for d in read(tmp_path, "8-test")[1]] == [Reason.MEDIA_MISSING]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 101) | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["from", "value"]), inner, max_size=2),
    max_leaves=6,
)
ROW = st.builds(lambda n, turns: {"image": f"x/7/{n:04d}.jpg", "conversations": turns}, st.integers(2, 9), JSON) | JSON


@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=st.lists(ROW, max_size=6))
def test_whatever_a_row_holds_it_is_a_frame_or_a_defect(tmp_path: Path, rows: list[Any]) -> None:
    write(tmp_path, [row(1), *rows], range(1, 2))
    frames, defects = read(tmp_path)
    assert list(frames) == [1] and len(defects) == len(rows)


def test_info_is_what_the_terms_say() -> None:
    info = CoPESD.info
    assert info.license == "cc-by-4.0" and info.procedure == "endoscopic_submucosal_dissection"
    assert info.terms.published == (Part.ANNOTATIONS,)
