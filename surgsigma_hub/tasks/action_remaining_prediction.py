"""Action remaining prediction: how long the action under way will still last."""

from __future__ import annotations

from ..records import Fact
from .base import AnswerKind, MediaIn, Task

TASK = Task(
    name="action_remaining_prediction",
    title="Action remaining prediction",
    description="Given footage up to a moment inside an action, say how many seconds remain until it ends.",
    family="planning",
    media_in=MediaIn.CLIP,
    answer=AnswerKind.SECONDS,
    hub_category="video-text-to-text",
    needs=(frozenset({Fact.CLIP, Fact.SEGMENTS}),),
    level=2,
)
