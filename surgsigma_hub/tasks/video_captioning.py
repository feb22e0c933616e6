"""Video captioning: a description of a clip in time order."""

from __future__ import annotations

from ..records import Fact
from .base import AnswerKind, MediaIn, Task

TASK = Task(
    name="video_captioning",
    title="Video captioning",
    description="Describe what happens in the clip, in order.",
    family="understanding",
    media_in=MediaIn.CLIP,
    answer=AnswerKind.TEXT,
    hub_category="video-text-to-text",
    needs=(frozenset({Fact.CLIP, Fact.SEGMENTS}),),
    level=2,
)
