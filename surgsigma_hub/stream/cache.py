"""A bounded cache of blocks on disk. Several processes may share one folder."""

from __future__ import annotations

import contextlib
import hashlib
import logging
import os
import secrets
import threading
from pathlib import Path

logger = logging.getLogger(__name__)


class DiskCache:
    """Files by key, the least recently used removed first.

    A file is whole or not there; what a name holds follows from the sha256 of its shard, so it never grows stale. A
    disk that is full or read-only costs speed and nothing else.

    Args:
        folder: Made where it is missing.
        most: Bytes that it may hold.
    """

    def __init__(self, folder: Path, most: int) -> None:
        self._folder, self._most = folder, most
        self._lock = threading.Lock()
        self._size = -1

    def get(self, key: str, size: int) -> bytes | None:
        """The content, if it is there and of the right size."""
        path = self._path(key)
        try:
            data = path.read_bytes()
        except OSError:
            return None
        if len(data) != size:
            return None
        with contextlib.suppress(OSError):
            os.utime(path)  # used just now
        return data

    def put(self, key: str, data: bytes) -> None:
        """Keep ``data``, and remove what is too much."""
        path = self._path(key)
        temporary = path.with_name(f".{path.name}.{os.getpid()}-{secrets.token_hex(4)}.tmp")
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            temporary.write_bytes(data)
            temporary.replace(path)
        except OSError as error:
            logger.warning("the block cache cannot be written (%s)", error.strerror)
            with contextlib.suppress(OSError):
                temporary.unlink()
            return
        with self._lock:
            self._size = self._size + len(data) if self._size >= 0 else self._evict()
            if self._size > self._most:
                self._size = self._evict()

    def _evict(self) -> int:
        """Remove the oldest files above the limit, and some more so as not to come back at once; gives what is left."""
        found: list[tuple[int, int, Path]] = []
        for path in self._folder.glob("*.block"):
            with contextlib.suppress(OSError):  # another process may be removing too
                stat = path.stat()
                found.append((stat.st_mtime_ns, stat.st_size, path))
        total = sum(size for _, size, _ in found)
        if total <= self._most:
            return total
        for _, size, path in sorted(found):
            if total <= self._most * 9 // 10:
                break
            with contextlib.suppress(OSError):
                path.unlink()
            total -= size
        return total

    def _path(self, key: str) -> Path:
        return self._folder / f"{hashlib.sha256(key.encode()).hexdigest()[:40]}.block"
