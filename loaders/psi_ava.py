"""PSI-AVA: robot-assisted prostatectomy with phases and steps every second, instruments and actions in key frames.

The traps of this source and what is done about them are told in ``dataset_cards/psi_ava.md``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from surgsigma_hub.errors import BadRowError, LayoutError
from surgsigma_hub.parsers.releases.psi_ava_keyframes import read_key_frames
from surgsigma_hub.parsers.releases.psi_ava_seconds import moments_of, names_by_layer, operations_in, read_seconds
from surgsigma_hub.parsers.runs import course_of
from surgsigma_hub.records import BoxExtent, Defect, Fact, Reason, Video
from surgsigma_hub.source import (
    Access,
    DeclaredSource,
    Fields,
    Home,
    ImageFolders,
    ImageOptions,
    Modality,
    Procedure,
    SourceInfo,
    Specialty,
    StepOptions,
    VideoLabels,
)
from surgsigma_hub.source.layout import filled, matches, split_table

_FILES = {
    "key frames": "psi-ava/fold{fold:d}/coco_anns/{part:train|val}_coco_anns_v3_35s.json",
    "seconds": "psi-ava_extended/fold{fold:d}/annotations/{part:train|val}.csv",
}
_HOMES = ("", "data_annotations/", "outputs/data_annotations/", "TAPIR/outputs/data_annotations/")
_KEYFRAMES = ("keyframes", "PSI-AVA/keyframes", "outputs/PSIAVA/keyframes", "TAPIR/outputs/PSIAVA/keyframes")
_KEY_SECONDS, _BEYOND = 35, 0.25
"""Key frames are so many seconds apart; where they alone are labelled, pictures may go on for this share after them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PsiAvaOptions(StepOptions, ImageOptions):
    """Options of PSI-AVA; key frames are taken whatever the step."""


class PsiAva(DeclaredSource):
    """Loader of PSI-AVA (see the module)."""

    info = SourceInfo(
        name="psi_ava",
        specialty=Specialty.UROLOGY,
        procedure=Procedure.ROBOT_ASSISTED_RADICAL_PROSTATECTOMY,
        modality=Modality.ROBOTIC_LAPAROSCOPY,
        access=Access.OPEN,
        access_steps="Clone the repository that the homepage names (it holds the annotations) and put the "
        "keyframes its README links to beside them",
        layout="TAPIR/                                                  (a clone of the repository)\n"
        "  outputs/data_annotations/psi-ava/fold1/coco_anns/train_coco_anns_v3_35s.json ...  (instruments, actions)\n"
        "  outputs/data_annotations/psi-ava_extended/fold1/annotations/train.csv ...  (phases, steps of each second)\n"
        "  outputs/PSIAVA/keyframes/CASE001/00000.jpg ...        (1 image per second)\n"
        "or psi-ava/, psi-ava_extended/ and keyframes/ side by side\n",
        facts=frozenset({Fact.PHASE, Fact.STEP, Fact.PHASE_SEGMENTS, Fact.STEP_SEGMENTS, Fact.FOOTAGE})
        | {Fact.INSTRUMENTS, Fact.ACTIONS, Fact.INSTRUMENT_BOXES},
        split_schemes=dict.fromkeys(("fold1", "fold2"), ("train", "val")),
        box_extent=BoxExtent.WHOLE,
    )
    options_type = PsiAvaOptions
    home = Home(
        any_of=tuple(f"{place}{name}/" for place in _HOMES for name in ("psi-ava", "psi-ava_extended")),
        missing="neither psi-ava/ nor psi-ava_extended/ found",
        depth=0,
    )
    images = ImageFolders(places=tuple(f"{p}/CASE{{number:03d}}" for p in _KEYFRAMES), names="{image:05d}.jpg")
    video_id = "CASE{number:03d}"

    @cached_property
    def _there(self) -> Mapping[str, Mapping[tuple[int, str], Path]]:
        """Annotation files by kind, and by number of the fold and part of it."""
        return {
            kind: {
                (int(fields["fold"]), str(fields["part"])): path
                for place in reversed(_HOMES)
                for fields, path in matches(self.folder, place + pattern)
            }
            for kind, pattern in _FILES.items()
        }

    @cached_property
    def found(self) -> Mapping[str, tuple[Fields, Mapping[str, Path]]]:
        """Operations with a folder of images, or that a file tells of; what it tells says which, not its name."""
        found = {id: (fields, dict(paths)) for id, (fields, paths) in super().found.items()}
        for kind, paths in self._there.items():
            # The folds hold the same annotations, so that the second one only fills in.
            for _, path in sorted(paths.items()):
                if all(kind in files for _, files in found.values()) and len(found) == len(split_table("psi_ava")):
                    break
                try:
                    names = operations_in(path)
                except BadRowError as error:
                    hint = "Restore this file from the repository."
                    raise LayoutError(f"{self.relative(path)}: {error.message}", hint=hint) from None
                for name in sorted(names):
                    found.setdefault(name, ({"number": int(name[4:])}, {}))[1].setdefault(kind, path)
        return found

    def videos(self) -> list[Video]:
        """All operations with annotations or pictures.

        Raises:
            LayoutError: no annotation file is there, or one cannot be read at all.
        """
        if not any(self._there.values()):
            expected = filled(_FILES["key frames"], {"fold": 1, "part": "train"})
            raise self.layout_error(self.root, f"no annotation file such as {expected}")
        return super().videos()

    def _lacking(self, id: str) -> Iterator[Defect]:
        """What should tell of an operation and does not, of the releases of which the copy has a part."""
        parts = [(n, split_table("psi_ava")[f"fold{n}"].get(id, "")) for n in (1, 2)]
        for kind, paths in self._there.items():
            if not paths or kind in self.found[id][1]:
                continue
            there = next((paths[part] for part in parts if part in paths), None)
            if there is None:
                where = filled(_FILES[kind], {"fold": 1, "part": parts[0][1]})
                yield Defect(Reason.ROW_MALFORMED, where, f"the file that holds {id} is missing, another is there")
            else:
                yield Defect(Reason.ROW_MALFORMED, self.relative(there), f"nothing in the file is of {id}")

    def labels(self, video: Video) -> VideoLabels:
        """Phases and steps of each second, and what its key frames show."""
        held = self.found[video.id][1]
        if not held:
            bare = Defect(Reason.ROW_MALFORMED, f"keyframes/{video.id}", "images without annotations")
            return VideoLabels(defects=[bare])
        table, listed = held.get("seconds"), held.get("key frames")
        keys, untold = read_key_frames(listed, self.relative(listed or self.root), video.id)
        seconds, unread = read_seconds(table, self.relative(table or self.root), video.id)
        frames, contradictions = moments_of(keys, seconds, video.id)
        lasts = max({*keys, *seconds}, default=-1) + 1
        return VideoLabels(
            frames=frames,
            defects=[*self._lacking(video.id), *untold, *unread, *contradictions],
            course=course_of(names_by_layer(seconds), fps=1) if seconds else None,
            lasts=lasts,
            moments=sorted({*keys, *seconds}),
            always=frozenset(keys),
            said_by=video.files[-1].name,
            beyond=1.0 + len(unread) if seconds else _KEY_SECONDS + _BEYOND * lasts,
        )
