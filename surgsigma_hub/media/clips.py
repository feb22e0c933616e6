"""Clips: the frames of a cut, thinned to the rate asked for and encoded once, frame by frame in bounded memory.

A clip keeps a true rate: every ``step``-th frame of the footage from its first on, so that time in the clip is time in
the operation. A frame belongs to the cut when it is seen at ``start <= t < end``: nothing of the future slips in.
"""

from __future__ import annotations

import math
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import MediaError
from ..records import Cut, Film, ImageRef, Stills
from .film_table import FilmTable, film_table
from .image import load_rgb, picture_size
from .scaling import reformatted
from .video import encode_video, exact_reader
from .view import OUTSIDE, no_view

_EPSILON = 1e-6
_TAIL_SECONDS = 0.25
"""Annotations may run this much past the end of a film; more is an error."""
_RATE_TOLERANCE = 0.005
"""Share by which the rate of a film may differ from its source's, such as 29.97 for 30."""
_HELD_SECONDS = 0.2
"""How long a frame may stay where the next were lost; five frames at 25 a second are not seen as a stop."""
_CHECKS_PER_SECOND = 2.0
_THUMB = (96, 54)


@dataclass(frozen=True, slots=True)
class EncodedClip:
    """An mp4 as it goes into a shard; ``fps`` is its own constant rate."""

    data: bytes
    width: int
    height: int
    num_frames: int
    fps: float


@dataclass(frozen=True, slots=True)
class PlannedClip:
    """A clip before any frame of it is decoded: even width and height in pixels, frames, and its constant rate."""

    width: int
    height: int
    num_frames: int
    fps: float


def step_for(rate: float, limit: float) -> int:
    """The smallest step through footage of ``rate`` that keeps at most ``limit`` frames a second.

    >>> step_for(25.0, 10.0), step_for(1.0, 10.0)
    (3, 1)
    """
    return max(1, math.ceil(rate / limit - _EPSILON))


def plan_clip(cut: Cut, *, max_fps: float, max_side: int) -> PlannedClip:
    """What :func:`encode_clip` makes of a cut, as far as that can be told without decoding it.

    Raises:
        MediaError: as :func:`encode_clip`, but for what only pixels show: damage, and frames without a surgical view.
    """
    picked, rate = _thinned(cut, max_fps)
    if isinstance(cut.footage, Film):
        count, table = sum(1 for _ in _film_indices(cut.footage, picked)), film_table(cut.footage.path)
        size = (table.width, table.height)
    else:
        images = [_still(cut.footage, index) for index in picked]
        count, size = len(images), picture_size(images[0])
    return PlannedClip(*_even_size(*size, max_side), count, float(rate))


def even_cut(cut: Cut, max_fps: float) -> Cut:
    """The cut, or one that begins up to a frame of the clip later, so that the clip has an even number of frames.

    Cuts that may not begin later, and such of one frame, are given back as they are.

    Raises:
        MediaError: there is no frame in it.
    """
    picked, _ = _thinned(cut, max_fps)
    if not cut.may_begin_later or len(picked) % 2 == 0 or len(picked) == 1:
        return cut
    first = picked.stop - picked.step * (len(picked) - 1)
    return replace(cut, start_seconds=first / cut.footage.fps)


def _thinned(cut: Cut, max_fps: float) -> tuple[range, Fraction]:
    """Numbers of the frames to take, on the grid of the footage, and the rate at which these follow each other."""
    frames = cut.frames
    if not frames:
        raise MediaError(f"no frame between {cut.start_seconds:g} and {cut.end_seconds:g} s", reason="media_missing")
    step = step_for(cut.footage.fps, max_fps)
    return range(frames.start, frames.stop, step), Fraction(cut.footage.fps).limit_denominator(1001) / step


def encode_clip(cut: Cut, *, max_fps: float, max_side: int, endoscopic: bool = True) -> EncodedClip:
    """Cut, thin, scale and encode.

    Args:
        cut: Which frames.
        max_fps: The clip has the highest rate not above this that divides the footage's own.
        max_side: Longest short side in pixels; larger footage is scaled down, odd sizes lose one row or column.
        endoscopic: Whether the footage is of white-light endoscopy, where frames from outside the body can be told.

    Raises:
        MediaError: no frame there, a frame missing or damaged, another rate than the source says, or a frame that
            shows no surgical view (black, white, outside the body).
    """
    footage = cut.footage
    picked, rate = _thinned(cut, max_fps)
    made = _Made(max_side, endoscopic, every=max(1, round(float(rate) / _CHECKS_PER_SECOND)))
    source = _film_frames(footage, picked) if isinstance(footage, Film) else _still_frames(footage, picked)
    with tempfile.TemporaryDirectory(prefix="surgsigma-clip-") as folder:
        path = Path(folder) / "clip.mp4"
        encode_video(path, made.prepared(source), fps=float(rate))
        data = path.read_bytes()
    return EncodedClip(data, made.width, made.height, made.count, float(rate))


class _Made:
    """Frames on their way into the encoder: scaled to an even size, looked at now and then, counted."""

    def __init__(self, max_side: int, endoscopic: bool, every: int) -> None:
        self._max_side, self._endoscopic, self._every = max_side, endoscopic, every
        self.width = self.height = self.count = 0

    def prepared(self, frames: Iterable[Any]) -> Iterator[Any]:
        for frame in frames:
            if not self.count:
                self.width, self.height = _even_size(frame.width, frame.height, self._max_side)
            if self.count % self._every == 0:
                thumb = reformatted(frame, width=_THUMB[0], height=_THUMB[1], format="rgb24").to_ndarray()
                seen = no_view(thumb)
                if seen and (self._endoscopic or seen != OUTSIDE):
                    raise MediaError(f"frame {self.count} of the clip is {seen}", reason="no_surgical_view")
            self.count += 1
            yield reformatted(frame, width=self.width, height=self.height, format="yuv420p")


def _even_size(width: int, height: int, max_side: int) -> tuple[int, int]:
    scale = min(1.0, max_side / min(width, height))
    return max(2, int(width * scale) // 2 * 2), max(2, int(height * scale) // 2 * 2)


def _still_frames(stills: Stills, picked: range) -> Iterator[Any]:
    import av

    for index in picked:
        yield av.VideoFrame.from_ndarray(np.ascontiguousarray(load_rgb(_still(stills, index))), format="rgb24")


def _still(stills: Stills, index: int) -> ImageRef:
    image = stills.images[index] if index < len(stills.images) else None
    if image is None:
        raise MediaError(f"still {index} at {stills.fps:g} fps is missing", reason="clip_incomplete")
    return image


def _film_frames(film: Film, picked: range) -> Iterator[Any]:
    """The frames of a film that are shown when the picked moments of its grid are due."""
    reader = exact_reader(film.path)
    for index in _film_indices(film, picked):
        yield reader.turned(reader.decoded(index))


def _film_indices(film: Film, picked: range) -> Iterator[int]:
    """Number of each of these frames in the film."""
    if film.seconds:
        yield from _timed_indices(film, picked)
        return
    name, table = film.path.name, film_table(film.path)
    rate = _rate(table)
    if abs(rate - film.fps) > _RATE_TOLERANCE * film.fps:
        raise MediaError(f"{name}: has {rate:g} frames a second, the source says {film.fps:g}")
    for number in picked:
        due = number / film.fps
        index = table.nearest(due)
        if abs(float(table.seconds[index]) - due) > (0.5 + _EPSILON) / film.fps:
            if index < len(table) - 1:
                raise MediaError(f"{name}: no frame at {due:.3f} s; frames are missing or the rate is not constant")
            if number == picked.start or (picked.stop - number) / film.fps > _TAIL_SECONDS:
                raise MediaError(f"{name}: ends before {due:.3f} s", reason="media_missing")
            return
        yield index


def _rate(table: FilmTable) -> float:
    """Frames per second where none is lost."""
    gaps = np.diff(table.seconds)
    return float(1 / gaps[gaps < 1.5 * np.median(gaps)].mean()) if len(gaps) else table.fps


def _timed_indices(film: Film, picked: range) -> Iterator[int]:
    """As :func:`_film_indices`, of frames that have times of their own; where one was lost, that before stays."""
    half = (0.5 + _EPSILON) / film.fps
    for number in picked:
        due = number / film.fps
        index = film.frame_at(due)
        if index and film.seconds[index] > due + half:
            index -= 1
        held = due - film.seconds[index]
        if index == len(film.seconds) - 1 and held > half:
            if number == picked.start or (picked.stop - number) / film.fps > _TAIL_SECONDS:
                raise MediaError(f"{film.path.name}: ends before {due:.3f} s", reason="media_missing")
            return
        if not -half <= held <= max(_HELD_SECONDS, 2 * half):
            raise MediaError(f"{film.path.name}: no frame at {due:.3f} s", reason="clip_incomplete")
        yield index
