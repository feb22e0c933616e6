"""AutoLaparo: the phase of every second of 21 laparoscopic hysterectomies, and of 300 clips with masks of pictures.

The traps of this source and what is done about them are told in ``dataset_cards/autolaparo.md``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from surgsigma_hub.parsers.class_masks import MaskCodes, facts_in, read_class_mask
from surgsigma_hub.parsers.frame_tables import Code, FrameRows, FrameTable, moments_of, read_frame_table
from surgsigma_hub.parsers.runs import course_of
from surgsigma_hub.records import Coverage, Defect, Fact, FileImage, Frame, Label, Reason, Segment, Video, VideoTimeline
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
from surgsigma_hub.source.numbered_files import as_ended

_PHASES = (
    "Preparation",
    "Dividing Ligament and Peritoneum",
    "Dividing Uterine Vessels and Ligament",
    "Transecting the Vagina",
    "Specimen Removal",
    "Suturing",
    "Washing",
)
_PHASE = FrameTable(columns=(Code("Phase", dict(enumerate(_PHASES, 1))),), kind="phase", base=1)
_MOTIONS = ("static", "up", "down", "left", "right", "zoom-in", "zoom-out")
_MOTION = FrameTable(
    columns=(Code("Label", dict(enumerate(_MOTIONS))), Code("Phase", dict(enumerate(_PHASES, 1)))),
    kind="phase",
    number="Clip",
    base=1,
)
_CLIP = 10.0
"""Seconds of a clip: 250 frames at 25 a second, the motion in the middle."""
_INSTRUMENTS = ("Grasping forceps", "LigaSure", "Dissecting and grasping forceps", "Electric hook")
_UTERUS = "uterus"
_MASK = MaskCodes.of(
    {20 * n: name for n, name in enumerate((i for one in _INSTRUMENTS for i in (one, one)), 1)} | {180: _UTERUS},
    0,
)
"""Grey values: of each instrument one of what moves at its end and one of its shaft, both of it; then the uterus."""
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
        if "clip" in video.data:
            return self._clip(video)
        rows = read_frame_table(*self.file(video, "phase"), _PHASE)
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
        return next((path for _, path in matches(self.folder, "**/laparoscope_motion_label.txt")), None)

    @cached_property
    def _motions(self) -> FrameRows:
        """Motion and phase of each clip, from 0; a copy without the table has those of none."""
        path = self._motion_table
        return read_frame_table(path, "" if path is None else self.relative(path), _MOTION)

    def _clip(self, video: Video) -> VideoLabels:
        number, files, table = int(video.data["clip"]) - 1, self.found[video.id][1], self._motion_table
        phase = self._motions.named["Phase"].get(number)
        told = list(self._motions.defects) if table and video.id == self._first_clip else []
        where = f"{'laparoscope_motion_label.txt' if table is None else self.relative(table)} clip {number + 1}"
        motion = self._motions.named["Label"].get(number)
        if motion is not None:
            detail = f"the laparoscope's motion is {motion}: no task asks how a camera moves"
            told.append(Defect(Reason.QUESTION_UNTYPED, where, detail))
        if phase is None:
            detail = "the file is missing: no phase of this clip" if table is None else "no phase of this clip"
            told.append(Defect(Reason.LABEL_MISSING, where, detail))
        filmed = "film" in files
        course = None
        if phase is not None and filmed:
            shown = Segment("phase", Label(phase), 0.0, _CLIP, start_known=False, end_known=False)
            course = VideoTimeline(segments=(shown,), labelled={"phase": ((0.0, _CLIP),)})
        return VideoLabels.of(
            [*told, *self._pictures(video, phase)],
            course=course,
            lasts=_CLIP if filmed else None,
            moments=[],
            said_by="the paper: 10 s a clip",
        )

    @cached_property
    def _first_clip(self) -> str:
        return next(video.id for video in self.videos() if "clip" in video.data)

    def _pictures(self, video: Video, phase: str | None) -> Iterator[Frame | Defect]:
        masks = {kind: path for kind, path in self.found[video.id][1].items() if kind.startswith("mask ")}
        for kind, path in sorted(masks.items(), key=lambda held: int(held[0].split()[1])):
            picture = as_ended(path.parent.parent / "imgs" / f"{path.stem}.jpg")
            if not picture.is_file():
                yield Defect(Reason.MEDIA_MISSING, self.relative(path), f"{self.relative(picture)} is missing")
                continue
            mask, defects = read_class_mask(FileImage(path), self.relative(path), _MASK)
            yield from defects
            if mask is not None:
                facts = facts_in(mask, instruments=_INSTRUMENTS)
                del facts["tissues"]  # of all that is in view the uterus alone has a class
                if phase is not None:
                    facts["phase"] = Label(phase)
                yield Frame(index=int(kind.split()[1]), fps=1, image=FileImage(picture), **facts)
