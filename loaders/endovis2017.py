"""EndoVis 2017: robotic instruments of ten operations on pigs, by kind and by part, twice a second.

The traps of this source and what is done about them are told in ``dataset_cards/endovis2017.md``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path

from surgsigma_hub.errors import BadRowError
from surgsigma_hub.parsers.releases.endovis2017_masks import LISTS, MAPPINGS, TEST, contradicted, moment_of_masks
from surgsigma_hub.records import BoxExtent, Defect, Frame, Reason, Video
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
from surgsigma_hub.source.layout import filled, matches

_SEQUENCE = "**/instrument_dataset_{seq:d}/"
_LABELS = ("ground_truth/{kind}", "gt/{kind}", "{kind}")
_FOLDS = ((1, 3), (2, 5), (4, 8), (6, 7))
_TEST_SEQUENCES = (9, 10)


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
        facts=frozenset(LISTS),
        split_schemes={f"fold{n}": ("train", "val", "test") for n in range(len(_FOLDS))},
        box_extent=BoxExtent.WHOLE,
    )
    home = Home(all_of=(_SEQUENCE + "left_frames/",), depth=0)
    stills = (_SEQUENCE + "left_frames/frame{image:03d}",)
    labelled = tuple(f"{_SEQUENCE}{place}/frame{{image:03d}}.png" for place in _LABELS[:2])
    video_id = "instrument_dataset_{seq:d}"

    def split_of(self, id: str, fields: Fields) -> str:
        """Sequences 9 and 10 to test, two others to val, as the scheme says."""
        held_out = _FOLDS[list(self.info.split_schemes).index(self.split_scheme)]
        return "test" if fields["seq"] in _TEST_SEQUENCES else "val" if fields["seq"] in held_out else "train"

    @cached_property
    def _checked(self) -> bool:
        """That no mapping that the training part ships gives a name another number than ours.

        Raises:
            LayoutError: one does, or cannot be read.
        """
        for name in MAPPINGS:
            for _, path in matches(self.folder, f"**/{name}"):
                try:
                    detail = contradicted(path)
                except BadRowError as error:
                    detail = error.message
                if detail:
                    raise self.layout_error(self.root, f"{self.relative(path)}: {detail}")
        return True

    def videos(self) -> list[Video]:
        """All sequences.

        Raises:
            LayoutError: none is there, or a mapping contradicts what the numbers of masks mean.
        """
        assert self._checked
        return super().videos()

    @cached_property
    def _masks(self) -> Mapping[tuple[int, int], Mapping[str, Path]]:
        """Masks by folder of each image: of one instrument each, or those of the test part."""
        found: dict[tuple[int, int], dict[str, Path]] = {}
        for place in _LABELS:
            for fields, path in matches(self.folder, f"{_SEQUENCE}{place}/frame{{image:03d}}.png"):
                kind = str(fields["kind"])
                if place == _LABELS[0] or kind in TEST:
                    found.setdefault((int(fields["seq"]), int(fields["image"])), {}).setdefault(kind, path)
        return found

    @cached_property
    def _kinds(self) -> Mapping[int, frozenset[str]]:
        """Folders of masks of one instrument that each sequence has."""
        found: dict[int, set[str]] = {}
        for (seq, _), masks in self._masks.items():
            found.setdefault(seq, set()).update(masks.keys() - TEST.keys())
        return {seq: frozenset(kinds) for seq, kinds in found.items()}

    def _masks_of(self, still: Still) -> Mapping[str, Path]:
        """Masks of an image: those beside it or, where it is the only one of its number, in another tree."""
        masks = self._masks.get((int(still.fields["seq"]), still.number), {})
        beside = {kind: path for kind, path in masks.items() if still.path.parent.parent in path.parents}
        return beside or ({} if self.has_double(filled(self.video_id, still.fields), still) else masks)

    def label_files(self, still: Still) -> tuple[Path, ...]:
        """All masks of an image."""
        return tuple(self._masks_of(still).values())

    def moment(self, video: Video, still: Still) -> Iterator[Frame | Defect]:
        """The instruments in one image."""
        found = self._masks_of(still)
        if not found:
            yield Defect(Reason.MEDIA_MISSING, self.relative(still.path), "no mask of this image is there")
            return
        of_one = found.keys() - TEST.keys()
        lacking = sorted(self._kinds[int(still.fields["seq"])] - of_one) if of_one else []
        if lacking:
            detail = (
                f"no mask in {', '.join(lacking)}, as others of its sequence have: its lists may lack an instrument"
            )
            yield Defect(Reason.LABEL_MISSING, self.relative(still.path), detail)
        yield from moment_of_masks(still.number, still.path, found, self.relative, whole=not lacking)
