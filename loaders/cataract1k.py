"""Cataract-1K: the phases of 56 films of cataract surgery, and outlines of instruments and eye in frames of 30.

The traps of this source and what is done about them are told in ``dataset_cards/cataract1k.md``.
"""

from __future__ import annotations

from dataclasses import dataclass

from surgsigma_hub.parsers.intervals import course_in, moments_in
from surgsigma_hub.parsers.releases.cataract1k_outlines import read_coco_outlines, read_outlines
from surgsigma_hub.parsers.releases.cataract1k_phases import TimedPhases, read_timed_phases
from surgsigma_hub.records import BoxExtent, Coverage, Defect, Fact, FileImage, Frame, Video
from surgsigma_hub.source import (
    Access,
    Fields,
    FilePerFrame,
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

_OF_FILMS = frozenset({Fact.PHASE, Fact.PHASE_SEGMENTS, Fact.FOOTAGE})
_OF_IMAGES = frozenset({Fact.INSTRUMENTS, Fact.INSTRUMENT_BOXES, Fact.INSTRUMENT_MASKS, Fact.TISSUE_BOXES})
_AFTER = 120.0
"""Seconds that a film of unknown length may go on after its last phase."""


@dataclass(frozen=True, kw_only=True)
class Cataract1kOptions(StepOptions, FilmOptions):
    """Options of Cataract-1K."""


class Cataract1k(FilePerFrame):
    """Loader of Cataract-1K (see the module)."""

    info = SourceInfo(
        name="cataract1k",
        specialty=Specialty.OPHTHALMOLOGY,
        procedure=Procedure.CATARACT_SURGERY,
        modality=Modality.SURGICAL_MICROSCOPY,
        access=Access.REGISTRATION,
        access_steps="Register at Synapse and download the part on phases, the part on segmentation, or both",
        layout="cataract1k/                                      (any folders between will do as well)\n"
        "  Phase_recognition_dataset/videos/case_4687.mp4 ...\n"
        "  Phase_recognition_dataset/annotations/case_4687/case_4687_annotations_phases.csv case_4687_video.csv\n"
        "  Segmentation_dataset/.../case_5013/img/case5013_01.png ... ann/case5013_01.png.json ...\n"
        "  Segmentation_dataset/.../case_5013/annotations/instances.json      (COCO, used where ann/ is missing)\n",
        facts=_OF_FILMS | _OF_IMAGES,
        apart=(_OF_FILMS, _OF_IMAGES),
        split_schemes={"hashed": ("train", "val", "test"), **{f"fold-{n}": ("train", "test") for n in range(5)}},
        coverage={Fact.TISSUE_BOXES: Coverage.ANNOTATED_ONLY},
        box_extent=BoxExtent.WHOLE,
    )
    options_type = Cataract1kOptions
    films = Films(places=("**/case_{number:d}",), fps={60000 / 1001: "*"}, counted=False)
    files = Files(
        phases=tuple(f"**/case_{{number:d}}/case_{{number:d}}_annotations{end}.csv" for end in ("_phases", "")),
        size="**/case_{number:d}/case_{number:d}_video.csv",
        coco="**/case_{number:d}/{part:annotations|annotation}/instances.json",
    )
    per_frame = Files(
        outlines="**/case_{number:d}/{part:ann|anns}/case{number:d}_{frame:d}.png.json",
        image="**/case_{number:d}/{part:img|imgs}/case{number:d}_{frame:d}.png",
    )
    video_id = "case_{number:d}{part}"

    def fields_of(self, fields: Fields) -> Fields:
        """Frames of the part on segmentation are numbered for themselves, so that they are a video of their own."""
        return {"number": fields["number"], "part": "_images" if fields.get("part") else ""}

    def canonical_id(self, id: str, fields: Fields) -> str:
        """The operation, which both parts may show."""
        return f"cataract1k/case_{fields['number']}"

    def split_of(self, id: str, fields: Fields) -> str | None:
        """By operation, so that both parts of one are in one split."""
        return super().split_of(f"case_{fields['number']}", fields)

    def labels(self, video: Video) -> VideoLabels:
        """Phases of a film, or what is outlined in frames."""
        if not video.data["part"]:
            return self._phases(video)
        outlines, (coco, where) = self.frame_files(video, "outlines"), self.file(video, "coco")
        found = read_outlines(outlines, self.relative) if outlines or not coco else read_coco_outlines(coco, where)
        images = self.frame_files(video, "image")
        frames: list[Frame] = []
        defects: list[Defect] = []
        for one in found:
            if isinstance(one, Defect):
                defects.append(one)
            else:
                image = FileImage(images[one[0]]) if one[0] in images else None
                frames.append(Frame(index=one[0], fps=1, image=image, **one[1]))
        return VideoLabels(frames=frames, defects=defects)

    def fps_of(self, video: Video) -> float:
        """The rate of the film, as its tables tell it."""
        return self._timed(video).rate or super().fps_of(video)

    def _timed(self, video: Video) -> TimedPhases:
        return read_timed_phases(*self.file(video, "phases"), *self.file(video, "size"))

    def _phases(self, video: Video) -> VideoLabels:
        timed, where = self._timed(video), self.file(video, "phases")[1]
        spans = timed.spans
        if timed.refused:
            return VideoLabels(defects=timed.defects)
        return VideoLabels(
            frames=moments_in({"phase": spans}),
            defects=timed.defects,
            course=course_in({"phase": spans}),
            lasts=timed.lasts or spans.ends or None,
            within=2 / timed.rate if timed.rate else None,
            said_by=self.file(video, "size")[1] if timed.lasts else where,
            beyond=1.0 if timed.lasts else _AFTER,
        )
