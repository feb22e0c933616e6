"""What a trainer has to be told of exported files: its command line, and what the person at it should know."""

from __future__ import annotations

import math
from dataclasses import dataclass

from .boxes import Boxes


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """Files that an export has written.

    Attributes:
        names: What a trainer with a list of data sets calls each file, by file.
        family: Of the model that is trained, as in ``FAMILIES``; None: not known.
        boxes: The convention of their boxes, with what the trainer does to a picture.
        rates: Lowest and highest number of frames a second, where videos were written as frames with a clock.
        odd: Records with a video of which the trainer leaves a frame out, since it takes them in pairs.
    """

    names: dict[str, str]
    family: str | None
    boxes: Boxes
    rates: tuple[float, float] | None = None
    odd: int = 0

    @property
    def file(self) -> str:
        """The first file."""
        return next(iter(self.names))

    @property
    def files(self) -> str:
        """All of them, with blanks between."""
        return " ".join(self.names)

    @property
    def bounds(self) -> tuple[int, int] | None:
        """Least and most pixels of the resize that the boxes are written for; None: they depend on none."""
        resize = self.boxes.before or self.boxes.resize
        return None if resize is None else (resize.min_pixels, resize.max_pixels)

    @property
    def rate(self) -> str | None:
        """Frames a second of every video, where it is one for all."""
        if self.rates is None or f"{self.rates[0]:.3g}" != f"{self.rates[1]:.3g}":
            return None
        return f"{self.rates[0]:.3g}"


def _one_digit(rate: float) -> str:
    """A rate in one digit, no higher: videos have no frames for a higher one.

    >>> _one_digit(0.778), _one_digit(0.75), _one_digit(1.0), _one_digit(29.97)
    ('0.7', '0.7', '1', '20')
    """
    step = 10.0 ** math.floor(math.log10(rate))
    return f"{math.floor(rate / step + 1e-9) * step:g}"


def notes(written: Written, trainer: str, setting: str) -> list[str]:
    """What is true of the records only with certain settings of the trainer.

    Args:
        written: The files.
        trainer: Who reads them.
        setting: What the trainer calls the number of frames a second.
    """
    said: list[str] = []
    if written.bounds is not None:
        least, most = written.bounds
        whose = f"{trainer} resizes images" if written.boxes.before is not None else "the model sees images"
        said.append(
            f"Boxes are in pixels of the image as {whose} within {least:,} to {most:,} pixels: train and ask with "
            "these bounds, or export again with others (--min-pixels, --max-pixels)."
        )
    if written.rates is not None and written.rate is None:
        low, high = written.rates
        said.append(
            f"Videos are written as {low:.3g} to {high:.3g} frames a second, but {trainer} takes all of them at one "
            f"rate ({setting}): what a model counts in them is no time. Use --video file, or --fps {_one_digit(low)}."
        )
    if written.odd:
        whose = "1 record has a video" if written.odd == 1 else f"{written.odd:,} records have videos"
        said.append(
            f"{whose} with an odd number of frames, of which {trainer} leaves one out (3 are read as 2, 5 as 4): "
            "surgsigma build --even-clips makes clips of an even number, where what is said of them allows it."
        )
    return said
