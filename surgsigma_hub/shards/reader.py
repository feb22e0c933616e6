"""Sequential reading of a shard, with exact errors for what a damaged or foreign tar can hold."""

from __future__ import annotations

import os
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, BinaryIO

import orjson

from ..errors import ShardError
from ..schema import MAX_JSON, MAX_MEMBER
from .tree_files import TreeFiles


def open_shard(tree: Path, place: str) -> BinaryIO:
    """A shard of a tree, open for reading.

    Raises:
        ShardError: it is not there, leads out of the tree, is no plain file, or cannot be read.
    """
    try:
        return os.fdopen(TreeFiles(tree).open(place), "rb")
    except FileNotFoundError:
        raise ShardError(f"{place}: no such shard, but its manifest lists it", hint="Build it again.") from None
    except OSError as error:
        raise ShardError(f"{place}: cannot be opened ({error.strerror or error})", hint="Build it again.") from None


def read_shard(file: IO[bytes], *, where: str) -> Iterator[tuple[str, dict[str, bytes]]]:
    """Samples of one tar as ``(key, {member: bytes})``; the JSON member is called ``json``.

    Args:
        file: The tar, read forward only.
        where: Name of the shard for error messages.

    Raises:
        ShardError: cut or damaged tar, a member that is no plain file, is larger than a reader holds or whose name
            leaves the folder, members of one sample that are not adjacent, or a member twice.
    """
    key, members, seen = "", dict[str, bytes](), set[str]()
    for name, data in _entries(file, where):
        this, member = name.split(".", 1)
        if this != key:
            if key:
                yield key, members
            if this in seen:
                raise ShardError(f"{where}: the members of sample {this!r} are not adjacent, or its key occurs twice")
            seen.add(this)
            key, members = this, {}
        if member in members:
            raise ShardError(f"{where}: member {name!r} occurs twice")
        members[member] = data
    if key:
        yield key, members


def read_documents(file: IO[bytes], *, where: str) -> Iterator[dict[str, Any]]:
    """The JSON member of every sample of one tar, in order; media are passed over unread.

    Args:
        file: The tar, which can be sought in.
        where: Name of the shard for error messages.

    Raises:
        ShardError: cut or damaged tar, or a JSON member that is no JSON.
    """
    for name, data in _entries(file, where, only=".json"):
        try:
            document: dict[str, Any] = orjson.loads(data)
        except orjson.JSONDecodeError as error:
            raise ShardError(f"{where}: member {name!r} is no JSON ({error})") from None
        yield document


def _entries(file: IO[bytes], where: str, *, only: str = "") -> Iterator[tuple[str, bytes]]:
    """Name and content of every member up to the end mark; those that do not end in ``only`` are passed over.

    ``tarfile`` itself takes a broken header for the end of the archive; here samples must not vanish in silence.
    """
    hint = "Build or download this shard again."
    while True:
        header = read_exactly(file, tarfile.BLOCKSIZE)
        if header == bytes(tarfile.BLOCKSIZE):
            return  # the end mark
        try:
            entry = tarfile.TarInfo.frombuf(header, "utf-8", "surrogateescape")
        except tarfile.HeaderError as error:
            raise ShardError(f"{where}: damaged tar, or cut before its end mark ({error})", hint=hint) from None
        if not entry.isreg() or "/" in entry.name or entry.name.startswith(".") or "." not in entry.name:
            raise ShardError(f"{where}: member {entry.name!r} is not <key>.<member> as a plain file")
        most = MAX_JSON if entry.name.endswith(".json") else MAX_MEMBER
        if not 0 <= entry.size <= most:
            raise ShardError(
                f"{where}: member {entry.name!r} says that it holds {entry.size} bytes (expected at most {most})",
                hint=hint,
            )
        if not entry.name.endswith(only):
            file.seek(entry.size + -entry.size % tarfile.BLOCKSIZE, os.SEEK_CUR)  # past a cut, no header follows
            continue
        data = read_exactly(file, entry.size)
        if len(data) != entry.size:
            raise ShardError(f"{where}: member {entry.name!r} is cut at {len(data)} of {entry.size} bytes", hint=hint)
        read_exactly(file, -entry.size % tarfile.BLOCKSIZE)
        yield entry.name, data


def read_exactly(file: IO[bytes], size: int) -> bytes:
    """``size`` bytes, or fewer at the end of the file; sockets may give less than asked for at a time."""
    data = file.read(size)
    if len(data) == size or not data:
        return data
    parts = [data]
    missing = size - len(data)
    while missing and (more := file.read(missing)):
        parts.append(more)
        missing -= len(more)
    return b"".join(parts)
