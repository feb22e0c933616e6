"""Tissue recognition: which tissues and organs are in the picture."""

from __future__ import annotations

from collections.abc import Iterator

from ..records import Fact, Frame
from .answers import label_set_draft
from .base import AnswerKind, Draft, MediaIn, Task
from .reading import LabelSet
from .wording import are, joined


def _slots(names: list[str]) -> dict[str, str]:
    return {
        "tissues": joined(names),
        "the_tissues": joined([f"the {n}" for n in names]),
        "are": are(names),
    }


def _draft(frame: Frame) -> Iterator[Draft]:
    if frame.tissues is not None:
        yield label_set_draft("target", frame.tissues, _slots)
    elif frame.tissue_boxes is not None:
        yield label_set_draft("target", [b.label for b in frame.tissue_boxes], _slots)


parse = LabelSet("target")

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
