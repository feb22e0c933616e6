"""Depth estimation: how far away each pixel is, relative to the others."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ..records import Answer, Fact, Frame
from .common.base import AnswerKind, DepthMap, Draft, MediaIn, Task
from .reading import InContext, PlainText

MEASURED = "measured"
"""Group of answers that say what black means: nothing was measured there."""


def has_gaps(doc: Mapping[str, Any]) -> bool:
    """Whether 0 in the map of a sample is where nothing was measured.

    Args:
        doc: The JSON of the sample; one without provenance has none.
    """
    return f"+{MEASURED}/" in ((doc.get("provenance") or {}).get("template") or "")


def _draft(frame: Frame) -> Iterator[Draft]:
    if frame.depth is not None:
        yield Draft(
            answer=Answer(text="relative depth map"),
            answer_group=MEASURED if frame.depth_has_gaps else "default",
            target=DepthMap(frame.depth, frame.depth_has_gaps),
        )


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
