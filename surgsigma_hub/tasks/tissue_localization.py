"""Tissue localization: where the tissues and organs are, as boxes."""

from __future__ import annotations

from collections.abc import Iterator

from ..records import Fact, Frame
from .common.answers import NOT_TISSUE, box_drafts
from .common.base import AnswerKind, Draft, MediaIn, Task
from .reading import Boxes, InContext


def _draft(frame: Frame) -> Iterator[Draft]:
    if frame.tissue_boxes is not None:
        complete = frame.holds_all(Fact.TISSUE_BOXES)
        yield from box_drafts("target", frame.tissue_boxes, frame, NOT_TISSUE, all_in_view=complete)


parse = InContext(Boxes("target"), ("target",))

TASK = Task(
    name="tissue_localization",
    title="Tissue and organ localization",
    description="Give the box of every tissue and organ, or of the one that the question names.",
    family="understanding",
    media_in=MediaIn.IMAGE,
    answer=AnswerKind.BOXES,
    hub_category="object-detection",
    needs=(frozenset({Fact.TISSUE_BOXES}),),
    level=1,
    label_kinds=("target",),
    parse=parse,
    draft=_draft,
)
