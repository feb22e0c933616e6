"""The checker: what facts hold is accepted however it is worded, anything else is objected to by name."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from surgsigma_hub.errors import BadRowError
from surgsigma_hub.ontology import concepts
from surgsigma_hub.reasoning import Facts, Objection, check, write_trace
from surgsigma_hub.reasoning.claim import What
from surgsigma_hub.reasoning.claims import claims
from surgsigma_hub.records import Answer, AnswerTriplet, Frame, Reasoning, Trace, Verdict

from reasoning_cases import BARE, PROCEDURE, RICH, SCENE, clips, drafted, judged, next_action, synthetic, trace
from task_frames import TASKS, boxed, drafts, frame, label, labels, only, triplet

FACTS = Facts.of_frame(SCENE, PROCEDURE)
EMPTY = Facts.of_frame(frame(), PROCEDURE)


def whys(text: str, facts: Facts = FACTS) -> list[str]:
    return [f"{o.claim}: {o.why}" for o in check(f"Level 1: {text}", facts)]


# ---------------------------------------------------------------------------------------------------- single claims

TRUE = """a hook
A Hook and a GRASPER are seen beside the liver.
There is no bipolar forceps and no irrigator or scissors.
The clipper is not visible.
Two surgical instruments can be identified.
In the top left there is a grasper, and in the bottom right a hook.
The hook lies in the lower right quadrant.
the grasper on the upper-left side of the gallbladder
hook (643,700),(920,998)
grasper [0.0, 0.1, 0.3, 0.3]
The hook at (549, 335), (786, 475) in pixels.
grasper (a shiny thing) is retracting the gallbladder.
The gallbladder is being retracted by the grasper.
Using the hook, the surgeon dissects the cystic duct.
grasper retract gallbladder, hook dissect cystic_duct
The phase is CalotTriangleDissection.
This is not the preparation phase.
The step is clearing of the hepatocystic triangle.
Criterion 1: Yes; Criterion 2: No.
two structures entering the gallbladder: yes; cystic plate exposed: no
Two structures entering the gallbladder: met, but cystic plate exposed: not yet met.
The critical view of safety is not achieved.
Smoke hangs over the shiny red field.
laparoscopic cholecystectomy""".splitlines()

FALSE = [
    ("A bipolar forceps is seen.", "bipolar"),
    ("the peritoneum", "peritoneum"),
    ("There is no hook.", "hook"),
    ("No grasper or hook is in view.", "hook"),
    ("no instrument is in view", "grasper"),
    ("No instrument is acting.", "retract"),
    ("Three instruments are in view.", "2"),
    ("The hook lies in the top left.", "bottom right"),
    ("In the bottom right there is a grasper.", "top left"),
    ("hook (143,700),(420,998)", "hook"),
    ("grasper [0.643, 0.7, 0.92, 0.998]", "grasper"),
    ("liver [0.0, 0.1, 0.3, 0.3]", "liver"),
    ("the hook is retracting the gallbladder", "hook"),
    ("The gallbladder is being retracted by the hook.", "hook"),
    ("The grasper is in view without acting.", "grasper"),
    ("The grasper is retracting the liver.", "liver"),
    ("The hook is clipping the cystic duct.", "clip"),
    ("The phase is gallbladder packaging.", "gallbladder_packaging"),
    ("This is not Calot's triangle dissection.", "calot_triangle_dissection"),
    ("The step is bagging of the specimen.", "bag_specimen"),
    ("After preparation, work goes on.", "preparation"),
    ("The next phase will be clipping and cutting.", "clipping_and_cutting"),
    ("Criterion 1: No.", "two_structures"),
    ("two structures entering the gallbladder: no", "two_structures"),
    ("Cystic plate exposed: met.", "not met"),
    ("Hepatocystic triangle cleared: met.", "hepatocystic_triangle"),
    ("The critical view of safety is achieved.", "cystic_plate"),
    ("The view is free of smoke.", "smoke"),
    ("It lasts 12 seconds.", "12 seconds"),
]


@pytest.mark.parametrize("text", TRUE)
def test_what_the_facts_hold_is_accepted(text: str) -> None:
    assert whys(text) == []


@pytest.mark.parametrize(("text", "names"), FALSE)
def test_what_they_do_not_hold_is_objected_to_by_name(text: str, names: str) -> None:
    found = whys(text)
    assert found and any(names in why for why in found), found


@pytest.mark.parametrize("text", [t for t in TRUE if t[0] not in "Ll" or "Level" in t])
def test_nothing_is_known_of_what_nobody_annotated(text: str) -> None:
    if claims(text) and "cholecystectomy" not in text:
        assert whys(text, EMPTY), text


def test_a_kind_that_was_not_annotated_cannot_be_said_to_be_absent() -> None:
    only_phase = Facts.of_frame(frame(phase=label("preparation")), PROCEDURE)
    assert "not in the facts" in " ".join(whys("There is no hook.", only_phase))
    assert "not in the facts" in " ".join(whys("No tissue is in view.", only_phase))
    assert "no target was annotated" in " ".join(whys("The liver is red.", only_phase))
    from_triplets = Facts.of_frame(frame(triplets=SCENE.triplets), PROCEDURE)
    assert whys("The gallbladder is red.", from_triplets) == []
    assert whys("There is no liver.", from_triplets)


def test_levels_of_objections() -> None:
    found = check(Trace("A hook.", "A snare.", "The phase is preparation."), FACTS)
    assert [(o.level, o.claim) for o in found] == [(2, "snare"), (3, "preparation")]


# ------------------------------------------------------------------------------------------------------- mutations

SWAPS: list[tuple[str, Frame, str]] = [
    ("phase_recognition", replace(SCENE, phase=label("gallbladder_dissection")), "gallbladder_dissection"),
    ("step_recognition", replace(SCENE, step=label("bag_specimen")), "bag_specimen"),
    ("instrument_recognition", replace(SCENE, instruments=labels("grasper", "snare")), "snare"),
    (
        "tissue_recognition",
        replace(SCENE, tissues=labels("gut"), tissue_boxes=(boxed("gut", 0.1, 0.1, 0.5, 0.5),)),
        "gut",
    ),
    ("safety_assessment", replace(SCENE, criteria=(Verdict(label("two_structures"), False),)), "two_structures"),
    ("triplet_recognition", replace(SCENE, triplets=(triplet("hook", "retract", "gallbladder"),)), "hook"),
    (
        "triplet_recognition",
        replace(SCENE, triplets=(triplet("grasper", "retract", "gallbladder"), triplet("hook", "null", "null"))),
        "hook",
    ),
    ("action_recognition", replace(SCENE, actions=labels("irrigate")), "irrigate"),
    ("image_captioning", replace(SCENE, triplets=(triplet("grasper", "grasp", "gallbladder"),)), "grasp"),
    (
        "instrument_recognition",
        replace(SCENE, instrument_boxes=(boxed("grasper", 0.4, 0.4, 0.6, 0.6), SCENE.instrument_boxes[1])),  # type: ignore[index]
        "grasper",
    ),
    (
        "instrument_localization",
        replace(SCENE, instrument_boxes=(boxed("hook", 0.643, 0.5, 0.92, 0.7),)),
        "hook",
    ),
]


@pytest.mark.parametrize(("name", "other", "names"), SWAPS, ids=[f"{n}-{w}" for n, _, w in SWAPS])
def test_a_trace_of_other_facts_is_rejected_by_name(name: str, other: Frame, names: str) -> None:
    tissues = (boxed("gallbladder", 0.2, 0.3, 0.6, 0.7), boxed("liver", 0.0, 0.0, 0.9, 0.4))
    mine = replace(SCENE, actions=labels("dissect"), tissue_boxes=tissues if name == "tissue_recognition" else None)
    draft = drafted(name, mine)[0]
    for seed in "abcdef":
        own = trace(name, mine, draft, seed=seed)
        assert judged(name, own, mine, draft) == ()
        swapped = drafted(name, other)[0]
        found = judged(name, trace(name, other, swapped, seed=seed), mine, draft)
        assert any(names in f"{o.claim} {o.why}" for o in found), found


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("phase_recognition", "Calot's triangle dissection", "gallbladder packaging"),
        ("phase_recognition", "hook", "snare"),
        ("phase_recognition", "top left", "bottom left"),
        ("phase_recognition", "cystic duct", "omentum"),
        ("phase_recognition", "retracting", "grasping"),
        ("step_recognition", "clearing of the hepatocystic triangle", "rinsing and inspection"),
        ("safety_assessment", "two structures entering the gallbladder", "hepatocystic triangle cleared"),
        ("instrument_localization", "0.643", "0.343"),
        ("tissue_recognition", "liver", "gut"),
    ],
)
def test_one_swapped_word_is_enough(name: str, old: str, new: str) -> None:
    draft = drafted(name, SCENE)[0]
    swaps = 0
    for seed in map(str, range(40)):
        made = trace(name, SCENE, draft, seed=seed)
        levels = (made.perceptual, made.relational, made.contextual)
        swapped = [t and t.replace(old, new).replace(old.capitalize(), new.capitalize()) for t in levels]
        if tuple(swapped) == levels:
            continue  # in other words
        swaps += 1
        found = judged(name, Reasoning(made.level, *swapped), SCENE, draft)
        assert found and any(new.split()[-1].lower()[:5] in f"{o.claim} {o.why}".lower() for o in found), found
    assert swaps >= 3


def test_any_other_phase_is_rejected_for_drawn_frames() -> None:
    frames, course = synthetic()
    for seen in frames[::6]:
        for id in concepts("phase"):
            if seen.phase is None or id == seen.phase.id:
                continue
            other = replace(seen, phase=label(id))
            (draft,), (own,) = drafted("phase_recognition", other), drafted("phase_recognition", seen)
            made = trace("phase_recognition", other, draft)
            assert any(id in o.why for o in judged("phase_recognition", made, seen, own, course)), (id, made)


# ------------------------------------------------------------------------------------------------------ entailment


def test_the_last_level_has_to_come_to_the_answer() -> None:
    task, answer = TASKS["phase_recognition"], Answer("Calot", ("calot_triangle_dissection",))
    assert "does not come to the answer" in _one(check("Level 3: A hook is seen.", FACTS, answer, task)).why
    early = check("Level 1: Calot's triangle dissection. \nLevel 3: A hook.", FACTS, answer, task)
    assert "does not come to" in _one(early).why
    beside = "<think>Level 3: Calot's triangle dissection.</think><answer>CalotTriangleDissection</answer>"
    assert check(beside, FACTS, answer, task) == ()
    assert check(Reasoning(), FACTS, answer, task)
    assert check(Reasoning(), FACTS, Answer("picture"), TASKS["desmoking"]) == ()


def _one(found: tuple[Objection, ...]) -> Objection:
    (one,) = found
    return one


def test_each_part_of_the_answer_is_needed() -> None:
    task = TASKS["triplet_recognition"]
    answer = only("triplet_recognition", triplets=SCENE.triplets).answer
    half = "Level 2: The grasper is retracting the gallbladder."
    assert "hook dissect cystic_duct" in _one(check(half, FACTS, answer, task)).why
    task, boxes = TASKS["instrument_localization"], next(iter(drafts("instrument_localization", **_boxes()))).answer
    assert "box of hook" in _one(check("Level 1: grasper (0,100),(300,300)", FACTS, boxes, task)).why
    both = "Level 1: grasper (0,100),(300,300) hook (643,700),(920,998)"
    assert check(both, FACTS, boxes, task) == ()


def _boxes() -> dict[str, Any]:
    return {"instrument_boxes": SCENE.instrument_boxes}


def test_a_list_may_not_name_more_than_the_answer() -> None:
    task = TASKS["instrument_recognition"]
    assert "the answer does not" in _one(check("Level 1: A hook, a grasper.", FACTS, Answer("h", ("hook",)), task)).why
    nothing = Facts.of_frame(frame(instruments=()), PROCEDURE)
    assert check("Level 1: No instrument is in view.", nothing, Answer("none"), task) == ()
    assert "does not say" in _one(check("Level 1: A red field.", nothing, Answer("none"), task)).why


def test_seconds() -> None:
    task, seen, draft = clips(BARE)[3]
    facts = Facts.of_frame(seen, PROCEDURE, BARE, draft=draft)
    assert check("Level 3: It ends in 15 seconds.", facts, draft.answer, task) == ()
    assert check("Level 3: It ends in 0.25 minutes.", facts, draft.answer, task) == ()
    assert "answer of 15 s" in " ".join(o.why for o in check("Level 3: In 20 s it ends.", facts, draft.answer, task))


def test_what_is_foretold_may_not_be_known_too_soon() -> None:
    task, seen, draft = next_action(BARE, 40, 50, "clip")
    facts = Facts.of_frame(seen, PROCEDURE, BARE, draft=draft)
    assert facts.phase is None, "it was not asked for"
    fine = "Level 2: The surgeon is dissecting.\nLevel 3: What comes next is clipping."
    assert check(fine, facts, draft.answer, task) == ()
    early = "Level 2: The surgeon is clipping.\nLevel 3: What comes next is clipping."
    assert [(o.level, o.claim) for o in check(early, facts, draft.answer, task)] == [(2, "clipping")]
    wrong = "Level 3: What comes next is aspirating."
    assert len(check(wrong, facts, draft.answer, task)) == 2
    phase = fine + " The next phase is clipping and cutting."
    assert "later" in _one(check(phase, facts, draft.answer, task)).why


# ----------------------------------------------------------------------------------- traces as others publish them

PUBLISHED = """<think>This is a Level 2 task requiring analysis of tool-tissue interaction.

Level 1:Examining the The laparoscopic cholecystectomy operative field, I can identify a silver grasper.

Level 2: The grasper is used to retract the gallbladder, whose wall is pale.

</think>
<answer>grasper {} gallbladder</answer>"""


def test_a_published_trace_that_contradicts_its_answer() -> None:
    truth = Answer("x", triplets=(AnswerTriplet("grasper", "retract", "gallbladder"),))
    task = TASKS["triplet_recognition"]
    assert check(PUBLISHED.format("retract"), FACTS, truth, task) == ()
    found = check(PUBLISHED.format("grasp"), FACTS, truth, task)
    assert {o.level for o in found} == {0} and any("contradicts" in o.why for o in found)
    assert any("contradicts" in o.why for o in check(PUBLISHED.format("grasp"), FACTS))


def test_boxes_of_published_traces_are_pixels() -> None:
    told = "<think>Level 1:A hook, coordinates [540, 333, 773, 475].</think>\n<answer>hook(540,333),(773,475)</answer>"
    answer = Answer(
        "x", boxes=tuple(b for b in next(iter(drafts("instrument_localization", **_boxes()))).answer.boxes[1:])
    )
    assert check(told, FACTS, answer, TASKS["instrument_localization"]) == ()
    assert check(told.replace("540", "140"), FACTS, answer, TASKS["instrument_localization"])


def test_text_without_levels_belongs_to_the_level_of_the_task() -> None:
    assert check("A snare.", FACTS, None, TASKS["action_recognition"])[0].level == 2


def test_control_tokens_are_refused() -> None:
    with pytest.raises(BadRowError):
        check("Level 1: <|box_start|>", FACTS)


@given(st.text(max_size=60) | st.lists(st.sampled_from([*TRUE, *(t for t, _ in FALSE)]), max_size=4).map(" ".join))
def test_any_text_is_judged_without_failing(text: str) -> None:
    if "<|" not in text:
        check(text, FACTS, only("phase_recognition", phase=SCENE.phase).answer, TASKS["phase_recognition"])


def test_a_hostile_text_takes_no_time() -> None:
    for text in ("no " * 5000, "[0," * 3000, "hook " * 3000, "the top left " * 2000, "cystic " * 5000, "9" * 9000):
        claims(text)


def test_claims_are_quoted() -> None:
    assert [c.text for c in claims("In the top left there is a hook.") if c.what is What.PLACED] == [
        "hook: In the top left"
    ]


def test_a_written_trace_passes_as_text() -> None:
    for task, seen, draft in clips(RICH):
        text = write_trace(trace(task.name, seen, draft, RICH), draft.answer.text)
        assert judged(task.name, text, seen, draft, RICH) == (), text
