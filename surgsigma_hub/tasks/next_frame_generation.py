"""Next frame generation: the picture a few seconds later."""

from __future__ import annotations

from ..records import Fact
from .base import AnswerKind, MediaIn, Task
from .reading import PlainText

parse = PlainText("words on the later picture")

TASK = Task(
    name="next_frame_generation",
    title="Next frame generation",
    description="Generate the picture a few seconds later, given what is being done.",
    family="generation",
    media_in=MediaIn.IMAGE,
    answer=AnswerKind.IMAGE,
    hub_category="image-to-image",
    needs=(
        frozenset({Fact.FOOTAGE, Fact.ACTIONS}),
        frozenset({Fact.FOOTAGE, Fact.PHASE}),
        frozenset({Fact.FOOTAGE, Fact.INSTRUMENT_MASKS}),
    ),
    level=2,
    parse=parse,
)
