"""Phases of a film of Cataract-1K, and how long it is: a table of intervals and one of a line, which must agree."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from ...errors import BadRowError
from ...records import Defect, Reason
from ..cells import table_text
from ..delimited import read_delimited
from ..intervals import IntervalTable, Spans, read_intervals

_NAMES = {
    "incision": "Incision",
    "viscoelastic": "Viscoelastic",
    "capsulorhexis": "Capsulorhexis",
    "hydrodissection": "Hydrodissection",
    "phacoemulsification": "Phacoemulsification",
    "irrigationaspiration": "Irrigation/Aspiration",
    "capsulepolishing": "Capsule Polishing",
    "capsulepulishing": "Capsule Polishing",
    "lensimplantation": "Lens Implantation",
    "lenspositioning": "Lens Positioning",
    "viscoelasticsuction": "Viscoelastic Suction",
    "anteriorchamberflushing": "Anterior Chamber Flushing",
    "tonifyingantibiotics": "Tonifying/Antibiotics",
}
"""Phases by their letters: the release spells them in several ways."""
_SECONDS = IntervalTable(
    start="sec", end="endSec", label="comment", unit="s", names=_NAMES, unlabelled=frozenset({"idle"}), loose=True
)
_NUMBERS = IntervalTable(start="frame", end="endFrame", label="comment", unit=1.0)
_SAME_RATE = 0.002
"""Share by which two rates may differ that are told of one film: seconds are written to three digits."""


@dataclass(frozen=True, slots=True)
class TimedPhases:
    """What the tables of one film say.

    Attributes:
        spans: The phases.
        rate: Frames a second; 0 where neither table tells it.
        lasts: Seconds of the film; 0 where that is not told.
        defects: What is wrong with either table.
        refused: Whether nothing of the film may be read, since its rate is open.
    """

    spans: Spans
    rate: float
    lasts: float
    defects: tuple[Defect, ...] = ()
    refused: bool = False


def read_timed_phases(phases: Path | None, where: str, size: Path | None, where_size: str) -> TimedPhases:
    """Read both tables of a film.

    Args:
        phases: ``case_N_annotations_phases.csv``; None where it is missing.
        where: Its place for messages.
        size: ``case_N_video.csv``; without it the rate is that of frames to seconds in the rows.
        where_size: Its place for messages.
    """
    spans, counted = (read_intervals(phases, where, _headed(phases, table)) for table in (_SECONDS, _NUMBERS))
    by_rows = counted.ends / spans.ends if spans.ends and not counted.unread and not spans.unread else 0.0
    frames, rate, problem = _size(size)
    if problem:
        found = (
            f"of frames and seconds in {where}: {by_rows:.6g}" if by_rows else "not told: nothing of the video is read"
        )
        told = Defect(Reason.ROW_MALFORMED, where_size, f"{problem}; the rate of the video is {found}")
        return TimedPhases(spans, by_rows, 0.0, (*spans.defects, told), refused=not by_rows)
    if by_rows and abs(by_rows - rate) > _SAME_RATE * rate:
        detail = f"{rate:.6g} frames a second; frames and seconds in {where} say {by_rows:.6g}: nothing of it is read"
        told = Defect(Reason.ROW_MALFORMED, where_size, detail)
        return TimedPhases(spans, rate, 0.0, (*spans.defects, told), refused=True)
    return TimedPhases(spans, rate, frames / rate, spans.defects)


def _headed(path: Path | None, table: IntervalTable) -> IntervalTable:
    """``table`` with its column of phases as this file names it."""
    try:
        head = table_text(path).partition("\n")[0] if path else ""
    except OSError:
        head = ""
    return replace(table, label="comments") if "comments" in head.casefold() else table


def _size(path: Path | None) -> tuple[float, float, str]:
    """Frames and rate of a film, and why these are not known."""
    if path is None:
        return 0.0, 0.0, "the file is missing"
    try:
        lines = read_delimited(path, ("frames", "fps"), delimiter=",")
        frames, rate = (float(cell) for cell in lines[0].cells)
    except OSError as error:
        return 0.0, 0.0, f"the file cannot be opened ({error.strerror})"
    except BadRowError as error:
        return 0.0, 0.0, error.message
    except (IndexError, ValueError):
        return 0.0, 0.0, "no line with frames and fps"
    if len(lines) > 1 or not (1 <= frames < 1e9 and 1 <= rate < 1000):
        return 0.0, 0.0, f"{len(lines)} line with {frames:g} frames at {rate:g} a second, expected one of a video"
    return frames, rate, ""
