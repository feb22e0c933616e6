"""The JSON of a SurgSigma-DB release: ``{"images": [{id, image path}], "annos": [{id, images, task type, gt label}]}``.

Keys are published with a blank (``gt label``); the same key with an underscore is read too.
"""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

import orjson

from ...errors import BadRowError
from ...media.boxes import BoxOutsideError, from_xyxy
from ...records import Defect, Label, LabeledBox, NativeQA, Reason, Trace
from ..grounding import parse_grounding, shortened
from ..strict_json import as_utf8
from ..trace import parse_trace

Row = tuple[int, dict[str, Any]]
"""The frame number that an annotation is about, and the annotation as the JSON has it."""

_FRAME_PATH = re.compile(r"(?:^|/)CholecT50/videos/VID([0-9]{1,9})/([0-9]{1,9})\.(?i:png|jpe?g)$")


@dataclass(frozen=True, slots=True)
class Release:
    """A release sorted by video: the annotations of each by its number, and what could be given to none."""

    rows: dict[int, list[Row]] = field(default_factory=dict)
    strays: list[Defect] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Localization:
    """One localization annotation; ``key`` is equal for annotations that say the same."""

    key: tuple[str, ...]
    boxes: tuple[LabeledBox, ...]
    trace: Trace | None
    native: NativeQA


def parse_release(data: bytes, *, name: str) -> Release:
    """Sort the annotations of a release by the video of their first image.

    A part of the image paths is written ``VID2`` instead of ``VID02``, so numbers are compared, not names.

    Args:
        data: The whole JSON file.
        name: File name for messages.

    Raises:
        BadRowError: not JSON (with line and column), or not an object with the two lists.
    """
    try:
        raw = orjson.loads(as_utf8(data))
    except (orjson.JSONDecodeError, BadRowError) as error:
        raise BadRowError(f"{name} is cut or damaged: {error}") from None
    if not isinstance(raw, dict) or not all(isinstance(raw.get(key), list) for key in ("images", "annos")):
        raise BadRowError(f"{name} is not an object with the lists 'images' and 'annos'")
    strays: list[Defect] = []
    moments = _moments(raw["images"], name, strays)
    rows: dict[int, list[Row]] = defaultdict(list)
    for n, anno in enumerate(raw["annos"]):
        problem = _problem(anno, moments)
        if problem:
            id = _get(anno, "id")
            strays.append(Defect(Reason.ROW_MALFORMED, f"{name} anno {f'no. {n}' if id is None else id}", problem))
            continue
        number, index = moments[str(anno["images"][0])]
        rows[number].append((index, anno))
    return Release(dict(rows), strays)


def task_types(anno: dict[str, Any]) -> list[int]:
    """The task type integers of an annotation that :func:`parse_release` let through."""
    types = _get(anno, "task type")
    return list(dict.fromkeys(types if isinstance(types, list) else [types]))


def read_localization(anno: dict[str, Any], *, where: str) -> tuple[Localization | None, list[Defect]]:
    """Boxes and trace of one localization annotation; a label that does not read in full is no label.

    A trace that cannot be read costs the trace only. Localization is reasoned at level 1 alone, so a trace without
    headings is taken as that.
    """
    text, thinking = _get(anno, "gt label"), anno.get("thinking")
    if text is None:
        text = anno.get("answer")
    if len(anno["images"]) != 1 or not isinstance(text, str):
        detail = f"expected one image and a text as 'gt label', found {len(anno['images'])} and {shortened(str(text))}"
        return None, [Defect(Reason.ROW_MALFORMED, where, detail)]
    boxes: list[LabeledBox] = []
    try:
        for item in parse_grounding(text):
            box, clipped = from_xyxy(item.x1, item.y1, item.x2, item.y2, width=1000, height=1000)
            boxes.append(LabeledBox(Label(item.name), box, clipped))
    except BoxOutsideError as error:
        return None, [Defect(Reason.BOX_OUTSIDE, where, f"{error.message}, in {shortened(text)}")]
    except BadRowError as error:
        return None, [Defect(Reason.LABEL_CORRUPT, where, error.message)]
    defects: list[Defect] = []
    trace: Trace | None = None
    if isinstance(thinking, str) and thinking.strip():
        try:
            trace = parse_trace(thinking, unmarked=1)
        except BadRowError as error:
            defects.append(Defect(Reason.LABEL_CORRUPT, where, f"boxes kept without their trace: {error.message}"))
    question = anno.get("question")
    native = NativeQA(question if isinstance(question, str) else None, text)
    return Localization((text, str(anno.get("answer")), str(thinking)), tuple(boxes), trace, native), defects


def _moments(images: list[Any], name: str, strays: list[Defect]) -> dict[str, tuple[int, int]]:
    """Video and frame number by image id."""
    moments: dict[str, tuple[int, int]] = {}
    for n, image in enumerate(images):
        id, path = _get(image, "id"), _get(image, "image path")
        match = _FRAME_PATH.search(path) if isinstance(path, str) else None
        if match is None or id is None:
            detail = f"expected an id and a path ...CholecT50/videos/VIDnn/NNNNNN.png, found {shortened(str(image))}"
            strays.append(Defect(Reason.ROW_MALFORMED, f"{name} image {n}", detail))
            continue
        moment = (int(match.group(1)), int(match.group(2)))
        if moments.setdefault(str(id), moment) != moment:
            detail = f"image id {id} stands for two frames; the first is kept"
            strays.append(Defect(Reason.DUPLICATE_ID, f"{name} image {n}", detail))
    return moments


def _problem(anno: object, moments: dict[str, tuple[int, int]]) -> str:
    """Why an annotation cannot be given to a frame; empty where it can."""
    if not isinstance(anno, dict) or anno.get("id") is None:
        return "an annotation without an id"
    images = anno.get("images")
    if not isinstance(images, list) or not images:
        return "it names no image"
    lost = [i for i in images if str(i) not in moments]
    if lost:
        return f"image id {lost[0]} stands for no usable entry of 'images'"
    types = _get(anno, "task type")
    numbers = types if isinstance(types, list) else [types]
    if not numbers or not all(isinstance(t, int) and not isinstance(t, bool) for t in numbers):
        return f"'task type' is {shortened(str(types))}, expected a list of whole numbers"
    return ""


def _get(row: object, key: str) -> Any:
    return row.get(key, row.get(key.replace(" ", "_"))) if isinstance(row, dict) else None
