"""The real CoPESD items against counts taken from their text in plain Python."""

from __future__ import annotations

import json
import re
import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from surgsigma_hub.ontology import resolve_frame
from surgsigma_hub.records import Frame
from surgsigma_hub.registry import get_source
from surgsigma_hub.tasks.action_recognition import TASK as ACTIONS
from surgsigma_hub.tasks.common.base import Task
from surgsigma_hub.tasks.instrument_localization import TASK as LOCALIZATION
from surgsigma_hub.tasks.instrument_recognition import TASK as INSTRUMENTS
from surgsigma_hub.tasks.triplet_recognition import TASK as TRIPLETS

from footage_files import seen

CoPESD = get_source("copesd")


@pytest.fixture(scope="module")
def rows(real: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads((real / "copesd" / "smllm_test.first600.json").read_text())
    return found


@pytest.fixture(scope="module")
def answers(rows: list[dict[str, Any]]) -> list[str]:
    return [row["conversations"][1]["value"] for row in rows]


@pytest.fixture(scope="module")
def frames(real: Path, rows: list[dict[str, Any]], tmp_path_factory: pytest.TempPathFactory) -> list[Frame]:
    """All frames, over a copy that has an empty file for each picture."""
    root = tmp_path_factory.mktemp("copesd")
    shutil.copy(real / "copesd" / "smllm_test.first600.json", root / "smllm_test.json")
    for row in rows:
        folder, name = row["image"].split("/")[-2:]
        (root / "images" / folder).mkdir(parents=True, exist_ok=True)
        (root / "images" / folder / name).touch()
    source = CoPESD(root)
    (video,) = source.videos()
    assert (video.canonical_id, video.split) == ("copesd/023521", "test")
    items = list(seen(source, video).frames())
    assert all(isinstance(item, Frame) for item in items), "every real item is read, none is left out"
    return [resolve_frame("copesd", item) for item in items if isinstance(item, Frame)]


def test_every_item_is_a_frame_with_its_own_words(frames: list[Frame], rows: list[dict[str, Any]]) -> None:
    assert len(frames) == len(rows) == 600
    for frame, row in zip(frames, rows, strict=True):
        assert row["image"].endswith(f"/{frame.index:04d}.jpg") and frame.native_qa is not None
        assert [frame.native_qa.question, frame.native_qa.answer] == [t["value"] for t in row["conversations"]]


def test_boxes_are_the_numbers_of_the_text(frames: list[Frame], answers: list[str]) -> None:
    count = 0
    for frame, answer in zip(frames, answers, strict=True):
        said = []
        for name in ("Forceps", "Knife"):
            if name in answer:
                said.append((name, *(float(x) for x in answer.split(f"{name}[")[1].split("]")[0].split(","))))
        held = frame.instrument_boxes or ()
        assert sorted((b.label.native, b.box.x1, b.box.y1, b.box.x2, b.box.y2) for b in held) == sorted(said)
        assert not any(b.clipped for b in held)
        count += len(held)
    assert count == sum(answer.count("[") for answer in answers) == 1166


def test_motions_are_those_of_the_words(frames: list[Frame], answers: list[str]) -> None:
    """Words that only one motion uses, looked for without regard to the sentence around them."""

    def about(pattern: str, *without: str) -> int:
        return sum(
            re.search(pattern, answer) is not None and not any(re.search(other, answer) for other in without)
            for answer in answers
        )

    idle, taut = "idle|unmoved|inactive|at rest|original position", "countertraction|consistently lift"
    raises = "[Ll]ift|[Hh]oist|raise|Pull|Draw"
    made = Counter((t.instrument.native, t.action.native) for f in frames for t in f.triplets or ())
    assert made["Knife", "dissect"] == about("dissect")
    assert made["Forceps", "hold countertraction"] == about(taut)
    assert made["Knife", "idle"] == about(idle)
    assert made["Forceps", "rotate"] == about("Rotate|Twist|Turn")
    assert made["Forceps", "grasp"] == about("Grasp|Grab|Clamp|capture|Take hold")
    assert made["Knife", "lift"] == about(raises, idle, taut)  # one instrument at a time lifts: with the knife idle,
    assert made["Forceps", "lift"] == about(raises, taut) - about(raises, idle, taut)  # it is the forceps
    assert sum(made.values()) == sum(answer.count("[") for answer in answers)
    for frame in frames:
        acting = {t.action.native for t in frame.triplets or ()} - {"idle"}
        assert {a.native for a in frame.actions or ()} == acting


def test_samples_of_each_task(frames: list[Frame], answers: list[str]) -> None:
    def drafts(task: Task) -> int:
        assert task.draft is not None
        return sum(len(list(task.draft(frame))) for frame in frames)

    both = sum("Forceps" in answer and "Knife" in answer for answer in answers)  # one of each: all there is
    assert drafts(INSTRUMENTS) == both == 566
    assert drafts(ACTIONS) == drafts(TRIPLETS) == len(answers), "of the others the one that is named"
    assert drafts(LOCALIZATION) == both + sum(answer.count("[") for answer in answers)
