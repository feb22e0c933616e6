"""DSAD: masks of eleven abdominal organs in 13,195 images of 32 robot-assisted rectal operations.

The traps of this source and what is done about them are told in ``dataset_cards/dsad.md``.
"""

from __future__ import annotations

import filecmp
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cached_property, partial
from pathlib import Path

from surgsigma_hub.parsers.picture_tables import picture_columns, unpacked
from surgsigma_hub.parsers.releases.dsad_masks import ORGANS, moment_of_organs
from surgsigma_hub.parsers.releases.dsad_tables import PART, SEVERAL, lay_out
from surgsigma_hub.parsers.releases.dsad_weak_labels import read_weak_labels
from surgsigma_hub.records import Coverage, Defect, Fact, Frame, Reason, Video
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

_PLACES = (*ORGANS, SEVERAL)
"""Folders of a release; the place of one in this list tells images of one number apart."""


class Dsad(StillsSource):
    """Loader of DSAD (see the module)."""

    info = SourceInfo(
        name="dsad",
        specialty=Specialty.COLORECTAL_SURGERY,
        procedure=Procedure.ROBOT_ASSISTED_RECTAL_RESECTION,
        modality=Modality.ROBOTIC_LAPAROSCOPY,
        access=Access.OPEN,
        access_steps="Download the archive from figshare and unpack it, or the parquet files of nct-tso/dsad from the "
        "Hub",
        layout="DSAD/                                  (the folder above will do as well)\n"
        "  liver/02/image00.png mask00.png ...  (one organ; 11 such folders)\n"
        "  liver/02/weak_labels.csv             (which organs each image shows)\n"
        "  multilabel/02/image00.png mask00_stomach.png mask00_liver.png ...\n"
        "or the parquet files of the Hub, in any folders: single_organ/train-00000-of-00009.parquet ...\n",
        facts=frozenset({Fact.TISSUES, Fact.TISSUE_BOXES}),
        split_schemes={"kolbinger2023": ("train", "val", "test")},
        coverage={Fact.TISSUE_BOXES: Coverage.ANNOTATED_ONLY},
    )
    home = Home(any_of=tuple(f"{organ}/*/" for organ in _PLACES), depth=2, missing="no folder of an organ found")
    stills = ("{place}/{surgery:02d}/image{image:d}", f"{{place}}/{PART}{{part}}/image{{image:d}}")
    labelled = tuple(f"{{place}}/{{surgery:02d}}/mask{{image:d}}{of}.png" for of in ("", "_*"))
    video_id = "{video}"

    @cached_property
    def folder(self) -> Path:
        """The home, or what the parquet files of the Hub hold, laid out as that.

        Raises:
            LayoutError: there is neither.
        """
        if not self._pictures:
            return super().folder
        if not self.home.fits(self._unpacked[0]):
            said = "; the first: " + self._unpacked[1][0].detail if self._unpacked[1] else ""
            raise self.layout_error(self.root, f"no row of its {len(self._pictures)} parquet files can be used{said}")
        return self._unpacked[0]

    @cached_property
    def _pictures(self) -> list[Path]:
        """Parquet files with pictures, where there is no release; those of several organs first, of raters last."""
        if self.search(self.home) is not None:
            return []
        found = [path for _, path in matches(self.root, "**/*.parquet") if picture_columns(path)]
        return sorted(found, key=lambda p: ("rater" in str(p), "multi_organ" not in str(p), self.relative(p)))

    @cached_property
    def _unpacked(self) -> tuple[Path, tuple[Defect, ...]]:
        tables = [(path, self.relative(path)) for path in self._pictures]
        return unpacked(tables, self.cache_dir, "dsad", partial(lay_out, organs=ORGANS))

    def fields_at(self, fields: Fields, path: Path) -> Fields | None:
        """Images of all folders of organs in one order: by number, then by folder."""
        place = str(fields["place"]).lower()
        if place not in _PLACES:
            return None
        video = f"surgery{fields['surgery']:02d}" if "surgery" in fields else f"{PART}{fields['part']}"
        own = as_ended(path.with_name(path.name.replace("mask", "image")))
        twin = path.parent.parent.parent / SEVERAL / path.parent.name / own.name
        if place == "stomach" and own.is_file() and twin.is_file() and filecmp.cmp(own, twin, shallow=False):
            return None  # the same image, labelled with more organs there
        number = len(_PLACES) * int(fields["image"]) + _PLACES.index(place)
        return {**fields, "place": place, "own": fields["image"], "image": number, "video": video}

    def split_of(self, id: str, fields: Fields) -> str | None:
        """As published of an operation; that of its file of an image of which no operation is named."""
        return id.removeprefix(PART) if id.startswith(PART) else super().split_of(id, fields)

    def labels(self, video: Video) -> VideoLabels:
        """What all images say; with the first video, what could not be unpacked."""
        read = super().labels(video)
        if not self._pictures:
            return read
        told = list(self._unpacked[1]) if video.id == self.videos()[0].id else []
        if video.id.startswith(PART):
            detail = "the tables name no operation: ids of these images are not those of the release, nor are splits"
            told.append(Defect(Reason.LABEL_MISSING, self.relative(self._pictures[0]), detail))
        return replace(read, defects=[*told, *read.defects])

    def label_files(self, still: Still) -> tuple[Path, ...]:
        """The masks and weak labels of an image, or the tables that hold them."""
        return tuple(self._pictures) or self._labels_at(still)

    def _labels_at(self, still: Still) -> tuple[Path, ...]:
        """The final masks of an image (those of single raters lie in folders of their own), and the weak labels."""
        folder, number = still.path.parent, still.path.stem.removeprefix("image")
        masks = (
            (path for _, path in matches(folder, f"mask{number}_*.png"))
            if still.fields["place"] == SEVERAL
            else [as_ended(folder / f"mask{number}.png")]
        )
        return (*sorted(masks), as_ended(folder / "weak_labels.csv"))

    def moment(self, video: Video, still: Still) -> Iterator[Frame | Defect]:
        """The organs of one image: boxes of those with a mask, and all in view where weak labels tell."""
        *masks, table = self._labels_at(still)
        place, own = str(still.fields["place"]), int(still.fields["own"])
        if table not in self._tables:
            self._tables[table], defects = read_weak_labels(table, self.relative(table), ORGANS)
            yield from defects if place != SEVERAL or table.is_file() else ()  # no release has one there
        yield from moment_of_organs(own, still.path, place, masks, (table, self._tables[table].get(own)), self.relative)

    @cached_property
    def _tables(self) -> dict[Path, Mapping[int, tuple[str, ...]]]:
        """Weak labels read so far: a folder of images has one table."""
        return {}
