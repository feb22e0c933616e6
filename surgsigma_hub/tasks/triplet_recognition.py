"""Triplet recognition: which instrument performs which action on which target."""

from __future__ import annotations

from collections.abc import Iterator

from ..ontology import concept
from ..records import Answer, Fact, Frame, Native, Triplet
from .answers import NONE, answer_triplets, distinct_triplets, triplet_clauses
from .base import AnswerKind, Draft, MediaIn, Task


def _plain(triplet: Triplet) -> str:
    instrument = concept("instrument", triplet.instrument.id).name
    return f"{instrument}, {concept('action', triplet.action.id).name}, {concept('target', triplet.target.id).name}"


def _draft(frame: Frame) -> Iterator[Draft]:
    if frame.triplets is None:
        return
    triplets = distinct_triplets(frame.triplets)
    yield Draft(
        answer=Answer(text="; ".join(map(_plain, triplets)) or NONE, triplets=answer_triplets(triplets)),
        answer_group="default" if triplets else NONE,
        slots={"clauses": triplet_clauses(triplets)} if triplets else {},
        native=Native(labels=tuple(f"{t.instrument.native},{t.action.native},{t.target.native}" for t in triplets)),
    )


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
    draft=_draft,
)
