"""Instrument recognition: which kinds of instrument are in the picture."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ..records import Fact, Frame, Label
from .common.answers import label_set_draft
from .common.base import AnswerKind, Draft, MediaIn, Task
from .reading import InContext, LabelSet


def _labels(frame: Frame) -> Sequence[Label] | None:
    """Every instrument in view, by the first list that holds all of them."""
    if frame.holds_all(Fact.INSTRUMENTS):
        return frame.instruments
    if frame.holds_all(Fact.INSTRUMENT_BOXES):
        return [b.label for b in frame.instrument_boxes or ()]
    if frame.instrument_masks is not None and frame.holds_all(Fact.INSTRUMENT_MASKS):
        labels = [m.label for m in frame.instrument_masks if m.label is not None]
        # One mask without a label leaves an instrument unnamed: the list would not be complete.
        return labels if len(labels) == len(frame.instrument_masks) else None
    return None


def _draft(frame: Frame) -> Iterator[Draft]:
    labels = _labels(frame)
    if labels is not None:
        yield label_set_draft("instrument", labels)


parse = InContext(LabelSet("instrument"), ("instrument",))

TASK = Task(
    name="instrument_recognition",
    title="Instrument recognition",
    description="Name every kind of instrument in the image.",
    family="understanding",
    media_in=MediaIn.IMAGE,
    answer=AnswerKind.LABELS,
    hub_category="visual-question-answering",
    needs=(
        frozenset({Fact.INSTRUMENTS}),
        frozenset({Fact.INSTRUMENT_BOXES}),
        frozenset({Fact.INSTRUMENT_MASKS}),
    ),
    level=1,
    label_kinds=("instrument",),
    parse=parse,
    draft=_draft,
)
