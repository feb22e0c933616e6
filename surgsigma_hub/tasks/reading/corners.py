"""Four numbers that make a box, wherever they stand in a text."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

from ...errors import BadRowError
from ...media.boxes import TOLERANCE, from_xyxy
from ...records import Box
from ..common.base import Space

_N = r"([-+]?(?:\d{1,7}(?:\.\d{0,17})?|\.\d{1,17})(?:[eE][-+]?\d{1,2})?|[-+]?(?:nan|inf|infinity))"
_S = r"[\s]{0,4}"
_COMMA = r"(?:\s{0,4}[,;]\s{0,4}|\s{1,4})"
_OPEN, _SHUT = rf"[\[(<{{]{_S}", rf"{_S}[\])>}}]"
_PAIR = rf"{_OPEN}{_N}{_COMMA}{_N}{_SHUT}"
_KEY = r"[\"']?(?:x|y|left|top|right|bottom)_?(?:1|2|min|max)?[\"']?\s{0,2}[:=]\s{0,2}"
_LIST = re.compile(rf"(?:[\[(<]{_S})?{_OPEN}{_N}{_COMMA}{_N}{_COMMA}{_N}{_COMMA}{_N}{_SHUT}", re.IGNORECASE)
_SECOND = rf"(?:,|;|-|to|and)?{_S}(?:(?:bottom|lower)[\s-]?right{_S}:?{_S})?"
_PAIRS = re.compile(rf"(?:[\[(<]{_S})?{_PAIR}{_S}{_SECOND}{_PAIR}", re.IGNORECASE)
_KEYED = re.compile(_COMMA.join([rf"{_KEY}{_N}"] * 4), re.IGNORECASE)
_BARE = re.compile(
    rf"(?<![\w.])(?<!\d,)(?<!\d, ){_N}{_S},{_S}{_N}{_S},{_S}{_N}{_S},{_S}{_N}(?![\w.])(?!{_S},{_S}[-+]?\.?\d)",
    re.IGNORECASE,
)
_HALF = re.compile(rf"[\[(]{_S}[-+]?\d{{1,7}}(?:\.\d{{0,17}})?{_S},")


_PERCENT = re.compile(
    rf"(?:{_KEY})?\d{{1,3}}(?:\.\d{{1,6}})?\s?%(?:{_COMMA}(?:{_KEY})?\d{{1,3}}(?:\.\d{{1,6}})?\s?%){{1,3}}",
    re.IGNORECASE,
)
_HUNDREDTH = re.compile(r"(\d{1,3}(?:\.\d{1,6})?)\s?%")


_SIDES = ("left", "top", "right", "bottom")
_AT_SIDE = (
    rf"(?:from\s{{1,2}})?(?:the\s{{1,2}})?(?:{'|'.join(_SIDES)})(?:\s(?:edge|side|border))?"
    r"\s{0,2}(?:[:=]|is\s+at|is|at)?\s{0,2}\d{1,7}(?:\.\d{1,17})?\s?%?"
)
_BY_SIDES = re.compile(
    rf"\b{_AT_SIDE}(?:\s{{0,3}}(?:[,;](?:\s{{0,3}}and\b)?|to\b|and\b)?\s{{0,3}}{_AT_SIDE}){{3}}", re.I
)
_ONE_SIDE = re.compile(r"(left|top|right|bottom)\D*?(\d+(?:\.\d+)?\s?%?)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Corners:
    """Four numbers as written, and the characters of the text that they take."""

    numbers: tuple[float, ...]
    start: int
    end: int


def corners_in(text: str) -> list[Corners]:
    """Boxes in a text, in order: lists of four, two points, ``x1=...``; plain rows only where none of these is found.

    Raises:
        BadRowError: a bracket with numbers that do not make a box; half an answer would be a wrong answer.

    >>> [c.numbers for c in corners_in("hook [0.1, 0.2, 0.3, 0.4]; grasper (1,2),(30,40)")]
    [(0.1, 0.2, 0.3, 0.4), (1.0, 2.0, 30.0, 40.0)]
    """
    found: list[Corners] = []
    taken = bytearray(len(text))
    for pattern in (_LIST, _PAIRS, _KEYED):
        for match in pattern.finditer(text):
            if not any(taken[match.start() : match.end()]):
                taken[match.start() : match.end()] = b"\1" * (match.end() - match.start())
                found.append(Corners(tuple(map(float, match.groups())), match.start(), match.end()))
    if any(not taken[half.start()] for half in _HALF.finditer(text)):
        raise BadRowError("a bracket holds numbers that do not make a box")
    if not found:
        found = [Corners(tuple(map(float, m.groups())), m.start(), m.end()) for m in _BARE.finditer(text)]
    return sorted(found, key=lambda c: c.start)


def by_sides(text: str) -> str:
    """``text`` with four sides told by name, in whichever order, as a box in brackets.

    >>> by_sides("hook: left 10%, right 45%, top 20%, bottom 60%"), by_sides("left 10%, left 20%, top 1%, right 3%")
    ('hook: [10%, 20%, 45%, 60%]', 'left 10%, left 20%, top 1%, right 3%')
    """

    def box(match: re.Match[str]) -> str:
        told = [(side.lower(), number) for side, number in _ONE_SIDE.findall(match[0])]
        sides = dict(told)
        return f"[{', '.join(sides[side] for side in _SIDES)}]" if len(sides) == len(told) == 4 else match[0]

    return _BY_SIDES.sub(box, text)


def shares(text: str) -> str:
    """``text`` with rows of percents as shares; a single percent, as of a confidence, stays.

    >>> shares("hook: [12%, 20%, 45%, 62.5 %], 95%")
    'hook: [0.12, 0.2, 0.45, 0.625], 95%'
    """
    return _PERCENT.sub(lambda row: _HUNDREDTH.sub(lambda n: f"{float(n[1]) / 100:.8g}", row[0]), text)


def space_of(numbers: Sequence[float], size: tuple[int, int] | None) -> Space:
    """The space that numbers are most likely in: all up to 1 are shares, others pixels where the size is known.

    >>> space_of([0.1, 0.9], None), space_of([12, 900], None), space_of([12, 900], (1920, 1080))
    ('unit', 'thousand', 'pixel')
    """
    if all(n <= 1 + TOLERANCE for n in numbers):
        return "unit"
    return "thousand" if size is None else "pixel"


def to_box(numbers: Sequence[float], space: Space, size: tuple[int, int] | None) -> Box:
    """A box in 0..1.

    Raises:
        BadRowError: not a number, inside out, or outside the frame.
    """
    if not all(map(math.isfinite, numbers)):
        raise BadRowError(f"box {tuple(numbers)} holds a value that is not a number")
    width, height = {"unit": (1, 1), "thousand": (1000, 1000)}.get(space) or size or (0, 0)
    x1, y1, x2, y2 = numbers
    return from_xyxy(x1, y1, x2, y2, width=width, height=height)[0]
