"""What the pages of a Parquet file say that they hold, read before anything is decompressed or decoded.

A footer may say that a column is small while its pages say that they are large, and readers allocate what a page says.
So the headers of the pages themselves are read here: Thrift's compact protocol, of which nothing else is needed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

ENCODINGS = frozenset({0, 2, 3, 5, 8})
"""PLAIN, PLAIN_DICTIONARY, RLE, DELTA_BINARY_PACKED and RLE_DICTIONARY, which a build writes.

Of the others some make a long text of each value out of a few bytes.
"""

_DATA, _INDEX, _DICTIONARY, _DATA_2 = 0, 1, 2, 3  # PageType of parquet.thrift
_HEADER_OF = {_DATA: 5, _DICTIONARY: 7, _DATA_2: 8}  # field of PageHeader that describes a page of this type
_ENCODING_OF = {_DATA: 2, _DICTIONARY: 2, _DATA_2: 4}  # field of that header
_DEEPEST = 8  # a page header is three structs deep


@dataclass(frozen=True, slots=True)
class Page:
    """What a page says of itself.

    Attributes:
        values: That it holds, nulls among them; 0 for the page of a dictionary.
        expanded: Bytes once it is decompressed.
        encoding: Number of its encoding in parquet.thrift.
    """

    values: int
    expanded: int
    encoding: int


def pages(chunk: bytes) -> Iterator[Page]:
    """The pages of a column chunk.

    Args:
        chunk: All bytes of the chunk.

    Raises:
        ValueError: no row of pages.
    """
    at = 0
    while at < len(chunk):
        header, at = _struct(chunk, at, _DEEPEST)
        kind, expanded, stored = (_number(header, field) for field in (1, 2, 3))
        if kind == _INDEX:
            raise ValueError("a page of an index among the pages of a column")
        own = header.get(_HEADER_OF.get(kind, -1))
        if not isinstance(own, dict) or stored > len(chunk) - at:
            raise ValueError("a page that is not described, or is not there as a whole")
        yield Page(0 if kind == _DICTIONARY else _number(own, 1), expanded, _number(own, _ENCODING_OF[kind]))
        at += stored


def _number(struct: dict[int, Any], field: int) -> int:
    value = struct.get(field)
    if type(value) is not int or value < 0:
        raise ValueError("a page header without its numbers")
    return value


def _struct(data: bytes, at: int, deep: int) -> tuple[dict[int, Any], int]:
    """Fields by number, and where the struct ends."""
    if not deep:
        raise ValueError("a page header that is too deep")
    found: dict[int, Any] = {}
    field = 0
    while True:
        head, at = _byte(data, at)
        if head == 0:
            return found, at
        if head >> 4:
            field += head >> 4
        else:
            field, at = _zigzag(data, at)
        kind = head & 15
        if kind in (1, 2):  # a truth in the head itself
            found[field] = kind == 1
        else:
            found[field], at = _value(data, at, kind, deep)


def _value(data: bytes, at: int, kind: int, deep: int) -> tuple[Any, int]:
    if kind in (1, 2, 3):
        return _byte(data, at)
    if kind in (4, 5, 6):
        return _zigzag(data, at)
    if kind == 7:
        return None, _behind(data, at, 8)
    if kind == 8:
        size, at = _varint(data, at)
        return None, _behind(data, at, size)
    if kind in (9, 10):
        head, at = _byte(data, at)
        count, at = _varint(data, at) if head >> 4 == 15 else (head >> 4, at)
        for _ in range(count):  # each takes a byte at least, so that the data ends it
            _, at = _value(data, at, head & 15, deep - 1)
        return None, at
    if kind == 12:
        return _struct(data, at, deep - 1)
    raise ValueError("a page header of another form")  # a map among others, which no page header has


def _byte(data: bytes, at: int) -> tuple[int, int]:
    if at >= len(data):
        raise ValueError("a page header that is cut off")
    return data[at], at + 1


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 70, 7):
        byte, at = _byte(data, at)
        value |= (byte & 127) << shift
        if byte < 128:
            return value, at
    raise ValueError("a number without end in a page header")


def _zigzag(data: bytes, at: int) -> tuple[int, int]:
    value, at = _varint(data, at)
    return value >> 1 ^ -(value & 1), at


def _behind(data: bytes, at: int, size: int) -> int:
    if size > len(data) - at:
        raise ValueError("a page header that is cut off")
    return at + size
