"""Cholec80: phases and tool presence, in the three forms in which the dataset is found.

Whatever the form (films, one picture per second, TFRecords), a moment is named by its 25 fps frame number, so that the
same labels give the same annotations in each. The traps of this source and what is done about them are told in
``dataset_cards/cholec80.md``.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from surgsigma_hub.errors import SurgSigmaError, UnknownNameError
from surgsigma_hub.parsers.cholec80_tables import FPS as _FPS
from surgsigma_hub.parsers.cholec80_tables import Tables, read_tables
from surgsigma_hub.parsers.numbered_files import is_film, lacking, numbered_images, stem_pattern
from surgsigma_hub.parsers.releases.cholec80_records import number_inside, read_video, record_files
from surgsigma_hub.parsers.runs import runs, stretches
from surgsigma_hub.records import (
    Defect,
    Fact,
    FileImage,
    FileSlice,
    FilmFile,
    Frame,
    ImageRef,
    Label,
    NumberedImages,
    Origin,
    Reason,
    Recording,
    Stills,
    Video,
    VideoTimeline,
)
from surgsigma_hub.source import Access, FilmOrImageOptions, Options, Source, SourceInfo

logger = logging.getLogger(__name__)

_SPLITS: dict[str, dict[str, range]] = {
    "endonet": {"train": range(1, 41), "test": range(41, 81)},
    "tecno": {"train": range(1, 41), "val": range(41, 49), "test": range(49, 81)},
}
_FORMS = ("png", "mp4", "tfrecord")
_SHIPPED = "{video}_{image:06d}.png"
_NUMBERS: dict[str, tuple[int, float]] = {"image": (1, 1.0), "second": (0, 1.0), "frame": (0, float(_FPS))}
"""Fields of a pattern of names: the number of the first picture, and numbers per second."""
_VIDEO_COUNT = 80
_NOT_HOMES = frozenset({"frames", "videos", "phase_annotations", "tool_annotations", "__MACOSX"})
_FOLDER = r"(?:video_?)?([0-9]{1,3})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cholec80Options(FilmOrImageOptions):
    """Options of Cholec80."""

    form: str = field(default="auto", metadata={"help": "form of the copy: auto, png, mp4 or tfrecord"})
    frame_pattern: str = field(
        default=_SHIPPED,
        metadata={
            "help": "name of a picture in frames/videoNN: {video} is videoNN, {image} the second from 1 on, {second} "
            "the second from 0 on, {frame} the 25 fps frame number, for example {frame}.png"
        },
    )
    step_seconds: int = field(default=1, metadata={"help": "take one moment every so many seconds"})


class Cholec80(Source):
    """Loader of Cholec80 (see the module)."""

    info = SourceInfo(
        name="cholec80",
        title="Cholec80",
        specialty="general_surgery",
        procedure="laparoscopic_cholecystectomy",
        modality="laparoscopy",
        license="cc-by-nc-sa-4.0",
        access=Access.REQUEST,
        access_steps="Fill in the Cholec80 request form linked from the homepage and unpack what is sent",
        homepage="http://camma.u-strasbg.fr/datasets",
        layout="cholec80/                                (the folder above it and cholec80/cholec80/ will do as well)\n"
        "  phase_annotations/video01-phase.txt ...\n"
        "  tool_annotations/video01-tool.txt ...\n"
        "  frames/video01/video01_000001.png ...  (1 picture per second; other names: option frame_pattern)\n"
        "  videos/video01.mp4 ...                 (in place of frames/)\n"
        "or a folder of TFRecord files alone, one per video\n",
        facts=frozenset({Fact.PHASE, Fact.INSTRUMENTS, Fact.PHASE_SEGMENTS, Fact.FOOTAGE}),
        split_schemes={name: tuple(splits) for name, splits in _SPLITS.items()},
    )
    options_type = Cholec80Options

    def __init__(self, root: Path | None = None, options: Options | None = None, *, cache_dir: Path | None = None):
        super().__init__(root, options, cache_dir=cache_dir)
        if self.options.form not in ("auto", *_FORMS):
            raise UnknownNameError("form", self.options.form, ("auto", *_FORMS), where=self.info.name)
        if self.options.step_seconds < 1:
            raise SurgSigmaError(f"cholec80: step_seconds={self.options.step_seconds}, expected 1 or more")
        self._names("video01")

    # ------------------------------------------------------------------------------------------------ finding files

    @cached_property
    def _place(self) -> tuple[Path, str]:
        """The folder that holds the dataset, up to two levels below the root, and the form in use."""
        level = [self.root]
        for _ in range(3):
            found = [(folder, form) for folder in level if (form := self._form_of(folder))]
            if len(found) > 1:
                names = ", ".join(self.relative(folder) for folder, _ in found[:5])
                raise self.layout_error(self.root, f"it holds several copies ({names}); give one of them")
            if found:
                return found[0]
            deeper = [f for f in level if f == self.root or f.name.lower().startswith("cholec80")]
            level = [p for f in deeper for p in sorted(f.iterdir()) if p.is_dir() and p.name not in _NOT_HOMES]
        wanted = "" if self.options.form == "auto" else f" of the form {self.options.form}"
        raise self.layout_error(self.root, f"neither annotations with frames/ or videos/ nor TFRecords found{wanted}")

    def _form_of(self, folder: Path) -> str | None:
        annotated = (folder / "phase_annotations").is_dir() or (folder / "tool_annotations").is_dir()
        present = {
            "png": annotated and (folder / "frames").is_dir(),
            "mp4": annotated and any(is_film(p) for p in (folder / "videos").glob("*")),
            "tfrecord": bool(record_files(folder)),
        }
        wanted = _FORMS if self.options.form == "auto" else (self.options.form,)
        return next((form for form in wanted if present[form]), None)

    def videos(self) -> list[Video]:
        """All videos with annotations or media, by number."""
        home, form = self._place
        if form == "tfrecord":
            files = {number: [path] for number, path in self._record_numbers(record_files(home)).items()}
        else:
            files = {}
            for folder, pattern in (
                ("phase_annotations", r"video([0-9]{1,3})-phase\.txt"),
                ("tool_annotations", r"video([0-9]{1,3})-tool\.txt"),
                ("videos", r"video([0-9]{1,3})\.\w+") if form == "mp4" else ("frames", _FOLDER),
            ):
                for number, path in self._numbered(home / folder, pattern).items():
                    files.setdefault(number, []).extend([] if path.is_dir() else [path])
        if not files:
            raise self.layout_error(self.root, "no file is named after a video (video01 ...)")
        return [self._video(number, tuple(paths)) for number, paths in sorted(files.items())]

    def _video(self, number: int, files: tuple[Path, ...]) -> Video:
        splits = _SPLITS[self.split_scheme]
        split = next((name for name, numbers in splits.items() if number in numbers), None)
        id = f"video{number:02d}"
        # A video of no split gets the first one's name, since it must have one, and never yields a frame.
        data = {"number": number, "outside": split is None}
        return Video(id=id, canonical_id=f"cholec80/{id}", split=split or next(iter(splits)), files=files, data=data)

    def _numbered(self, folder: Path, pattern: str) -> dict[int, Path]:
        found: dict[int, Path] = {}
        for path in sorted(folder.iterdir()) if folder.is_dir() else ():
            match = re.fullmatch(pattern, path.name)
            if match is None:
                logger.info("%s: not named after a video, not read", self.relative(path))
                continue
            number = int(match[1])
            if number in found:
                raise self.layout_error(self.root, f"{found[number].name} and {path.name} are the same video")
            found[number] = path
        return found

    def _record_numbers(self, paths: list[Path]) -> dict[int, Path]:
        """The video number of each TFRecord file: by its name, by the place in a full set, or as its records say."""
        named = [re.match(r"video_?([0-9]{1,3})(?![0-9])", path.name) for path in paths]
        numbers = [int(match[1]) if match else None for match in named]
        if None in numbers and len(paths) == _VIDEO_COUNT:
            numbers = list(range(1, _VIDEO_COUNT + 1))
        found: dict[int, Path] = {}
        for number, path in zip(numbers, paths, strict=True):
            number = number if number is not None else number_inside(path)
            if number is None or number in found:
                what = f"as {found[number].name} does" if number in found else "nor do its records"
                raise self.layout_error(
                    self.root,
                    f"the name of {path.name} does not say which video it is {what}; name the files video01.tfrecord, "
                    "... or keep all 80",
                )
            found[number] = path
        return found

    # ----------------------------------------------------------------------------------------------- reading moments

    def frames(self, video: Video) -> Iterator[Frame | Defect]:
        """The annotated seconds of one video, in order."""
        if video.data.get("outside"):
            splits = ", ".join(f"{k} {v.start}-{v.stop - 1}" for k, v in _SPLITS[self.split_scheme].items())
            detail = f"this video is in no split of scheme {self.split_scheme} ({splits})"
            yield Defect(Reason.SAMPLE_INVALID, video.id, detail)
        elif self._place[1] == "tfrecord":
            yield from self._from_records(video)
        else:
            yield from self._from_text(video)

    def _from_text(self, video: Video) -> Iterator[Frame | Defect]:
        tables = self._tables(video)
        yield from tables.defects
        for second in tables.seconds:
            if second % self.options.step_seconds == 0:
                yield _frame(second, tables.phases.get(second), tables.present.get(second))

    @cached_property
    def _read(self) -> dict[str, Tables]:
        """The tables of the video that was read last: frames, recording and course ask for the same."""
        return {}

    def _tables(self, video: Video) -> Tables:
        if video.id not in self._read:
            self._read.clear()
            phase, tool = (
                next((p for p in video.files if p.name.endswith(f"-{k}.txt")), None) for k in ("phase", "tool")
            )
            self._read[video.id] = read_tables(
                phase, tool, phase_place=self._where(video, "phase"), tool_place=self._where(video, "tool")
            )
        return self._read[video.id]

    def _where(self, video: Video, kind: str) -> str:
        """The place of a table of the video, whether or not the file exists."""
        return self.relative(self._place[0] / f"{kind}_annotations" / f"{video.id}-{kind}.txt")

    def recording(self, video: Video) -> Recording | None:
        """Films counted at 25 frames a second, or pictures numbered as the option frame_pattern says."""
        if video.data.get("outside") or self._place[1] == "tfrecord":
            return None
        rows = self._tables(video)
        seconds = rows.seconds
        kind = "phase" if rows.phases else "tool"
        stated, said_by = self.stated(video), f"{video.id}-{kind}.txt"
        if self._place[1] == "mp4":
            film = next((p for p in video.files if is_film(p)), None)
            return Recording(
                media=None if film is None else FilmFile(path=film, fps=float(_FPS), counted=True),
                place=f"videos/{video.id}.mp4" if film is None else f"videos/{film.name}",
                absent="the film is missing",
                moments=seconds,
                lasts=rows.ends,
                said_by=said_by,
                within=1 / _FPS,
                beyond=rows.beyond,
                stated=stated,
            )
        frames = self._place[0] / "frames"
        folder = self._numbered(frames, _FOLDER).get(video.data["number"], frames / video.id)
        names, (base, fps), pattern = self._names(video.id)
        images = numbered_images(folder, pattern)
        # The last second often has a phase, but neither tools nor a picture.
        tail = {s for s in seconds[-1:] if s not in rows.present and (s - 1 in rows.present or not rows.present)}
        last = max(rows.present, default=seconds[-1] - 1 if seconds else 0)
        return Recording(
            media=NumberedImages(images={n: FileImage(p) for n, p in images.items()}, name=names, base=base, fps=fps),
            place=f"frames/{folder.name}",
            absent=f"{lacking(folder, names.format(base))} (option frame_pattern)",
            moments=[s for s in seconds if s <= last],
            lasts=(seconds[-1] if seconds else 0) + 1,
            said_by=said_by,
            beyond=rows.beyond,
            spare=frozenset(tail),
            stated=stated,
        )

    def course(self, video: Video) -> VideoTimeline | None:
        """Runs of phases as segments; :meth:`frames` tells what cannot be read."""
        if video.data.get("outside"):
            return None
        footage = None
        if self._place[1] == "tfrecord":
            path = video.files[0]
            seconds = read_video(path, video.data["number"]).seconds
            fps, phases = 1, {n: r.phase for n, r in seconds.items()}
            footage = _stills({n: FileSlice(path, r.picture.offset, r.picture.length) for n, r in seconds.items()})
        else:
            rows = self._tables(video).by_frame
            # A copy thinned to one row a second says as much as one with every frame, but at another rate.
            unit = _FPS if all(frame % _FPS == 0 for frame in rows) else 1
            fps, phases = _FPS // unit, {frame // unit: name for frame, name in rows.items()}
        if not phases and footage is None:
            return None
        labels = [(index, Label(name)) for index, name in sorted(phases.items()) if name is not None]
        return VideoTimeline(
            segments=runs(labels, fps=fps, layer="phase"),
            footage=footage,
            origins={Fact.PHASE_SEGMENTS: Origin("derived")},
            labelled={"phase": stretches([index for index, _ in labels], fps=fps)},
        )

    def _names(self, video: str) -> tuple[str, tuple[int, float], str]:
        """Names of the pictures of a video, to be formatted with a number; how they count; the pattern to find them."""
        option = self.options.frame_pattern
        try:
            pattern, field = stem_pattern(option, video=video)
            base, fps = _NUMBERS[field]
            names = re.sub(rf"\{{{field}(:[^}}]*)?\}}", r"{\1}", option.replace("{video}", video))
            if "/" in names.format(0):
                raise ValueError
        except (KeyError, IndexError, ValueError):
            raise SurgSigmaError(
                f"cholec80: frame_pattern={option!r} does not name one picture per second",
                hint="Use {image}, {second} or {frame}, for example '{frame}.png' or '{video}_{image:06d}.png'.",
            ) from None
        return names, (base, fps), pattern

    # ---------------------------------------------------------------------------------------------------- TFRecords

    def _from_records(self, video: Video) -> Iterator[Frame | Defect]:
        path, where = video.files[0], self.relative(video.files[0])
        recorded = read_video(path, video.data["number"])
        for reason, place, detail in recorded.problems:
            yield Defect(reason, f"{where} {place}", detail)
        for second, found in recorded.seconds.items():
            if second % self.options.step_seconds == 0:
                picture = FileSlice(path, found.picture.offset, found.picture.length)
                yield _frame(second, found.phase, found.tools, picture)


def _frame(second: int, phase: str | None, tools: tuple[str, ...] | None, image: ImageRef | None = None) -> Frame:
    return Frame(
        index=_FPS * second,
        fps=_FPS,
        image=image,
        phase=None if phase is None else Label(phase),
        instruments=None if tools is None else tuple(Label(tool) for tool in tools),
    )


def _stills(images: Mapping[int, FileSlice]) -> Stills | None:
    """One picture a second up to the last that is there."""
    return Stills(tuple(images.get(n) for n in range(max(images) + 1)), 1.0) if images else None
