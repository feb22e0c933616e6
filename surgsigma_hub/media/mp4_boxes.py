"""How many frames an mp4 claims: its tables may name billions in a few bytes, and FFmpeg makes room for each."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import BinaryIO

from ..errors import MediaError

_FIRST = {b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip"}
_WITHIN = {b"moov", b"trak", b"mdia", b"minf", b"stbl", b"moof", b"traf"}
_COUNT_AT = {b"stsz": 8, b"stz2": 8, b"trun": 4}
"""Boxes that count frames, and where after the head of the box they do."""
_DEEPEST, _MOST = 8, 1_000_000
"""Boxes within boxes, of which films have five, and boxes that are looked at."""


def check_counts(film: BinaryIO, size: int, name: str) -> None:
    """Refuse an mp4 that claims more frames than it has bytes; other containers pass.

    Args:
        film: Open at its start; left anywhere.
        size: Its bytes.
        name: For messages.

    Raises:
        MediaError: more frames than bytes.
    """
    if film.read(8)[4:] not in _FIRST:
        return
    for kind, at in islice(_boxes(film, 0, size, _DEEPEST), _MOST):
        if kind in _COUNT_AT:
            film.seek(at + _COUNT_AT[kind])
            count = int.from_bytes(film.read(4))
            if count > size:
                raise MediaError(f"{name}: claims {count} frames in {size} bytes")


def _boxes(film: BinaryIO, start: int, end: int, deeper: int) -> Iterator[tuple[bytes, int]]:
    """Kind of each box, and where its content begins."""
    while start + 8 <= end:
        film.seek(start)
        head = film.read(16)
        length, kind, begin = int.from_bytes(head[:4]), head[4:8], start + 8
        if length == 1:
            length, begin = int.from_bytes(head[8:16]), start + 16
        if length == 0 or start + length > end:
            length = end - start
        if length < begin - start:
            return
        yield kind, begin
        if kind in _WITHIN and deeper:
            yield from _boxes(film, begin, start + length, deeper - 1)
        start += length
