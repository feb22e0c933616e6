"""Next action planning: which action comes after the observed footage."""

from __future__ import annotations

from ..records import Fact
from .base import AnswerKind, MediaIn, Task
from .reading import OneLabel

parse = OneLabel("action", after_is_past=True)

TASK = Task(
    name="next_action_planning",
    title="Next action planning",
    description="Name the action that follows the observed footage.",
    family="planning",
    media_in=MediaIn.CLIP,
    answer=AnswerKind.LABEL,
    hub_category="video-text-to-text",
    needs=(frozenset({Fact.FOOTAGE, Fact.SEGMENTS}),),
    level=3,
    label_kinds=("action",),
    parse=parse,
)
