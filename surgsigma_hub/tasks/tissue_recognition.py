"""Tissue and organ recognition: which annotated tissues and organs a picture shows."""

from __future__ import annotations

from collections.abc import Iterator

from ..records import Fact, Frame
from .answers import labels_answer, names, natives, unique_ids
from .base import AnswerKind, Draft, MediaIn, Task
from .wording import joined


def _draft(frame: Frame) -> Iterator[Draft]:
    found = frame.tissues
    if found is None and frame.tissue_boxes is not None:
        found = tuple(b.label for b in frame.tissue_boxes)
    if found is None:
        return
    ids = unique_ids("target", found)
    words = names("target", ids)
    yield Draft(
        answer=labels_answer("target", ids),
        answer_group="some" if ids else "none",
        slots={"listed": ", ".join(words), "tissues": joined([f"the {w}" for w in words])},
        native=natives(found),
    )


TASK = Task(
    name="tissue_recognition",
    title="Tissue and organ recognition",
    description="Name the annotated tissues and organs, or say that none is annotated.",
    family="understanding",
    media_in=MediaIn.IMAGE,
    answer=AnswerKind.LABELS,
    hub_category="visual-question-answering",
    needs=(
        frozenset({Fact.TISSUES}),
        frozenset({Fact.TISSUE_BOXES}),
    ),
    level=1,
    draft=_draft,
)
