"""What boxes tell by measure: sides, overlap, the nearest tissue, edges reached, shares of the image, motion."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from enum import StrEnum
from itertools import combinations
from math import hypot
from typing import NamedTuple

from ..records import Box, Frame, LabeledBox
from ..tasks.next_frame_generation import direction

_ASIDE = 0.08
"""Shares of the frame by which two centres must differ before one thing is left of, or above, another."""
_CLEAR = 0.02
"""Distance of two boxes below which they are neither said to overlap nor to be apart: boxes are drawn by hand."""
_NEARER = 0.05
"""By how much the nearest tissue must be nearer than the next one."""
_AT_EDGE = 0.004
"""Two pixels of 480: a box that comes so near to the edge of the image reaches it."""

STILL = "in place"
OPPOSITE = {"left": "right", "right": "left", "above": "below", "below": "above"}


class Name(StrEnum):
    """What was measured."""

    SIDE = "side"
    OVERLAP = "overlap"
    APART = "apart"
    NEAREST = "nearest"
    EDGE = "edge"
    SHARE = "share"
    EXTENT = "extent"
    MOVED = "moved"


class Measure(NamedTuple):
    """One measure of the class ``subject``.

    Attributes:
        other: The class it is measured against; empty for edges, shares and motion.
        value: The side (left, right, above, below), the edge (left, right, top, bottom), the share of the image in
            per cent, those of its width and height ("25.0 x 12.5"), or where it moved in words ("up and to the left",
            "in place"). Empty for the others.
    """

    name: Name
    subject: str
    other: str
    value: str

    @property
    def way(self) -> str:
        """Where something went; empty where it stayed."""
        return "" if self.value == STILL else self.value


def of_boxes(instruments: Sequence[LabeledBox], tissues: Sequence[LabeledBox]) -> tuple[Measure, ...]:
    """All that holds of the boxes of one frame. Pairs, and tissue, are measured only of classes that have one box."""
    found: list[Measure] = []
    for one in instruments:
        found += _alone(one.label.id, one.box)
    tools, organs = _single(instruments), _single(tissues)
    for id, box in organs:
        found += _alone(id, box)
    for alike in (tools, organs):
        for (a, box), (b, against) in combinations(alike, 2):
            found += (Measure(Name.SIDE, a, b, side) for side in _sides(box, against))
    for id, box in tools:
        gaps = sorted((_gap(box, organ), name) for name, organ in organs)
        for gap, name in gaps:
            if gap >= _CLEAR:
                found.append(Measure(Name.APART, id, name, ""))
            elif _shared(box, dict(organs)[name]) > 0:
                found.append(Measure(Name.OVERLAP, id, name, ""))
        if len(gaps) > 1 and gaps[1][0] - gaps[0][0] >= _NEARER:
            found.append(Measure(Name.NEAREST, id, gaps[0][1], ""))
    return tuple(found)


def of_motion(frames: Iterable[Frame]) -> tuple[Measure, ...]:
    """Where instruments went between the first and the last frame that have boxes."""
    boxed = [f for f in frames if f.instrument_boxes is not None]
    if len(boxed) < 2:
        return ()
    before, after = (dict(_single(f.instrument_boxes or ())) for f in (boxed[0], boxed[-1]))
    return tuple(
        Measure(Name.MOVED, id, "", direction(_centre(before[id]), _centre(after[id])) or STILL)
        for id in before
        if id in after
    )


def turned(measure: Measure) -> Measure:
    """A side told from the other thing.

    >>> turned(Measure(Name.SIDE, "hook", "grasper", "left")).value
    'right'
    """
    return Measure(measure.name, measure.other, measure.subject, OPPOSITE[measure.value])


def per_cent(box: Box) -> str:
    """Share of the image that a box takes up, in per cent.

    >>> per_cent(Box(0.0, 0.0, 0.5, 0.5))
    '25.0'
    """
    return f"{100 * (box.x2 - box.x1) * (box.y2 - box.y1):.1f}"


def _alone(id: str, box: Box) -> Iterator[Measure]:
    yield Measure(Name.SHARE, id, "", per_cent(box))
    yield Measure(Name.EXTENT, id, "", f"{100 * (box.x2 - box.x1):.1f} x {100 * (box.y2 - box.y1):.1f}")
    gaps = (("left", box.x1), ("right", 1 - box.x2), ("top", box.y1), ("bottom", 1 - box.y2))
    yield from (Measure(Name.EDGE, id, "", edge) for edge, gap in gaps if gap <= _AT_EDGE)


def _single(boxes: Sequence[LabeledBox]) -> list[tuple[str, Box]]:
    often = Counter(b.label.id for b in boxes)
    return [(b.label.id, b.box) for b in boxes if often[b.label.id] == 1]


def _centre(box: Box) -> tuple[float, float]:
    return (box.x1 + box.x2) / 2, (box.y1 + box.y2) / 2


def _sides(a: Box, b: Box) -> Iterator[str]:
    """Where the first box is as seen from the other, what is plainer to see first."""
    (ax, ay), (bx, by) = _centre(a), _centre(b)
    across, down = (abs(ax - bx), "left" if ax < bx else "right"), (abs(ay - by), "above" if ay < by else "below")
    yield from (side for apart, side in sorted((across, down), reverse=True) if apart >= _ASIDE)


def _gap(a: Box, b: Box) -> float:
    return hypot(max(0.0, a.x1 - b.x2, b.x1 - a.x2), max(0.0, a.y1 - b.y2, b.y1 - a.y2))


def _shared(a: Box, b: Box) -> float:
    return max(0.0, min(a.x2, b.x2) - max(a.x1, b.x1)) * max(0.0, min(a.y2, b.y2) - max(a.y1, b.y1))
