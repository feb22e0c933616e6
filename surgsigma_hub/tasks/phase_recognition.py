"""Phase recognition: which phase of the procedure a picture or a clip belongs to."""

from __future__ import annotations

from functools import partial

from ..records import Fact
from .common.base import AnswerKind, MediaIn, Task
from .common.stages import of_course, of_frame
from .reading import InContext, OneLabel

parse = InContext(OneLabel("phase"), ("phase",), closed=False)

TASK = Task(
    name="phase_recognition",
    title="Phase recognition",
    description="Name the phase of the procedure that the image or the clip belongs to.",
    family="reasoning",
    media_in=MediaIn.IMAGE_OR_CLIP,
    answer=AnswerKind.LABEL,
    hub_category="visual-question-answering",
    needs=(frozenset({Fact.PHASE}), frozenset({Fact.FOOTAGE, Fact.PHASE_SEGMENTS})),
    level=3,
    label_kinds=("phase",),
    parse=parse,
    draft=partial(of_frame, "phase"),
    draft_course=partial(of_course, "phase"),
)
