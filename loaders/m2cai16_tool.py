"""m2cai16-tool: which of seven instruments are in view, once a second, in 15 operations of Cholec80.

The traps of this source and what is done about them are told in ``dataset_cards/m2cai16_tool.md``.
"""

from __future__ import annotations

from dataclasses import dataclass

from surgsigma_hub.parsers.frame_tables import Flags, FrameTable, moments_of, read_frame_table
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
_NAME = "{part:tool|test_tool}_video_{number:02d}"
_TRAINING = 10
"""Videos of the training part; those of the test part go on from 11."""
_CHOLEC80 = (*range(67, 77), 61, 62, 64, 65, 66)
"""The same operation in Cholec80, of video 1, 2, ..."""
_TOOLS = ("Grasper", "Bipolar", "Hook", "Scissors", "Clipper", "Irrigator", "SpecimenBag")
_TOOL = FrameTable(columns=(Flags(_TOOLS),), kind="instrument", every=_FPS)


@dataclass(frozen=True, kw_only=True)
class M2cai16ToolOptions(StepOptions, FilmOptions):
    """Options of m2cai16-tool."""


class M2cai16Tool(DeclaredSource):
    """Loader of m2cai16-tool (see the module)."""

    info = SourceInfo(
        name="m2cai16_tool",
        specialty=Specialty.GENERAL_SURGERY,
        procedure=Procedure.LAPAROSCOPIC_CHOLECYSTECTOMY,
        modality=Modality.LAPAROSCOPY,
        access=Access.REQUEST,
        access_steps="Ask for the data of the M2CAI 2016 challenge on the homepage and unpack both parts",
        layout="m2cai16-tool/                                (any folders between will do as well)\n"
        "  train_dataset/tool_video_01.mp4, tool_video_01.txt ... 10   (25 fps)\n"
        "  test_dataset/tool_video_11.mp4, tool_video_11.txt ... 15\n",
        facts=frozenset({Fact.INSTRUMENTS}),
        split_schemes={"official": ("train", "test")},
    )
    options_type = M2cai16ToolOptions
    files = Files(tool=f"**/{_NAME}.txt")
    films = Films(places=(f"**/{_NAME}",))
    video_id = _NAME

    def fields_of(self, fields: Fields) -> Fields:
        """Test videos go on from 11, also where a copy counts them from 1 and says so in their names."""
        again = fields["part"] == "test_tool" and int(fields["number"]) <= _TRAINING
        return {**fields, "of_all": int(fields["number"]) + _TRAINING * again}

    def canonical_id(self, id: str, fields: Fields) -> str:
        """The operation in Cholec80."""
        number = int(fields["of_all"])
        same = 1 <= number <= len(_CHOLEC80)
        return f"cholec80/video{_CHOLEC80[number - 1]:02d}" if same else super().canonical_id(id, fields)

    def split_of(self, id: str, fields: Fields) -> str:
        """The first ten are for training."""
        return "train" if int(fields["of_all"]) <= _TRAINING else "test"

    def labels(self, video: Video) -> VideoLabels:
        """The instruments of each second."""
        rows = read_frame_table(*self.file(video, "tool"), _TOOL)
        return VideoLabels(
            frames=moments_of(fps=_FPS, instruments=rows.listed),
            defects=rows.defects,
            lasts=(rows.last + 1) / _FPS,
            beyond=2 + rows.unread,
        )
