"""Traces to questions on two things: the measure, or the order of time, that decides stands before the answer."""

from __future__ import annotations

import re

import pytest
from surgsigma_hub.reasoning import Facts, check, reason
from surgsigma_hub.reasoning.bank import sentences
from surgsigma_hub.reasoning.claim import What
from surgsigma_hub.reasoning.claims import claims
from surgsigma_hub.reasoning.measures import Name
from surgsigma_hub.records import Frame, Reasoning, VideoTimeline
from surgsigma_hub.tasks import Draft
from surgsigma_hub.tasks.common.answers import existence_draft
from surgsigma_hub.tasks.common.comparisons import boxes_of, compared, in_order, overlapping
from surgsigma_hub.tasks.common.further import every_draft, is_further, may_be_reasoned, thing_asked
from surgsigma_hub.tasks.common.question_kinds import Style

from reasoning_cases import BARE, PROCEDURE, RICH, WARRANTS, text_of
from task_frames import TASKS, boxed, frame, labels

TWO = frame(
    instrument_boxes=(boxed("hook", 0.6, 0.5, 0.9, 0.9), boxed("grasper", 0.0, 0.1, 0.25, 0.3)),
    tissue_boxes=(boxed("gallbladder", 0.5, 0.4, 0.7, 0.6),),
)


def written(task: str, seen: Frame, draft: Draft, course: VideoTimeline | None = None, seed: str = "s") -> Reasoning:
    """The trace; if there is one, the checker accepts it."""
    made = reason(TASKS[task], seen, draft, PROCEDURE, course, seed=seed, warrants=WARRANTS)
    facts = Facts.of_frame(seen, PROCEDURE, course, draft=draft, warrants=WARRANTS)
    assert not made.level or check(made, facts, draft.answer, TASKS[task], asked=thing_asked(draft.key)) == (), made
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


def test_sizes_are_told_before_the_larger_box() -> None:
    asked = [d for n in range(40) for d in compared("instrument", TWO, boxes_of("instrument", TWO), f"{n}")]
    larger = [d for d in asked if d.question == "place_size"]
    assert larger
    for n, draft in enumerate(larger):
        made = written("instrument_localization", TWO, draft, seed=f"{n}")
        assert made.perceptual and "12.0 %" in made.perceptual and "5.0 %" in made.perceptual, made


def test_tissue_is_compared_by_its_boxes_as_well() -> None:
    seen = frame(tissue_boxes=(boxed("gallbladder", 0.1, 0.1, 0.3, 0.3), boxed("liver", 0.4, 0.4, 0.9, 0.9)))
    asked = [d for n in range(40) for d in compared("target", seen, boxes_of("target", seen), f"{n}")]
    assert {d.question for d in asked} == {"place", "place_size"}
    assert all(written("tissue_localization", seen, d, seed=f"{n}").level == 1 for n, d in enumerate(asked))


def test_what_no_measure_decides_has_no_trace() -> None:
    """Of two of a class none is "the" larger one, so their shares are no evidence."""
    asked = [d for n in range(40) for d in compared("instrument", TWO, boxes_of("instrument", TWO), f"{n}")]
    draft = next(d for d in asked if d.question == "place_size")
    alone = frame(instrument_boxes=TWO.instrument_boxes[:1] if TWO.instrument_boxes else ())
    assert reason(TASKS["instrument_localization"], alone, draft, PROCEDURE) == Reasoning()


SEEN = frame(
    instruments=labels("hook", "grasper"),
    tissues=labels("gallbladder", "liver"),
    instrument_boxes=TWO.instrument_boxes,
    tissue_boxes=(boxed("gallbladder", 0.5, 0.4, 0.7, 0.6), boxed("liver", 0.0, 0.0, 0.9, 0.3)),
)


@pytest.mark.parametrize(
    "name", ["instrument_recognition", "instrument_localization", "tissue_recognition", "tissue_localization"]
)
def test_whether_a_thing_is_there_follows_from_all_that_is_in_view(name: str) -> None:
    task, kind = TASKS[name], "instrument" if "instrument" in name else "target"
    drafts = [d for n in range(60) for d in every_draft(task, SEEN, "cholect50", f"{n}", Style.VARIED)]
    asked = [d for d in drafts if d.question == "existence"]
    assert {bool(d.answer.labels or d.answer.boxes) for d in asked} == {True, False}
    for n, draft in enumerate(asked):
        id, made = thing_asked(draft.key), written(name, SEEN, draft, seed=f"{n}")
        found = claims(made.perceptual or "")
        present = {i for c in found if c.what is What.NAMED for k, i in c.readings if k == kind}
        absent = {i for c in found if c.what is What.ABSENT for k, i in c.readings if k == kind}
        there = bool(draft.answer.labels or draft.answer.boxes)
        assert absent == (set() if there else {id}) and (id in present) is there, made
        assert len(present) == 2 or (there and kind == "target"), "all are listed before the verdict"


def test_a_trace_that_leaves_the_question_open_is_objected_to() -> None:
    task = TASKS["instrument_recognition"]
    facts = Facts.of_frame(SEEN, PROCEDURE)
    none = existence_draft("instrument", "clipper", there=False, key="has-clipper")
    some = existence_draft("instrument", "hook", there=True, key="has-hook")
    listed = "Level 1: In view are a grasper and a hook."
    assert check(f"{listed} No clip applier is in view.", facts, none.answer, task, asked="clipper") == ()
    assert [o.why for o in check(listed, facts, none.answer, task, asked="clipper")] == [
        "the trace does not say that clipper is not there"
    ]
    assert check(listed, facts, some.answer, task, asked="hook") == ()
    assert check("Level 1: In view is a grasper.", facts, some.answer, task, asked="hook")


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


# ------------------------------------------------------------------------------------------- what a reading has marked


def test_where_tissue_is_asked_about_no_tool_is_evidence() -> None:
    two = frame(
        instruments=labels("grasper"),
        instrument_boxes=(boxed("grasper", 0.1, 0.1, 0.3, 0.3), boxed("grasper", 0.6, 0.6, 0.9, 0.9)),
        tissues=labels("liver"),
        tissue_boxes=(boxed("liver", 0.0, 0.0, 0.9, 0.5),),
    )
    (draft, *_) = every_draft(TASKS["tissue_recognition"], two, "cholect50", "x", Style.PAPER)
    said = [written("tissue_recognition", two, draft, seed=f"{n}").perceptual or "" for n in range(80)]
    assert all("liver" in text for text in said) and not any(re.search(r"grasper|\btwo\b", text) for text in said)


def test_of_one_tissue_that_is_asked_for_nothing_else_is_measured() -> None:
    seen = frame(
        instruments=labels("grasper"),
        instrument_boxes=(boxed("grasper", 0.1, 0.1, 0.3, 0.3),),
        tissues=labels("liver", "gallbladder"),
        tissue_boxes=(boxed("liver", 0.0, 0.0, 0.9, 0.5), boxed("gallbladder", 0.2, 0.3, 0.8, 0.8)),
    )
    drafts = every_draft(TASKS["tissue_localization"], seen, "cholect50", "x", Style.VARIED)
    draft = next(d for d in drafts if d.question == "by_name" and d.answer.boxes[0].label == "gallbladder")
    said = [written("tissue_localization", seen, draft, seed=f"{n}").perceptual or "" for n in range(60)]
    assert any(" % of the " in text for text in said)
    for text in said:
        assert all("gallbladder" in one for one in re.split(r"(?<=\.) ", text) if " % of the " in one), text


def test_a_caption_counts_what_is_boxed_twice() -> None:
    two = frame(
        instruments=labels("hook", "grasper"),
        instrument_boxes=(
            boxed("hook", 0.1, 0.1, 0.3, 0.3),
            boxed("hook", 0.6, 0.6, 0.9, 0.9),
            boxed("grasper", 0.0, 0.6, 0.2, 0.9),
        ),
        actions=labels("dissect"),
    )
    (draft,) = every_draft(TASKS["image_captioning"], two, "cholect50", "x", Style.PAPER)
    assert "A grasper and two hooks are in view." in draft.slots["body"]


def test_findings_in_two_places_are_two_and_an_organ_in_two_places_is_left_open() -> None:
    seen = frame(
        tissues=labels("polyp"), tissue_boxes=(boxed("polyp", 0.0, 0.0, 0.2, 0.2), boxed("polyp", 0.7, 0.7, 0.9, 0.9))
    )
    (draft, *_) = every_draft(TASKS["tissue_recognition"], seen, "kvasir_seg", "x", Style.PAPER)
    said = [written("tissue_recognition", seen, draft, seed=f"{n}").perceptual or "" for n in range(30)]
    assert all(re.search(r"(?i)one polyp\b.*\banother polyp\b|two polyps", text) for text in said)
    two = (boxed("covered_kidney", 0.0, 0.0, 0.2, 0.2), boxed("covered_kidney", 0.7, 0.7, 0.9, 0.9))
    seen = frame(tissues=labels("covered_kidney"), tissue_boxes=two)
    (draft, *_) = every_draft(TASKS["tissue_recognition"], seen, "endovis2018", "x", Style.PAPER)
    said = [written("tissue_recognition", seen, draft, seed=f"{n}").perceptual or "" for n in range(30)]
    assert any(" and again " in text for text in said) and not any("another kidney" in text for text in said)


def test_sentences_on_anatomy_presuppose_no_tool_and_none_opens_with_also() -> None:
    for line in sentences()["tissues"]:
        assert not any(re.search(r"\b(?:tools?|instruments?)\b|^also\b", way, re.IGNORECASE) for way in line.ways)


def test_actions_are_named_by_their_nouns() -> None:
    """ "I name retracting" is no English."""
    seen = frame(actions=labels("retract", "dissect"), instruments=labels("grasper", "hook"))
    (draft, *_) = every_draft(TASKS["action_recognition"], seen, "cholect50", "x", Style.PAPER)
    said = [written("action_recognition", seen, draft, seed=f"{n}").relational or "" for n in range(40)]
    assert all("dissection" in text and "retraction" in text for text in said)
