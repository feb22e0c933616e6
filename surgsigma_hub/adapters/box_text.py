"""Boxes inside sentences: finds those that are real, writes them anew, and the words that say what their numbers are.

Our own sentences write a box in one way alone, ``[0.282, 0.452, 0.447, 0.752]``. Traces that a source ships write what
they like, and do not say what their numbers are: it is found out with the boxes of the answer.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ..errors import UnfitError
from ..media.boxes import TOLERANCE
from ..reasoning.check import PUBLIC_SIZES
from ..records import Box
from ..tasks.common.answers import box_text
from .boxes import Boxes, Convention, Corners, Size

OURS = re.compile(r"\[([01]\.\d{3}), ([01]\.\d{3}), ([01]\.\d{3}), ([01]\.\d{3})\]")
"""A box as our own sentences write it."""
_N = r"\s*(-?\d{1,6}(?:\.\d{1,6})?)\s*"
_ANY = re.compile(rf"[\[(]{_N},{_N},{_N},{_N}[\])]|[\[(]{_N},{_N}[\])]\s*,?\s*(?:to|and|-)?\s*[\[(]{_N},{_N}[\])]")
_CLOSE = 0.0025
"""How far (share of the frame) stated corners may lie from a known box to be that box, or one unit if that is more."""

_WORDS: Sequence[tuple[re.Pattern[str], Mapping[Convention, str]]] = tuple(
    (re.compile(pattern, re.IGNORECASE), {"norm1000": thousand, "pixels": pixel, "objects": nothing})
    for pattern, thousand, pixel, nothing in (
        (r"\bin shares of width and height\b", "in thousandths of width and height", "in pixels", "as boxes"),
        (r"(?:(?<=[.?:] )|\A)In fractions of width and height\b", "In thousandths of width and height", "In pixels",
         "As boxes"),
        (r"( (?:in|as)) fractions of width and height\b", r"\1 thousandths of width and height", " in pixels", ""),
        (r"(,?) relative to the size of the (picture|image)\b", r"\1 in thousandths of the size of the \2",
         r"\1 in pixels of the \2", ""),
        (r"(,?) in relative coordinates\b", r"\1 in coordinates from 0 to 1000", r"\1 in pixel coordinates", ""),
        (r"\bcoordinates run from 0 to 1\b(?![.,]\d)", "coordinates run from 0 to 1000", "coordinates are in pixels",
         "give their coordinates"),
        (r" between 0 and 1\b(?![.,]\d)", " between 0 and 1000", " in pixels", ""),
        (r"(,?) with values from 0 to 1\b(?![.,]\d)", r"\1 with values from 0 to 1000", r"\1 in pixels", ""),
        (r"(,(?: each)?) from 0 to 1\b(?![.,]\d)", r"\1 from 0 to 1000", r"\1 in pixels", ""),
    )
)  # fmt: skip
"""Wordings of our templates that say what the numbers are; a test looks that no template says it otherwise."""


@dataclass(frozen=True, slots=True)
class Found:
    """Four numbers that make a box, and the characters that they take."""

    numbers: tuple[float, float, float, float]
    start: int
    end: int


def boxes_in(text: str) -> list[Found]:
    """Four numbers in brackets, or two points, wherever they stand.

    >>> [f.numbers for f in boxes_in("at [0.1, 0.2, 0.3, 0.4] and (262,0),(473,172), not (1) or [1, 2]")]
    [(0.1, 0.2, 0.3, 0.4), (262.0, 0.0, 473.0, 172.0)]
    """
    found: list[Found] = []
    for match in _ANY.finditer(text):
        a, b, c, d = (float(n) for n in match.groups() if n is not None)
        found.append(Found((a, b, c, d), match.start(), match.end()))
    return found


def reworded(text: str, boxes: Boxes) -> str:
    """The words that say what the numbers of boxes are, in another convention.

    >>> reworded("Find the hook and give the bounding box in fractions of width and height.", Boxes("pixels"))
    'Find the hook and give the bounding box in pixels.'
    """
    if boxes.convention == "unit":
        return text
    for pattern, said in _WORDS:
        text = pattern.sub(lambda m, said=said: _cased(m, said[boxes.convention]), text)  # type: ignore[misc]
    return text


def _cased(match: re.Match[str], said: str) -> str:
    new = match.expand(said)
    return new[:1].upper() + new[1:] if match.group()[:1].isupper() else new


def message_text(text: str, boxes: Boxes, *, size: Size | None, known: Sequence[Corners], asks: bool) -> str:
    """One of our own turns in a convention.

    Args:
        text: The turn.
        boxes: The convention.
        size: Of the picture as it is given to the model.
        known: Boxes of the typed answer, which are more exact than their text.
        asks: Whether the task answers with boxes, so that its questions may speak of their numbers.

    >>> message_text("The hook is at [0.200, 0.500, 0.401, 0.750].", Boxes("norm1000"), size=None, known=(), asks=True)
    'The hook is at [200, 500, 401, 750].'
    """
    if boxes.convention == "unit":
        return text
    if asks or OURS.search(text):
        text = reworded(text, boxes)
    exact = {box_text(box): box for box in known}

    def anew(match: re.Match[str]) -> str:
        x1, y1, x2, y2 = (float(n) for n in match.groups())
        return boxes.text(exact.get(match.group(), Box(x1, y1, x2, y2)), size)

    return OURS.sub(anew, text)


def trace_text(text: str, boxes: Boxes, *, size: Size | None, stored: Size | None, known: Sequence[Corners]) -> str:
    """A level of a trace, ours or shipped, in a convention.

    Args:
        text: The level.
        boxes: The convention.
        size: Of the picture as it is given to the model.
        stored: Of the picture as the source has it, for shipped traces that speak of pixels.
        known: Boxes of the typed answer.

    Raises:
        UnfitError: it holds a box whose numbers cannot be told to be shares, thousandths or pixels.
    """
    found = boxes_in(text)
    if not found:
        return text
    units = _units([f.numbers for f in found], stored, known)
    if units == (1, 1):
        if boxes.convention == "unit":
            return text
        text = reworded(text, boxes)
        found = boxes_in(text)
    parts: list[str] = []
    at = 0
    for f in found:
        box = _box(f.numbers, units, known)
        parts += [text[at : f.start], boxes.text(box, size)]
        at = f.end
    return "".join([*parts, text[at:]])


def _units(numbers: Sequence[tuple[float, ...]], stored: Size | None, known: Sequence[Corners]) -> Size:
    """Of how many units the frame has: shares, thousandths, or pixels of some picture.

    The boxes of the answer tell; with none of them in the trace, it is thousandths, which the public releases print,
    or pixels of the picture as stored where the numbers are too large for that.
    """
    if turned := next((four for four in numbers if four[0] > four[2] or four[1] > four[3]), None):
        raise _unknown(turned, "do not make a box (expected x1 < x2 and y1 < y2)")
    most = max(max(four) for four in numbers)
    if most <= 1 + TOLERANCE:
        return 1, 1
    here: tuple[Size, ...] = ((1000, 1000), *((stored,) if stored else ()))
    away = [
        (_distance(four, units, box), units) for units in (*here, *PUBLIC_SIZES) for four in numbers for box in known
    ]
    fits = [(distance, units) for distance, units in away if distance <= max(_CLOSE, 1 / min(units))]
    if fits:
        return min(fits, key=lambda one: one[0])[1]
    for units in here:
        if all(_inside(four, units) for four in numbers):
            return units
    largest = next(four for four in numbers if max(four) == most)
    raise _unknown(largest, "are neither shares, thousandths nor pixels of the image")


def _unknown(four: Sequence[float], why: str) -> UnfitError:
    return UnfitError(
        f"the trace holds [{', '.join(f'{n:g}' for n in four)}], whose numbers {why}",
        reason="trace_boxes",
        hint="Leave the traces out, with reasoning='drop'.",
    )


def _distance(four: Sequence[float], units: Size, box: Corners) -> float:
    """The largest difference of a corner, in shares of the frame."""
    stated = (four[0] / units[0], four[1] / units[1], four[2] / units[0], four[3] / units[1])
    return max(abs(a - b) for a, b in zip(stated, (box.x1, box.y1, box.x2, box.y2), strict=True))


def _inside(four: Sequence[float], units: Size) -> bool:
    return max(four[0], four[2]) <= units[0] * (1 + TOLERANCE) and max(four[1], four[3]) <= units[1] * (1 + TOLERANCE)


def _box(four: Sequence[float], units: Size, known: Sequence[Corners]) -> Corners:
    if units == (1, 1):
        said = box_text(Box(*four))
        return next((box for box in known if box_text(box) == said), Box(*four))
    # A box of the answer is written as in the answer, whatever the rounding of the trace.
    near = min(known, key=lambda box: _distance(four, units, box), default=None)
    if near is not None and _distance(four, units, near) <= max(_CLOSE, 1 / min(units)):
        return near
    x1, y1, x2, y2 = four
    return Box(x1 / units[0], y1 / units[1], x2 / units[0], y2 / units[1])
