"""TFRecord files and the ``tf.train.Example`` messages in them, read without TensorFlow.

Byte values come back as places in the file, not as bytes, so that a picture inside a record can be passed on as a
``records.FileSlice`` without ever being read here.
"""

from __future__ import annotations

import mmap
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from ..errors import BadRowError

Buffer = bytes | mmap.mmap
"""What the functions here read from: random access, and slices that are ``bytes``."""

_HEAD = 12  # length (8, little endian) and the masked CRC of those 8 bytes (4)
_TAIL = 4  # masked CRC of the payload
_MOST_VALUES = 1 << 16  # of a feature: a number of one byte takes forty in memory
_MOST_FEATURES = 1 << 10  # of an Example; the records of Cholec80 have ten
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5


class TFRecordError(BadRowError):
    """Bytes that are not a TFRecord or not an Example; the message gives the position in the file."""


@dataclass(frozen=True, slots=True)
class Span:
    """A run of bytes of the buffer."""

    offset: int
    length: int

    def read(self, buffer: Buffer) -> bytes:
        """The bytes themselves."""
        return buffer[self.offset : self.offset + self.length]


@dataclass(frozen=True, slots=True)
class Feature:
    """One feature of an Example; exactly one kind of list is filled, or none for an empty feature."""

    blobs: tuple[Span, ...] = ()
    ints: tuple[int, ...] = ()
    floats: tuple[float, ...] = ()


@contextmanager
def opened(path: Path) -> Iterator[Buffer]:
    """The file as a buffer, mapped and not read."""
    with path.open("rb") as file:
        if path.stat().st_size == 0:  # an empty file cannot be mapped
            yield b""
            return
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
            yield mapped


def looks_like_tfrecord(path: Path) -> bool:
    """Whether the file begins with a record header whose checksum is right."""
    with path.open("rb") as file:
        head = file.read(_HEAD)
    return len(head) == _HEAD and _header_crc(head) == masked_crc32c(head[:8])


def read_records(buffer: Buffer) -> Iterator[Span]:
    """The payload of each record in turn; the checksum of each length is verified, that of the payload is not.

    Raises:
        TFRecordError: a header that is damaged or a record that is cut short. What came before is good; what follows
            cannot be found, since only the length leads to the next record.
    """
    size, at = len(buffer), 0
    while at < size:
        if size - at < _HEAD:
            raise TFRecordError(f"byte {at}: file is cut, {size - at} of {_HEAD} bytes of a record header are left")
        head = buffer[at : at + _HEAD]
        if _header_crc(head) != masked_crc32c(head[:8]):
            raise TFRecordError(f"byte {at}: the checksum of the record header is wrong")
        (length,) = struct.unpack("<Q", head[:8])
        start = at + _HEAD
        if length + _TAIL > size - start:
            raise TFRecordError(
                f"byte {at}: file is cut, a record of {length} bytes begins here and {max(0, size - start)} are left"
            )
        yield Span(start, length)
        at = start + length + _TAIL


def parse_example(buffer: Buffer, payload: Span) -> dict[str, Feature]:
    """The features of the ``tf.train.Example`` in ``payload``.

    Raises:
        TFRecordError: not a well-formed message, or a feature that holds two kinds of list.
    """
    features: dict[str, Feature] = {}
    for number, wire, value in _fields(buffer, payload):
        if (number, wire) != (1, _BYTES) or not isinstance(value, Span):
            continue
        for number_in, wire_in, entry in _fields(buffer, value):
            if (number_in, wire_in) == (1, _BYTES) and isinstance(entry, Span):
                name, feature = _map_entry(buffer, entry)
                features[name] = feature
                if len(features) > _MOST_FEATURES:
                    raise TFRecordError(f"byte {payload.offset}: more than {_MOST_FEATURES} features")
    return features


def masked_crc32c(data: bytes) -> int:
    """The checksum of TFRecord: CRC-32C, rotated and offset.

    >>> hex(masked_crc32c(b"123456789"))
    '0xc78ab0e5'
    """
    table, crc = _crc_table(), 0xFFFFFFFF
    for byte in data:
        crc = table[(crc ^ byte) & 0xFF] ^ (crc >> 8)
    crc ^= 0xFFFFFFFF
    return (((crc >> 15) | (crc << 17)) + 0xA282EAD8) & 0xFFFFFFFF


@cache
def _crc_table() -> tuple[int, ...]:
    table = []
    for n in range(256):
        for _ in range(8):
            n = (n >> 1) ^ (0x82F63B78 if n & 1 else 0)  # the Castagnoli polynomial, bit-reversed
        table.append(n)
    return tuple(table)


def _header_crc(head: bytes) -> int:
    crc: int = struct.unpack("<I", head[8:12])[0]
    return crc


def _varint(buffer: Buffer, at: int, end: int) -> tuple[int, int]:
    value = shift = 0
    start = at
    while at < end and shift < 70:
        byte = buffer[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value & 0xFFFFFFFFFFFFFFFF, at
        shift += 7
    raise TFRecordError(f"byte {start}: a number of the message does not end")


def _fields(buffer: Buffer, span: Span) -> Iterator[tuple[int, int, int | Span]]:
    """Field number, wire type and value of each field of a message."""
    at, end = span.offset, span.offset + span.length
    while at < end:
        start = at
        tag, at = _varint(buffer, at, end)
        number, wire = tag >> 3, tag & 7
        value: int | Span
        if wire == _VARINT:
            value, at = _varint(buffer, at, end)
        elif wire in (_FIXED64, _FIXED32):
            width = 8 if wire == _FIXED64 else 4
            value, at = Span(at, width), at + width
        elif wire == _BYTES:
            length, at = _varint(buffer, at, end)
            value, at = Span(at, length), at + length
        else:
            raise TFRecordError(f"byte {start}: wire type {wire} does not occur in an Example")
        if number == 0:
            raise TFRecordError(f"byte {start}: field number 0 does not exist")
        if at > end:
            raise TFRecordError(f"byte {start}: field {number} runs {at - end} bytes past the end of its message")
        yield number, wire, value


def _map_entry(buffer: Buffer, entry: Span) -> tuple[str, Feature]:
    name, feature = "", Feature()
    for number, wire, value in _fields(buffer, entry):
        if wire != _BYTES or not isinstance(value, Span):
            continue
        if number == 1:
            try:
                name = value.read(buffer).decode()
            except UnicodeDecodeError:
                raise TFRecordError(f"byte {value.offset}: the name of a feature is not UTF-8") from None
        elif number == 2:
            feature = _feature(buffer, value)
    return name, feature


def _feature(buffer: Buffer, span: Span) -> Feature:
    blobs: list[Span] = []
    ints: list[int] = []
    floats: list[float] = []
    kinds: set[int] = set()
    for kind, wire, value in _fields(buffer, span):
        if wire != _BYTES or not isinstance(value, Span) or kind not in (1, 2, 3):
            continue
        kinds.add(kind)
        for number, wire_in, item in _fields(buffer, value):
            if number != 1:
                continue
            if kind == 1 and wire_in == _BYTES and isinstance(item, Span):
                blobs.append(item)
            elif kind == 2 and wire_in in (_BYTES, _FIXED32) and isinstance(item, Span):
                if item.length % 4 or item.length > 4 * _MOST_VALUES:
                    raise TFRecordError(f"byte {item.offset}: {item.length} bytes are no list of floats")
                floats.extend(struct.unpack(f"<{item.length // 4}f", item.read(buffer)))
            elif kind == 3 and wire_in == _VARINT and isinstance(item, int):
                ints.append(_signed(item))
            elif kind == 3 and wire_in == _BYTES and isinstance(item, Span):  # the packed form
                at, end = item.offset, item.offset + item.length
                while at < end and len(ints) <= _MOST_VALUES:
                    number_in, at = _varint(buffer, at, end)
                    ints.append(_signed(number_in))
            else:
                raise TFRecordError(f"byte {value.offset}: wire type {wire_in} does not fit its list")
            if max(len(blobs), len(ints), len(floats)) > _MOST_VALUES:
                raise TFRecordError(f"byte {span.offset}: a feature of more than {_MOST_VALUES} values")
    if len(kinds) > 1:
        raise TFRecordError(f"byte {span.offset}: a feature holds two kinds of list")
    return Feature(tuple(blobs), tuple(ints), tuple(floats))


def _signed(value: int) -> int:
    """Int64 from its unsigned form (two's complement)."""
    return value - (1 << 64) if value >= 1 << 63 else value
