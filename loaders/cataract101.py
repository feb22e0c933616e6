"""Cataract-101: the phase of every second of 101 cataract operations, told by where each phase starts.

The traps of this source and what is done about them are told in ``dataset_cards/cataract101.md``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from surgsigma_hub.errors import BadRowError
from surgsigma_hub.parsers.delimited import Line, read_delimited
from surgsigma_hub.parsers.intervals import course_in, moments_in, spans_of_starts
from surgsigma_hub.records import Defect, Fact, Reason, Video
from surgsigma_hub.source import (
    Access,
    DeclaredSource,
    Fields,
    Files,
    FilmOptions,
    Films,
    Home,
    Modality,
    Procedure,
    SourceInfo,
    Specialty,
    StepOptions,
    VideoLabels,
    hash_split,
)
from surgsigma_hub.source.layout import matches

_PHASES = (
    *("Incision", "Viscous agent injection", "Rhexis", "Hydrodissection", "Phacoemulsificiation"),
    *("Irrigation and aspiration", "Capsule polishing", "Lens implant setting-up", "Viscous agent removal"),
    "Tonifying and antibiotics",
)
"""Names as published, from number 1 on."""
_TABLES = {"annotations": ("VideoID", "FrameNo", "Phase"), "videos": ("VideoID", "Frames", "FPS")}
_ID = re.compile("[0-9]{1,6}")


@dataclass(frozen=True, kw_only=True)
class Cataract101Options(StepOptions, FilmOptions):
    """Options of Cataract-101."""


class Cataract101(DeclaredSource):
    """Loader of Cataract-101 (see the module)."""

    info = SourceInfo(
        name="cataract101",
        specialty=Specialty.OPHTHALMOLOGY,
        procedure=Procedure.CATARACT_SURGERY,
        modality=Modality.SURGICAL_MICROSCOPY,
        access=Access.OPEN,
        access_steps="Download the archive that the homepage links to and unpack it",
        layout="cataract-101/\n"
        "  annotations.csv videos.csv          (parted by ;)\n"
        "  phases.csv                          (optional, names of the phases)\n"
        "  videos/case_269.mp4 ...             (25 fps)\n",
        facts=frozenset({Fact.PHASE, Fact.PHASE_SEGMENTS, Fact.FOOTAGE}),
        split_schemes={"hashed": ("train", "val", "test")},
    )
    options_type = Cataract101Options
    home = Home(
        all_of=("annotations.csv", "videos.csv"),
        missing="no such tables: expected one folder with annotations.csv and videos.csv",
    )
    files = Files(annotations="annotations.csv", videos="videos.csv", phases="phases.csv")
    films = Films(places=("videos/case_{number:d}",))
    video_id = "case_{number:d}"

    def listed(self) -> Iterable[Fields]:
        """All videos that one of the tables names."""
        firsts = {line.cells[0] for lines in self._lines.values() for line in lines}
        numbers = {int(first) for first in firsts if _ID.fullmatch(first)}
        if not numbers:
            raise self.layout_error(self.root, "annotations.csv and videos.csv name no video")
        return [{"number": number} for number in sorted(numbers)]

    def split_of(self, id: str, fields: Fields) -> str:
        """Seven in ten videos to train, one to val, two to test, by the number alone."""
        return hash_split(str(fields["number"]), self.hashed)

    def fps_of(self, video: Video) -> float:
        """The rate that ``videos.csv`` gives."""
        return float(self._size(video)[1])

    def _table(self, kind: str, columns: tuple[str, ...]) -> tuple[Line, ...]:
        path = next(path for _, path in matches(self.folder, f"{kind}.csv"))
        try:
            return read_delimited(path, columns, delimiter=";")
        except BadRowError as error:
            raise self.layout_error(self.root, f"{path.name}, {error.message}") from None

    @cached_property
    def _lines(self) -> dict[str, tuple[Line, ...]]:
        """The lines of both tables."""
        return {kind: self._table(kind, columns) for kind, columns in _TABLES.items()}

    @cached_property
    def _names(self) -> dict[int, str]:
        """Names of the phases as ``phases.csv`` gives them, or as published where it is missing."""
        there = any(True for _ in matches(self.folder, "phases.csv"))
        lines = self._table("phases", ("Phase", "Meaning")) if there else ()
        sound = [line.cells for line in lines if not line.problem and _ID.fullmatch(line.cells[0])]
        return dict(enumerate(_PHASES, 1)) | {int(number): name for number, name in sound}

    def _of(self, kind: str, video: Video) -> list[Line]:
        number = video.data["number"]
        return [x for x in self._lines[kind] if _ID.fullmatch(x.cells[0]) and int(x.cells[0]) == number]

    def _size(self, video: Video) -> tuple[int, int]:
        """Frames and frames per second of a film; zeros where they are not known."""
        sizes = [line.integers() or (0, 0, 0) for line in self._of("videos", video)]
        return (sizes[0][1], sizes[0][2]) if len(sizes) == 1 and min(sizes[0]) >= 1 else (0, 0)

    def labels(self, video: Video) -> VideoLabels:
        """Phases from where each starts, in a film that ``videos.csv`` gives the length of."""
        defects = list(self._lost_lines()) if video.data["number"] == min(f["number"] for f in self.listed()) else []
        frames, fps = self._size(video)
        if not frames:
            number, found = video.data["number"], len(self._of("videos", video))
            detail = f"expected one row {number};<frames>;<fps>;..., found {found}: nothing of this video is read"
            return VideoLabels(defects=[*defects, Defect(Reason.ROW_MALFORMED, f"videos.csv video {number}", detail)])
        rows = (
            (f"line {x.number}", *((x.integers() or (0, None, None))[1:]), x.problem or repr(";".join(x.cells)[:80]))
            for x in self._of("annotations", video)
        )
        spans = spans_of_starts(rows, self.file(video, "annotations")[1], end=frames, rate=fps, names=self._names)
        defects += spans.defects
        return VideoLabels(
            frames=moments_in({"phase": spans}, index=fps),
            defects=defects,
            course=None if spans.unread else course_in({"phase": spans}),
            lasts=None if spans.unread else frames / fps,
            within=2 / fps,
            said_by=f"videos.csv: {frames} frames at {fps} a second",
        )

    def _lost_lines(self) -> Iterable[Defect]:
        """Lines that do not say which video they are of, told with the first video so that each is told once."""
        for kind, lines in self._lines.items():
            for line in lines:
                if _ID.fullmatch(line.cells[0]) is None:
                    where, detail = f"{kind}.csv line {line.number}", f"{line.cells[0][:40]!r} is no video number"
                    yield Defect(Reason.ROW_MALFORMED, where, detail)
