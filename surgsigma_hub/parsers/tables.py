"""Small text tables with columns parted by tabs or blanks, as the annotation files of many surgical sources are."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ..plain_file import MAX_TEXT, read_plain


@dataclass(frozen=True, slots=True)
class Row:
    """One good line: its number (1-based), the integer of its first column and the other cells as text."""

    line: int
    number: int
    cells: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class BadLine:
    """One line that breaks the table: its number (1-based) and what was found and expected."""

    line: int
    detail: str


@dataclass(frozen=True, slots=True)
class NumberedTable:
    """A table whose first column is a number, for example a frame number.

    Attributes:
        columns: Names of the columns after the first: the file's own header, or what the caller expects.
        rows: Good and bad lines in the order of the file.
    """

    columns: tuple[str, ...]
    rows: tuple[Row | BadLine, ...]


def read_numbered(path: Path, *, columns: tuple[str, ...]) -> NumberedTable:
    """Read a table of a number and ``columns`` per line; a header line is optional, any blank parts the cells.

    A header that has as many columns as expected gives the names and the order. Any other header is one bad line and
    the table has no rows, since no cell has a known meaning.

    Args:
        path: The text file (UTF-8, with or without a byte order mark, any line ending).
        columns: Names of the columns after the first, in the order used where the file has no header.

    Raises:
        OSError: the file cannot be read.
    """
    return parse_numbered(read_plain(path, most=MAX_TEXT).decode("utf-8-sig", errors="replace"), columns=columns)


def parse_numbered(text: str, *, columns: tuple[str, ...]) -> NumberedTable:
    r"""As :func:`read_numbered`, from text.

    >>> parse_numbered("Frame\tPhase\n0\tPreparation\n1\n", columns=("Phase",)).rows
    (Row(line=2, number=0, cells=('Preparation',)), BadLine(line=3, detail="1 column instead of 2: '1'"))
    """
    names = columns
    rows: list[Row | BadLine] = []
    lines = _cells(text)
    first = next(lines, None)
    if first is None:
        return NumberedTable(names, ())
    line, cells = first
    # A line that begins with a word and not with a number names the columns.
    if _integer(cells[0]) is None and not any(c.isdigit() for c in cells[0]):
        if len(cells) != len(columns) + 1 or len(set(cells)) != len(cells):
            found = f"header {_shown(cells)} instead of a number column and {' '.join(columns)}"
            return NumberedTable(names, (BadLine(line, f"{found}: the table is left out"),))
        names = cells[1:]
    else:
        rows.append(_row(line, cells, len(columns)))
    rows.extend(_row(n, c, len(columns)) for n, c in lines)
    return NumberedTable(names, tuple(rows))


def _cells(text: str) -> Iterator[tuple[int, tuple[str, ...]]]:
    # Not str.splitlines: it also breaks at characters that are no line ends in these files.
    for n, line in enumerate(text.replace("\r\n", "\n").replace("\r", "\n").split("\n"), 1):
        cells = tuple(line.split())
        if cells:
            yield n, cells


def _row(line: int, cells: tuple[str, ...], columns: int) -> Row | BadLine:
    if len(cells) != columns + 1:
        noun = "column" if len(cells) == 1 else "columns"
        return BadLine(line, f"{len(cells)} {noun} instead of {columns + 1}: {_shown(cells)}")
    number = _integer(cells[0])
    if number is None:
        return BadLine(line, f"first column {cells[0][:40]!r} is not a number from 0 up")
    return Row(line, number, cells[1:])


def _integer(cell: str) -> int | None:
    # int() would take "-1", "1_000" and other scripts' digits; the length keeps a damaged line from a huge number.
    return int(cell) if cell.isascii() and cell.isdigit() and len(cell) <= 12 else None


def _shown(cells: tuple[str, ...]) -> str:
    text = " ".join(cells)
    return repr(text if len(text) <= 80 else text[:77] + "...")
