"""Shares of raters who saw a criterion met, as Endoscapes gives them, each 0, 1/3, 2/3 or 1, and the votes of each."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from ...errors import BadRowError
from ...records import Defect, Label, Reason, Verdict
from ..cells import table_text

_RATERS = 3
_COLUMNS = tuple(f"cvs_annotator_{n}" for n in range(1, _RATERS + 1))
_WHOLE = re.compile(r"([0-9]{1,7})(?:\.0+)?")
_VOTES = re.compile(r"\[ *([01])(?:\.0*)?, *([01])(?:\.0*)?, *([01])(?:\.0*)? *\]")

Votes = tuple[tuple[float, ...], ...]
"""Of each rater in turn, 0 or 1 for each criterion."""


def read_votes(path: Path, where: str) -> tuple[Mapping[tuple[int, int], Votes], tuple[Defect, ...]]:
    """The votes of each rater on key frames, by operation and frame.

    Args:
        path: ``all_metadata.csv``; a copy without it has shares alone.
        where: Its place for messages.
    """
    try:
        lines = csv.DictReader(io.StringIO(table_text(path)))
        missing = [column for column in ("vid", "frame", *_COLUMNS) if column not in (lines.fieldnames or ())]
        if missing:
            detail = f"no column {missing[0]!r}: who voted how is not known"
            return {}, (Defect(Reason.ROW_MALFORMED, f"{where} line 1", detail),)
        found: dict[tuple[int, int], Votes] = {}
        defects: list[Defect] = []
        for row in lines:
            if str(row.get("is_ds_keyframe")).strip().lower() not in ("true", "1"):
                continue  # other frames carry the votes of the last key frame
            named = [_WHOLE.fullmatch(str(row[key]).strip()) for key in ("vid", "frame")]
            votes = [_VOTES.fullmatch(str(row[column]).strip()) for column in _COLUMNS]
            if not all(named) or not all(votes):
                detail = "no numbers of video and frame, or a rater without three votes of 0 or 1"
                defects.append(Defect(Reason.ROW_MALFORMED, f"{where} line {lines.line_num}", detail))
                continue
            video, frame = (int(match[1]) for match in named if match)
            found[video, frame] = tuple(tuple(map(float, match.groups())) for match in votes if match)
    except FileNotFoundError:
        return {}, ()
    except OSError as error:
        return {}, (Defect(Reason.ROW_MALFORMED, where, f"the file cannot be opened ({error.strerror})"),)
    except csv.Error as error:
        return {}, (Defect(Reason.ROW_MALFORMED, where, f"not a table parted by commas: {error}"),)
    return found, tuple(defects)


def verdicts_of(shares: object, criteria: Sequence[str], votes: Votes | None = None) -> tuple[Verdict, ...]:
    """Verdicts by majority, with a score for each rater in the order of raters.

    Args:
        shares: One number for each criterion.
        criteria: Native names, in the order of the shares.
        votes: Of each rater; without them those who said yes stand first, for shares do not say who did.

    Raises:
        BadRowError: not so many shares of three raters, or votes that are not those of the shares.

    >>> [(v.met, v.scores) for v in verdicts_of([0.333, 1], ["C1", "C2"])]
    [(False, (1.0, 0.0, 0.0)), (True, (1.0, 1.0, 1.0))]
    """
    if not isinstance(shares, list) or len(shares) != len(criteria):
        raise BadRowError(f"{shares!r:.60}, expected {len(criteria)} shares")
    verdicts: list[Verdict] = []
    for place, (name, share) in enumerate(zip(criteria, shares, strict=True)):
        if isinstance(share, bool) or not isinstance(share, int | float) or not 0 <= share <= 1:
            raise BadRowError(f"{share!r:.40} is no share of 0 to 1")
        yes = round(_RATERS * share)
        if abs(_RATERS * share - yes) > 0.02:
            raise BadRowError(f"{share!r} is no share of {_RATERS} raters")
        scores = tuple([1.0] * yes + [0.0] * (_RATERS - yes))
        if votes is not None:
            scores = tuple(of_rater[place] for of_rater in votes)
            if sum(scores) != yes:
                raise BadRowError(f"{name} has the votes {scores} and the share {share!r:.6}")
        verdicts.append(Verdict(Label(name), met=2 * yes > _RATERS, scores=scores))
    return tuple(verdicts)
