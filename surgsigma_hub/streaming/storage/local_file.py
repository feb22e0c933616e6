"""One shard on disk: read by position, or mapped into memory; either way a change under the reader is noticed."""

from __future__ import annotations

import errno
import mmap
import os
import time
from pathlib import Path

from ...errors import ShardError
from ...shards.tar_index import Members, layout, members
from ...shards.tar_salvage import SalvagedBlock
from ...shards.tree_files import TreeFiles

CAN_READ_AT = hasattr(os, "pread")
"""Not on Windows, where every shard is mapped."""

_FIRST = 8192  # bytes of a sample that are read first: most often its JSON and the next header are in them
_NETWORK = (
    "nfs",
    "cifs",
    "smb",
    "fuse",
    "lustre",
    "gpfs",
    "beegfs",
    "ceph",
    "glusterfs",
    "9p",
    "afs",
    "pvfs",
    "orangefs",
)
_CHECK_SECONDS = 0.005
_CHANGED = "Do not rebuild a tree while it is read; start the stream anew."


class NoHandleError(ShardError):
    """The process has as many files open as it may have."""


def _refused(where: str, how: str, error: OSError | ValueError) -> ShardError:
    said = f"{where}: cannot be {how} ({getattr(error, 'strerror', None) or error})"
    if isinstance(error, OSError) and error.errno in (errno.EMFILE, errno.ENFILE):
        return NoHandleError(said, hint="Allow more open files: ulimit -n 4096")
    return ShardError(said)


class ShardFile:
    """An open shard; the file handle is closed when nobody holds this any more.

    A file that was replaced by another one of its name (a rebuild, a download) goes on giving what it held.

    Args:
        files: Those of its tree.
        where: Its place in the tree.
        size: Bytes that the manifest promises.
    """

    def __init__(self, files: TreeFiles, where: str, size: int) -> None:
        self.where, self._handle = where, -1
        try:
            self._handle = files.open(where)
            stat = os.fstat(self._handle)
        except FileNotFoundError:
            raise ShardError(
                f"{where}: shard named in the manifest is missing",
                hint="Build or download this part of the tree again.",
            ) from None
        except OSError as error:
            raise _refused(where, "opened", error) from None
        if stat.st_size != size:
            raise ShardError(
                f"{where}: holds {stat.st_size} bytes, the manifest says {size}", hint="Was the tree copied in part?"
            )
        self._was = (stat.st_size, stat.st_mtime_ns)
        self._checked = time.monotonic()

    def __del__(self) -> None:
        if self._handle >= 0:
            os.close(self._handle)

    def read(self, begin: int, size: int) -> bytes:
        """Bytes of the file.

        Raises:
            ShardError: the disk does not give them, or the file has become shorter.
        """
        try:
            data = os.pread(self._handle, size, begin)
            while 0 < len(data) < size:  # the system gives at most 2 GB at a time
                more = os.pread(self._handle, size - len(data), begin + len(data))
                if not more:
                    break
                data += more
        except OSError as error:
            raise ShardError(f"{self.where}: cannot be read at byte {begin} ({error.strerror})") from None
        if len(data) != size:
            raise ShardError(f"{self.where}: was changed while it was read", hint=_CHANGED)
        return data

    def members(self, begin: int, end: int) -> Members:
        """The members of a sample, for which :func:`.tar.members` says what may be wrong."""
        size = end - begin

        def more(at: int, size: int) -> memoryview:
            return memoryview(self.read(begin + at, size))

        first = self.read(begin, size if size <= _FIRST else _FIRST)
        return members(first, memoryview(first), 0, size, where=self.where, more=more)

    def layout(self, begin: int, end: int, count: int) -> list[int] | SalvagedBlock:
        """Where the samples of a block begin, see :func:`surgsigma_hub.shards.tar_index.layout`."""
        return layout(Window(self, begin, end), begin, end, count, where=self.where)

    def check(self, *, now: bool = False) -> None:
        """Notice a file that is written in place; called after reading, so that what was read before is what it was.

        Args:
            now: Look even if that was done a few milliseconds ago.

        Raises:
            ShardError: it was changed.
        """
        time_now = time.monotonic()
        if not now and time_now - self._checked < _CHECK_SECONDS:
            return
        self._checked = time_now
        stat = os.fstat(self._handle)
        if (stat.st_size, stat.st_mtime_ns) != self._was:
            raise ShardError(f"{self.where}: was changed while it was read", hint=_CHANGED)


class Window:
    """A file as a thing to take slices of, that reads a little more than a header where a header is asked for.

    Args:
        file: The file.
        begin: Where reading will begin.
        end: Where it will end at the latest.
    """

    __slots__ = ("_begin", "_data", "_end", "_file", "_until")

    def __init__(self, file: ShardFile, begin: int, end: int) -> None:
        self._file, self._end = file, end
        self._begin = self._until = begin
        self._data = b""

    def __getitem__(self, span: slice, /) -> bytes:
        begin, end = span.start, min(span.stop, self._end)
        if begin >= self._begin and end <= self._until:
            return self._data[begin - self._begin : end - self._begin]
        if end - begin > _FIRST // 2:
            return self._file.read(begin, end - begin)
        self._begin, self._until = begin, min(begin + _FIRST, self._end)
        self._data = self._file.read(begin, self._until - begin)
        return self._data[: end - begin]


class MappedFile(ShardFile):
    """A shard in the memory of this process, copied from or viewed without a call of the system.

    Reading a map behind the end of a file that was cut ends the process (SIGBUS), and so does a disk that fails. Its
    length is looked at before each sample, which makes that unlikely and no more. Views that were given out keep the
    map alive.
    """

    def __init__(self, files: TreeFiles, where: str, size: int) -> None:
        super().__init__(files, where, size)
        try:
            self._raw = mmap.mmap(self._handle, 0, access=mmap.ACCESS_READ)
        except (OSError, ValueError) as error:
            raise _refused(where, "mapped", error) from None
        self._view = memoryview(self._raw)

    def layout(self, begin: int, end: int, count: int) -> list[int] | SalvagedBlock:
        """See :meth:`ShardFile.layout`."""
        self._look()
        return layout(self._raw, begin, end, count, where=self.where)

    def members(self, begin: int, end: int) -> Members:
        """See :meth:`ShardFile.members`; content is given as views."""
        self._look()
        return members(self._raw, self._view, begin, end, where=self.where)

    def _look(self) -> None:
        if os.lseek(self._handle, 0, os.SEEK_END) != self._was[0]:
            raise ShardError(f"{self.where}: was changed while it was read", hint=_CHANGED)


def keeps_its_pages(folder: Path) -> bool:
    """Whether a folder is on a disk of this machine, where maps are quick, and not behind a network."""
    try:
        device = folder.stat().st_dev
        name = f"{os.major(device)}:{os.minor(device)}"
        mounts = Path("/proc/self/mountinfo").read_text("utf-8").splitlines()
    except (OSError, AttributeError):
        return True  # not Linux: nothing is known
    kinds = [
        kind.split()[0] for mount, _, kind in (line.partition(" - ") for line in mounts) if mount.split()[2] == name
    ]
    return not any(kind.startswith(_NETWORK) for kind in kinds)
