"""No wording contradicts the numbers: every template of every task, in every convention."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from surgsigma_hub.adapters import Boxes
from surgsigma_hub.adapters.box_text import boxes_in, message_text, reworded, trace_text
from surgsigma_hub.adapters.boxes import Convention
from surgsigma_hub.reasoning.bank import sentences as trace_sentences
from surgsigma_hub.records import AnswerBox
from surgsigma_hub.tasks import AnswerKind, all_tasks
from surgsigma_hub.tasks.common.wording import bank, slots_of

BOX = AnswerBox("hook", 0.25, 0.25, 0.5, 0.75)
WRITTEN = "[0.250, 0.250, 0.500, 0.750]"
CHANGED: dict[Convention, str] = {"norm1000": "[250, 250, 500, 750]", "pixels": "[160, 120, 320, 360]"}
SIZE = (640, 480)
# What a sentence may say of numbers, in words of this test: looked for after the boxes themselves are taken out.
SHARES = re.compile(
    r"fraction|\bshares?\b|relative|normali[sz]|percent|proportion|\bunit\b|decimal|between zero and one"
    r"|from zero to one|\b0(?:\.0)? (?:to|and|\.\.+) 1(?:\.0)?\b|\b0\.\.1\b",
    re.IGNORECASE,
)
THOUSANDS = re.compile(r"thousand|\b1000\b|permille", re.IGNORECASE)
PIXELS = re.compile(r"pixel", re.IGNORECASE)
CONTRADICTS: dict[Convention, tuple[re.Pattern[str], ...]] = {
    "unit": (THOUSANDS, PIXELS),
    "norm1000": (SHARES, PIXELS),
    "pixels": (SHARES, THOUSANDS),
    "objects": (SHARES, THOUSANDS, PIXELS),
}
BOX_TASKS = [name for name, task in all_tasks().items() if task.answer is AnswerKind.BOXES]


def filled(template: str) -> str:
    """A template with something in every slot."""
    slots = {"box": WRITTEN, "boxes": f"hook {WRITTEN}; hook {WRITTEN}", "are": "is", "region": "top left"}
    return template.format_map({name: slots.get(name, "hook") for name in slots_of(template)})


def sentences(task: str) -> Iterator[str]:
    for groups in (bank(task).questions, bank(task).answers):
        for lines in groups.values():
            for line in lines:
                text = filled(line)
                yield text[:1].upper() + text[1:]


def said(text: str) -> str:
    """The words of a sentence without its boxes and the letters of their corners."""
    for found in reversed(boxes_in(text)):
        text = text[: found.start] + text[found.end :]
    return text.replace("[x1, y1, x2, y2]", "")


@pytest.mark.parametrize("convention", list(CONTRADICTS))
@pytest.mark.parametrize("task", BOX_TASKS)
def test_no_template_contradicts_its_numbers(task: str, convention: Convention) -> None:
    changed = 0
    for before in sentences(task):
        after = message_text(before, Boxes(convention), size=SIZE, known=(BOX,), asks=True)
        for pattern in CONTRADICTS[convention]:
            assert not pattern.search(said(after)), f"{before!r} became {after!r}"
        assert WRITTEN not in after or convention in ("unit", "objects")
        if convention in CHANGED:
            assert after.count(CHANGED[convention]) == before.count(WRITTEN)
        assert not re.search(r"\d", said(after).replace("from 0 to 1000", "").replace("between 0 and 1000", "")) or (
            convention == "unit"
        ), after
        assert after[:1] == before[:1] and not re.search(r"  | [,.:?]|,[.:?]", after), after
        changed += said(after) != said(before)
    assert changed >= 10 or convention == "unit"


@pytest.mark.parametrize("convention", ["norm1000", "pixels", "objects"])
def test_words_of_other_tasks_stay(convention: Convention) -> None:
    for task in all_tasks():
        if task in BOX_TASKS:
            continue
        for before in sentences(task):
            assert message_text(before, Boxes(convention), size=SIZE, known=(), asks=False) == before


@pytest.mark.parametrize("convention", list(CONTRADICTS))
def test_words_of_traces(convention: Convention) -> None:
    lines = [line for group in trace_sentences().values() for one in group for line in one.covered()]
    assert len(lines) > 60
    boxed = 0
    for line in lines:
        before = filled(line)
        after = trace_text(before, Boxes(convention), size=SIZE, stored=SIZE, known=(BOX,))
        if not boxes_in(before):
            assert after == before
            continue
        boxed += 1
        for pattern in CONTRADICTS[convention]:
            assert not pattern.search(said(after)), f"{before!r} became {after!r}"
    assert boxed >= 6


@pytest.mark.parametrize(
    "text",
    [
        "Estimate the relative depth of this picture.",
        "A score from 0 to 1.5 is given.",
        "The clip runs from 0 to 10 s.",
        "Anything between 0 and 1.5 cm.",
    ],
)
def test_other_numbers_stay(text: str) -> None:
    for convention in ("norm1000", "pixels", "objects"):
        assert reworded(text, Boxes(convention)) == text


def test_joint_questions_hold_no_boxes() -> None:
    """Localization is never joined with other questions, so that its words are always those of its own templates."""
    from surgsigma_hub.tasks.common.dialogue import COMPOUND, TURNS

    named = {*COMPOUND, *COMPOUND.values(), *TURNS, *(t for some in TURNS.values() for t in some)}
    assert not named & set(BOX_TASKS)
    for before in sentences("dialogue"):
        assert not SHARES.search(before)
