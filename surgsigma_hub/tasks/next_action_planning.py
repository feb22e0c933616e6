"""Next action planning: which action begins next, after what was observed.

The clip ends at ``t``, the end of an action A2, and reaches back into the action A1 before it; the answer A3 is the
action that begins next. Nothing of A3 is seen: it begins at ``t`` or later (task 15 of the guide at
surgsigma.github.io). Passed over is what is not known to be next: an end or a start that is open, a stretch without
labels between them, and an action that is seen up to the end of the clip: it is under way.
"""

from __future__ import annotations

from collections.abc import Iterator

from ..ontology import concept
from ..ontology.forms import forms
from ..records import Answer, Cut, Fact, Frame, Native, Segment, VideoTimeline
from .common.base import AnswerKind, Draft, MediaIn, Task
from .common.timeline import EPSILON, Timeline, on_grid
from .reading import InContext, OneLabel

_LONGEST = 20.0
"""Seconds observed at most."""
_GAP = 30.0
"""Seconds between the end of the observed clip and the beginning of the answer, at most: later ones do not follow."""


def _next(times: Timeline, end: float) -> Segment | None:
    """The one action that begins next at ``end`` or after; None where that is not known, or two begin together."""
    acts = times.layers["action"]
    coming = [a for a in acts if end <= a.start_seconds <= end + _GAP]
    if not coming:
        return None
    first = min(a.start_seconds for a in coming)
    together = [a for a in coming if a.start_seconds == first]
    if len({a.label.id for a in together}) > 1 or not all(a.start_known for a in together):
        return None
    one = together[0]
    goes_on = any(a.label.id == one.label.id and a.start_seconds < first <= a.end_seconds + EPSILON for a in acts)
    # What is seen up to the end is under way for whoever watches, even if it pauses for a second then.
    under_way = any(a.label.id == one.label.id and a.start_seconds < end <= a.end_seconds + EPSILON for a in acts)
    return None if goes_on or under_way or not times.known("action", end, first) else one


def _draft(course: VideoTimeline) -> Iterator[tuple[Frame, Draft]]:
    footage = course.footage
    if footage is None:
        return
    times = Timeline(course)
    acts = times.layers["action"]
    for cut_off in sorted({on_grid(a.end_seconds, footage) for a in acts if a.end_known}):
        seen = [a for a in acts if a.start_seconds < cut_off]
        coming = _next(times, cut_off)
        if len(seen) < 2 or coming is None:
            continue
        observed = Cut(footage, max(seen[-2].start_seconds, cut_off - _LONGEST), cut_off, may_begin_later=True)
        if len(observed.frames) < 2:
            continue
        action = concept("action", coming.label.id)
        yield (
            times.moment(cut_off),
            Draft(
                answer=Answer(text=action.name, labels=(action.id,)),
                slots={"noun": forms("action", action.id).noun},
                native=Native(labels=(coming.label.native,)),
                inputs=(observed,),
            ),
        )


parse = InContext(OneLabel("action", after_is_past=True), ("action",), closed=False)

TASK = Task(
    name="next_action_planning",
    title="Next action planning",
    description="Name the action that begins next after the observed footage.",
    family="planning",
    media_in=MediaIn.CLIP,
    answer=AnswerKind.LABEL,
    hub_category="video-text-to-text",
    needs=(frozenset({Fact.FOOTAGE, Fact.ACTION_SEGMENTS}),),
    ends=True,
    level=3,
    label_kinds=("action",),
    parse=parse,
    draft_course=_draft,
)
