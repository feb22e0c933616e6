"""Triplet recognition: instrument, action and target of every interaction."""

from __future__ import annotations

from collections.abc import Iterator

from ..ontology import NULL, concept
from ..records import Answer, AnswerTriplet, Fact, Frame, Native, Triplet
from .answers import NONE
from .base import AnswerKind, Draft, MediaIn, Task


def phrase(triplet: Triplet) -> str:
    """A triplet as a clause; a null action or target is said, not hidden."""
    instrument = f"the {concept('instrument', triplet.instrument.id).name}"
    are = "are" if instrument.endswith(("scissors", "forceps")) else "is"
    if triplet.action.id == NULL:
        return f"{instrument} {are} in view without acting"
    action = concept("action", triplet.action.id).name
    if triplet.target.id == NULL:
        return f"{instrument} {are} used to {action}, on nothing that is named"
    return f"{instrument} {are} used to {action} the {concept('target', triplet.target.id).name}"


def _draft(frame: Frame) -> Iterator[Draft]:
    if frame.triplets is None:
        return
    found = list(dict.fromkeys(frame.triplets))
    typed = tuple(AnswerTriplet(t.instrument.id, t.action.id, t.target.id) for t in found)
    plain = "; ".join(", ".join((t.instrument, t.action, t.target)) for t in typed)
    yield Draft(
        answer=Answer(text=plain or NONE, triplets=typed),
        answer_group="some" if found else "none",
        slots={"clauses": "; ".join(phrase(t) for t in found)},
        native=Native(labels=tuple(",".join((t.instrument.native, t.action.native, t.target.native)) for t in found)),
    )


TASK = Task(
    name="triplet_recognition",
    title="Triplet recognition",
    description="Name instrument, action and target of every interaction in view.",
    family="reasoning",
    media_in=MediaIn.IMAGE,
    answer=AnswerKind.TRIPLETS,
    hub_category="visual-question-answering",
    needs=(frozenset({Fact.TRIPLETS}),),
    level=2,
    draft=_draft,
)
