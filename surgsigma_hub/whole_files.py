"""Files that are whole or absent: written under a temporary name, made once by whoever asks first, bounded in bytes.

What this package keeps on disk goes through here: what describes a tree, and the caches of blocks, of the answers of a
model, of depth maps and of what was unpacked.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

from .plain_file import open_descriptor, read_plain
from .temporary import temporary_name

_OLD = 3600.0
"""Seconds after which an unfinished file is one whose writer is gone."""


def write_atomic(path: Path, data: bytes, *, sync: bool = True) -> None:
    """Write ``data`` to ``path`` so that a reader sees the old file or the new one, never a part.

    Args:
        path: Its folder is made where it is missing.
        data: All of it.
        sync: Wait for the disk, so that this also holds when the power fails.

    Raises:
        OSError: it cannot be written; nothing is left behind.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = temporary_name(path)
    try:
        with temporary.open("wb") as file:
            file.write(data)
            if sync:
                file.flush()
                os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException as error:
        temporary.unlink(missing_ok=True)
        if isinstance(error, OSError) and error.filename is None:
            error.filename = str(path)  # a full disk does not say what it had no room for
        raise


def write_json(path: Path, value: Any) -> None:
    """As :func:`write_atomic`, for what people may read too: JSON with indented lines."""
    import orjson  # here, since each stream imports this module

    write_atomic(path, orjson.dumps(value, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))


def made_once(target: Path, make: Callable[[Path], None], *, most: int | None = None) -> Path:
    """``target``, made by ``make`` if it is not there; workers that ask at the same time wait for the first one.

    Args:
        target: File or folder to have.
        make: Writes a file or a folder at the path it is given; on an error nothing is left behind.
        most: Bytes that it may hold; None where ``make`` bounds itself.

    Raises:
        OSError: it holds more.
    """
    if target.exists():
        return target
    from filelock import FileLock

    target.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(target.with_name(f".{target.name}.lock")):
        if target.exists():
            return target
        temporary = temporary_name(target)
        try:
            make(temporary)
            if most is not None and (size := _bytes_of(temporary)) > most:
                raise OSError(errno.EFBIG, f"holds {size} bytes, more than {most} are not kept", str(target))
            temporary.replace(target)
        except BaseException:
            if temporary.is_dir():
                import shutil  # here, since each stream imports this module

                shutil.rmtree(temporary, ignore_errors=True)
            else:
                temporary.unlink(missing_ok=True)
            raise
    return target


def fingerprint(path: Path) -> str:
    """Names this state of a file (place, size, time of change), so that a cache made from an older one is not used."""
    stat = path.stat()
    state = f"{path.resolve()}|{stat.st_size}|{stat.st_mtime_ns}"
    return hashlib.blake2b(state.encode(), digest_size=8).hexdigest()


def _bytes_of(path: Path) -> int:
    return sum(p.stat().st_size for p in (path.rglob("*") if path.is_dir() else (path,)) if p.is_file())


class WholeFiles:
    """The files of one folder by name: each is whole or absent, and bounded.

    Several processes may share the folder. Owns how they are written, read and, where the folder is bounded, removed;
    never what they hold.

    Args:
        folder: Made where it is missing, for this user only where it is bounded.
        each: Bytes that a file may hold; a larger one is neither kept nor read.
        most: Bytes that the folder may hold, the least recently used file removed first; None where nothing is removed.
        suffix: Ending of the files that may be removed.
        sync: Wait for the disk when a file is written.
    """

    def __init__(
        self, folder: Path, *, each: int, most: int | None = None, suffix: str = "", sync: bool = True
    ) -> None:
        self.folder, self._each, self._most, self._suffix, self._sync = folder, each, most, suffix, sync
        self._lock = threading.Lock()
        self._unseen = most or 0  # bytes written since the folder was looked at

    def read(self, name: str) -> bytes | None:
        """The content; None where it is not there.

        Raises:
            OSError: it cannot be read, is no plain file, or holds more than it may.
        """
        try:
            return read_plain(self.folder / name, most=self._each)
        except FileNotFoundError:
            return None

    @contextlib.contextmanager
    def opened(self, name: str) -> Iterator[BinaryIO]:
        """The file, open for reading; no link is followed.

        Raises:
            OSError: it is not there, or is no plain file.
        """
        with os.fdopen(open_descriptor(self.folder / name, follow=False), "rb") as file:
            yield file

    def used(self, name: str) -> None:
        """Say that a file was used just now, so that others are removed before it."""
        with contextlib.suppress(OSError):
            os.utime(self.folder / name)

    def write(self, name: str, data: bytes) -> bool:
        """Keep ``data`` and remove what is too much; False where it is larger than a file may be.

        Raises:
            OSError: it cannot be written.
        """
        if len(data) > self._each:
            return False
        if self._most is not None:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_atomic(self.folder / name, data, sync=self._sync)
        if self._most is not None:
            with self._lock:
                self._unseen += len(data)
                if self._unseen > self._most // 64:
                    self._evict(self._most * 7 // 8)
                    self._unseen = 0
        return True

    def drop(self, name: str) -> None:
        """Forget what is not worth keeping."""
        with contextlib.suppress(OSError):
            (self.folder / name).unlink()

    def _evict(self, most: int) -> None:
        """Remove the oldest files above the limit, and what killed processes have left unfinished."""
        found: list[tuple[int, int, Path]] = []
        total = 0
        for path in self.folder.iterdir():
            with contextlib.suppress(OSError):  # another process may be removing too
                stat = path.stat()
                if path.suffix == ".tmp" and time.time() - stat.st_mtime > _OLD:
                    path.unlink()
                    continue
                total += stat.st_size
                if path.suffix == self._suffix:
                    found.append((stat.st_mtime_ns, stat.st_size, path))
        for _, size, path in sorted(found):
            if total <= most:
                break
            with contextlib.suppress(OSError):
                path.unlink()
            total -= size
