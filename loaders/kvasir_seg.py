"""Kvasir-SEG: 1,000 images of polyps of the gut with their masks and boxes.

The traps of this source and what is done about them are told in ``dataset_cards/kvasir_seg.md``.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

from surgsigma_hub.errors import BadRowError
from surgsigma_hub.media.boxes import BoxOutsideError, from_xyxy
from surgsigma_hub.parsers.class_masks import MaskCodes, read_class_mask
from surgsigma_hub.parsers.strict_json import read_json
from surgsigma_hub.records import Defect, Fact, FileImage, Frame, Label, LabeledBox, Origin, Reason, Video
from surgsigma_hub.source import (
    Access,
    Fields,
    Home,
    Modality,
    Procedure,
    SourceInfo,
    Specialty,
    Still,
    StillsSource,
)
from surgsigma_hub.source.numbered_files import as_ended

_POLYP = "polyp"
_MASK = MaskCodes.two_levels(_POLYP, least=128)
_BOXES = ("kavsir_bboxes.json", "kvasir_bboxes.json")


class KvasirSeg(StillsSource):
    """Loader of Kvasir-SEG (see the module)."""

    info = SourceInfo(
        name="kvasir_seg",
        specialty=Specialty.GASTROENTEROLOGY,
        procedure=Procedure.GASTROINTESTINAL_ENDOSCOPY,
        modality=Modality.FLEXIBLE_ENDOSCOPY,
        access=Access.OPEN,
        access_steps="Download the archive that the homepage offers and unpack it",
        layout="Kvasir-SEG/                         (the folder above will do as well)\n"
        "  images/cju0qkwl35piu0993l0dewei2.jpg ...\n"
        "  masks/cju0qkwl35piu0993l0dewei2.jpg ...\n"
        "  kavsir_bboxes.json                (spelt so; without it boxes are made from masks)\n",
        facts=frozenset({Fact.TISSUES, Fact.TISSUE_BOXES}),
        split_schemes={"hashed": ("train", "val", "test")},
    )
    home = Home(all_of=("images/", "masks/"), depth=2)
    stills = ("images/{name}",)
    labelled = ("masks/{name}.jpg", "masks/{name}.png")
    video_id = "{name}"

    def fields_at(self, fields: Fields, path: Path) -> Fields:
        """Nothing ties images to patients, so that each stands alone."""
        return {**fields, "image": 0}

    def label_files(self, still: Still) -> tuple[Path, ...]:
        """The mask, and the file of all boxes."""
        places = [as_ended(self.folder / "masks" / f"{still.path.stem}{ending}") for ending in (".jpg", ".png")]
        mask = next((p for p in places if p.is_file()), self.folder / "masks" / still.path.name)
        return mask, self._boxes_at

    @cached_property
    def _boxes_at(self) -> Path:
        return next((p for n in _BOXES if (p := as_ended(self.folder / n)).is_file()), self.folder / _BOXES[0])

    @cached_property
    def _boxes(self) -> tuple[dict[str, Any], str]:
        """Entries of the file of boxes by name, and why there are none."""
        if not self._boxes_at.is_file():
            return {}, "the file is missing"
        try:
            read = read_json(self._boxes_at)
        except BadRowError as error:
            return {}, error.message
        return (read, "") if isinstance(read, dict) else ({}, "no object with an entry for each image")

    def moment(self, video: Video, still: Still) -> Iterator[Frame | Defect]:
        """The polyps of one image."""
        path, table = self.label_files(still)
        entries, problem = self._boxes
        if problem and table.is_file() and video.id == self.videos()[0].id:
            yield Defect(Reason.ROW_MALFORMED, self.relative(table), problem)
        boxes: list[LabeledBox] = []
        given, size = video.id in entries, None
        if not given:
            detail = f"no box is told ({problem or 'no entry of this image'}): it is that of the mask"
            yield Defect(Reason.LABEL_MISSING, f"{self.relative(table)} {video.id}", detail)
        if given:
            try:
                boxes = list(_boxes_of(entries[video.id]))
                size = (entries[video.id]["width"], entries[video.id]["height"])
            except BoxOutsideError as error:
                yield Defect(Reason.BOX_OUTSIDE, f"{self.relative(table)} {video.id}", error.message)
                return
            except (BadRowError, TypeError, KeyError) as error:
                detail = error.message if isinstance(error, BadRowError) else "no object with height, width and bbox"
                yield Defect(Reason.ROW_MALFORMED, f"{self.relative(table)} {video.id}", detail)
                return
        else:
            mask, defects = read_class_mask(FileImage(path), self.relative(path), _MASK)
            yield from defects
            if mask is None:
                return
            boxes = [LabeledBox(Label(name), region.box) for name, region in mask.regions.items()]
            size = (mask.width, mask.height)
        yield Frame(
            index=0,
            fps=1,
            image=FileImage(still.path),
            size=size,
            tissues=(Label(_POLYP),) if boxes else (),
            tissue_boxes=tuple(boxes),
            origins={} if given else {Fact.TISSUE_BOXES: Origin("derived", note="bounds of the mask")},
        )


def _boxes_of(entry: Any) -> Iterator[LabeledBox]:
    """The boxes of one image.

    Raises:
        BadRowError: a label, a size or a box that is none.
        TypeError: not the form of the file; ``KeyError`` likewise.
    """
    size = entry["width"], entry["height"]
    if not all(type(n) is int and n > 0 for n in size):
        raise BadRowError(f"width and height are {size!r:.60}, expected pixels")
    for box in entry["bbox"]:
        corners = [box[key] for key in ("xmin", "ymin", "xmax", "ymax")]
        if box["label"] != _POLYP or not all(type(c) in (int, float) for c in corners):
            raise BadRowError(f"{box!r:.90} is no box of a polyp")
        yield LabeledBox(Label(_POLYP), *from_xyxy(*corners, width=size[0], height=size[1]))
