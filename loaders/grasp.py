"""GraSP: robot-assisted prostatectomy with phases and steps each second, instruments, masks and actions each 35 s.

The traps of this source and what is done about them are told in ``dataset_cards/grasp.md``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path

from surgsigma_hub.parsers.coco import CocoEntries
from surgsigma_hub.parsers.releases.grasp_frames import (
    Cases,
    course_of_case,
    entries_by_case,
    images_of_seconds,
    moments_of_case,
)
from surgsigma_hub.records import BoxExtent, Defect, Fact, FileImage, Reason, Video
from surgsigma_hub.source import (
    Access,
    DeclaredSource,
    Fields,
    Modality,
    Procedure,
    SourceInfo,
    Specialty,
    VideoLabels,
)
from surgsigma_hub.source.layout import matches
from surgsigma_hub.source.numbered_files import numbered_images

_TEST = frozenset({"CASE041", "CASE047", "CASE050", "CASE051", "CASE053"})
_KINDS = {"long": "**/grasp_long-term_{part}.json", "short": "**/grasp_*short-term_{part}.json"}


class GraSP(DeclaredSource):
    """Loader of GraSP (see the module)."""

    info = SourceInfo(
        name="grasp",
        specialty=Specialty.UROLOGY,
        procedure=Procedure.ROBOT_ASSISTED_RADICAL_PROSTATECTOMY,
        modality=Modality.ROBOTIC_LAPAROSCOPY,
        access=Access.OPEN,
        access_steps="Download annotations and frames by the links in the README of the homepage and unpack them",
        layout="GraSP/                                              (any folders between)\n"
        "  GraSP_30fps/annotations/grasp_long-term_train.json, grasp_short-term_train.json, ..._test.json\n"
        "  GraSP_30fps/frames/CASE001/000000000.jpg ...        (or one a second, in GraSP_1fps/frames)\n",
        facts=frozenset(
            (
                *(Fact.PHASE, Fact.STEP, Fact.PHASE_SEGMENTS, Fact.STEP_SEGMENTS, Fact.FOOTAGE),
                *(Fact.INSTRUMENTS, Fact.ACTIONS, Fact.INSTRUMENT_BOXES, Fact.INSTRUMENT_MASKS),
            )
        ),
        split_schemes={"official": ("train", "test")},
        box_extent=BoxExtent.WHOLE,
    )
    video_id = "{case}"

    @cached_property
    def _there(self) -> Mapping[str, Mapping[str, Path]]:
        """Files by kind and part: the training part, else its two folds."""
        return {
            kind: {str(fields["part"]).lower(): path for fields, path in matches(self.root, pattern)}
            for kind, pattern in _KINDS.items()
        }

    @cached_property
    def _read(self) -> tuple[Cases, CocoEntries]:
        """Entries of all files by operation, and what belongs to none."""
        paths: dict[str, list[tuple[Path, str]]] = {}
        for kind, found in self._there.items():
            parts = ("train", "test") if "train" in found else ("fold1", "fold2", "test")
            paths[kind] = [(found[part], self.relative(found[part])) for part in parts if part in found]
        return entries_by_case(paths)

    def _lacking(self, split: str) -> Iterator[Defect]:
        """Files that would tell of the operations of a split and are not there."""
        for kind, parts in self._there.items():
            if split not in parts and not (split == "train" and {"fold1", "fold2"} <= parts.keys()):
                name = _KINDS[kind].removeprefix("**/").replace("*", "").format(part=split)
                detail = f"the file is missing: no {kind}-term labels of this operation"
                yield Defect(Reason.LABEL_MISSING, name, detail)

    @cached_property
    def found(self) -> Mapping[str, tuple[Fields, Mapping[str, Path]]]:
        """All operations that a file names; every file belongs to each.

        Raises:
            LayoutError: no file names one.
        """
        cases, read = self._read
        if not cases:
            told = [*(d for _, d in read.unread), *read.lost]
            raise self.layout_error(self.root, told[0].detail if told else "no grasp_*.json names an image")
        files = {str(path): path for pattern in _KINDS.values() for _, path in matches(self.root, pattern)}
        return {case: ({"case": case}, files) for case in sorted(cases)}

    def canonical_id(self, id: str, fields: Fields) -> str:
        """The operation here, or in PSI-AVA, which has just the training part."""
        return f"grasp/{id}" if id in _TEST else f"psi_ava/{id}"

    def split_of(self, id: str, fields: Fields) -> str:
        """As the authors divide the operations."""
        return "test" if id in _TEST else "train"

    @cached_property
    def _folders(self) -> Mapping[str, list[dict[int, Path]]]:
        """Images by number in each folder of an operation, those with nine digits first."""
        found: dict[str, list[dict[int, Path]]] = {}
        for digits in (9, 5):
            for fields, path in matches(self.root, "**/frames/{case}/"):
                if images := numbered_images(path, f"([0-9]{{{digits}}})"):
                    found.setdefault(str(fields["case"]).upper(), []).append(images)
        return found

    def labels(self, video: Video) -> VideoLabels:
        """The key frames of one operation; what is of none is told with the first one."""
        entries, folders = self._read[0][video.id], self._folders.get(video.id, [])
        lost = self._read[1].lost if video.id == min(self._read[0]) else ()
        told = [*lost, *(d for _, d in self._read[1].unread), *self._lacking(video.split)]
        seconds = images_of_seconds(sorted(entries["long"]), folders)
        if seconds is None:
            count = len(entries["long"])
            counts = ", ".join(str(len(images)) for images in folders) or "none"
            detail = f"no frame of its labels: {counts} images, expected those numbers or {count}, one a second"
            reason = Reason.FOOTAGE_CONTRADICTS if folders else Reason.MEDIA_MISSING
            return VideoLabels(defects=[*told, Defect(reason, video.id, detail, count)])
        stills = [path if path is None else FileImage(path) for path in seconds]
        pictures = {n: p for images in folders for n, p in images.items() if len(p.stem) == 9}
        moments = moments_of_case(video.id, entries, stills, pictures)
        return VideoLabels.of([*told, *moments], course=course_of_case(entries, stills))
