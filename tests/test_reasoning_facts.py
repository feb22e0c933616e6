"""Labels found in text, and the facts of a published sample, by which a rewrite is judged without its source."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import orjson
import pytest
from surgsigma_hub.ontology import concepts
from surgsigma_hub.reasoning import Facts, check
from surgsigma_hub.reasoning.label_spans import find
from surgsigma_hub.records import Frame, Media, Reasoning, Video
from surgsigma_hub.registry import get_source
from surgsigma_hub.schema import sample_bytes
from surgsigma_hub.tasks.common.compose import compose

from reasoning_cases import NAMES, RICH, SCENE, drafted, moment, next_action, synthetic, text_of, trace
from task_frames import FULL, TASKS, label, only

# -------------------------------------------------------------------------------------------------------- mentions


def test_every_name_of_every_label_is_found_in_every_spelling() -> None:
    for kind in ("phase", "step", "instrument", "target", "action"):
        for id, concept in concepts(kind).items():  # type: ignore[attr-defined]
            if id == "null":
                continue
            camel = "".join(word.capitalize() for word in id.split("_"))
            for name in (concept.name, concept.name.upper(), id, id.replace("_", "-"), id.replace("_", " "), camel):
                found = find(f"Then {name}.")
                assert any((kind, id) in m.readings for m in found), (kind, name)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("graspers retracted the liver", ["instrument grasper", "action retract", "target liver"]),
        ("the clip applier clips the duct", ["instrument clipper", "action clip"]),
        ("this clip shows a cut and two clips", []),
        ("CalotTriangleDissection phase", ["phase calot_triangle_dissection"]),
        ("carlot-triangle-dissection", ["phase calot_triangle_dissection"]),
        ("gallbladder, dissection", ["target gallbladder", "action dissect"]),
        ("in preparation for something", []),
        ("hooked livers and a subliver", ["target liver"]),
        ("the Bipolar", ["instrument bipolar"]),
    ],
)
def test_mentions(text: str, expected: list[str]) -> None:
    assert [f"{m.readings[0][0]} {m.readings[0][1]}" for m in find(text)] == expected


# --------------------------------------------------------------------------------------------- facts of a sample


def _doc(name: str, seen: Frame, draft: Any, made: Reasoning, **more: Any) -> dict[str, Any]:
    picture, video = Media("image.jpg", "image", "input", "0" * 64), Video(id="V", canonical_id="s/V", split="train")
    info = get_source("synthetic").info
    sample = compose(TASKS[name], draft, id="i", info=info, video=video, frame=seen, media=[picture], size=(8, 8))
    doc: dict[str, Any] = orjson.loads(sample_bytes(replace(sample, reasoning=made)))
    doc["provenance"].update(more)
    return doc


@pytest.mark.parametrize("name", NAMES)
def test_what_rules_wrote_is_accepted_by_the_sample_alone(name: str) -> None:
    frames, course = synthetic()
    for seen in (*frames[::9], FULL):
        whole = course if seen is not FULL else None
        for draft in drafted(name, seen):
            for seed in "abc":
                made = trace(name, seen, draft, whole, seed)
                facts = Facts.of_sample(_doc(name, seen, draft, made))
                assert check(made, facts, draft.answer, TASKS[name]) == (), text_of(made)
                turned = Reasoning(made.level, *(_turned(level) for level in _levels(made)))
                assert check(turned, facts, draft.answer, TASKS[name]) == (), text_of(turned)


def _levels(made: Reasoning) -> tuple[str | None, ...]:
    return made.perceptual, made.relational, made.contextual


def _turned(level: str | None) -> str | None:
    """The sentences of a level in the other order."""
    return level and " ".join(reversed(re.split(r"(?<=[.]) (?=[A-Z])", level)))


def test_a_rewrite_with_something_new_is_rejected() -> None:
    draft = only("phase_recognition", phase=SCENE.phase)
    made = trace("phase_recognition", SCENE, draft)
    facts = Facts.of_sample(_doc("phase_recognition", SCENE, draft, made))
    for new in (
        "a snare",
        "the omentum",
        "The hook is in the top right.",
        "The hook is cutting the liver.",
        "no smoke",
    ):
        rewritten = replace(made, perceptual=f"{made.perceptual} {new}")
        assert check(rewritten, facts, draft.answer, TASKS["phase_recognition"]), new


def test_what_a_model_wrote_proves_nothing() -> None:
    draft = only("phase_recognition", phase=SCENE.phase)
    made = trace("phase_recognition", SCENE, draft)
    doc = _doc("phase_recognition", SCENE, draft, made, model="some-model")
    assert {o.claim.lower() for o in check(made, Facts.of_sample(doc))} >= {"hook", "grasper"}


def test_a_plan_is_no_fact_of_what_is_seen() -> None:
    task, seen, draft = next_action(RICH, 40, 50, "clip")
    made = trace(task.name, seen, draft, RICH)
    doc = _doc("phase_recognition", moment(40), only("phase_recognition", phase=label("preparation")), made)
    doc.update(task=task.name, answer=orjson.loads(orjson.dumps(draft.answer)))
    facts = Facts.of_sample(doc)
    assert facts.labels["action"] == {"dissect"} and facts.phase is None
    assert check(made, facts, draft.answer, task) == ()
