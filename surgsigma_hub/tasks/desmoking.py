"""Desmoking: the same picture without the smoke."""

from __future__ import annotations

from collections.abc import Iterator

from ..records import Answer, Fact, Frame
from .common.base import AnswerKind, Draft, MediaIn, Task
from .reading import InContext, PlainText


def _draft(frame: Frame) -> Iterator[Draft]:
    if frame.clean_image is not None:
        yield Draft(answer=Answer(text="picture without smoke"), target=frame.clean_image)


parse = InContext(PlainText("words on the clear image"))

TASK = Task(
    name="desmoking",
    title="Desmoking",
    description="Restore the image as it would be without smoke.",
    family="generation",
    media_in=MediaIn.IMAGE,
    answer=AnswerKind.IMAGE,
    hub_category="image-to-image",
    needs=(frozenset({Fact.CLEAN_IMAGE}),),
    level=1,
    parse=parse,
    draft=_draft,
)
