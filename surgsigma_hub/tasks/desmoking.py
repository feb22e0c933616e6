"""Desmoking: the same picture without the smoke."""

from __future__ import annotations

from ..records import Fact
from .base import AnswerKind, MediaIn, Task
from .reading import PlainText

parse = PlainText("words on the clear picture")

TASK = Task(
    name="desmoking",
    title="Desmoking",
    description="Restore the picture as it would be without smoke.",
    family="generation",
    media_in=MediaIn.IMAGE,
    answer=AnswerKind.IMAGE,
    hub_category="image-to-image",
    needs=(frozenset({Fact.CLEAN_IMAGE}),),
    level=1,
    parse=parse,
)
