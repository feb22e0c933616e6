"""Warrants: which signs speak for which labels, counted on training videos and cited only as far as the counts carry.

``<procedure>.csv`` holds counts, a row for each source, kind of label, label and sign. A sign is what levels 1 and 2 of
a trace can see: an instrument, an action, a target, each empty where the sign leaves it open. A row without a sign
counts the label, a row without a label everything; ``seconds`` are annotated moments, at most one a second (for the
kind ``next``: changes from one action to another), ``videos`` those in which they were seen. Rows of the source
``definition`` are not counted: there the label means the very act.

Counts are made by ``surgsigma warrants SOURCE``; rows of one source are never taken for those of a synthetic one.
"""

from __future__ import annotations

import csv
import io
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Literal, NamedTuple

from ...errors import BadRowError, SurgSigmaError
from ...ontology import NULL, Kind, concepts
from ...records import Frame, Segment
from ...tasks.common.timeline import State, ids_of

WarrantKind = Literal["phase", "step", "action", "next"]
"""What a sign speaks for: the phase, the step, the action of an instrument on a target, the action that begins next."""

COLUMNS = ("source", "kind", "label", "instrument", "action", "target", "seconds", "videos")
DEFINITION = "definition"
SYNTHETIC = "synthetic"

TYPICAL = 0.9
"""From this share of the seconds of a sign on, it is cited as typical of the label."""
FITS = 0.1
"""From this share on, a sign is said to fit the label."""
MOST_FIT = 3
NEEDED = 0.95
"""From this share of the seconds of a label on, an instrument that is not in view speaks against the label."""
MIN_SECONDS, MIN_VIDEOS = 60, 10
"""Less evidence is not cited. Seconds of one video are alike, so it is the videos that count: where ten of ten agree,
a share of less than three in four is unlikely (0.75 ** 10 = 0.06)."""

_KINDS: Mapping[str, Kind] = {"phase": "phase", "step": "step", "action": "action", "next": "action"}


class Sign(NamedTuple):
    """What can be seen, by canonical id; an empty part is left open."""

    instrument: str = ""
    action: str = ""
    target: str = ""


class Row(NamedTuple):
    """One count."""

    source: str
    kind: str
    label: str
    sign: Sign
    seconds: int
    videos: int


class Grade(StrEnum):
    """How far a sign speaks for a label."""

    DEFINED = "defined"
    TYPICAL = "typical"
    FITS = "fits"
    AGAINST = "against"


@dataclass(frozen=True, slots=True)
class Support:
    """What one sign speaks for.

    Attributes:
        labels: Labels with their share of the seconds of the sign, the largest first; catch-all labels left out.
        defined: Labels that mean the very act.
    """

    sign: Sign
    labels: tuple[tuple[str, float], ...] = ()
    defined: tuple[str, ...] = ()

    @property
    def typical(self) -> str | None:
        """The label that the sign is typical of."""
        return self.labels[0][0] if self.labels and self.labels[0][1] >= TYPICAL else None

    @property
    def fits(self) -> tuple[str, ...]:
        """The labels that the sign fits; none where it fits so many that this says nothing."""
        found = tuple(label for label, share in self.labels if share >= FITS)
        return found if len(found) <= MOST_FIT else ()


@dataclass(frozen=True, slots=True)
class Warrants:
    """The warrants that the traces of one source may cite."""

    rows: tuple[Row, ...] = ()
    _known: dict[tuple[str, Sign], Support] = field(default_factory=dict, compare=False, repr=False)
    _needed: dict[str, dict[str, frozenset[str]]] = field(default_factory=dict, compare=False, repr=False)

    def support(self, kind: WarrantKind, sign: Sign) -> Support:
        """What ``sign`` speaks for; nothing where there is too little evidence."""
        if not self._known:
            self._known.update(_supports(self.rows))
        return self._known.get((kind, sign)) or Support(sign)

    def needed(self, kind: WarrantKind, label: str) -> frozenset[str]:
        """Instruments that are in view nearly always while ``label`` holds."""
        if kind not in self._needed:
            self._needed[kind] = _needed(self.rows, kind)
        return self._needed[kind].get(label, frozenset())


def _supports(rows: Sequence[Row]) -> dict[tuple[str, Sign], Support]:
    counts: dict[tuple[str, Sign], dict[str, int]] = defaultdict(lambda: defaultdict(int))
    videos: dict[tuple[str, Sign], int] = defaultdict(int)
    defined: dict[tuple[str, Sign], list[str]] = defaultdict(list)
    for row in rows:
        key = row.kind, row.sign
        if row.source == DEFINITION:
            defined[key].append(row.label)
        elif row.label and row.sign != Sign():
            counts[key][row.label] += row.seconds
            videos[key] = max(videos[key], row.videos)
    found: dict[tuple[str, Sign], Support] = {}
    for key in counts.keys() | defined.keys():
        kind, sign = key
        total = sum(counts[key].values())
        shares: tuple[tuple[str, float], ...] = ()
        if total >= MIN_SECONDS and videos[key] >= MIN_VIDEOS:
            known = concepts(_KINDS[kind])
            ordered = sorted(counts[key].items(), key=lambda item: (-item[1], item[0]))
            shares = tuple((label, n / total) for label, n in ordered if not known[label].catch_all)
        found[key] = Support(sign, shares, tuple(defined[key]))
    return found


def _needed(rows: Sequence[Row], kind: str) -> dict[str, frozenset[str]]:
    whole: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    seen: dict[tuple[str, str], int] = defaultdict(int)
    for row in rows:
        if row.kind != kind or row.source == DEFINITION or not row.label:
            continue
        if row.sign == Sign():
            whole[row.label][0] += row.seconds
            whole[row.label][1] += row.videos
        elif row.sign == Sign(row.sign.instrument):
            seen[row.label, row.sign.instrument] += row.seconds
    found: dict[str, set[str]] = defaultdict(set)
    for (label, instrument), seconds in seen.items():
        total, videos = whole[label]
        if total >= MIN_SECONDS and videos >= MIN_VIDEOS and seconds >= NEEDED * total:
            found[label].add(instrument)
    return {label: frozenset(some) for label, some in found.items()}


# ---------------------------------------------------------------------------------------------------- signs in view


def signs_of(triplet: tuple[str, str, str]) -> tuple[Sign, ...]:
    """The signs that a triplet holds, the most exact first.

    >>> signs_of(("hook", "dissect", "null"))
    (Sign(instrument='hook', action='dissect', target=''), Sign(instrument='hook', action='', target=''))
    """
    instrument, action, target = (part if part != NULL else "" for part in triplet)
    if not action:
        return (Sign(instrument),)
    exact = (Sign(instrument, action, target), Sign("", action, target)) if target else ()
    return (*exact, Sign(instrument, action), Sign(instrument))


def signs_in(frame: Frame) -> tuple[Sign, ...]:
    """All signs that the facts of a moment hold, the most exact first."""
    found: dict[Sign, None] = {}
    for triplet in frame.triplets or ():
        found.update(dict.fromkeys(signs_of(ids_of(triplet))))
    if frame.triplets is None:
        found.update(dict.fromkeys(Sign("", a.id) for a in frame.actions or () if a.id != NULL))
    found.update(dict.fromkeys(Sign(i.id) for i in frame.instruments or ()))
    found.update(dict.fromkeys(Sign(b.label.id) for b in frame.instrument_boxes or ()))
    return tuple(sorted(found, key=lambda sign: -sum(map(bool, sign))))


def signs_during(states: Iterable[State]) -> tuple[Sign, ...]:
    """All signs of what is done in a clip, the most exact first."""
    found: dict[Sign, None] = {}
    for state in states:
        for one in state:
            found.update(dict.fromkeys((Sign("", one),) if isinstance(one, str) else signs_of(ids_of(one))))
    return tuple(sorted(found, key=lambda sign: -sum(map(bool, sign))))


def last_act(segments: Iterable[Segment], end: float) -> str | None:
    """The action that goes on longest up to ``end``: what a viewer of the footage sees last; None where two do."""
    acts = [s for s in segments if s.label.id != NULL]
    latest = max((min(s.end_seconds, end) for s in acts), default=0.0)
    last = {s.label.id for s in acts if min(s.end_seconds, end) == latest}
    return last.pop() if len(last) == 1 else None


# -------------------------------------------------------------------------------------------------------- as a file


def read_rows(text: str, where: str) -> tuple[Row, ...]:
    r"""The rows of a file of warrants.

    Raises:
        BadRowError: other columns, a name that the ontology does not know, or a count that is none.

    >>> (row,) = read_rows(f"{','.join(COLUMNS)}\na,phase,preparation,hook,,,9,1\n", "warrants.csv")
    >>> row.sign, row.seconds
    (Sign(instrument='hook', action='', target=''), 9)
    """
    reader = csv.DictReader(io.StringIO(text))
    if tuple(reader.fieldnames or ()) != COLUMNS:
        raise BadRowError(
            f"{where}: the columns are {', '.join(reader.fieldnames or ()) or 'none'}, expected {', '.join(COLUMNS)}",
            hint="Make the file with: surgsigma warrants SOURCE --out FILE",
        )
    return tuple(_row(raw, f"{where} line {reader.line_num}") for raw in reader)


def _row(raw: Mapping[str, str | None], where: str) -> Row:
    source, kind, label, *parts, seconds, videos = ((raw[column] or "").strip() for column in COLUMNS)
    if None in raw or any(raw[column] is None for column in COLUMNS):
        raise BadRowError(f"{where}: expected {len(COLUMNS)} columns")
    if kind and kind not in _KINDS:
        raise BadRowError(f"{where}: kind {kind!r} is none of {', '.join(_KINDS)}")
    named: list[tuple[Kind, str]] = [(_KINDS[kind], label)] if kind else []
    named += zip(("instrument", "action", "target"), parts, strict=True)
    for vocabulary, id in named:
        if id and id not in concepts(vocabulary):
            raise BadRowError(f"{where}: {vocabulary} {id!r} is not in the ontology")
    if not (seconds.isdecimal() and videos.isdecimal()):
        raise BadRowError(f"{where}: seconds {seconds!r} and videos {videos!r} must be whole numbers, 0 or more")
    return Row(source, kind, label, Sign(*parts), int(seconds), int(videos))


def rows_text(rows: Iterable[Row]) -> str:
    """Rows as a file, sorted, so that the same counts give the same bytes."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows((r.source, r.kind, r.label, *r.sign, r.seconds, r.videos) for r in sorted(rows))
    return out.getvalue()


@cache
def shipped(procedure: str) -> tuple[Row, ...]:
    """The rows that come with this package; none for a procedure without a file."""
    path = resources.files(__package__) / f"{procedure}.csv"
    return read_rows(path.read_text("utf-8"), f"warrants/{procedure}.csv") if path.is_file() else ()


def read_file(path: Path) -> tuple[Row, ...]:
    """The rows of a file that ``surgsigma warrants`` wrote.

    Raises:
        SurgSigmaError: the file cannot be read.
        BadRowError: it is no file of warrants.
    """
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SurgSigmaError(
            f"file of warrants {path.name}: cannot be read ({error.__class__.__name__})",
            hint="Make it with: surgsigma warrants SOURCE --out FILE",
        ) from None
    return read_rows(text, path.name)


@cache
def warrants_for(procedure: str, source: str = "", own: tuple[Row, ...] = ()) -> Warrants:
    """What traces of ``source`` may cite: what was counted on it, or else on other recorded sources of the procedure.

    Args:
        procedure: Canonical id.
        source: Name of the source; empty for what a recorded source without counts of its own may cite.
        own: Rows of a file, which take the place of those that come with the package.
    """
    rows = [*own, *(row for row in shipped(procedure) if row.source == DEFINITION or not own)]
    counted = {row.source for row in rows} - {DEFINITION}
    chosen = {source} if source in counted else counted - {SYNTHETIC} if source != SYNTHETIC else set()
    return Warrants(tuple(row for row in rows if row.source in {*chosen, DEFINITION}))
