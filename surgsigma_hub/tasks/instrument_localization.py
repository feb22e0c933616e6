"""Instrument localization: where things are, as boxes in 0..1."""

from __future__ import annotations

from collections.abc import Iterator

from ..records import Fact, Frame
from .base import AnswerKind, Draft, MediaIn, Task
from .localization import box_drafts


def _draft(frame: Frame) -> Iterator[Draft]:
    if frame.instrument_boxes is not None:
        yield from box_drafts("instrument", frame.instrument_boxes)


TASK = Task(
    name="instrument_localization",
    title="Instrument localization",
    description="Give the box of every instrument in view, or of the one that is asked for.",
    family="understanding",
    media_in=MediaIn.IMAGE,
    answer=AnswerKind.BOXES,
    hub_category="object-detection",
    needs=(frozenset({Fact.INSTRUMENT_BOXES}),),
    level=1,
    draft=_draft,
)
