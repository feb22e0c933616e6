"""COCO JSON: images with their attributes, and objects with boxes and with masks as polygons or run lengths."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from ..errors import BadRowError
from ..media.boxes import TOLERANCE, BoxOutsideError, from_xywh
from ..plain_file import MAX_TEXT, read_plain
from ..records import Box, Defect, Drawn, Label, LabeledBox, LabeledMask, MaskImage, MaskRef, Polygons, Reason
from .run_lengths import read_run_lengths
from .strict_json import as_utf8

_MOST_SIDE = 100_000
"""Pixels of a side that no image of an operation has: larger ones are misprints."""

Ring = tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True)
class CocoImage:
    """One image of a file.

    Attributes:
        id: As the file numbers it.
        name: File name, as the file states it, with ``/`` between folders.
        width: In pixels; ``height`` likewise.
        data: All that the file says of it, for attributes of the release.
    """

    id: int
    name: str
    width: int
    height: int
    data: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class CocoObject:
    """One object in an image.

    Attributes:
        category: Name of its category.
        box: Of the image, 0..1; None where the file gives none.
        clipped: Whether the box reached past the edge and was cut.
        mask: Its pixels; None where the file gives none.
        data: All that the file says of it.
    """

    category: str
    box: Box | None
    clipped: bool
    mask: MaskRef | None
    data: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class CocoFile:
    """What one file says; objects are read when they are asked for.

    Attributes:
        where: Its place, for messages.
        categories: Name by id.
        images: By id, in the order of the file.
        defects: Entries that belong to no image.
        document: All of it, for lists that a release adds.
    """

    where: str
    categories: Mapping[int, str] = field(default_factory=dict)
    images: Mapping[int, CocoImage] = field(default_factory=dict)
    defects: tuple[Defect, ...] = ()
    document: Mapping[str, Any] = field(default_factory=dict)
    _notes: Mapping[int, list[Any]] = field(default_factory=dict)

    def notes(self, image: CocoImage) -> list[Mapping[str, Any]]:
        """The annotations of an image as they stand."""
        return list(self._notes.get(image.id, ()))

    def objects(self, image: CocoImage) -> tuple[tuple[CocoObject, ...], tuple[Defect, ...]]:
        """The objects of an image in the order of the file, and those that could not be read."""
        found: list[CocoObject] = []
        defects: list[Defect] = []
        for n, note in enumerate(self._notes.get(image.id, ())):
            place = f"{self.where} image {image.id} annotation {note.get('id', n)!s:.20}"
            category = note.get("category_id")
            if not _is_id(category) or category not in self.categories:
                defects.append(Defect(Reason.LABEL_UNKNOWN, place, f"category {category!r:.40} is not in categories"))
                continue
            try:
                box, clipped = _box(note.get("bbox"), image)
                mask = _mask(note.get("segmentation"), image, place)
            except BoxOutsideError as error:
                defects.append(Defect(Reason.BOX_OUTSIDE, place, error.message))
            except BadRowError as error:
                defects.append(Defect(Reason.ROW_MALFORMED, place, error.message))
            else:
                found.append(CocoObject(self.categories[category], box, clipped, mask, note))
        return tuple(found), tuple(defects)


def read_coco(path: Path, where: str) -> CocoFile:
    """Read one file.

    Args:
        path: The file.
        where: Its place for messages, relative to the root.

    Raises:
        BadRowError: it cannot be opened, is not JSON, or has no lists ``images``, ``annotations`` and ``categories``.
    """
    try:
        document = orjson.loads(as_utf8(read_plain(path, most=MAX_TEXT)))
    except OSError as error:
        raise BadRowError(f"{where}: the file cannot be opened ({error.strerror})") from None
    except (orjson.JSONDecodeError, BadRowError) as error:
        raise BadRowError(f"{where}: not JSON, or cut short: {error}") from None
    lists = [document.get(key) if isinstance(document, dict) else None for key in ("categories", "images")]
    if not all(isinstance(one, list) for one in lists) or not isinstance(document.get("annotations", []), list):
        raise BadRowError(f"{where}: not a COCO file (expected lists 'images', 'annotations' and 'categories')")
    defects: list[Defect] = []
    categories = {c["id"]: c["name"] for c in lists[0] or () if _is_category(c)}
    images: dict[int, CocoImage] = {}
    for n, entry in enumerate(lists[1] or ()):
        try:
            image = _image(entry)
        except BadRowError as error:
            defects.append(Defect(Reason.ROW_MALFORMED, f"{where} image {n}", error.message))
            continue
        if image.id in images:
            detail = f"id {image.id} is that of {images[image.id].name[:60]!r} already: left out"
            defects.append(Defect(Reason.DUPLICATE_ID, f"{where} image {n}", detail))
            continue
        images[image.id] = image
    notes: dict[int, list[Any]] = {}
    for n, note in enumerate(document.get("annotations", [])):
        id = note.get("image_id") if isinstance(note, dict) else None
        if not _is_id(id) or id not in images:
            detail = f"image_id {id!r:.40} is that of no image" if isinstance(note, dict) else "not an object"
            defects.append(Defect(Reason.ROW_MALFORMED, f"{where} annotation {n}", detail))
            continue
        notes.setdefault(id, []).append(note)
    return CocoFile(where, categories, images, tuple(defects), document, notes)


@dataclass(frozen=True, slots=True)
class CocoEntry:
    """One image of one of several files: of which kind the file is, and what the image's name says."""

    kind: str
    name: re.Match[str]
    file: CocoFile
    image: CocoImage


@dataclass(frozen=True, slots=True)
class CocoEntries:
    """The images of several files.

    Attributes:
        found: In the order of the files.
        lost: Entries that belong to no image, and images of other names.
        unread: By kind and place, why a whole file says nothing: it is missing, or cannot be read.
    """

    found: tuple[CocoEntry, ...]
    lost: tuple[Defect, ...]
    unread: tuple[tuple[str, Defect], ...]


def entries_in(files: Iterable[tuple[str, Path, str]], named: str, like: str) -> CocoEntries:
    """The images of several files by their names.

    Args:
        files: Kind, path and place for messages of each; one that is missing is told.
        named: Pattern of a whole name, the case of which does not matter.
        like: Such a name, for messages.
    """
    found: list[CocoEntry] = []
    lost: list[Defect] = []
    unread: list[tuple[str, Defect]] = []
    pattern = re.compile(named, re.IGNORECASE)
    for kind, path, where in files:
        # A link that an archive tool made a file of a few bytes is no folder: its annotations are missing then.
        if not path.is_file():
            detail = "the file is missing: its labels of this operation, if any, are not known"
            unread.append((kind, Defect(Reason.LABEL_MISSING, where, detail)))
            continue
        try:
            file = read_coco(path, where)
        except BadRowError as error:
            unread.append((kind, Defect(Reason.ROW_MALFORMED, where, error.message)))
            continue
        lost += file.defects
        for image in file.images.values():
            match = pattern.fullmatch(image.name)
            if match is not None:
                found.append(CocoEntry(kind, match, file, image))
                continue
            detail = f"{image.name!r:.60} is not named like {like}"
            lost.append(Defect(Reason.ROW_MALFORMED, f"{where} image {image.id}", detail))
    return CocoEntries(tuple(found), tuple(lost), tuple(unread))


def instruments_in(objects: Sequence[CocoObject], *, whole: bool) -> dict[str, Any]:
    """What objects that are all instruments say of a frame, as fields of :class:`Frame`.

    Args:
        objects: Those that could be read.
        whole: Whether these are all that the file lists; else no list can be told, nor one that lacks an object's part.
    """
    boxes = [LabeledBox(Label(o.category), o.box, o.clipped) for o in objects if o.box is not None]
    masks = [LabeledMask(Label(o.category), o.mask) for o in objects if o.mask is not None]
    return {
        "instruments": tuple(dict.fromkeys(Label(o.category) for o in objects)) if whole else None,
        "instrument_boxes": tuple(boxes) if whole and len(boxes) == len(objects) else None,
        "instrument_masks": tuple(masks) if whole and len(masks) == len(objects) else None,
    }


# -------------------------------------------------------------------------------------------------------- entries


def _is_id(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_category(entry: object) -> bool:
    return isinstance(entry, dict) and _is_id(entry.get("id")) and isinstance(entry.get("name"), str)


def _image(entry: object) -> CocoImage:
    if not isinstance(entry, dict) or not _is_id(entry.get("id")) or not isinstance(entry.get("file_name"), str):
        raise BadRowError("no object with a whole number 'id' and a text 'file_name'")
    size = entry.get("width"), entry.get("height")
    if not all(_is_id(n) and 0 < n <= _MOST_SIDE for n in size):  # type: ignore[operator]
        raise BadRowError(f"width and height are {size!r:.60}, expected pixels up to {_MOST_SIDE}")
    name = str(entry["file_name"]).replace("\\", "/")
    return CocoImage(entry["id"], name, entry["width"], entry["height"], entry)


def _number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e12


def _box(bbox: object, image: CocoImage) -> tuple[Box | None, bool]:
    if bbox is None or bbox == []:
        return None, False
    if not isinstance(bbox, list) or len(bbox) != 4 or not all(map(_number, bbox)):
        raise BadRowError(f"bbox {bbox!r:.60} is not [x, y, width, height]")
    x, y, w, h = bbox
    return from_xywh(x, y, w, h, width=image.width, height=image.height)


def _mask(segmentation: object, image: CocoImage, place: str) -> MaskRef | None:
    if segmentation is None or segmentation == []:
        return None
    if isinstance(segmentation, list):
        return Polygons(tuple(_ring(flat, image) for flat in segmentation))
    lengths = read_run_lengths(segmentation)
    if lengths.height * image.width != lengths.width * image.height:
        raise BadRowError(f"mask of {lengths.width} x {lengths.height} for an image of {image.width} x {image.height}")
    return MaskImage(Drawn(place, lengths)) if lengths.pixels else None


def _ring(flat: object, image: CocoImage) -> Ring:
    if not isinstance(flat, list) or len(flat) < 6 or len(flat) % 2 or not all(map(_number, flat)):
        raise BadRowError(f"polygon {flat!r:.60} is not [x, y, x, y, ...] of three points or more")
    points = [(x / image.width, y / image.height) for x, y in zip(flat[::2], flat[1::2], strict=True)]
    if any(not -TOLERANCE <= n <= 1 + TOLERANCE or math.isnan(n) for point in points for n in point):
        raise BoxOutsideError(f"a polygon reaches more than {TOLERANCE:.0%} outside the image")
    return tuple((min(max(x, 0.0), 1.0), min(max(y, 0.0), 1.0)) for x, y in points)
