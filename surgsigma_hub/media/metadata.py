"""What an encoded image says besides its pixels: its size, and metadata that must not be published."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

_MARKER = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]")  # inside coded data, FF is followed by 00 or a restart number
_KEPT_APP = (0xE0, 0xEE)  # JFIF and Adobe's colour transform are needed to show the picture
_PNG_START = b"\x89PNG\r\n\x1a\n"
_PNG_PRIVATE = (b"tEXt", b"zTXt", b"iTXt", b"eXIf", b"tIME")


@dataclass(frozen=True, slots=True)
class Probe:
    """Width and height (0 when not found) and the names of the metadata parts."""

    width: int
    height: int
    private: tuple[str, ...]
    damage: str = ""


def probe(data: bytes) -> Probe | None:
    """Look into a JPEG or PNG without decoding it; None for anything else."""
    if data[:2] == b"\xff\xd8":
        return _jpeg(data)
    if data[:8] == _PNG_START:
        return _png(data)
    return None


def _segments(data: bytes) -> Iterator[tuple[int, bytes]]:
    at = 2
    while (found := _MARKER.search(data, at)) is not None:
        marker, at = data[found.start() + 1], found.end()
        if marker == 0xD9:
            yield marker, data[at:]
            return
        if marker in (0x01, 0xD8):
            continue
        length = int.from_bytes(data[at : at + 2], "big")
        if length < 2 or at + length > len(data):
            return
        yield marker, data[at + 2 : at + length]
        at += length


def _jpeg(data: bytes) -> Probe:
    width = height = 0
    private: list[str] = []
    damage = "no end marker, the image is cut"
    for marker, body in _segments(data):
        if marker == 0xD9:
            damage = ""
            if body:
                private.append(f"{len(body)} bytes behind the end marker")
        elif marker in range(0xC0, 0xD0) and marker not in (0xC4, 0xC8, 0xCC) and len(body) >= 5:
            height, width = int.from_bytes(body[1:3], "big"), int.from_bytes(body[3:5], "big")
        elif marker == 0xFE:
            private.append("COM segment")
        elif 0xE0 <= marker <= 0xEF and marker not in _KEPT_APP:
            private.append(f"APP{marker - 0xE0} segment{' (EXIF)' if body[:4] == b'Exif' else ''}")
    return Probe(width, height, tuple(private), damage)


def _png(data: bytes) -> Probe:
    private: list[str] = []
    at, ended = 8, False
    while at + 12 <= len(data) and not ended:
        length, kind = int.from_bytes(data[at : at + 4], "big"), data[at + 4 : at + 8]
        if kind in _PNG_PRIVATE:
            private.append(f"{kind.decode()} chunk")
        ended = kind == b"IEND"
        at += 12 + length
    if ended and at < len(data):
        private.append(f"{len(data) - at} bytes behind the end")
    size = int.from_bytes(data[16:20], "big"), int.from_bytes(data[20:24], "big")
    return Probe(*size, tuple(private), "" if ended else "no IEND chunk, the image is cut")
