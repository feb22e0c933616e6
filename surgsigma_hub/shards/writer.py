"""Byte-exact tar writing: plain ustar headers, no clock, no owner; hashed while written, indexed by blocks."""

from __future__ import annotations

import hashlib
import os
import shutil
import tarfile
from collections.abc import Sequence
from pathlib import Path

from ..errors import ShardError
from ..temporary import temporary_name
from .manifest import Shard

BLOCK_SAMPLES = 64
"""Samples of a block: what random access and exact resume read at a time."""


def tar_header(name: str, size: int) -> bytes:
    """The ustar header of a plain file: mode 644, no owner, time 0.

    Equal to what ``tarfile`` makes of the same fields (a test holds that), at a tenth of its time.
    """
    head = b"%s0000644\0" % name.encode("ascii").ljust(100, b"\0")
    head += b"0000000\0" * 2 + b"%011o\0" % size + b"%011o\0" % 0
    tail = b"0" + bytes(100) + b"ustar\x0000" + bytes(64 + 16 + 155 + 12)
    checksum = sum(head) + sum(tail) + 8 * ord(" ")
    return head + b"%06o\0 " % checksum + tail


def link(old: Path, new: Path) -> None:
    """The same file under a second name; a copy where the file system cannot do that."""
    try:
        os.link(old.resolve(), new)
    except OSError:
        shutil.copyfile(old, new)


class ShardWriter:
    """Writes one tar under a temporary name; :meth:`close` makes it durable and gives it its name.

    Use as a context manager: leaving by an exception removes the unfinished file.

    Args:
        path: Final place of the shard.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._temporary = temporary_name(path)
        self._file = self._temporary.open("wb", buffering=1 << 20)
        self._hash = hashlib.sha256()
        self._offset = 0
        self._samples = 0
        self._blocks: list[tuple[int, int]] = []

    def __enter__(self) -> ShardWriter:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        try:
            self._file.close()  # on a full disk it fails again, for it writes what it still holds
        finally:
            self._temporary.unlink(missing_ok=True)

    def add(self, key: str, members: Sequence[tuple[str, bytes]]) -> tuple[int, int]:
        """Append one sample; its members become ``<key>.<member>``, adjacent and in the order given.

        Returns:
            Where it begins in the shard and how many bytes it takes, headers and padding with it.

        Raises:
            ShardError: a name too long for a plain tar header (100 bytes).
        """
        if self._samples % BLOCK_SAMPLES == 0:
            self._blocks.append((self._offset, self._samples))
        pieces: list[bytes] = []
        for member, data in members:
            name = f"{key}.{member}"
            if len(name) > 100:
                raise ShardError(f"{self._path.name}: member name {name!r} is longer than 100 characters")
            pieces += (tar_header(name, len(data)), data, bytes(-len(data) % tarfile.BLOCKSIZE))
        begin = self._offset
        self._write(b"".join(pieces))
        self._samples += 1
        return begin, self._offset - begin

    def close(self) -> Shard:
        """Finish the tar, bring it to disk and rename it.

        Returns:
            Its entry for the manifest.
        """
        self._write(bytes(2 * tarfile.BLOCKSIZE))
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()
        self._temporary.replace(self._path)
        return Shard(self._path.name, self._hash.hexdigest(), self._offset, self._samples, tuple(self._blocks))

    def _write(self, data: bytes) -> None:
        self._file.write(data)
        self._hash.update(data)
        self._offset += len(data)
