"""Conditional video generation: a clip made from text, a picture or both."""

from __future__ import annotations

from ..records import Fact
from .base import AnswerKind, MediaIn, Task

TASK = Task(
    name="video_generation",
    title="Conditional video generation",
    description="Given a description, a first picture or both, give the clip.",
    family="generation",
    media_in=MediaIn.TEXT_OR_IMAGE,
    answer=AnswerKind.VIDEO,
    hub_category="text-to-video",
    needs=(frozenset({Fact.CLIP, Fact.SEGMENTS}),),
    level=3,
)
