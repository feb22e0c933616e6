"""Cataract-101: the phase of every second of 101 cataract operations, told by where each phase starts.

The traps of this source and what is done about them are told in ``dataset_cards/cataract101.md``.
"""

from __future__ import annotations

import hashlib
import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import pairwise
from pathlib import Path

from surgsigma_hub.errors import BadRowError, SurgSigmaError
from surgsigma_hub.parsers.delimited import Line, read_delimited
from surgsigma_hub.parsers.numbered_files import find_film, is_film
from surgsigma_hub.parsers.runs import covered
from surgsigma_hub.records import Defect, Fact, FilmFile, Frame, Label, Reason, Recording, Segment, Video, VideoTimeline
from surgsigma_hub.source import Access, FilmOptions, Options, Source, SourceInfo

_PHASES = {
    1: "Incision",
    2: "Viscous agent injection",
    3: "Rhexis",
    4: "Hydrodissection",
    5: "Phacoemulsificiation",
    6: "Irrigation and aspiration",
    7: "Capsule polishing",
    8: "Lens implant setting-up",
    9: "Viscous agent removal",
    10: "Tonifying and antibiotics",
}
_TABLES = {"annotations.csv": ("VideoID", "FrameNo", "Phase"), "videos.csv": ("VideoID", "Frames", "FPS")}
_ID = re.compile("[0-9]{1,6}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Cataract101Options(FilmOptions):
    """Options of Cataract-101."""

    step_seconds: int = field(default=1, metadata={"help": "take one moment every so many seconds"})


@dataclass(frozen=True, slots=True)
class _Timeline:
    """Where phases start in one video, rising; a label of None starts a part of which nothing is known."""

    frames: int
    fps: int
    starts: tuple[tuple[int, Label | None], ...]

    def at(self, frame: int) -> Label | None:
        place = bisect_right(self.starts, frame, key=lambda s: s[0])
        return self.starts[place - 1][1] if place else None


class Cataract101(Source):
    """Loader of Cataract-101 (see the module)."""

    info = SourceInfo(
        name="cataract101",
        title="Cataract-101",
        specialty="ophthalmology",
        procedure="cataract_surgery",
        modality="surgical_microscopy",
        license="cc-by-nc-4.0",
        access=Access.OPEN,
        access_steps="Download the archive that the homepage links to and unpack it",
        homepage="http://ftp.itec.aau.at/datasets/ovid/cat-101/",
        layout="cataract-101/\n"
        "  annotations.csv videos.csv          (parted by ;)\n"
        "  phases.csv                          (optional, names of the phases)\n"
        "  videos/case_269.mp4 ...             (25 fps)\n",
        facts=frozenset({Fact.PHASE, Fact.PHASE_SEGMENTS, Fact.FOOTAGE}),
        split_schemes={"hashed": ("train", "val", "test")},
    )
    options_type = Cataract101Options

    def __init__(self, root: Path | None = None, options: Options | None = None, *, cache_dir: Path | None = None):
        super().__init__(root, options, cache_dir=cache_dir)
        if self.options.step_seconds < 1:
            raise SurgSigmaError(f"cataract101: step_seconds={self.options.step_seconds}, expected 1 or more")

    @cached_property
    def _home(self) -> Path:
        """The folder with the tables: the root or, one level deep, the only such folder in it."""

        def fits(folder: Path) -> bool:
            return all((folder / name).is_file() for name in _TABLES)

        return self.find_home(fits, f"no such tables: expected one folder with {' and '.join(_TABLES)}")

    def videos(self) -> list[Video]:
        """All videos that one of the tables names, by number."""
        if not self._numbers:
            raise self.layout_error(self.root, f"{' and '.join(_TABLES)} name no video")
        tables = tuple(self._home / name for name in (*_TABLES, "phases.csv") if (self._home / name).is_file())
        return [self._video(number, tables) for number in self._numbers]

    @cached_property
    def _numbers(self) -> list[str]:
        named = {line.cells[0] for lines in self._lines.values() for line in lines if _ID.fullmatch(line.cells[0])}
        return sorted(named, key=lambda n: (int(n), n))

    def _video(self, number: str, tables: tuple[Path, ...]) -> Video:
        id = f"case_{number}"
        film = find_film(self._home / "videos", id)
        return Video(
            id=id,
            canonical_id=f"cataract101/{id}",
            split=_split(number),
            files=(*tables, *(() if film is None else (film,))),
            data={"number": number},
        )

    @cached_property
    def _lines(self) -> dict[str, tuple[Line, ...]]:
        """The lines of both tables.

        Raises:
            LayoutError: the header of one is not the published one.
        """
        found: dict[str, tuple[Line, ...]] = {}
        for name, columns in _TABLES.items():
            try:
                found[name] = read_delimited(self._home / name, columns, delimiter=";")
            except BadRowError as error:
                raise self.layout_error(self.root, f"{name}, {error.message}") from None
        return found

    @cached_property
    def _names(self) -> dict[int, str]:
        """Names of the phases as ``phases.csv`` gives them, or as published where it is missing."""
        path, names = self._home / "phases.csv", dict(_PHASES)
        if path.is_file():
            try:
                lines = read_delimited(path, ("Phase", "Meaning"), delimiter=";")
            except BadRowError as error:
                raise self.layout_error(self.root, f"phases.csv, {error.message}") from None
            names |= {int(x.cells[0]): x.cells[1] for x in lines if not x.problem and _ID.fullmatch(x.cells[0])}
        return names

    def frames(self, video: Video) -> Iterator[Frame | Defect]:
        """One moment a second from the first phase on; reads the tables, no film."""
        if video.data["number"] == self._numbers[0]:
            yield from self._lost_lines()
        timeline, defects = self._timeline(video)
        yield from defects
        if timeline is None:
            return
        for index in range(0, timeline.frames, timeline.fps * self.options.step_seconds):
            label = timeline.at(index)
            if label is not None:
                yield Frame(index=index, fps=timeline.fps, phase=label)

    def recording(self, video: Video) -> Recording | None:
        """The film as ``videos.csv`` describes it."""
        timeline, _ = self._timeline(video)
        if timeline is None:
            return None
        film = next((p for p in video.files if is_film(p)), None)
        fps, frames = timeline.fps, timeline.frames
        return Recording(
            media=None if film is None else FilmFile(path=film, fps=float(fps), counted=True),
            place=f"videos/{video.id}.mp4" if film is None else self.relative(film),
            absent="the film is missing",
            moments=[n / fps for n in range(0, frames, fps) if timeline.at(n) is not None],
            lasts=frames / fps,
            within=2 / fps,
            said_by=f"videos.csv: {frames} frames at {fps} a second",
            stated=self.stated(video),
        )

    def course(self, video: Video) -> VideoTimeline | None:
        """The phases as intervals, neighbours of one phase as one."""
        timeline, _ = self._timeline(video)
        if timeline is None:
            return None
        segments: list[Segment] = []
        ends = (*timeline.starts, (timeline.frames, None))
        for (start, label), (end, after) in pairwise(ends):
            if label is None:
                continue
            made = Segment("phase", label, start / timeline.fps, end / timeline.fps, end_known=after is not None)
            if segments and segments[-1].label == label and segments[-1].end_seconds == made.start_seconds:
                before = segments.pop()
                made = replace(made, start_seconds=before.start_seconds)
            segments.append(made)
        return VideoTimeline(
            segments=tuple(segments),
            labelled={"phase": covered((s.start_seconds, s.end_seconds) for s in segments)},
        )

    def _timeline(self, video: Video) -> tuple[_Timeline | None, list[Defect]]:
        """Where phases start, and what is wrong with the rows of this video; None where its length is not known."""
        number, defects = video.data["number"], list[Defect]()
        sizes = [line.integers() for line in self._lines["videos.csv"] if line.cells[0] == number]
        if len(sizes) != 1 or sizes[0] is None or min(sizes[0]) < 1:
            detail = f"expected one row {number};<frames>;<fps>;..., found {len(sizes)}: nothing of this video is read"
            return None, [Defect(Reason.ROW_MALFORMED, f"videos.csv video {number}", detail)]
        _, frames, fps = sizes[0]
        starts: dict[int, Label | None] = {}
        for line in self._lines["annotations.csv"]:
            if line.cells[0] != number:
                continue
            where, values = f"annotations.csv line {line.number}", line.integers()
            if values is None or not 0 <= values[1] < frames:
                found = line.problem or f"{';'.join(line.cells)[:80]!r}, expected a frame number from 0 to {frames - 1}"
                detail = f"{found}; where phases change is not known, so nothing of this video is read"
                return None, [*defects, Defect(Reason.ROW_MALFORMED, where, detail)]
            _, start, phase = values
            label = Label(self._names[phase]) if phase in self._names else None
            if label is None:
                detail = f"phase {phase} is not one of {min(self._names)} to {max(self._names)}; it is left unlabelled"
                defects.append(Defect(Reason.LABEL_UNKNOWN, where, detail))
            if start in starts:
                same = starts[start] == label
                detail = f"frame {start} starts a phase twice, {'the same' if same else 'different ones: unlabelled'}"
                defects.append(Defect(Reason.DUPLICATE_ID, where, detail))
                label = label if same else None
            starts[start] = label
        return _Timeline(frames, fps, tuple(sorted(starts.items()))), defects

    def _lost_lines(self) -> Iterator[Defect]:
        """Lines that do not say which video they are of, told with the first video so that each is told once."""
        for name, lines in self._lines.items():
            for line in lines:
                if _ID.fullmatch(line.cells[0]) is None:
                    detail = f"{line.cells[0][:40]!r} is no video number"
                    yield Defect(Reason.ROW_MALFORMED, f"{name} line {line.number}", detail)


def _split(number: str) -> str:
    """Seven in ten videos to train, one to val, two to test, by the number alone."""
    digest = hashlib.blake2b(number.encode(), digest_size=8).digest()
    place = int.from_bytes(digest, "big") % 10
    return "train" if place < 7 else "val" if place == 7 else "test"
