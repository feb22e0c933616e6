"""Triplet recognition: which instrument performs which action on which target."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from ..records import Answer, Fact, Frame, Native, Triplet
from .common.actors import singled_out
from .common.answers import NONE, answer_triplets, distinct_triplets, triplet_clauses, triplets_text
from .common.base import AnswerKind, Draft, MediaIn, Task
from .reading import InContext, Triplets


def _draft(frame: Frame) -> Iterator[Draft]:
    if frame.triplets is None:
        return
    if frame.holds_all(Fact.TRIPLETS):
        yield _said(distinct_triplets(frame.triplets))
        return
    for actor in singled_out(frame):
        one = _said((actor.triplet,))
        slots = {**one.slots, **actor.slots}
        yield replace(one, question="done_by", key=actor.key, slots=slots)


def _said(triplets: tuple[Triplet, ...]) -> Draft:
    typed = answer_triplets(triplets)
    return Draft(
        answer=Answer(text=triplets_text(typed), triplets=typed),
        answer_group="default" if triplets else NONE,
        slots={"clauses": triplet_clauses(triplets)} if triplets else {},
        native=Native(labels=tuple(f"{t.instrument.native},{t.action.native},{t.target.native}" for t in triplets)),
    )


parse = InContext(Triplets(), ("instrument",))

TASK = Task(
    name="triplet_recognition",
    title="Triplet recognition",
    description="Say which instrument performs which action on which target.",
    family="understanding",
    media_in=MediaIn.IMAGE,
    answer=AnswerKind.TRIPLETS,
    hub_category="visual-question-answering",
    needs=(frozenset({Fact.TRIPLETS}),),
    level=2,
    label_kinds=("instrument", "action", "target"),
    parse=parse,
    draft=_draft,
)
