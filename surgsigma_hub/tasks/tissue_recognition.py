"""Tissue recognition: which tissues and organs are in the picture."""

from __future__ import annotations

from collections.abc import Iterator

from ..records import Fact, Frame
from .answers import label_set_draft
from .base import AnswerKind, Draft, MediaIn, Task
from .reading import InContext, LabelSet


def _draft(frame: Frame) -> Iterator[Draft]:
    if frame.tissues is not None:
        yield label_set_draft("target", frame.tissues)
    elif frame.tissue_boxes is not None:
        yield label_set_draft("target", [b.label for b in frame.tissue_boxes])


parse = InContext(LabelSet("target"), ("target",))

TASK = Task(
    name="tissue_recognition",
    title="Tissue and organ recognition",
    description="Name the tissues and organs in the picture.",
    family="understanding",
    media_in=MediaIn.IMAGE,
    answer=AnswerKind.LABELS,
    hub_category="visual-question-answering",
    needs=(frozenset({Fact.TISSUES}), frozenset({Fact.TISSUE_BOXES})),
    level=1,
    label_kinds=("target",),
    parse=parse,
    draft=_draft,
)
