"""The boxes of an mp4: how many frames they claim, and what they say besides frames.

Tables may name billions of frames in a few bytes, and FFmpeg makes room for each.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import BinaryIO

from ..errors import MediaError

_FIRST = {b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip"}
_WITHIN = {b"moov", b"trak", b"mdia", b"minf", b"stbl", b"moof", b"traf"}
_COUNT_AT = {b"stsz": 8, b"stz2": 8, b"trun": 4}
"""Boxes that count frames, and where after the head of the box they do."""
_PRIVATE = {b"uuid": "uuid box", b"XMP_": "XMP_ box"}
_DATED = {b"mvhd", b"tkhd", b"mdhd"}
"""Boxes that say when they were made and changed."""
_USER_DATA = 1 << 20
"""Bytes of user data that are looked at."""
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


def private_parts(film: BinaryIO, size: int) -> Iterator[str]:
    """What an mp4 says besides frames: user data, and times of its making.

    Args:
        film: Open at its start; left anywhere.
        size: Its bytes.
    """
    for kind, at in islice(_boxes(film, 0, size, _DEEPEST), _MOST):
        if kind in _PRIVATE:
            yield _PRIVATE[kind]
        elif kind == b"udta":
            film.seek(at - 8)
            data = film.read(min(int.from_bytes(film.read(4)), _USER_DATA) - 4)[4:]
            yield from (f"{name} in its user data" for name in _user_data(data))
        elif kind in _DATED:
            film.seek(at)
            head = film.read(20)
            wide = 8 if head[:1] == b"\x01" else 4
            if any(head[4 : 4 + 2 * wide]):
                yield f"time in its {kind.decode()} box"


def _user_data(data: bytes) -> Iterator[str]:
    """Names of what a ``udta`` box holds; FFmpeg writes one whose list of items is empty, which says nothing."""
    for kind, begin, end in _flat(data, 0):
        if kind != b"meta":
            yield kind.decode("latin-1")
            continue
        for inner, start, stop in _flat(data[:end], begin + 4):  # behind version and flags
            if inner == b"ilst":
                yield from (item.decode("latin-1") for item, _, _ in _flat(data[:stop], start))
            elif inner not in (b"hdlr", b"free"):
                yield inner.decode("latin-1")


def _flat(data: bytes, at: int) -> Iterator[tuple[bytes, int, int]]:
    """Kind of each box of one level, and where its content begins and ends."""
    while at + 8 <= len(data):
        length = int.from_bytes(data[at : at + 4])
        if length < 8:
            return
        yield data[at + 4 : at + 8], at + 8, min(at + length, len(data))
        at += length


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
