"""Real annotation files of PSI-AVA against a reading by plain Python, and its tables against its JSON."""

from __future__ import annotations

import csv
import json
import shutil
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

import pytest
from surgsigma_hub.ontology import native_names, resolve_frame
from surgsigma_hub.records import Defect, Fact, Frame
from surgsigma_hub.registry import get_source
from surgsigma_hub.tasks import all_tasks

PsiAva = get_source("psi_ava")
CASES = ["CASE001", "CASE004", "CASE014", "CASE015"]


@pytest.fixture
def root(real: Path, tmp_path: Path) -> Path:
    """The files at hand, laid out as in the repository."""
    folder = tmp_path / "outputs/data_annotations/psi-ava/fold1/coco_anns"
    folder.mkdir(parents=True)
    shutil.copy(real / "psi_ava/fold1_train_coco_anns_v3_35s.json", folder / "train_coco_anns_v3_35s.json")
    return tmp_path


@pytest.fixture
def raw(real: Path) -> dict[str, Any]:
    return json.loads((real / "psi_ava/fold1_train_coco_anns_v3_35s.json").read_text())


def test_every_key_frame(root: Path, raw: dict[str, Any]) -> None:
    name = {key: {e["id"]: e["name"] for e in raw[key]} for key in raw if key.endswith("categories")}
    notes = defaultdict(list)
    for note in raw["annotations"]:
        notes[note["image_name"]].append(note)
    source = PsiAva(root)
    videos = list(source.videos())
    assert [(v.id, v.split) for v in videos] == [(case, "train") for case in CASES]
    drafts: Counter[str] = Counter()
    seen: set[str] = set()
    boxes = 0
    for video in videos:
        items = list(source.frames(video))
        for frame in (resolve_frame("psi_ava", f) for f in items if isinstance(f, Frame)):
            picture = f"{video.id}/{frame.index:05d}.jpg"
            seen.add(picture)
            expected = notes[picture]
            assert frame.facts() == PsiAva.info.facts - {Fact.PHASE_SEGMENTS, Fact.STEP_SEGMENTS, Fact.FOOTAGE}
            assert frame.phase is not None and frame.step is not None and frame.image is None
            assert {frame.phase.native} == {name["phase_categories"][n["phase"]] for n in expected}
            assert {frame.step.native} == {name["step_categories"][n["step"]] for n in expected}
            actions = {name["action_categories"][a] for n in expected for a in n["actions"]}
            assert {a.native for a in frame.actions or ()} == actions
            assert {i.native for i in frame.instruments or ()} == {
                name["categories"][n["category_id"]] for n in expected
            }
            found = [(b.label.native, b.box.x1, b.box.y1, b.box.x2, b.box.y2) for b in frame.instrument_boxes or ()]
            for (label, *sides), note in zip(found, expected, strict=True):
                x, y, w, h = note["bbox"]
                assert label == name["categories"][note["category_id"]]
                assert sides == pytest.approx([x / 1280, y / 800, (x + w) / 1280, (y + h) / 800], abs=1e-12)
            boxes += len(found)
            for task in all_tasks().values():
                drafts[task.name] += sum(1 for _ in (task.draft(frame) if task.draft else ()))
        told = [d for d in items if isinstance(d, Defect)]
        bare = [
            i["file_name"] for i in raw["images"] if i["file_name"].startswith(video.id) and not notes[i["file_name"]]
        ]
        assert len(told) == 1 and told[0].detail.startswith(f"{len(bare)} key frames without any annotation")
        assert source.course(video) is None
    assert seen == {picture for picture, some in notes.items() if some} and len(seen) == 1226
    assert boxes == len(raw["annotations"]) == 3181
    recognised = ("phase_recognition", "step_recognition", "action_recognition", "instrument_recognition")
    assert {drafts[task] for task in recognised} == {1226}
    # A caption needs one fact beside the instruments: a phase or step that is no "idle", or something that is done.
    telling = Counter(
        any(
            name["phase_categories"][n["phase"]] != "Idle" or name["step_categories"][n["step"]] != "Idle" for n in some
        )
        or any(name["action_categories"][a] not in ("Still", "Travel") for n in some for a in n["actions"])
        for some in notes.values()
        if some
    )
    assert drafts["image_captioning"] == telling[True]
    # Localization asks about all boxes at once, and about each that its name or its place singles out.
    asked = 1226
    for some in notes.values():
        places = Counter((n["category_id"], _ninth(n["bbox"])) for n in some)
        of_class = Counter(n["category_id"] for n in some)
        asked += sum(of_class[n["category_id"]] == 1 or places[n["category_id"], _ninth(n["bbox"])] == 1 for n in some)
    assert drafts["instrument_localization"] == asked > 2 * 1226


def _ninth(box: list[float]) -> tuple[int, int]:
    """Column and row of the centre of a box in a 3x3 grid over a 1280 x 800 picture."""
    x, y, w, h = box
    return min(2, int((x + w / 2) / 1280 * 3)), min(2, int((y + h / 2) / 800 * 3))


def test_the_columns_of_the_tables_end_in_step_and_phase(real: Path, raw: dict[str, Any]) -> None:
    by_id = {n["id"]: n for n in raw["annotations"]}
    with (real / "psi_ava/fold1_annotations_train.csv").open(newline="") as file:
        rows = list(csv.reader(file))
    assert len(rows) == len(by_id) == 3181
    for row in rows:
        note = by_id[int(row[2])]
        assert f"{row[0]}/{int(row[1]):05d}.jpg" == note["image_name"]
        assert [int(c) for c in row[10:]] == [note["category_id"], note["step"], note["phase"]]


def test_a_table_beside_the_key_frames(real: Path, root: Path, raw: dict[str, Any]) -> None:
    """The rows of the key frames stand in for the table of seconds, which is of the same form."""
    folder = root / "outputs/data_annotations/psi-ava_extended/fold1/annotations"
    folder.mkdir(parents=True)
    shutil.copy(real / "psi_ava/fold1_annotations_train.csv", folder / "train.csv")
    source = PsiAva(root)
    for video in source.videos():
        items = list(source.frames(video))
        assert [d for d in items if isinstance(d, Defect) and "in the key frame" in d.detail] == []
        course = source.course(video)
        assert course is not None and course.segments
        seconds = {int(n["image_name"][8:13]) for n in raw["annotations"] if n["image_name"].startswith(video.id)}
        assert sum(s.end_seconds - s.start_seconds for s in course.segments if s.layer == "phase") == len(seconds)


def test_tables_of_seconds_have_one_row_a_second_and_no_instruments(real: Path, tmp_path: Path) -> None:
    folder = tmp_path / "psi-ava_extended/fold1/annotations"
    folder.mkdir(parents=True)
    for part, name in (("train", "train.CASE015"), ("val", "val")):
        shutil.copy(real / f"psi_ava/extended_fold1_{name}.head900.csv", folder / f"{part}.csv")
    source = PsiAva(tmp_path)
    found = {(v.id, v.split): list(source.frames(v)) for v in source.videos()}
    assert {key: len(items) for key, items in found.items()} == {("CASE002", "val"): 900, ("CASE015", "train"): 900}
    for (id, _), items in found.items():
        frames = [item for item in items if isinstance(item, Frame)]
        first = int(id == "CASE002")  # its first row is lost in the release
        assert [(f.index, f.fps) for f in frames] == [(n, 1) for n in range(first, 900 + first)]
        assert all(f.phase and f.step and f.instruments is None and f.instrument_boxes is None for f in frames)


def test_the_table_of_names_is_the_release(real: Path, raw: dict[str, Any]) -> None:
    kinds = {"categories": "instrument", **{f"{k}_categories": k for k in ("action", "phase", "step")}}
    published = {(kind, e["name"]) for key, kind in kinds.items() for e in raw[key]}
    assert len(published) == 55 and published == set(native_names("psi_ava"))
