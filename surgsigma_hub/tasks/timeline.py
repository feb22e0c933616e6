"""What tasks over the course of a video share: moments on the footage's grid, clips, and who acts when."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Literal

from ..ontology import NULL
from ..records import Course, Cut, Film, Footage, Frame, ImageRef, Label, Segment, Triplet, VideoFrame

Layer = Literal["action", "phase", "step"]

CLIP_SECONDS = 10.0
"""Length of clips: long enough to see an act, short enough for 100 frames at the default rate."""

_EPSILON = 1e-6


def on_grid(seconds: float, footage: Footage) -> float:
    """The time at which the frame seen at ``seconds`` began."""
    return math.floor(seconds * footage.fps + _EPSILON) / footage.fps


def picture_at(footage: Footage, seconds: float) -> ImageRef | None:
    """The frame seen at ``seconds``: the last one that has begun by then; None where it is known to be missing."""
    index = math.floor(seconds * footage.fps + _EPSILON)
    if isinstance(footage, Film):
        return VideoFrame(footage.path, index)
    return footage.images[index] if 0 <= index < len(footage.images) else None


def segments(course: Course, layer: Layer) -> list[Segment]:
    """The intervals of one layer by start."""
    return sorted((s for s in course.segments if s.layer == layer), key=lambda s: (s.start_seconds, s.end_seconds))


def under_way(course: Course, layer: Layer, start: float, end: float) -> list[Segment]:
    """The intervals of one layer that share time with ``[start, end)``."""
    return [s for s in segments(course, layer) if s.start_seconds < end - _EPSILON and s.end_seconds > start + _EPSILON]


def moment(course: Course, seconds: float) -> Frame:
    """The moment at ``seconds`` on the grid of the footage, with what the segments say of it.

    Phase and step are filled where exactly one interval of their layer covers the moment.
    """
    footage = course.footage
    if footage is None:
        raise ValueError("a moment needs footage")
    index = math.floor(seconds * footage.fps + _EPSILON)
    now = index / footage.fps

    def only(layer: Layer) -> Label | None:
        labels = {s.label.id: s.label for s in under_way(course, layer, now, now + 2 * _EPSILON + 1e-9)}
        return next(iter(labels.values())) if len(labels) == 1 else None

    return Frame(index=index, fps=footage.fps, phase=only("phase"), step=only("step"), origins=course.origins)


def beginning(course: Course, cut: Cut) -> Frame:
    """The moment of the first frame of a clip."""
    return moment(course, cut.frames.start / cut.footage.fps)


def clips_of(course: Course, layer: Layer, *, every: float) -> Iterator[Cut]:
    """Clips wholly inside one interval of ``layer``: one, and one more for each ``every`` seconds of its length."""
    footage = course.footage
    if footage is None:
        return
    for one in segments(course, layer):
        length = one.end_seconds - one.start_seconds
        if length < max(2.0, 2 / footage.fps):
            continue
        count = 1 + int(length // every)
        for n in range(count):
            share = length / count
            middle = one.start_seconds + share * (n + 0.5)
            half = min(CLIP_SECONDS, share) / 2
            cut = Cut(footage, middle - half, on_grid(middle + half, footage))
            if len(cut.frames) >= 2:
                yield cut


def states(course: Course, start: float, end: float) -> list[tuple[Triplet, ...] | tuple[str, ...]]:
    """What is done within ``[start, end)``, in order of time, each state once until it changes.

    Triplets of the moments where the source holds them, otherwise ids of actions from the segments. Times at which
    nothing is done are passed over.
    """
    shown = [m for m in course.moments if start - _EPSILON <= m.seconds < end - _EPSILON]
    found: list[tuple[Triplet, ...] | tuple[str, ...]]
    if any(m.triplets for m in shown):
        acting = [tuple(t for t in m.triplets or () if t.action.id != NULL) for m in shown]
        found = [tuple({_ids(t): t for t in some}.values()) for some in acting]
    else:
        acts = under_way(course, "action", start, end)
        edges = sorted({start, end, *(min(max(e, start), end) for s in acts for e in (s.start_seconds, s.end_seconds))})
        found = [
            tuple(dict.fromkeys(s.label.id for s in acts if s.start_seconds <= a + _EPSILON < s.end_seconds))
            for a, _ in pairwise(edges)
        ]
    kept: list[tuple[Triplet, ...] | tuple[str, ...]] = []
    for state in found:
        if state and (not kept or _key(state) != _key(kept[-1])):
            kept.append(state)
    return kept


def _ids(triplet: Triplet) -> tuple[str, str, str]:
    return triplet.instrument.id, triplet.action.id, triplet.target.id


def _key(state: Sequence[Triplet | str]) -> frozenset[object]:
    return frozenset(s if isinstance(s, str) else _ids(s) for s in state)
