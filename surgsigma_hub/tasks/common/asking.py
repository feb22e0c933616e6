"""Asking: one typed answer asked for in the way that its id draws, and the answer put into that way.

The kinds and forms are those of ``question_kinds``; how often each is taken is stated by the template file of the task.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from ...ontology import concept
from ...ontology.forms import forms, near, number_word
from ...records import Fact
from .answers import distinct_ids, names, set_slots
from .base import AnswerKind, Draft, Task
from .choices import LETTERS, durations, near_options, option, shuffled, vocabulary
from .question_kinds import OPEN_GROUPS, Asked, Form, Setting
from .wording import bank, draws, joined, word


def ask(
    task: Task, draft: Draft, id: str, setting: Setting, slots: Mapping[str, str], *, explained: bool = False
) -> Asked:
    """How a draft is asked about.

    Args:
        task: Its task.
        draft: The typed answer.
        id: The sample's id, from which the choice is drawn.
        setting: See :class:`Setting`.
        slots: Slots common to all tasks; those of the draft are added.
        explained: Whether definitions follow the answer, which then has no form of its own.
    """
    every = {**slots, **draft.slots}
    plain = Asked(draft.question, draft.answer_group, every)
    shares = bank(task.name).shares
    if setting.plain or not shares:
        return plain
    draw = draws(task.name, id)[3] / 2**64
    for name, share in shares.items():
        if draw < share:
            made = ask_as(name, task, draft, id, setting, every)
            return plain if made is None or (explained and made.form) else made
        draw -= share
    return plain


def ask_as(name: str, task: Task, draft: Draft, id: str, setting: Setting, slots: Mapping[str, str]) -> Asked | None:
    """A draft asked about in one way: a kind of question or a form, as the shares of the template files name them.

    None where the facts do not allow it, such as a choice where the source tells too few labels apart.
    """
    if draft.question not in OPEN_GROUPS:
        return None
    plain = Asked(draft.question, draft.answer_group, slots)
    match name:
        case Form.WORD | Form.NUMBER | Form.LIST:
            return Asked(plain.question, plain.answer, slots, Form(name), _bare(draft))
        case Form.JSON:
            return Asked(plain.question, plain.answer, slots, Form.JSON, _json(task, draft))
        case Form.SENTENCE:
            return Asked(plain.question, plain.answer, slots, Form.SENTENCE, plain.worded(task.name, id)[1])
        case "choice" | Form.LETTER | Form.LETTERS:
            return _choice(task, draft, id, setting, slots, None if name == "choice" else Form(name))
        case _:
            made = _KINDS[name](task, draft, id, setting)
            return None if made is None else Asked(made.question, made.answer, {**slots, **made.slots})


# ---------------------------------------------------------------------------------------------------------- forms


def _bare(draft: Draft) -> str:
    answer = draft.answer
    return f"{answer.seconds:g}" if answer.seconds is not None else answer.text


_KEYS: Mapping[str, str] = {"instrument": "instruments", "target": "tissues", "action": "actions"}


def _json(task: Task, draft: Draft) -> str:
    answer = draft.answer
    made: Any
    match task.answer:
        case AnswerKind.LABEL:
            made = {task.label_kinds[0]: answer.text}
        case AnswerKind.LABELS:
            made = {_KEYS[task.label_kinds[0]]: names(task.label_kinds[0], answer.labels)}
        case AnswerKind.SECONDS:
            made = {"seconds": answer.seconds}
        case AnswerKind.CRITERIA:
            made = {concept("criterion", c.criterion).name: c.met for c in answer.criteria}
        case _:
            rows = ((("instrument", t.instrument), ("action", t.action), ("target", t.target)) for t in answer.triplets)
            made = [{kind: concept(kind, id).name for kind, id in row} for row in rows]  # type: ignore[arg-type]
    return json.dumps(made)


# ------------------------------------------------------------------------------------------------ the other kinds


def _choice(
    task: Task, draft: Draft, id: str, setting: Setting, slots: Mapping[str, str], form: Form | None
) -> Asked | None:
    if task.answer is AnswerKind.SECONDS:
        drawn = durations(draft.answer.seconds or 0.0, id)
        if drawn is None:
            return None
        options, right = drawn
    elif task.answer in (AnswerKind.LABEL, AnswerKind.LABELS):
        kind = task.label_kinds[0]
        found = near_options(kind, draft.answer.labels, vocabulary(setting.source, kind), id)
        if found is None:
            return None
        said = {one: option(kind, one) for one in found}
        options, right = [said[one] for one in found], [said[one] for one in found if one in draft.answer.labels]
    else:
        return None
    lettered = dict(zip(options, LETTERS, strict=False))
    letters = [lettered[one] for one in right]
    several = len(right) > 1
    made = {
        **slots,
        "options": "\n".join(f"{mark}. {one}" for one, mark in lettered.items()),
        "picked": f"{letters[0]}. {right[0]}" if len(right) == 1 else joined([f"{lettered[r]} ({r})" for r in right]),
    }
    group = "choice_several" if several else "choice" if right else "choice_none"
    if form is not None:
        return Asked("choice", group, made, form, ", ".join(letters) or "none")
    return Asked("choice", group, made)


def _check(task: Task, draft: Draft, id: str, setting: Setting) -> Asked | None:
    """Is it this one? As often the right one as a near one."""
    kind = task.label_kinds[0]
    (right,) = draft.answer.labels
    among = vocabulary(setting.source, kind)
    yes = draws("check", id)[0] % 2 == 0
    others = near(kind, right, among)[:4]
    if not others or right not in among:
        return None
    said = forms(kind, right if yes else shuffled(others, "near", id)[0])
    slots = {"asked": said.noun if kind == "action" else said.name, "asked_short": said.short}
    return Asked("check", "check_yes" if yes else "check_no", slots)


def _count(task: Task, draft: Draft, id: str, setting: Setting) -> Asked | None:
    """How many, and which: the answer still names them all."""
    answer = draft.answer
    if task.answer is AnswerKind.CRITERIA:
        met = sum(c.met for c in answer.criteria)
        slots = {
            "number": number_word(met),
            "total": number_word(len(answer.criteria)),
            "agree": "is" if met == 1 else "are",
        }
        return Asked("count", f"count_{draft.answer_group}", slots) if len(answer.criteria) > 1 else None
    number = len(answer.boxes) or len(answer.labels)
    one, several = _INSTANCES[task.label_kinds[0]] if answer.boxes else _KINDS_OF[task.label_kinds[0]]
    slots = {
        "number": number_word(number),
        "counted": f"{number_word(number)} {one if number == 1 else several}",
        "agree": "is" if number == 1 else "are",
    }
    return Asked("count", "count" if number else "none", slots)


_INSTANCES: Mapping[str, tuple[str, str]] = {
    "instrument": ("instrument", "instruments"),
    "target": ("structure", "structures"),
}
_KINDS_OF: Mapping[str, tuple[str, str]] = {
    "instrument": ("type of instrument", "types of instrument"),
    "target": ("structure", "structures"),
    "action": ("kind of action", "kinds of action"),
}
"""A set of labels tells kinds, not how many there are of each."""


def _given(task: Task, draft: Draft, id: str, setting: Setting) -> Asked | None:
    """The question after a fact that is given: the phase before, the phase, or the instruments in view."""
    said = _context(task, setting)
    if said is None:
        return None
    group, label = said
    (line, _, _) = word("context", id, question=group, answer="none", slots={"label": label})
    return Asked("context" if draft.question != "clip" else "context_clip", draft.answer_group, {"context": line})


def _context(task: Task, setting: Setting) -> tuple[str, str] | None:
    frame = setting.frame
    if task.name == "phase_recognition":
        before = setting.before
        if before is None or concept("phase", before).catch_all:
            return None
        return "phase_before", concept("phase", before).name
    if frame is None:
        return None
    if task.name in ("triplet_recognition", "action_recognition"):
        if not frame.instruments or not frame.holds_all(Fact.INSTRUMENTS):
            return None
        ids = distinct_ids("instrument", frame.instruments)
        return ("instruments", set_slots("instrument", ids)["a_list"]) if ids else None
    if frame.phase is None or concept("phase", frame.phase.id).catch_all:
        return None
    return "phase", concept("phase", frame.phase.id).name


_KINDS: Mapping[str, Callable[[Task, Draft, str, Setting], Asked | None]] = {
    "check": _check,
    "count": _count,
    "context": _given,
}
