"""Step recognition: which step, the finer unit inside a phase, a picture or a clip belongs to."""

from __future__ import annotations

from functools import partial

from ..records import Fact
from .common.base import AnswerKind, MediaIn, Task
from .common.stages import of_course, of_frame
from .reading import InContext, OneLabel

parse = InContext(OneLabel("step"), ("step",), closed=False)

TASK = Task(
    name="step_recognition",
    title="Step recognition",
    description="Name the step of the procedure that the image or the clip belongs to.",
    family="reasoning",
    media_in=MediaIn.IMAGE_OR_CLIP,
    answer=AnswerKind.LABEL,
    hub_category="visual-question-answering",
    needs=(frozenset({Fact.STEP}), frozenset({Fact.FOOTAGE, Fact.STEP_SEGMENTS})),
    level=3,
    label_kinds=("step",),
    parse=parse,
    draft=partial(of_frame, "step"),
    draft_course=partial(of_course, "step"),
)
