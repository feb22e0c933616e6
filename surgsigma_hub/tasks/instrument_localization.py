"""Instrument localization: where the instruments are, as boxes."""

from __future__ import annotations

from collections.abc import Iterator

from ..records import Fact, Frame
from .common.answers import box_drafts
from .common.base import AnswerKind, Draft, MediaIn, Task
from .reading import Boxes, InContext


def _draft(frame: Frame) -> Iterator[Draft]:
    if frame.instrument_boxes is not None:
        complete = frame.holds_all(Fact.INSTRUMENT_BOXES)
        yield from box_drafts("instrument", frame.instrument_boxes, frame, all_in_view=complete)


parse = InContext(Boxes("instrument"), ("instrument",))

TASK = Task(
    name="instrument_localization",
    title="Instrument localization",
    description="Give the box of every instrument, or of the one that the question names.",
    family="understanding",
    media_in=MediaIn.IMAGE,
    answer=AnswerKind.BOXES,
    hub_category="object-detection",
    needs=(frozenset({Fact.INSTRUMENT_BOXES}),),
    level=1,
    label_kinds=("instrument",),
    parse=parse,
    draft=_draft,
)
