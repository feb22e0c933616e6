"""Action remaining prediction: how long the action under way will still last."""

from __future__ import annotations

from ..records import Fact
from .base import AnswerKind, MediaIn, Task
from .reading import Seconds

parse = Seconds()

TASK = Task(
    name="action_remaining_prediction",
    title="Action remaining prediction",
    description="Predict how many seconds the action that is under way will still last.",
    family="planning",
    media_in=MediaIn.CLIP,
    answer=AnswerKind.SECONDS,
    hub_category="video-text-to-text",
    needs=(frozenset({Fact.FOOTAGE, Fact.SEGMENTS}),),
    level=3,
    label_kinds=("action",),
    parse=parse,
)
