"""What the template files hold: enough wordings, no dead group, questions that do not tell, a choice that is stable."""

from __future__ import annotations

import hashlib
import re
from collections import Counter

import pytest
from surgsigma_hub.errors import SurgSigmaError, UnknownNameError
from surgsigma_hub.ontology import KINDS, concepts
from surgsigma_hub.ontology.forms import forms
from surgsigma_hub.tasks.common.question_kinds import Form
from surgsigma_hub.tasks.common.wording import bank, filled, slots_of, word

import wording_cases
from task_frames import BY_NAME, TASKS, all_drafts, some_drafts

NAMED = {"existence", "check", "place", "order", "one", "choice", "done", "acted_on_by"}
"""Beginnings of the groups whose questions name labels on purpose."""


def names_labels(group: str) -> bool:
    return group in BY_NAME or group.partition("_")[0] in NAMED


# --------------------------------------------------------------------------------------------------------- counts


@pytest.mark.parametrize("name", TASKS)
def test_a_task_has_a_hundred_questions_and_thirty_answers(name: str) -> None:
    questions, answers = bank(name).questions, bank(name).answers
    main = {d.question for _, d in all_drafts()[name]}
    assert max(len(questions[group]) for group in main) >= 100
    assert sum(len(lines) for lines in answers.values()) >= 30
    assert max(len(answers[d.answer_group]) for _, d in all_drafts()[name]) >= 25
    assert all(len(lines) >= 24 for lines in questions.values()), {g: len(x) for g, x in questions.items()}
    assert all(len(lines) >= 8 for lines in answers.values()), {g: len(x) for g, x in answers.items()}


@pytest.mark.parametrize("name", TASKS)
def test_the_bank_is_distinct_and_has_no_dead_group(name: str) -> None:
    asked = [one for _, one in wording_cases.asked(name)]
    for side in ("questions", "answers"):
        groups = getattr(bank(name), side)
        beside = {"stated"} if side == "answers" else set()  # of questions asked together, see ``dialogue``
        assert set(groups) - beside == {one.question if side == "questions" else one.answer for one in asked}
        for group, lines in groups.items():
            plain = [re.sub(r"\W+", " ", line).strip().lower() for line in lines]
            assert not [line for line, often in Counter(plain).items() if often > 1], group
            assert all(re.fullmatch(r"[ -~\n]+", line) for line in lines), "plain ASCII"


@pytest.mark.parametrize("name", TASKS)
def test_shares_leave_most_questions_open_and_name_kinds_that_there_are(name: str) -> None:
    shares = bank(name).shares
    assert sum(shares.values()) <= 0.62 and all(0 < share < 0.3 for share in shares.values())
    for kind in shares:
        assert kind in list(Form) or kind in bank(name).questions, kind


def test_templates_do_not_fix_the_procedure_or_an_article() -> None:
    for name in TASKS:
        sides = (bank(name).questions, bank(name).answers)
        for line in (line for side in sides for lines in side.values() for line in lines):
            assert not re.search(r"\b[Aa]n? \{(?!view|camera)", line), f"{name}: {line!r} puts an article before a slot"
            assert not re.search(r"cholecyst|laparosc|gallbladder", line, re.IGNORECASE), f"{name}: {line!r}"
        assert any("procedure" in " ".join(slots_of(x)) for lines in bank(name).questions.values() for x in lines), name


# -------------------------------------------------------------------------------------------- what a question tells

ASKED = {
    "safety_assessment": {"safe_view", "criteria", "numbered", "definitions", "criterion_question"},
    "action_remaining_prediction": {"doing", "noun", "the_noun", "options"},
    "next_frame_generation": {"interval", "condition"},
    "video_generation": {"caption"},
}
"""What a task tells on purpose: the action timed, the condition of what is to be made, the criteria to judge."""
COMMON = {"procedure", "a_procedure", "medium", "a_medium", "view", "view_image", "organs", "structures"}


@pytest.mark.parametrize("name", TASKS)
def test_a_question_does_not_tell_the_answer(name: str) -> None:
    """No label of any kind stands in an open question, but for what the task tells on purpose."""
    kinds = [kind for kind in KINDS if kind != "procedure"]
    terms = {c.name.lower() for kind in kinds for c in concepts(kind).values()}  # type: ignore[arg-type]
    terms |= {forms("action", id).doing for id in concepts("action")} | {
        c.id.replace("_", " ")
        for kind in kinds
        for c in concepts(kind).values()  # type: ignore[arg-type]
    }
    terms -= {"working end"}  # where boxes enclose it, the question says so
    if name == "safety_assessment":
        terms = {"verdicts", "unmet"}
    allowed = COMMON | ASKED.get(name, set()) | {"context", "every", "all", "one", "several"}
    pattern = re.compile(rf"\b(?:{'|'.join(sorted(map(re.escape, terms)))})s?(?!\w)", re.IGNORECASE)
    for group, lines in bank(name).questions.items():
        if names_labels(group):
            continue
        for line in lines:
            assert {slot.lower() for slot in slots_of(line)} <= allowed, line
            assert not pattern.search(line), line


@pytest.mark.parametrize("name", TASKS)
def test_the_question_group_does_not_depend_on_the_answer(name: str) -> None:
    groups = {d.question for _, d in all_drafts()[name] if not names_labels(d.question)}
    assert groups in ({"default"}, {"all"}, {"default", "clip"}, {"from_text", "from_picture"}, {"default", "acted_on"})
    yes_no: dict[str, set[str]] = {}
    for draft in wording_cases.further_drafts(name):
        yes_no.setdefault(draft.question, set()).add(draft.answer_group)
    for group, answers in yes_no.items():
        if group.startswith(("existence", "check")):
            assert any(a.endswith("yes") for a in answers) and any(a.endswith("no") for a in answers), group


def test_a_question_by_name_holds_the_name_and_not_the_box() -> None:
    for name in ("instrument_localization", "tissue_localization"):
        for group in ("by_name", "by_region"):
            for line in bank(name).questions[group]:
                assert {"thing", "Thing_be", "thing_be"} & slots_of(line) and not {"box", "boxes"} & slots_of(line)
                assert ("region" in slots_of(line)) == (group == "by_region"), line
    assert all("thing" in slots_of(line) for line in bank("instrument_segmentation").questions["by_name"])


def test_as_many_ask_for_what_is_absent_as_for_what_is_there() -> None:
    for name in ("instrument_recognition", "tissue_recognition", "action_recognition", "triplet_recognition"):
        often = Counter(d.answer_group for d in wording_cases.further_drafts(name) if d.question == "existence")
        assert often["existence_yes"] == often["existence_no"] > 10, name
    for name in ("instrument_localization", "tissue_localization"):
        often = Counter(d.answer_group for d in wording_cases.further_drafts(name) if d.question == "existence")
        assert often["existence_yes"] + often["existence_several"] == often["existence_no"] > 10, name


def test_a_mask_answer_names_the_member() -> None:
    for lines in bank("instrument_segmentation").answers.values():
        assert all("target.png" in line for line in lines)


def test_answers_carry_what_the_answer_is() -> None:
    """A wording that left out the labels would teach nothing."""
    must = {
        "instrument_recognition": {"list", "a_list"},
        "tissue_recognition": {"list", "a_list"},
        "action_recognition": {"list", "doing"},
        "triplet_recognition": {"clauses"},
        "phase_recognition": {"label", "short"},
        "step_recognition": {"label", "short"},
    }
    for name, slots in must.items():
        for line in bank(name).answers["default"]:
            assert slots & slots_of(line), line
    for name in ("instrument_localization", "tissue_localization"):
        for group in ("all", "one", "by_name", "by_region", "existence_yes", "existence_several", "place"):
            assert all({"box", "boxes"} & slots_of(line) for line in bank(name).answers[group])
    for group, lines in bank("image_captioning").answers.items():
        assert all({"body"} <= slots_of(x) and "procedure" in " ".join(slots_of(x)) for x in lines)
        assert group == "without_phase" or all({"label", "short"} & slots_of(x) for x in lines)


# --------------------------------------------------------------------------------------------------------- choice


def test_word_spreads_over_the_bank() -> None:
    lines = bank("instrument_recognition").questions["default"]
    draft = next(d for _, d in all_drafts()["instrument_recognition"])
    slots = {**wording_cases.common("instrument_recognition", draft), "context": "x"}
    texts = [
        word("instrument_recognition", f"id-{n}", question="default", answer="none", slots=slots) for n in range(4000)
    ]
    used = Counter(q for q, _, _ in texts)
    assert len(used) == len(lines)
    assert max(used.values()) < 8 * min(used.values())


def test_two_tasks_with_one_id_do_not_take_the_same_line() -> None:
    """A phase and a step of one frame are not worded alike more often than chance has it."""
    slots = {**wording_cases.common("phase_recognition", all_drafts()["phase_recognition"][0][1]), "label": "x"}
    slots["short"] = "x"
    pairs = [
        [
            word(f"{stage}_recognition", f"id-{n}", question="default", answer="stated", slots=slots)[1]
            for stage in ("phase", "step")
        ]
        for n in range(1200)
    ]
    alike = sum(phase.replace("phase", "") == step.replace("step", "") for phase, step in pairs)
    assert alike < 1200 / len(bank("phase_recognition").answers["stated"]) * 1.6


GOLDEN = "ae7bbe2810b8d55e"


def test_word_is_stable() -> None:
    """The wording of a sample follows from its task and id alone, on any machine and in any run.

    A change of a bank changes this digest: that is a change of published texts, so it must be meant.
    """
    digest = hashlib.sha256()
    for name in TASKS:
        for _, draft in some_drafts(name):
            slots = {**wording_cases.common(name, draft), **draft.slots}
            for n in range(50):
                id = f"cholect50-VID{n:02d}-{n * 25:06d}-{name}"
                texts = word(name, id, question=draft.question, answer=draft.answer_group, slots=slots)
                digest.update("\n".join(texts).encode())
    assert digest.hexdigest()[:16] == GOLDEN


def test_word_names_what_is_missing() -> None:
    with pytest.raises(UnknownNameError, match=r"unknown slot '\w+' in templates/phase_recognition\.yaml"):
        word("phase_recognition", "x", question="default", answer="default", slots={})
    with pytest.raises(UnknownNameError, match="template group 'by_moon'"):
        word("phase_recognition", "x", question="by_moon", answer="default", slots={})
    with pytest.raises(SurgSigmaError, match=r"templates/unknown\.yaml"):
        word("unknown", "x", question="default", answer="default", slots={})


def test_a_slot_with_a_capital_begins_a_sentence() -> None:
    assert filled("so {be} it. {Be} it?", {"be": "is"}) == "So is it. Is it?"
    with pytest.raises(KeyError, match="been"):
        filled("{Been}", {"be": "is"})
