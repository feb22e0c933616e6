"""Depth estimation: how far away each pixel is, relative to the others."""

from __future__ import annotations

from ..records import Fact
from .base import AnswerKind, MediaIn, Task
from .reading import PlainText

parse = PlainText("words on the depth map")

TASK = Task(
    name="depth_estimation",
    title="Depth estimation",
    description="Estimate the relative depth of every pixel; larger is farther.",
    family="understanding",
    media_in=MediaIn.IMAGE,
    answer=AnswerKind.DEPTH,
    hub_category="depth-estimation",
    needs=(frozenset({Fact.DEPTH}),),
    level=1,
    parse=parse,
)
