"""Walking a tar that may be damaged: every member that can be read, and a note for everything that is wrong.

``tarfile`` takes a broken header in the middle of an archive for its end. A checker must not, so headers are read here
one by one; behind a broken one the walk goes on at the next block that is a header.
"""

from __future__ import annotations

import hashlib
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import IO

from ..schema import MAX_MEMBER, MEMBERS

_BLOCK = tarfile.BLOCKSIZE
_ZERO = bytes(_BLOCK)
_JSON = "json"
_NAMING = (tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK)
_LONGEST_NAME = 1 << 16
_KNOWN = sorted((_JSON, *MEMBERS), key=len, reverse=True)


@dataclass(frozen=True, slots=True)
class Damage:
    """Something wrong with the tar itself, ``offset`` bytes from its start; ``name`` is the member's, if any."""

    offset: int
    what: str
    expected: str
    name: str = ""


@dataclass(frozen=True, slots=True)
class Member:
    """One member; ``plain`` is False for folders, links and devices."""

    name: str
    offset: int
    plain: bool
    data: bytes


@dataclass(slots=True)
class Group:
    """Adjacent members of one key, under their member names (``json``, ``image.jpg``, ...)."""

    key: str
    offset: int
    members: dict[str, bytes] = field(default_factory=dict)
    notes: list[Damage] = field(default_factory=list)


class HashingReader:
    """Reads a file forward and keeps the SHA-256 and the number of the bytes seen."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._hash = hashlib.sha256()
        self.bytes = 0

    def read(self, size: int) -> bytes:
        """The next ``size`` bytes, fewer at the end."""
        data = self._file.read(size)
        self._hash.update(data)
        self.bytes += len(data)
        return data

    def finish(self) -> str:
        """Read what is left and give the SHA-256 of the whole file."""
        while self.read(1 << 20):
            pass
        return self._hash.hexdigest()


def walk(file: HashingReader) -> Iterator[Member | Damage]:
    """All members of a tar and all damage, in order; never raises on what the tar holds."""
    long_name, start, lost = "", -1, False
    while True:
        at = file.bytes
        head = file.read(_BLOCK)
        if len(head) < _BLOCK:
            if not lost:
                yield Damage(at, "the tar is cut: it ends without its end mark", "two blocks of zeros at the end")
            return
        if head == _ZERO and not lost:
            yield from _end(file, at)
            return
        try:
            entry = tarfile.TarInfo.frombuf(head, "utf-8", "surrogateescape")
        except tarfile.HeaderError as error:
            if not lost:
                yield Damage(at, f"a damaged member header ({error})", "a tar header with a right checksum")
            lost = True
            continue
        has_data = entry.isreg() or entry.type not in tarfile.SUPPORTED_TYPES or entry.type in _NAMING
        size = entry.size if has_data else 0
        most = _LONGEST_NAME if entry.type in _NAMING else MAX_MEMBER
        if not 0 <= size <= most:
            what = f"member {entry.name!r} says that it holds {size} bytes"
            yield Damage(at, what, f"0 to {most} bytes", entry.name)
            lost = True
            continue
        lost = False
        start = at if start < 0 else start
        data = file.read(size)
        padding = file.read(-size % _BLOCK)
        name = long_name or entry.name
        if len(data) < size or len(padding) < -size % _BLOCK:
            yield Damage(at, f"the tar is cut: member {name!r} holds {len(data)} of {size} bytes", "a whole tar", name)
            return
        if entry.type in (tarfile.XHDTYPE, tarfile.GNUTYPE_LONGNAME):
            long_name = (
                _pax_path(data) if entry.type == tarfile.XHDTYPE else data.rstrip(b"\0").decode("utf-8", "replace")
            )
        elif entry.type not in (tarfile.XGLTYPE, tarfile.GNUTYPE_LONGLINK):
            yield Member(name, start, entry.isreg(), data)
            long_name, start = "", -1


def _pax_path(data: bytes) -> str:
    for line in data.split(b"\n"):
        _, _, record = line.partition(b" ")
        if record.startswith(b"path="):
            return record[5:].decode("utf-8", "replace")
    return ""


def _end(file: HashingReader, at: int) -> Iterator[Damage]:
    if file.read(_BLOCK) != _ZERO:
        yield Damage(at, "the end mark of the tar is not whole", "two blocks of zeros at the end")
        return
    while more := file.read(1 << 20):
        if more.strip(b"\0"):
            yield Damage(at, "more data behind the end mark of the tar", "nothing but zeros")
            return


def groups(file: HashingReader) -> Iterator[Group | Damage]:
    """Members put together by key, and damage; the ``notes`` of a :class:`Group` say what is odd about it."""
    group: Group | None = None
    seen: set[str] = set()
    for found in walk(file):
        if isinstance(found, Damage):
            yield found
            continue
        if not found.plain or "/" in found.name or "\\" in found.name:
            what = "leaves the shard" if ".." in found.name.split("/") or found.name.startswith("/") else "has a folder"
            problem = f"member {found.name!r} {what}" if found.plain else f"member {found.name!r} is no plain file"
            yield Damage(found.offset, problem, "plain files called <key>.<member>, without folders", found.name)
            continue
        key, member = split_name(found.name)
        if group is None or key != group.key:
            if group is not None:
                yield group
            group = Group(key, found.offset)
            if key in seen:
                group.notes.append(
                    Damage(found.offset, f"key {key!r} occurs twice, or its members are apart", "members side by side")
                )
            seen.add(key)
        if member not in _KNOWN:
            expected = "one of " + ", ".join((_JSON, *MEMBERS))
            group.notes.append(Damage(found.offset, f"unknown member {found.name!r}", expected))
        elif member in group.members:
            group.notes.append(Damage(found.offset, f"member {found.name!r} occurs twice", "every member once"))
        else:
            group.members[member] = found.data
    if group is not None:
        yield group


def split_name(name: str) -> tuple[str, str]:
    """Key and member of a tar member's name.

    A known member is found from the end, so that a dot in a key is seen as such.

    >>> split_name("video01-000007.image.jpg"), split_name("video.01.json"), split_name("a.b.txt")
    (('video01-000007', 'image.jpg'), ('video.01', 'json'), ('a', 'b.txt'))
    """
    for member in _KNOWN:
        if name.endswith(f".{member}"):
            return name[: -len(member) - 1], member
    key, _, member = name.partition(".")
    return key, member
