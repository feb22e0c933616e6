"""The typed answers of the tasks, on frames written by hand and on random boxes."""

from __future__ import annotations

from collections import Counter

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from surgsigma_hub.errors import UnknownNameError
from surgsigma_hub.ontology import concept
from surgsigma_hub.records import (
    Answer,
    AnswerBox,
    AnswerCriterion,
    AnswerTriplet,
    Box,
    Cut,
    Fact,
    Label,
    LabeledBox,
    Media,
    Stills,
    Verdict,
    Video,
    VideoTimeline,
)
from surgsigma_hub.schema import KEY, json_schema, sample_bytes
from surgsigma_hub.source import About, Access, Modality, Procedure, SourceInfo, Specialty
from surgsigma_hub.tasks.common.base import Masks
from surgsigma_hub.tasks.common.compose import compose, sample_id
from surgsigma_hub.tasks.common.question_kinds import Style

from task_frames import (
    PICTURE,
    TASKS,
    all_drafts,
    boxed,
    drafts,
    label,
    labels,
    mask,
    only,
    some_drafts,
    triplet,
)

INFO = SourceInfo(
    name="somewhere",
    about=About(title="Somewhere", license="mit", homepage="https://example.org"),
    specialty=Specialty.GENERAL_SURGERY,
    procedure=Procedure.LAPAROSCOPIC_CHOLECYSTECTOMY,
    modality=Modality.LAPAROSCOPY,
    access=Access.OPEN,
    access_steps="None.",
    layout="  videos/",
    facts=frozenset(Fact),
    split_schemes={"only": ("train",)},
)


@pytest.mark.parametrize("name", TASKS)
def test_a_draft_becomes_a_valid_sample(name: str) -> None:
    task = TASKS[name]
    video = Video(id="VID01", canonical_id="somewhere/VID01", split="train")
    validator = Draft202012Validator(json_schema())
    made = some_drafts(name)
    assert made
    for some, draft in made:
        inputs = (some.image,) if draft.inputs is None else draft.inputs
        kinds = ["video" if isinstance(one, Cut) else "image" for one in inputs]
        media = [Media(f"{k}.{'mp4' if k == 'video' else 'jpg'}", k, "input", "0" * 64) for k in kinds]  # type: ignore[arg-type]
        id = sample_id(task, INFO, video, some, draft)
        sample = compose(
            task, draft, id=id, info=INFO, video=video, frame=some, media=media, size=(8, 8), style=Style.PAPER
        )
        errors = [e.message for e in validator.iter_errors(orjson.loads(sample_bytes(sample)))]
        assert not errors, errors
        tags = "".join(f"<{kind}>" for kind in kinds)
        assert sample.messages[0].content.startswith(f"{tags}\n" if tags else "") and ">" not in (
            sample.messages[0].content.removeprefix(tags)
        )
        if any(isinstance(one, Cut) for one in (*inputs, draft.target)):
            assert sample.end_seconds is not None and sample.end_seconds > (sample.start_seconds or 0)
        assert sample.answer.text, "an answer always has a plain form"
        assert (sample.provenance.template or "").startswith(f"{name}/{draft.question}/")


@pytest.mark.parametrize("name", TASKS)
def test_no_facts_no_drafts(name: str) -> None:
    assert drafts(name) == []
    assert name == "desmoking" or drafts(name, variant="smoke", clean_image=PICTURE) == []
    of_course = TASKS[name].draft_course
    assert of_course is None or list(of_course(VideoTimeline())) == []
    assert of_course is None or list(of_course(VideoTimeline(segments=(), footage=Stills((), 1.0)))) == []


@pytest.mark.parametrize("name", TASKS)
def test_keys_are_safe_and_unique_and_a_draft_needs_what_the_task_declares(name: str) -> None:
    per_frame: dict[int, list[str]] = {}
    for number, (seen, draft) in enumerate(all_drafts()[name]):
        assert draft.key == "" or KEY.fullmatch(draft.key), number
        made = TASKS[name].draft
        if made and draft in made(seen):
            assert TASKS[name].offered_by(seen.facts()), (
                f"{name} makes drafts of {sorted(seen.facts())} but does not say so"
            )
        per_frame.setdefault(id(seen), []).append(draft.key)
    assert all(len(set(keys)) == len(keys) for keys in per_frame.values())


def test_phase_and_step() -> None:
    draft = only("phase_recognition", phase=label("calot_triangle_dissection"))
    assert draft.answer == Answer("Calot's triangle dissection", ("calot_triangle_dissection",))
    assert draft.native.labels == ("Native_calot_triangle_dissection",)
    draft = only("step_recognition", step=label("clear_triangle"), phase=label("preparation"))
    assert draft.answer == Answer("clearing of the hepatocystic triangle", ("clear_triangle",))


def test_instruments_without_repeats_in_the_order_of_the_vocabulary() -> None:
    draft = only("instrument_recognition", instruments=labels("hook", "grasper", "hook"))
    assert draft.answer == Answer("grasper, hook", ("grasper", "hook"))
    assert draft.native.labels == ("Native_hook", "Native_grasper")
    assert draft.slots["a_list"] == "a grasper and a hook"


def test_no_instruments_is_an_answer() -> None:
    draft = only("instrument_recognition", instruments=())
    assert (draft.answer, draft.answer_group, draft.question) == (Answer("none"), "none", "default")


def test_instruments_from_boxes_or_masks_where_there_is_no_list() -> None:
    boxes = (boxed("hook", 0, 0, 0.1, 0.1), boxed("hook", 0.5, 0, 0.6, 0.1))
    assert only("instrument_recognition", instrument_boxes=boxes).answer.labels == ("hook",)
    assert only("instrument_recognition", instruments=labels("snare"), instrument_boxes=boxes).answer.text == "snare"
    masks = (mask("scissors"), mask("bipolar"))
    draft = only("instrument_recognition", instrument_masks=masks)
    assert draft.answer == Answer("bipolar forceps, scissors", ("bipolar", "scissors"))
    assert draft.slots["a_list"] == "bipolar forceps and scissors"
    assert only("instrument_recognition", instrument_boxes=()).answer_group == "none"
    assert only("instrument_recognition", instrument_masks=()).answer_group == "none"


def test_a_mask_without_label_leaves_the_list_unknown() -> None:
    assert drafts("instrument_recognition", instrument_masks=(mask("hook"), mask(None))) == []


def test_tissues() -> None:
    draft = only("tissue_recognition", tissues=labels("liver", "specimen_bag", "gallbladder", "null"))
    assert draft.answer == Answer("gallbladder, liver", ("gallbladder", "liver"))
    assert "Native_specimen_bag" in draft.native.labels
    assert only("tissue_recognition", tissues=labels("specimen_bag")).answer == Answer("none")
    assert only("tissue_recognition", tissue_boxes=(boxed("gut", 0, 0, 1, 1),)).answer.labels == ("gut",)


def test_actions() -> None:
    draft = only("action_recognition", actions=labels("cut", "null", "retract", "cut"))
    assert draft.answer == Answer("retract, cut", ("retract", "cut"))
    assert (draft.slots["list"], draft.slots["be"]) == ("retraction and cutting", "are")
    for nothing in ((), labels("null")):
        draft = only("action_recognition", actions=nothing)
        assert (draft.answer, draft.answer_group) == (Answer("none"), "none")


def test_triplets() -> None:
    draft = only(
        "triplet_recognition",
        triplets=(
            triplet("hook", "dissect", "cystic_duct"),
            triplet("scissors", "null", "null"),
            triplet("irrigator", "aspirate", "null"),
            triplet("hook", "dissect", "cystic_duct"),
        ),
    )
    assert draft.answer.triplets == (
        AnswerTriplet("hook", "dissect", "cystic_duct"),
        AnswerTriplet("scissors", "null", "null"),
        AnswerTriplet("irrigator", "aspirate", "null"),
    )
    assert draft.answer.text == (
        "hook, dissect, cystic duct; scissors, no action, no target; irrigator, aspirate, no target"
    )
    assert draft.slots["clauses"] == (
        "the hook is dissecting the cystic duct, the scissors are in view but idle "
        "and the irrigator is suctioning without a named target"
    )
    assert draft.native.labels[0] == "Native_hook,Native_dissect,Native_cystic_duct"
    assert only("triplet_recognition", triplets=()).answer_group == "none"


def test_two_triplets_of_one_kind_are_told_apart() -> None:
    pair = (triplet("grasper", "retract", "liver"), triplet("grasper", "grasp", "gallbladder"))
    clauses = only("triplet_recognition", triplets=pair).slots["clauses"]
    assert clauses == "one grasper is retracting the liver and another grasper is grasping the gallbladder"


def test_localization_by_name_and_by_region() -> None:
    hook = boxed("hook", 0.643, 0.0, 0.92, 0.2984)
    left, right = boxed("grasper", 0.1, 0.1, 0.2, 0.2), boxed("grasper", 0.8, 0.7, 0.9, 0.9)
    everything, *single = drafts("instrument_localization", instrument_boxes=(hook, right, left))
    assert everything.answer.text == (
        "grasper [0.100, 0.100, 0.200, 0.200]; hook [0.643, 0.000, 0.920, 0.298]; grasper [0.800, 0.700, 0.900, 0.900]"
    )
    assert everything.answer.boxes[1] == AnswerBox("hook", 0.643, 0.0, 0.92, 0.2984)
    assert everything.native.labels == ("Native_grasper", "Native_hook", "Native_grasper")
    assert [(d.key, d.question) for d in single] == [
        ("grasper-top-left", "by_region"),
        ("hook", "by_name"),
        ("grasper-bottom-right", "by_region"),
    ]
    assert single[0].answer.boxes == (AnswerBox("grasper", 0.1, 0.1, 0.2, 0.2),)
    assert single[1].answer.text == "hook [0.643, 0.000, 0.920, 0.298]"


def test_two_of_a_kind_in_one_region_are_asked_for_only_among_all() -> None:
    near = (boxed("grasper", 0.1, 0.1, 0.2, 0.2), boxed("grasper", 0.12, 0.1, 0.22, 0.2))
    assert [d.key for d in drafts("instrument_localization", instrument_boxes=near)] == ["all"]
    twice = (near[0], near[0])  # the source's own repeat: two instances on one place
    (draft,) = drafts("instrument_localization", instrument_boxes=twice)
    assert len(draft.answer.boxes) == 2


def test_no_boxes_is_an_answer() -> None:
    draft = only("instrument_localization", instrument_boxes=())
    assert (draft.key, draft.answer, draft.answer_group, draft.question) == ("all", Answer("none"), "none", "all")
    assert only("tissue_localization", tissue_boxes=(boxed("specimen_bag", 0, 0, 1, 1),)).answer_group == "none"


_SPAN = st.tuples(st.floats(0, 1), st.floats(0, 1)).filter(lambda p: p[0] != p[1]).map(sorted)
_BOXES = st.lists(
    st.builds(
        lambda id, x, y: boxed(id, x[0], y[0], x[1], y[1]),
        st.sampled_from(["grasper", "hook", "bipolar"]),
        _SPAN,
        _SPAN,
    ),
    max_size=8,
)


def _cell(box: Box | AnswerBox) -> tuple[int, int]:
    return (min(2, int((box.x1 + box.x2) / 2 * 3)), min(2, int((box.y1 + box.y2) / 2 * 3)))


_CELL_WORDS = {
    (0, 0): "top left",
    (1, 0): "top center",
    (2, 0): "top right",
    (0, 1): "middle left",
    (1, 1): "center",
    (2, 1): "middle right",
    (0, 2): "bottom left",
    (1, 2): "bottom center",
    (2, 2): "bottom right",
}


@given(_BOXES)
def test_a_question_for_one_instance_identifies_exactly_one(boxes: list[LabeledBox]) -> None:
    everything, *single = drafts("instrument_localization", instrument_boxes=tuple(boxes))
    assert Counter(everything.answer.boxes) == Counter(
        AnswerBox(b.label.id, b.box.x1, b.box.y1, b.box.x2, b.box.y2) for b in boxes
    )
    assert [b.x1 for b in everything.answer.boxes] == sorted(b.box.x1 for b in boxes)
    assert len({d.key for d in single}) == len(single)
    for draft in single:
        (answer,) = draft.answer.boxes
        fitting = [b for b in boxes if concept("instrument", b.label.id).name == draft.slots["name"]]
        assert (draft.question == "by_name") == (len(fitting) == 1)
        if draft.question == "by_region":
            fitting = [b for b in fitting if _CELL_WORDS[_cell(b.box)] == draft.slots["region"]]
        assert [(b.label.id, b.box.x1, b.box.y1) for b in fitting] == [(answer.label, answer.x1, answer.y1)]
    per_cell = Counter((b.label.id, _cell(b.box)) for b in boxes)
    assert len(single) == sum(n == 1 for n in per_cell.values()), "each that can be singled out is asked for"


@given(_BOXES, st.randoms())
def test_the_order_of_the_source_does_not_matter(boxes: list[LabeledBox], random: object) -> None:
    mixed = list(boxes)
    random.shuffle(mixed)  # type: ignore[attr-defined]
    one = drafts("instrument_localization", instrument_boxes=tuple(boxes))
    assert one == drafts("instrument_localization", instrument_boxes=tuple(mixed))


def test_segmentation_of_all_and_by_name() -> None:
    hook, left, right = mask("hook"), mask("grasper"), mask("grasper")
    everything, grasper, single = drafts("instrument_segmentation", instrument_masks=(hook, left, right))
    assert (everything.key, everything.target) == ("all", Masks((hook, left, right)))
    assert everything.answer == Answer("mask of grasper, hook", ("grasper", "hook"))
    assert (grasper.key, grasper.target, grasper.answer.labels) == ("grasper", Masks((left, right)), ("grasper",))
    assert (single.key, single.target, single.question) == ("hook", Masks((hook,)), "by_name")


def test_segmentation_without_labels_or_instruments() -> None:
    draft = only("instrument_segmentation", instrument_masks=(mask(None), mask("hook")))
    assert isinstance(draft.target, Masks) and len(draft.target.regions) == 2
    assert (draft.key, draft.answer) == ("all", Answer("mask of all instruments"))
    draft = only("instrument_segmentation", instrument_masks=())
    assert (draft.target, draft.answer_group, draft.answer.text) == (Masks(()), "none", "no instrument in view")


def test_safety() -> None:
    verdicts = (
        Verdict(label("cystic_plate"), False),
        Verdict(label("two_structures"), True, (1.0, 0.0, 1.0)),
        Verdict(label("hepatocystic_triangle"), False, (0.0,)),
    )
    draft = only("safety_assessment", criteria=verdicts)
    assert draft.answer.text == (
        "two structures entering the gallbladder: yes; hepatocystic triangle cleared: no; cystic plate exposed: no"
    )
    assert draft.answer.criteria[0] == AnswerCriterion("two_structures", True, (1.0, 0.0, 1.0))
    assert [c.criterion for c in draft.answer.criteria] == ["two_structures", "hepatocystic_triangle", "cystic_plate"]
    assert draft.answer_group == "some_met" and draft.slots["safe_view"] == "critical view of safety"
    assert only("safety_assessment", criteria=verdicts[1:2]).answer_group == "all_met"
    assert only("safety_assessment", criteria=verdicts[:1]).answer_group == "none_met"
    assert drafts("safety_assessment", criteria=()) == []


def test_caption_joins_what_is_there() -> None:
    draft = only(
        "image_captioning",
        phase=label("calot_triangle_dissection"),
        step=label("clear_triangle"),
        triplets=(triplet("hook", "dissect", "cystic_duct"), triplet("bipolar", "null", "null")),
        instruments=labels("bipolar", "specimen_bag", "hook"),
        tissues=labels("liver", "gallbladder", "specimen_bag"),
        criteria=(Verdict(label("cystic_plate"), False), Verdict(label("two_structures"), True)),
        clean_image=PICTURE,
    )
    assert draft.answer == Answer(
        "The phase is Calot's triangle dissection. "
        "The hook is dissecting the cystic duct and the bipolar forceps are in view but idle. "
        "A specimen bag is also in view. The gallbladder and the liver can be seen. "
        "Safety criteria met: two structures entering the gallbladder. Safety criteria not met: cystic plate exposed. "
        "Smoke veils part of the view. The step is clearing of the hepatocystic triangle."
    )
    assert draft.native.labels[0] == "Native_calot_triangle_dissection"


def test_caption_needs_a_subject_and_one_fact_more() -> None:
    phase, grasper, tissue = label("preparation"), labels("grasper"), labels("liver")
    assert drafts("image_captioning", phase=phase) == []
    assert drafts("image_captioning", instruments=grasper) == []
    assert drafts("image_captioning", tissues=tissue, clean_image=PICTURE) == []
    assert drafts("image_captioning", phase=phase, tissues=labels("specimen_bag")) == []
    assert drafts("image_captioning", phase=phase, clean_image=PICTURE) == []
    assert only("image_captioning", phase=phase, tissues=tissue).answer.text == (
        "The phase is preparation. The liver can be seen."
    )
    draft = only("image_captioning", instruments=grasper, tissues=tissue)
    assert draft.answer.text == "A grasper is in view. The liver can be seen."
    assert draft.answer_group == "without_phase"


def test_caption_claims_absence_only_where_the_source_does() -> None:
    phase = label("preparation")
    seen, tissues = labels("scissors", "hook"), labels("liver")
    none = only("image_captioning", phase=phase, instruments=(), tissues=tissues)
    assert none.slots["body"] == "No instrument is in view. The liver can be seen."
    none = only("image_captioning", phase=phase, triplets=(), tissues=tissues)
    assert none.slots["body"] == "No instrument is acting on tissue. The liver can be seen."
    some = only("image_captioning", phase=phase, triplets=(), instruments=seen)
    assert some.slots["body"] == "A hook and scissors are in view."
    assert "criteria" not in only("image_captioning", phase=phase, instruments=seen, criteria=()).answer.text


def test_a_label_that_was_not_resolved_is_refused() -> None:
    with pytest.raises(UnknownNameError):
        drafts("instrument_recognition", instruments=(Label("Grasper"),))
    with pytest.raises(UnknownNameError):
        drafts("phase_recognition", phase=Label("Preparation"))
