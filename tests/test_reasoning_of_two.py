"""Traces to questions on two things: the measure, or the order of time, that decides stands before the answer."""

from __future__ import annotations

import pytest
from surgsigma_hub.reasoning import Facts, check, reason
from surgsigma_hub.reasoning.claim import What
from surgsigma_hub.reasoning.claims import claims
from surgsigma_hub.reasoning.measures import Name
from surgsigma_hub.records import Frame, Reasoning, VideoTimeline
from surgsigma_hub.tasks import Draft
from surgsigma_hub.tasks.common.comparisons import boxes_of, compared, in_order, overlapping
from surgsigma_hub.tasks.common.further import is_further, may_be_reasoned

from reasoning_cases import BARE, PROCEDURE, RICH, WARRANTS, text_of
from task_frames import TASKS, boxed, frame

TWO = frame(
    instrument_boxes=(boxed("hook", 0.6, 0.5, 0.9, 0.9), boxed("grasper", 0.0, 0.1, 0.25, 0.3)),
    tissue_boxes=(boxed("gallbladder", 0.5, 0.4, 0.7, 0.6),),
)


def written(task: str, seen: Frame, draft: Draft, course: VideoTimeline | None = None, seed: str = "s") -> Reasoning:
    """The trace; if there is one, the checker accepts it."""
    made = reason(TASKS[task], seen, draft, PROCEDURE, course, seed=seed, warrants=WARRANTS)
    facts = Facts.of_frame(seen, PROCEDURE, course, draft=draft, warrants=WARRANTS)
    assert not made.level or check(made, facts, draft.answer, TASKS[task]) == (), made
    return made


def test_the_side_that_decides_is_told_before_the_box() -> None:
    asked = [d for n in range(40) for d in compared("instrument", TWO, boxes_of("instrument", TWO), f"{n}")]
    places = [d for d in asked if d.question == "place"]
    assert len({d.key for d in places}) == 4
    for n, draft in enumerate(places):
        assert may_be_reasoned(draft) and is_further(draft)
        made = written("instrument_localization", TWO, draft, seed=f"{n}")
        assert made.level == 1 and made.perceptual
        told = [c for c in claims(made.perceptual) if c.measured is Name.SIDE]
        assert {id for c in told for _, id in (*c.readings, *c.other)} == {"hook", "grasper"}, made.perceptual
        assert [c.what for c in claims(made.perceptual)][-1] is What.BOXED


def test_the_overlap_that_decides_is_told() -> None:
    (draft,) = overlapping(TWO, boxes_of("instrument", TWO), "x")
    made = written("instrument_localization", TWO, draft)
    told = [c for c in claims(made.perceptual or "") if c.measured is Name.OVERLAP]
    assert told and told[0].readings[0][1] == "hook"


def test_what_no_measure_decides_has_no_trace() -> None:
    """How large a box is compared with another is not among the measures."""
    asked = [d for n in range(40) for d in compared("instrument", TWO, boxes_of("instrument", TWO), f"{n}")]
    larger = [d for d in asked if d.question == "place_size"]
    assert larger and written("instrument_localization", TWO, larger[0]) == Reasoning()


@pytest.mark.parametrize("course", [BARE, RICH], ids=["segments", "moments"])
def test_the_order_in_a_clip_is_told_before_which_comes_first(course: VideoTimeline) -> None:
    asked = [pair for n in range(6) for pair in in_order(course, f"{n}")]
    assert {d.question for _, d in asked} == {"order_first", "order_last"}
    told = 0
    for n, (seen, draft) in enumerate(asked):
        made = written("action_recognition", seen, draft, course, seed=f"{n}")
        if made == Reasoning():
            continue
        told += 1
        (right,) = draft.answer.labels
        assert made.level == 2 and made.perceptual and made.relational
        named = [id for c in claims(made.relational) for k, id in c.readings if k == "action"]
        assert {*named} == {right}, text_of(made)
        assert {id for c in claims(made.perceptual) for k, id in c.readings if k == "action"} > {right}
    assert told
