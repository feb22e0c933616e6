"""EndoVis 2017: robotic instruments of ten operations on pigs, by kind and by part, twice a second.

The traps of this source and what is done about them are told in ``dataset_cards/endovis2017.md``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path

from surgsigma_hub.media.boxes import around
from surgsigma_hub.parsers.class_masks import ClassMask, MaskCodes, read_class_mask
from surgsigma_hub.records import (
    Box,
    BoxExtent,
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
    Video,
)
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
from surgsigma_hub.source.layout import matches

_FPS = 2
_TYPES = {
    1: "Bipolar_Forceps",
    2: "Prograsp_Forceps",
    3: "Large_Needle_Driver",
    4: "Vessel_Sealer",
    5: "Grasping_Retractor",
    6: "Monopolar_Curved_Scissors",
    7: "Other",
}
_PROBE = "Probe"
_OF_FOLDER = MaskCodes.of({10: "Shaft", 20: "Wrist", 30: "Claspers", 40: _PROBE}, 0)
_PARTS = MaskCodes.of({30: "Shaft", 100: "Wrist", 255: "Claspers"}, 0)
_KINDS = MaskCodes.of(_TYPES, 0)
_SEQUENCE = "**/instrument_dataset_{seq:d}/"
_LABELS = ("ground_truth/{kind}", "gt/{kind}", "{kind}")
_TEST = {"PartsSegmentation": _PARTS, "TypeSegmentation": _KINDS}
_FOLDS = ((1, 3), (2, 5), (4, 8), (6, 7))
_TEST_SEQUENCES = (9, 10)
_LISTS = (Fact.INSTRUMENTS, Fact.INSTRUMENT_MASKS, Fact.INSTRUMENT_BOXES, Fact.PART_MASKS)


class EndoVis2017(StillsSource):
    """Loader of EndoVis 2017 (see the module)."""

    info = SourceInfo(
        name="endovis2017",
        specialty=Specialty.GENERAL_SURGERY,
        procedure=Procedure.LAPAROSCOPIC_SURGERY,
        modality=Modality.ROBOTIC_LAPAROSCOPY,
        access=Access.REGISTRATION,
        access_steps="Join the challenge on its page, download its archives and unpack them into one folder",
        layout="endovis2017/                                          (any folders between)\n"
        "  train/instrument_dataset_1/left_frames/frame000.png ...\n"
        "  train/instrument_dataset_1/ground_truth/Left_Prograsp_Forceps_labels/frame000.png ...\n"
        "  test/instrument_dataset_1/left_frames/frame225.png ...\n"
        "  instrument_2017_test/instrument_dataset_1/gt/{PartsSegmentation,TypeSegmentation}/frame225.png ...\n",
        facts=frozenset(_LISTS),
        split_schemes={f"fold{n}": ("train", "val", "test") for n in range(len(_FOLDS))},
        box_extent=BoxExtent.WHOLE,
    )
    home = Home(all_of=(_SEQUENCE + "left_frames/",), depth=0)
    stills = (_SEQUENCE + "left_frames/frame{image:03d}",)
    video_id = "instrument_dataset_{seq:d}"

    def split_of(self, id: str, fields: Fields) -> str:
        """Sequences 9 and 10 to test, two others to val, as the scheme says."""
        held_out = _FOLDS[list(self.info.split_schemes).index(self.split_scheme)]
        return "test" if fields["seq"] in _TEST_SEQUENCES else "val" if fields["seq"] in held_out else "train"

    @cached_property
    def _masks(self) -> Mapping[tuple[int, int], Mapping[str, Path]]:
        """Masks by folder of each image: of one instrument each, or those of the test part."""
        found: dict[tuple[int, int], dict[str, Path]] = {}
        for place in _LABELS:
            for fields, path in matches(self.folder, f"{_SEQUENCE}{place}/frame{{image:03d}}.png"):
                kind = str(fields["kind"])
                if place == _LABELS[0] or kind in _TEST:
                    found.setdefault((int(fields["seq"]), int(fields["image"])), {}).setdefault(kind, path)
        return found

    def label_files(self, still: Still) -> tuple[Path, ...]:
        """All masks of an image."""
        return tuple(self._masks.get((int(still.fields["seq"]), still.number), {}).values())

    def moment(self, video: Video, still: Still) -> Iterator[Frame | Defect]:
        """The instruments in one image."""
        found = self._masks.get((int(still.fields["seq"]), still.number))
        if not found:
            yield Defect(Reason.MEDIA_MISSING, self.relative(still.path), "no mask of this image is there")
            return
        read: dict[str, ClassMask] = {}
        whole = True
        for kind, path in found.items():
            mask, defects = read_class_mask(FileImage(path), self.relative(path), _TEST.get(kind, _OF_FOLDER))
            yield from defects
            whole = whole and mask is not None and mask.complete
            if mask is not None:
                read[kind] = mask
        of_test = {kind: mask for kind, mask in read.items() if kind in _TEST}
        instruments: list[tuple[Label, MaskImage, Box | None]] = []
        for kind, mask in read.items():
            name = _type_of(kind)
            if kind == "TypeSegmentation":
                instruments += [(Label(n), r.mask, None) for n, r in mask.regions.items()]
            elif kind not in _TEST and name is None:
                yield Defect(
                    Reason.LABEL_UNKNOWN, self.relative(found[kind]), f"{kind!r:.60} names no kind of instrument"
                )
                whole = False
            elif name is not None and mask.regions:
                regions = list(mask.regions.values())
                instruments.append((Label(name), MaskImage(regions[0].mask.image), around(r.box for r in regions)))
        typed = not of_test or "TypeSegmentation" in of_test
        boxes = tuple(LabeledBox(label, box) for label, _, box in instruments if box is not None)
        of_parts = [m for kind, m in read.items() if kind != "TypeSegmentation"]
        parts = [LabeledMask(Label(n), r.mask) for m in of_parts for n, r in m.regions.items() if n != _PROBE]
        yield Frame(
            index=still.number,
            fps=_FPS,
            image=FileImage(still.path),
            instruments=tuple(dict.fromkeys(label for label, _, _ in instruments)) if typed else None,
            instrument_masks=tuple(LabeledMask(label, mask) for label, mask, _ in instruments) if typed else None,
            instrument_boxes=None if of_test else boxes,
            part_masks=tuple(parts) if of_parts else None,
            origins={} if of_test else {Fact.INSTRUMENT_BOXES: Origin("derived", note="bounds of the mask of one")},
            coverage={} if whole else dict.fromkeys(_LISTS, Coverage.ANNOTATED_ONLY),
        )


def _type_of(folder: str) -> str | None:
    """The kind of instrument whose name occurs in that of a folder: the release writes them in many ways.

    >>> _type_of("Maryland_Bipolar_Forceps_labels"), _type_of("Large_Needle_Driver_Left_labels"), _type_of("Hand")
    ('Bipolar_Forceps', 'Large_Needle_Driver', None)
    """
    return next((name for name in _TYPES.values() if name.lower() in folder.lower()), None)
