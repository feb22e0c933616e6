"""CholecSeg8k: every pixel of 8,080 frames of Cholec80 labelled, in clips of 80 frames that follow each other.

The traps of this source and what is done about them are told in ``dataset_cards/cholecseg8k.md``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import cached_property
from pathlib import Path

from surgsigma_hub.parsers.class_masks import MaskCodes, facts_in, read_class_mask
from surgsigma_hub.parsers.picture_tables import picture_columns, unpacked
from surgsigma_hub.parsers.releases.cholecseg8k_tables import lay_out
from surgsigma_hub.records import Defect, Fact, FileImage, Frame, Video
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
    VideoLabels,
)
from surgsigma_hub.source.layout import matches
from surgsigma_hub.source.numbered_files import as_ended

_FPS = 25
_CODES = MaskCodes.of(
    {
        11: "Abdominal Wall",
        21: "Liver",
        13: "Gastrointestinal Tract",
        12: "Fat",
        31: "Grasper",
        23: "Connective Tissue",
        24: "Blood",
        25: "Cystic Duct",
        32: "L-hook Electrocautery",
        22: "Gallbladder",
        33: "Hepatic Vein",
        5: "Liver Ligament",
    },
    *(50, 255, 0),  # black outside the endoscope's circle, borders between regions, pixels that nobody labelled
)
_INSTRUMENTS = frozenset({"Grasper", "L-hook Electrocautery"})
_CLIP = "video{number:02d}/video{number:02d}_{start:05d}/"


class CholecSeg8k(StillsSource):
    """Loader of CholecSeg8k (see the module)."""

    info = SourceInfo(
        name="cholecseg8k",
        specialty=Specialty.GENERAL_SURGERY,
        procedure=Procedure.LAPAROSCOPIC_CHOLECYSTECTOMY,
        modality=Modality.LAPAROSCOPY,
        access=Access.OPEN,
        access_steps="Download the archive that the homepage offers and unpack it",
        layout="CholecSeg8k/                          (or archive/, or the folder above)\n"
        "  video01/video01_00080/frame_80_endo.png\n"
        "  video01/video01_00080/frame_80_endo_watershed_mask.png ...   (the labels)\n"
        "or parquet files whose rows name video and frame, in any folders\n",
        facts=frozenset({Fact.INSTRUMENTS, Fact.INSTRUMENT_MASKS, Fact.TISSUES, Fact.TISSUE_BOXES}),
        split_schemes={"hashed": ("train", "val", "test")},
    )
    home = Home(all_of=(_CLIP,), depth=2, missing="no folder like video01/video01_00080/ found")
    stills = (_CLIP + "frame_{frame:d}_endo",)
    labelled = (_CLIP + "frame_{frame:d}_endo_watershed_mask.png",)
    numbered_by = "frame"
    video_id = "video{number:02d}"

    @cached_property
    def folder(self) -> Path:
        """The home, or what parquet files hold whose rows name video and frame, laid out as that.

        Raises:
            LayoutError: there is neither.
        """
        if not self._tables:
            return super().folder
        folder, told = self._unpacked
        if not self.home.fits(folder):
            first = f"; the first: {told[0].detail}" if told else ""
            detail = f"no row of its {len(self._tables)} parquet files can be used{first}"
            raise self.layout_error(self.root, f"{detail}. Use the archive of the homepage in their place")
        return folder

    @cached_property
    def _tables(self) -> list[Path]:
        """Parquet files with pictures, where there is no release."""
        if self.search(self.home) is not None:
            return []
        return sorted(path for _, path in matches(self.root, "**/*.parquet") if picture_columns(path))

    @cached_property
    def _unpacked(self) -> tuple[Path, tuple[Defect, ...]]:
        tables = [(path, self.relative(path)) for path in self._tables]
        return unpacked(tables, self.cache_dir, "cholecseg8k", lay_out)

    def labels(self, video: Video) -> VideoLabels:
        """What all frames say; with the first video, what could not be unpacked."""
        read = super().labels(video)
        told = self._unpacked[1] if self._tables and video.id == self.videos()[0].id else ()
        return replace(read, defects=[*told, *read.defects]) if told else read

    def canonical_id(self, id: str, fields: Fields) -> str:
        """The operation is one of Cholec80."""
        return f"cholec80/{id}"

    def label_files(self, still: Still) -> tuple[Path, ...]:
        """The mask of watershed codes, or the tables that hold it; the two others beside it are no labels."""
        return tuple(self._tables) or (self._mask_of(still),)

    def _mask_of(self, still: Still) -> Path:
        return as_ended(still.path.with_name(f"{still.path.stem}_watershed_mask.png"))

    def moment(self, video: Video, still: Still) -> Iterator[Frame | Defect]:
        """The classes in one frame."""
        path = self._mask_of(still)
        mask, defects = read_class_mask(FileImage(path), self.relative(path), _CODES)
        yield from defects
        if mask is not None:
            yield Frame(
                index=still.number, fps=_FPS, image=FileImage(still.path), **facts_in(mask, instruments=_INSTRUMENTS)
            )
