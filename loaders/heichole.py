"""HeiChole: the phase and the kinds of instrument of every frame of 24 cholecystectomies of three hospitals.

The traps of this source and what is done about them are told in ``dataset_cards/heichole.md``.
"""

from __future__ import annotations

from dataclasses import dataclass

from surgsigma_hub.parsers.frame_tables import Code, Flags, FrameTable, ends_apart, moments_of, read_frame_table
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
    "Calot triangle dissection",
    "Clipping and cutting",
    "Gallbladder dissection",
    "Gallbladder packaging",
    "Cleaning and coagulation",
    "Gallbladder retraction",
)
_INSTRUMENTS = (
    "Grasper",
    "Clipper",
    "Coagulation instrument",
    "Scissors",
    "Suction-irrigation",
    "Specimen bag",
    "Stapler",
    *(f"reserved {column}" for column in range(7, 20)),  # always 0; a 1 would be a label that is not known here
    "Undefined instrument shaft",
)
_PHASE = FrameTable(columns=(Code("Phase", dict(enumerate(_PHASES))),), kind="phase", delimiter=",")
_INSTRUMENT = FrameTable(
    columns=(Flags(_INSTRUMENTS, unnamed=frozenset({"Undefined instrument shaft"})),),
    kind="instrument",
    delimiter=",",
)


@dataclass(frozen=True, kw_only=True)
class HeiCholeOptions(StepOptions, FilmOptions):
    """Options of HeiChole."""


class HeiChole(DeclaredSource):
    """Loader of HeiChole (see the module)."""

    info = SourceInfo(
        name="heichole",
        specialty=Specialty.GENERAL_SURGERY,
        procedure=Procedure.LAPAROSCOPIC_CHOLECYSTECTOMY,
        modality=Modality.LAPAROSCOPY,
        access=Access.REGISTRATION,
        access_steps="Register at Synapse, join the challenge and download its folders Videos and Annotations",
        layout="heichole/                                             (any folders between will do as well)\n"
        "  Annotations/Phase/Hei-Chole1_Annotation_Phase.csv ...\n"
        "  Annotations/Instrument/Hei-Chole1_Annotation_Instrument.csv ...\n"
        "  Videos/Full/Hei-Chole1.mp4 ...                      (25 fps, videos 16-20, 23 and 24 50 fps)\n",
        facts=frozenset({Fact.PHASE, Fact.INSTRUMENTS, Fact.PHASE_SEGMENTS, Fact.FOOTAGE}),
        split_schemes={"hashed": ("train", "val", "test")},
    )
    options_type = HeiCholeOptions
    files = Files(
        phase=(
            "Annotations/Phase/Hei-Chole{number:d}_Annotation_Phase.csv",
            "**/Hei-Chole{number:d}_Annotation_Phase.csv",
        ),
        instrument=(
            "Annotations/Instrument/Hei-Chole{number:d}_Annotation_Instrument.csv",
            "**/Hei-Chole{number:d}_Annotation_Instrument.csv",
        ),
    )
    films = Films(
        places=("Videos/Full/Hei-Chole{number:d}", "**/Hei-Chole{number:d}"), fps={25: "*", 50: "16-20 23 24"}
    )
    video_id = "Hei-Chole{number:d}"

    def labels(self, video: Video) -> VideoLabels:
        """Phase and instruments of each frame."""
        fps = self.fps_of(video)
        path, where = self.file(video, "phase")
        of_one = path is not None and path.parent.name.lower() == "raw_annotations"  # one rater's, not the agreement
        phase = read_frame_table(None if of_one else path, where, _PHASE)
        listed, where_listed = self.file(video, "instrument")
        instrument = read_frame_table(listed, where_listed, _INSTRUMENT)
        cut = ends_apart({where: phase, where_listed: instrument}, fps)
        return VideoLabels(
            frames=moments_of(fps=fps, phase=phase.named["Phase"], instruments=instrument.listed),
            defects=[*phase.defects, *instrument.defects, *cut],
            course=course_of({"phase": phase.named["Phase"]}, fps=fps),
            lasts=(max(phase.last, instrument.last) + 1) / fps,
            beyond=1 + max(phase.unread, instrument.unread) / fps,
        )
