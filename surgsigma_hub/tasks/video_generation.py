"""Conditional video generation: a clip that matches a description."""

from __future__ import annotations

from ..records import Fact
from .base import AnswerKind, MediaIn, Task
from .reading import PlainText

parse = PlainText("words on the clip")

TASK = Task(
    name="video_generation",
    title="Conditional video generation",
    description="Generate the clip that matches a description, from a first picture where one is given.",
    family="generation",
    media_in=MediaIn.TEXT_OR_IMAGE,
    answer=AnswerKind.VIDEO,
    hub_category="image-to-video",
    needs=(frozenset({Fact.FOOTAGE, Fact.SEGMENTS}),),
    level=2,
    parse=parse,
)
