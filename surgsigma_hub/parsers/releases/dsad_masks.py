"""Masks of DSAD: one of each organ in an image, and the organs that weak labels list beside them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from ...errors import BadRowError
from ...records import Defect, Fact, FileImage, Frame, Label, LabeledBox, Origin, Reason
from ..class_masks import ClassMask, MaskCodes, read_class_mask, size_of

ORGANS = (
    "abdominal_wall",
    "colon",
    "inferior_mesenteric_artery",
    "intestinal_veins",
    "liver",
    "pancreas",
    "small_intestine",
    "spleen",
    "stomach",
    "ureter",
    "vesicular_glands",
)
"""Organs that have masks, as folders and files are named."""


def moment_of_organs(
    number: int,
    image: Path,
    place: str,
    masks: Sequence[Path],
    listed: tuple[Path, tuple[str, ...] | None],
    shown: Callable[[Path], str],
) -> Iterator[Frame | Defect]:
    """The organs of one image, and what is left out.

    Args:
        number: The image's own number: an order and no time.
        image: The image.
        place: Folder of the organ whose images these are, or the one for several.
        masks: Its final masks, ``mask00.png`` of the folder's organ or ``mask00_liver.png``.
        listed: The table of weak labels, and the organs that it lists for this image; None where it says nothing.
        shown: Place of a file for messages.
    """
    boxes: list[LabeledBox] = []
    drawn: list[ClassMask] = []
    for path in masks:
        organ = place if place in ORGANS else path.stem.partition("_")[2]
        if organ not in ORGANS:
            yield Defect(Reason.LABEL_UNKNOWN, shown(path), f"{organ!r:.40} is none of the organs")
            continue
        mask, defects = read_class_mask(FileImage(path), shown(path), MaskCodes.two_levels(organ, least=128))
        yield from defects
        if mask is not None:
            drawn.append(mask)
            boxes += [LabeledBox(Label(name), r.box) for name, r in mask.regions.items()]
    try:
        size = size_of(drawn)
    except BadRowError as error:
        yield Defect(Reason.LABEL_CORRUPT, shown(image), error.message)
        return
    table, organs = listed
    hidden = [b.label.native for b in boxes if organs is not None and b.label.native not in organs]
    if hidden:
        detail = f"{shown(table)} says that {hidden[0]} is not in view, which has a mask: both in doubt"
        yield Defect(Reason.LABEL_CORRUPT, shown(image), detail)
        organs = None
    yield Frame(
        index=number,
        fps=1,
        variant=place,
        image=FileImage(image),
        size=size,
        tissues=None if organs is None else tuple(map(Label, organs)),
        tissue_boxes=tuple(boxes),
        origins={Fact.TISSUE_BOXES: Origin("derived", note="bounds of all pixels of an organ")},
    )
