"""Kinds of question: what each is made of, who is asked, and that nothing is asked that the facts do not tell."""

from __future__ import annotations

import re
from collections import Counter

import pytest
from surgsigma_hub.building.rehearse import rehearse
from surgsigma_hub.errors import UnknownNameError
from surgsigma_hub.ontology import concepts
from surgsigma_hub.ontology.forms import forms
from surgsigma_hub.records import Coverage, Cut, Fact, Segment, VideoTimeline
from surgsigma_hub.registry import get_source
from surgsigma_hub.schema import KEY
from surgsigma_hub.source import parse_options
from surgsigma_hub.tasks import Draft
from surgsigma_hub.tasks.common.asking import ask, ask_as
from surgsigma_hub.tasks.common.choices import durations, vocabulary
from surgsigma_hub.tasks.common.further import every_draft, further, further_of_course, is_further, may_be_reasoned
from surgsigma_hub.tasks.common.question_kinds import (
    PLAIN,
    Form,
    QuestionKind,
    Setting,
    Style,
    chosen_style,
    form_of,
    kind_of,
)
from surgsigma_hub.tasks.common.timeline import Timeline

import wording_cases
from task_frames import FULL, TASKS, boxed, drafts, frame, label, labels, mask, only, triplet

SETTING = Setting("cholect50", FULL, "preparation", plain=False)


def made_further(name: str, n: int, source: str = "cholect50", **facts: object) -> list[Draft]:
    return list(further(TASKS[name], frame(**facts), drafts(name, **facts), source, f"id-{n}"))


def test_the_template_tells_kind_and_form() -> None:
    assert kind_of("phase_recognition/check/4+check_no/1") is QuestionKind.CHECK
    assert kind_of("instrument_localization/place_contact/4+place/1") is QuestionKind.PLACE
    assert kind_of("instrument_localization/by_name/4+by_name/1") is QuestionKind.OPEN
    assert form_of("phase_recognition/choice/4+letter/1") is Form.LETTER
    assert form_of("phase_recognition/choice/4+choice/1") is None
    with pytest.raises(UnknownNameError, match="Known: paper, varied"):
        chosen_style("plain")


def test_the_options_of_a_choice_are_near_labels_of_the_source_and_hold_the_right_one() -> None:
    task = TASKS["phase_recognition"]
    places: Counter[str] = Counter()
    for n in range(400):
        draft = only("phase_recognition", phase=label("clipping_and_cutting"))
        made = ask_as("letter", task, draft, f"id-{n}", SETTING, wording_cases.common("phase_recognition", draft))
        assert made is not None
        options = dict(re.findall(r"([A-Z])\. (.+)", made.slots["options"]))
        assert len(options) == 4 == len({*options.values()}) and options[made.formed] == "clipping and cutting"
        known = {concepts("phase")[id].name for id in vocabulary("cholect50", "phase")}
        assert {*options.values()} <= known
        places[made.formed] += 1
    assert min(places[letter] for letter in "ABCD") > 60, "no place is more often right than another"


def test_no_option_names_what_the_source_cannot_tell_apart() -> None:
    task, draft = TASKS["instrument_recognition"], only("instrument_recognition", instruments=labels("snare"))
    slots = wording_cases.common("instrument_recognition", draft)
    assert ask_as("choice", task, draft, "x", SETTING, slots) is None, "cholect50 has no snare"
    assert ask_as("choice", task, draft, "x", Setting("no_such_source", plain=False), slots) is None


def test_a_right_duration_is_as_often_the_shortest_as_the_longest() -> None:
    task = TASKS["action_remaining_prediction"]
    draft = next(d for d, _ in wording_cases.asked("action_remaining_prediction"))
    ranks: Counter[int] = Counter()
    for n in range(400):
        made = ask_as("choice", task, draft, f"id-{n}", SETTING, draft.slots)
        assert made is not None
        said = [float(s) for s in re.findall(r"\. ([\d.]+) second", made.slots["options"])]
        assert len(set(said)) == 4
        ranks[sorted(said).index(draft.answer.seconds)] += 1  # type: ignore[arg-type]
    assert min(ranks[n] for n in range(4)) > 60


def test_a_check_is_as_often_yes_as_no() -> None:
    task, draft = TASKS["step_recognition"], only("step_recognition", step=label("clear_triangle"))
    setting = Setting("synthetic", plain=False)
    often = Counter(ask_as("check", task, draft, f"id-{n}", setting, draft.slots).answer for n in range(400))  # type: ignore[union-attr]
    assert 160 < often["check_yes"] < 240 and often.total() == 400


def test_a_plain_setting_and_an_explained_answer_have_no_form() -> None:
    task, draft = TASKS["phase_recognition"], only("phase_recognition", phase=label("preparation"))
    slots = {**wording_cases.common("phase_recognition", draft), **draft.slots}
    for n in range(100):
        assert ask(task, draft, f"id-{n}", PLAIN, slots).question == "default"
        assert ask(task, draft, f"id-{n}", SETTING, slots, explained=True).form is None
    kinds = Counter(ask(task, draft, f"id-{n}", SETTING, slots).question for n in range(2000))
    assert set(kinds) == {"default", "choice", "check", "context"} and kinds["default"] > 900


def test_only_training_samples_are_asked_in_other_ways_and_further_ones_in_all_splits() -> None:
    kind = get_source("synthetic")
    source = kind(options=parse_options(kind, {"videos": "8", "frames": "12", "width": "64", "height": "48"}))
    by_split: dict[str, set[QuestionKind]] = {}
    for video in source.videos():
        for _, _, sample in rehearse(source, video, [TASKS["instrument_recognition"], TASKS["phase_recognition"]]):
            assert sample.provenance.template is not None
            by_split.setdefault(sample.split, set()).add(kind_of(sample.provenance.template))
            assert sample.split == "train" or form_of(sample.provenance.template) is None
    evaluated = set().union(*(kinds for split, kinds in by_split.items() if split != "train"))
    assert evaluated == {QuestionKind.OPEN, QuestionKind.EXISTENCE}
    assert by_split["train"] > evaluated


def test_what_is_absent_is_asked_of_complete_lists_only() -> None:
    part = {Fact.INSTRUMENTS: Coverage.ANNOTATED_ONLY, Fact.INSTRUMENT_BOXES: Coverage.ANNOTATED_ONLY}
    seen = {"instruments": labels("hook"), "instrument_boxes": (boxed("hook", 0.1, 0.1, 0.3, 0.3),)}
    for coverage, asked in (({}, True), (part, False)):
        one = frame(**seen, coverage=coverage)
        found = [
            d
            for name in ("instrument_recognition", "instrument_localization")
            for n in range(60)
            for d in every_draft(TASKS[name], one, "cholect50", f"id-{n}", Style.VARIED)
            if is_further(d)
        ]
        assert bool(found) is asked
        assert all(d.question == "existence" for d in found)


def test_a_negative_is_not_in_the_frame_and_the_source_knows_it() -> None:
    for name in ("instrument_recognition", "tissue_recognition"):
        facts = {"instruments": labels("hook", "grasper"), "tissues": labels("liver", "gallbladder")}
        for n in range(200):
            for draft in made_further(name, n, "synthetic", **facts):
                id = draft.key.removeprefix("has-")
                there = id in {"hook", "grasper", "liver", "gallbladder"}
                assert there == bool(draft.answer.labels) == (draft.answer_group == "existence_yes")
                assert id in vocabulary("synthetic", TASKS[name].label_kinds[0]) and KEY.fullmatch(draft.key)


def test_a_changed_interaction_is_not_among_those_that_are_done() -> None:
    done = (triplet("hook", "dissect", "gallbladder"), triplet("grasper", "retract", "gallbladder"))
    made = (d for n in range(300) for d in made_further("triplet_recognition", n, triplets=done))
    found = [d for d in made if d.answer_group == "existence_no"]
    real = {f"does-{t.instrument.id}-{t.action.id}-{t.target.id}" for t in done}
    assert found and not real & {d.key for d in found}
    assert "does-grasper-grasp-gallbladder" not in {d.key for d in found}, "to retract it, it is grasped"


def test_a_choice_of_interactions_holds_one_that_is_done_and_near_ones_that_are_not() -> None:
    done = (triplet("hook", "dissect", "gallbladder"), triplet("grasper", "retract", "gallbladder"))
    task = TASKS["triplet_recognition"]
    made = [d for n in range(300) for d in made_further("triplet_recognition", n, triplets=done) if d.key == "choice"]
    assert made and {d.slots["picked"][0] for d in made} >= {*"ABC"}
    real = {(t.instrument.id, t.action.id, t.target.id) for t in done}
    for draft in made:
        options = draft.slots["options"].splitlines()
        assert 3 <= len(options) <= 4 and draft.slots["picked"] in options
        read = [task.parse(line[3:]).triplets[0] for line in options]
        assert {(t.instrument, t.action, t.target) for t in read} & real == {
            (t.instrument, t.action, t.target) for t in draft.answer.triplets
        }
        question = f"Which of these interactions takes place?\n{draft.slots['options']}"
        for said in (draft.slots["picked"], draft.slots["picked"][0]):
            assert task.parse(said, question=question).triplets == draft.answer.triplets
    assert may_be_reasoned(made[0])


def test_places_are_those_of_the_boxes() -> None:
    left, right = boxed("hook", 0.1, 0.1, 0.2, 0.2), boxed("grasper", 0.6, 0.5, 0.9, 0.9)
    found = {}
    for n in range(300):
        for d in made_further("instrument_localization", n, instrument_boxes=(left, right)):
            if d.question.startswith("place"):
                found[d.key] = d.answer.boxes[0].label
    assert found == {
        "which-further-to-the-left": "hook", "which-further-to-the-right": "grasper", "which-larger": "grasper",
        "which-higher-in-the-image": "hook", "which-lower-in-the-image": "grasper",
    }  # fmt: skip


def test_the_order_in_a_clip_is_that_of_the_segments() -> None:
    task = TASKS["action_recognition"]
    for course in wording_cases.courses():
        acts = Timeline(course).layers["action"]
        for _, draft in further_of_course(task, course, "video"):
            (cut,) = draft.inputs or ()
            assert isinstance(cut, Cut)
            seen = [s for s in acts if s.start_seconds < cut.end_seconds and s.end_seconds > cut.start_seconds]
            order = [s.label.id for s in sorted(seen, key=lambda s: s.start_seconds)]
            assert len(order) == 2 and draft.answer.labels == (order[0 if draft.question == "order_first" else 1],)
            names = {forms("action", id).noun for id in order}
            assert {draft.slots["first"], draft.slots["second"]} == names and draft.slots["right"] in names


def test_the_phase_before_is_given_only_where_it_is_known() -> None:
    def course(*, known: bool) -> Timeline:
        first = Segment("phase", label("preparation"), 0.0, 10.0)
        second = Segment("phase", label("clipping_and_cutting"), 10.0, 20.0, start_known=known)
        return Timeline(VideoTimeline(segments=(first, second)))

    assert course(known=True).just_before("phase", "clipping_and_cutting", 12.0) == "preparation"
    assert course(known=False).just_before("phase", "clipping_and_cutting", 12.0) is None
    assert course(known=True).just_before("phase", "preparation", 2.0) is None
    task, draft = TASKS["phase_recognition"], only("phase_recognition", phase=label("clipping_and_cutting"))
    assert ask_as("context", task, draft, "x", Setting("cholect50", FULL, None, plain=False), draft.slots) is None
    made = ask_as("context", task, draft, "x", SETTING, draft.slots)
    assert made is not None and "preparation" in made.slots["context"]


def test_whole_seconds_are_not_offered_beside_parts_of_one() -> None:
    for seconds in (1.0, 2.0, 3.0, 8.0, 0.5, 12.5):
        drawn = [found for n in range(400) if (found := durations(seconds, str(n))) is not None]
        places = Counter(sorted(float(text.split()[0]) for text in said).index(seconds) for said, _ in drawn)
        assert len(drawn) > 60 and max(places.values()) < 1.5 * min(places.values())
        if seconds.is_integer():
            assert all(float(text.split()[0]).is_integer() for said, _ in drawn for text in said)


def test_several_instruments_of_a_mask_are_asked_for_in_the_plural() -> None:
    task = TASKS["instrument_segmentation"]
    two = frame(instrument_masks=(mask("grasper"), mask("grasper"), mask("bipolar"), mask("hook")))
    asked = {d.key: (d.slots["thing"], d.slots["be"]) for d in task.draft(two) if d.question == "by_name"}  # type: ignore[misc]
    assert asked == {
        "grasper": ("the graspers", "are"),
        "bipolar": ("the bipolar forceps", "are"),
        "hook": ("the hook", "is"),
    }
