"""Tables by frame: a number of a frame, then what is said of it, one line each.

How a table is written is data (:class:`FrameTable`); what is read of it are values by 0-based frame and a
:class:`Defect` for each thing that cannot be read. Nothing is raised but what the file system raises.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..records import Defect, Frame, Label, Reason
from .cells import LineAccount, count, left_out, lines_of_cells, share, shown, table_text, whole


@dataclass(frozen=True, slots=True)
class Text:
    """A column whose cells are native names as they stand."""

    name: str


@dataclass(frozen=True, slots=True)
class Code:
    """A column whose cells are numbers that stand for native names.

    Attributes:
        names: Native name of each number.
        unlabelled: Numbers that say that nothing is labelled.
    """

    name: str
    names: Mapping[int, str]
    unlabelled: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Flags:
    """Columns of 0 and 1, one a native name: those with 1 are the list.

    Attributes:
        names: Native names, which are the names of the columns.
        unsure: Cells that say neither yes nor no, such as ``0.5`` of two raters: the frame has no list then.
        unnamed: Columns whose 1 says that something is there that none of the names fits: no list then either.
        ignored: Columns that are there, hold nothing, and are not read.
    """

    names: tuple[str, ...]
    unsure: frozenset[float] = frozenset()
    ignored: frozenset[str] = frozenset()
    unnamed: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameTable:
    """How a table by frame is written.

    Attributes:
        columns: What follows the number of the frame, in the order of a table without header. With a header, columns
            are found by name, whatever the case, blanks and underscores.
        kind: What it tells, for messages: ``phase`` gives "no phase facts of this video".
        number: Column of the number of the frame, for tables with a header; empty takes the first.
        base: Number of the first frame.
        every: Rows are of every so many frames, from the first on; others are told.
        delimiter: What parts cells; empty for tabs and blanks, any number of them.
        header: Whether the first line names the columns; None where copies with and without are around.
        only_if: A column of 0 and 1, where a table has it; lines with 0 are not labels and are passed over.
        spare: Whether a table may have more columns than these, which are not read; needs a header.
    """

    columns: tuple[Text | Code | Flags, ...]
    kind: str
    number: str = ""
    base: int = 0
    every: int = 1
    delimiter: str = ""
    header: bool | None = None
    only_if: str = ""
    spare: bool = False

    @property
    def names(self) -> tuple[str, ...]:
        """Names of all columns after the first, in order."""
        return tuple(n for c in self.columns for n in (c.names if isinstance(c, Flags) else (c.name,)))


@dataclass(frozen=True, slots=True)
class FrameRows:
    """What a table says.

    Attributes:
        named: By column of :class:`Text` or :class:`Code`: the native name of each 0-based frame, rising; None where
            the table says that nothing is labelled.
        listed: The names that :class:`Flags` give for each frame, rising; None where one is unsure or has no name.
        last: The last frame of a good line, or -1.
        unread: Number of lines that could not be read.
        defects: What is left out.
    """

    named: Mapping[str, Mapping[int, str | None]]
    listed: Mapping[int, tuple[str, ...] | None]
    last: int
    unread: int
    defects: tuple[Defect, ...]


def read_frame_table(path: Path | None, where: str, table: FrameTable) -> FrameRows:
    """Read a table; one that is missing, cannot be opened or has no row is one defect.

    Args:
        path: The text file (UTF-8, or UTF-16 with its mark; any line ending); None where it is missing.
        where: Its place for messages, relative to the root, whether or not it is there.
        table: How it is written.
    """
    if path is None:
        return _nothing(table, where, f"the file is missing: no {table.kind} facts of this video")
    try:
        text = table_text(path)
    except OSError as error:
        return _nothing(table, where, f"the file cannot be opened ({error.strerror}): no {table.kind} facts")
    return parse_frame_table(text, where, table)


def parse_frame_table(text: str, where: str, table: FrameTable) -> FrameRows:
    r"""As :func:`read_frame_table`, from text.

    >>> table = FrameTable(columns=(Code("phase", {0: "Preparation"}),), kind="phase", base=1, delimiter=",")
    >>> rows = parse_frame_table("Frame,Phase\n1,0\n2\n", "a.csv", table)
    >>> rows.named["phase"], rows.defects[0].where, rows.defects[0].detail
    ({0: 'Preparation'}, 'a.csv line 3', "1 column instead of 2: '2'")
    """
    lines = LineAccount(where)
    content = list(lines_of_cells(text, table.delimiter))
    width, places = len(table.names) + 1, list(range(1, len(table.names) + 1))
    chosen: int | None = None
    counted = 0
    if content and (table.header or (table.header is None and _is_header(content[0][1]))):
        line, head = content.pop(0)
        found = _columns(head, table)
        if isinstance(found, str):
            return _nothing(table, f"{where} line {line}", found, unread=1)
        places, chosen, width, counted = [*found[0]], found[1], len(head), _place_of_number(head, table)
    if not content:
        return _nothing(table, where, f"the table has no row: no {table.kind} facts of this video")
    alike: dict[tuple[str, ...], tuple[str, ...]] = {}  # one object for cells that occur again: tables are large
    for line, cells in content:
        if len(cells) != width:
            lines.bad.append((line, f"{count(len(cells))} instead of {width}: {shown(cells)}"))
            continue
        number = whole(cells[counted])
        if number is None or number < table.base:
            column_name = table.number or "first column"
            lines.bad.append((line, f"{column_name} {cells[counted][:40]!r} is not a number from {table.base} up"))
        elif (number - table.base) % table.every:
            lines.between.append(number)
        elif chosen is None or whole(cells[chosen]) != 0:
            wanted = tuple([cells[p] for p in places])
            lines.add(line, number, alike.setdefault(wanted, wanted))
    defects = list(lines.defects())
    unread = len(lines.bad) + len(lines.twice) + len(lines.between)
    if lines.between:
        detail = f"not a multiple of {table.every}" + (f" after {table.base}" if table.base else "")
        more = "" if len(lines.between) == 1 else f"; {left_out(lines.between)}"
        where_between = f"{where} frame {lines.between[0]}"
        defects.append(Defect(Reason.ROW_MALFORMED, where_between, detail + more, len(lines.between)))
    good = {n: cells for n, cells in sorted(lines.good.items()) if n not in lines.other}
    named: dict[str, dict[int, str | None]] = {}
    listed: dict[int, tuple[str, ...] | None] = {}
    at = 0
    for column in table.columns:
        if isinstance(column, Flags):
            listed, told = _lists(good, range(at, at + len(column.names)), column, where, table.base)
            at += len(column.names)
        else:
            named[column.name], told = _names(good, at, column, where, table.base)
            at += 1
        defects += told
        unread += sum(d.moments for d in told if d.reason is Reason.ROW_MALFORMED)
    last = max(good, default=table.base - 1) - table.base
    return FrameRows(named, listed, last, unread, tuple(defects))


def _nothing(table: FrameTable, where: str, detail: str, *, unread: int = 0) -> FrameRows:
    named: dict[str, dict[int, str | None]] = {c.name: {} for c in table.columns if not isinstance(c, Flags)}
    return FrameRows(named, {}, -1, unread, (Defect(Reason.ROW_MALFORMED, where, detail),))


def _is_header(cells: tuple[str, ...]) -> bool:
    """A line that begins with a word and not with a number names the columns."""
    return whole(cells[0]) is None and not any(c.isdigit() for c in cells[0])


def _columns(head: tuple[str, ...], table: FrameTable) -> tuple[list[int], int | None] | str:
    """Places of the wanted columns and of that of ``only_if``, or what is wrong with the header."""
    keys = [_key(c) for c in head]
    chosen = keys.index(_key(table.only_if)) if table.only_if and _key(table.only_if) in keys else None
    known = {_key(n) for n in (*table.names, *_ignored(table), table.number or table.names[0])}
    wrong = [n for n in table.names if _key(n) not in keys[0 if table.number else 1 :]]
    wrong += [table.number] if table.number and _key(table.number) not in keys else []
    strange = [c for n, c in enumerate(head) if n and n != chosen and keys[n] not in known]
    if wrong or (strange and not table.spare) or len({*keys}) != len(keys):
        lacks = f" (without {', '.join(wrong[:3])})" if wrong else ""
        return (
            f"header {shown(head)} instead of a number column and {' '.join(table.names)[:200]}{lacks}: the table is "
            "left out"
        )
    return [keys.index(_key(n), 0 if table.number else 1) for n in table.names], chosen


def _place_of_number(head: tuple[str, ...], table: FrameTable) -> int:
    return [_key(c) for c in head].index(_key(table.number)) if table.number else 0


def _ignored(table: FrameTable) -> Iterator[str]:
    for column in table.columns:
        if isinstance(column, Flags):
            yield from column.ignored


def _key(name: str) -> str:
    return re.sub(r"[\s_]+", " ", name.strip()).casefold()


def _names(
    good: Mapping[int, tuple[str, ...]], at: int, column: Text | Code, where: str, base: int
) -> tuple[dict[int, str | None], list[Defect]]:
    if isinstance(column, Text):
        return {n - base: cells[at] for n, cells in good.items()}, []
    read = {cell: whole(cell) for cell in {cells[at] for cells in good.values()}}
    strange: dict[str, list[int]] = {}
    found: dict[int, str | None] = {}
    for n, cells in good.items():
        code = read[cells[at]]
        if code is not None and code in column.names:
            found[n - base] = column.names[code]
        elif code in column.unlabelled:
            found[n - base] = None
        else:
            strange.setdefault(cells[at], []).append(n)
    expected = f"{min(column.names)} to {max(column.names)}"
    return found, [
        Defect(
            Reason.LABEL_UNKNOWN if read[cell] is not None else Reason.ROW_MALFORMED,
            f"{where} frame {numbers[0]}",
            f"{column.name} {cell[:40]!r} is not one of {expected}; {left_out(numbers)}",
            len(numbers),
        )
        for cell, numbers in strange.items()
    ]


def _lists(
    good: Mapping[int, tuple[str, ...]], places: range, column: Flags, where: str, base: int
) -> tuple[dict[int, tuple[str, ...] | None], list[Defect]]:
    strange: dict[str, list[int]] = {}
    found: dict[int, tuple[str, ...] | None] = {}
    read: dict[tuple[str, ...], tuple[str, ...] | str | None] = {}
    for n, row in good.items():
        if row not in read:
            read[row] = _list_of(row[places.start : places.stop], column)
        names = read[row]
        if isinstance(names, str):
            strange.setdefault(names, []).append(n)
        else:
            found[n - base] = names
    return found, [
        Defect(
            Reason.ROW_MALFORMED,
            f"{where} frame {numbers[0]}",
            f"{cell[:20]!r} instead of 0 or 1" + ("" if len(numbers) == 1 else f"; {left_out(numbers)}"),
            len(numbers),
        )
        for cell, numbers in strange.items()
    ]


def _list_of(cells: tuple[str, ...], column: Flags) -> tuple[str, ...] | str | None:
    """The names that flags give; None where one is unsure or has no name; the first cell that is no flag as it is."""
    values = [share(cell) for cell in cells]
    odd = next((c for c, v in zip(cells, values, strict=True) if v not in (0, 1) and v not in column.unsure), None)
    if odd is not None:
        return odd
    names = tuple(name for name, v in zip(column.names, values, strict=True) if v == 1)
    open_list = any(v in column.unsure for v in values) or not column.unnamed.isdisjoint(names)
    return None if open_list else names


# ------------------------------------------------------------------------------------------------ from rows to moments


def lacking_rows(where: str, rows: FrameRows, own: Collection[int], others: Collection[int], fps: int) -> list[Defect]:
    """One defect for whole seconds that another table has and this one lacks, but for its bad rows and a tail second.

    Args:
        where: Place of this table.
        rows: What was read of it.
        own: Frames at whole seconds that it has.
        others: Likewise the other one; either being empty says nothing.
        fps: Frames per second.
    """
    missing = {*others} - {*own} - ({max(own) + fps} if own else set())
    if not own or not others or len(missing) <= rows.unread:
        return []
    detail = f"no good row for {len(missing)} seconds of the other table, the first is frame {min(missing)}"
    return [Defect(Reason.ROW_MALFORMED, where, detail)]


def whole_seconds(frames: Sequence[int], fps: float) -> list[int]:
    """Of frames, rising, those that are seen at a whole second: the nearest frame to each, at most half a frame off.

    >>> whole_seconds(range(0, 100), 29.97), whole_seconds([0, 25, 50, 60], 25)
    ([0, 30, 60, 90], [0, 25, 50])
    """
    return [n for n in frames if round(round(n / fps) * fps) == n]


def ends_apart(tables: Mapping[str, FrameRows], fps: float) -> list[Defect]:
    """Tables that end a second or more before another of their video, which each tell every frame of: they were cut.

    Args:
        tables: By place, for messages; those without a good row are told of elsewhere.
        fps: Frames per second that the numbers count.
    """
    last = max((rows.last for rows in tables.values()), default=-1)
    return [
        Defect(Reason.ROW_MALFORMED, where, f"its last row is of frame {rows.last}, another table goes on to {last}")
        for where, rows in tables.items()
        if 0 <= rows.last <= last - fps
    ]


def moments_of(
    *,
    fps: float,
    phase: Mapping[int, str | None] | None = None,
    step: Mapping[int, str | None] | None = None,
    instruments: Mapping[int, tuple[str, ...] | None] | None = None,
    actions: Mapping[int, tuple[str, ...] | None] | None = None,
) -> list[Frame]:
    """One moment a second of what tables say by frame, without pictures; those of which nothing is said are left out.

    Args:
        fps: Frames per second that the numbers count.
        phase: Native name by 0-based frame, as :attr:`FrameRows.named`.
        step: Likewise.
        instruments: Native names by 0-based frame, as :attr:`FrameRows.listed`; complete lists.
        actions: Likewise.
    """
    tables = [t for t in (phase, step, instruments, actions) if t is not None]
    found = []
    for n in whole_seconds(sorted({n for table in tables for n in table}), fps):
        in_phase, in_step = _label(phase, n), _label(step, n)
        in_view, done = _labels(instruments, n), _labels(actions, n)
        if in_phase or in_step or in_view is not None or done is not None:
            found.append(Frame(index=n, fps=fps, phase=in_phase, step=in_step, instruments=in_view, actions=done))
    return found


def _label(table: Mapping[int, str | None] | None, n: int) -> Label | None:
    name = None if table is None else table.get(n)
    return None if name is None else Label(name)


def _labels(table: Mapping[int, tuple[str, ...] | None] | None, n: int) -> tuple[Label, ...] | None:
    names = None if table is None else table.get(n)
    return None if names is None else tuple(Label(name) for name in names)
