"""Byte-exact tar writing: plain ustar headers, no clock, no owner; hashed while written, indexed by blocks."""

from __future__ import annotations

import hashlib
import os
import tarfile
from collections.abc import Sequence
from pathlib import Path

from ..errors import ShardError
from .manifest import Shard

BLOCK_SAMPLES = 64
"""Samples of a block: what random access and exact resume read at a time."""


class ShardWriter:
    """Writes one tar under a temporary name; :meth:`close` makes it durable and gives it its name.

    Use as a context manager: leaving by an exception removes the unfinished file.

    Args:
        path: Final place of the shard.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
        self._file = self._temporary.open("wb")
        self._hash = hashlib.sha256()
        self._offset = 0
        self._samples = 0
        self._blocks: list[tuple[int, int]] = []

    def __enter__(self) -> ShardWriter:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if not self._file.closed:
            self._file.close()
        self._temporary.unlink(missing_ok=True)

    def add(self, key: str, members: Sequence[tuple[str, bytes]]) -> None:
        """Append one sample; its members become ``<key>.<member>``, adjacent and in the order given.

        Raises:
            ShardError: a name too long for a plain tar header (100 bytes).
        """
        if self._samples % BLOCK_SAMPLES == 0:
            self._blocks.append((self._offset, self._samples))
        for member, data in members:
            entry = tarfile.TarInfo(f"{key}.{member}")
            if len(entry.name) > 100:
                raise ShardError(f"{self._path.name}: member name {entry.name!r} is longer than 100 characters")
            entry.size = len(data)
            self._write(entry.tobuf(tarfile.USTAR_FORMAT, "ascii", "strict"))
            self._write(data)
            self._write(bytes(-len(data) % tarfile.BLOCKSIZE))
        self._samples += 1

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
