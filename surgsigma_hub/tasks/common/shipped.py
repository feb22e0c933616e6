"""Where a question goes that a source ships: decided here, once, for all sources.

- A question whose answer is a fact (which phase, which instruments, where) is that fact: the sample is the one of the
  task that asks for it.
- A question whether one label is there, or what one instrument does, is a sample of its own, of the task whose list
  would name it: see :func:`shipped`.
- What no typed answer holds (how many, which colour, where in words) is no sample. The loader tells how many there are.

All are worded by us, and the first two kinds a second time in the source's own words, question and answer letter by
letter: :func:`in_own_words`. These samples are marked, for such questions are made by templates, without articles and
with few wordings, and who trains on them alone learns to write so: the group in ``provenance.template`` is ``source``,
and the key in their ids begins with ``own``. What the source asked and answered stands in ``native`` of both.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from ...ontology import NULL, Kind, concept
from ...records import Fact, Frame, Native, NativeQA
from .answers import existence_draft, label_set_draft
from .base import AnswerKind, Draft, Task
from .wording import are

_KINDS: Mapping[Fact, Kind] = {Fact.INSTRUMENTS: "instrument", Fact.ACTIONS: "action", Fact.TISSUES: "target"}
"""Vocabulary of each list that a check can be about."""
_KEY = "asked-"
_OWN = "own"


def is_shipped(draft: Draft) -> bool:
    """Whether a draft is one of those made here."""
    return draft.key.startswith(_KEY) or draft.own is not None


def shipped(task: Task, frame: Frame) -> Iterator[Draft]:
    """The drafts of the questions of their own that a source ships, for the task whose labels they are about."""
    if task.answer is not AnswerKind.LABELS:
        return
    asked: set[str] = set()
    for check in frame.checks:
        kind, id = _KINDS[check.fact], check.label.id
        if (kind,) == task.label_kinds and id not in asked:
            asked.add(id)
            native = Native((check.label.native,), check.asks.question, check.asks.answer)
            yield existence_draft(kind, id, there=check.holds, key=f"{_KEY}{id}", native=native)
    for act in frame.acts if task.label_kinds == ("action",) else ():
        if act.action.id != NULL and act.instrument.id not in asked:
            asked.add(act.instrument.id)
            name = concept("instrument", act.instrument.id).name
            one = label_set_draft("action", [act.action])
            yield replace(
                one,
                question="done_by",
                answer_group="done_by",
                key=f"{_KEY}{act.instrument.id}",
                slots={**one.slots, "instrument": name, "be": are([name])},
                native=Native((act.action.native,), act.asks.question, act.asks.answer),
            )


def in_own_words(task: Task, frame: Frame, drafts: Sequence[Draft]) -> Iterator[Draft]:
    """The drafts that answer a question of the source, in its words.

    Args:
        task: The task.
        frame: The moment.
        drafts: Its plain drafts, and those of :func:`shipped`.
    """
    told = question_told(task, frame)
    plain = [draft for draft in drafts if not is_shipped(draft)]
    if told is not None and len(plain) == 1:
        yield _own(plain[0], told)
    yield from (_own(d, NativeQA(d.native.question, d.native.answer)) for d in drafts if is_shipped(d))


def _own(draft: Draft, told: NativeQA) -> Draft:
    native = replace(draft.native, question=told.question, answer=told.answer)
    return replace(draft, key=f"{_OWN}-{draft.key.removeprefix(_KEY)}".rstrip("-"), native=native, own=told)


def question_told(task: Task, frame: Frame) -> NativeQA | None:
    """The source's own question that a plain sample of this task answers; None where it stands for several."""
    if not frame.asked:
        return None
    held = frame.facts()
    need = next((need for need in task.needs if need <= held), frozenset())
    return frame.asked.get(*need) if len(need) == 1 else None
