"""What phase and step recognition share: one label of the workflow for a picture, or for a clip from inside it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Literal

from ...ontology import concept
from ...ontology.forms import forms
from ...records import Answer, Frame, Label, Native, VideoTimeline
from .base import Draft
from .timeline import Timeline

Stage = Literal["phase", "step"]

_EVERY = 60.0
"""One clip for each stretch of this many seconds."""


def of_frame(stage: Stage, frame: Frame) -> Iterator[Draft]:
    """The stage of a picture, where it is annotated."""
    label: Label | None = getattr(frame, stage)
    if label is not None:
        yield _said(stage, label)


def of_course(stage: Stage, course: VideoTimeline) -> Iterator[tuple[Frame, Draft]]:
    """The stage of clips; one of two overlapping stages has no one answer and is left out."""
    times = Timeline(course)
    for cut in times.clips(stage, every=_EVERY):
        labels = {s.label.id: s.label for s in times.within(stage, cut.start_seconds, cut.end_seconds)}
        if len(labels) == 1:
            said = _said(stage, *labels.values())
            group = said.answer_group if said.catch_all else "clip"
            yield times.beginning(cut), replace(said, question="clip", answer_group=group, key="clip", inputs=(cut,))


def _said(stage: Stage, label: Label) -> Draft:
    said = forms(stage, label.id)
    catch_all = concept(stage, label.id).catch_all
    return Draft(
        answer=Answer(text=said.name, labels=(label.id,)),
        answer_group="catch_all" if catch_all else "default",
        slots={"label": said.name, "short": said.short},
        native=Native(labels=(label.native,)),
        catch_all=catch_all,
    )
