"""Endoscapes2023: the critical view of safety every 5 s, boxes of anatomy every 30 s, and masks for a part of them.

The traps of this source and what is done about them are told in ``dataset_cards/endoscapes2023.md``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

from surgsigma_hub.errors import BadRowError
from surgsigma_hub.parsers.coco import CocoFile, CocoImage, CocoObject, read_coco
from surgsigma_hub.parsers.releases.rater_shares import verdicts_of
from surgsigma_hub.records import (
    Coverage,
    Defect,
    Fact,
    FileImage,
    Frame,
    Label,
    LabeledBox,
    LabeledMask,
    Reason,
    Video,
)
from surgsigma_hub.source import Access, Home, Modality, Procedure, Source, SourceInfo, Specialty

_FPS = 25
_SPLITS = ("train", "val", "test")
_FILES = ("{}_seg/annotation_coco.json", "{}/annotation_coco.json", "{}/annotation_ds_coco.json")
"""Files of a split: masks, boxes, criteria; the masks repeat the boxes of their images."""
_NAME = re.compile(r"(?:.*/)?([0-9]{1,4})_([0-9]{1,7})\.jpe?g", re.IGNORECASE)
_TOOL, _CRITERIA = "tool", ("C1", "C2", "C3")
_ELSEWHERE = {
    1: "cholec80/video67",
    2: "cholec80/video68",
    3: "cholec80/video70",
    4: "cholec80/video71",
    7: "cholec80/video72",
    10: "cholect50/VID96",
    33: "cholect50/VID110",
    121: "cholec80/video66",
    127: "cholect50/VID103",
}
"""The same operation in an older source."""


class Endoscapes2023(Source):
    """Loader of Endoscapes2023 (see the module)."""

    info = SourceInfo(
        name="endoscapes2023",
        specialty=Specialty.GENERAL_SURGERY,
        procedure=Procedure.LAPAROSCOPIC_CHOLECYSTECTOMY,
        modality=Modality.LAPAROSCOPY,
        access=Access.OPEN,
        access_steps="Download the archive that the homepage links to and unpack it",
        layout="endoscapes/                             (the folder above will do as well)\n"
        "  train/8_14775.jpg ... annotation_ds_coco.json annotation_coco.json    (and val/, test/)\n"
        "  train_seg/annotation_coco.json                                        (masks; may be missing)\n",
        facts=frozenset({Fact.CRITERIA, Fact.TISSUE_BOXES, Fact.INSTRUMENT_MASKS}),
        split_schemes={"official": _SPLITS},
        coverage={Fact.TISSUE_BOXES: Coverage.ANNOTATED_ONLY},
    )
    _home = Home(any_of=tuple(f"{split}/annotation*_coco.json" for split in _SPLITS))

    @cached_property
    def folder(self) -> Path:
        """The folder with the splits."""
        return self.find_home(self._home.fits, self._home.told())

    @cached_property
    def _lost(self) -> list[Defect]:
        """What belongs to no operation, told with the first one."""
        return []

    @cached_property
    def _unread(self) -> dict[str, list[Defect]]:
        """By split the files that say nothing, told with each of its operations."""
        return {split: [] for split in _SPLITS}

    @cached_property
    def _moments(self) -> Mapping[int, tuple[str, Mapping[int, list[tuple[CocoFile, CocoImage]]]]]:
        """By operation its split, and by frame the entries of all files, those with masks first."""
        found: dict[int, tuple[str, dict[int, list[tuple[CocoFile, CocoImage]]]]] = {}
        for split, path in ((split, self.folder / name.format(split)) for split in _SPLITS for name in _FILES):
            where = self.relative(path)
            # A link that an archive tool made a file of a few bytes is no folder: its annotations are missing then.
            if not path.is_file():
                detail = "the file is missing: its labels of this operation, if any, are not known"
                self._unread[split].append(Defect(Reason.LABEL_MISSING, where, detail))
                continue
            try:
                file = read_coco(path, where)
            except BadRowError as error:
                self._unread[split].append(Defect(Reason.ROW_MALFORMED, where, error.message))
                continue
            self._lost.extend(file.defects)
            for image in file.images.values():
                match = _NAME.fullmatch(image.name)
                home, moments = found.setdefault(int(match[1]), (split, {})) if match else ("", {})
                if match is None or home != split:
                    detail = f"{image.name!r:.60}: " + (f"of {home}" if home else "not named like 8_14775.jpg")
                    self._lost.append(Defect(Reason.ROW_MALFORMED, f"{file.where} image {image.id}", detail))
                    continue
                moments.setdefault(int(match[2]), []).append((file, image))
        return found

    def videos(self) -> list[Video]:
        """All operations with an annotated frame.

        Raises:
            LayoutError: no file names one.
        """
        if not self._moments:
            unread = (d for told in self._unread.values() for d in told if d.reason is not Reason.LABEL_MISSING)
            told = [*unread, *self._lost]
            problem = told[0].detail if told else "no annotation file names an image like 8_14775.jpg"
            raise self.layout_error(self.root, problem)
        return [
            Video(
                id=f"vid{number:03d}",
                canonical_id=_ELSEWHERE.get(number, f"endoscapes2023/vid{number:03d}"),
                split=split,
                files=tuple(p for name in _FILES if (p := self.folder / name.format(split)).is_file()),
                data={"number": number, "first": number == min(self._moments)},
            )
            for number, (split, _) in sorted(self._moments.items())
        ]

    def frames(self, video: Video) -> Iterator[Frame | Defect]:
        """The annotated frames of one operation."""
        yield from self._lost if video.data["first"] else ()
        yield from self._unread[video.split]
        for number, entries in sorted(self._moments[video.data["number"]][1].items()):
            path = self.folder / video.split / f"{video.data['number']}_{number}.jpg"
            size = (entries[0][1].width, entries[0][1].height)
            frame = Frame(index=number, fps=_FPS, image=FileImage(path), size=size)
            for file, image in entries:
                judged = file.where.endswith("_ds_coco.json")
                if not judged and frame.tissue_boxes is None:
                    objects, defects = file.objects(image)
                    yield from defects
                    frame = replace(frame, **_facts(objects))
                if frame.criteria is None and image.data.get("is_ds_keyframe") is True:
                    try:
                        frame = replace(frame, criteria=verdicts_of(image.data.get("ds"), _CRITERIA))
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
