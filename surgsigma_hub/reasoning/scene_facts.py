"""What of a video may be looked at for one sample: a moment or a clip, and what is going on in it.

Nothing outside the moment or the clip is ever read: what came before is not seen, and what comes after is not known.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from ..ontology import NULL
from ..records import Cut, Frame, Label, Segment, VideoTimeline
from ..tasks.common.base import Draft
from ..tasks.common.timeline import EPSILON, State, Timeline


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
        states: What is done within a clip, in order of time; empty for a moment.
        segments: Intervals of actions that are under way in the time looked at.
    """

    window: Window
    now: float
    frames: tuple[Frame, ...]
    phase: str | None
    step: str | None
    states: tuple[State, ...]
    segments: tuple[Segment, ...]

    @property
    def is_clip(self) -> bool:
        """Whether more than a moment is looked at."""
        return self.window.end > self.window.start


class Memory:
    """What the samples of one video, and of one moment, share: give the same one to each call in turn, for speed.

    Attributes:
        things: What was worked out of the scene kept, for the other samples of the moment.
    """

    __slots__ = ("_course", "_frame", "_scene", "_timeline", "things")

    def __init__(self) -> None:
        self._timeline: Timeline | None = None
        self._frame: Frame | None = None
        self._course: VideoTimeline | None = None
        self._scene: Scene | None = None
        self.things: dict[Any, Any] = {}

    def timeline(self, course: VideoTimeline) -> Timeline:
        """The timeline of ``course``; that of the last course is kept."""
        if self._timeline is None or self._timeline.course is not course:
            self._timeline = Timeline(course)
        return self._timeline

    def scene(self, frame: Frame, course: VideoTimeline | None, draft: Draft | None) -> Scene:
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
    cut = None if draft is None else draft.cut
    if cut is not None:
        return Window(cut.start_seconds, cut.end_seconds)
    return Window(frame.seconds, frame.seconds)


def _scene(window: Window, frame: Frame, course: VideoTimeline | None, draft: Draft | None, memory: Memory) -> Scene:
    phase, step = _id(frame.phase), _id(frame.step)
    if course is None:
        return Scene(window, frame.seconds, (frame,), phase, step, (), ())
    times = memory.timeline(course)
    if window.end > window.start:
        now = frame.seconds
        if now >= window.end - EPSILON:
            # The frame comes after the last one seen: what holds there may be what is to be foretold.
            now = window.end - 2 * EPSILON
            phase, step = _id(times.only("phase", now)), _id(times.only("step", now))
        frames = tuple(m for m in course.moments if window.start - EPSILON <= m.seconds < window.end - EPSILON)
        segments = tuple(times.within("action", *window))
        states = _acting(times.states(*window))
        if draft is not None and isinstance(draft.target, Cut):
            frames = frames[:1] if draft.inputs else ()
    else:
        now, frames, states = frame.seconds, (frame,), ()
        segments = tuple(times.at("action", now))
    return Scene(window, now, frames, phase, step, states, segments)


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
