"""A bounded cache of blocks on disk. Several processes may share one folder."""

from __future__ import annotations

import hashlib
import logging
import os
import zlib
from pathlib import Path

from ...whole_files import WholeFiles

logger = logging.getLogger(__name__)

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
        self._files = WholeFiles(folder, each=most * 7 // 8, most=most, suffix=".block", sync=False)
        self._failed = self._warned = False

    def get(self, key: str, size: int) -> bytes | None:
        """The content, if it is there, of the right size and undamaged."""
        name = _name(key)
        try:
            with self._files.opened(name) as file:
                if not self._trusted(os.fstat(file.fileno())):
                    return None
                data, tail = file.read(size), file.read(5)
        except OSError:
            return None
        if len(data) != size or tail != _sum(key, data):
            return None
        self._files.used(name)
        return data

    def put(self, key: str, data: bytes) -> None:
        """Keep ``data``, and remove what is too much."""
        try:
            self._files.write(_name(key), data + _sum(key, data))
        except OSError as error:
            if not self._failed:
                self._failed = True  # said once, not for each block
                logger.warning("the block cache cannot be written (%s)", error.strerror)

    def drop(self, key: str) -> None:
        """Forget what is not worth keeping."""
        self._files.drop(_name(key))

    def _trusted(self, stat: os.stat_result) -> bool:
        """Whether nobody else can have written a file; said once where it is not so."""
        if not hasattr(os, "geteuid") or (stat.st_uid in (os.geteuid(), 0) and not stat.st_mode & _OTHERS_WRITE):
            return True
        if not self._warned:
            self._warned = True
            logger.warning("files of the block cache that others may have written are not read: %s", self._files.folder)
        return False


def _name(key: str) -> str:
    return f"{hashlib.sha256(key.encode()).hexdigest()[:40]}.block"


def _sum(key: str, data: bytes) -> bytes:
    return zlib.crc32(data, zlib.crc32(key.encode())).to_bytes(4, "big")
