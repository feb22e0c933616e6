"""Shards on disk, mapped into memory: a member is a slice of its file, not a copy."""

from __future__ import annotations

import contextlib
import mmap
import threading
import time
from collections import OrderedDict
from pathlib import Path

import numpy as np

from ..errors import ShardError
from .index import Index
from .order import Numbers
from .tar import Members, hop, members

_CHECK_SECONDS = 0.2
_CHANGED = "Do not rebuild a tree while it is read; start the stream anew."


class _Mapped:
    """One mapped shard. The views that were given out keep the map alive after it was let go of here."""

    def __init__(self, path: Path, where: str, size: int) -> None:
        try:
            with path.open("rb") as file:
                self.raw = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
            self._stat = path.stat()
        except FileNotFoundError:
            raise ShardError(
                f"{where}: the tar is listed but not there", hint="Build or download this part of the tree again."
            ) from None
        except (OSError, ValueError) as error:
            raise ShardError(f"{where}: cannot be mapped ({error})") from None
        if len(self.raw) != size:
            raise ShardError(
                f"{where}: holds {len(self.raw)} bytes, the manifest says {size}", hint="Was the tree copied in part?"
            )
        self.view = memoryview(self.raw)
        self._path, self._where, self._checked = path, where, time.monotonic()

    def check(self) -> None:
        """Notice a file that was written in place: reading behind its new end would end the process."""
        now = time.monotonic()
        if now - self._checked < _CHECK_SECONDS:
            return
        self._checked = now
        with contextlib.suppress(FileNotFoundError):  # unlinked: the map still holds what it held
            stat, old = self._path.stat(), self._stat
            if stat.st_ino == old.st_ino and (stat.st_size, stat.st_mtime_ns) != (old.st_size, old.st_mtime_ns):
                raise ShardError(f"{self._where}: was changed while it was read", hint=_CHANGED)


class LocalShards:
    """Random access to the samples of an index whose tree is a folder. Threads may share it.

    Args:
        tree: The folder.
        index: What is in it.
        most: Maps that stay open at a time; each takes a file handle.
    """

    def __init__(self, tree: Path, index: Index, *, most: int = 0) -> None:
        self._tree, self._index = tree, index
        self._most = most or _handles()
        self._many = len(index.places) > self._most  # only then some have to be let go of
        self._open: OrderedDict[int, _Mapped] = OrderedDict()
        self._lock = threading.Lock()
        # Offsets plus one, 0 where the block was not read yet; the pages of this array cost nothing until then.
        self._starts = np.zeros(index.samples, np.int64).data
        self._ends: dict[int, int] = {}

    def read(self, number: int) -> Members:
        """The members of a sample.

        Raises:
            ShardError: the shard is missing, damaged, changed, or not what the manifest says.
        """
        index = self._index
        block = index.block_of(number)
        shard = index.block_shard[block]
        mapped = self._map(shard)
        if not self._starts[number]:
            self._hop(block, mapped)
        last = number + 1 == index.block_first[block + 1]
        end = self._ends[block] if last else self._starts[number + 1] - 1
        return members(mapped.raw, mapped.view, self._starts[number] - 1, end, where=index.places[shard])

    def begin(self) -> None:
        """Nothing to forget."""

    def expect(self, numbers: Numbers) -> None:
        """Nothing: the operating system reads ahead."""

    def stop(self) -> None:
        """Nothing: nobody waits here."""

    def close(self) -> None:
        """Let go of every map. A second close is harmless; reading again opens anew."""
        with self._lock:
            self._open.clear()

    def _hop(self, block: int, mapped: _Mapped) -> None:
        index = self._index
        first, count = index.block_first[block], int(index.sizes[block])
        where = index.places[index.block_shard[block]]
        starts = hop(mapped.raw, index.block_start[block], index.block_end[block], count, where=where)
        self._ends[block] = starts.pop()
        # Backwards: another thread that sees the first entry of a neighbour must see what it needs after it.
        for n in range(count - 1, -1, -1):
            self._starts[first + n] = starts[n] + 1

    def _map(self, shard: int) -> _Mapped:
        mapped = self._open.get(shard)
        if mapped is None or self._many:
            mapped = self._map_of_many(shard)
        mapped.check()
        return mapped

    def _map_of_many(self, shard: int) -> _Mapped:
        with self._lock:
            mapped = self._open.get(shard)
            if mapped is None:
                place = self._index.places[shard]
                mapped = _Mapped(self._tree / place, place, self._index.bytes[shard])
                self._open[shard] = mapped
                if len(self._open) > self._most:
                    self._open.popitem(last=False)
            else:
                self._open.move_to_end(shard)
        return mapped


def _handles() -> int:
    """Half of the file handles that this process may have, at most 1024."""
    try:
        import resource

        soft = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    except (ImportError, OSError):
        return 256
    return 1024 if soft < 0 else max(16, min(1024, soft // 2))
