"""Instrument segmentation: the pixels of all instruments, or of one class."""

from __future__ import annotations

from collections.abc import Iterator

from ..records import Answer, Fact, Frame
from .answers import labels_answer, names, natives, unique_ids
from .base import AnswerKind, Draft, MediaIn, Task


def _draft(frame: Frame) -> Iterator[Draft]:
    if frame.instrument_masks is None:
        return
    masks = frame.instrument_masks
    labels = [m.label for m in masks if m.label is not None]
    ids = unique_ids("instrument", labels)
    whole = labels_answer("instrument", ids) if ids or not masks else Answer(text="instruments")
    yield Draft(
        question="all", answer_group="all" if masks else "none", answer=whole, native=natives(labels), masks=masks
    )
    if len(labels) != len(masks):
        return  # only instrument against background is known: no class can be asked for
    for id in ids:
        own = tuple(m for m in masks if m.label is not None and m.label.id == id)
        yield Draft(
            key=id,
            question="named",
            answer_group="named",
            slots={"name": names("instrument", [id])[0]},
            answer=labels_answer("instrument", [id]),
            native=natives(m.label for m in own if m.label is not None),
            masks=own,
        )


TASK = Task(
    name="instrument_segmentation",
    title="Instrument segmentation",
    description="Paint the pixels of all instruments, or of one class, white on black.",
    family="generation",
    media_in=MediaIn.IMAGE,
    answer=AnswerKind.MASK,
    hub_category="image-segmentation",
    needs=(frozenset({Fact.INSTRUMENT_MASKS}),),
    level=1,
    draft=_draft,
)
