"""Step recognition: which step, the finer unit inside a phase, a picture belongs to."""

from __future__ import annotations

from collections.abc import Iterator

from ..ontology import concept
from ..records import Answer, Fact, Frame, Native
from .base import AnswerKind, Draft, MediaIn, Task
from .reading import OneLabel


def _draft(frame: Frame) -> Iterator[Draft]:
    if frame.step is None:
        return
    name = concept("step", frame.step.id).name
    yield Draft(
        answer=Answer(text=name, labels=(frame.step.id,)),
        slots={"step": name},
        native=Native(labels=(frame.step.native,)),
    )


parse = OneLabel("step")

TASK = Task(
    name="step_recognition",
    title="Step recognition",
    description="Name the step of the procedure that the picture belongs to.",
    family="reasoning",
    media_in=MediaIn.IMAGE,
    answer=AnswerKind.LABEL,
    hub_category="visual-question-answering",
    needs=(frozenset({Fact.STEP}),),
    level=3,
    label_kinds=("step",),
    parse=parse,
    draft=_draft,
)
