"""Phase recognition: which phase of the procedure a picture or a clip belongs to."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from ..ontology import concept
from ..records import Answer, Course, Fact, Frame, Label, Native
from .base import AnswerKind, Draft, MediaIn, Task
from .reading import OneLabel
from .timeline import beginning, clips_of, under_way

_EVERY = 60.0
"""One clip for each stretch of this many seconds."""


def _draft(frame: Frame) -> Iterator[Draft]:
    if frame.phase is not None:
        yield _said(frame.phase)


def _draft_course(course: Course) -> Iterator[tuple[Frame, Draft]]:
    for cut in clips_of(course, "phase", every=_EVERY):
        labels = {s.label.id: s.label for s in under_way(course, "phase", cut.start_seconds, cut.end_seconds)}
        if len(labels) == 1:  # a clip of two overlapping phases has no one answer
            said = _said(*labels.values())
            yield beginning(course, cut), replace(said, question="clip", answer_group="clip", key="clip", inputs=(cut,))


def _said(label: Label) -> Draft:
    name = concept("phase", label.id).name
    return Draft(
        answer=Answer(text=name, labels=(label.id,)),
        slots={"phase": name},
        native=Native(labels=(label.native,)),
    )


parse = OneLabel("phase")

TASK = Task(
    name="phase_recognition",
    title="Phase recognition",
    description="Name the phase of the procedure that the picture or the clip belongs to.",
    family="reasoning",
    media_in=MediaIn.IMAGE_OR_CLIP,
    answer=AnswerKind.LABEL,
    hub_category="visual-question-answering",
    needs=(frozenset({Fact.PHASE}), frozenset({Fact.FOOTAGE, Fact.PHASE_SEGMENTS})),
    level=3,
    label_kinds=("phase",),
    parse=parse,
    draft=_draft,
    draft_course=_draft_course,
)
