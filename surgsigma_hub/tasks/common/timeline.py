"""What tasks over the course of a video share: moments on the footage's grid, clips, and who acts when."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Literal

from ...ontology import NULL
from ...records import Cut, Film, Footage, Frame, ImageRef, Label, Segment, Triplet, VideoFrame, VideoTimeline

Layer = Literal["action", "phase", "step"]

CLIP_SECONDS = 10.0
"""Length of clips: long enough to see an act, short enough for 100 frames at the default rate."""

EPSILON = 1e-6
"""Seconds below which two times are the same."""

State = tuple[Triplet, ...] | tuple[str, ...]
"""What is done at once: triplets, or ids of actions where the source holds no triplets."""


def on_grid(seconds: float, footage: Footage) -> float:
    """The time at which the frame seen at ``seconds`` began."""
    return math.floor(seconds * footage.fps + EPSILON) / footage.fps


def picture_at(footage: Footage, seconds: float) -> ImageRef | None:
    """The frame seen at ``seconds``: the last one that has begun by then; None where it is known to be missing."""
    index = math.floor(seconds * footage.fps + EPSILON)
    if isinstance(footage, Film):
        return _frame_of(footage, index / footage.fps)
    return footage.images[index] if 0 <= index < len(footage.images) else None


def _frame_of(film: Film, seconds: float) -> VideoFrame | None:
    """The frame of a moment of the film's grid; None where it was lost."""
    frame = film.frame_at(seconds)
    if film.seconds and abs(film.seconds[frame] - seconds) * film.fps > 1 + EPSILON:
        return None
    return VideoFrame(film.path, frame)


def begins_a_second(frame: Frame, moments: Sequence[Frame]) -> bool:
    """Whether ``frame`` follows ``moments`` in a course, which keeps the first of each second and no variants."""
    return not frame.variant and (not moments or int(frame.seconds) > int(moments[-1].seconds))


class Timeline:
    """The course of a video for those who ask what goes on when: its intervals by layer, by start, sorted once."""

    __slots__ = ("course", "layers")

    def __init__(self, course: VideoTimeline) -> None:
        self.course = course
        self.layers: dict[Layer, list[Segment]] = {"action": [], "phase": [], "step": []}
        for segment in course.segments:
            self.layers[segment.layer].append(segment)
        for some in self.layers.values():
            some.sort(key=lambda s: (s.start_seconds, s.end_seconds))

    def at(self, layer: Layer, seconds: float) -> list[Segment]:
        """Intervals that cover one moment."""
        return [
            s for s in self.layers[layer] if s.start_seconds <= seconds + EPSILON and s.end_seconds > seconds + EPSILON
        ]

    def within(self, layer: Layer, start: float, end: float) -> list[Segment]:
        """Intervals that share time with ``[start, end)``."""
        return [s for s in self.layers[layer] if s.start_seconds < end - EPSILON and s.end_seconds > start + EPSILON]

    def known(self, layer: Layer, start: float, end: float) -> bool:
        """Whether it is known throughout ``[start, end]`` what of ``layer`` holds and what does not."""
        stretches = self.course.labelled.get(layer)
        return stretches is None or any(a <= start + EPSILON and end <= b + EPSILON for a, b in stretches)

    def only(self, layer: Layer, seconds: float) -> Label | None:
        """The label at one moment, where exactly one is."""
        labels = {s.label.id: s.label for s in self.at(layer, seconds)}
        return next(iter(labels.values())) if len(labels) == 1 else None

    def just_before(self, layer: Layer, present: str, seconds: float) -> str | None:
        """The label of the interval that ended where the interval of ``present`` at ``seconds`` began."""
        now = next((s for s in self.at(layer, seconds) if s.label.id == present), None)
        if now is None or not now.start_known:
            return None
        ended = {s.label.id for s in self.layers[layer] if abs(s.end_seconds - now.start_seconds) <= EPSILON}
        return ended.pop() if len(ended) == 1 and present not in ended else None

    def phase_before(self, frame: Frame) -> str | None:
        """The phase that ended where that of ``frame`` began; None where either is not known."""
        return None if frame.phase is None else self.just_before("phase", frame.phase.id, frame.seconds)

    def moment(self, seconds: float) -> Frame:
        """The moment at ``seconds`` on the grid of the footage, with phase and step where exactly one covers it."""
        footage = self.course.footage
        if footage is None:
            raise ValueError("a moment needs footage")
        index = math.floor(seconds * footage.fps + EPSILON)
        phase, step = (self.only(layer, index / footage.fps) for layer in ("phase", "step"))
        return Frame(index=index, fps=footage.fps, phase=phase, step=step, origins=self.course.origins)

    def beginning(self, cut: Cut) -> Frame:
        """The moment of the first frame of a clip."""
        return self.moment(cut.frames.start / cut.footage.fps)

    def clips(self, layer: Layer, *, every: float) -> Iterator[Cut]:
        """Clips wholly inside one interval of ``layer``: one, and one more for each ``every`` seconds of its length."""
        footage = self.course.footage
        for one in self.layers[layer] if footage is not None else ():
            length = one.end_seconds - one.start_seconds
            if footage is None or length < max(2.0, 2 / footage.fps):
                continue
            count = 1 + int(length // every)
            for n in range(count):
                share = length / count
                middle = one.start_seconds + share * (n + 0.5)
                half = min(CLIP_SECONDS, share) / 2
                cut = Cut(footage, middle - half, on_grid(middle + half, footage), may_begin_later=True)
                if len(cut.frames) >= 2:
                    yield cut

    def states(self, start: float, end: float) -> list[State]:
        """What is done within ``[start, end)``, in order of time, each state once until it changes.

        Triplets of the moments where the source holds them, otherwise ids of actions from the segments. Times at
        which nothing is done are passed over.
        """
        shown = [m for m in self.course.moments if start - EPSILON <= m.seconds < end - EPSILON]
        found: list[State]
        if any(m.triplets for m in shown):
            acting = [tuple(t for t in m.triplets or () if t.action.id != NULL) for m in shown]
            found = [tuple({ids_of(t): t for t in some}.values()) for some in acting]
        else:
            acts = self.within("action", start, end)
            ends = (min(max(e, start), end) for s in acts for e in (s.start_seconds, s.end_seconds))
            found = [
                tuple(dict.fromkeys(s.label.id for s in acts if s.start_seconds <= a + EPSILON < s.end_seconds))
                for a, _ in pairwise(sorted({start, end, *ends}))
            ]
        kept: list[State] = []
        for state in found:
            if state and (not kept or _key(state) != _key(kept[-1])):
                kept.append(state)
        return kept


def ids_of(triplet: Triplet) -> tuple[str, str, str]:
    """The three ids of a triplet."""
    return triplet.instrument.id, triplet.action.id, triplet.target.id


def _key(state: Sequence[Triplet | str]) -> frozenset[object]:
    return frozenset(s if isinstance(s, str) else ids_of(s) for s in state)
