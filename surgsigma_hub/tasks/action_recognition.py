"""Action recognition: which actions are performed in a picture or a clip."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from ..records import Coverage, Fact, Frame, VideoTimeline
from .common.actors import singled_out
from .common.answers import label_set_draft
from .common.base import AnswerKind, Draft, MediaIn, Task
from .common.timeline import Timeline
from .reading import InContext, LabelSet

_EVERY = 30.0
"""One clip for each stretch of this many seconds."""


def _draft(frame: Frame) -> Iterator[Draft]:
    if frame.holds_all(Fact.ACTIONS):
        yield label_set_draft("action", frame.actions or ())
    elif not frame.holds_all(Fact.TRIPLETS):
        for actor in singled_out(frame):
            one = label_set_draft("action", [actor.triplet.action])
            slots = {**one.slots, **actor.slots}
            yield replace(one, question="done_by", answer_group="done_by", key=actor.key, slots=slots)


def _draft_course(course: VideoTimeline) -> Iterator[tuple[Frame, Draft]]:
    if course.coverage_of(Fact.ACTION_SEGMENTS) is not Coverage.ALL_IN_VIEW:
        return
    done = set()  # two actions that go on together can give the same clip
    times = Timeline(course)
    for cut in times.clips("action", every=_EVERY):
        if cut.frames in done:
            continue
        done.add(cut.frames)
        acts = times.within("action", cut.start_seconds, cut.end_seconds)
        said = label_set_draft("action", [s.label for s in acts])
        key = f"clip{len(cut.frames)}"
        yield times.beginning(cut), replace(said, question="clip", answer_group="clip", key=key, inputs=(cut,))


parse = InContext(LabelSet("action"), ("action",))

TASK = Task(
    name="action_recognition",
    title="Action recognition",
    description="Name the surgical actions that are being performed.",
    family="understanding",
    media_in=MediaIn.IMAGE_OR_CLIP,
    answer=AnswerKind.LABELS,
    hub_category="visual-question-answering",
    needs=(frozenset({Fact.ACTIONS}), frozenset({Fact.FOOTAGE, Fact.ACTION_SEGMENTS})),
    level=2,
    label_kinds=("action",),
    parse=parse,
    draft=_draft,
    draft_course=_draft_course,
)
