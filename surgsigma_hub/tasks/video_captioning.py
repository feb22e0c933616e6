"""Video captioning: what happens in a clip, in order of time."""

from __future__ import annotations

from ..records import Fact
from .base import AnswerKind, MediaIn, Task
from .reading import PlainText

parse = PlainText("a description of the clip")

TASK = Task(
    name="video_captioning",
    title="Video captioning",
    description="Describe the actions of a clip in the order in which they happen.",
    family="reasoning",
    media_in=MediaIn.CLIP,
    answer=AnswerKind.TEXT,
    hub_category="video-text-to-text",
    needs=(frozenset({Fact.FOOTAGE, Fact.SEGMENTS}),),
    level=2,
    parse=parse,
)
