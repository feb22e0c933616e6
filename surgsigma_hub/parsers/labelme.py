"""labelme JSON: polygons of one image, in pixels, grouped into instances by label and group."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import orjson

from ..errors import BadRowError
from ..media.boxes import TOLERANCE, from_xyxy
from ..media.metadata import probe
from ..records import Defect, Fact, Frame, Label, LabeledBox, LabeledMask, Origin, Polygons, Reason
from .strict_json import as_utf8

Ring = tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True)
class LabelmePicture:
    """What one labelme file says.

    Attributes:
        image: File name of the picture, without its folder.
        width: Width in pixels that the points refer to; ``height`` likewise.
        masks: One per instance in the order of the file; empty where the annotator found nothing.
        clipped: How many points lay outside the picture and were moved to its edge.
        stated: Whether the file states the size itself.
    """

    image: str
    width: int
    height: int
    masks: tuple[LabeledMask, ...]
    clipped: int
    stated: bool = True


def read_labelme(path: Path, picture: Path | None, *, usual: tuple[int, int]) -> LabelmePicture:
    """Read one labelme file; where it states no size, that of its picture holds.

    Args:
        path: The file.
        picture: Its picture, of which the first bytes are read at most; None where it is missing.
        usual: Width and height to assume where neither tells.

    Raises:
        BadRowError: see :func:`parse_labelme`; or the file cannot be opened.
    """
    try:
        data = as_utf8(path.read_bytes())
    except OSError as error:
        raise BadRowError(f"the file cannot be opened ({error.strerror})") from None
    # Told without reading the JSON twice, which is most of a loader's work.
    silent = any(re.search(rb'"%b"\s*:\s*[0-9]' % key, data) is None for key in (b"imageWidth", b"imageHeight"))
    width, height = _size_of(picture, usual) if silent and picture is not None else usual
    return replace(parse_labelme(data, where=path.name, width=width, height=height), stated=not silent)


def instruments_in_polygons(masks: Sequence[LabeledMask]) -> tuple[dict[str, Any], str]:
    """What instances that are all instruments say of a frame, as fields of :class:`Frame`.

    Returns:
        The fields, and why there are no boxes where an instance has no width or no height: empty where there are.
    """
    names = dict.fromkeys(mask.label.native for mask in masks if mask.label is not None)
    said = {"instruments": tuple(Label(name) for name in names), "instrument_masks": tuple(masks)}
    try:
        boxes = tuple(_bounds(mask) for mask in masks)
    except BadRowError as error:
        return said, f"{error.message}; the frame keeps its other facts"
    derived = Origin("derived", note="bounds of the polygons")
    return {**said, "instrument_boxes": boxes, "origins": {Fact.INSTRUMENT_BOXES: derived}}, ""


def parse_labelme(data: bytes, *, where: str, width: int = 854, height: int = 480) -> LabelmePicture:
    """Read one labelme file.

    Polygons with the same label and ``group_id`` are pieces of one instance; a polygon without a group is an instance
    of its own.

    Args:
        data: The file's bytes.
        where: Name of the file for error messages.
        width: Width to assume where the file states none (the picture's own, if you know it).
        height: Height to assume there.

    Raises:
        BadRowError: not JSON, not labelme, a shape that is no polygon, or points well outside the picture (which is
            what a wrong size looks like).
    """
    try:
        raw = orjson.loads(as_utf8(data))
    except (orjson.JSONDecodeError, BadRowError) as error:
        raise BadRowError(f"{where}: not readable as JSON: {error}") from None
    if not isinstance(raw, dict) or not isinstance(raw.get("shapes"), list):
        raise BadRowError(f"{where}: not a labelme file (expected an object with a list 'shapes')")
    size = (_size(raw, "imageWidth", width, where), _size(raw, "imageHeight", height, where))
    pieces: dict[tuple[str, object], list[Ring]] = {}
    clipped = 0
    for n, shape in enumerate(raw["shapes"]):
        place = f"{where}: shape {n}"
        if not isinstance(shape, dict) or shape.get("shape_type", "polygon") != "polygon":
            raise BadRowError(f"{place} is not a polygon")
        label, group = shape.get("label"), shape.get("group_id")
        if not isinstance(label, str) or not label:
            raise BadRowError(f"{place} has no label")
        if isinstance(group, list | dict):
            raise BadRowError(f"{place}: group_id {group!r} is not a number")
        ring, cut = _ring(shape.get("points"), size, place)
        clipped += cut
        pieces.setdefault((label, ("own", n) if group is None else group), []).append(ring)
    masks = tuple(LabeledMask(Label(label), Polygons(tuple(rings))) for (label, _), rings in pieces.items())
    return LabelmePicture(_file_name(raw.get("imagePath")), *size, masks, clipped)


def _size_of(picture: Path, usual: tuple[int, int]) -> tuple[int, int]:
    with picture.open("rb") as file:
        found = probe(file.read(65536))
    return (found.width, found.height) if found is not None and found.width and found.height else usual


def _bounds(mask: LabeledMask) -> LabeledBox:
    assert mask.label is not None and isinstance(mask.mask, Polygons)
    xs, ys = zip(*(point for ring in mask.mask.rings for point in ring), strict=True)
    return LabeledBox(mask.label, from_xyxy(min(xs), min(ys), max(xs), max(ys))[0])


def _size(raw: dict[str, Any], key: str, fallback: int, where: str) -> int:
    value = raw.get(key)
    if value is None:
        return fallback
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise BadRowError(f"{where}: {key} is {value!r}, expected a number of pixels, null or no such key")
    return value


def _ring(points: object, size: tuple[int, int], place: str) -> tuple[Ring, int]:
    if not isinstance(points, list) or len(points) < 3:
        raise BadRowError(f"{place} has fewer than 3 points")
    ring: list[tuple[float, float]] = []
    clipped = 0
    for point in points:
        if not isinstance(point, list) or len(point) != 2 or not all(_is_number(c) for c in point):
            raise BadRowError(f"{place}: point {point!r} is not [x, y]")
        x, y = point[0] / size[0], point[1] / size[1]
        if min(x, y) < -TOLERANCE or max(x, y) > 1 + TOLERANCE:
            raise BadRowError(
                f"{place}: point {point!r} lies more than {TOLERANCE:.0%} outside a {size[0]} x {size[1]} image",
                hint="If the file states no size, the image may be larger than assumed.",
            )
        inside = (min(max(x, 0.0), 1.0), min(max(y, 0.0), 1.0))
        clipped += inside != (x, y)
        ring.append(inside)
    return tuple(ring), clipped


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _file_name(path: object) -> str:
    """The last part of a path that may have been written on Windows."""
    return re.split(r"[\\/]", path)[-1] if isinstance(path, str) else ""


def moments_of_labelme(
    paths: Mapping[int, Path],
    fps: float,
    pictures: Mapping[int, Path],
    *,
    usual: tuple[int, int],
    shown: Callable[[Path], str],
) -> Iterator[Frame | Defect]:
    """The instruments in each picture; a file without a size is believed while its picture has one that others state.

    Args:
        paths: The file of each picture, by its number.
        fps: Numbers a second.
        pictures: The pictures that are there, by number.
        usual: Width and height of pictures whose file states none and that are not there.
        shown: Place of a file for messages.
    """
    read: dict[int, LabelmePicture] = {}
    for index, path in paths.items():
        try:
            read[index] = read_labelme(path, pictures.get(index), usual=usual)
        except BadRowError as error:
            yield Defect(Reason.ROW_MALFORMED, shown(path), error.message)
    sizes = {(one.width, one.height) for one in read.values() if one.stated}
    for index, one in read.items():
        where, size = shown(paths[index]), (one.width, one.height)
        if sizes and size not in sizes and index in pictures:
            others = " and ".join("{} x {}".format(*known) for known in sorted(sizes))
            detail = f"states no size, and its image has {size[0]} x {size[1]}; others of the sequence state {others}"
            yield Defect(Reason.ROW_MALFORMED, where, detail)
            continue
        said, problem = instruments_in_polygons(one.masks)
        if problem:
            yield Defect(Reason.ROW_MALFORMED, where, problem)
        yield Frame(index=index, fps=fps, size=size if one.stated else None, **said)
