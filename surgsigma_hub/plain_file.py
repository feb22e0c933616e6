"""Opening plain files and nothing else: a FIFO would be waited for without end, a device read without end."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path
from typing import BinaryIO

MAX_TEXT = 1 << 30
"""Most bytes of a native annotation file; the largest that we know has 400 MB."""

_FLAGS = os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_NONBLOCK", 0)  # without it a FIFO waits for a writer
_KINDS = {
    stat.S_IFDIR: "a folder",
    stat.S_IFIFO: "a FIFO",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


def open_descriptor(path: Path | str, *, follow: bool = True) -> int:
    """A descriptor of a plain file, for reading.

    Args:
        path: The file.
        follow: Whether it may be a symbolic link.

    Raises:
        OSError: it cannot be opened, or is something else than a plain file.
    """
    handle = os.open(path, _FLAGS | (0 if follow else getattr(os, "O_NOFOLLOW", 0)))
    try:
        _check(os.fstat(handle), path)
    except OSError:
        os.close(handle)
        raise
    return handle


def plain_size(path: Path) -> int:
    """Bytes of a plain file.

    Raises:
        OSError: it is not there, or is something else than a plain file.
    """
    found = path.stat()
    _check(found, path)
    return found.st_size


def _check(found: os.stat_result, path: Path | str) -> None:
    kind = stat.S_IFMT(found.st_mode)
    if kind != stat.S_IFREG:
        raise OSError(errno.EINVAL, f"is {_KINDS.get(kind, 'something else')}, expected a plain file", str(path))


def open_plain(path: Path) -> BinaryIO:
    """A plain file, open for reading bytes.

    Raises:
        OSError: see :func:`open_descriptor`.
    """
    return os.fdopen(open_descriptor(path), "rb")


def read_plain(path: Path, *, most: int) -> bytes:
    """All of a plain file.

    Args:
        path: The file.
        most: Bytes that it may hold; a larger one is not read.

    Raises:
        OSError: it cannot be read, is something else than a plain file, or is too large.
    """
    with open_plain(path) as file:
        size = os.fstat(file.fileno()).st_size
        if size > most:
            raise OSError(errno.EFBIG, f"holds {size} bytes, more than {most} are not read", str(path))
        data = file.read(most + 1 if size == 0 else size)  # files of /proc say 0
        if len(data) > most:
            raise OSError(errno.EFBIG, f"holds more than {most} bytes, which are not read", str(path))
        return data
