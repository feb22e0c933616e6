"""A bounded cache of blocks on disk. Several processes may share one folder."""

from __future__ import annotations

import contextlib
import hashlib
import logging
import os
import threading
import time
import zlib
from pathlib import Path

from ...plain_file import open_descriptor
from ...shards.manifest import write_atomic

logger = logging.getLogger(__name__)

_OLD = 3600.0
"""Seconds after which an unfinished file is one whose writer is gone."""
_OTHERS_WRITE = 0o002


class DiskCache:
    """Files by key, the least recently used removed first.

    A file is whole or not there, and ends with a checksum of its key and content; what a name holds follows from the
    sha256 of its shard, so it never grows stale. A disk that is full or read-only costs speed and nothing else.

    A checksum is no signature: whoever can write into the folder can put other samples there. So a folder that is made
    here is for this user only, and of one that others share, only plain files are read that this user or root owns
    and that are not open to everybody.

    Each process looks at the folder again whenever it has written a 64th of the bound, and then removes what is above
    seven eighths of it: so up to eight processes that share a folder keep the bound, to within a block for each.

    Args:
        folder: Made where it is missing.
        most: Bytes that it may hold.
    """

    def __init__(self, folder: Path, most: int) -> None:
        self._folder, self._most = folder, most
        self._lock = threading.Lock()
        self._unseen = most  # bytes written since the folder was looked at
        self._failed = self._warned = False

    def get(self, key: str, size: int) -> bytes | None:
        """The content, if it is there, of the right size and undamaged."""
        path = self._path(key)
        try:
            with os.fdopen(open_descriptor(path, follow=False), "rb") as file:
                if not self._trusted(os.fstat(file.fileno())):
                    return None
                data, tail = file.read(size), file.read(5)
        except OSError:
            return None
        if len(data) != size or tail != _sum(key, data):
            return None
        with contextlib.suppress(OSError):
            os.utime(path)  # used just now
        return data

    def put(self, key: str, data: bytes) -> None:
        """Keep ``data``, and remove what is too much."""
        if len(data) > self._most * 7 // 8:
            return
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            write_atomic(self._path(key), data + _sum(key, data), sync=False)
        except OSError as error:
            if not self._failed:
                self._failed = True  # said once, not for each block
                logger.warning("the block cache cannot be written (%s)", error.strerror)
            return
        with self._lock:
            self._unseen += len(data)
            if self._unseen > self._most // 64:
                self._evict()
                self._unseen = 0

    def drop(self, key: str) -> None:
        """Forget what is not worth keeping."""
        with contextlib.suppress(OSError):
            self._path(key).unlink()

    def _trusted(self, stat: os.stat_result) -> bool:
        """Whether nobody else can have written a file; said once where it is not so."""
        if not hasattr(os, "geteuid") or (stat.st_uid in (os.geteuid(), 0) and not stat.st_mode & _OTHERS_WRITE):
            return True
        if not self._warned:
            self._warned = True
            logger.warning("files of the block cache that others may have written are not read: %s", self._folder)
        return False

    def _evict(self) -> None:
        """Remove the oldest files above the limit, and what killed processes have left unfinished."""
        found: list[tuple[int, int, Path]] = []
        total = 0
        for path in self._folder.iterdir():
            with contextlib.suppress(OSError):  # another process may be removing too
                stat = path.stat()
                if path.suffix == ".tmp" and time.time() - stat.st_mtime > _OLD:
                    path.unlink()
                    continue
                total += stat.st_size
                if path.suffix == ".block":
                    found.append((stat.st_mtime_ns, stat.st_size, path))
        for _, size, path in sorted(found):
            if total <= self._most * 7 // 8:
                break
            with contextlib.suppress(OSError):
                path.unlink()
            total -= size

    def _path(self, key: str) -> Path:
        return self._folder / f"{hashlib.sha256(key.encode()).hexdigest()[:40]}.block"


def _sum(key: str, data: bytes) -> bytes:
    return zlib.crc32(data, zlib.crc32(key.encode())).to_bytes(4, "big")
