"""Supervisely JSON: the outlines of one image, in pixels, with the holes that are cut out of them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw

from ..errors import BadRowError
from ..media.boxes import TOLERANCE, BoxOutsideError, from_xyxy
from ..media.limits import MAX_PIXELS
from ..records import Defect, Drawn, MaskImage, MaskRef, Polygons, Reason
from .coco import CocoObject
from .strict_json import read_json

_Points = tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True)
class SuperviselyImage:
    """What one file says.

    Attributes:
        width: In pixels, of the image that the points refer to; ``height`` likewise.
        objects: In the order of the file, each with the box of its outline.
        defects: Objects that could not be read: then the others are not all there are.
    """

    width: int
    height: int
    objects: tuple[CocoObject, ...]
    defects: tuple[Defect, ...]


def read_supervisely(path: Path, where: str) -> SuperviselyImage:
    """Read one file.

    Args:
        path: The file.
        where: Its place for messages, relative to the root.

    Raises:
        BadRowError: it cannot be opened, is not JSON, or has no ``size`` and list ``objects``; the message names it.
    """
    try:
        document = read_json(path)
    except OSError as error:
        raise BadRowError(f"{where}: the file cannot be opened ({error.strerror})") from None
    except BadRowError as error:
        raise BadRowError(f"{where}: {error.message}") from None
    match document:
        case {"size": {"height": int(height), "width": int(width)}, "objects": list(objects)}:
            pass
        case _:
            raise BadRowError(f"{where}: not a Supervisely file (expected an object with size and a list of objects)")
    if not (width > 0 and height > 0 and width * height <= MAX_PIXELS):
        raise BadRowError(f"{where}: size {width} x {height}, expected pixels, at most {MAX_PIXELS}")
    found: list[CocoObject] = []
    defects: list[Defect] = []
    for n, entry in enumerate(objects):
        place = f"{where} object {n}"
        try:
            found.append(_object(entry, width, height, place))
        except BoxOutsideError as error:
            defects.append(Defect(Reason.BOX_OUTSIDE, place, error.message))
        except BadRowError as error:
            defects.append(Defect(Reason.ROW_MALFORMED, place, error.message))
    return SuperviselyImage(width, height, tuple(found), tuple(defects))


@dataclass(frozen=True, slots=True)
class _Outline:
    """Draws what lies inside an outline and outside its holes; points in 0..1 of the image."""

    outline: _Points
    holes: tuple[_Points, ...]
    width: int
    height: int

    def __call__(self) -> npt.NDArray[Any]:
        """``(height, width)`` uint8 of 0 and 255."""
        drawn = Image.new("L", (self.width, self.height), 0)
        pen = ImageDraw.Draw(drawn)
        for ring, value in ((self.outline, 255), *((hole, 0) for hole in self.holes)):
            pen.polygon([(x * self.width, y * self.height) for x, y in ring], fill=value)
        return np.asarray(drawn)


def _object(entry: Any, width: int, height: int, place: str) -> CocoObject:
    match entry:
        case {"classTitle": str(title), "points": {"exterior": list(exterior), **rest}} if title.strip():
            pass
        case _:
            raise BadRowError("no object with a classTitle and points with an exterior")
    shape = entry.get("geometryType", "polygon")
    if shape != "polygon":
        raise BadRowError(f"{title!r:.40} is a {shape!r:.40}, expected a polygon")
    interior = rest.get("interior", [])
    if not isinstance(interior, list):
        raise BadRowError(f"interior {interior!r:.40} is no list of outlines")
    outline, holes = _ring(exterior, width, height), tuple(_ring(hole, width, height) for hole in interior)
    across, down = zip(*outline, strict=True)
    box, _ = from_xyxy(min(across), min(down), max(across), max(down))
    clipped = any(not (0 <= x <= width and 0 <= y <= height) for x, y in exterior)
    mask: MaskRef = Polygons((outline,))
    if holes:
        mask = MaskImage(Drawn(place, _Outline(outline, holes, width, height)))
    return CocoObject(title.strip(), box, clipped, mask, entry)


def _ring(points: Any, width: int, height: int) -> _Points:
    if not isinstance(points, list) or len(points) < 3:
        raise BadRowError("an outline of fewer than 3 points")
    ring: list[tuple[float, float]] = []
    for point in points:
        match point:
            case [int() | float() as x, int() | float() as y] if math.isfinite(x) and math.isfinite(y):
                across, down = x / width, y / height
            case _:
                raise BadRowError(f"point {point!r:.40} is not [x, y]")
        if min(across, down) < -TOLERANCE or max(across, down) > 1 + TOLERANCE:
            raise BoxOutsideError(
                f"point {point!r:.40} lies more than {TOLERANCE:.0%} outside {width} x {height} pixels"
            )
        ring.append((min(max(across, 0.0), 1.0), min(max(down, 0.0), 1.0)))
    return tuple(ring)
