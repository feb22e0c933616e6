"""Workbooks (.xlsx): the rows of the first sheet as texts by the names in its first line."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

from ..errors import BadRowError
from ..plain_file import MAX_TEXT

_SPACE = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
_SHEET = re.compile("xl/worksheets/sheet([0-9]{1,4})[.]xml")
_PLACE = re.compile("([A-Z]{1,3})([0-9]{1,7})")


@dataclass(frozen=True, slots=True)
class SheetRow:
    """One row: its number (1-based, as spreadsheets show it) and the texts of the columns asked for, or empty ones."""

    number: int
    cells: tuple[str, ...]


def read_sheet(path: Path, columns: Sequence[str]) -> tuple[SheetRow, ...]:
    """The rows of the first sheet but for its first line and empty ones.

    Args:
        path: The workbook.
        columns: Names in the first line, whatever the case; other columns are not read.

    Raises:
        BadRowError: it is no workbook, or its first line lacks a column; the message does not name the file.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            sheets = sorted((int(m[1]), n) for n in archive.namelist() if (m := _SHEET.fullmatch(n)))
            if not sheets:
                raise BadRowError("no sheet inside: it is no workbook")
            shared = _shared(_xml(archive, "xl/sharedStrings.xml")) if _has(archive, "xl/sharedStrings.xml") else []
            rows = _rows(_xml(archive, sheets[0][1]), shared)
    except (zipfile.BadZipFile, OSError, EOFError, RuntimeError, NotImplementedError) as error:
        raise BadRowError(f"it is no workbook, or cut short ({type(error).__name__})") from None
    number, head = rows[0] if rows else (1, {})
    places = {text.strip().casefold(): column for column, text in head.items()}
    missing = [c for c in columns if c.casefold() not in places]
    if missing:
        raise BadRowError(f"row {number} names {', '.join(head.values())[:80]!r} and lacks {', '.join(missing)}")
    wanted = [places[c.casefold()] for c in columns]
    return tuple(
        SheetRow(n, tuple(cells.get(c, "").strip() for c in wanted)) for n, cells in rows[1:] if any(cells.values())
    )


def _has(archive: zipfile.ZipFile, name: str) -> bool:
    return name in archive.namelist()


def _xml(archive: zipfile.ZipFile, name: str) -> ElementTree.Element:
    if archive.getinfo(name).file_size > MAX_TEXT:
        raise BadRowError(f"{name} inside is larger than any table of a release")
    data = archive.read(name)
    if b"<!DOCTYPE" in data or b"<!ENTITY" in data:
        raise BadRowError(f"{name} inside declares a document type, which can make it grow")
    try:
        return ElementTree.fromstring(data)
    except (ElementTree.ParseError, ValueError, LookupError):
        raise BadRowError(f"{name} inside is not XML, or cut short") from None


def _shared(root: ElementTree.Element) -> list[str]:
    return ["".join(t.text or "" for t in item.iter(f"{_SPACE}t")) for item in root.iter(f"{_SPACE}si")]


def _rows(root: ElementTree.Element, shared: Sequence[str]) -> list[tuple[int, dict[str, str]]]:
    """Number and cells by letter of the column of each row that has any."""
    found: list[tuple[int, dict[str, str]]] = []
    for row in root.iter(f"{_SPACE}row"):
        cells: dict[str, str] = {}
        number = 0
        for cell in row.iter(f"{_SPACE}c"):
            place = _PLACE.fullmatch(cell.get("r", ""))
            if place is not None:
                number, cells[place[1]] = int(place[2]), _text(cell, shared)
        if any(cells.values()):
            found.append((number, cells))
    return found


def _text(cell: ElementTree.Element, shared: Sequence[str]) -> str:
    if cell.get("t") == "inlineStr":
        return "".join(t.text or "" for t in cell.iter(f"{_SPACE}t"))
    value = cell.findtext(f"{_SPACE}v") or ""
    if cell.get("t") != "s":
        return value
    return shared[int(value)] if value.isascii() and value.isdigit() and int(value) < len(shared) else ""
