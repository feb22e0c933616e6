"""Masks of EndoVis 2017: one of each instrument with its parts or, in the test part, one of kinds and one of parts."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from ...errors import BadRowError
from ...media.boxes import around
from ...records import (
    Box,
    Coverage,
    Defect,
    Fact,
    FileImage,
    Frame,
    Label,
    LabeledBox,
    LabeledMask,
    MaskImage,
    Origin,
    Reason,
)
from ..class_masks import ClassMask, MaskCodes, read_class_mask, size_of
from ..strict_json import read_json

_FPS = 2
_TYPES = (
    *("Bipolar_Forceps", "Prograsp_Forceps", "Large_Needle_Driver", "Vessel_Sealer", "Grasping_Retractor"),
    *("Monopolar_Curved_Scissors", "Other"),
)
"""Kinds of instruments, from number 1 on."""
_PROBE = "Probe"
_OF_FOLDER = MaskCodes.of({10: "Shaft", 20: "Wrist", 30: "Claspers", 40: _PROBE}, 0)
_BY_KIND = "TypeSegmentation"
TEST = {
    "PartsSegmentation": MaskCodes.of({30: "Shaft", 100: "Wrist", 255: "Claspers"}, 0),
    _BY_KIND: MaskCodes.of(dict(enumerate(_TYPES, 1)), 0),
}
"""Masks of the test part by folder."""
LISTS = (Fact.INSTRUMENTS, Fact.INSTRUMENT_MASKS, Fact.INSTRUMENT_BOXES, Fact.PART_MASKS)
"""What masks tell."""


MAPPINGS: Mapping[str, tuple[MaskCodes, ...]] = {
    "parts_mapping.json": (_OF_FOLDER, TEST["PartsSegmentation"]),
    "type_mapping.json": (TEST[_BY_KIND],),
}
"""Tables of names and numbers that the training part ships, and what they may say."""


def contradicted(path: Path) -> str:
    """What a mapping says against every set of numbers that is known; empty where it agrees with one.

    Raises:
        BadRowError: it is no JSON object of names and numbers.
    """
    read = read_json(path)
    said = {_plain(str(name)): number for name, number in read.items()} if isinstance(read, dict) else {}
    if not said or not all(type(number) is int for number in said.values()):
        raise BadRowError("expected an object of names and whole numbers")
    known = [{_plain(name): value for value, name in codes.names} for codes in MAPPINGS[path.name.lower()]]
    shared = {name for codes in known for name in codes} & said.keys()
    if any(all(codes.get(name, said[name]) == said[name] for name in shared) for codes in known):
        return ""
    wrong = min(name for name in shared if said[name] != known[0].get(name))
    return f"{wrong} is {said[wrong]}, expected {known[0].get(wrong)}"


def _plain(name: str) -> str:
    return re.sub("[ _-]+", " ", name.strip().lower())


def moment_of_masks(
    index: int, image: Path, found: Mapping[str, Path], shown: Callable[[Path], str], *, whole: bool = True
) -> Iterator[Frame | Defect]:
    """The instruments in one image, and what is left out.

    Args:
        index: Number of the image, at two a second.
        image: The image.
        found: Its masks by folder; there is one at least.
        shown: Place of a file for messages.
        whole: Whether there is one for each instrument that may be in view.
    """
    read: dict[str, ClassMask] = {}
    for kind, path in found.items():
        mask, defects = read_class_mask(FileImage(path), shown(path), TEST.get(kind, _OF_FOLDER))
        yield from defects
        whole = whole and mask is not None and mask.complete
        if mask is not None:
            read[kind] = mask
    try:
        size = size_of(read.values())
    except BadRowError as error:
        yield Defect(Reason.LABEL_CORRUPT, shown(image), error.message)
        return
    of_test = {kind: mask for kind, mask in read.items() if kind in TEST}
    instruments: list[tuple[Label, MaskImage, Box | None]] = []
    for kind, mask in read.items():
        name = type_of(kind)
        if kind == _BY_KIND:
            instruments += [(Label(n), r.mask, None) for n, r in mask.regions.items()]
        elif kind not in TEST and name is None:
            yield Defect(Reason.LABEL_UNKNOWN, shown(found[kind]), f"{kind!r:.60} names no kind of instrument")
            whole = False
        elif name is not None and mask.regions:
            regions = list(mask.regions.values())
            instruments.append((Label(name), MaskImage(regions[0].mask.image), around(r.box for r in regions)))
    typed = not of_test or _BY_KIND in of_test
    boxes = tuple(LabeledBox(label, box) for label, _, box in instruments if box is not None)
    of_parts = [m for kind, m in read.items() if kind != _BY_KIND]
    parts = [LabeledMask(Label(n), r.mask) for m in of_parts for n, r in m.regions.items() if n != _PROBE]
    yield Frame(
        index=index,
        fps=_FPS,
        image=FileImage(image),
        size=size,
        instruments=tuple(dict.fromkeys(label for label, _, _ in instruments)) if typed else None,
        instrument_masks=tuple(LabeledMask(label, mask) for label, mask, _ in instruments) if typed else None,
        instrument_boxes=None if of_test else boxes,
        part_masks=tuple(parts) if of_parts else None,
        origins={} if of_test else {Fact.INSTRUMENT_BOXES: Origin("derived", note="bounds of the mask of one")},
        coverage={} if whole else dict.fromkeys(LISTS, Coverage.ANNOTATED_ONLY),
    )


def type_of(folder: str) -> str | None:
    """The kind of instrument whose name occurs in that of a folder: the release writes them in many ways.

    >>> type_of("Maryland_Bipolar_Forceps_labels"), type_of("Large_Needle_Driver_Left_labels"), type_of("Hand")
    ('Bipolar_Forceps', 'Large_Needle_Driver', None)
    """
    return next((name for name in _TYPES if name.lower() in folder.lower()), None)
