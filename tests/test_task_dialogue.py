"""Conversations of more than one question, and explained answers: chance, wording and what provenance says."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from surgsigma_hub.ontology import concept
from surgsigma_hub.tasks import Draft, Task, get_task
from surgsigma_hub.tasks.common.compose import common_slots
from surgsigma_hub.tasks.common.dialogue import (
    ALONE,
    COMPOUND,
    TURNS,
    DialoguePlan,
    Shares,
    definitions,
    messages,
    talk_about,
    worded,
)
from surgsigma_hub.tasks.common.wording import bank, slots_of

from task_frames import FULL, TASKS, all_drafts, only

SLOTS = common_slots("laparoscopic_cholecystectomy", "laparoscopy", "image")


def beside() -> dict[str, tuple[Task, Draft]]:
    made: dict[str, tuple[Task, Draft]] = {}
    for name, task in TASKS.items():
        drafts = list(task.draft(FULL)) if task.draft else []
        if len(drafts) == 1 and drafts[0].target is None:
            made[name] = (task, drafts[0])
    return made


def test_partners_are_tasks_asked_by_words_about_one_picture() -> None:
    for name, others in (*((a, (b,)) for a, b in COMPOUND.items()), *TURNS.items()):
        assert {name, *others} <= set(beside()) and name not in others


@given(st.text("abc123", min_size=1, max_size=20), st.sampled_from(sorted(COMPOUND)))
def test_a_talk_is_stable_and_names_what_it_joins(id: str, name: str) -> None:
    task, draft = beside()[name]
    assert talk_about(task, draft, id, beside(), Shares()) == ALONE
    talk = talk_about(task, draft, id, beside(), Shares(1.0, 1.0))
    assert talk == talk_about(task, draft, id, beside(), Shares(1.0, 1.0))
    assert talk.form in ("compound", "turns") and talk.others
    pairs, template = worded(task, draft, id, talk, SLOTS)
    assert template.startswith(f"{name}/")
    if talk.form == "compound":
        ((question, answer),) = pairs
        (other, some) = talk.others[0]
        alone = worded(task, draft, id, ALONE, SLOTS)[0][0]
        read = [t.parse(answer) for t in (task, other)]
        assert [r.labels for r in read] == [draft.answer.labels, some.answer.labels], "both are answered"
        assert question != alone[0]
        assert talk.augmentation[0] == f"compound:{other.name}"
    else:
        alone = [worded(t, d, id, ALONE, SLOTS)[0][0] for t, d in (*talk.others, (task, draft))]
        assert all(a.startswith(b) for (_, a), (_, b) in zip(pairs, alone, strict=True)), "its own comes last"
        assert pairs[0][0] == alone[0][0]
        assert not any(q.startswith(("Here is", "You ", "I am reviewing", "Look closely")) for q, _ in pairs[1:])
    turns = messages(pairs, "<image>")
    assert [m.role for m in turns] == ["user", "assistant"] * len(pairs)
    assert sum(m.content.count("<image>") for m in turns) == 1 and turns[0].content.startswith("<image>\n")


def test_shares_are_shares() -> None:
    task, draft = beside()["phase_recognition"]
    forms = [talk_about(task, draft, f"id-{n}", beside(), Shares(0.3, 0.1)) for n in range(2000)]
    assert 0.25 < sum(t.form != "alone" for t in forms) / 2000 < 0.35
    assert 0.07 < sum(t.explained for t in forms) / 2000 < 0.13
    assert {t.form for t in forms} == {"alone", "compound", "turns"}


def test_nothing_is_joined_where_no_partner_is_there() -> None:
    task, draft = beside()["phase_recognition"]
    assert talk_about(task, draft, "x", {}, Shares(1.0, 0.0)) == ALONE
    task, drafts = get_task("desmoking"), [d for _, d in all_drafts()["desmoking"]]
    assert talk_about(task, drafts[0], "x", beside(), Shares(1.0, 1.0)) == ALONE, "a picture is its answer"


def test_explanations_are_the_definitions_of_what_is_answered() -> None:
    draft = only("phase_recognition", phase=FULL.phase)
    pairs, _ = worded(get_task("phase_recognition"), draft, "x", DialoguePlan(explained=True), SLOTS)
    found = concept("phase", "clipping_and_cutting")
    ((_, answer),) = pairs
    plain, _, said = answer.partition("\n\n")
    assert found.name.lower() in plain.lower()
    assert said == f"Clipping and cutting: {found.definition[0].lower()}{found.definition[1:]}"
    assert DialoguePlan(explained=True).augmentation == ("explained",)


@pytest.mark.parametrize("name", sorted(TASKS))
def test_definitions_are_whole_sentences_of_at_most_three_labels(name: str) -> None:
    for _, draft in all_drafts()[name][::7]:
        said = definitions(TASKS[name], draft)
        assert len(said) <= 3
        for line in said:
            title, _, text = line.partition(" means to " if " means to " in line else ": ")
            assert title and text.endswith(".") and title[0].isupper()


def test_joint_questions_read_well() -> None:
    for group, lines in bank("dialogue").questions.items():
        assert len(lines) >= 8 and len(set(lines)) == len(lines)
        for line in lines:
            assert slots_of(line) <= ({"first", "second"} if group == "any" else {"procedure"}), line
            assert line.endswith((".", "?", "{second}"))
