"""SurgSigma-DB v0.1: conversations of many kinds over CholecT50 frames, and dense predictions for part of them.

The release is one JSON for all videos, ``raw_data/`` as an empty layout for the user's own CholecT50 frames, and one
archive of smoky twins, instrument masks and a third set taken to be depth. What its ``task type`` integers mean is told
nowhere but for 1, so an unknown integer is reported, never guessed (``surgsigma_v01_task_types.csv``).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from importlib import resources
from pathlib import Path

from surgsigma_hub.errors import BadRowError
from surgsigma_hub.media.numbering import by_second
from surgsigma_hub.parsers.archive import find_archive
from surgsigma_hub.parsers.releases.cholect50_frames import CROPPED, size_seen
from surgsigma_hub.parsers.releases.sigma_dense import Dense, read_dense
from surgsigma_hub.parsers.releases.sigma_moments import known_rows, moments_at, read_task_types
from surgsigma_hub.parsers.releases.sigma_pieces import SigmaPieces, annotations_in
from surgsigma_hub.records import BoxExtent, Defect, Fact, Frame, Reason, Video
from surgsigma_hub.source import (
    Access,
    DeclaredSource,
    Fields,
    ImageFolders,
    ImageOptions,
    Modality,
    Procedure,
    SourceInfo,
    Specialty,
    VideoLabels,
)
from surgsigma_hub.source.layout import filled

_BEYOND = 3.0
"""How many times as long as its annotations a video may go on after them: most have some here and there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SurgSigmaOptions(ImageOptions):
    """Where the parts are that the release itself does not hold or name."""

    frames_root: str = field(default="", metadata={"help": "CholecT50 copy that holds videos/VIDnn/*.png"})
    annotations: str = field(default="", metadata={"help": "name of the annotation JSON if the root has several"})
    task_types: str = field(default="", metadata={"help": "CSV (type,kind) to use in place of the built-in one"})


class SurgSigmaV01(DeclaredSource):
    """Loader of the CholecT50 subset of SurgSigma-DB v0.1."""

    info = SourceInfo(
        name="surgsigma_v01",
        specialty=Specialty.GENERAL_SURGERY,
        procedure=Procedure.LAPAROSCOPIC_CHOLECYSTECTOMY,
        modality=Modality.LAPAROSCOPY,
        access=Access.REQUEST,
        access_steps="Download SurgSigma-DB from the Hub (open), and request CholecT50 from CAMMA for the frames.",
        layout="""
  <root>/*.json                                      annotations: {"images": [...], "annos": [...]}
  <root>/raw_data/CholecT50/videos/VID02/000509.png  your CholecT50 frames (or --option frames_root=CHOLECT50)
  <root>/dense_prediction/ or .tar or .tar.gz        optional: seg, desmoke, depth
""",
        facts=frozenset({Fact.INSTRUMENT_BOXES, Fact.INSTRUMENTS, Fact.TRACE})
        | {Fact.INSTRUMENT_MASKS, Fact.CLEAN_IMAGE, Fact.DEPTH},
        split_schemes={"release": ("train",)},
        label_origin="model",
        box_extent=BoxExtent.WHOLE,
    )
    options_type = SurgSigmaOptions
    images = ImageFolders(places=("videos/VID{number:02d}",), names="{image:d}.png")
    video_id = "VID{number:02d}"

    @cached_property
    def folder(self) -> Path:
        """The copy of CholecT50 whose frames are used."""
        own = self.options.frames_root
        folder = Path(own) if own else self.root / "raw_data" / "CholecT50"
        if not (folder / "videos").is_dir():
            raise self.layout_error(
                self.root, "there are no CholecT50 frames in raw_data/CholecT50/videos, nor at the option frames_root"
            )
        return folder

    @cached_property
    def _pieces(self) -> SigmaPieces:
        """The annotations by video.

        Raises:
            LayoutError: there is no such file, or it is no such release.
        """
        try:
            pieces = SigmaPieces(annotations_in(self.root, self.options.annotations), self.cache_dir)
            pieces.videos()
        except BadRowError as error:
            raise self.layout_error(self.root, error.message) from None
        return pieces

    @cached_property
    def _dense(self) -> Dense:
        return read_dense(find_archive(self.root / "dense_prediction"), self.cache_dir)

    @cached_property
    def _types(self) -> frozenset[int]:
        """Task types that are known, of the editable table of what they mean."""
        own = self.options.task_types
        return read_task_types(Path(own) if own else resources.files(__package__) / "surgsigma_v01_task_types.csv")

    @cached_property
    def found(self) -> Mapping[str, tuple[Fields, Mapping[str, Path]]]:
        """All videos with an annotation or a dense prediction; their files are those of all."""
        numbers = sorted(self._pieces.videos() | self._dense.videos())
        if not numbers:
            raise self.layout_error(self.root, f"{self._pieces.path.name} holds no annotation of a CholecT50 frame")
        archive = find_archive(self.root / "dense_prediction")
        files = {"annotations": self._pieces.path, **({"dense": archive} if archive and archive.is_file() else {})}
        return {filled(self.video_id, {"number": n}): ({"number": n}, files) for n in numbers}

    def canonical_id(self, id: str, fields: Fields) -> str:
        """The operation in Cholec80, but for those that are CholecT50's own."""
        number = int(fields["number"])
        return f"cholec80/video{number:02d}" if number <= 80 else f"cholect50/{id}"

    def labels(self, video: Video) -> VideoLabels:
        """The annotated and the densely predicted moments of one video; what is of none is told with the first."""
        number = video.data["number"]
        dense, rows = self._dense.of(number), self._pieces.rows(number)
        first = video.id == next(iter(self.found))
        annos, unknown = known_rows(rows, self._types, video.id)
        strays = [*self._pieces.strays(), *self._dense.defects.get(None, ())] if first else []
        told: list[Frame | Defect] = [*strays, *self._dense.defects.get(number, ()), *unknown]
        # A smoky twin needs the frame of its second beside it, so that frames come with their pictures.
        images = self._images(video, self.found[video.id][0])[0]
        size = size_seen(images)
        if size is not None and size in CROPPED:
            detail = f"images of {size[0]}x{size[1]} are those of the challenge part of CholecT50, which are cropped"
            said = Defect(Reason.FOOTAGE_CONTRADICTS, f"videos/{video.id}", f"{detail}: nothing is read", len(rows))
            return VideoLabels(defects=[*(d for d in told if isinstance(d, Defect)), said])
        pictures = {} if images is None else by_second(images, self.stated(video))
        for n in sorted(annos.keys() | dense.keys()):
            told += moments_at(n, f"{video.id}/{n:06d}", annos.get(n, ()), dense.get(n, {}), pictures.get(n))
        labelled = sorted({index for index, _ in rows} | dense.keys())
        lasts = labelled[-1] + 1 if labelled else 0
        said_by = self._pieces.path.name
        return VideoLabels.of(told, lasts=lasts, moments=labelled, said_by=said_by, beyond=_BEYOND * lasts)
