"""Comparisons: which of two things lies further to a side or is larger, which two overlap, which of two acts is first.

Each is a sample of its own, see ``further``. What differs too little to be told by eye is not asked.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from ...ontology import NULL, Kind
from ...ontology.forms import forms
from ...records import Answer, Box, Cut, Fact, Frame, LabeledBox, Segment, VideoTimeline
from .answers import NOT_TISSUE, box_answer, box_slots, box_text
from .base import Draft
from .choices import shuffled
from .timeline import CLIP_SECONDS, EPSILON, Timeline, on_grid
from .wording import draws

_APART = 0.08
"""Share of the frame by which two centres must differ to be told apart by eye."""
_LARGER = 1.5
"""Ratio of areas from which one box is larger by eye."""
_ORDER_EVERY = 20.0
"""Seconds between two clips that are asked about order."""


# ----------------------------------------------------------------------------------------------- places, from boxes

_SIDES = (
    ("further to the left", 0, -1),
    ("further to the right", 0, 1),
    ("higher in the image", 1, -1),
    ("lower in the image", 1, 1),
)


def boxes_of(kind: Kind, frame: Frame) -> list[LabeledBox]:
    """The boxes of a frame that can be asked about.

    >>> boxes_of("target", Frame(index=0, fps=1.0))
    []
    """
    boxes = frame.instrument_boxes if kind == "instrument" else frame.tissue_boxes
    left_out = NOT_TISSUE if kind == "target" else frozenset({NULL})
    return [b for b in boxes or () if b.label.id not in left_out]


def compared(kind: Kind, frame: Frame, boxes: Sequence[LabeledBox], stem: str) -> Iterator[Draft]:
    """Of two classes that occur once, the one further to a side, or the larger one."""
    often = Counter(b.label.id for b in boxes)
    alone = {b.label.id: b for b in boxes if often[b.label.id] == 1}
    if len(alone) < 2:
        return
    a, b = (alone[id] for id in shuffled(alone, "compared", stem)[:2])
    ways: list[tuple[str, LabeledBox]] = []
    for words, axis, sign in _SIDES:
        apart = (_centre(b.box)[axis] - _centre(a.box)[axis]) * sign
        if abs(apart) >= _APART:
            ways.append((words, b if apart > 0 else a))
    large, small = (a, b) if _area(a.box) >= _area(b.box) else (b, a)
    if _area(large.box) >= _LARGER * _area(small.box):
        ways.append(("larger", large))
    if not ways:
        return
    words, right = ways[draws("way", stem)[0] % len(ways)]
    first, second = forms(kind, a.label.id), forms(kind, b.label.id)
    slots = {"first": first.the, "second": second.the, **box_slots(kind, right.label.id, frame)}
    group = "place_size" if words == "larger" else "place"
    answer = box_answer(kind, [right])
    yield Draft(
        answer=answer,
        question=group,
        answer_group=group,
        key=f"which-{words.replace(' ', '-')}",
        slots={**slots, "relation": words, "box": box_text(answer.boxes[0])},
    )


def overlapping(frame: Frame, boxes: Sequence[LabeledBox], stem: str) -> Iterator[Draft]:
    """The one instrument whose box overlaps that of a tissue."""
    if not frame.holds_all(Fact.INSTRUMENT_BOXES):
        return
    tissues = boxes_of("target", frame)
    often = Counter(t.label.id for t in tissues)
    found = {}
    for tissue in tissues:
        meet = [b for b in boxes if _overlap(b.box, tissue.box)]
        if often[tissue.label.id] == 1 and len(meet) == 1 and len(boxes) > 1:
            found[tissue.label.id] = meet[0]
    if not found:
        return
    id = shuffled(found, "overlap", stem)[0]
    one = found[id]
    answer = box_answer("instrument", [one])
    yield Draft(
        answer=answer,
        question="place_contact",
        answer_group="place_contact",
        key=f"meets-{id}",
        slots={
            **box_slots("instrument", one.label.id, frame),
            "tissue": forms("target", id).the,
            "box": box_text(answer.boxes[0]),
        },
    )


def _centre(box: Box) -> tuple[float, float]:
    return (box.x1 + box.x2) / 2, (box.y1 + box.y2) / 2


def _area(box: Box) -> float:
    return (box.x2 - box.x1) * (box.y2 - box.y1)


def _overlap(a: Box, b: Box) -> bool:
    return min(a.x2, b.x2) > max(a.x1, b.x1) and min(a.y2, b.y2) > max(a.y1, b.y1)


# -------------------------------------------------------------------------------------------------- order in a clip


def in_order(course: VideoTimeline, stem: str) -> Iterator[tuple[Frame, Draft]]:
    """Clips in which one action gives way to another: which of the two comes first, or last."""
    footage = course.footage
    if footage is None:
        return
    times = Timeline(course)
    last = -_ORDER_EVERY
    for later in times.layers["action"]:
        at = later.start_seconds
        if at - last < _ORDER_EVERY or not later.start_known:
            continue
        earlier = _before(times.layers["action"], later)
        if earlier is None:
            continue
        start = max(at - CLIP_SECONDS / 2, earlier.start_seconds)
        end = min(at + CLIP_SECONDS / 2, later.end_seconds)
        cut = Cut(footage, start, on_grid(end, footage))
        if at - start < 1 or cut.end_seconds - at < 1 or len(cut.frames) < 4:
            continue
        last = at
        seed = f"{stem} {at:.2f}"
        want_first = draws("order", seed)[0] % 2 == 0
        right = earlier if want_first else later
        first, second = shuffled((earlier.label.id, later.label.id), "order", seed)
        name = forms("action", right.label.id)
        yield (
            times.beginning(cut),
            Draft(
                answer=Answer(text=name.name, labels=(right.label.id,)),
                question="order_first" if want_first else "order_last",
                answer_group="order_first" if want_first else "order_last",
                key=f"order{len(cut.frames)}",
                slots={
                    "first": forms("action", first).noun,
                    "second": forms("action", second).noun,
                    "right": name.noun,
                },
                inputs=(cut,),
            ),
        )


def _before(acts: Sequence[Segment], later: Segment) -> Segment | None:
    """The one other action that goes on right up to ``later``, or into it, and that began before it."""
    at = later.start_seconds
    window = [s for s in acts if s.start_seconds < at - EPSILON and s.end_seconds > at - CLIP_SECONDS / 2]
    if len({s.label.id for s in window}) != 1 or window[0].label.id == later.label.id:
        return None
    together = {s.label.id for s in acts if abs(s.start_seconds - at) <= EPSILON}
    one = max(window, key=lambda s: s.end_seconds)
    return one if len(together) == 1 and one.end_seconds >= at - 1 else None
