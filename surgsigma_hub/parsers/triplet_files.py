"""Label files of CholecT50: one JSON object per video, of the full release or of the challenge part."""

from __future__ import annotations

import re
from collections.abc import Collection
from pathlib import Path

from ..errors import BadRowError
from ..records import Reason
from .releases.triplet_vectors import VectorError, has_box
from .strict_json import Pairs, read_json

_KEY = re.compile("[0-9]{1,6}")


def read_labels(path: Path, number: int) -> Pairs:
    """The label file of a video, its outer form checked.

    Raises:
        VectorError: the file cannot be used at all.
    """
    try:
        document = read_json(path)
    except BadRowError as error:
        raise VectorError(error.message) from None
    if not isinstance(document, Pairs) or not isinstance(document.get("annotations"), Pairs):
        raise VectorError("no object 'annotations' of frame number to vectors")
    if document.repeated:
        raise VectorError.because(Reason.DUPLICATE_ID, f"the file repeats {', '.join(sorted(document.repeated))}")
    stated = document.get("video")
    if isinstance(stated, int) and stated != number:
        raise VectorError(f"the file says video {stated}, its name says VID{number:02d}")
    if document.get("fps", 1) != 1:
        raise VectorError(f"fps {str(document['fps'])[:20]}, expected 1: its frame numbers would be misread")
    return document


def frame_keys(annotations: Pairs) -> tuple[dict[int, str], list[tuple[str, Reason, str]]]:
    """Frame numbers with their keys, and the keys that are no frame number or name a frame more than once."""
    keys: dict[int, str] = {}
    doubtful: list[tuple[str, Reason, str]] = []
    twice: set[int] = set()
    for key in annotations:
        if _KEY.fullmatch(key) is None:
            doubtful.append((key, Reason.ROW_MALFORMED, "the key is no frame number (0..999999)"))
            continue
        if key in annotations.repeated or int(key) in keys:
            twice.add(int(key))
        keys.setdefault(int(key), key)
    detail = "the file holds this frame more than once; it is left out, since either may be wrong"
    doubtful.extend((keys[index], Reason.DUPLICATE_ID, detail) for index in sorted(twice))
    return {index: key for index, key in keys.items() if index not in twice}, doubtful


def has_boxes(annotations: Pairs) -> bool:
    """Whether any frame has the box of an instrument."""
    return any(has_box(row) for rows in annotations.values() if isinstance(rows, list) for row in rows)


def labels_a_part(document: Pairs, seconds: Collection[int]) -> bool:
    """Whether a label file is of the challenge part, which labels some seconds and not every instrument in them.

    It says so. Where that was lost, boxes tell it on fewer than half of the seconds from the first to the last.
    """
    info = document.get("info")
    if isinstance(info, dict) and "challenge" in str(info.get("dataset")).lower():
        return True
    span = max(seconds, default=0) - min(seconds, default=0) + 1
    return 2 * len(seconds) < span and has_boxes(document["annotations"])
