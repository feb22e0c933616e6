"""DSAD as its authors keep it on the Hub: rows of parquet laid out as the folders of the release.

The names of its columns are not published, so that they are told by what they hold: a picture in colour is the image,
one of a single channel a mask, columns named like all organs are weak labels.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ...records import Defect, Reason
from ..picture_tables import PictureRow, ending_of

SEVERAL = "multilabel"
PART = "hub_"
"""Begins the folder of images of which no operation is named; the name of the split of their file follows."""
_SPLITS = {"train": "train", "val": "val", "test": "test"}
_SURGERY = re.compile(r"(?:surgery|patient|case|operation|video)(?:_?(?:id|number|no|nr))?", re.IGNORECASE)
_NUMBER = re.compile(r"(?:frame|image|img)_?(?:id|number|no|nr|index)|frame", re.IGNORECASE)
_FILE = re.compile(r"(?:.*[/\\])?0*([0-9]{1,3})[/\\](?:image|mask)0*([0-9]{1,6})(?:_[a-z_]+)?\.[a-z]+", re.IGNORECASE)
_OF_A_RATER = re.compile(r"rater|anno(?!t?ation)|expert", re.IGNORECASE)
_GREY, _PALETTE = 0, 3
_COLOUR_AT = 25  # byte of a PNG that says how its pixels are coloured


def lay_out(rows: Iterator[PictureRow | Defect], organs: Sequence[str]) -> Iterator[tuple[str, bytes] | Defect]:
    """Files of the release, ``liver/02/image00.png`` with its masks and ``weak_labels.csv``, of rows of its tables.

    Args:
        rows: Those of tables with several organs before those with one, so that an image of both is laid out there.
        organs: Their names, as folders.
    """
    weak: dict[str, dict[int, Mapping[str, bool]]] = {}
    seen: set[tuple[str, bytes]] = set()
    running: Counter[str] = Counter()
    for row in rows:
        if isinstance(row, Defect):
            yield row
            continue
        picture = _image_of(row)
        masks = {} if picture is None else dict(_masks_of(row, picture, organs))
        if picture is None or not masks or None in masks.values():
            lacking = "no image" if picture is None else "no mask" if not masks else "no organ that DSAD has"
            reason = Reason.LABEL_UNKNOWN if masks else Reason.ROW_MALFORMED
            yield Defect(reason, row.where, f"{lacking} in columns {', '.join([*row.pictures, *row.values])[:120]}")
            continue
        several = len(masks) > 1 or not _organ_said(row, organs)
        place = SEVERAL if several else str(next(iter(masks.values())))
        data = row.pictures[picture]
        surgery, number = _named(row)
        if surgery is None or number is None:
            digest = hashlib.blake2b(data, digest_size=16).digest()
            if {(place, digest), (SEVERAL, digest)} & seen:
                continue  # other tables hold the images of a table again, with the masks of each rater
            seen.add((place, digest))
            folder = f"{place}/{PART}{_split(row)}"
            number = running[folder]
            running[folder] += 1
        else:
            folder = f"{place}/{surgery:02d}"
        yield f"{folder}/image{number:02d}{ending_of(data)}", data
        for key, organ in masks.items():
            yield f"{folder}/mask{number:02d}{f'_{organ}' if several else ''}.png", row.pictures[key]
        if not several and (flags := _weak_labels(row, organs)):
            weak.setdefault(folder, {}).setdefault(number, flags)
    for folder, flags_of in weak.items():
        lines = [",".join(("", *organs))]
        lines += [",".join((f"image{n:02d}", *(str(int(f[o])) for o in organs))) for n, f in sorted(flags_of.items())]
        yield f"{folder}/weak_labels.csv", ("\n".join(lines) + "\n").encode()


def _plain(name: object) -> str:
    return re.sub(r"[^a-z0-9]+", "_", str(name).lower()).strip("_")


def _image_of(row: PictureRow) -> str | None:
    """Column of the image: the one of that name, or the only one in colour."""
    if "image" in row.pictures:
        return "image"
    coloured = [key for key, data in row.pictures.items() if not _is_grey(data)]
    return coloured[0] if len(coloured) == 1 else None


def _is_grey(data: bytes) -> bool:
    return ending_of(data) == ".png" and len(data) > _COLOUR_AT and data[_COLOUR_AT] in (_GREY, _PALETTE)


def _masks_of(row: PictureRow, image: str, organs: Sequence[str]) -> Iterator[tuple[str, str | None]]:
    """Columns of final masks with their organs; None where it is none that is known. Those of raters are left."""
    said = _organ_said(row, organs)
    for key in row.pictures:
        column, _, place = key.partition(".")
        if key == image or _OF_A_RATER.search(column):
            continue
        own = next((organ for organ in organs if organ in _plain(column)), None)
        if own is None and place.isdigit():
            listed = [value for value in row.values.values() if isinstance(value, list) and len(value) > int(place)]
            own = next((n for v in listed if (n := _plain(v[int(place)])) in organs), None)
        yield key, own or said


def _organ_said(row: PictureRow, organs: Sequence[str]) -> str | None:
    said = (_plain(value) for key, value in row.values.items() if "organ" in key.lower())
    return next((name for name in said if name in organs), None)


def _named(row: PictureRow) -> tuple[int | None, int | None]:
    """Number of the operation and of the image in it, where columns or names of files say them."""
    surgery, number = (
        next((n for key, value in row.values.items() if kind.fullmatch(key) and (n := _whole(value)) is not None), None)
        for kind in (_SURGERY, _NUMBER)
    )
    if surgery is not None and number is not None:
        return surgery, number
    for name in (*row.names.values(), *(v for v in row.values.values() if isinstance(v, str) and len(v) < 400)):
        if match := _FILE.fullmatch(name):
            return int(match[1]), int(match[2])
    return None, None


def _whole(value: Any) -> int | None:
    match = re.search(r"([0-9]{1,6})\D*$", value) if isinstance(value, str) and len(value) < 400 else None
    found = int(match[1]) if match else value
    return found if type(found) is int and 0 <= found < 1_000_000 else None


def _split(row: PictureRow) -> str:
    name = row.where.lower()
    return next((split for word, split in _SPLITS.items() if re.search(rf"(?<![a-z]){word}", name)), "train")


def _weak_labels(row: PictureRow, organs: Sequence[str]) -> Mapping[str, bool]:
    """Whether each organ is in view; nothing where a column of one is missing or says neither yes nor no."""
    found: dict[str, bool] = {}
    for key, value in row.values.items():
        organ = next((organ for organ in organs if _plain(key).endswith(organ)), None)
        if organ is not None and type(value) in (bool, int) and value in (0, 1):
            found[organ] = bool(value)
    return found if len(found) == len(organs) else {}
