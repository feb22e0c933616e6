"""m2cai16-workflow: the phase of every frame of 41 cholecystectomies of Strasbourg and Munich.

The traps of this source and what is done about them are told in ``dataset_cards/m2cai16_workflow.md``.
"""

from __future__ import annotations

from dataclasses import dataclass

from surgsigma_hub.parsers.frame_tables import FrameTable, Text, moments_of, read_frame_table
from surgsigma_hub.parsers.runs import course_of
from surgsigma_hub.records import Fact, Video
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

_FPS = 25
_NAME = "{part:workflow|test_workflow}_video_{number:02d}"
_PHASE = FrameTable(columns=(Text("Phase"),), kind="phase")


@dataclass(frozen=True, kw_only=True)
class M2cai16WorkflowOptions(StepOptions, FilmOptions):
    """Options of m2cai16-workflow."""


class M2cai16Workflow(DeclaredSource):
    """Loader of m2cai16-workflow (see the module)."""

    info = SourceInfo(
        name="m2cai16_workflow",
        specialty=Specialty.GENERAL_SURGERY,
        procedure=Procedure.LAPAROSCOPIC_CHOLECYSTECTOMY,
        modality=Modality.LAPAROSCOPY,
        access=Access.REQUEST,
        access_steps="Ask for the data of the M2CAI 2016 challenge on the homepage and unpack both parts",
        layout="m2cai16-workflow/                                      (any folders between will do as well)\n"
        "  train_dataset/workflow_video_01.mp4, workflow_video_01.txt ...          (27 videos, 25 fps)\n"
        "  test_dataset/test_workflow_video_01.mp4, test_workflow_video_01.txt ... (14 videos)\n",
        facts=frozenset({Fact.PHASE, Fact.PHASE_SEGMENTS, Fact.FOOTAGE}),
        split_schemes={"official": ("train", "test")},
    )
    options_type = M2cai16WorkflowOptions
    files = Files(phase=f"**/{_NAME}.txt")
    films = Films(places=(f"**/{_NAME}",), within=1 / _FPS)
    video_id = _NAME

    def split_of(self, id: str, fields: Fields) -> str:
        """As the name says."""
        return "test" if fields["part"] == "test_workflow" else "train"

    def labels(self, video: Video) -> VideoLabels:
        """The phase of each frame."""
        rows = read_frame_table(*self.file(video, "phase"), _PHASE)
        phases = rows.named["Phase"]
        return VideoLabels(
            frames=moments_of(fps=_FPS, phase=phases),
            defects=rows.defects,
            course=course_of({"phase": phases}, fps=_FPS),
            lasts=(rows.last + 1) / _FPS,
            beyond=1 + rows.unread / _FPS,
        )
