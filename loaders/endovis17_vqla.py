"""EndoVis-17-VQLA: questions on 97 frames of EndoVis 2017: the organ, the tools, what each tool does, with boxes.

What becomes of the questions, and the traps of this source, are told in ``dataset_cards/endovis17_vqla.md``.
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


class EndoVis17VQLA(FilePerFrame):
    """Loader of EndoVis-17-VQLA (see the module)."""

    info = SourceInfo(
        name="endovis17_vqla",
        specialty=Specialty.UROLOGY,
        procedure=Procedure.ROBOT_ASSISTED_NEPHRECTOMY,
        modality=Modality.ROBOTIC_LAPAROSCOPY,
        access=Access.REGISTRATION,
        access_steps="Download the questions by the link on the homepage; the images are those of EndoVis 2017, "
        "which the challenge gives out, cropped to 1280x1024: put them into left_frames beside vqla",
        layout="EndoVis-17-VQLA/\n"
        "  vqla/label/seq1_frame000_QA.txt ...    (or in vqla/)\n"
        "  left_frames/seq1_frame000.jpg ...\n",
        facts=frozenset({Fact.INSTRUMENTS, Fact.ACTIONS, Fact.TISSUES, Fact.INSTRUMENT_BOXES, Fact.TISSUE_BOXES}),
        split_schemes={"official": ("test",)},
        coverage={Fact.TISSUES: Coverage.ACTED_ON, Fact.TISSUE_BOXES: Coverage.ANNOTATED_ONLY},
        box_extent=BoxExtent.WHOLE,
    )
    home = Home(
        any_of=("vqla/label/seq*_frame*.txt", "vqla/seq*_frame*.txt"),
        missing="no file vqla/label/seq1_frame000_QA.txt or the like",
        depth=3,
    )
    per_frame = Files(
        questions=("vqla/label/seq{number:d}_frame{frame:d}*.txt", "vqla/seq{number:d}_frame{frame:d}*.txt"),
        image=("left_frames/seq{number:d}_frame{frame:d}.jpg", "left_frames/seq{number:d}_frame{frame:d}.png"),
    )
    video_id = "seq_{number:d}"

    def canonical_id(self, id: str, fields: Fields) -> str:
        """Its sequences are those of EndoVis 2017, under their numbers."""
        return f"endovis2017/instrument_dataset_{fields['number']}"

    def labels(self, video: Video) -> VideoLabels:
        """What the questions of each frame say."""
        files, images = [self.frame_files(video, "questions")], self.frame_files(video, "image")
        told = read_sequence(files, images, self.relative, boxed=True)
        return VideoLabels.of([*told, *self.unlabelled(video)])
