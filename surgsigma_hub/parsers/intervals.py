"""Intervals: from here to there a label holds, in frames, milliseconds or seconds.

Rows become :class:`Span` on one scale of whole ticks, half-open; what cannot be read, and labels that hold at once
though only one can, become a :class:`Defect`. Nothing is raised but what the file system raises.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import groupby, pairwise
from pathlib import Path
from typing import Any, Literal

from ..records import Defect, Fact, Frame, Label, Origin, Reason, Segment, VideoTimeline
from .cells import lines_of_cells, table_text, whole
from .runs import Layer, covered


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """A label that holds over ``[start, end)``, in ticks; a label of None says that nothing is labelled there."""

    start: int
    end: int
    label: str | None


@dataclass(frozen=True)
class Spans:
    """The intervals of one layer of one video, by start.

    Attributes:
        rate: Ticks per second: the rate of the frames that rows count, 1000 for milliseconds and seconds.
        defects: What is left out, and overlaps.
        unread: Number of rows that could not be read.
        by_starts: Whether only starts are told: then an end is known only where another label starts.
    """

    spans: tuple[Span, ...]
    rate: float
    defects: tuple[Defect, ...] = ()
    unread: int = 0
    by_starts: bool = False

    @property
    def ends(self) -> float:
        """The second at which the last interval does; 0 without any."""
        return max((s.end for s in self.spans), default=0) / self.rate

    def at(self, seconds: float) -> str | None:
        """What holds at a moment; None where nothing does, or two labels that exclude each other.

        >>> Spans((Span(0, 50, "a"), Span(25, 50, "b")), 25).at(0.5), Spans((Span(0, 50, "a"),), 25).at(2)
        ('a', None)
        """
        place = bisect_right(self._pieces, seconds * self.rate, key=lambda piece: piece[0])
        return self._pieces[place - 1][1] if place else None

    @cached_property
    def _pieces(self) -> list[tuple[int, str | None]]:
        """Where what holds alone changes: the tick, and the only label from there on."""
        changes = sorted(
            [(s.start, 1, s.label) for s in self.spans] + [(s.end, -1, s.label) for s in self.spans], key=lambda c: c[0]
        )
        holding, found = Counter[str | None](), list[tuple[int, str | None]]()
        for tick, same in groupby(changes, key=lambda c: c[0]):
            for _, change, label in same:
                holding[label] += change
                if not holding[label]:
                    del holding[label]
            found.append((tick, next(iter(holding)) if len(holding) == 1 else None))
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class IntervalTable:
    """How a table of intervals is written.

    Attributes:
        start: Column of the start: its name where there is a header, else its place from 0 on.
        end: Column of the end.
        label: Column of the label.
        unit: What start and end count; ``"ms"`` and ``"s"`` count from 0, a rate in frames per second from ``base``.
        base: Number of the first frame.
        closed: Whether the end belongs to the interval.
        names: Native name of each label where the table has numbers or short forms; else labels stand as they are.
        unlabelled: Labels that say that nothing is labelled.
        loose: Whether only letters and digits of a label count, in any case; those of ``names`` are then written so.
        delimiter: What parts cells; empty for tabs and blanks.
        header: Whether the first line names the columns.
    """

    start: int | str
    end: int | str
    label: int | str
    unit: float | Literal["ms", "s"]
    base: int = 0
    closed: bool = False
    names: Mapping[str, str] | None = None
    unlabelled: frozenset[str] = frozenset()
    loose: bool = False
    delimiter: str = ","
    header: bool = True

    @property
    def rate(self) -> float:
        """Ticks per second."""
        return 1000.0 if isinstance(self.unit, str) else self.unit


def read_intervals(path: Path | None, where: str, table: IntervalTable) -> Spans:
    """Read a table; one that is missing, cannot be opened or has no row is one defect.

    Args:
        path: The text file (UTF-8, or UTF-16 with its mark; any line ending); None where it is missing.
        where: Its place for messages, relative to the root, whether or not it is there.
        table: How it is written.
    """
    if path is None:
        return Spans((), table.rate, (Defect(Reason.ROW_MALFORMED, where, "the file is missing"),))
    try:
        text = table_text(path)
    except OSError as error:
        detail = f"the file cannot be opened ({error.strerror})"
        return Spans((), table.rate, (Defect(Reason.ROW_MALFORMED, where, detail),))
    return parse_intervals(text, where, table)


def parse_intervals(text: str, where: str, table: IntervalTable) -> Spans:
    r"""As :func:`read_intervals`, from text.

    >>> table = IntervalTable(start=0, end=1, label=2, unit=30.0, base=1, closed=True, delimiter="", header=False)
    >>> found = parse_intervals("80 219 G1 \n220 370\n", "a.txt", table)
    >>> found.spans, found.defects[0].where, found.defects[0].detail
    ((Span(start=79, end=219, label='G1'),), 'a.txt line 2', "2 cells instead of 3: '220 370'")
    """
    lines = list(lines_of_cells(text, table.delimiter))
    wanted = (table.start, table.end, table.label)
    if table.header:
        head = [c.casefold() for c in lines[0][1]] if lines else []
        missing = [w for w in wanted if isinstance(w, str) and w.casefold() not in head]
        if missing:
            detail = f"header {table.delimiter.join(head)[:80]!r} lacks {', '.join(missing)}: the table is left out"
            return Spans((), table.rate, (Defect(Reason.ROW_MALFORMED, f"{where} line 1", detail),))
        places = [head.index(w.casefold()) if isinstance(w, str) else w for w in wanted]
        width: int | None = len(lines.pop(0)[1])
    else:
        places = [w for w in wanted if isinstance(w, int)]
        width = max(places) + 1
    if not lines:
        return Spans((), table.rate, (Defect(Reason.ROW_MALFORMED, where, "the table has no row"),))
    rows: list[tuple[str, Any, Any, Any]] = []
    bad: list[Defect] = []
    for n, cells in lines:
        if len(cells) != width:
            noun = "cell" if len(cells) == 1 else "cells"
            detail = f"{len(cells)} {noun} instead of {width}: {(table.delimiter or ' ').join(cells)[:80]!r}"
            bad.append(Defect(Reason.ROW_MALFORMED, f"{where} line {n}", detail))
        else:
            rows.append((f"line {n}", cells[places[0]], cells[places[1]], cells[places[2]]))
    return spans_of(rows, where, table, told=bad)


def spans_of(
    rows: Iterable[tuple[str, Any, Any, Any]], where: str, table: IntervalTable, *, told: Sequence[Defect] = ()
) -> Spans:
    """Intervals of rows that were read elsewhere, from JSON for example.

    Args:
        rows: Place of a row for messages (``line 3``, ``phases 2``), then start, end and label as they stand.
        where: The file, relative to the root.
        table: Says what they mean.
        told: What is wrong with rows that are not among these; counts as unread.
    """
    spans: list[tuple[str, Span]] = []
    defects, unread = list(told), len(told)
    for place, start, end, label in rows:
        first, last = _tick(start, table), _tick(end, table)
        if last is not None and table.closed:
            last += 1
        if first is None or last is None or not 0 <= first < last or not isinstance(label, str) or not label.strip():
            detail = f"{start!r}, {end!r}, {str(label)[:40]!r}: expected {_expected(table)}"
            defects.append(Defect(Reason.ROW_MALFORMED, f"{where} {place}", detail))
            unread += 1
            continue
        key = "".join(filter(str.isalnum, label)).casefold() if table.loose else label
        number = whole(key) if table.names is not None and key not in table.names else None
        key = key if number is None else str(number)  # "3.0" of a spreadsheet
        if key in table.unlabelled:
            spans.append((place, Span(first, last, None)))
        elif table.names is not None and key not in table.names:
            detail = f"label {label[:40]!r} is not one of {', '.join(table.names)[:200]}; it is left unlabelled"
            defects.append(Defect(Reason.LABEL_UNKNOWN, f"{where} {place}", detail))
            spans.append((place, Span(first, last, None)))
        else:
            spans.append((place, Span(first, last, label if table.names is None else table.names[key])))
    spans.sort(key=lambda s: (s[1].start, s[1].end, s[1].label or ""))
    again = [(place, b) for (_, a), (place, b) in pairwise(spans) if a == b]
    for place, span in again:
        detail = f"{span.label} from {_shown(span.start, table)} to {_shown(span.end, table)} occurs twice"
        defects.append(Defect(Reason.DUPLICATE_ID, f"{where} {place}", detail))
    once = tuple(dict.fromkeys(span for _, span in spans))
    return Spans(once, table.rate, (*defects, *overlaps(once, where, lambda tick: _shown(tick, table))), unread)


def spans_from_starts(starts: Mapping[int, str | None], end: int, rate: float) -> Spans:
    """Intervals of which only the starts are told: each holds until the next one starts, the last until ``end``.

    Neighbours of one label are one interval.

    >>> [(s.start, s.end, s.label) for s in spans_from_starts({5: "a", 9: "a", 20: None}, 30, 25).spans]
    [(5, 20, 'a'), (20, 30, None)]
    """
    found: list[Span] = []
    for (start, label), (after, _) in pairwise([*sorted(starts.items(), key=lambda s: s[0]), (end, None)]):
        if found and found[-1].label == label:
            found[-1] = Span(found[-1].start, after, label)
        else:
            found.append(Span(start, after, label))
    return Spans(tuple(found), rate, by_starts=True)


def spans_of_starts(
    rows: Iterable[tuple[str, int | None, int | None, str]],
    where: str,
    *,
    end: int,
    rate: float,
    names: Mapping[int, str],
) -> Spans:
    """Intervals of rows that each tell a frame at which a label starts.

    A row that cannot be read leaves it open where labels change, in all of the video: see :attr:`Spans.unread`. A start
    that is told twice in two ways is unlabelled up to the next one.

    Args:
        rows: Place of a row (``line 3``), frame and code, None where they are no numbers, and what to say then.
        where: The file, relative to the root.
        end: Frames of the video.
        rate: Frames per second.
        names: Native name of each code.
    """
    starts: dict[int, str | None] = {}
    defects: list[Defect] = []
    for place, frame, code, problem in rows:
        if frame is None or code is None or not 0 <= frame < end:
            found = f"{problem}, expected a frame number from 0 to {end - 1}"
            detail = f"{found}; where labels change is not known, so nothing of this video is read"
            return Spans((), rate, (*defects, Defect(Reason.ROW_MALFORMED, f"{where} {place}", detail)), unread=1)
        name = names.get(code)
        if name is None:
            detail = f"{code} is not one of {min(names)} to {max(names)}; it is left unlabelled"
            defects.append(Defect(Reason.LABEL_UNKNOWN, f"{where} {place}", detail))
        if frame in starts:
            same = starts[frame] == name
            found = "the same" if same else "different ones: unlabelled"
            detail = f"frame {frame} starts a label twice, {found}"
            defects.append(Defect(Reason.DUPLICATE_ID, f"{where} {place}", detail))
            name = name if same else None
        starts[frame] = name
    if not starts:
        return Spans((), rate, (Defect(Reason.ROW_MALFORMED, where, "no row is of this video"),))
    return replace(spans_from_starts(starts, end, rate), defects=tuple(defects))


def overlaps(spans: Sequence[Span], where: str, shown: Any = str) -> Iterator[Defect]:
    """A defect for each two labels that hold at once: the moments that they share tell neither.

    Args:
        spans: By start.
        where: Place for messages.
        shown: Writes a tick as the file does.
    """
    longest: Span | None = None
    for span in (s for s in spans if s.label is not None):
        if longest is not None and span.start < longest.end and span.label != longest.label:
            until = shown(min(span.end, longest.end))
            shared = f"{longest.label} and {span.label} overlap from {shown(span.start)} to {until}"
            yield Defect(Reason.ROW_MALFORMED, where, f"{shared}; neither is told there")
        if longest is None or span.end > longest.end:
            longest = span


def moments_in(layers: Mapping[Layer, Spans], *, index: int = 1, from_second: int = 0) -> list[Frame]:
    """One moment a second wherever a label holds, without pictures.

    Args:
        layers: Intervals of ``"phase"`` and ``"step"``; of ``"action"`` where one at a time is told, and it is all that
            is done. Others are told by :func:`course_in` alone.
        index: Rate at which moments are numbered: the frames of the release, or 1 for seconds.
        from_second: The first second that is looked at.
    """
    found: list[Frame] = []
    last = max((s.ends for s in layers.values()), default=0)
    for second in range(from_second, int(last) + 1):
        names = {layer: spans.at(second) for layer, spans in layers.items()}
        phase, step, action = (Label(n) if (n := names.get(k)) else None for k in ("phase", "step", "action"))
        if phase or step or action:
            actions = None if action is None else (action,)
            found.append(Frame(index=second * index, fps=index, phase=phase, step=step, actions=actions))
    return found


def course_in(layers: Mapping[Layer, Spans], *, derived: bool = False) -> VideoTimeline:
    """The intervals as segments, sorted.

    Args:
        layers: Intervals by layer; all of a layer are labelled, and what is between them is not.
        derived: Whether they were computed, from labels frame by frame for example.
    """
    segments = [
        Segment(layer, Label(span.label), span.start / spans.rate, span.end / spans.rate, end_known=known)
        for layer, spans in sorted(layers.items())
        for span, known in zip(spans.spans, _ends_known(spans), strict=True)
        if span.label is not None
    ]
    facts = [Fact(f"{layer}_segments") for layer in layers]
    return VideoTimeline(
        segments=tuple(segments),
        origins=dict.fromkeys(facts, Origin("derived")) if derived else {},
        labelled={
            layer: covered((s.start / spans.rate, s.end / spans.rate) for s in spans.spans if s.label is not None)
            for layer, spans in layers.items()
        },
    )


def _ends_known(spans: Spans) -> list[bool]:
    if not spans.by_starts:
        return [True] * len(spans.spans)
    return [after is not None and after.label is not None for after in (*spans.spans[1:], None)][: len(spans.spans)]


def _tick(value: Any, table: IntervalTable) -> int | None:
    """A number of the table in ticks from 0; None where it is none that the unit allows."""
    if isinstance(value, bool):
        return None
    text = str(value).strip() if isinstance(value, (int, float, str)) else ""
    if re.fullmatch("-?[0-9]{1,9}([.][0-9]{1,9})?", text, re.ASCII) is None:
        return None
    number = float(text)
    if table.unit == "s":
        return round(number * 1000)
    return int(number) - (0 if table.unit == "ms" else table.base) if number.is_integer() else None


def _shown(tick: int, table: IntervalTable) -> str:
    if isinstance(table.unit, str):
        return f"{tick} ms" if table.unit == "ms" else f"{tick / 1000:g} s"
    return f"frame {tick + table.base}"


def _expected(table: IntervalTable) -> str:
    unit = {"ms": "whole milliseconds", "s": "seconds"}[table.unit] if isinstance(table.unit, str) else "frames"
    return f"{unit} from {table.base} up, start {'<=' if table.closed else '<'} end, and a label"
