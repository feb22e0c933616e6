"""Outlines of GLENDA: where endometriosis grows in an image, as objects of a COCO file or as a mask for each."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from ...records import Box, Defect, Fact, FileImage, Frame, Label, LabeledBox, Origin, Reason
from ..class_masks import MaskCodes, read_class_mask
from ..coco import CocoFile, CocoImage

_NAMES = {
    **dict.fromkeys(("peritoneum",), "Peritoneum"),
    **dict.fromkeys(("ovar", "ovary"), "Ovary"),
    **dict.fromkeys(("uterus",), "Uterus"),
    **dict.fromkeys(("tie", "die"), "DIE"),
}
"""Where endometriosis grows, as either version spells it: in version 1.5 in German."""
_NONE = frozenset({"background", "none", "no_pathology"})
_DRAWN = MaskCodes.two_levels("drawn")


@dataclass
class OutlinedImage:
    """One annotated image: where its picture is, its objects in a COCO file, or a mask for each of them."""

    place: str
    picture: Path
    coco: CocoImage | None = None
    masks: list[tuple[str, Path]] = field(default_factory=list)


def moment_of_outlines(
    number: int, image: OutlinedImage, file: CocoFile | None, shown: Callable[[Path], str]
) -> Iterator[Frame | Defect]:
    """Where endometriosis grows in one image, and what is left out; nothing where it is outlined nowhere.

    Args:
        number: Of the frame in its video.
        image: What the release has of it.
        file: The file of version 1.5; None where there are masks.
        shown: Place of a file for messages.
    """
    boxes: list[LabeledBox] = []
    sizes: set[tuple[int, int]] = set()
    for told in _outlined(image, file, shown):
        if isinstance(told, Defect):
            yield told
        elif (name := _NAMES.get(told[0].casefold())) is not None:
            boxes.append(LabeledBox(Label(name), told[1]))
            sizes.add(told[2])
        elif told[0].casefold() not in _NONE:
            detail = f"{told[0]!r:.40} is none of {', '.join(sorted(_NAMES))}"
            yield Defect(Reason.LABEL_UNKNOWN, image.place, detail)
    if not boxes:
        return
    if len(sizes) > 1:
        yield Defect(Reason.LABEL_CORRUPT, image.place, f"masks of {sorted(sizes)[:2]} for one image")
        return
    if not image.picture.is_file():
        yield Defect(Reason.MEDIA_MISSING, image.place, f"{shown(image.picture)} is missing")
        return
    origin = {Fact.TISSUE_BOXES: Origin("derived", note="bounds of the outlines")}
    picture = FileImage(image.picture)
    yield Frame(index=number, fps=1, image=picture, size=min(sizes), tissue_boxes=tuple(boxes), origins=origin)


def _outlined(
    image: OutlinedImage, file: CocoFile | None, shown: Callable[[Path], str]
) -> Iterator[tuple[str, Box, tuple[int, int]] | Defect]:
    """Class, box and size of the whole of each outline of an image, and what cannot be read."""
    if image.coco is not None and file is not None:
        objects, defects = file.objects(image.coco)
        yield from defects
        whole = (image.coco.width, image.coco.height)
        yield from ((one.category, one.box, whole) for one in objects if one.box is not None)
    for name, path in sorted(image.masks):
        mask, defects = read_class_mask(FileImage(path), shown(path), _DRAWN)
        yield from defects
        if mask is not None and mask.regions:
            region = mask.regions["drawn"]
            if region.pixels < mask.width * mask.height:
                yield re.sub("_a_[0-9]+$", "", name), region.box, (mask.width, mask.height)
            else:
                detail = "the mask is lit all over: it outlines nothing"
                yield Defect(Reason.LABEL_CORRUPT, shown(path), detail)
