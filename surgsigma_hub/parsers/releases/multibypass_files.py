"""MultiBypass140's own files: phases and steps of one operation as JSON, and the lists of each fold as pickles."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...errors import BadRowError, SurgSigmaError
from ...records import Defect, Reason
from ...source.numbered_files import as_ended
from ..intervals import IntervalTable, Spans, spans_of
from ..plain_pickle import load_plain
from ..strict_json import read_json, repeated_in

_TABLE = IntervalTable(start="start", end="end", label="label_name", unit="ms")
_MARKS = frozenset({"out_of_body", "severe_index"})
"""Entries of the phase table that lie over the phases and are none."""
_Row = tuple[str, Any, Any, Any]
"""Place of an interval for messages, start, end and label as they stand."""
_NOTHING = Spans((), _TABLE.rate)


@dataclass(frozen=True, slots=True)
class Labelled:
    """The intervals of one operation; ``marks`` lie over the phases, and ``defects`` are of all of them."""

    phases: Spans = _NOTHING
    steps: Spans = _NOTHING
    marks: Spans = _NOTHING
    defects: tuple[Defect, ...] = ()


def read_labelled(path: Path | None, where: str) -> Labelled:
    """Read the label file of one operation; one that cannot be read is one defect.

    Args:
        path: The file; None where it is missing.
        where: Its place for messages.
    """
    try:
        document = read_json(path) if path is not None else None
    except BadRowError as error:
        return Labelled(defects=(Defect(Reason.ROW_MALFORMED, where, error.message),))
    if not isinstance(document, dict) or repeated_in(document):
        detail = "expected one object with the lists phases and steps" if path else "the file is missing"
        return Labelled(defects=(Defect(Reason.ROW_MALFORMED, where, detail),))
    rows, bad = dict[str, list[_Row]](), list[Defect]()
    for key in ("phases", "steps"):
        entries = document.get(key)
        if not isinstance(entries, list):
            bad.append(Defect(Reason.ROW_MALFORMED, f"{where} {key}", "expected a list of intervals"))
        rows[key] = [_row(f"{key} {n}", entry) for n, entry in enumerate(entries if isinstance(entries, list) else ())]
    marks = spans_of([row for row in rows["phases"] if _is_mark(row)], where, _TABLE)
    phases = spans_of([row for row in rows["phases"] if not _is_mark(row)], where, _TABLE)
    steps = spans_of(rows["steps"], where, _TABLE)
    unread = (d for d in marks.defects if d.where != where)  # marks that lie over each other are none
    return Labelled(phases, steps, marks, (*bad, *unread, *phases.defects, *steps.defects))


def _is_mark(row: _Row) -> bool:
    return isinstance(row[3], str) and row[3] in _MARKS


def _row(place: str, entry: Any) -> _Row:
    row = entry if isinstance(entry, dict) else {"label_name": str(entry)}
    numbers = (row.get(key) for key in ("start", "end"))
    start, end = (n if type(n) is int else None for n in numbers)  # a text that holds a number is damage here
    return place, start, end, row.get("label_name")


def held_out(lists: Path, fold: str, shown: str) -> dict[str, str]:
    """Which videos of a centre are val or test in a fold; all others are train.

    Args:
        lists: Folder with ``val/1fps_0.pickle`` and the like.
        fold: Such as ``0``.
        shown: The folder for messages.

    Raises:
        SurgSigmaError: a list is missing or damaged, or names a video that the other one has.
    """
    hint = "Restore it from the repository, or take all videos as train with --option split_scheme=undivided."
    found: dict[str, str] = {}
    for split in ("val", "test"):
        path, where = as_ended(lists / split / f"1fps_{fold}.pickle"), f"{shown}/{split}/1fps_{fold}.pickle"
        if not path.is_file():
            what = f"which names the {split} videos of fold {fold}, is missing"
            raise SurgSigmaError(f"multibypass140: {where}, {what}", hint=hint)
        try:
            content = load_plain(path)
        except BadRowError as error:
            raise BadRowError(f"{where}: {error.message}", hint=hint) from None
        if not isinstance(content, dict) or not content or not all(isinstance(k, str) for k in content):
            raise BadRowError(f"{where}: expected a mapping of video to its frames", hint=hint)
        twice = sorted(found.keys() & content.keys())
        if twice:
            raise SurgSigmaError(f"multibypass140: {twice[0]} is both val and test in fold {fold} of {shown}")
        found |= dict.fromkeys(content, split)
    return found
