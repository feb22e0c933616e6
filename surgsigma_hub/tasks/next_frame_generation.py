"""Next frame generation: the picture a few seconds later."""

from __future__ import annotations

from ..records import Fact
from .base import AnswerKind, MediaIn, Task

TASK = Task(
    name="next_frame_generation",
    title="Next frame generation",
    description="Given a picture, an interval of 1 to 10 seconds and what happens, give the later picture.",
    family="generation",
    media_in=MediaIn.IMAGE,
    answer=AnswerKind.IMAGE,
    hub_category="image-to-image",
    needs=(frozenset({Fact.CLIP, Fact.ACTIONS}),),
    level=3,
)
