"""Native box conventions to ``Box`` (0..1, x1 y1 x2 y2), each converted once, by the loader."""

from __future__ import annotations

from collections.abc import Iterable

from ..errors import BadRowError
from ..records import Box

TOLERANCE = 0.02
"""How far (share of the frame) a native box may reach outside before it is refused instead of cut."""

_HUGE = 1e12
"""A number that no pixel has: whole numbers of JSON have no end."""


class BoxOutsideError(BadRowError):
    """A box that lies further outside the frame than the tolerance."""


def from_xyxy(
    x1: float, y1: float, x2: float, y2: float, *, width: float = 1.0, height: float = 1.0
) -> tuple[Box, bool]:
    """A box from corners in units of which the frame has ``width`` x ``height``.

    Args:
        x1: Left edge; ``y1``: top edge; ``x2``: right edge; ``y2``: bottom edge.
        y1: Top edge.
        x2: Right edge.
        y2: Bottom edge.
        width: Frame width in the same unit (1 for relative boxes, 1000 for the 0..1000 convention, pixels).
        height: Frame height in the same unit.

    Returns:
        The box and whether it had to be cut at the frame's edge (by at most ``TOLERANCE``).

    Raises:
        BadRowError: not a number, empty or inside out.
        BoxOutsideError: further outside than the tolerance.

    >>> from_xyxy(643, 0, 920, 298, width=1000, height=1000)
    (Box(x1=0.643, y1=0.0, x2=0.92, y2=0.298), False)
    >>> from_xyxy(0.5, 0.5, 1.01, 0.9)
    (Box(x1=0.5, y1=0.5, x2=1.0, y2=0.9), True)
    """
    if 0 <= x1 < x2 <= width and 0 <= y1 < y2 <= height:  # nearly every box, by a quarter of the work
        corners = (x1 / width, y1 / height, x2 / width, y2 / height)
        if corners[0] < corners[2] <= 1 and corners[1] < corners[3] <= 1 and width < _HUGE > height:
            return Box(*corners), False
    _check_usable(x1, y1, x2, y2)
    corners = (x1 / width, y1 / height, x2 / width, y2 / height)
    left, top, right, bottom = corners
    _check_usable(left, top, right, bottom, most=1e6)
    if left >= right or top >= bottom:
        raise BadRowError(f"box {(x1, y1, x2, y2)} is empty or inside out (expected x1 < x2 and y1 < y2)")
    if left < -TOLERANCE or top < -TOLERANCE or right > 1 + TOLERANCE or bottom > 1 + TOLERANCE:
        raise BoxOutsideError(
            f"box {(x1, y1, x2, y2)} reaches more than {TOLERANCE:.0%} outside a {width} x {height} frame"
        )
    cut = (max(left, 0.0), max(top, 0.0), min(right, 1.0), min(bottom, 1.0))
    if cut[0] >= cut[2] or cut[1] >= cut[3]:
        raise BoxOutsideError(f"box {(x1, y1, x2, y2)} lies wholly outside a {width} x {height} frame")
    return Box(*cut), cut != corners


def from_xywh(x: float, y: float, w: float, h: float, *, width: float = 1.0, height: float = 1.0) -> tuple[Box, bool]:
    """A box from top-left corner and size; otherwise as :func:`from_xyxy`.

    >>> from_xywh(10, 20, 30, 40, width=100, height=100)
    (Box(x1=0.1, y1=0.2, x2=0.4, y2=0.6), False)
    """
    if not (w > 0 and h > 0):  # those that are go on to be looked at as corners
        _check_usable(x, y, w, h)
    return from_xyxy(x, y, x + w, y + h, width=width, height=height)


def within_unit(x: float, y: float, w: float, h: float) -> Box | None:
    """The box of :func:`from_xywh` in a frame of 1 x 1 from floats, sooner; None where it is cut or refused there.

    >>> within_unit(0.5, 0.25, 0.25, 0.5), within_unit(0.5, 0.5, 0.51, 0.4)
    (Box(x1=0.5, y1=0.25, x2=0.75, y2=0.75), None)
    """
    right, bottom = x + w, y + h
    return Box(x, y, right, bottom) if 0 <= x < right <= 1 and 0 <= y < bottom <= 1 else None


def whole_ends(low: float, high: float, units: int) -> tuple[int, int]:
    """Both ends of a side, 0..1, in whole ``units`` of it, the nearest; one apart where they would be one.

    >>> whole_ends(0.25, 0.5, 1000), whole_ends(0.5006, 0.5013, 1000), whole_ends(0.9996, 1.0, 1000)
    ((250, 500), (500, 501), (999, 1000))
    """
    first, last = (min(max(round(end * units), 0), units) for end in (low, high))
    if first >= last:  # thinner than a unit: nothing could be read back of an empty box
        first = min(max(first - ((low + high) * units < 2 * first), 0), units - 1)
        last = first + 1
    return first, last


def around(boxes: Iterable[Box]) -> Box:
    """The smallest box around all of them; there is at least one.

    >>> around([Box(0.1, 0.2, 0.3, 0.4), Box(0.2, 0.0, 0.5, 0.3)])
    Box(x1=0.1, y1=0.0, x2=0.5, y2=0.4)
    """
    edges = [(b.x1, b.y1, b.x2, b.y2) for b in boxes]
    left, top, right, bottom = zip(*edges, strict=True)
    return Box(min(left), min(top), max(right), max(bottom))


def _check_usable(a: float, b: float, c: float, d: float, most: float = _HUGE) -> None:
    """Refuse what is no number and what is too large to be one of pixels: whole numbers of JSON have no end."""
    if not (abs(a) < most and abs(b) < most and abs(c) < most and abs(d) < most):  # also false for NaN
        raise BadRowError(f"box {str((a, b, c, d))[:80]} holds a value that is not a usable number")


def region_words(box: Box) -> str:
    """Where the centre of ``box`` lies in a 3x3 grid, in words.

    >>> region_words(Box(0.0, 0.6, 0.3, 1.0))
    'bottom left'
    >>> region_words(Box(0.4, 0.4, 0.6, 0.6))
    'center'
    """
    column = ("left", "center", "right")[min(2, int((box.x1 + box.x2) * 1.5))]
    row = ("top", "middle", "bottom")[min(2, int((box.y1 + box.y2) * 1.5))]
    if (row, column) == ("middle", "center"):
        return "center"
    return f"{row} {column}"
