"""Run lengths as COCO stores masks: zeros, ones, zeros ... down the columns, as numbers or packed into a text."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ..errors import BadRowError
from ..media.limits import MAX_PIXELS

_GROUPS = 7
"""Characters that one packed length takes at most: 35 bits hold more than any image has pixels."""


@dataclass(frozen=True, slots=True)
class RunLengths:
    """A mask of ``height`` x ``width`` pixels; ``lengths`` sum to its pixels and begin with those outside."""

    height: int
    width: int
    lengths: tuple[int, ...]

    def __call__(self) -> npt.NDArray[np.uint8]:
        """``(height, width)`` of 0 and 255."""
        values = np.zeros(len(self.lengths), np.uint8)
        values[1::2] = 255
        return np.repeat(values, self.lengths).reshape(self.width, self.height).T

    @property
    def pixels(self) -> int:
        """How many pixels are inside."""
        return sum(self.lengths[1::2])


def read_run_lengths(segmentation: object) -> RunLengths:
    """The mask of a COCO ``segmentation`` that is an object ``{"size": [height, width], "counts": ...}``.

    Raises:
        BadRowError: not such an object, more pixels than an image may have, or lengths that do not sum to them.
    """
    if not isinstance(segmentation, dict):
        raise BadRowError("segmentation is no object with size and counts")
    size, counts = segmentation.get("size"), segmentation.get("counts")
    match size:
        case [int(height), int(width)] if height > 0 and width > 0 and height * width <= MAX_PIXELS:
            pass
        case _:
            raise BadRowError(f"size {size!r:.40} of a mask, expected [height, width] of at most {MAX_PIXELS} pixels")
    lengths = _unpacked(counts, height * width) if isinstance(counts, str) else counts
    if not isinstance(lengths, list) or not all(type(n) is int and n >= 0 for n in lengths):
        raise BadRowError("counts are neither a text nor a list of lengths")
    if sum(lengths) != height * width:
        raise BadRowError(f"counts sum to {str(sum(lengths))[:20]} pixels, expected {height} x {width}")
    return RunLengths(height, width, tuple(lengths))


def _unpacked(text: str, pixels: int) -> list[int]:
    """Lengths of a packed text: 5 bits a character, the lowest first; from the fourth on, differences to two before."""
    lengths: list[int] = []
    at = total = 0
    while at < len(text):
        number = bits = 0
        while True:
            code = ord(text[at]) - 48 if at < len(text) else -1
            if not 0 <= code < 64 or bits >= 5 * _GROUPS:
                raise BadRowError(f"counts cannot be read from character {at} on")
            number |= (code & 31) << bits
            at, bits = at + 1, bits + 5
            if not code & 32:
                break
        if code & 16:
            number -= 1 << bits
        if len(lengths) > 2:
            number += lengths[-2]
        total += number
        if number < 0 or total > pixels:
            raise BadRowError(f"counts hold a run that does not fit into {pixels} pixels before character {at}")
        lengths.append(number)
    return lengths
