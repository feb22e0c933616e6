"""Mutations of honest inputs: of JSON by place, of texts by line, of tars by header field, of anything by byte."""

from __future__ import annotations

import copy
import tarfile
from collections.abc import Sequence
from typing import Any

import orjson
from hypothesis import strategies as st

NUMBERS = (0, 1, -1, 2, 7, 255, 2**31, 2**53 + 1, 2**63 - 1, -(2**63), 0.5, -0.0, 1e-300, 1e300, 64.0)
TEXTS = (
    *("", " ", "0", "-1", "null", "a", "../../secret.txt", "/etc/hostname", "..", ".", "a/b", "a\\b", "C:\\a"),
    *("train", "image.jpg", "data/../../x", "x" * 300, "9" * 5000, "1.0", "99.0", "a\nb", "a\r\nb", "a\x00b"),
    *("\x1b[31mred\x1b[0m", "\x1b]0;title\x07", "\u202eright to left", "zero\u200bwidth", "<script>x</script>", "|a|"),
    *("<image>", "<video>" * 3, "<|im_end|>", "{}", "{0.__class__}", "%s%n", "*.tar", "[a-z]", "~", "hook", "é" * 90),
)
VALUES: Sequence[Any] = (
    None,
    True,
    False,
    *NUMBERS,
    *TEXTS,
    [],
    {},
    [None],
    [[]],
    [0] * 4,
    {"": 0},
    {"id": 1},
    ["a"] * 3,
)


def places(value: Any, way: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The way to every value inside a document, to the document itself too."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [way, *(place for step, one in inner for place in places(one, (*way, step)))]


@st.composite
def documents(draw: st.DrawFn, honest: Any) -> Any:
    """``honest`` with one to three values set to something else, taken out, added or put in another's place."""
    made = copy.deepcopy(honest)
    for _ in range(draw(st.integers(1, 3))):
        ways = places(made)
        way = draw(st.sampled_from(ways))
        value = copy.deepcopy(draw(st.sampled_from(VALUES)))
        if not way:
            if draw(st.integers(0, 9)) == 0:
                return value
            continue
        inner = made
        for step in way[:-1]:
            inner = inner[step]
        what = draw(st.sampled_from(("like", "like", "like", "set", "set", "remove", "add", "copy")))
        if what == "remove":
            del inner[way[-1]]
        elif what == "add" and isinstance(inner, dict):
            inner[draw(st.sampled_from(("unheard_of", "", "__class__", "id")))] = value
        elif what == "copy":
            other: Any = made
            for step in draw(st.sampled_from(ways)):
                if isinstance(other, dict | list) and (isinstance(other, list) or step in other):
                    try:
                        other = other[step]
                    except (IndexError, TypeError):
                        break
            inner[way[-1]] = copy.deepcopy(other)
        else:
            if what == "like":  # of the same type, which gets further
                kind = type(inner[way[-1]])
                alike = [v for v in VALUES if type(v) is kind or {type(v), kind} == {int, float}]
                value = copy.deepcopy(draw(st.sampled_from(alike))) if alike else value
            inner[way[-1]] = value
    return made


def json_bytes(honest: Any) -> st.SearchStrategy[bytes]:
    """JSON of :func:`documents`, now and then damaged as bytes too."""
    plain = documents(honest).map(orjson.dumps)
    return plain | plain | plain | plain.flatmap(raw)


@st.composite
def raw(draw: st.DrawFn, honest: bytes) -> bytes:
    """``honest`` cut, flipped, repeated, or with bytes put in."""
    data = bytearray(honest)
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(data)))
        what = draw(st.sampled_from(("flip", "flip", "cut", "insert", "remove", "repeat", "zeros", "number")))
        if what == "flip" and at < len(data):
            data[at] ^= 1 << draw(st.integers(0, 7))
        elif what == "cut":
            del data[at:]
        elif what == "insert":
            data[at:at] = draw(st.binary(max_size=12))
        elif what == "remove":
            del data[at : at + draw(st.integers(1, 64))]
        elif what == "repeat":
            piece = data[at : at + draw(st.integers(1, 64))]
            data[at:at] = piece * draw(st.integers(1, 40))
        elif what == "zeros":
            data[at : at + 8] = bytes(min(8, len(data) - at))
        elif what == "number" and len(data) - at >= 8:
            data[at : at + 8] = draw(st.sampled_from((b"\xff" * 8, b"\xff" * 7 + b"\x7f", b"\0" * 7 + b"\x80")))
    return bytes(data)


@st.composite
def lines(draw: st.DrawFn, honest: str) -> bytes:
    """A text with lines and words repeated, dropped, exchanged or replaced."""
    made = honest.split("\n")
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(made) - 1))
        what = draw(st.sampled_from(("word", "word", "word", "drop", "repeat", "swap", "end")))
        words = made[at].split(" ")
        if what == "word":
            words[draw(st.integers(0, len(words) - 1))] = draw(st.sampled_from(TEXTS) | st.text(max_size=20))
            made[at] = " ".join(words)
        elif what == "drop" and len(made) > 1:
            del made[at]
        elif what == "repeat":
            made[at:at] = [made[at]] * draw(st.integers(1, 30))
        elif what == "swap":
            other = draw(st.integers(0, len(made) - 1))
            made[at], made[other] = made[other], made[at]
        else:
            made[at] = made[at][: draw(st.integers(0, len(made[at])))]
    return "\n".join(made).encode("utf-8", "surrogatepass")


_FIELDS = {"name": (0, 100), "mode": (100, 8), "size": (124, 12), "mtime": (136, 12), "type": (156, 1),
           "link": (157, 100), "magic": (257, 8), "prefix": (345, 155)}  # fmt: skip
_SIZES = (b"00000000000\0", b"77777777777\0", b"-0000000001\0", b"\x80" + b"\0" * 10 + b"\x05", b"\xff" * 12,
          b"\x80" + b"\x7f" * 11, b"           \0", b"zzzzzzzzzzz\0", b"00000001000\0")  # fmt: skip
_TYPES = (b"0", b"\0", b"1", b"2", b"3", b"5", b"6", b"7", b"x", b"g", b"L", b"K", b"S", b"\xff")
_NAMES = (b"../../secret.txt", b"/etc/hostname", b"a", b"a.json", b".json", b"a.b/c", b"\xff\xfe.json", b"a.image.jpg",
          b"", b"\x1b[31m.json", b"a" * 100, b"a\nb.json")  # fmt: skip


def headers(tar: bytes) -> list[int]:
    """Where the headers of a tar begin."""
    found, at = [], 0
    while at + 512 <= len(tar) and tar[at : at + 512] != bytes(512):
        found.append(at)
        size = tarfile.TarInfo.frombuf(tar[at : at + 512], "utf-8", "surrogateescape").size
        at += 512 + size + -size % 512
    return found


@st.composite
def tars(draw: st.DrawFn, honest: bytes) -> bytes:
    """A tar with fields of its headers replaced (checksums right again, mostly), or damaged as bytes."""
    if draw(st.integers(0, 3)) == 0:
        return draw(raw(honest))
    data, starts = bytearray(honest), headers(honest)
    for _ in range(draw(st.integers(1, 3))):
        at, name = draw(st.sampled_from(starts)), draw(st.sampled_from(sorted(_FIELDS)))
        begin, length = _FIELDS[name]
        pool = {"size": _SIZES, "mtime": _SIZES, "type": _TYPES}.get(name, _NAMES)
        value = draw(st.sampled_from(pool) | st.binary(min_size=length, max_size=length))
        data[at + begin : at + begin + length] = value[:length].ljust(length, b"\0")
        if draw(st.integers(0, 7)):
            head = data[at : at + 512]
            head[148:156] = b" " * 8
            data[at + 148 : at + 156] = b"%06o\0 " % sum(head)
    return bytes(data)
