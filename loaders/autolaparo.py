"""AutoLaparo: the phase of every second of 21 laparoscopic hysterectomies.

The traps of this source and what is done about them are told in ``dataset_cards/autolaparo.md``.
"""

from __future__ import annotations

from dataclasses import dataclass

from surgsigma_hub.parsers.frame_tables import Code, FrameTable, moments_of, read_frame_table
from surgsigma_hub.parsers.runs import course_of
from surgsigma_hub.records import Fact, Video
from surgsigma_hub.source import (
    Access,
    DeclaredSource,
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
        access_steps="Send the request form of the homepage and unpack the archive of task 1",
        layout="autolaparo/                                       (any folders between will do as well)\n"
        "  Task 1 Surgical workflow recognition/labels/label_01.txt ... label_21.txt\n"
        "  Task 1 Surgical workflow recognition/videos/01.mp4 ... 21.mp4         (25 fps)\n",
        facts=frozenset({Fact.PHASE, Fact.PHASE_SEGMENTS, Fact.FOOTAGE}),
        split_schemes={"official": ("train", "val", "test")},
    )
    options_type = AutoLaparoOptions
    files = Files(phase="**/label_{number:02d}.txt")
    films = Films(places=("**/videos/{number:02d}",), counted=False)
    video_id = "{number:02d}"

    def labels(self, video: Video) -> VideoLabels:
        """The phase of each second."""
        rows = read_frame_table(*self.file(video, "phase"), _PHASE)
        phases = rows.named["Phase"]
        return VideoLabels(
            frames=moments_of(fps=1, phase=phases),
            defects=rows.defects,
            course=course_of({"phase": phases}, fps=1),
            lasts=rows.last if rows.last >= 0 else None,  # the last second may be cut
            beyond=2 + rows.unread,
        )
