"""JSON files whose objects say which of their keys the text repeats, and whose errors say where the file breaks."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson

from ..errors import BadRowError
from ..plain_file import MAX_TEXT, read_plain

_NONE: frozenset[str] = frozenset()
_ALIKE = bytes(ord("0") if chr(code).isdecimal() else code for code in range(128)) + bytes(range(128, 256))
_LONG = b"0" * 19
"""Digits, all of them alike, of a whole number that may have more than 64 bits: orjson 3.13 makes a float of it."""


class Pairs(dict[str, Any]):
    """A JSON object. Plain JSON readers keep the last of two equal keys in silence; this one names them."""

    __slots__ = ("repeated",)
    repeated: frozenset[str]

    @classmethod
    def of(cls, pairs: list[tuple[str, Any]]) -> Pairs:
        """The object of these pairs."""
        made = cls(pairs)
        made.repeated = _NONE
        if len(made) != len(pairs):
            made.repeated = frozenset(key for key, times in Counter(key for key, _ in pairs).items() if times > 1)
        return made


def as_utf8(data: bytes) -> bytes:
    r"""JSON as UTF-8 without a mark, from any of the encodings that JSON may have.

    Raises:
        BadRowError: it is in another encoding than its first bytes say; the message does not name the file.

    >>> as_utf8(b"\xef\xbb\xbf{}"), as_utf8("{}".encode("utf-16"))
    (b'{}', b'{}')
    """
    encoding = json.detect_encoding(data[:4])
    try:
        return data if encoding == "utf-8" else data.decode(encoding).encode()
    except UnicodeDecodeError as error:
        raise BadRowError(f"not {encoding.upper()} at byte {error.start}") from None


def repeated_in(read: Mapping[str, Any]) -> frozenset[str]:
    """The keys that the text of an object of :func:`read_json` repeats."""
    return read.repeated if isinstance(read, Pairs) else _NONE


def read_json(path: Path) -> Any:
    """The content of a JSON file; :func:`repeated_in` tells of each object which of its keys the text repeats.

    Raises:
        BadRowError: not to be opened, not JSON or cut short, with the position; the message does not name the file.
    """
    try:
        return parse_json(read_plain(path, most=MAX_TEXT))
    except OSError as error:
        raise BadRowError(f"the file cannot be opened ({error.strerror})") from None


def parse_json(data: bytes) -> Any:
    """As :func:`read_json`, of the bytes of a file.

    Raises:
        BadRowError: not JSON or cut short, with the position.

    >>> parse_json(b'{"a": 1, "b": {}}'), sorted(repeated_in(parse_json(b'{"a": 1, "b": 2, "a": 3}')))
    ({'a': 1, 'b': {}}, ['a'])
    """
    if b"\\" not in data and _LONG not in data.translate(_ALIKE):
        try:  # four times as fast, keeps the last of equal keys in silence, and takes less for JSON
            document = orjson.loads(data)
        except orjson.JSONDecodeError:
            pass
        else:
            if orjson.dumps(document).count(b":") == data.count(b":"):  # one for each key, and those in texts
                return document
    try:
        return json.loads(data, object_pairs_hook=Pairs.of)
    except json.JSONDecodeError as error:
        place = f"line {error.lineno}, column {error.colno} (character {error.pos})"
        raise BadRowError(f"not JSON, or cut short: {error.msg} at {place}") from None
    except UnicodeDecodeError as error:
        raise BadRowError(f"not UTF-8 at byte {error.start}") from None
    except (RecursionError, ValueError) as error:  # absurd nesting, a number of thousands of digits
        raise BadRowError(f"JSON that cannot be read ({type(error).__name__})") from None
