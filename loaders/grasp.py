"""GraSP: robot-assisted prostatectomy with phases and steps each second, instruments, masks and actions each 35 s.

The traps of this source and what is done about them are told in ``dataset_cards/grasp.md``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

from surgsigma_hub.parsers.coco import instruments_in
from surgsigma_hub.parsers.releases.grasp_frames import (
    Cases,
    Seconds,
    actions_of,
    entries_by_case,
    images_of_seconds,
    stage_of,
)
from surgsigma_hub.parsers.runs import course_of
from surgsigma_hub.records import (
    BoxExtent,
    Coverage,
    Defect,
    Fact,
    FileImage,
    Frame,
    Label,
    Reason,
    Stills,
    Video,
    VideoTimeline,
)
from surgsigma_hub.source import Access, Modality, Procedure, Source, SourceInfo, Specialty
from surgsigma_hub.source.layout import matches
from surgsigma_hub.source.numbered_files import numbered_images

_GRID = 30
"""Moments a second on which all frames are named; key frames of objects lie between those of seconds."""
_TEST = frozenset({"CASE041", "CASE047", "CASE050", "CASE051", "CASE053"})
_KINDS = {"long": "**/grasp_long-term_{part}.json", "short": "**/grasp_*short-term_{part}.json"}
_OTHER = "Other"


class GraSP(Source):
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

    @cached_property
    def _read(self) -> tuple[Cases, tuple[Defect, ...]]:
        """Entries of all files by operation, and what belongs to none."""
        paths: dict[str, list[tuple[Path, str]]] = {}
        for kind, pattern in _KINDS.items():
            found = {str(fields["part"]).lower(): path for fields, path in matches(self.root, pattern)}
            parts = ("train", "test") if "train" in found else ("fold1", "fold2", "test")
            paths[kind] = [(found[part], self.relative(found[part])) for part in parts if part in found]
        return entries_by_case(paths)

    @cached_property
    def _unread(self) -> frozenset[str]:
        """Places of whole files that cannot be read, which are told with every operation."""
        return frozenset(self.relative(path) for pattern in _KINDS.values() for _, path in matches(self.root, pattern))

    def _lacking(self, split: str) -> Iterator[tuple[str, str]]:
        """Files that would tell of the operations of a split and are not there."""
        for kind, pattern in _KINDS.items():
            parts = {str(fields["part"]).lower() for fields, _ in matches(self.root, pattern)}
            if split not in parts and not (split == "train" and {"fold1", "fold2"} <= parts):
                name = pattern.removeprefix("**/").replace("*", "").format(part=split)
                yield name, f"the file is missing: no {kind}-term labels of this operation"

    @property
    def _cases(self) -> Cases:
        return self._read[0]

    def videos(self) -> list[Video]:
        """All operations that a file names.

        Raises:
            LayoutError: no file does.
        """
        if not self._cases:
            raise self.layout_error(
                self.root, self._read[1][0].detail if self._read[1] else "no grasp_*.json names an image"
            )
        files = tuple(path for pattern in _KINDS.values() for _, path in matches(self.root, pattern))
        return [
            Video(
                id=case,
                canonical_id=f"grasp/{case}" if case in _TEST else f"psi_ava/{case}",  # PSI-AVA has just the others
                split="test" if case in _TEST else "train",
                files=files,
                data={"first": case == min(self._cases)},
            )
            for case in sorted(self._cases)
        ]

    def _seconds(self, video: Video) -> Seconds:
        return Seconds.of(list(self._cases[video.id]["long"]))

    @cached_property
    def _folders(self) -> Mapping[str, list[dict[int, Path]]]:
        """Images by number in each folder of an operation, those with nine digits first."""
        found: dict[str, list[dict[int, Path]]] = {}
        for digits in (9, 5):
            for fields, path in matches(self.root, "**/frames/{case}/"):
                if images := numbered_images(path, f"([0-9]{{{digits}}})"):
                    found.setdefault(str(fields["case"]).upper(), []).append(images)
        return found

    def _stills(self, video: Video) -> tuple[FileImage | None, ...] | Defect:
        """The image of each second: by its number, else the k-th of those that are one a second."""
        numbers, folders = self._seconds(video).numbers, self._folders.get(video.id, [])
        found = images_of_seconds(numbers, folders)
        if found is not None:
            return tuple(path if path is None else FileImage(path) for path in found)
        counts = ", ".join(str(len(images)) for images in folders) or "none"
        detail = f"no frame of its labels: {counts} images, expected those numbers or {len(numbers)}, one a second"
        return Defect(Reason.FOOTAGE_CONTRADICTS if folders else Reason.MEDIA_MISSING, video.id, detail, len(numbers))

    def frames(self, video: Video) -> Iterator[Frame | Defect]:
        """The key frames of one operation in order of time."""
        yield from (d for d in self._read[1] if video.data["first"] or d.where in self._unread)
        yield from (Defect(Reason.LABEL_MISSING, kind, detail) for kind, detail in self._lacking(video.split))
        stills, seconds = self._stills(video), self._seconds(video)
        if isinstance(stills, Defect):
            yield stills
            return
        found: dict[int, Frame] = {}
        for (_, (file, image)), picture, second in zip(
            sorted(self._cases[video.id]["long"].items()), stills, range(len(stills)), strict=False
        ):
            stages = {key: stage_of(file, image, file.notes(image), f"{key}s") for key in ("phase", "step")}
            yield from (d for _, defects in stages.values() for d in defects)
            if picture is None:
                yield Defect(Reason.MEDIA_MISSING, f"{video.id}/{second}", f"no {image.name} among the frames")
                continue
            said: dict[str, Any] = {key: label for key, (label, _) in stages.items()}
            found[_GRID * second] = Frame(index=_GRID * second, fps=_GRID, image=picture, **said)
        pictures = {n: p for images in self._folders.get(video.id, []) for n, p in images.items() if len(p.stem) == 9}
        for number, (file, image) in sorted(self._cases[video.id]["short"].items()):
            at = seconds.at(number)
            if at is None or number not in pictures:
                lacks = "its second is not known" if at is None else "no frame of its number: these need all frames"
                yield Defect(Reason.MEDIA_MISSING, f"{file.where} image {image.id}", f"{image.name}: {lacks}")
                continue
            objects, defects = file.objects(image)
            acts, more = actions_of(file, image, file.notes(image))
            yield from (*defects, *more)
            index = round(_GRID * at)
            frame = found.get(index) or Frame(index=index, fps=_GRID, image=FileImage(pictures[number]))
            found[index] = replace(
                frame, size=(image.width, image.height), **instruments_in(objects, whole=not defects), **_done(acts)
            )
        yield from (found[index] for index in sorted(found))

    def course(self, video: Video) -> VideoTimeline | None:
        """Phases and steps as intervals, over images of each second."""
        stills = self._stills(video)
        if isinstance(stills, Defect):
            return None
        named: dict[str, dict[int, str | None]] = {"phase": {}, "step": {}}
        for second, (_, (file, image)) in enumerate(sorted(self._cases[video.id]["long"].items())):
            for key, names in named.items():
                label, _ = stage_of(file, image, file.notes(image), f"{key}s")
                names[second] = label.native if label is not None else None
        return replace(course_of(named, fps=1), footage=Stills(stills, 1.0))  # type: ignore[arg-type]


def _done(acts: tuple[str, ...] | None) -> dict[str, Any]:
    """The actions of a frame; one that none of the names fits makes the list partial."""
    coverage = {Fact.ACTIONS: Coverage.ANNOTATED_ONLY} if acts and _OTHER in acts else {}
    return {"actions": None if acts is None else tuple(Label(a) for a in acts if a != _OTHER), "coverage": coverage}
