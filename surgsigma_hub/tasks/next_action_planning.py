"""Next action planning: which action comes next."""

from __future__ import annotations

from ..records import Fact
from .base import AnswerKind, MediaIn, Task

TASK = Task(
    name="next_action_planning",
    title="Next action planning",
    description="Given the footage of the actions so far, name the next one.",
    family="planning",
    media_in=MediaIn.CLIP,
    answer=AnswerKind.LABEL,
    hub_category="video-text-to-text",
    needs=(frozenset({Fact.CLIP, Fact.SEGMENTS}),),
    level=3,
)
