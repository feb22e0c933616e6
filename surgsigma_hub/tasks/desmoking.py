"""Desmoking: the picture without its smoke."""

from __future__ import annotations

from ..records import Fact
from .base import AnswerKind, MediaIn, Task

TASK = Task(
    name="desmoking",
    title="Desmoking",
    description="Give the picture as it would look without smoke.",
    family="generation",
    media_in=MediaIn.IMAGE,
    answer=AnswerKind.IMAGE,
    hub_category="image-to-image",
    needs=(frozenset({Fact.CLEAN_IMAGE}),),
    level=1,
)
