"""Action remaining prediction: in how many seconds the action under way will end.

For an action ``[s, e)`` the clip ends at a cut-off ``t`` inside it and the answer is ``e - t``; nothing seen at or
after ``t`` is in the clip (task 14 of the guide at surgsigma.github.io). Actions whose end is open are passed over.
"""

from __future__ import annotations

from collections.abc import Iterator

from ..ontology.forms import forms
from ..records import Answer, Cut, Fact, Frame, Native, VideoTimeline
from .common.base import AnswerKind, Draft, MediaIn, Task
from .common.chance import chance
from .common.timeline import CLIP_SECONDS, Timeline, on_grid
from .common.wording import seconds_text
from .reading import InContext, Seconds

_SHORTEST = 2.0
_EVERY = 20.0
"""Long actions are asked about once for each stretch of this many seconds, up to three times."""


def _definite(noun: str) -> str:
    """The act that the question is about; an -ing word with its object takes no article.

    >>> _definite("dissection"), _definite("suture pulling"), _definite("reaching for the suture")
    ('the dissection', 'the suture pulling', 'reaching for the suture')
    """
    first, _, rest = noun.partition(" ")
    return noun if rest and first.endswith("ing") else f"the {noun}"


def _draft(course: VideoTimeline) -> Iterator[tuple[Frame, Draft]]:
    footage = course.footage
    if footage is None:
        return
    times = Timeline(course)
    for act in times.layers["action"]:
        start, end = act.start_seconds, act.end_seconds
        length = end - start
        if not act.end_known or length < max(_SHORTEST, 3 / footage.fps):
            continue
        count = min(3, 1 + int(length // _EVERY))
        for n in range(count):
            # One cut-off in each stretch, off its edges, so that what was seen does not tell what is left.
            share = (n + 0.15 + 0.7 * chance("remaining", start, end, n)) / count
            cut_off = on_grid(start + share * length, footage)
            seen = Cut(footage, max(start, cut_off - CLIP_SECONDS), cut_off, may_begin_later=True)
            if len(seen.frames) < 2:  # slow footage of a short action: the first moment with two frames to see
                cut_off = (Cut(footage, start, end).frames.start + 2) / footage.fps
                seen = Cut(footage, start, cut_off)
            left = round(end - cut_off, 2)
            if left <= 0 or any(s is not act and s.label.id == act.label.id for s in times.at("action", cut_off)):
                continue  # of two acts of one name under way, none is "the" one that the question names
            said = forms("action", act.label.id)
            amount = seconds_text(left)
            yield (
                times.moment(cut_off),
                Draft(
                    answer=Answer(text=amount, seconds=left),
                    key=said.id,
                    slots={
                        "noun": said.noun,
                        "the_noun": _definite(said.noun),
                        "doing": said.doing,
                        "seconds": amount,
                        "remain": "remains" if amount == "1 second" else "remain",
                        "be": "is" if amount == "1 second" else "are",
                    },
                    native=Native(labels=(act.label.native,)),
                    inputs=(seen,),
                ),
            )


parse = InContext(Seconds(), (), closed=False)

TASK = Task(
    name="action_remaining_prediction",
    title="Action remaining prediction",
    description="Predict how many seconds the action that is under way will still last.",
    family="planning",
    media_in=MediaIn.CLIP,
    answer=AnswerKind.SECONDS,
    hub_category="video-text-to-text",
    needs=(frozenset({Fact.FOOTAGE, Fact.ACTION_SEGMENTS}),),
    ends=True,
    level=3,
    label_kinds=("action",),
    parse=parse,
    draft_course=_draft,
)
