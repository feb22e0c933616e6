"""Moments: which picture a label means. The one place where the time of a label becomes a picture of the footage.

A loader gives its frames without a picture and says of the footage what its release says (``records.Recording``). Here
the footage is looked at first: numbers of images by ``numbering``, films by ``clock``; what each of them accepts and
refuses is in its docstring. What contradicts the labels is refused for its video as a whole, as one
:class:`Defect` that names the readings which would fit and the options that state them. Nothing is guessed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Protocol

from ..errors import MediaError
from ..records import (
    Defect,
    Fact,
    Footage,
    Frame,
    ImageRef,
    NumberedImages,
    Reason,
    Recording,
    Stills,
    Video,
    VideoFrame,
    VideoTimeline,
)
from ..source import Source
from .clock import Clock, read_clock
from .film_table import film_table
from .numbering import EPSILON, Numbering, Refusal, declared, image_number, read_numbering, step_of

_LOST = 0.75
"""Share of the gap between frames from which on a frame is not the one that was labelled: half a gap, and room for time
stamps that jitter."""


@dataclass(slots=True)
class Deviation:
    """How far the pictures found are from the moments that labels name, at most."""

    seconds: float = 0.0
    frames: float = 0.0

    def note(self, seconds: float, gap: float) -> None:
        """Take one picture into account; ``gap`` is the time between two."""
        if abs(seconds) > self.seconds + EPSILON:
            self.seconds, self.frames = abs(seconds), abs(seconds) / gap


class Places(Protocol):
    """Footage whose time is known."""

    @property
    def footage(self) -> Footage | None:
        """To cut clips from."""

    @property
    def told(self) -> tuple[str, ...]:
        """What the user should know of it."""

    def picture(self, seconds: float, deviation: Deviation) -> ImageRef | str:
        """The picture seen at a moment, or what is not there."""


class ImagePlaces:
    """Numbered images."""

    told: tuple[str, ...] = ()

    def __init__(self, images: NumberedImages, reading: Numbering, place: str) -> None:
        self._images, self._reading, self._place = images, reading, place

    def picture(self, seconds: float, deviation: Deviation) -> ImageRef | str:
        """See :class:`Places`."""
        number = image_number(self._reading, self._images, seconds)
        if number is None:
            return self._lacking(seconds)
        deviation.note(self._reading.seconds(number) - seconds, 1 / self._reading.fps)
        return self._images.images[number]

    def _lacking(self, seconds: float) -> str:
        nearest = self._reading.number(seconds)
        if nearest < self._reading.base:
            return f"the images in {self._place} begin at {self._reading.start:g} s"
        name = self._images.name.format(nearest)
        if nearest not in self._images.images:
            return f"no {name} in {self._place}"
        at = self._reading.seconds(nearest)
        return f"no image at {seconds:g} s in {self._place}: the nearest, {name}, is at {at:g} s"

    @property
    def footage(self) -> Stills | None:
        """A place for each image that there could be, up to the last; of numbers that were thinned, for those kept."""
        reading, numbers = self._reading, sorted(self._images.images)
        step = 1
        if reading.fps > 1 and reading.fps == int(reading.fps):
            step = step_of([0, *sorted({abs(n - reading.base) for n in numbers} - {0}), int(reading.fps)])
        fps = reading.fps / step
        at: dict[int, ImageRef] = {}
        for number in numbers:
            index = round(reading.seconds(number) * fps)
            if index >= 0:
                at.setdefault(index, self._images.images[number])
        return Stills(tuple(at.get(n) for n in range(max(at) + 1)), fps) if at else None


class FilmPlaces:
    """The frames of a film; ``frames`` is how many there are, None to take it that each moment has one."""

    def __init__(self, clock: Clock, frames: int | None = None) -> None:
        self.footage, self.told, self._gap, self._frames = clock.film, clock.told, clock.gap, frames

    def picture(self, seconds: float, deviation: Deviation) -> ImageRef | str:
        """See :class:`Places`."""
        film = self.footage
        index = film.frame_at(seconds)
        if self._frames is not None and index >= self._frames:
            return f"{film.path.name} ends before {seconds:.6g} s"
        off = (film.seconds[index] if film.seconds else index / film.fps) - seconds
        if abs(off) > _LOST * self._gap + EPSILON:
            return f"{film.path.name} shows no frame at {seconds:.6g} s; the nearest is {abs(off):.3g} s off"
        deviation.note(off, self._gap)
        return VideoFrame(film.path, index)


def places(recording: Recording, *, look: bool = True) -> Places | Refusal | None:
    """The footage of a recording with its time, why it is refused, or None where there is none.

    Args:
        recording: What a loader says.
        look: Whether to open films and to doubt; without, all is taken as the release declares it.

    Raises:
        MediaError: a film that cannot be read.
    """
    media = recording.media
    if media is None or (isinstance(media, NumberedImages) and not media.images):
        return None
    if isinstance(media, NumberedImages):
        reading = read_numbering(recording, media) if look else declared(media, recording.stated)
        return reading if isinstance(reading, Refusal) else ImagePlaces(media, reading, recording.place)
    if not look:
        return FilmPlaces(Clock(media.as_said, 1 / media.fps))
    table = film_table(media.path)
    clock = read_clock(recording, media, table)
    return clock if isinstance(clock, Refusal) else FilmPlaces(clock, len(table) if recording.spare else None)


class Seen:
    """One video as its labels and its footage together tell it. Owns the mapping from moments to pictures.

    Args:
        source: Where its labels come from.
        video: Which.
        look: As of :func:`places`; without, frames whose footage is not there come without a picture.
    """

    def __init__(self, source: Source, video: Video, *, look: bool = True) -> None:
        self.deviation = Deviation()
        self._source, self._video, self._look = source, video, look
        self._recording = source.recording(video)
        self._places: Places | None = None
        self._film: Places | None = None
        self._problems: list[Defect] = []
        recording = self._recording
        if recording is not None:
            self._places = self._opened(recording, look)
            if recording.film is not None and recording.film is not recording.media and self._places is not None:
                other = replace(recording, media=recording.film, place=recording.film.path.name)
                self._film = self._opened(other, look)

    def _opened(self, recording: Recording, look: bool) -> Places | None:
        """The footage with its time; None where it is not there or refused, and then why is noted."""
        try:
            found = places(recording, look=look)
        except MediaError as error:
            reason, detail = Reason(error.reason), error.message
        else:
            if found is not None and not isinstance(found, Refusal):
                return found
            reason = Reason.MEDIA_MISSING if found is None else Reason.FOOTAGE_CONTRADICTS
            detail = recording.absent if found is None else found.detail
        self._problems.append(Defect(reason, recording.place, detail))
        return None

    @property
    def told(self) -> tuple[str, ...]:
        """What the user should know of labels and footage."""
        said = self._recording.told if self._recording is not None else ()
        return (*said, *(line for p in (self._places, self._film) if p is not None for line in p.told))

    def frames(self) -> Iterator[Frame | Defect]:
        """What the loader yields, frames with their picture; for refused footage one defect in place of all frames."""
        lost = 0
        for found in self._source.frames(self._video):
            if isinstance(found, Defect) or self._recording is None:
                yield found
            elif self._places is None and self._look:
                lost += 1
            elif self._places is None or found.image is not None:
                yield found
            elif (one := self._placed(found, self._recording, self._places)) is not None:
                yield one
        for problem in self._problems:
            left = f"{lost} annotated moment{'s are' if lost > 1 else ' is'} left out" if lost else "no clips of it"
            if lost or self._places is not None:
                yield replace(problem, detail=f"{problem.detail}: {left}", moments=max(1, lost))

    def _placed(self, frame: Frame, recording: Recording, found: Places) -> Frame | Defect | None:
        picture = found.picture(frame.seconds, self.deviation)
        if not isinstance(picture, str):
            return replace(frame, image=picture)
        if frame.seconds in recording.spare:
            return None
        return Defect(Reason.MEDIA_MISSING, f"{self._video.id}/{frame.index}", picture)

    def course(self) -> VideoTimeline | None:
        """The loader's course with its footage; without it where it is refused."""
        course = self._source.course(self._video)
        if self._places is None or Fact.FOOTAGE not in self._source.info.facts:
            return course  # pictures without a rate, or of single moments, are no footage
        footage = (self._film or self._places).footage
        if course is None:
            return None if footage is None else VideoTimeline(footage=footage)
        return replace(course, footage=footage)

    def summary(self, *more: str) -> dict[str, Any]:
        """For a report: milliseconds and frames of the largest deviation, and what is told, ``more`` too."""
        return {
            "deviation_ms": round(1000 * self.deviation.seconds, 3),
            "deviation_frames": round(self.deviation.frames, 3),
            "told": [*self.told, *more],
        }
