"""Conditional video generation: the clip that matches a description, the inverse of video captioning."""

from __future__ import annotations

from collections.abc import Iterator

from ..records import Answer, Fact, Frame, VideoTimeline
from .common.base import AnswerKind, Draft, MediaIn, Task
from .common.chance import chance
from .common.timeline import Timeline, picture_at
from .reading import InContext, PlainText
from .video_captioning import captions


def _draft(course: VideoTimeline) -> Iterator[tuple[Frame, Draft]]:
    times = Timeline(course)
    for cut, caption, native in captions(times):
        first = picture_at(cut.footage, cut.start_seconds)
        from_picture = first is not None and chance("condition", cut.start_seconds, caption) < 0.5
        yield (
            times.moment(cut.start_seconds),
            Draft(
                answer=Answer(text=caption),
                question="from_picture" if from_picture else "from_text",
                key="picture" if from_picture else "text",
                slots={"caption": caption},
                native=native,
                inputs=(first,) if from_picture and first is not None else (),
                target=cut,
            ),
        )


parse = InContext(PlainText("words on the clip"))

TASK = Task(
    name="video_generation",
    title="Conditional video generation",
    description="Generate the clip that matches a description, from a first image where one is given.",
    family="generation",
    media_in=MediaIn.TEXT_OR_IMAGE,
    answer=AnswerKind.VIDEO,
    hub_category="image-to-video",
    needs=(frozenset({Fact.FOOTAGE, Fact.ACTION_SEGMENTS}),),
    level=2,
    parse=parse,
    draft_course=_draft,
)
