"""EndoVis 2018: robotic scenes of kidneys, every pixel of a left camera's image with one of twelve classes.

The traps of this source and what is done about them are told in ``dataset_cards/endovis2018.md``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path

from surgsigma_hub.errors import BadRowError
from surgsigma_hub.parsers.class_masks import Colour, MaskCodes, facts_in, read_class_mask
from surgsigma_hub.parsers.strict_json import read_json
from surgsigma_hub.records import Coverage, Defect, Fact, FileImage, Frame, Label, LabeledMask, Video
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
from surgsigma_hub.source.numbered_files import as_ended

_BACKGROUND = (0, 0, 0)
_PARTS = {
    (0, 255, 0): "instrument-shaft",
    (0, 255, 255): "instrument-clasper",
    (125, 255, 12): "instrument-wrist",
}
_INSTRUMENTS = {(123, 15, 175): "suction-instrument", (12, 255, 141): "ultrasound-probe"}
_TISSUES = {(255, 55, 0): "kidney-parenchyma", (24, 55, 125): "covered-kidney", (124, 155, 5): "small-intestine"}
_OTHER = {
    (187, 155, 25): "thread",
    (128, 155, 25): "thread",
    (0, 255, 125): "clamps",
    (255, 255, 125): "suturing-needle",
}
_NAMES: Mapping[Colour, str] = {**_PARTS, **_INSTRUMENTS, **_TISSUES, **_OTHER}
_CODES = MaskCodes.of(_NAMES, _BACKGROUND)
_ALIASES = {"intestine": "small-intestine", "background-tissue": ""}


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
        "  test_data/.../seq_1/left_frames/frame000.png ...   (a folder of 'test' tells the test part)\n",
        facts=frozenset({Fact.INSTRUMENT_MASKS, Fact.PART_MASKS, Fact.TISSUE_BOXES}),
        split_schemes={"isinet": ("train", "val", "test"), "challenge": ("train", "test")},
        coverage={Fact.TISSUE_BOXES: Coverage.ANNOTATED_ONLY},
    )
    home = Home(all_of=("**/seq_{seq:d}/left_frames/",), depth=0)
    stills = ("**/seq_{seq:d}/left_frames/frame{image:03d}",)
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
        return (repaired or as_ended(still.path.parent.parent / "labels" / f"{still.path.stem}.png"),)

    @cached_property
    def _checked(self) -> bool:
        """That no ``labels.json`` of the copy gives a colour another meaning than ours.

        Raises:
            LayoutError: one does, or cannot be read.
        """
        for _, path in matches(self.folder, "**/labels.json"):
            try:
                read = read_json(path)
            except BadRowError as error:
                raise self.layout_error(self.root, f"{self.relative(path)}: {error.message}") from None
            classes = read.get("classes") if isinstance(read, dict) else read
            for entry in classes if isinstance(classes, list) else ():
                name, colour = (entry.get("name"), entry.get("color")) if isinstance(entry, dict) else (None, None)
                rgb = tuple(c for c in colour[:3] if isinstance(c, int)) if isinstance(colour, list) else ()
                said = _ALIASES.get(str(name), str(name))
                if rgb in _NAMES and said != _NAMES[rgb]:  # type: ignore[index]
                    detail = f"colour {list(rgb)} is {name!r:.40}, expected {_NAMES[rgb]!r}"  # type: ignore[index]
                    raise self.layout_error(self.root, f"{self.relative(path)}: {detail}")
        return True

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
        """The classes in one image."""
        (path,) = self.label_files(still)
        mask, defects = read_class_mask(FileImage(path), self.relative(path), _CODES)
        yield from defects
        if mask is None:
            return
        facts = facts_in(mask, instruments=_INSTRUMENTS.values(), left_out={*_PARTS.values(), *_OTHER.values()})
        parts = {name: mask.regions[name].mask for name in _PARTS.values() if name in mask.regions}
        # The parts are those of all robotic instruments together, whose kinds nobody names.
        facts["instrument_masks"] += tuple(LabeledMask(None, one) for one in parts.values())
        facts["part_masks"] = tuple(LabeledMask(Label(name), one) for name, one in parts.items())
        facts["instruments"] = facts["tissues"] = None
        # Images have a number and no time: the challenge took out still ones.
        yield Frame(index=still.number, fps=1, image=FileImage(still.path), **facts)
