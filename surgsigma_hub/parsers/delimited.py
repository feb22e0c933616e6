"""Tables of cells parted by one character, each line with its number and with what is wrong with it."""

from __future__ import annotations

import string
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ..errors import BadRowError
from .cells import table_text


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a table: its number (1-based), its cells in the order asked for, and what is wrong, if anything."""

    number: int
    cells: tuple[str, ...]
    problem: str = ""

    def integers(self) -> tuple[int, ...] | None:
        """All cells as whole numbers, a minus sign allowed; None where one is no number or the line is broken.

        >>> Line(2, ("269", "68", "-1")).integers()
        (269, 68, -1)
        """
        if self.problem:
            return None
        digits = [c[1:] if c.startswith("-") else c for c in self.cells]
        # int() would take "1_000" and other scripts' digits; the length keeps a damaged line from a huge number.
        if not all(d.isascii() and d.isdigit() and len(d) <= 12 for d in digits):
            return None
        return tuple(int(c) for c in self.cells)


def read_delimited(path: Path, columns: Sequence[str], *, delimiter: str, header: bool = True) -> tuple[Line, ...]:
    """The lines of a table but for its header and those of which no cell holds anything.

    Args:
        path: The text file (UTF-8, or UTF-16 with its mark; any line ending).
        columns: Columns wanted. With a header they are found by name; without, a line must have just these.
        delimiter: What parts the cells; it never occurs inside one.
        header: Whether the first line names the columns.

    Raises:
        BadRowError: the header lacks a column; the message does not name the file.
        OSError: the file cannot be read.
    """
    return parse_delimited(table_text(path), columns, delimiter=delimiter, header=header)


def parse_delimited(text: str, columns: Sequence[str], *, delimiter: str, header: bool = True) -> tuple[Line, ...]:
    r"""As :func:`read_delimited`, from text.

    >>> parse_delimited("VideoID;Phase\n269;1\n270\n", ("Phase", "VideoID"), delimiter=";")[0]
    Line(number=2, cells=('1', '269'), problem='')
    >>> parse_delimited("VideoID;Phase\n269;1\n270\n", ("Phase", "VideoID"), delimiter=";")[1].problem
    "1 cell instead of 2: '270'"
    """
    nothing = f"{delimiter}{string.whitespace}"  # spreadsheets write rows of delimiters below a table
    # Not str.splitlines: it also breaks at characters that are no line ends in these files.
    lines = [
        (n, tuple(cell.strip() for cell in line.split(delimiter)))
        for n, line in enumerate(text.replace("\r\n", "\n").replace("\r", "\n").split("\n"), 1)
        if line.strip(nothing).strip()
    ]
    places, width = list(range(len(columns))), len(columns)
    if header and lines:
        _, names = lines.pop(0)
        missing = [c for c in columns if c not in names]
        if missing:
            raise BadRowError(
                f"line 1 names the columns {delimiter.join(names)[:80]!r}, expected {delimiter.join(columns)!r}"
            )
        places, width = [names.index(c) for c in columns], len(names)
    return tuple(_line(n, cells, places, width, delimiter) for n, cells in lines)


def _line(number: int, cells: tuple[str, ...], places: list[int], width: int, delimiter: str) -> Line:
    if len(cells) != width:
        noun = "cell" if len(cells) == 1 else "cells"
        return Line(number, cells, f"{len(cells)} {noun} instead of {width}: {delimiter.join(cells)[:80]!r}")
    return Line(number, tuple(cells[p] for p in places))
