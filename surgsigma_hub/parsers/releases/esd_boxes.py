"""Boxes in the sentences of CoPESD: four numbers behind an instrument's name, and what they mean."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from ...errors import BadRowError
from ...media.boxes import TOLERANCE
from ..grounding import shortened

FORCEPS, KNIFE = "Forceps", "Knife"
Convention = Literal["corners", "sizes"]
"""Whether the third and fourth number of a box are its other corner or its width and height."""

_NUMBER = r"\s*(-?[0-9]{1,3}(?:\.[0-9]{1,6})?)\s*"
BOX = re.compile(rf"\b({FORCEPS}|{KNIFE})\s*\[{_NUMBER},{_NUMBER},{_NUMBER},{_NUMBER}\]", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Placed:
    """An instrument and the four numbers behind its name, as written."""

    instrument: str
    numbers: tuple[float, float, float, float]


def parse_boxes(text: str) -> tuple[Placed, ...]:
    """The instruments of a sentence with the numbers behind their names, in the order of the sentence.

    Raises:
        BadRowError: no box, brackets that hold no box, an instrument without a box or one named twice.

    >>> parse_boxes("Utilize the Knife[0.70, 0.57, 0.84, 0.77] to raise the mucosa flap upward.")
    (Placed(instrument='Knife', numbers=(0.7, 0.57, 0.84, 0.77)),)
    """
    found: list[Placed] = []
    for name, *numbers in BOX.findall(text):
        a, b, c, d = map(float, numbers)
        found.append(Placed(name.capitalize(), (a, b, c, d)))
    rest = BOX.sub("", text)
    stray = re.search(rf"[\[\]0-9]|\b(?:{FORCEPS}|{KNIFE})\b", rest)
    if stray is not None:
        raise BadRowError(f"{shortened(text)} holds {stray[0]!r} outside a box like Knife[0.70, 0.57, 0.84, 0.77]")
    if not found:
        raise BadRowError(f"{shortened(text)} holds no box")
    if len({placed.instrument for placed in found}) < len(found):
        raise BadRowError(f"{shortened(text)} names an instrument twice")
    return tuple(found)


def convention_of(boxes: Iterable[Placed]) -> Convention | None:
    """What the numbers of one video's boxes mean, told by what they cannot mean; None where that is open.

    In some videos the other corner is written, in others width and height. A box whose other corner lies left of or
    above its first one cannot be read as corners, one that would reach out of the picture not as sizes.

    >>> convention_of([Placed(KNIFE, (0.7, 0.5, 0.9, 0.8))])
    'corners'
    >>> convention_of([Placed(KNIFE, (0.7, 0.5, 0.2, 0.3))])
    'sizes'
    """
    no_corners = no_sizes = 0
    for placed in boxes:
        a, b, c, d = placed.numbers
        no_corners += c <= a or d <= b
        no_sizes += a + c > 1 + TOLERANCE or b + d > 1 + TOLERANCE
    if no_corners * 10 < no_sizes:
        return "corners"
    return "sizes" if no_sizes * 10 < no_corners else None
