"""Next frame generation: the picture a few seconds later.

The question tells the interval (1 to 10 s), what is being done and, where boxes or outlines of both moments are known,
how the instruments move: the condition is words, the picture looked at is of now (task 17 of the guide at
surgsigma.github.io).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from ..ontology import NULL, concept
from ..ontology.forms import forms
from ..records import Answer, Fact, Frame, Label, Native, Polygons, VideoTimeline
from .common.answers import distinct_ids, set_slots
from .common.base import AnswerKind, Draft, MediaIn, Task
from .common.chance import chance
from .common.timeline import picture_at
from .common.wording import joined, seconds_text
from .reading import InContext, PlainText

_EVERY = 5
"""One moment in this many seconds is asked about: neighbours look alike."""
_STILL = 0.03
"""Motion of less than this share of the frame counts as none."""


def _centres(frame: Frame) -> dict[str, tuple[float, float]]:
    """Centre of each instrument whose class is in view once, 0..1 of the frame; none where some may have no box."""
    found: list[tuple[str, float, float]] = []
    if frame.holds_all(Fact.INSTRUMENT_BOXES):
        for box in frame.instrument_boxes or ():
            found.append((box.label.id, (box.box.x1 + box.box.x2) / 2, (box.box.y1 + box.box.y2) / 2))
    elif frame.instrument_boxes is None and frame.holds_all(Fact.INSTRUMENT_MASKS):
        for one in frame.instrument_masks or ():
            if one.label is not None and isinstance(one.mask, Polygons):
                xs, ys = zip(*(point for ring in one.mask.rings for point in ring), strict=True)
                found.append((one.label.id, (min(xs) + max(xs)) / 2, (min(ys) + max(ys)) / 2))
    often = Counter(id for id, _, _ in found)
    return {id: (x, y) for id, x, y in found if often[id] == 1}


def direction(before: tuple[float, float], after: tuple[float, float]) -> str:
    """Where something went, in words.

    >>> direction((0.5, 0.5), (0.7, 0.52)), direction((0.5, 0.5), (0.4, 0.3)), direction((0.5, 0.5), (0.51, 0.5))
    ('to the right', 'up and to the left', '')
    """
    dx, dy = after[0] - before[0], after[1] - before[1]
    across = ("to the right" if dx > 0 else "to the left") if abs(dx) >= _STILL else ""
    along = ("down" if dy > 0 else "up") if abs(dy) >= _STILL else ""
    if across and along and not 0.4 < abs(dx) / abs(dy) < 2.5:
        return across if abs(dx) > abs(dy) else along
    return " and ".join(word for word in (along, across) if word)


def _motion(now: Frame, later: Frame) -> list[str]:
    before, after = _centres(now), _centres(later)
    said: list[str] = []
    for id in sorted(before.keys() & after.keys()):
        name = forms("instrument", id)
        where = direction(before[id], after[id])
        verb = ("move" if where else "stay") + ("" if name.is_plural else "s")
        said.append(f"{name.the} {verb} {where or 'in place'}")
    return said


def _condition(now: Frame, later: Frame | None) -> tuple[str, list[Label]]:
    """Sentences on what is being done at ``now`` and how things move until ``later``."""
    said: list[str] = []
    labels: list[Label] = []
    for kind, label in (("phase", now.phase), ("step", now.step)):
        if label is not None and not concept(kind, label.id).catch_all:  # type: ignore[arg-type]
            said.append(f"The {kind} is {concept(kind, label.id).name}.")  # type: ignore[arg-type]
            labels.append(label)
    acts = [a for a in now.actions or () if a.id != NULL] if now.holds_all(Fact.ACTIONS) else []
    if acts:
        doing = set_slots("action", distinct_ids("action", acts))
        said.append(f"The {doing['things']} {doing['things_be']} {doing['list']}.")
        labels += acts
    motion = _motion(now, later) if later is not None else []
    if motion:
        text = joined(motion)
        said.append(f"{text[:1].upper()}{text[1:]}.")
    return " ".join(said), labels


def _draft(course: VideoTimeline) -> Iterator[tuple[Frame, Draft]]:
    footage = course.footage
    if footage is None:
        return
    by_time = {round(m.seconds, 3): m for m in course.moments}
    last = max(by_time, default=0.0)
    for now in course.moments:
        if now.image is None or int(now.seconds) % _EVERY:
            continue
        interval = 1 + int(chance("interval", now.index) * 10)
        then = now.seconds + interval
        future = picture_at(footage, then) if then <= last else None
        condition, labels = _condition(now, by_time.get(round(then, 3)))
        if future is None or not condition:
            continue
        yield (
            now,
            Draft(
                answer=Answer(text=f"image after {seconds_text(interval)}"),
                key=f"{interval}s",
                slots={"interval": seconds_text(interval), "condition": condition},
                native=Native(labels=tuple(dict.fromkeys(label.native for label in labels))),
                target=future,
            ),
        )


parse = InContext(PlainText("words on the later image"))

TASK = Task(
    name="next_frame_generation",
    title="Next frame generation",
    description="Generate the image a few seconds later, given what is being done and how things move.",
    family="generation",
    media_in=MediaIn.IMAGE,
    answer=AnswerKind.IMAGE,
    hub_category="image-to-image",
    needs=(
        frozenset({Fact.FOOTAGE, Fact.ACTIONS}),
        frozenset({Fact.FOOTAGE, Fact.PHASE}),
        frozenset({Fact.FOOTAGE, Fact.STEP}),
        frozenset({Fact.FOOTAGE, Fact.INSTRUMENT_MASKS}),
    ),
    ends=True,
    level=2,
    parse=parse,
    draft_course=_draft,
)
