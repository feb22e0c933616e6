"""Footage: where pixels come from, what a loader says of a video's footage, and what it turned out to be.

A loader says what its release says (:class:`Recording`); ``media.moments`` looks at the files, checks the one against
the other and gives a :class:`Film` or :class:`Stills`, on whose steady grid of moments everything later works. No I/O
happens here. Seconds of a recording count from where the labels of its video count from.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy.typing as npt

# --------------------------------------------------------------------------------------------------- pictures


@dataclass(frozen=True, slots=True)
class FileImage:
    """A picture stored as a file of its own."""

    path: Path


@dataclass(frozen=True, slots=True)
class FileSlice:
    """Encoded bytes inside a larger file (a TFRecord, an uncompressed tar)."""

    path: Path
    offset: int
    length: int


@dataclass(frozen=True, slots=True)
class VideoFrame:
    """Frame ``index`` (0-based, in order of display) of a film."""

    path: Path
    index: int


@dataclass(frozen=True, slots=True)
class Drawn:
    """Pixels made on demand: ``draw()`` returns uint8 ``(H, W, 3)`` or ``(H, W)``, or uint16 ``(H, W)``."""

    name: str
    draw: Callable[[], npt.NDArray[Any]]


ImageRef = FileImage | FileSlice | VideoFrame | Drawn
"""Where pixels come from. Loaders yield references; only ``media`` turns them into pixels."""

# ------------------------------------------------------------------------------------- footage whose time is known


@dataclass(frozen=True, slots=True)
class Film:
    """A whole film, and which of its frames is seen at which second of the recording.

    Attributes:
        path: The film.
        fps: Rate of the grid of moments; tasks name moments by their number on it.
        seconds: When each frame is seen, rising; empty where the film itself shows frame ``n`` at ``n / fps``.
    """

    path: Path
    fps: float
    seconds: tuple[float, ...] = ()

    def frame_at(self, seconds: float) -> int:
        """Number (0-based, in order of display) of the frame whose time is nearest, of two as near the earlier.

        >>> Film(Path("a.mp4"), 25.0).frame_at(1.0), Film(Path("a.mp4"), 25.0, (10.0, 10.04, 10.12)).frame_at(10.1)
        (25, 2)
        """
        if not self.seconds:
            return max(0, math.ceil(seconds * self.fps - 0.5 - 1e-6))
        after = bisect_left(self.seconds, seconds)
        if after in (0, len(self.seconds)):
            return min(after, len(self.seconds) - 1)
        before = after - 1
        return before if seconds - self.seconds[before] <= self.seconds[after] - seconds + 1e-9 else after


@dataclass(frozen=True, slots=True)
class Stills:
    """Pictures taken at a steady rate: number ``n`` at ``n / fps`` seconds, None where it is missing."""

    images: tuple[ImageRef | None, ...]
    fps: float


Footage = Film | Stills


@dataclass(frozen=True, slots=True)
class Cut:
    """The moments of the grid of ``footage`` at ``start_seconds <= t < end_seconds``.

    Attributes:
        may_begin_later: Whether all that is said of it stays true where its first frame is left out, as of a stretch
            of one phase, or of footage before a cut-off.
    """

    footage: Footage
    start_seconds: float
    end_seconds: float
    may_begin_later: bool = False

    @property
    def frames(self) -> range:
        """Numbers, on the grid of the footage, of the moments within the cut.

        >>> Cut(Film(Path("a.mp4"), 25.0), 1.0, 1.2).frames
        range(25, 30)
        """
        first, end = (max(0, math.ceil(s * self.footage.fps - 1e-6)) for s in (self.start_seconds, self.end_seconds))
        return range(first, end)


# --------------------------------------------------------------------------------------- footage as a loader says it


@dataclass(frozen=True, slots=True, kw_only=True)
class Stated:
    """What the user states of footage of her own, in place of what the release says; None where she states nothing.

    Attributes:
        starts_at: Second of the recording at which the footage begins.
        video_fps: Frames per second at which the film shows the frames that the release counts at its own rate.
        image_fps: Numbers per second in the names of images.
        image_base: Number of the first image of the recording.
    """

    starts_at: float | None = None
    video_fps: float | None = None
    image_fps: float | None = None
    image_base: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FilmFile:
    """A film, as its release describes it.

    Attributes:
        path: The film; it is there.
        fps: Frames per second that the release states.
        counted: Whether the labels are numbers of frames, 0-based at ``fps``; else they are times.
    """

    path: Path
    fps: float
    counted: bool

    @property
    def as_said(self) -> Film:
        """The film as its release describes it, not looked at."""
        return Film(self.path, self.fps)


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberedImages:
    """Images with a number in their names, as the release numbers them.

    Attributes:
        images: Image of each number.
        name: Name of an image, to be formatted with its number, for messages: ``{:06d}.png``.
        base: Number of the first image of the recording.
        base_seconds: When the first image is seen.
        fps: Numbers per second.
    """

    images: Mapping[int, ImageRef]
    name: str
    base: int = 0
    base_seconds: float = 0.0
    fps: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """What a release says of the footage of one video, and what its labels need of it.

    Attributes:
        media: The film or the images; None where they are missing.
        film: A film to cut clips from, where ``media`` are images.
        place: Film or folder, relative to the root, for messages.
        absent: What to say where there is none.
        moments: Every labelled second of the recording, rising, whether or not it is taken.
        lasts: The recording goes on until this second at least.
        said_by: What says so, for messages: a table, a file of labels.
        within: A film may end this many seconds before that.
        beyond: Footage may end this many seconds after that; more than a fifth of ``lasts`` where labels need not reach
            the end.
        spare: Labelled seconds whose image may be missing without being missed.
        told: Things worth telling that were seen while the labels were read.
        parts: How further numbered parts beside the film are joined, for a film that ends too soon; empty without any.
        stated: What the user states.
    """

    media: FilmFile | NumberedImages | None
    film: FilmFile | None = None
    place: str
    absent: str
    moments: Sequence[float]
    lasts: float
    said_by: str
    within: float = 0.25
    beyond: float = 1.0
    spare: frozenset[float] = frozenset()
    told: tuple[str, ...] = ()
    parts: str = ""
    stated: Stated = field(default_factory=Stated)
