"""Phase recognition: which phase of the procedure a picture belongs to."""

from __future__ import annotations

from collections.abc import Iterator

from ..ontology import concept
from ..records import Answer, Fact, Frame, Native
from .base import AnswerKind, Draft, MediaIn, Task
from .reading import OneLabel


def _draft(frame: Frame) -> Iterator[Draft]:
    if frame.phase is None:
        return
    name = concept("phase", frame.phase.id).name
    yield Draft(
        answer=Answer(text=name, labels=(frame.phase.id,)),
        slots={"phase": name},
        native=Native(labels=(frame.phase.native,)),
    )


parse = OneLabel("phase")

TASK = Task(
    name="phase_recognition",
    title="Phase recognition",
    description="Name the phase of the procedure that the picture belongs to.",
    family="reasoning",
    media_in=MediaIn.IMAGE,
    answer=AnswerKind.LABEL,
    hub_category="visual-question-answering",
    needs=(frozenset({Fact.PHASE}),),
    level=3,
    label_kinds=("phase",),
    parse=parse,
    draft=_draft,
)
