"""Damage of every kind to a table of a source, and what may come of it; discovered from the fixtures.

A table is every file of a fixture that is text: rows, JSON, lists of names. What one video says is what its loader
yields and its course, so that a test sees which videos a damaged file changes.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from surgsigma_hub.errors import LabelError, SurgSigmaError
from surgsigma_hub.ontology import resolve_frame, resolve_timeline
from surgsigma_hub.records import Defect, Frame, Reason, Video
from surgsigma_hub.source import Source

MARK = b"\xef\xbb\xbf"


def tables(root: Path) -> Iterator[Path]:
    """The files of a fixture that are text, in order."""
    for path in sorted(root.rglob("*")):
        if path.is_file() and path.stat().st_size:
            data = path.read_bytes()
            try:
                data.decode("utf-8")
            except UnicodeDecodeError:
                continue
            if b"\0" not in data:
                yield path


def lines_of(data: bytes) -> list[bytes]:
    """Lines with their ends."""
    return data.splitlines(keepends=True)


def is_document(data: bytes) -> bool:
    """Whether a file is one JSON document, which is whole or nothing."""
    try:
        return isinstance(json.loads(data), (dict, list))
    except ValueError:
        return False


def row(data: bytes) -> int:
    """The line that is damaged: one in the middle, so that a header is none."""
    held = [n for n, line in enumerate(lines_of(data)) if line.strip()]
    return held[(len(held) + 1) // 2] if len(held) > 1 else 0


def cut_line(data: bytes) -> bytes:
    """A line ends in its middle, as where a disk was full."""
    lines = lines_of(data)
    n = row(data)
    text = lines[n].rstrip(b"\r\n")
    lines[n] = text[: len(text) // 2] + lines[n][len(text) :]
    return b"".join(lines)


def double_row(data: bytes) -> bytes:
    """A line stands there twice."""
    lines = lines_of(data)
    n = row(data)
    lines.insert(n, lines[n] if lines[n].endswith(b"\n") else lines[n] + b"\n")
    return b"".join(lines)


def missing_file(data: bytes) -> None:
    """The file is not there."""


def emptied(data: bytes) -> bytes:
    """The file is there and holds nothing, as where a download or a script was stopped."""
    return b""


def byte_order_mark(data: bytes) -> bytes:
    """A mark that Windows editors write before UTF-8."""
    return MARK + data.removeprefix(MARK)


def crlf(data: bytes) -> bytes:
    """Line ends of Windows."""
    return data.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")


def foreign_column(data: bytes) -> bytes:
    """A column that no release has, at the end of every line; of a document, a key that none has."""
    if is_document(data):
        at = data.rfind(b"}")
        inside = data[:at].rstrip()
        return data if at < 0 else inside + (b"" if inside.endswith(b"{") else b",") + b'"foreign": 7' + data[at:]
    delimiter = next((d for d in (b";", b"\t", b",") if d in data), b" ")
    ends = [(line.rstrip(b"\r\n"), line) for line in lines_of(data)]
    return b"".join(text + delimiter + b"7" + line[len(text) :] if text else line for text, line in ends)


def foreign_encoding(data: bytes) -> bytes:
    """UTF-16, as spreadsheets export "Unicode text"."""
    return data.decode("utf-8-sig").encode("utf-16")


def latin_letter(data: bytes) -> bytes:
    """One letter of a line in the encoding of another system, which is no UTF-8."""
    lines = lines_of(data)
    n = row(data)
    text = lines[n].rstrip(b"\r\n")
    at = len(text) // 2
    lines[n] = text[:at] + b"\xe9" + text[at + 1 :] + lines[n][len(text) :]
    return b"".join(lines)


KINDS: tuple[Callable[[bytes], bytes | None], ...] = (
    cut_line, double_row, missing_file, emptied, byte_order_mark, crlf, foreign_column, foreign_encoding, latin_letter,
)  # fmt: skip
HARMLESS = (byte_order_mark, crlf)
"""What changes no word of a table, so that nothing may change or be told."""
OF_A_ROW = (cut_line, double_row, latin_letter)
"""What damages one line: it may cost what that line says."""


def other_kinds(data: bytes, values: Sequence[Any] = ([], {})) -> Iterator[tuple[str, bytes]]:
    """A JSON document with one value of another kind, for each place that differs by more than numbers.

    Yields:
        What is where, for messages, and the document.
    """
    whole = json.loads(data)
    places = {re.sub("[0-9]+", "#", str(place)): place for place in reversed(list(_places(whole)))}
    for place in reversed(places.values()):
        for value in values:
            document = json.loads(data)
            inside = document
            for key in place[:-1]:
                inside = inside[key]
            inside[place[-1]] = value
            yield f"{value} at {list(place)}", json.dumps(document).encode()


def _places(value: Any, place: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, one in inner:
        yield (*place, key)
        yield from _places(one, (*place, key))


@dataclass(frozen=True, slots=True)
class Said:
    """What one video says: its moments and its course, and how many defects of it there are."""

    records: tuple[object, ...]
    defects: tuple[Defect, ...]

    @property
    def told(self) -> int:
        """Moments that its defects stand for."""
        return sum(d.moments for d in self.defects)


def said(source: Source) -> dict[str, Said]:
    """What each video of a source says; a label that no table knows is a defect, as in a build."""
    return {video.id: _said(source, video) for video in source.videos()}


def _said(source: Source, video: Video) -> Said:
    records: list[object] = [(video.split, video.canonical_id)]
    defects: list[Defect] = []
    for found in source.frames(video):
        if isinstance(found, Defect):
            defects.append(found)
        else:
            _known(lambda found=found: resolve_frame(source.info.name, found), defects)  # type: ignore[misc]
            records.append(_plain(found))
    course = source.course(video)
    if course is not None:
        _known(lambda: resolve_timeline(source.info.name, course), defects)
        records += course.segments
        records.append(tuple(course.labelled.items()))
    recording = source.recording(video)
    if recording is not None:
        records.append((recording.place, recording.lasts))
    return Said(tuple(records), tuple(defects))


def _known(resolve: Callable[[], object], defects: list[Defect]) -> None:
    try:
        resolve()
    except LabelError as error:
        defects.append(Defect(Reason.LABEL_UNKNOWN, "label", str(error)))


def _plain(frame: Frame) -> str:
    return repr(frame)


def outcome(opened: Callable[[], Source]) -> dict[str, Said] | SurgSigmaError:
    """What each video of a damaged copy says, or the error of ours that refuses it."""
    try:
        return said(opened())
    except SurgSigmaError as error:
        return error
