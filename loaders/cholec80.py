"""Cholec80: phases and tool presence, in the three forms in which the dataset is found.

Whatever the form (films, one picture per second, TFRecords), a moment is named by its 25 fps frame number, so that the
same labels give the same annotations in each. The traps of this source and what is done about them are told in
``dataset_cards/cholec80.md``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

from surgsigma_hub.errors import BadRowError, SurgSigmaError
from surgsigma_hub.parsers.releases.cholec80_records import moments_recorded, numbered_records, record_files
from surgsigma_hub.parsers.releases.cholec80_tables import FPS, read_tables
from surgsigma_hub.records import Fact, Video
from surgsigma_hub.source import (
    Access,
    DeclaredSource,
    Fields,
    Files,
    FilmOrImageOptions,
    Films,
    Home,
    ImageFolders,
    Modality,
    Options,
    Procedure,
    SourceInfo,
    Specialty,
    StepOptions,
    VideoLabels,
)
from surgsigma_hub.source.numbered_files import stem_pattern

_NUMBERS: dict[str, tuple[int, float]] = {"image": (1, 1.0), "second": (0, 1.0), "frame": (0, float(FPS))}
"""Fields of a pattern of names: the number of the first picture, and numbers per second."""


class _Records(Home):
    """A folder of TFRecord files, whatever their names."""

    def fits(self, folder: Path) -> bool:
        return bool(record_files(folder))


_ANNOTATIONS = ("phase_annotations/", "tool_annotations/")
_HOMES = {
    "png": Home(any_of=_ANNOTATIONS, all_of=("frames/",), depth=2),
    "mp4": Home(any_of=_ANNOTATIONS, all_of=("videos/*",), depth=2),
    "tfrecord": _Records(depth=2),
}


@dataclass(frozen=True, kw_only=True)
class Cholec80Options(StepOptions, FilmOrImageOptions):
    """Options of Cholec80."""

    form: str = field(
        default="auto",
        metadata={"help": "form of the copy: auto, png, mp4 or tfrecord", "choices": ("auto", *_HOMES)},
    )
    frame_pattern: str = field(
        default="{video}_{image:06d}.png",
        metadata={
            "help": "name of an image in frames/videoNN: {video} is videoNN, {image} the second from 1 on, {second} "
            "the second from 0 on, {frame} the 25 fps frame number, for example {frame}.png"
        },
    )


class Cholec80(DeclaredSource):
    """Loader of Cholec80 (see the module)."""

    info = SourceInfo(
        name="cholec80",
        specialty=Specialty.GENERAL_SURGERY,
        procedure=Procedure.LAPAROSCOPIC_CHOLECYSTECTOMY,
        modality=Modality.LAPAROSCOPY,
        access=Access.REQUEST,
        access_steps="Fill in the Cholec80 request form linked from the homepage and unpack what is sent",
        layout="cholec80/                                (the folder above it and cholec80/cholec80/ will do as well)\n"
        "  phase_annotations/video01-phase.txt ...\n"
        "  tool_annotations/video01-tool.txt ...\n"
        "  frames/video01/video01_000001.png ...  (1 image per second; other names: option frame_pattern)\n"
        "  videos/video01.mp4 ...                 (in place of frames/)\n"
        "or a folder of TFRecord files alone, one per video\n",
        facts=frozenset({Fact.PHASE, Fact.INSTRUMENTS, Fact.PHASE_SEGMENTS, Fact.FOOTAGE}),
        split_schemes={"endonet": ("train", "test"), "tecno": ("train", "val", "test")},
    )
    options_type = Cholec80Options
    files = Files(
        phase="phase_annotations/video{number:02d}-phase.txt", tool="tool_annotations/video{number:02d}-tool.txt"
    )
    video_id = "video{number:02d}"

    def __init__(self, root: Path | None = None, options: Options | None = None, *, cache_dir: Path | None = None):
        super().__init__(root, options, cache_dir=cache_dir)
        names, base, fps = self._numbered_by()
        places = ("frames/video{number:02d}", "frames/video_{number:02d}", "frames/{number:02d}")
        self._pictures = ImageFolders(
            places=places, names=names, fps={fps: "*"}, base=base, hint=" (option frame_pattern)"
        )

    def _numbered_by(self) -> tuple[str, int, float]:
        """Names of pictures as the option states them, their number as ``{image}``; the first one, and their rate."""
        option = self.options.frame_pattern
        try:
            _, name = stem_pattern(option, video="video01")
            if "/" in option:
                raise ValueError
            return option.replace("{" + name, "{image"), *_NUMBERS[name]
        except (KeyError, IndexError, ValueError):
            raise SurgSigmaError(
                f"cholec80: frame_pattern={option!r} does not name one image per second",
                hint="Use {image}, {second} or {frame}, for example '{frame}.png' or '{video}_{image:06d}.png'.",
            ) from None

    @cached_property
    def _place(self) -> tuple[Path, str]:
        """The folder that holds the dataset, and the form in use."""
        wanted = self.options.form
        for form, home in _HOMES.items():
            folder = self.search(home) if wanted in ("auto", form) else None
            if folder is not None:
                return folder, form
        of = "" if wanted == "auto" else f" of the form {wanted}"
        raise self.layout_error(self.root, f"neither annotations with frames/ or videos/ nor TFRecords found{of}")

    @cached_property
    def folder(self) -> Path:
        """The home, by form."""
        folder, form = self._place
        self.images = self._pictures if form == "png" else None
        self.films = Films(places=("videos/video{number:02d}",), within=1 / FPS) if form == "mp4" else None
        return folder

    @cached_property
    def found(self) -> Mapping[str, tuple[Fields, Mapping[str, Path]]]:
        """The files of each video."""
        if self._place[1] != "tfrecord":
            return super().found
        try:
            numbers = numbered_records(record_files(self._place[0]))
        except BadRowError as error:
            raise self.layout_error(self.root, error.message) from None
        return {f"video{n:02d}": ({"number": n}, {"records": path}) for n, path in numbers.items()}

    def labels(self, video: Video) -> VideoLabels:
        """Phases of each frame and tools of each second."""
        if self._place[1] == "tfrecord":
            frames, defects, course = moments_recorded(*self.file(video, "records"), video.data["number"])
            return VideoLabels(frames=frames, defects=defects, course=course)
        read = read_tables(self.file(video, "phase"), self.file(video, "tool"))
        told = VideoLabels(
            frames=read.moments(),
            defects=read.defects(),
            course=read.course(),
            lasts=read.lasts,
            said_by=f"{video.id}-{'phase' if read.phases else 'tool'}.txt",
            beyond=1 + read.phase.unread / FPS,
        )
        if self.images is None:
            return told
        moments, lasts, spare = read.pictured()
        return replace(told, moments=moments, lasts=lasts, spare=spare)
