"""Lines of cells: how text falls into them, which are good, and what is told of the bad."""

from __future__ import annotations

import re
import string
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ..plain_file import MAX_TEXT, read_plain
from ..records import Defect, Reason

_FOLD = 20
"""So many bad lines of a table are told one by one; of more, the first with the number of all: a report is read."""
_SHARED = 10_000
"""So many different lines are remembered at a time: tables of numbers have as many as they have lines."""
_WHOLE = re.compile("(-?[0-9]{1,12})(?:[.]0{1,6})?", re.ASCII)  # some copies went through a reader that makes floats


@dataclass(slots=True)
class LineAccount:
    """The good lines of a table by number of the frame, and what is told of the others.

    Attributes:
        where: The table, relative to the root.
        good: Cells of each number that occurs, as first read.
        bad: Line and what is wrong with it.
        twice: Numbers that occur again, and the line where they do.
        other: Those of them whose cells differ: none of their lines counts.
        between: Numbers of lines that a table of this kind does not have.
    """

    where: str
    good: dict[int, tuple[str, ...]] = field(default_factory=dict)
    bad: list[tuple[int, str]] = field(default_factory=list)
    twice: dict[int, int] = field(default_factory=dict)
    other: set[int] = field(default_factory=set)
    between: list[int] = field(default_factory=list)

    def add(self, line: int, number: int, cells: tuple[str, ...]) -> None:
        """Take a line whose number is good."""
        before = self.good.get(number)
        if before is None:
            self.good[number] = cells
            return
        self.twice.setdefault(number, line)
        if before != cells:
            self.other.add(number)

    def defects(self) -> Iterator[Defect]:
        """What is told: each thing alone, or of many alike the first with the number of all."""
        more = f"; {len(self.bad)} lines of this table are like it or bad otherwise" if len(self.bad) > _FOLD else ""
        for line, detail in self.bad[: 1 if more else None]:
            yield Defect(Reason.ROW_MALFORMED, f"{self.where} line {line}", detail + more, len(self.bad) if more else 1)
        same = [(n, line) for n, line in self.twice.items() if n not in self.other]
        more = f"; so do {len(same) - 1} others" if len(same) > _FOLD else ""
        for number, line in same[: 1 if more else None]:
            detail = f"frame {number} occurs twice, with the same content{more}"
            yield Defect(Reason.DUPLICATE_ID, f"{self.where} line {line}", detail)
        other = sorted(self.other)
        more = f"; so it is with {len(other) - 1} other frames" if len(other) > _FOLD else ""
        for number in other[: 1 if more else None]:
            detail = f"the frame occurs more than once and with different content; all are left out{more}"
            yield Defect(Reason.DUPLICATE_ID, f"{self.where} frame {number}", detail, len(other) if more else 1)


def table_text(path: Path) -> str:
    """The text of a table: UTF-8 with or without its mark, or UTF-16 with it; what is neither is replaced.

    Raises:
        OSError: it cannot be read, is no plain file or too large.
    """
    data = read_plain(path, most=MAX_TEXT)
    encoding = "utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    return data.decode(encoding, errors="replace")


def lines_of_cells(text: str, delimiter: str) -> Iterator[tuple[int, tuple[str, ...]]]:
    """The lines that hold anything, each with its number (1-based) and its cells; those of empty cells hold nothing.

    What follows the first cell is the same in most lines of a table by frame: such cells are cut once and shared.

    Args:
        text: With any line ends.
        delimiter: What parts cells; empty for tabs and blanks, any number of them.
    """
    known: dict[str, tuple[str, ...]] = {}
    nothing = f"{delimiter}{string.whitespace}"  # spreadsheets write rows of delimiters below a table
    # Not str.splitlines: it also breaks at characters that are no line ends in these files.
    for n, line in enumerate(text.replace("\r\n", "\n").replace("\r", "\n").split("\n"), 1):
        if not line.strip(nothing).strip():
            continue
        first, *others = line.split(delimiter or None, 1)
        if not others:
            yield n, (first.strip(),)
            continue
        rest = known.get(others[0])
        if rest is None:
            if len(known) >= _SHARED:
                known.clear()
            cut = others[0].split(delimiter) if delimiter else others[0].split()
            rest = known[others[0]] = tuple(c.strip() for c in cut)
        yield n, (first.strip(), *rest)


def left_out(numbers: Sequence[int]) -> str:
    """What to say of frames that are alike and left out."""
    return "it is left out" if len(numbers) == 1 else f"{len(numbers)} frames like it are left out"


def whole(cell: str) -> int | None:
    """A whole number, also written as ``3.0``; None where the cell is none.

    >>> whole("000025"), whole("-1"), whole("3.0"), whole("3.5"), whole("1_0")
    (25, -1, 3, None, None)
    """
    # int() would take "1_000" and other scripts' digits; the length keeps a damaged line from a huge number.
    match = _WHOLE.fullmatch(cell)
    return int(match[1]) if match else None


def share(cell: str) -> float | None:
    """A number of one digit before the point, such as ``0``, ``1.0`` and ``0.5``; None where the cell is none."""
    return float(cell) if re.fullmatch("[0-9]([.][0-9]{1,6})?", cell, re.ASCII) else None


def count(columns: int) -> str:
    """How many columns, in words."""
    return f"{columns} {'column' if columns == 1 else 'columns'}"


def shown(cells: tuple[str, ...]) -> str:
    """Cells as messages quote them."""
    text = " ".join(cells)
    return repr(text if len(text) <= 80 else text[:77] + "...")
