"""Video captioning: what happens in a clip, in order of time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..ontology.forms import forms
from ..records import Answer, Coverage, Cut, Fact, Frame, Native, Triplet, VideoTimeline
from .common.answers import set_slots, triplet_clauses
from .common.base import AnswerKind, Draft, MediaIn, Task
from .common.timeline import CLIP_SECONDS, State, Timeline
from .reading import InContext, PlainText

_MOST_STATES = 5
"""A clip in which the activity changes more often is left out: its caption would be a list, not a description."""


def _said(state: tuple[Any, ...], *, all_in_view: bool) -> str:
    if isinstance(state[0], Triplet):
        return triplet_clauses(state, at_once=True, all_in_view=all_in_view, described=True)
    if len(state) == 1:
        return f"the surgeon is {forms('action', state[0]).doing}"
    return f"{set_slots('action', state)['list']} are performed at the same time"


_LINKS = (("",), ("At first, ", "Then "), ("At first, ", "Then ", "Finally, "))
_MANY = ("At first, ", "Then ", "Next, ", "After that, ", "Finally, ")


def _told(states: list[State], *, all_in_view: bool) -> str:
    """Sentences in order of time: one for each state."""
    links = _LINKS[len(states) - 1] if len(states) <= len(_LINKS) else (*_MANY[: len(states) - 1], _MANY[-1])
    told = (f"{link}{_said(state, all_in_view=all_in_view)}" for link, state in zip(links, states, strict=True))
    return " ".join(f"{one[:1].upper()}{one[1:]}." for one in told)


def captions(times: Timeline) -> Iterator[tuple[Cut, str, Native]]:
    """Every window of the footage that is labelled throughout and has something to tell: clip, caption, native labels.

    Things done at once are joined by "while", things done one after the other have a sentence each.
    """
    footage = times.course.footage
    ends = [s.end_seconds for s in times.layers["action"]]
    if footage is None or not ends:
        return
    whole = times.course.coverage_of(Fact.ACTION_SEGMENTS) is Coverage.ALL_IN_VIEW
    for n in range(int(max(ends) // CLIP_SECONDS) + 1):
        start, end = n * CLIP_SECONDS, min((n + 1) * CLIP_SECONDS, max(ends))
        cut = Cut(footage, start, end)
        if len(cut.frames) < 2 or not times.known("action", start, end):
            continue
        order = times.states(start, end)
        if not 0 < len(order) <= _MOST_STATES:
            continue
        native = tuple(dict.fromkeys(s.label.native for s in times.within("action", start, end)))
        yield cut, _told(order, all_in_view=whole), Native(labels=native)


def _draft(course: VideoTimeline) -> Iterator[tuple[Frame, Draft]]:
    times = Timeline(course)
    for cut, caption, native in captions(times):
        yield (
            times.moment(cut.start_seconds),
            Draft(answer=Answer(text=caption), slots={"caption": caption}, native=native, inputs=(cut,)),
        )


parse = InContext(PlainText("a description of the clip"))

TASK = Task(
    name="video_captioning",
    title="Video captioning",
    description="Describe the actions of a clip in the order in which they happen.",
    family="reasoning",
    media_in=MediaIn.CLIP,
    answer=AnswerKind.TEXT,
    hub_category="video-text-to-text",
    needs=(frozenset({Fact.FOOTAGE, Fact.ACTION_SEGMENTS}),),
    level=2,
    parse=parse,
    draft_course=_draft,
)
