"""The published text form of a trace, there and back."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from surgsigma_hub.errors import BadRowError
from surgsigma_hub.parsers.grounding import parse_grounding
from surgsigma_hub.reasoning import Facts, check, read_trace, write_trace
from surgsigma_hub.records import Answer, AnswerBox, Reasoning

from reasoning_cases import NAMES, PROCEDURE, drafted, synthetic, trace
from task_frames import TASKS, boxed, frame

FULL = Reasoning(3, "A hook.", "It cuts.", "So it is dissection.")


def test_the_published_form() -> None:
    assert write_trace(FULL, "dissection") == (
        "<think>This is a Level 3 task, which asks for the place in the operation.\n\n"
        "Level 1: A hook.\n\nLevel 2: It cuts.\n\nLevel 3: So it is dissection.</think>\n<answer>dissection</answer>"
    )
    assert write_trace(Reasoning(), "x") == "<think></think>\n<answer>x</answer>"
    assert "Level 2 task" in write_trace(Reasoning(2, None, "It cuts."), "x")


@pytest.mark.parametrize("headings", ["Level {n}: ", "Level {n}:", "**Level {n}:** ", "### Level {n}: \n"])
@pytest.mark.parametrize("preamble", [True, False])
def test_headings_are_free(headings: str, preamble: bool) -> None:
    assert read_trace(write_trace(FULL, "x", headings=headings, preamble=preamble)) == (FULL, "x")


def test_known_variations() -> None:
    told = (
        "<think>This is a Level 2 task.\n\nLevel 1:The The hook.\n\nLevel 3: Last.\n\n\n</think>\n<answer> a </answer>"
    )
    assert read_trace(told) == (Reasoning(3, "The The hook.", None, "Last."), "a")
    assert read_trace("no levels here") == (Reasoning(), None)
    assert read_trace("no levels here", unmarked=2) == (Reasoning(2, None, "no levels here"), None)
    assert read_trace("<think></think><answer>x</answer>") == (Reasoning(), "x")
    with pytest.raises(BadRowError):
        read_trace("<think>Level 1: <|im_end|></think>")


SENTENCE = st.from_regex(r"[A-Za-z][A-Za-z ,.\[\]0-9]{0,40}\.", fullmatch=True).filter(
    lambda s: "level" not in s.lower()
)
LEVELS = st.tuples(*[st.none() | SENTENCE] * 3)


@given(LEVELS, SENTENCE | st.just("grasper(262,0),(473,172)"), st.booleans())
def test_round_trip(levels: tuple[str | None, str | None, str | None], answer: str, preamble: bool) -> None:
    made = Reasoning(max((n for n, t in enumerate(levels, 1) if t), default=0), *levels)
    assert read_trace(write_trace(made, answer, preamble=preamble)) == (made, answer)


@pytest.mark.parametrize("name", NAMES)
def test_every_written_trace_comes_back(name: str) -> None:
    frames, course = synthetic()
    for seen in frames[::10]:
        for draft in drafted(name, seen):
            made = trace(name, seen, draft, course)
            assert read_trace(write_trace(made, draft.answer.text)) == (made, draft.answer.text)


def test_released_boxes_are_read_as_claims(real: Path) -> None:
    rows = json.loads((real / "surgsigma" / "surgsigma_questions.excerpt.json").read_text("utf-8"))
    task, read, refused = TASKS["instrument_localization"], 0, 0
    for row in rows:
        told = f"<think>Level 1: Looking at the field.</think><answer>{row['gt_raw']}</answer>"
        try:
            found = [g for g in parse_grounding(row["gt_raw"]) if g.x1 < g.x2 and g.y1 < g.y2]
        except BadRowError:
            refused += "<|" in row["gt_raw"]
            continue
        shares = [(g.name, g.x1 / 1000, g.y1 / 1000, g.x2 / 1000, g.y2 / 1000) for g in found]
        facts = Facts.of_frame(frame(instrument_boxes=tuple(boxed(*b) for b in shares)), PROCEDURE)
        answer = Answer("x", boxes=tuple(AnswerBox(*b) for b in shares))
        assert [o for o in check(told, facts, answer, task) if "which its trace does not" not in o.why] == [], row
        if shares:
            moved = Facts.of_frame(frame(instrument_boxes=(boxed(shares[0][0], 0.0, 0.0, 0.01, 0.01),)), PROCEDURE)
            assert any("box" in o.why for o in check(told, moved, None, task)), row
        read += 1
    assert read and refused
