"""Instrument recognition: which kinds of instrument a picture shows."""

from __future__ import annotations

from collections.abc import Iterator

from ..records import Fact, Frame
from .answers import labels_answer, names, natives, unique_ids
from .base import AnswerKind, Draft, MediaIn, Task
from .wording import joined, with_article


def _draft(frame: Frame) -> Iterator[Draft]:
    found = frame.instruments
    if found is None and frame.instrument_boxes is not None:
        found = tuple(b.label for b in frame.instrument_boxes)
    if found is None:
        return
    ids = unique_ids("instrument", found)
    words = names("instrument", ids)
    yield Draft(
        answer=labels_answer("instrument", ids),
        answer_group="some" if ids else "none",
        slots={"listed": ", ".join(words), "instruments": joined([with_article(w) for w in words])},
        native=natives(found),
    )


TASK = Task(
    name="instrument_recognition",
    title="Instrument recognition",
    description="Name every kind of instrument in view, or say that there is none.",
    family="understanding",
    media_in=MediaIn.IMAGE,
    answer=AnswerKind.LABELS,
    hub_category="visual-question-answering",
    needs=(
        frozenset({Fact.INSTRUMENTS}),
        frozenset({Fact.INSTRUMENT_BOXES}),
    ),
    level=1,
    draft=_draft,
)
