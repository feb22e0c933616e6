"""Tissue and organ localization: where things are, as boxes in 0..1."""

from __future__ import annotations

from collections.abc import Iterator

from ..records import Fact, Frame
from .base import AnswerKind, Draft, MediaIn, Task
from .localization import box_drafts


def _draft(frame: Frame) -> Iterator[Draft]:
    if frame.tissue_boxes is not None:
        yield from box_drafts("target", frame.tissue_boxes)


TASK = Task(
    name="tissue_localization",
    title="Tissue and organ localization",
    description="Give the box of every annotated tissue or organ, or of the one that is asked for.",
    family="understanding",
    media_in=MediaIn.IMAGE,
    answer=AnswerKind.BOXES,
    hub_category="object-detection",
    needs=(frozenset({Fact.TISSUE_BOXES}),),
    level=1,
    draft=_draft,
)
