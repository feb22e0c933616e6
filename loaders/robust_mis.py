"""ROBUST-MIS: instances of instruments in 10,040 frames of HeiCo's operations, and ROBUST-MIPS, its successor.

The traps of this source and what is done about them are told in ``dataset_cards/robust_mis.md``.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from surgsigma_hub.parsers.class_masks import read_instance_mask
from surgsigma_hub.records import Defect, Fact, FileImage, Frame, LabeledMask, Reason, Video
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

_FPS = 25
_PROCEDURES = {"procto": "Proctocolectomy", "rectal": "RectalResection", "sigmoid": "SigmoidResection"}
"""Operations by how their folders begin, in any spelling, and as HeiCo's films are called."""
_TRAIN = {"Proctocolectomy": (1, 2, 3, 4, 5, 8, 9, 10), "RectalResection": (1, 2, 3, 6, 7, 8, 9, 10)}
_MASK = "instrument_instances.png"


class RobustMis(StillsSource):
    """Loader of ROBUST-MIS 2019 and ROBUST-MIPS (see the module)."""

    info = SourceInfo(
        name="robust_mis",
        specialty=Specialty.COLORECTAL_SURGERY,
        procedure=Procedure.LAPAROSCOPIC_COLORECTAL_RESECTION,
        modality=Modality.LAPAROSCOPY,
        access=Access.REGISTRATION,
        access_steps="Register at Synapse and download the training and test folders of the challenge, or ROBUST-MIPS",
        layout="robust_mis/                                  (any folders between will do as well)\n"
        "  Training/Proctocolectomy/1/28/raw.png instrument_instances.png     (28 is the frame of the video)\n"
        "  Testing/Stage_3/Sigmoid/8/33000/raw.png ...\n",
        facts=frozenset({Fact.INSTRUMENT_MASKS}),
        split_schemes={"operation": ("train", "test")},
    )
    home = Home(all_of=("**/*/{case:d}/{image:d}/raw.png",), depth=0, missing="no folder like 1/28 holds a raw.png")
    stills = ("**/*/{case:d}/{image:d}/raw",)
    labelled = ("**/*/{case:d}/{image:d}/" + _MASK,)
    video_id = "{procedure}_{case:d}"

    def fields_at(self, fields: Fields, path: Path) -> Fields | None:
        """The operation too, whose folder is spelt in several ways; images of others are not of this source."""
        folder = path.parts[-4].lower()
        known = next((name for begin, name in _PROCEDURES.items() if folder.startswith(begin)), None)
        return {**fields, "procedure": known} if known is not None else None

    def canonical_id(self, id: str, fields: Fields) -> str:
        """The operation is one of HeiCo."""
        return f"heico/{id}"

    def split_of(self, id: str, fields: Fields) -> str:
        """The operations that the challenge gave for training, with all of their frames; others are test."""
        return "train" if fields["case"] in _TRAIN.get(str(fields["procedure"]), ()) else "test"

    def label_files(self, still: Still) -> tuple[Path, ...]:
        """The mask beside the image."""
        return (as_ended(still.path.with_name(_MASK)),)

    def moment(self, video: Video, still: Still) -> Iterator[Frame | Defect]:
        """The instruments in one frame; without a mask it is not known whether there are any."""
        (path,) = self.label_files(still)
        if not path.is_file():
            detail = f"no {_MASK} beside the image: either no instrument is in view, or the download was not finished"
            yield Defect(Reason.MEDIA_MISSING, self.relative(still.path), detail)
            return
        regions, defects = read_instance_mask(FileImage(path), self.relative(path))
        yield from defects
        if regions is not None:
            masks = tuple(LabeledMask(None, region.mask) for region in regions)
            yield Frame(index=still.number, fps=_FPS, image=FileImage(still.path), instrument_masks=masks)
