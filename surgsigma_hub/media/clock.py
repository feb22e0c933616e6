"""The clock of a film: which of its frames is seen at which second of the recording. Pure: a table in, a film out.

Labels are numbers of frames at the release's rate ``r``, or times. The film has ``n`` frames and is ``d`` seconds long
by its own time stamps; the labels, or a table of the release, say that the recording lasts ``t`` seconds.

- ``d`` fits ``t``, whatever the film's rate: the same span of time, perhaps encoded anew (29.97, 30, 50), perhaps with
  frames lost and time stamps kept. Found **by time**: label ``k / r``, or its seconds, on the frame shown nearest.
- ``d`` does not fit, ``n / r`` does; the rate differs by less than 0.5 %, no frame is lost, labels are numbers: all the
  release's frames with a clock that is a little wrong. Found **by number**, and told.
- ``d`` does not fit, ``n / r`` does, otherwise: all its frames shown at another rate. **Refused**: ``video_fps``.
- both fit at another rate, where labels need not reach the end: **refused** where ``n / r`` fits much better,
  and where the rates are so near that a film may have been shown faster or slower, as 24 is at 25; else by time.
- neither fits: cut, or of another recording. **Refused**: ``starts_at``.
- labels are times, and the sound begins well before the first frame, as where a film was cut without encoding it anew:
  a player's seconds count from the sound, a film's own from its first frame. **Refused**: ``starts_at``.

Why by time where the rate differs: labels that are numbers were made on a film of the rate ``r``, in which number and
time are one; whoever encodes a film anew at another rate, or loses frames of it, keeps what is seen when. Where that is
not so, the length gives it away. A label whose own frame was lost, so that none is within three quarters of the film's
usual gap, has no image; that is told of it alone.

What cannot be seen: a front cut off, something put before it, or frames lost and timed anew, by less than
``Recording.within`` and ``Recording.beyond`` together. That is frames, or a second, where tables say how long a
recording is; where labels need not reach the end it can be more, and is told.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from ..records import Film, FilmFile, Recording
from .numbering import EPSILON, MUCH_LONGER, Refusal

_SAME_RATE = 0.005
"""Share by which the rate of a film may differ from the release's and still be called the same: rounded headers."""
_LOSSES = 0.05
"""Share of its length up to which a film may have lost frames and still look whole."""
_NEAR_RATE = 0.05
"""Share by which rates differ that films are shown at one for the other: 24 at 25."""
_LATE = 0.1
"""Seconds by which sound may begin before the first frame: its own frames are up to 4,096 samples, 0.093 s, long."""
_SAME_FRAME = 0.25
"""Share of a frame by which time stamps may miss the steady grid, and number and time still be one."""


class Table(Protocol):
    """What is read of a film: see ``film_table.FilmTable``."""

    @property
    def seconds(self) -> npt.NDArray[np.float64]:
        """When each frame is shown, from the first one's time."""

    @property
    def fps(self) -> float:
        """Average rate."""

    @property
    def constant(self) -> bool:
        """Whether no frame is missing."""

    @property
    def late(self) -> float:
        """Seconds after the start of its sound at which its first frame is shown."""

    @property
    def told(self) -> tuple[str, ...]:
        """What the user should know of its pictures."""

    def __len__(self) -> int: ...


@dataclass(frozen=True, slots=True)
class Clock:
    """A film whose time is known.

    Attributes:
        film: The film.
        gap: Seconds of the recording between two frames, usually.
        told: What the user should know of it.
    """

    film: Film
    gap: float
    told: tuple[str, ...] = ()


def read_clock(recording: Recording, file: FilmFile, table: Table) -> Clock | Refusal:
    """When the frames of a film are seen, or why that is not known."""
    stated, rate = recording.stated, file.fps
    gap = float(np.median(np.diff(table.seconds))) if len(table) > 1 else 1 / (table.fps or rate)
    fps = table.fps if table.constant else 1 / gap  # the rate that it would have without lost frames
    asked, speed = stated.video_fps is not None, 1.0
    if stated.video_fps is not None and not math.isclose(stated.video_fps, rate):
        if abs(fps - stated.video_fps) > 2 * _SAME_RATE * stated.video_fps:
            found = f"it shows {fps:.6g} frames a second, the option video_fps says {stated.video_fps:g}"
            return Refusal(found, (f"those labels at that rate (--option video_fps={fps:.6g})",))
        speed = fps / rate
    if table.late >= _LATE and not file.counted and stated.starts_at is None:
        return _late(table)
    start = stated.starts_at or 0.0
    times, numbered = start + table.seconds * speed, start + np.arange(len(table)) / rate
    end, counted = float(times[-1]) + gap * speed, start + len(table) / rate
    misfit, count_fits = _misfit(end, recording), not asked and _misfit(counted, recording) is None
    same = abs(fps - rate) <= _SAME_RATE * rate
    if misfit is None:
        near = abs(fps - rate) <= _NEAR_RATE * rate
        likelier = near or abs(counted - recording.lasts) < abs(end - recording.lasts) / 2
        if count_fits and not same and likelier:
            return _other_rate(file, table, recording, end, counted, both=True)
        told = tuple(_told(recording, table, rate=rate, fps=fps / speed, gap=gap, end=end))
    elif count_fits and same and table.constant and file.counted:
        off = float(np.max(np.abs(times - numbered)))
        told = (f"its time stamps are up to {off:.3g} s off its {len(table)} frames: found by number",)
        times = numbered
    elif count_fits:
        return _other_rate(file, table, recording, end, counted, both=False)
    else:
        found = f"its {len(table)} frames at {fps:.6g} a second end at {end:.6g} s, {misfit} {recording.lasts:.6g} s"
        return Refusal(f"{found} ({recording.said_by})", tuple(_cuts(recording, end)))
    film = Film(file.path, rate, tuple(times.tolist()))
    if np.array_equal(times, table.seconds):
        film = _film(file, times, rate, fps)
    return Clock(film, gap * speed, (*told, *table.told))


def _told(recording: Recording, table: Table, *, rate: float, fps: float, gap: float, end: float) -> Iterator[str]:
    """What the user should know of a film that is read by time; ``fps`` is in frames per second of the recording."""
    lasts = recording.lasts
    if abs(fps - rate) > _SAME_RATE * rate:
        yield f"it shows {fps:.6g} frames a second, the release says {rate:g}: found by time"
    elif not table.constant:
        yield f"frames of it are missing, {len(table)} are there: found by time"
    if end < lasts - gap or lasts + recording.within < end <= lasts + 2:
        yield f"it ends {abs(end - lasts):.3g} s {'before' if end < lasts else 'after'} the recording does"
    elif end > lasts * (1 + _NEAR_RATE) and recording.stated.starts_at is None:
        yield f"it goes on for {end - lasts:.3g} s after the last label: whether its front is whole is not known"


def _misfit(end: float, recording: Recording) -> str | None:
    """How an end differs from that of the recording; None where it fits."""
    stated, lasts = recording.stated, recording.lasts
    known = stated.starts_at is not None
    if end < lasts - recording.within - EPSILON and not known:
        return "the recording lasts until"
    if end > lasts + recording.beyond + recording.within + EPSILON:
        if known and (stated.video_fps is not None or end <= MUCH_LONGER * lasts):
            return None
        return "the recording ends at"
    return None


def _other_rate(
    file: FilmFile, table: Table, recording: Recording, end: float, counted: float, *, both: bool
) -> Refusal:
    shown = (
        f"its {len(table)} frames at {table.fps:.6g} a second end at {end:.6g} s, at the release's {file.fps:g} at "
        f"{counted:.6g} s, the recording at {recording.lasts:.6g} s ({recording.said_by})"
    )
    fits = [f"the release's frames shown at another rate (--option video_fps={table.fps:.6g})"]
    if both:
        fits.append(f"a video whose time stamps are to be believed (--option video_fps={file.fps:g})")
    return Refusal(shown, tuple(fits))


def _late(table: Table) -> Refusal:
    late = f"{table.late:.3g}"
    return Refusal(
        f"its first frame is shown {late} s after its sound begins, and the labels are times",
        (
            f"labels made with a player, whose seconds count from the sound (--option starts_at={late})",
            "labels that count from the first frame (--option starts_at=0)",
        ),
    )


def _cuts(recording: Recording, end: float) -> Sequence[str]:
    if recording.stated.starts_at is not None:
        return ()
    lacking = recording.lasts - end
    if lacking > 0:
        lost = ("one that lost frames and was timed anew, for which there is no cure",)
        joined = (f"the first part of a recording, whose {recording.parts}",) if recording.parts else ()
        return (
            *joined,
            f"a recording whose first {lacking:.6g} s were cut off (--option starts_at={lacking:.6g})",
            "one whose end is missing (--option starts_at=0)",
            *(lost if lacking < _LOSSES * recording.lasts else ()),
        )
    return (
        f"a video that begins {-lacking:.6g} s before the recording (--option starts_at={lacking:.6g})",
        "one that goes on after it (--option starts_at=0)",
    )


def _film(file: FilmFile, times: npt.NDArray[np.float64], rate: float, own: float) -> Film:
    """A film whose time stamps are believed: on the grid of the release's rate, or of its own, if its frames are."""
    numbers = np.arange(len(times))
    for fps in (rate, own):
        if float(np.max(np.abs(times - numbers / fps))) <= _SAME_FRAME / fps:
            return Film(file.path, float(fps))
    return Film(file.path, float(rate), tuple(times.tolist()))
