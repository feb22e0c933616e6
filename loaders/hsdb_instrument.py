"""hSDB-instrument: boxes of instruments and their parts in laparoscopic and robotic operations on the stomach.

The traps of this source and what is done about them are told in ``dataset_cards/hsdb_instrument.md``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Any

from surgsigma_hub.errors import BadRowError
from surgsigma_hub.parsers.coco import CocoFile, CocoImage, CocoObject, read_coco
from surgsigma_hub.records import BoxExtent, Coverage, Defect, Fact, FileImage, Frame, Label, LabeledBox, Reason, Video
from surgsigma_hub.source import Access, Modality, Procedure, Source, SourceInfo, Specialty
from surgsigma_hub.source.layout import matches
from surgsigma_hub.source.numbered_files import as_ended

_SET = "gastric_real"
_SPLITS = ("train", "val")
_NUMBER = re.compile(r"(?:.*/)?([0-9]{1,10})\.(?:jpe?g|png)", re.IGNORECASE)
_PART = re.compile(r"(.+)_(head|body|wrist|clip|tip)", re.IGNORECASE)
_SHAFT = frozenset({"body", "wrist", "clip"})
_KNOWN = frozenset(
    {"HarmonicAce", "MarylandBipolarForceps", "CadiereForceps", "Medium-LargeClipApplier", "Needle", "Needle-holder"}
)
_LEAST = 3
"""So many of these names a file must have to be of this dataset: others of the same form name organs."""


class HsdbInstrument(Source):
    """Loader of the gastrectomies of hSDB-instrument (see the module)."""

    info = SourceInfo(
        name="hsdb_instrument",
        specialty=Specialty.GASTRIC_SURGERY,
        procedure=Procedure.LAPAROSCOPIC_GASTRECTOMY,
        modality=Modality.LAPAROSCOPY,
        access=Access.REQUEST,
        access_steps="Ask the authors: the links on the page of the project are switched off",
        layout="hsdb/                                         (any folders between will do as well)\n"
        "  gastric_real_train.json gastric_real_val.json\n"
        "  gastric_real_train/0000000000.jpg ...\n",
        facts=frozenset({Fact.INSTRUMENTS, Fact.INSTRUMENT_BOXES}),
        split_schemes={"official": _SPLITS},
        box_extent=BoxExtent.WORKING_END,
    )

    @cached_property
    def _files(self) -> Mapping[str, CocoFile]:
        """The file of each split.

        Raises:
            LayoutError: none is there, or one is not of this dataset.
        """
        found: dict[str, CocoFile] = {}
        for split in _SPLITS:
            for _, path in matches(self.root, f"**/{_SET}_{split}.json"):
                try:
                    file = read_coco(path, self.relative(path))
                except BadRowError as error:
                    raise self.layout_error(self.root, error.message) from None
                named = {_parted(name)[0] for name in file.categories.values()}
                if len(named & _KNOWN) < _LEAST:
                    shown = ", ".join(sorted(named)[:5])
                    raise self.layout_error(self.root, f"{file.where} names {shown}, ...: this is another dataset")
                if split in found:
                    names = f"{found[split].where} and {file.where}"
                    raise self.layout_error(self.root, f"{names} are the same split; keep one of them")
                found[split] = file
        if not found:
            raise self.layout_error(self.root, f"no {_SET}_train.json and no {_SET}_val.json")
        return found

    def videos(self) -> list[Video]:
        """The images of each split: which operation each is of is not told."""
        return [
            Video(
                id=f"{_SET}_{split}",
                canonical_id=f"hsdb_instrument/{_SET}_{split}",
                split=split,
                files=(self.root / file.where,),
            )
            for split, file in self._files.items()
        ]

    def frames(self, video: Video) -> Iterator[Frame | Defect]:
        """The annotated images of one split, by number."""
        file = self._files[video.split]
        yield from file.defects
        listed = {f"{_SET}_{split}" for split in self._files}
        bare = [path for _, path in matches(self.root, f"**/{_SET}_*/") if path.name not in listed]
        if bare and video.split == next(iter(self._files)):
            detail = f"the file {bare[0].name}.json is missing: nothing is known of these images"
            yield Defect(Reason.LABEL_MISSING, self.relative(bare[0]), detail)
        numbered: dict[int, CocoImage] = {}
        for image in file.images.values():
            match = _NUMBER.fullmatch(image.name)
            if match is None or int(match[1]) in numbered:
                detail = f"{image.name!r:.60} is not named like 0000000000.jpg, or is listed twice"
                yield Defect(Reason.ROW_MALFORMED, f"{file.where} image {image.id}", detail)
                continue
            numbered[int(match[1])] = image
        for number, image in sorted(numbered.items()):
            objects, defects = file.objects(image)
            yield from defects
            unknown = sorted({o.category for o in objects if _parted(o.category)[0] not in _KNOWN})
            for name in unknown:
                detail = f"{name!r:.60} is none of the known instruments: left out"
                yield Defect(Reason.LABEL_UNKNOWN, f"{file.where} image {image.id}", detail)
            known = [o for o in objects if o.category not in unknown]
            path = as_ended((self.root / file.where).parent / video.id / image.name.rpartition("/")[2])
            size = (image.width, image.height)
            facts = _facts(known, whole=not unknown and not defects)
            yield Frame(index=number, fps=1, image=FileImage(path), size=size, **facts)


def _parted(category: str) -> tuple[str, str]:
    """Instrument and part of a category's name.

    >>> _parted("Medium-LargeClipApplier_Head"), _parted("Needle")
    (('Medium-LargeClipApplier', 'head'), ('Needle', ''))
    """
    match = _PART.fullmatch(category)
    return (match[1], match[2].lower()) if match else (category, "")


def _facts(objects: list[CocoObject], *, whole: bool) -> dict[str, Any]:
    """Instruments, and boxes of their working ends: one whose shaft alone is boxed makes these incomplete."""
    heads = [(Label(_parted(o.category)[0]), o) for o in objects if _parted(o.category)[1] not in _SHAFT]
    every = tuple(dict.fromkeys(Label(_parted(o.category)[0]) for o in objects))
    boxes = tuple(LabeledBox(label, o.box, o.clipped) for label, o in heads if o.box is not None)
    partial: dict[Fact, Coverage] = {} if whole else {Fact.INSTRUMENTS: Coverage.ANNOTATED_ONLY}
    if not whole or {label for label, _ in heads} != set(every) or len(boxes) < len(heads):
        partial[Fact.INSTRUMENT_BOXES] = Coverage.ANNOTATED_ONLY
    return {"instruments": every, "instrument_boxes": boxes, "coverage": partial}
