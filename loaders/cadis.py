"""CaDIS: every pixel of 4,670 frames of 25 cataract operations labelled, with 36 classes.

The traps of this source and what is done about them are told in ``dataset_cards/cadis.md``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

from surgsigma_hub.errors import SurgSigmaError
from surgsigma_hub.parsers.class_masks import MaskCodes, facts_in, read_class_mask
from surgsigma_hub.records import Defect, Fact, FileImage, Frame, Reason, Video
from surgsigma_hub.source import (
    Access,
    Fields,
    Home,
    Modality,
    Options,
    Procedure,
    SourceInfo,
    Specialty,
    Still,
    StillsSource,
    VideoLabels,
)
from surgsigma_hub.source.layout import filled, matches
from surgsigma_hub.source.numbered_files import as_ended

_FPS = 30
_ANATOMY = {0: "Pupil", 4: "Iris", 5: "Skin", 6: "Cornea"}
_OTHER = {1: "Surgical Tape", 2: "Hand", 34: "Cotton"}
_INSTRUMENTS = {
    3: "Eye Retractors",
    7: "Hydrodissection Cannula",
    8: "Viscoelastic Cannula",
    9: "Capsulorhexis Cystotome",
    10: "Rycroft Cannula",
    11: "Bonn Forceps",
    12: "Primary Knife",
    13: "Phacoemulsifier Handpiece",
    14: "Lens Injector",
    15: "I/A Handpiece",
    16: "Secondary Knife",
    17: "Micromanipulator",
    18: "I/A Handpiece Handle",
    19: "Capsulorhexis Forceps",
    20: "Rycroft Cannula Handle",
    21: "Phacoemulsifier Handpiece Handle",
    22: "Capsulorhexis Cystotome Handle",
    23: "Secondary Knife Handle",
    24: "Lens Injector Handle",
    25: "Suture Needle",
    26: "Needle Holder",
    27: "Charleux Cannula",
    28: "Primary Knife Handle",
    29: "Vitrectomy Handpiece",
    30: "Mendez Ring",
    31: "Marker",
    32: "Hydrodissection Cannula Handle",
    33: "Troutman Forceps",
    35: "Iris Hooks",
}
_CODES = MaskCodes.of(_ANATOMY | _OTHER | _INSTRUMENTS)
_ANYWHERE = "**/*Video{number:d}_frame{frame:d}*.*"
_LISTED = re.compile(r"Video([0-9]{1,2})_frame([0-9]{6})")


@dataclass(frozen=True, kw_only=True)
class CadisOptions(Options):
    """Options of CaDIS."""

    bad_labels: str = field(
        default="",
        metadata={"help": "a list of frames whose labels are wrong, as a file in the root, such as data.csv: left out"},
    )


class Cadis(StillsSource):
    """Loader of CaDIS (see the module)."""

    info = SourceInfo(
        name="cadis",
        specialty=Specialty.OPHTHALMOLOGY,
        procedure=Procedure.CATARACT_SURGERY,
        modality=Modality.SURGICAL_MICROSCOPY,
        access=Access.REGISTRATION,
        access_steps="Ask for the segmentation set of the CATARACTS challenge on its page and unpack it",
        layout="CaDISv2/                                        (the folder above will do as well)\n"
        "  Video01/Images/Video1_frame000090.png ...\n"
        "  Video01/Labels/Video1_frame000090.png ...\n",
        facts=frozenset({Fact.INSTRUMENTS, Fact.INSTRUMENT_MASKS, Fact.TISSUES, Fact.TISSUE_BOXES}),
        split_schemes={"challenge": ("train", "val", "test")},
    )
    options_type = CadisOptions
    home = Home(all_of=("Video{number:02d}/Labels/",), depth=2, missing="no folder like Video01/Labels found")
    stills = ("Video{number:02d}/Images/Video{number:d}_frame{frame:06d}",)
    numbered_by = "frame"
    video_id = "Video{number:02d}"

    def canonical_id(self, id: str, fields: Fields) -> str:
        """The operation is a training film of CATARACTS."""
        return f"cataracts/train{fields['number']:02d}"

    @cached_property
    def _named_so(self) -> dict[int, dict[int, Path]]:
        """A file named after each frame of each video, wherever it lies, by number; none of a folder without any."""
        files: dict[int, dict[int, Path]] = {int(f["number"]): {} for f, _ in matches(self.folder, f"{self.video_id}/")}
        for fields, path in matches(self.folder, _ANYWHERE):
            files.setdefault(int(fields["number"]), {}).setdefault(int(fields["frame"]), path)
        return files

    @cached_property
    def found(self) -> Mapping[str, tuple[Fields, Mapping[str, Path]]]:
        """Videos with an image at its place, and those of which there is a folder or a file elsewhere."""
        lying: dict[str, tuple[Fields, Mapping[str, Path]]] = {}
        for number in self._named_so:
            lying[filled(self.video_id, {"number": number})] = ({"number": number}, {})
        return {**lying, **super().found}

    def labels(self, video: Video) -> VideoLabels:
        """What all images say, and which frames have files but no image at its place."""
        said = super().labels(video)
        shown = {still.number for still in self.stills_of(video)}
        lost = [path for frame, path in sorted(self._named_so[video.data["number"]].items()) if frame not in shown]
        if shown and not lost:
            return said
        lacking = f"this frame and {len(lost) - 1} more" if len(lost) > 1 else "this frame" if lost else "all frames"
        detail = f"{video.id}/Images lacks {lacking}: put images there and masks in {video.id}/Labels"
        place = self.relative(lost[0]) if lost else video.id
        defect = Defect(Reason.MEDIA_MISSING, place, detail, max(1, len(lost)))
        return replace(said, defects=[*said.defects, defect])

    def label_files(self, still: Still) -> tuple[Path, ...]:
        """The mask of the same name."""
        return (as_ended(still.path.parent.parent / "Labels" / f"{still.path.stem}.png"),)

    @cached_property
    def _bad(self) -> frozenset[tuple[int, int]]:
        """Video and frame of each image that the list of the option names; of a table, those with a mark."""
        name = self.options.bad_labels
        if not name:
            return frozenset()
        try:
            lines = (self.root / name).read_text("utf-8").splitlines()
        except (OSError, UnicodeDecodeError):
            raise SurgSigmaError(f"cadis: bad_labels={name!r} is no text file in the root") from None
        marked = [cells for cells in (line.split(",") for line in lines) if len(cells) < 4 or cells[3] not in ("0", "")]
        found = (_LISTED.search(",".join(cells)) for cells in marked)
        return frozenset((int(m[1]), int(m[2])) for m in found if m)

    def moment(self, video: Video, still: Still) -> Iterator[Frame | Defect]:
        """The classes in one frame."""
        (path,) = self.label_files(still)
        if (video.data["number"], still.number) in self._bad:
            detail = f"its labels are listed as wrong in {self.options.bad_labels}"
            yield Defect(Reason.LABEL_CORRUPT, self.relative(path), detail)
            return
        mask, defects = read_class_mask(FileImage(path), self.relative(path), _CODES)
        yield from defects
        if mask is not None:
            facts = facts_in(mask, instruments=_INSTRUMENTS.values(), left_out=_OTHER.values())
            yield Frame(index=still.number, fps=_FPS, image=FileImage(still.path), **facts)
