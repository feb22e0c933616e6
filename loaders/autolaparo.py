"""AutoLaparo: the phase of every second of 21 laparoscopic hysterectomies, and of 300 clips with masks of pictures.

The traps of this source and what is done about them are told in ``dataset_cards/autolaparo.md``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from surgsigma_hub.parsers.frame_tables import FrameRows, moments_of, read_frame_table
from surgsigma_hub.parsers.releases.autolaparo_clips import (
    CLIP_SECONDS,
    MOTION_TABLE,
    PHASE_TABLE,
    course_of_clip,
    moments_of_pictures,
    phase_of_clip,
)
from surgsigma_hub.parsers.runs import course_of
from surgsigma_hub.records import Coverage, Defect, Fact, Reason, Video
from surgsigma_hub.source import (
    Access,
    DeclaredSource,
    Fields,
    Files,
    FilmOptions,
    Films,
    Modality,
    Procedure,
    SourceInfo,
    Specialty,
    StepOptions,
    VideoLabels,
)
from surgsigma_hub.source.layout import matches

_MOTIONS = "laparoscope_motion_label.txt"
_CLIP_SPLITS = {"train": range(1, 171), "val": range(171, 228), "test": range(228, 301)}
_OF_FILMS = frozenset({Fact.PHASE, Fact.PHASE_SEGMENTS, Fact.FOOTAGE})
_OF_IMAGES = frozenset({Fact.PHASE, Fact.INSTRUMENTS, Fact.INSTRUMENT_MASKS, Fact.TISSUE_BOXES})


@dataclass(frozen=True, kw_only=True)
class AutoLaparoOptions(StepOptions, FilmOptions):
    """Options of AutoLaparo."""


class AutoLaparo(DeclaredSource):
    """Loader of AutoLaparo (see the module)."""

    info = SourceInfo(
        name="autolaparo",
        specialty=Specialty.GYNECOLOGY,
        procedure=Procedure.LAPAROSCOPIC_HYSTERECTOMY,
        modality=Modality.LAPAROSCOPY,
        access=Access.REQUEST,
        access_steps="Send the request form of the homepage and unpack the archives of any of its tasks",
        layout="autolaparo/                                       (any folders between will do as well)\n"
        "  Task 1 Surgical workflow recognition/labels/label_01.txt ... label_21.txt\n"
        "  Task 1 Surgical workflow recognition/videos/01.mp4 ... 21.mp4         (25 fps)\n"
        "  Task 2 Laparoscope motion prediction/clips/001.mp4 ... laparoscope_motion_label.txt\n"
        "  Task 3 Instrument and key anatomy segmentation/imgs/001025.jpg ... masks/001025.png ...\n",
        facts=_OF_FILMS | _OF_IMAGES,
        apart=(_OF_FILMS, _OF_IMAGES),
        coverage={Fact.TISSUE_BOXES: Coverage.ANNOTATED_ONLY},
        split_schemes={"official": ("train", "val", "test")},
    )
    options_type = AutoLaparoOptions
    files = Files(phase="**/label_{number:02d}.txt")
    films = Films(places=("**/videos/{number:02d}",), counted=False)
    video_id = "{number:02d}"

    @cached_property
    def found(self) -> Mapping[str, tuple[Fields, Mapping[str, Path]]]:
        """Films and their tables; each clip is a video of its own, whatever film it is of."""
        found = {id: (fields, dict(paths)) for id, (fields, paths) in super().found.items()}
        clips = [
            (int(fields["clip"]), "film", path) for fields, path in matches(self.folder, "**/clips/{clip:03d}.mp4")
        ]
        for fields, path in matches(self.folder, "**/masks/{image:06d}.png"):
            clip, frame = divmod(int(fields["image"]), 1000)
            clips.append((clip, f"mask {frame}", path))
        table = {} if self._motion_table is None else {"motion": self._motion_table}
        for clip, kind, path in clips:
            found.setdefault(f"clip{clip:03d}", ({"clip": clip}, {**table}))[1].setdefault(kind, path)
        return found

    def split_of(self, id: str, fields: Fields) -> str | None:
        """As published, of films and of clips."""
        clip = fields.get("clip")
        if clip is None:
            return super().split_of(id, fields)
        return next((split for split, clips in _CLIP_SPLITS.items() if clip in clips), None)

    def labels(self, video: Video) -> VideoLabels:
        """The phase of each second of a film, or of a clip and what is in pictures of it."""
        read = self._clip(video) if "clip" in video.data else self._film(video)
        told = (*self._without_mask, *self._without_clip) if video.id == self.videos()[0].id else ()
        return replace(read, defects=[*told, *read.defects]) if told else read

    @cached_property
    def _without_mask(self) -> tuple[Defect, ...]:
        """Pictures of the third task that have no mask, as where a copy turned masks into JPEG, which blurs numbers."""
        drawn = {path.stem for _, files in self.found.values() for kind, path in files.items() if "mask" in kind}
        bare = [path for _, path in matches(self.folder, "**/imgs/{image:06d}.jpg") if path.stem not in drawn]
        detail = f"{len(bare)} pictures have no PNG of their name in masks/"
        return (Defect(Reason.LABEL_MISSING, self.relative(bare[0]), detail, len(bare)),) if bare else ()

    @cached_property
    def _without_clip(self) -> tuple[Defect, ...]:
        """Clips that the table names and of which the copy has nothing, neither a film nor a mask."""
        numbers = [n + 1 for n in self._motions.named["Phase"]] if self._motion_table is not None else []
        bare = [n for n in numbers if f"clip{n:03d}" not in self.found]
        if not bare or self._motion_table is None:
            return ()
        detail = f"{len(bare)} clips of this table, the first is {bare[0]}, are neither in clips/ nor have masks"
        return (Defect(Reason.MEDIA_MISSING, self.relative(self._motion_table), detail, len(bare)),)

    def _film(self, video: Video) -> VideoLabels:
        rows = read_frame_table(*self.file(video, "phase"), PHASE_TABLE)
        phases = rows.named["Phase"]
        return VideoLabels(
            frames=moments_of(fps=1, phase=phases),
            defects=rows.defects,
            course=course_of({"phase": phases}, fps=1),
            lasts=rows.last if rows.last >= 0 else None,  # the last second may be cut
            beyond=2 + rows.unread,
        )

    @cached_property
    def _motion_table(self) -> Path | None:
        return next((path for _, path in matches(self.folder, f"**/{_MOTIONS}")), None)

    @cached_property
    def _motions(self) -> FrameRows:
        """Motion and phase of each clip, from 0; a copy without the table has those of none."""
        path = self._motion_table
        return read_frame_table(path, "" if path is None else self.relative(path), MOTION_TABLE)

    def _clip(self, video: Video) -> VideoLabels:
        number, files, table = int(video.data["clip"]), self.found[video.id][1], self._motion_table
        where = _MOTIONS if table is None else self.relative(table)
        phase, told = phase_of_clip(self._motions, number, where, missing=table is None)
        told += self._motions.defects if table is not None and video.id == self._first_clip else ()
        masks = {int(kind.split()[1]): path for kind, path in files.items() if kind.startswith("mask ")}
        filmed = "film" in files
        return VideoLabels.of(
            [*told, *moments_of_pictures(masks, phase, self.relative)],
            course=course_of_clip(phase) if phase is not None and filmed else None,
            lasts=CLIP_SECONDS if filmed else None,
            moments=[],
            said_by="the paper: 10 s a clip",
        )

    @cached_property
    def _first_clip(self) -> str:
        return next(video.id for video in self.videos() if "clip" in video.data)
