"""Depth estimation: how far away each pixel is, relative to the others."""

from __future__ import annotations

from collections.abc import Iterator

from ..records import Answer, Fact, Frame
from .common.base import AnswerKind, DepthMap, Draft, MediaIn, Task
from .reading import InContext, PlainText


def _draft(frame: Frame) -> Iterator[Draft]:
    if frame.depth is not None:
        yield Draft(answer=Answer(text="relative depth map"), target=DepthMap(frame.depth))


parse = InContext(PlainText("words on the depth map"))

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
    draft=_draft,
)
