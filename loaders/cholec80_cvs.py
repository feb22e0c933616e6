"""Cholec80-CVS: how far each criterion of the critical view of safety is met, by intervals of Cholec80's films.

The traps of this source and what is done about them are told in ``dataset_cards/cholec80_cvs.md``.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache, cached_property
from importlib import resources

from surgsigma_hub.errors import BadRowError
from surgsigma_hub.parsers.cells import whole
from surgsigma_hub.parsers.intervals import IntervalTable, spans_of
from surgsigma_hub.parsers.workbook import SheetRow, read_sheet
from surgsigma_hub.records import Defect, Fact, Frame, Label, Reason, Verdict, Video
from surgsigma_hub.source import (
    Access,
    DeclaredSource,
    Fields,
    Files,
    FilmOrImageOptions,
    Films,
    ImageFolders,
    Modality,
    Procedure,
    SourceInfo,
    Specialty,
    StepOptions,
    VideoLabels,
)
from surgsigma_hub.source.layout import matches

_FPS = 25
_CRITERIA = ("two_structures", "cystic_plate", "hepatocystic_triangle")
_TIMES = ("initial_minute", "initial_second", "final_minute", "final_second")
_BEST = 2
"""Scores are 0, 1 and 2; the authors count 1 as met."""
_TABLE = IntervalTable(start=0, end=1, label=2, unit="s")
_FOLDS = tuple(f"fold-{n}" for n in range(1, 17))


@cache
def _ends() -> dict[str, int]:
    """The last frame before the first clip of each video, as the authors list them."""
    text = (resources.files("surgsigma_hub.loaders") / "cholec80_cvs_ends.csv").read_text("utf-8")
    return {row["video"]: int(row["final_frame"]) for row in csv.DictReader(text.splitlines())}


@dataclass(frozen=True, kw_only=True)
class Cholec80CvsOptions(StepOptions, FilmOrImageOptions):
    """Options of Cholec80-CVS."""


class Cholec80Cvs(DeclaredSource):
    """Loader of Cholec80-CVS (see the module)."""

    info = SourceInfo(
        name="cholec80_cvs",
        specialty=Specialty.GENERAL_SURGERY,
        procedure=Procedure.LAPAROSCOPIC_CHOLECYSTECTOMY,
        modality=Modality.LAPAROSCOPY,
        access=Access.OPEN,
        access_steps="Download the workbook that the homepage links to and put it into a copy of Cholec80",
        layout="cholec80/                               (a copy of Cholec80, see its card)\n"
        "  cholec80-CVS.xlsx                      (or surgeons_annotations.xlsx, in any folder)\n"
        "  frames/video01/video01_000001.png ...  (1 image per second), or\n"
        "  videos/video01.mp4 ...                 (25 fps)\n",
        facts=frozenset({Fact.CRITERIA}),
        split_schemes={"colenet": ("train", "val", "test"), **dict.fromkeys(_FOLDS, ("train", "test"))},
    )
    options_type = Cholec80CvsOptions
    files = Files(scores=("**/cholec80-CVS.xlsx", "**/surgeons_annotations.xlsx"))
    films = Films(places=("**/videos/video{number:02d}",))
    images = ImageFolders(places=("**/frames/video{number:02d}",), names="video{number:02d}_{image:06d}.png", base=1)
    video_id = "video{number:02d}"

    @cached_property
    def _rows(self) -> tuple[SheetRow, ...]:
        path = next((p for pattern in self.files["scores"] for _, p in matches(self.folder, pattern)), None)
        if path is None:
            raise self.layout_error(self.root, "there is no cholec80-CVS.xlsx and no surgeons_annotations.xlsx")
        try:
            return read_sheet(path, ("video", *_TIMES, *_CRITERIA))
        except BadRowError as error:
            raise self.layout_error(self.root, f"{self.relative(path)}: {error.message}") from None

    def listed(self) -> Iterable[Fields]:
        """All videos that the workbook names."""
        numbers = sorted({n for row in self._rows if (n := whole(row.cells[0])) is not None and 0 < n < 1000})
        return [{"number": number} for number in numbers]

    def canonical_id(self, id: str, fields: Fields) -> str:
        """The operation in Cholec80."""
        return f"cholec80/{id}"

    def labels(self, video: Video) -> VideoLabels:
        """The three scores of every second within an interval, up to the first clip."""
        rows = [row for row in self._rows if whole(row.cells[0]) == video.data["number"]]
        where = self.file(video, "scores")[1]
        spans = spans_of((self._interval(row) for row in rows), where, _TABLE)
        last = _ends().get(video.id, int(spans.ends * _FPS)) / _FPS
        late = [row for row in rows if (ends := self._interval(row)[2]) is not None and ends > last]
        detail = f"{len(late)} intervals of this video go on after its first clip at {last:g} s, where none is read"
        frames = [
            Frame(index=_FPS * second, fps=_FPS, criteria=_verdicts(scores))
            for second in range(int(min(last, spans.ends)) + 1)
            if (scores := spans.at(second)) is not None
        ]
        return VideoLabels(
            frames=frames,
            defects=[
                *spans.defects,
                *(Defect(Reason.SAMPLE_INVALID, f"{where} row {row.number}", detail) for row in late[:1]),
            ],
            lasts=frames[-1].seconds if frames else None,
            beyond=max(7200.0, spans.ends),  # the film goes on to the end of the operation
        )

    @staticmethod
    def _interval(row: SheetRow) -> tuple[str, int | None, int | None, str]:
        """Place, start and end in seconds, and the scores as one label; None or empty where a cell is no number."""
        first, last = ((row.cells[k], row.cells[k + 1]) for k in (1, 3))
        times = [None if None in (m := whole(a), s := whole(b)) else 60 * (m or 0) + (s or 0) for a, b in (first, last)]
        scores = [whole(cell) for cell in row.cells[5:]]
        good = all(score is not None and 0 <= score <= _BEST for score in scores)
        return f"row {row.number}", times[0], times[1], ",".join(map(str, scores)) if good else ""


def _verdicts(scores: str) -> tuple[Verdict, ...]:
    pairs = zip(_CRITERIA, map(int, scores.split(",")), strict=True)
    return tuple(Verdict(Label(name), score > 0, (score / _BEST,)) for name, score in pairs)
