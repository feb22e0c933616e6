"""Numbered images: which reading of their numbers fits the labels. Pure: numbers and seconds in, a reading out.

A reading is a base and a rate: number ``n`` was taken at ``start + (n - base) / fps`` seconds. The declared reading is
the release's, with what the user states put in its place. **Refused**, each with the readings that would fit:

- a number below the base, or another base with which more labels have an image: ``image_base``;
- only the first number is missing, and with the base one higher nothing is: ``image_base``;
- images go on past the end of the recording: another rate, or numbers of another rate that were thinned: ``image_fps``;
- the last image is before the last label: its front was cut and it was numbered anew, or its end is missing (the
  numbers are the same): ``starts_at``; or its images are further apart: ``image_fps``.

**Taken**: gaps where the last number fits, each labelled moment without an image being left out by itself; and images
that end early, where they and the labels leave out the same numbers, since no numbering anew keeps such a pattern.

What cannot be seen: a front that was cut off and numbered anew where labels need not reach the end, and footage that
was cut by as much as it may be longer than its labels (``Recording.beyond``).
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from ..records import ImageRef, NumberedImages, Recording, Stated

_RATES = (
    0.2, 0.25, 0.5, 1, 2, 3, 4, 5, 6, 8, 10, 12, 12.5, 15, 20, 24000 / 1001, 24, 25, 30000 / 1001, 30, 50,
    60000 / 1001, 60,
)  # fmt: skip
"""Images per second that scripts extract and cameras record."""
_NEAR = 0.03
"""Share by which the rate that follows from number and length may miss a usual one: an image and a second of forty."""
MUCH_LONGER = 1.5
"""Footage longer than its labels by more than this factor is doubted though the user states where it begins."""
_DENSE = 0.9
"""Share of the numbers between first and last from which on a folder counts as without gaps."""
EPSILON = 1e-6


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why footage is not used: what was found against what was expected, and each reading that would fit."""

    found: str
    readings: tuple[str, ...] = ()

    @property
    def detail(self) -> str:
        """For a report, in one line."""
        fits = "; or ".join(self.readings)
        return f"{self.found}; it would fit {fits}" if fits else f"{self.found}; no other reading of it fits"


@dataclass(frozen=True, slots=True)
class Numbering:
    """Number ``n`` is seen at ``start + (n - base) / fps`` seconds."""

    base: int
    fps: float
    start: float = 0.0

    def seconds(self, number: int) -> float:
        """When an image is seen."""
        return self.start + (number - self.base) / self.fps

    def number(self, seconds: float) -> int:
        """The number whose time is nearest, of two as near the lower."""
        return self.base + math.ceil((seconds - self.start) * self.fps - 0.5 - EPSILON)


def declared(images: NumberedImages, stated: Stated) -> Numbering:
    """The release's reading, with what the user states in its place."""
    fps = images.fps if stated.image_fps is None else stated.image_fps
    base = images.base if stated.image_base is None else stated.image_base
    # When the first image is seen is a habit of the release's own script, at its own rate.
    since = images.base_seconds if math.isclose(fps, images.fps) else 0.0
    return Numbering(base, fps, since + (stated.starts_at or 0.0))


def step_of(numbers: Sequence[int]) -> int:
    """The largest number that all rising ``numbers`` are apart by.

    >>> step_of([0, 25, 75]), step_of([4])
    (25, 1)
    """
    return math.gcd(*(b - a for a, b in pairwise(numbers))) or 1


def read_numbering(recording: Recording, images: NumberedImages) -> Numbering | Refusal:
    """How the numbers are to be read, or why they are not.

    Args:
        recording: What the labels need; its ``moments`` may be empty, then there is nothing to doubt.
        images: At least one image.
    """
    return _Doubt(recording, images).verdict()


class _Doubt:
    """The numbers of one video held against its labels."""

    def __init__(self, recording: Recording, images: NumberedImages) -> None:
        self.recording, self.images, self.stated = recording, images, recording.stated
        self.numbers = sorted(images.images)
        self.moments = [m for m in recording.moments if m not in recording.spare]
        self.said = declared(images, self.stated)

    def verdict(self) -> Numbering | Refusal:
        said, problem = self.said, self._problem(self.said)
        if not self.moments:
            return said
        others = list(self._others())
        if problem is None:
            hits = self._hits(said)
            rival = next((o for o in others if math.isclose(o.fps, said.fps) and self._beats(o, hits)), None)
            if rival is None:
                return said
            lacking = len(self.moments) - hits
            missed = f"{lacking} of {len(self.moments)} labelled moments would have none"
            problem = f"its images are numbered {self._span()}; with {said.base} as the first number "
            problem += missed if lacking else "that one is missing, and nothing else"
            others = [rival]
        return Refusal(problem, (*(self._named(o) for o in others), *self._cuts()))

    # ------------------------------------------------------------------------------------------- what does not fit

    def _problem(self, reading: Numbering) -> str | None:
        """What contradicts a reading; None where nothing does."""
        first, last = self.numbers[0], self.numbers[-1]
        if not self.moments:
            return None
        if first < reading.base and self.stated.image_base is None:
            return f"its images are numbered {self._span()}, the first number should be {reading.base}"
        if self._long(reading):
            until = reading.seconds(last) + 1 / reading.fps
            return (
                f"its images are numbered {self._span()}, that is until {until:g} s at {reading.fps:g} a second, "
                f"the recording ends at {self.recording.lasts:g} s ({self.recording.said_by})"
            )
        if self._short(reading) and not self._same_gaps(reading):
            return (
                f"its images are numbered {self._span()}, the last at {reading.seconds(last):g} s, labels go on until "
                f"{self.moments[-1]:g} s ({self.recording.said_by})"
            )
        return None

    def _short(self, reading: Numbering) -> bool:
        if self.stated.starts_at is not None:
            return False
        return reading.seconds(self.numbers[-1]) + 0.5 / reading.fps + EPSILON < self.moments[-1]

    def _long(self, reading: Numbering) -> bool:
        lasts, end = self.recording.lasts, reading.seconds(self.numbers[-1]) + 1 / reading.fps
        if self.stated.starts_at is not None:
            return self.stated.image_fps is None and end > MUCH_LONGER * lasts + self.recording.beyond
        return end > lasts + self.recording.beyond + EPSILON

    def _same_gaps(self, reading: Numbering) -> bool:
        """Whether more images are at labelled moments than would be if the last were at the last label."""
        wanted = {reading.number(m) for m in self.moments}
        shift = reading.number(self.moments[-1]) - self.numbers[-1]
        moved = sum(n + shift in wanted for n in self.numbers)
        return sum(n in wanted for n in self.numbers) > max(moved, _DENSE * moved + 1)

    # -------------------------------------------------------------------------------------------------- what fits

    def _others(self) -> Iterator[Numbering]:
        """Readings that nothing contradicts and that give most labels an image, the likeliest first."""
        stated, numbers = self.stated, self.numbers
        bases = {0, 1, self.images.base, numbers[0]} if stated.image_base is None else {self.said.base}
        rates = {self.said.fps, *(self._rates() if stated.image_fps is None else ())}
        if not self.moments:
            return
        least = _DENSE * self._density() * min(len(self.moments), len(numbers))
        found: list[tuple[int, float, bool, Numbering]] = []
        for fps in sorted(rates):
            own = declared(self.images, replace(stated, image_fps=fps))
            for base in sorted(bases):
                reading = replace(own, base=base)
                if reading != self.said and self._problem(reading) is None and (n := self._hits(reading)) >= least:
                    off = abs(math.log(fps / self._rate())) if fps != self.said.fps else 0.0
                    found.append((-n, round(off, 2), base != self.said.base, reading))
        found.sort(key=lambda f: f[:3])
        yield from (reading for n, off, _, reading in found if (n, off) == found[0][:2])

    def _rate(self) -> float:
        """Numbers per second, if first and last are those of the recording."""
        numbers = self.numbers
        return (numbers[-1] - numbers[0] + step_of(numbers)) / max(self.recording.lasts, EPSILON)

    def _density(self) -> float:
        """Share of the numbers that there could be from the first to the last that are there."""
        numbers = self.numbers
        return len(numbers) / ((numbers[-1] - numbers[0]) // step_of(numbers) + 1)

    def _rates(self) -> list[float]:
        highest = self._rate()
        lowest = highest / (1 + self.recording.beyond / max(self.recording.lasts, EPSILON))
        usual = [r for r in _RATES if lowest * (1 - _NEAR) <= r <= highest * (1 + _NEAR)]
        return usual or ([round(highest, 3)] if highest > MUCH_LONGER * self.said.fps else [])

    def _hits(self, reading: Numbering) -> int:
        """Labelled moments that have an image."""
        return sum(image_number(reading, self.images, m) is not None for m in self.moments)

    def _beats(self, other: Numbering, hits: int) -> bool:
        """Whether another base fits better: it gives more labels an image, or as many and misses no first one."""
        more, numbers, said = self._hits(other), self.numbers, self.said
        if more > hits or more < hits:
            return more > hits
        if not other.base == numbers[0] == said.base + 1:
            return False
        over = said.seconds(numbers[-1]) + EPSILON >= self.recording.lasts > other.seconds(numbers[-1]) + EPSILON
        return over or (self._density() >= _DENSE and said.number(self.moments[0]) > numbers[0])

    # ---------------------------------------------------------------------------------------------------- in words

    def _span(self) -> str:
        numbers, step = self.numbers, step_of(self.numbers)
        apart = f" in steps of {step}" if step > 1 else ""
        return f"{numbers[0]} to {numbers[-1]}{apart} ({len(numbers)} images)"

    def _named(self, reading: Numbering) -> str:
        options = [] if reading.base == self.said.base else [f"--option image_base={reading.base}"]
        if not math.isclose(reading.fps, self.said.fps):
            options.append(f"--option image_fps={reading.fps:.6g}")
        rate = "one image" if reading.fps == 1 else f"{reading.fps:.6g} images"
        return f"{rate} a second numbered from {reading.base} ({' '.join(options)})"

    def _cuts(self) -> Iterator[str]:
        """For footage of another length than its labels': where what is missing, or too much, may be."""
        said, last = self.said, self.numbers[-1]
        if self.numbers[0] < said.base or self.stated.starts_at is not None:
            return
        lacking = self.moments[-1] - said.seconds(last)
        if self._short(said) and not self._same_gaps(said):
            yield f"a recording whose first {lacking:g} s were cut off (--option starts_at={lacking:g})"
            yield "one whose end is missing (--option starts_at=0)"
        elif self._long(said) and said.seconds(last) + 1 / said.fps <= MUCH_LONGER * self.recording.lasts:
            yield f"images that begin {-lacking:g} s before the recording (--option starts_at={lacking:g})"
            yield "images that go on after it (--option starts_at=0)"


def image_number(reading: Numbering, images: NumberedImages, seconds: float) -> int | None:
    """Number of the image that is seen at a moment; None where there is none."""
    number = reading.number(seconds)
    near = 0.5 / max(reading.fps, images.fps) + EPSILON
    held: Collection[int] = images.images
    return number if number in held and abs(reading.seconds(number) - seconds) <= near else None


def by_second(images: NumberedImages, stated: Stated) -> dict[int, ImageRef]:
    """The image of each whole second by the declared reading, for frames whose labels need pictures beside them."""
    reading = declared(images, stated)
    seconds = sorted({round(reading.seconds(n)) for n in images.images})
    numbers = {second: image_number(reading, images, second) for second in seconds}
    return {second: images.images[n] for second, n in numbers.items() if n is not None}
