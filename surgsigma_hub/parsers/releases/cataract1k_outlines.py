"""Outlines in frames of Cataract-1K: one Supervisely file a frame, or one COCO file a case, of the same classes."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from ...errors import BadRowError
from ...media.boxes import around
from ...records import Box, Defect, Fact, Label, LabeledBox, Origin, Reason
from ..coco import CocoObject, instruments_in, read_coco
from ..supervisely import read_supervisely

_EYE = {"cornea": "Cornea", "pupil": "Pupil", "lens": "Lens", "lense": "Lens"}
_INSTRUMENTS = {
    "slitknife": "Slit Knife",
    "gauge": "Gauge",
    "capsulorhexiscystotome": "Capsulorhexis Cystotome",
    "spatula": "Spatula",
    "phacoemulsificationtip": "Phacoemulsification Tip",
    "irrigationaspiration": "Irrigation-Aspiration",
    "lensinjector": "Lens Injector",
    "incisionknife": "Incision Knife",
    "katenaforceps": "Katena Forceps",
    "capsulorhexisforceps": "Capsulorhexis Forceps",
}
_IMAGE = re.compile(r"(?:.*/)?case_?[0-9]+_([0-9]{1,4})\.[A-Za-z]+")
_BOUNDS = Origin("derived", note="bounds of the outlines")
Outlined = tuple[int, Mapping[str, Any]]
"""Number of a frame, and what is outlined in it, as fields of :class:`Frame`."""


def read_outlines(outlines: Mapping[int, Path], where: Callable[[Path], str]) -> Iterator[Outlined | Defect]:
    """The frames of a case with a Supervisely file each; one with an object that cannot be read is left out.

    Args:
        outlines: The file of each frame, by number.
        where: Place of a file for messages.
    """
    for number, path in outlines.items():
        try:
            read = read_supervisely(path, where(path))
        except BadRowError as error:
            yield Defect(Reason.ROW_MALFORMED, where(path), error.message)
        else:
            yield from _frame(number, read.objects, read.defects, (read.width, read.height), where(path))


def read_coco_outlines(path: Path, where: str) -> Iterator[Outlined | Defect]:
    """The frames of a case of one COCO file; classes are numbered anew in each, so that names count."""
    try:
        file = read_coco(path, where)
    except BadRowError as error:
        yield Defect(Reason.ROW_MALFORMED, where, error.message)
        return
    yield from file.defects
    numbered = sorted((int(m[1]) if (m := _IMAGE.fullmatch(i.name)) else -1, i.id) for i in file.images.values())
    before = -1
    for number, id in numbered:
        image, place = file.images[id], f"{where} image {id}"
        if number in (-1, before):
            detail = f"{image.name!r:.60} is not named like case5013_01.png, or names a frame that was listed"
            yield Defect(Reason.ROW_MALFORMED, place, detail)
            continue
        objects, defects = file.objects(image)
        before = number
        yield from _frame(number, objects, defects, (image.width, image.height), place)


def _frame(
    number: int, objects: Sequence[CocoObject], defects: Sequence[Defect], size: tuple[int, int], where: str
) -> Iterator[Outlined | Defect]:
    bad = list(defects)
    tools: list[CocoObject] = []
    parts: dict[str, list[Box]] = {}
    for one in objects:
        letters = _letters(one.category)
        if letters in _INSTRUMENTS:
            tools.append(replace(one, category=_INSTRUMENTS[letters]))
        elif letters in _EYE and one.box is not None:
            parts.setdefault(_EYE[letters], []).append(one.box)
        elif letters not in _EYE:
            bad.append(Defect(Reason.LABEL_UNKNOWN, where, f"{one.category!r:.60} is none of the titles of this set"))
    if bad:
        yield from (replace(one, detail=f"{one.detail}; the frame is left out") for one in bad)
        return
    yield (
        number,
        {
            **instruments_in(tools, whole=True),
            "size": size,
            "tissue_boxes": tuple(LabeledBox(Label(part), around(boxes)) for part, boxes in parts.items()),
            "origins": {Fact.INSTRUMENT_BOXES: _BOUNDS, Fact.TISSUE_BOXES: _BOUNDS},
        },
    )


def _letters(title: str) -> str:
    """What of a title counts: twins such as ``cornea1`` are pieces of one, and case and signs differ."""
    return re.sub("[0-9]+$", "", "".join(filter(str.isalnum, title)).casefold())
