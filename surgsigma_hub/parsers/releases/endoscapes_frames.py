"""Frames of Endoscapes2023: boxes of anatomy, masks of instruments, and criteria as shares of three raters."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from ...errors import BadRowError
from ...records import Defect, FileImage, Frame, Label, LabeledBox, LabeledMask, Reason
from ..coco import CocoEntry, CocoObject
from .rater_shares import Votes, verdicts_of

_FPS = 25
_TOOL, _CRITERIA = "tool", ("C1", "C2", "C3")


def moment_of(
    index: int, path: Path, entries: Sequence[CocoEntry], votes: Votes | None = None
) -> Iterator[Frame | Defect]:
    """The frame that entries of several files are about, and what is left out.

    Args:
        index: Its number, at 25 a second.
        path: Its image.
        entries: Those with masks first, which repeat the boxes of their images; there is one at least.
        votes: Of each rater on the criteria, where they are known.
    """
    size = (entries[0].image.width, entries[0].image.height)
    frame = Frame(index=index, fps=_FPS, image=FileImage(path), size=size)
    for file, image in ((entry.file, entry.image) for entry in entries):
        judged = file.where.lower().endswith("_ds_coco.json")
        if not judged and frame.tissue_boxes is None:
            objects, defects = file.objects(image)
            yield from defects
            frame = replace(frame, **_facts(objects))
        if frame.criteria is None and image.data.get("is_ds_keyframe") is True:
            try:
                frame = replace(frame, criteria=verdicts_of(image.data.get("ds"), _CRITERIA, votes))
            except BadRowError as error:
                yield Defect(Reason.LABEL_CORRUPT, f"{file.where} image {image.id}", f"ds: {error.message}")
    if frame.facts():
        yield frame


def _facts(objects: tuple[CocoObject, ...]) -> dict[str, Any]:
    """Boxes of anatomy, and masks of instruments where the file has masks."""
    tools = [o for o in objects if o.category == _TOOL]
    boxes = tuple(LabeledBox(Label(o.category), o.box, o.clipped) for o in objects if o not in tools and o.box)
    masks = tuple(LabeledMask(None, o.mask) for o in tools if o.mask is not None)
    whole = any(o.mask is not None for o in objects) and len(masks) == len(tools)
    return {"tissue_boxes": boxes, "instrument_masks": masks if whole else None}
