"""What a trace may say: each fault that was found in real traces, on the smallest case in which it shows.

F numbers are those of the review of 2026-11-29, as in ``test_truth.py``.
"""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from surgsigma_hub.ontology import concept
from surgsigma_hub.records import Coverage, Fact, Reasoning, Segment, Stills, Verdict
from surgsigma_hub.records import VideoTimeline as CourseRecord
from surgsigma_hub.tasks import get_task

from reasoning_cases import drafted, text_of, trace
from task_frames import boxed, frame, label, labels, still, triplet

SEEDS = [f"seed-{n}" for n in range(30)]


def seconds(count: int) -> Stills:
    return Stills(tuple(map(still, range(count))), 1.0)


def test_f4_a_single_image_does_not_tell_the_phase_before() -> None:
    """4,631 of 6,455 traces of single images named it; no image shows it."""
    phases = (
        Segment("phase", label("preparation"), 0, 5),
        Segment("phase", label("calot_triangle_dissection"), 5, 30),
        Segment("step", label("expose_gallbladder"), 0, 5),
        Segment("step", label("open_peritoneum"), 5, 30),
    )
    course = CourseRecord(segments=phases, footage=seconds(30))
    seen = frame(phase=label("calot_triangle_dissection"), triplets=(triplet("hook", "dissect", "gallbladder"),))
    (draft,) = drafted("phase_recognition", seen)
    for seed in SEEDS:
        said = text_of(trace("phase_recognition", seen, draft, course, seed))
        assert said and "preparation" not in said and "exposure" not in said
        assert said == text_of(trace("phase_recognition", seen, draft, None, seed))


@pytest.mark.parametrize(("layer", "id"), [("phase", "gastric_pouch_creation"), ("step", "vertical_stapling")])
def test_f5_without_anything_seen_there_is_no_trace(layer: str, id: str) -> None:
    """MultiBypass140 and Cataract-101: 1,889 traces were level 3 alone, and restated the label."""
    seen = frame(**{layer: label(id)})
    (draft,) = drafted(f"{layer}_recognition", seen)
    for seed in SEEDS:
        assert trace(f"{layer}_recognition", seen, draft, None, seed) == Reasoning()


def test_f7_what_was_not_asked_is_no_reason() -> None:
    """1,334 of 2,576 phase traces gave the step as a fact, 83 the safety criteria."""
    seen = frame(
        phase=label("clipping_and_cutting"),
        step=label("clip_duct_and_artery"),
        triplets=(triplet("clipper", "clip", "cystic_duct"),),
        criteria=(Verdict(label("two_structures"), True), Verdict(label("cystic_plate"), False)),
    )
    (draft,) = drafted("phase_recognition", seen)
    step = concept("step", "clip_duct_and_artery").name
    for seed in SEEDS:
        said = text_of(trace("phase_recognition", seen, draft, None, seed)).lower()
        assert step not in said and "two structures" not in said and "cystic plate" not in said
        assert "clip" in said


def test_f8_of_two_acts_that_end_together_the_trace_times_the_one_asked_about() -> None:
    """Asked about coagulating, the trace said that the end of grasping is near."""
    acts = tuple(Segment("action", label(id), start, 12) for id, start in (("grasp", 0), ("coagulate", 2)))
    moments = tuple(replace(frame(actions=labels("grasp", "coagulate")), index=n) for n in range(12))
    course = CourseRecord(segments=acts, footage=seconds(20), moments=moments)
    task = get_task("action_remaining_prediction")
    assert task.draft_course is not None
    found = list(task.draft_course(course))
    assert {draft.key for _, draft in found} == {"grasp", "coagulate"}
    words = {"grasp": "grasp", "coagulate": "coagulat"}
    for moment, draft in found:
        other = next(word for key, word in words.items() if key != draft.key)
        for seed in SEEDS:
            last = trace("action_remaining_prediction", moment, draft, course, seed).contextual
            assert last is None or other not in last.lower(), (draft.key, last)


def test_f2_a_trace_denies_nothing_that_was_not_looked_for() -> None:
    """``no_tissues`` said that no organ is told apart, over gallbladder and liver in plain view."""
    facts = {"instruments": labels("irrigator"), "tissues": (), "actions": labels("aspirate")}
    whole = frame(**facts, triplets=(triplet("irrigator", "aspirate", "fluid"),))
    part = replace(whole, coverage={Fact.TISSUES: Coverage.ACTED_ON})
    unsaid = replace(whole, tissues=None)
    (draft,) = drafted("triplet_recognition", whole)
    for seed in SEEDS:
        said = text_of(trace("triplet_recognition", part, draft, None, seed))
        assert said == text_of(trace("triplet_recognition", unsaid, draft, None, seed)) != ""


def test_f2_f3_nothing_is_denied_or_counted_where_lists_are_not_whole() -> None:
    """VID68 512 and VID73 601: "There is no tissue or organ to be named", "Altogether, two instruments are visible"."""
    lists = (Fact.INSTRUMENTS, Fact.TISSUES, Fact.TRIPLETS, Fact.INSTRUMENT_BOXES)
    seen = frame(
        phase=label("calot_triangle_dissection"),
        instruments=labels("irrigator", "grasper"),
        tissues=(),
        triplets=(triplet("irrigator", "aspirate", "fluid"),),
        instrument_boxes=(boxed("irrigator", 0.4, 0.4, 0.6, 0.6), boxed("grasper", 0.1, 0.1, 0.3, 0.3)),
        coverage=dict.fromkeys(lists, Coverage.ANNOTATED_ONLY),
    )
    denial = re.compile(r"\b(?:no|none|neither|nothing|two instruments|without any)\b")
    for task in ("image_captioning", "phase_recognition", "triplet_recognition", "instrument_localization"):
        for draft in drafted(task, seen):
            for seed in SEEDS:
                made = trace(task, seen, draft, None, seed)
                said = f"{made.perceptual} {made.relational or ''}".lower()
                assert not denial.search(said), said


def test_f6_a_catch_all_label_is_no_evidence() -> None:
    seen = frame(phase=label("idle"), step=label("idle"), actions=labels("cut", "hold"), instruments=labels("hook"))
    (draft,) = drafted("action_recognition", seen)
    for seed in SEEDS:
        assert "listed" not in text_of(trace("action_recognition", seen, draft, None, seed))


def test_f12_a_trace_rinses_the_cavity_and_not_the_wall() -> None:
    for action in ("irrigate", "aspirate"):
        seen = frame(triplets=(triplet("irrigator", action, "abdominal_wall_cavity"),), instruments=labels("irrigator"))
        (draft,) = drafted("triplet_recognition", seen)
        for seed in SEEDS:
            relational = trace("triplet_recognition", seen, draft, None, seed).relational
            assert relational and "abdominal cavity" in relational
            assert not re.search("(?:ing|ion)(?: of)? the abdominal wall", relational), relational
