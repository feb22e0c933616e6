"""Depth estimation: relative depth, aligned with the picture."""

from __future__ import annotations

from ..records import Fact
from .base import AnswerKind, MediaIn, Task

TASK = Task(
    name="depth_estimation",
    title="Depth estimation",
    description="Give the relative depth of every pixel; it is not metric.",
    family="generation",
    media_in=MediaIn.IMAGE,
    answer=AnswerKind.DEPTH,
    hub_category="depth-estimation",
    needs=(frozenset({Fact.DEPTH}),),
    level=1,
)
