"""CholecSeg8k as parquet: rows laid out as the folders of the release, where they name operation and frame."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from ...records import Defect, Reason
from ..picture_tables import PictureRow, ending_of

_PLACE = re.compile(r"video_?0*([0-9]{1,2})(?![0-9]).*?frame_?0*([0-9]{1,6})(?![0-9])", re.IGNORECASE | re.DOTALL)
_VIDEO = re.compile(r"(?:video|clip|patient|case|surgery)(?:_?(?:id|name|number|no|nr))?", re.IGNORECASE)
_FRAME = re.compile(r"frame(?:_?(?:id|name|number|no|nr|index|idx))?", re.IGNORECASE)
NEEDED = (
    "a column of the video and one of the frame, or a path such as video01/video01_00080/frame_80_endo.png, and the "
    "watershed mask"
)
"""What a row has to have, for messages."""


def lay_out(rows: Iterator[PictureRow | Defect]) -> Iterator[tuple[str, bytes] | Defect]:
    """Files of the release, ``video01/video01_00000/frame_80_endo.png`` and its mask, of rows of its tables."""
    for row in rows:
        if isinstance(row, Defect):
            yield row
            continue
        named, masks = _named(row), [key for key in row.pictures if "watershed" in key.lower()]
        images = [key for key in row.pictures if "mask" not in key.lower() and "label" not in key.lower()]
        columns = ", ".join([*row.pictures, *row.values])[:120]
        if named is None or len(masks) != 1 or len(images) != 1:
            lacking = "no video and frame" if named is None else "no watershed mask" if len(masks) != 1 else "no image"
            yield Defect(Reason.ROW_MALFORMED, row.where, f"{lacking} in columns {columns}; expected {NEEDED}")
            continue
        video, frame = named
        # Of the first frame of a clip nothing depends, and a table need not tell it.
        place = f"video{video:02d}/video{video:02d}_00000/frame_{frame}_endo"
        image, mask = row.pictures[images[0]], row.pictures[masks[0]]
        if ending_of(mask) != ".png":
            detail = "its mask is JPEG, which blurs the numbers of classes, expected PNG"
            yield Defect(Reason.LABEL_CORRUPT, row.where, detail)
            continue
        yield f"{place}{ending_of(image)}", image
        yield f"{place}_watershed_mask.png", mask


def _named(row: PictureRow) -> tuple[int, int] | None:
    """Number of the operation and of the frame: of two columns, or of one name of a file or path."""
    video, frame = (
        {n for key, value in row.values.items() if kind.fullmatch(key) and (n := _whole(value, first)) is not None}
        for kind, first in ((_VIDEO, True), (_FRAME, False))
    )
    if len(video) == len(frame) == 1:
        return video.pop(), frame.pop()
    texts = (*row.names.values(), *(v for v in row.values.values() if isinstance(v, str) and len(v) < 400))
    found = {(int(m[1]), int(m[2])) for text in texts if (m := _PLACE.search(text))}
    return found.pop() if len(found) == 1 else None


def _whole(value: Any, first: bool) -> int | None:
    """A number, or that in a name: of a video the first, since the start of a clip may follow it."""
    held = re.findall("[0-9]{1,6}", value) if isinstance(value, str) and len(value) < 400 else []
    number = int(held[0 if first else -1]) if held else value
    return number if type(number) is int and 0 <= number < (100 if first else 1_000_000) else None
