"""Conversations of more than one question, and explanations: ways to word drafts together, without new facts.

A *compound* asks two things in one turn, *turns* ask one thing after the other about the same picture, the sample's own
question last. Which samples become one is chance drawn from their id. The typed answer stays that of the sample's own
task; what was joined is told in ``provenance.augmentation``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from ...ontology.forms import defined
from ...records import Message
from .asking import ask
from .base import Draft, Task
from .chance import chances
from .question_kinds import PLAIN, Setting
from .wording import bank, word

COMPOUND: Mapping[str, str] = {
    "phase_recognition": "step_recognition",
    "step_recognition": "phase_recognition",
    "instrument_recognition": "action_recognition",
    "action_recognition": "instrument_recognition",
    "tissue_recognition": "instrument_recognition",
}
"""The task whose labels go together with those of another: phase with step, instrument with action.

Each answer of such a pair can still be read out of the joint one; those of triplets and criteria could not.
"""

TURNS: Mapping[str, tuple[str, ...]] = {
    "phase_recognition": ("instrument_recognition", "triplet_recognition"),
    "step_recognition": ("instrument_recognition", "phase_recognition"),
    "action_recognition": ("instrument_recognition", "tissue_recognition"),
    "triplet_recognition": ("instrument_recognition", "tissue_recognition"),
    "safety_assessment": ("tissue_recognition", "phase_recognition"),
    "image_captioning": ("instrument_recognition", "phase_recognition"),
}
"""What is asked before, from what is seen to what it means."""

_MOST_DEFINITIONS = 3


def companions_of(name: str) -> tuple[str, ...]:
    """The tasks that may be asked about together with this one."""
    return (*((COMPOUND[name],) if name in COMPOUND else ()), *TURNS.get(name, ()))


@dataclass(frozen=True, slots=True)
class Shares:
    """Shares of samples (0..1) that are joined with others, and that are explained."""

    joint: float = 0.0
    explained: float = 0.0


@dataclass(frozen=True, slots=True)
class DialoguePlan:
    """How a sample is talked about: alone, or with drafts of other tasks on the same picture."""

    form: Literal["alone", "compound", "turns"] = "alone"
    others: tuple[tuple[Task, Draft], ...] = ()
    explained: bool = False

    @property
    def augmentation(self) -> tuple[str, ...]:
        """What ``provenance.augmentation`` says of it."""
        joined = () if self.form == "alone" else (f"{self.form}:{'+'.join(task.name for task, _ in self.others)}",)
        return (*joined, *(("explained",) if self.explained else ()))


ALONE = DialoguePlan()


def talk_about(
    task: Task, draft: Draft, id: str, beside: Mapping[str, tuple[Task, Draft]], shares: Shares
) -> DialoguePlan:
    """Chooses the form of one sample.

    Args:
        task: The sample's own task.
        draft: Its draft.
        id: Its id, from which chance is drawn.
        beside: Drafts of other tasks on the same picture that have one question and no medium as answer, by task.
        shares: How often.
    """
    to_explain, to_join, form = chances(3, "talk", id)
    explained = to_explain < shares.explained and bool(definitions(task, draft))
    if draft.inputs is None and draft.target is None and to_join < shares.joint:
        other = COMPOUND.get(task.name, "")
        before = tuple(beside[name] for name in TURNS.get(task.name, ()) if name in beside)
        if other in beside and (not before or form < 0.5):
            return DialoguePlan("compound", (beside[other],), explained)
        if before:
            return DialoguePlan("turns", before, explained)
    return DialoguePlan(explained=explained)


def definitions(task: Task, draft: Draft) -> list[str]:
    """What the labels of an answer mean, as "Name: definition"; none where nothing is named or too much."""
    if draft.target is not None:
        return []  # the answer is a medium, its words only present it
    answer = draft.answer
    named = [(kind, id) for kind in task.label_kinds[:1] for id in answer.labels]
    named += [("criterion", c.criterion) for c in answer.criteria]
    named += [("action", t.action) for t in answer.triplets if t.action != "null"]
    said = [defined(kind, id) for kind, id in dict.fromkeys(named)]
    return said if len(said) <= _MOST_DEFINITIONS else []


def worded(
    task: Task, draft: Draft, id: str, talk: DialoguePlan, slots: Mapping[str, str], setting: Setting = PLAIN
) -> tuple[list[tuple[str, str]], str]:
    """Questions and answers in order, and the name of the templates of the sample's own.

    Args:
        task: The sample's own task.
        draft: Its draft.
        id: Its id, from which the choice of wordings follows.
        talk: The form.
        slots: Slots common to all tasks, such as ``procedure``.
        setting: What may decide the kind of the sample's own question; what is asked beside it is asked openly.
    """

    def plain(one: Task, some: Draft, *, follows: bool = False) -> tuple[str, str, str]:
        said = {**slots, **some.slots}
        return word(one.name, id, question=some.question, answer=some.answer_group, slots=said, follows=follows)

    def stated(one: Task, some: Draft) -> tuple[str, str, str]:
        """As ``plain``, bare, with an answer that says what it answers, beside another one."""
        group = "stated" if "stated" in bank(one.name).answers else some.answer_group
        return plain(one, replace(some, answer_group=group), follows=True)

    if draft.own is not None:
        return [(draft.own.question or "", draft.own.answer or "")], f"{task.name}/source/0+source/0"
    if talk.form == "compound":
        question, answer, template = stated(task, draft)
        other, some = talk.others[0]
        second_question, second_answer, _ = stated(other, some)
        first, second = (question, answer), (second_question, second_answer)
        names = f"{task.name}+{other.name}"
        backwards = f"{other.name}+{task.name}"
        group = next((g for g in (names, backwards) if g in bank("dialogue").questions), "any")
        if group == backwards:  # the question names the two in this order, so does the answer
            first, second = second, first
        both = {"first": first[0], "second": second[0], **slots}
        question = word("dialogue", id, question=group, answer="joint", slots=both)[0]
        answer = f"{first[1]} {second[1]}"
    else:
        asked = ask(task, draft, id, setting, slots, explained=talk.explained)
        question, answer, template = asked.worded(task.name, id, follows=talk.form == "turns")
    if talk.explained:
        answer = "\n\n".join([answer, *definitions(task, draft)])
    others = talk.others if talk.form == "turns" else ()
    before = [plain(*other, follows=n > 0)[:2] for n, other in enumerate(others)]
    return [*before, (question, answer)], template


def messages(pairs: Sequence[tuple[str, str]], tags: str) -> tuple[Message, ...]:
    """The turns of a conversation; the media tags stand in front of the first question."""
    turns: list[Message] = []
    for n, (question, answer) in enumerate(pairs):
        turns += [Message("user", f"{tags}\n{question}" if tags and n == 0 else question), Message("assistant", answer)]
    return tuple(turns)
