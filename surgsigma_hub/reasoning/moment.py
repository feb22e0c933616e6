"""What of a video may be looked at for one sample: a moment or a clip, what is going on in it, what came before.

Nothing that begins after the moment, or after the end of the clip, is ever read: it would tell what is to come.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from ..ontology import NULL
from ..records import Course, Cut, Frame, Label, Segment, Triplet
from ..tasks.base import Draft
from ..tasks.timeline import states as states_of

EPSILON = 1e-6
"""Seconds below which two times are the same."""

State = tuple[Triplet, ...] | tuple[str, ...]
"""What is done at once: triplets, or ids of actions where the source holds no triplets."""


class Window(NamedTuple):
    """The time looked at, in seconds of the video; a single moment where ``start == end``."""

    start: float
    end: float


class Scene(NamedTuple):
    """What the facts hold of the time looked at; ids throughout, None where unknown.

    Attributes:
        now: The last moment looked at that the frame tells of, in seconds.
        frames: The annotated moments looked at: the frame itself, or those of the course within the clip. Of a clip
            that is to be made, only its first picture is seen, if it is given.
        before_phase: The phase that ended when the present one began.
        states: What is done within a clip, in order of time; empty for a moment.
        segments: Intervals of actions that are under way in the time looked at.
    """

    window: Window
    now: float
    frames: tuple[Frame, ...]
    phase: str | None
    step: str | None
    before_phase: str | None
    before_step: str | None
    states: tuple[State, ...]
    segments: tuple[Segment, ...]

    @property
    def is_clip(self) -> bool:
        """Whether more than a moment is looked at."""
        return self.window.end > self.window.start


class Timeline:
    """The segments of one course by layer, sorted once."""

    __slots__ = ("course", "layers")

    def __init__(self, course: Course) -> None:
        self.course = course
        self.layers: dict[str, list[Segment]] = {"action": [], "phase": [], "step": []}
        for segment in course.segments:
            self.layers[segment.layer].append(segment)
        for some in self.layers.values():
            some.sort(key=lambda s: (s.start_seconds, s.end_seconds))

    def at(self, layer: str, seconds: float) -> list[Segment]:
        """Intervals that cover one moment."""
        return [
            s for s in self.layers[layer] if s.start_seconds <= seconds + EPSILON and s.end_seconds > seconds + EPSILON
        ]

    def within(self, layer: str, window: Window) -> list[Segment]:
        """Intervals that share time with a clip."""
        return [
            s
            for s in self.layers[layer]
            if s.start_seconds < window.end - EPSILON and s.end_seconds > window.start + EPSILON
        ]

    def before(self, layer: str, present: str, seconds: float) -> str | None:
        """The label of the interval that was over when the interval of ``present`` at ``seconds`` began."""
        covering = [s for s in self.at(layer, seconds) if s.label.id == present]
        if not covering:
            return None
        begin = covering[0].start_seconds
        over = [s for s in self.layers[layer] if s.end_seconds <= begin + EPSILON and s.label.id != present]
        return max(over, key=lambda s: s.end_seconds).label.id if over else None

    def over(self, seconds: float) -> frozenset[tuple[str, str]]:
        """Layer and label of everything that had ended at ``seconds``."""
        return frozenset(
            (s.layer, s.label.id) for some in self.layers.values() for s in some if s.end_seconds <= seconds + EPSILON
        )


class Memory:
    """What the samples of one video, and of one moment, share: give the same one to each call in turn, for speed.

    Attributes:
        things: What is in view of the scene kept, in words: filled and read by ``perceptual``.
    """

    __slots__ = ("_course", "_frame", "_scene", "_timeline", "things")

    def __init__(self) -> None:
        self._timeline: Timeline | None = None
        self._frame: Frame | None = None
        self._course: Course | None = None
        self._scene: Scene | None = None
        self.things: dict[Any, Any] = {}

    def timeline(self, course: Course) -> Timeline:
        """The timeline of ``course``; that of the last course is kept."""
        if self._timeline is None or self._timeline.course is not course:
            self._timeline = Timeline(course)
        return self._timeline

    def scene(self, frame: Frame, course: Course | None, draft: Draft | None) -> Scene:
        """The scene of one sample; that of the last moment is kept, since one frame serves many samples."""
        window = window_of(frame, draft)
        if window.end > window.start:
            self._frame, self.things = None, {}
            return _scene(window, frame, course, draft, self)
        if self._scene is None or self._frame is not frame or self._course is not course:
            self._frame, self._course, self.things = frame, course, {}
            self._scene = _scene(window, frame, course, draft, self)
        return self._scene


def window_of(frame: Frame, draft: Draft | None) -> Window:
    """The clip that is looked at or, where one is to be made, the clip that was described; else the moment."""
    if draft is not None:
        for one in (*(draft.inputs or ()), draft.target):
            if isinstance(one, Cut):
                return Window(one.start_seconds, one.end_seconds)
    return Window(frame.seconds, frame.seconds)


def _scene(window: Window, frame: Frame, course: Course | None, draft: Draft | None, memory: Memory) -> Scene:
    phase, step = _id(frame.phase), _id(frame.step)
    if course is None:
        return Scene(window, frame.seconds, (frame,), phase, step, None, None, (), ())
    times = memory.timeline(course)
    if window.end > window.start:
        now = frame.seconds
        if now >= window.end - EPSILON:
            # The frame comes after the last one seen: what holds there may be what is to be foretold.
            now = window.end - 2 * EPSILON
            phase, step = _only(times.at("phase", now)), _only(times.at("step", now))
        frames = tuple(m for m in course.moments if window.start - EPSILON <= m.seconds < window.end - EPSILON)
        segments = tuple(times.within("action", window))
        states = _acting(states_of(course, window.start, window.end))
        if draft is not None and isinstance(draft.target, Cut):
            frames = frames[:1] if draft.inputs else ()
    else:
        now, frames, states = frame.seconds, (frame,), ()
        segments = tuple(times.at("action", now))
    return Scene(
        window,
        now,
        frames,
        phase,
        step,
        times.before("phase", phase, now) if phase else None,
        times.before("step", step, now) if step else None,
        states,
        segments,
    )


def _id(label: Label | None) -> str | None:
    return None if label is None else label.id


def _acting(states: Iterable[State]) -> tuple[State, ...]:
    """States without intervals in which nothing is done."""
    found: list[State] = []
    for state in states:
        kept: Any = tuple(one for one in state if one != NULL)
        if kept and (not found or kept != found[-1]):
            found.append(kept)
    return tuple(found)


def _only(segments: list[Segment]) -> str | None:
    ids = {s.label.id for s in segments}
    return ids.pop() if len(ids) == 1 else None


def ids_of(triplet: Triplet) -> tuple[str, str, str]:
    """The three ids of a triplet."""
    return triplet.instrument.id, triplet.action.id, triplet.target.id
