"""EndoVis-18-VQLA: questions on frames of EndoVis 2018: the organ, the tools, what each tool does, with boxes.

What becomes of the questions, and the traps of this source, are told in ``dataset_cards/endovis18_vqla.md``.
"""

from __future__ import annotations

from surgsigma_hub.parsers.releases.endovis_questions import read_sequence
from surgsigma_hub.records import BoxExtent, Coverage, Fact, Video
from surgsigma_hub.source import (
    Access,
    Fields,
    FilePerFrame,
    Files,
    Home,
    Modality,
    Procedure,
    SourceInfo,
    Specialty,
    VideoLabels,
)


class EndoVis18VQLA(FilePerFrame):
    """Loader of EndoVis-18-VQLA (see the module)."""

    info = SourceInfo(
        name="endovis18_vqla",
        specialty=Specialty.UROLOGY,
        procedure=Procedure.ROBOT_ASSISTED_NEPHRECTOMY,
        modality=Modality.ROBOTIC_LAPAROSCOPY,
        access=Access.REGISTRATION,
        access_steps="Download the questions by the link on the homepage; the images are those of EndoVis 2018, "
        "which the challenge gives out: put each left_frames beside the vqla folder of its sequence",
        layout="EndoVis-18-VQLA/\n"
        "  seq_1/vqla/label/frame000_QA.txt ...    (or seq_1/vqla/frame000_QAL.txt)\n"
        "  seq_1/left_frames/frame000.png ...\n",
        facts=frozenset({Fact.INSTRUMENTS, Fact.ACTIONS, Fact.TISSUES, Fact.INSTRUMENT_BOXES, Fact.TISSUE_BOXES}),
        split_schemes={"official": ("train", "val")},
        coverage={Fact.TISSUES: Coverage.ACTED_ON, Fact.TISSUE_BOXES: Coverage.ANNOTATED_ONLY},
        box_extent=BoxExtent.WHOLE,
    )
    home = Home(any_of=("seq_*/vqla/",), missing="no folder seq_1/vqla or the like", depth=3)
    per_frame = Files(
        questions=("seq_{number:d}/vqla/label/frame{frame:d}_*.txt", "seq_{number:d}/vqla/frame{frame:d}_*.txt"),
        image=("seq_{number:d}/left_frames/frame{frame:d}.png", "seq_{number:d}/left_frames/frame{frame:d}.jpg"),
    )
    video_id = "seq_{number:d}"

    def canonical_id(self, id: str, fields: Fields) -> str:
        """Its sequences are those that EndoVis 2018 trains on, under their numbers."""
        return f"endovis2018/train_seq_{fields['number']}"

    def labels(self, video: Video) -> VideoLabels:
        """What the questions of each frame say."""
        files, images = [self.frame_files(video, "questions")], self.frame_files(video, "image")
        told = read_sequence(files, images, self.relative, boxed=True)
        return VideoLabels.of([*told, *self.unlabelled(video)])
