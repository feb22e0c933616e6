"""EndoVis-18-VQA: questions on frames of EndoVis 2018: the organ, the tools, what each tool does and where it is.

What becomes of the questions, and the traps of this source, are told in ``dataset_cards/endovis18_vqa.md``.
"""

from __future__ import annotations

from surgsigma_hub.parsers.releases.endovis_questions import read_sequence
from surgsigma_hub.records import Coverage, Fact, Video
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


class EndoVis18VQA(FilePerFrame):
    """Loader of EndoVis-18-VQA (see the module)."""

    info = SourceInfo(
        name="endovis18_vqa",
        specialty=Specialty.UROLOGY,
        procedure=Procedure.ROBOT_ASSISTED_NEPHRECTOMY,
        modality=Modality.ROBOTIC_LAPAROSCOPY,
        access=Access.REGISTRATION,
        access_steps="Download the questions by the link on the homepage; the images are those of EndoVis 2018, "
        "which the challenge gives out: put each left_frames beside the vqa folder of its sequence",
        layout="EndoVis-18-VQA/\n"
        "  seq_1/vqa/Classification/frame000_QA.txt ...\n"
        "  seq_1/vqa/Sentence/frame000_QA.txt ...\n"
        "  seq_1/left_frames/frame000.png ...\n",
        facts=frozenset({Fact.INSTRUMENTS, Fact.ACTIONS, Fact.TISSUES}),
        split_schemes={"official": ("train", "val")},
        coverage={Fact.TISSUES: Coverage.ACTED_ON},
    )
    home = Home(any_of=("seq_*/vqa/*/",), missing="no folder seq_1/vqa/Classification or the like", depth=3)
    per_frame = Files(
        questions=("seq_{number:d}/vqa/Classification/frame{frame:d}_*.txt",),
        sentences=("seq_{number:d}/vqa/Sentence/frame{frame:d}_*.txt",),
        image=("seq_{number:d}/left_frames/frame{frame:d}.png", "seq_{number:d}/left_frames/frame{frame:d}.jpg"),
    )
    video_id = "seq_{number:d}"

    def canonical_id(self, id: str, fields: Fields) -> str:
        """Its sequences are those that EndoVis 2018 trains on, under their numbers."""
        return f"endovis2018/train_seq_{fields['number']}"

    def labels(self, video: Video) -> VideoLabels:
        """What the questions of each frame say."""
        files = [self.frame_files(video, kind) for kind in ("questions", "sentences")]
        told = read_sequence(files, self.frame_files(video, "image"), self.relative)
        return VideoLabels.of([*told, *self.unlabelled(video)])
