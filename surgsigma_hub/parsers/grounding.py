"""Boxes as text: ``hook (643,0),(920,298) grasper (0,48),(547,490)``, whole numbers of thousandths of the frame."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ..errors import BadRowError

NOTHING = "No tools detected"
"""What the text says where nothing is to be located: a true zero, unlike an empty string."""

_NUMBER = r"\s*(-?[0-9]{1,6})\s*"
_POINT = rf"\({_NUMBER},{_NUMBER}\)"
_NAME = r"[A-Za-z][A-Za-z0-9_/-]*+(?:\s++[A-Za-z0-9_/-]++)*+"
_ITEM = re.compile(rf"\s*({_NAME})\s*{_POINT}\s*,\s*{_POINT}\s*")
_SHOWN = 60


@dataclass(frozen=True, slots=True)
class Grounding:
    """A name and its box in thousandths of the frame's width and height, as written (not yet checked for range)."""

    name: str
    x1: int
    y1: int
    x2: int
    y2: int


def parse_grounding(text: str) -> tuple[Grounding, ...]:
    """Read ``name (x1,y1),(x2,y2)`` repeated; blanks are free, the one before ``(`` may be missing.

    The whole text has to fit: half an answer would be a wrong answer. Whether a box lies inside the frame is for the
    caller to check (``media.boxes.from_xyxy`` with a width and height of 1000).

    Raises:
        BadRowError: an empty text, control tokens of a language model (``<|``), or anything else that does not fit.

    >>> parse_grounding("grasper(0,48),(547,490)")
    (Grounding(name='grasper', x1=0, y1=48, x2=547, y2=490),)
    >>> parse_grounding("No tools detected")
    ()
    """
    if "<|" in text:
        raise BadRowError(f"{shortened(text)} holds control tokens of a language model ('<|')")
    if text.strip().rstrip(".").casefold() == NOTHING.casefold():
        return ()
    found: list[Grounding] = []
    position = 0
    while position < len(text):
        match = _ITEM.match(text, position)
        if match is None:
            raise BadRowError(
                f"{shortened(text)} does not read as 'name (x1,y1),(x2,y2)' repeated, from character {position} on"
            )
        name, *corners = match.groups()
        found.append(Grounding(" ".join(name.split()), *(int(c) for c in corners)))
        position = match.end()
    if not found:
        raise BadRowError(f"{shortened(text)} names neither a box nor {NOTHING!r}")
    return tuple(found)


def shortened(text: str) -> str:
    """``text`` quoted and short enough for a report."""
    return repr(text if len(text) <= _SHOWN else text[:_SHOWN] + "...")
