"""CholecT50: action triplets, phases and (in the challenge-validation part) boxes, one JSON file per video.

Reads the full release and ``CholecT50-Challenge-Validation`` alike. The traps of this source and what is done about
them are told in ``dataset_cards/cholect50.md``.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property

from surgsigma_hub.errors import BadRowError
from surgsigma_hub.parsers.cells import table_text
from surgsigma_hub.parsers.releases.cholect50_frames import WHOLE, size_seen
from surgsigma_hub.parsers.releases.triplet_labels import course_of_vectors, moments_of_vectors, read_labelled_video
from surgsigma_hub.parsers.releases.triplet_vectors import Triples, VectorError, read_label_mapping
from surgsigma_hub.records import BoxExtent, Coverage, Defect, Fact, Reason, Video
from surgsigma_hub.source import (
    Access,
    DeclaredSource,
    Fields,
    Files,
    Home,
    ImageFolders,
    ImageOptions,
    Modality,
    Procedure,
    SourceInfo,
    Specialty,
    VideoLabels,
)
from surgsigma_hub.source.numbered_files import as_ended
from surgsigma_hub.source.surgeries import cholect50_surgery

_BEYOND = 0.5
"""Share of the labels' length by which pictures may go on after them where they label parts of the video only."""
_SCHEMES = ("rendezvous", "challenge", *(f"crossval-{fold}" for fold in range(1, 6)))


class CholecT50(DeclaredSource):
    """Loader of CholecT50 (see the module)."""

    info = SourceInfo(
        name="cholect50",
        specialty=Specialty.GENERAL_SURGERY,
        procedure=Procedure.LAPAROSCOPIC_CHOLECYSTECTOMY,
        modality=Modality.LAPAROSCOPY,
        access=Access.REQUEST,
        access_steps="Fill in the CholecT50 request form linked from the homepage; the challenge-validation zip (parts "
        "of 5 videos) needs no form",
        layout="CholecT50/\n"
        "  labels/VID01.json ...\n"
        "  videos/VID01/000000.png ...      (1 image per second; .jpg is read too)\n"
        "  label_mapping.txt                (optional, used to check the labels)\n",
        facts=frozenset(
            {Fact.PHASE, Fact.INSTRUMENTS, Fact.TISSUES, Fact.ACTIONS, Fact.TRIPLETS, Fact.INSTRUMENT_BOXES}
            | {Fact.PHASE_SEGMENTS, Fact.ACTION_SEGMENTS, Fact.FOOTAGE}
        ),
        split_schemes=dict.fromkeys(_SCHEMES, ("train", "val", "test")),
        coverage={Fact.TISSUES: Coverage.ACTED_ON},
        box_extent=BoxExtent.TIP,
    )

    options_type = ImageOptions
    home = Home(all_of=("labels/", "videos/"), missing="no folder holds both labels/ and videos/")
    files = Files(labels="labels/VID{number:02d}.json")
    images = ImageFolders(places=("videos/VID{number:02d}",))
    video_id = "VID{number:02d}"

    def canonical_id(self, id: str, fields: Fields) -> str:
        """The operation in Cholec80, but for five that are not of it."""
        return cholect50_surgery(int(fields["number"]))

    @cached_property
    def _triples(self) -> Triples:
        """What each triplet id stands for by ``label_mapping.txt``; empty where the copy lacks that file.

        Raises:
            BadRowError: the file is damaged.
        """
        path = as_ended(self.folder / "label_mapping.txt")
        if not path.is_file():
            return {}
        try:
            return read_label_mapping(table_text(path))
        except BadRowError as error:
            hint = "Restore this file from the release, or remove it to go without this check."
            raise BadRowError(f"{self.relative(path)}, {error.message}", hint=hint) from None

    def videos(self) -> list[Video]:
        """All videos with a label file or images; a broken list of triplets is refused before any of them is read."""
        self._triples  # noqa: B018
        return super().videos()

    def labels(self, video: Video) -> VideoLabels:
        """Triplets, phases and boxes of each labelled second."""
        path, where = self.file(video, "labels")
        if path is None:
            detail = f"images without {where}"
            return VideoLabels(defects=[Defect(Reason.ROW_MALFORMED, f"videos/{video.id}", detail)])
        try:
            read = read_labelled_video(path, where, video.data["number"], self._triples)
        except VectorError as error:
            return VideoLabels(defects=[Defect(error.reason, where, error.message)])
        frames, defects = moments_of_vectors(read, where)
        images = self._images(video, {**self.found[video.id][0], "video": video.id})[0]
        size = size_seen(images) if read.part and read.boxed else None
        if size is not None and size in WHOLE:
            detail = f"its boxes are shares of cropped images; these have {size[0]}x{size[1]} as in the full release"
            defects.append(Defect(Reason.FOOTAGE_CONTRADICTS, where, f"{detail}: no box is read"))
            frames = [replace(frame, instrument_boxes=None) for frame in frames]
        return VideoLabels(
            frames=frames,
            defects=[*read.defects, *defects],
            course=course_of_vectors(read),
            moments=read.listed,
            lasts=read.lasts,
            said_by=where,
            beyond=_BEYOND * read.lasts if read.sparse else 1.0 + read.doubtful,
            told=read.told,
        )
