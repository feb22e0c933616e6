"""EndoVis 2018: robotic scenes of kidneys, every pixel of a left camera's image with one of twelve classes.

The traps of this source and what is done about them are told in ``dataset_cards/endovis2018.md``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import cached_property
from pathlib import Path

from surgsigma_hub.errors import BadRowError
from surgsigma_hub.parsers.releases.endovis2018_labels import (
    TYPE_TABLES,
    TypedMasks,
    contradicted,
    moment_of_classes,
    typed_masks,
)
from surgsigma_hub.records import BoxExtent, Coverage, Defect, Fact, Frame, Reason, Video
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


class EndoVis2018(StillsSource):
    """Loader of EndoVis 2018 (see the module)."""

    info = SourceInfo(
        name="endovis2018",
        specialty=Specialty.UROLOGY,
        procedure=Procedure.ROBOT_ASSISTED_NEPHRECTOMY,
        modality=Modality.ROBOTIC_LAPAROSCOPY,
        access=Access.REGISTRATION,
        access_steps="Join the challenge on its page, download all releases and repairs, unpack them into one folder",
        layout="endovis2018/                                 (any folders between)\n"
        "  miccai_challenge_2018_release_1/seq_1/left_frames/frame000.png ...\n"
        "  miccai_challenge_2018_release_1/seq_1/labels/frame000.png ...\n"
        "  miccai_challenge_2018_release_1/labels.json\n"
        "  repairs/seq_1_frame042.png ...             (in place of those labels; may be missing)\n"
        "  .../seq_1/instrument_labels/frame000_1_class4.png ...   (ISINet's; may be missing)\n"
        "  test_data/.../seq_1/left_frames/frame000.png ...   (a folder of 'test' tells the test part)\n",
        facts=frozenset(
            {Fact.INSTRUMENTS, Fact.INSTRUMENT_MASKS, Fact.INSTRUMENT_BOXES, Fact.PART_MASKS, Fact.TISSUE_BOXES}
        ),
        split_schemes={"isinet": ("train", "val", "test"), "challenge": ("train", "test")},
        coverage={Fact.TISSUE_BOXES: Coverage.ANNOTATED_ONLY},
        box_extent=BoxExtent.WHOLE,
    )
    home = Home(all_of=("**/seq_{seq:d}/left_frames/",), depth=0)
    stills = ("**/seq_{seq:d}/left_frames/frame{image:03d}",)
    labelled = ("**/seq_{seq:d}/labels/frame{image:03d}.png",)
    video_id = "{part}_seq_{seq:d}"

    def fields_at(self, fields: Fields, path: Path) -> Fields:
        """The part of the challenge too: train and test both have a sequence 1, of different operations."""
        above = path.relative_to(self.folder).parts[:-3]
        return {**fields, "part": "test" if any("test" in name.lower() for name in above) else "train"}

    @cached_property
    def _repairs(self) -> dict[tuple[int, int], Path]:
        """Labels that the challenge put right, by sequence and number."""
        found = matches(self.folder, "**/seq_{seq:d}_frame{image:03d}.png")
        return {(int(fields["seq"]), int(fields["image"])): path for fields, path in found}

    def label_files(self, still: Still) -> tuple[Path, ...]:
        """The mask of the same name, or the one that is to be laid over it."""
        repaired = (
            self._repairs.get((int(still.fields["seq"]), still.number)) if still.fields["part"] == "train" else None
        )
        sequence = still.path.parent.parent
        typed = (path for _, path in self._types.of(sequence, still.number) or ())
        return (repaired or as_ended(sequence / "labels" / f"{still.path.stem}.png"), *typed)

    @cached_property
    def _checked(self) -> bool:
        """That no ``labels.json`` of the copy gives a colour another meaning than ours.

        Raises:
            LayoutError: one does, or cannot be read.
        """
        for _, path in matches(self.folder, "**/labels.json"):
            try:
                detail = contradicted(path)
            except BadRowError as error:
                detail = error.message
            if detail:
                raise self.layout_error(self.root, f"{self.relative(path)}: {detail}")
        return True

    @cached_property
    def _types(self) -> TypedMasks:
        """ISINet's masks by kind of instrument, where the copy has them.

        Raises:
            LayoutError: their table cannot be read.
        """
        tables = {folder: [p for _, p in matches(self.folder, f"**/{name}")] for folder, name in TYPE_TABLES.items()}
        places = [p for name in TYPE_TABLES for _, p in matches(self.folder, f"**/seq_{{seq:d}}/{name}/")]
        try:
            return typed_masks(places, tables)
        except BadRowError as error:
            raise self.layout_error(self.root, error.message) from None

    def labels(self, video: Video) -> VideoLabels:
        """What all images say, and that masks by kind have no table where it is so."""
        read, bare = super().labels(video), self._types.unnamed
        if bare is None or video.id != self.videos()[0].id:
            return read
        detail = (
            f"the kinds of these masks have numbers that {TYPE_TABLES[bare.name.lower()]} names: put it beside seq_1"
        )
        return replace(read, defects=[Defect(Reason.LABEL_MISSING, self.relative(bare), detail), *read.defects])

    def videos(self) -> list[Video]:
        """All sequences, those of the training part first.

        Raises:
            LayoutError: none is there, or a table of colours contradicts ours.
        """
        assert self._checked
        return sorted(super().videos(), key=lambda v: (v.data["part"] == "test", v.data["seq"]))

    def split_of(self, id: str, fields: Fields) -> str:
        """The part, and four sequences of train as val where others keep them apart too."""
        held_out = self.split_scheme == "isinet" and fields["part"] == "train" and fields["seq"] in (2, 5, 9, 15)
        return "val" if held_out else str(fields["part"])

    def moment(self, video: Video, still: Still) -> Iterator[Frame | Defect]:
        """The classes in one image, and its instruments by kind where these have masks."""
        path, *_ = self.label_files(still)
        typed = self._types.of(still.path.parent.parent, still.number)
        yield from moment_of_classes(still.number, still.path, path, self.relative, typed, self._types.names)
