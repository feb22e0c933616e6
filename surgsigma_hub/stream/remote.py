"""Shards that are elsewhere: whole blocks by range, fetched ahead in order of need, tried again where that may help."""

from __future__ import annotations

import random
import threading
import time
from collections import OrderedDict, deque
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from ..errors import ShardError, SurgSigmaError
from .answer import Answer, TransientError
from .cache import DiskCache
from .index import Index
from .order import Numbers
from .tar import Members, layout, members, span
from .torn import Torn


@dataclass(frozen=True, slots=True)
class Remote:
    """How remote trees are read.

    Args:
        connections: Requests at a time.
        timeout: Seconds without a byte after which a request is made again.
        deadline: Seconds after which a block that cannot be had is an error.
        memory: Bytes of blocks that stay in memory although nothing planned needs them. Those that are needed come on
            top: one for each lane of this rank, and ``ahead``.
        ahead: Bytes that are fetched before they are needed; at least one block for each connection is.
        cache: A folder to keep blocks in, see :class:`surgsigma_hub.stream.cache.DiskCache`. None: none.
        cache_bytes: Most bytes of that folder.
    """

    connections: int = 8
    timeout: float = 20.0
    deadline: float = 120.0
    memory: int = 64 << 20
    ahead: int = 32 << 20
    cache: Path | str | None = None
    cache_bytes: int = 20 << 30

    def __post_init__(self) -> None:
        if self.connections < 1 or self.timeout <= 0 or self.deadline <= 0:
            raise SurgSigmaError("Remote: connections, timeout and deadline must be above 0")


class Files(Protocol):
    """Where the bytes come from. Threads share it."""

    def read(self, place: str, start: int | None = None, end: int | None = None) -> Answer:
        """Bytes ``start`` to ``end`` of a file, or all of it; ``TransientError`` where trying again may help."""

    def close(self) -> None:
        """Let go of connections."""


class FsspecFiles:
    """Files below a path of an fsspec file system: ``s3://``, ``gs://``, ``memory://``."""

    def __init__(self, fs: Any, base: str) -> None:
        self._fs, self._base = fs, base.rstrip("/")

    def read(self, place: str, start: int | None = None, end: int | None = None) -> Answer:
        """See :class:`Files`; file systems do not say versions, so a change shows by its length and headers only."""
        try:
            data = self._fs.cat_file(f"{self._base}/{place}", start=start, end=end)
        except FileNotFoundError:
            raise ShardError(f"{place}: is not there", hint="The tree was published in part, or moved.") from None
        except PermissionError as error:
            raise SurgSigmaError(f"{place}: the store refuses access ({str(error)[:120]})") from None
        except Exception as error:  # each file system raises its own kinds
            raise TransientError(f"{type(error).__name__}: {str(error)[:120]}") from None
        if start is not None and end is not None and len(data) != end - start:
            raise TransientError(f"got {len(data)} of {end - start} bytes")
        return Answer(data, "")

    def glob(self, pattern: str) -> list[str]:
        """Paths below the base that fit."""
        return sorted(str(path) for path in self._fs.glob(f"{self._base}/{pattern}"))

    def close(self) -> None:
        """Nothing is held here."""


def fetch(files: Files, place: str, start: int | None, end: int | None, *, deadline: float) -> Answer:
    """Read, and again with growing pauses while that may help.

    Raises:
        SurgSigmaError: not to be had within ``deadline`` seconds; says what went wrong lastly.
        ShardError: not there.
    """
    begin, tries = time.monotonic(), 0
    while True:
        try:
            return files.read(place, start, end)
        except TransientError as error:
            # The pause is drawn, so that the ranks of a cluster do not come back all at once.
            pause = max(error.wait, min(30.0, 0.1 * 2**tries) * (0.5 + random.random()))
            tries += 1
            if time.monotonic() - begin + pause > deadline:
                raise SurgSigmaError(
                    f"{place}: could not be read in {tries} tries within {deadline:g} s, lastly: {error}",
                    hint="Check the network and the server, or raise Remote(deadline=...).",
                ) from None
            time.sleep(pause)


@dataclass(slots=True)
class _Block:
    raw: bytes
    view: memoryview
    starts: list[int] | Torn


class RemoteShards:
    """Random access to the samples of an index over :class:`Files`. Threads may share it."""

    def __init__(self, files: Files, index: Index, how: Remote) -> None:
        self._files, self._index, self._how = files, index, how
        self._cache = DiskCache(Path(how.cache), how.cache_bytes) if how.cache is not None else None
        self._pool: ThreadPoolExecutor | None = None
        self._lock = threading.Lock()
        self._first = np.asarray(index.block_first, np.int64)
        self._blocks: OrderedDict[int, Future[_Block]] = OrderedDict()
        self._tags: dict[int, str] = {}
        self.begin()

    def begin(self) -> None:
        """Forget what was expected."""
        with self._lock:
            self._wanted: deque[int] = deque()
            self._need: dict[int, int] = {}
            self._untouched: set[int] = set()
            self._ahead = 0

    def expect(self, numbers: Numbers) -> None:
        """Fetch the blocks of these samples before they are asked for, so far as the bounds allow."""
        blocks, first, counts = np.unique(
            np.searchsorted(self._first, numbers, side="right") - 1, return_index=True, return_counts=True
        )
        with self._lock:
            for which in np.argsort(first).tolist():
                block = int(blocks[which])
                if not self._need.get(block):
                    self._wanted.append(block)
                self._need[block] = self._need.get(block, 0) + int(counts[which])
            self._pump()

    def read(self, number: int) -> Members:
        """The members of a sample.

        Raises:
            ShardError: the shard is missing, damaged, changed, or not what the manifest says.
            SurgSigmaError: it cannot be had.
        """
        index = self._index
        block = index.block_of(number)
        with self._lock:
            future = self._blocks.get(block)
            if future is None:
                future = self._submit(block)
            self._blocks.move_to_end(block)
            if block in self._untouched:
                self._untouched.discard(block)
                self._ahead -= self._size(block)
            if block in self._need:
                self._need[block] -= 1
                if not self._need[block]:
                    del self._need[block]
            self._evict(block)
            self._pump()
        try:
            found = future.result()
        except ShardError:
            raise  # kept: the other samples of this block fail at once
        except BaseException:
            with self._lock:
                self._blocks.pop(block, None)
            raise
        turn = number - index.block_first[block]
        where = index.places[index.block_shard[block]]
        begin, end = span(found.starts, turn)
        return members(found.raw, found.view, begin, end, where=where)

    def close(self) -> None:
        """End the fetching threads, drop all blocks and connections."""
        pool, self._pool = self._pool, None
        if pool is not None:
            pool.shutdown(wait=True, cancel_futures=True)
        self._files.close()
        self.begin()
        with self._lock:
            self._blocks.clear()

    def _size(self, block: int) -> int:
        return self._index.block_end[block] - self._index.block_start[block]

    def _pump(self) -> None:
        """Send off the next blocks; the lock is held."""
        while self._wanted and (self._ahead < self._how.ahead or len(self._untouched) < self._how.connections):
            block = self._wanted.popleft()
            if block not in self._blocks:
                self._submit(block)
                self._untouched.add(block)
                self._ahead += self._size(block)

    def _submit(self, block: int) -> Future[_Block]:
        if self._pool is None:
            self._pool = ThreadPoolExecutor(self._how.connections, "surgsigma-fetch")
        self._blocks[block] = self._pool.submit(self._fetch, block)
        return self._blocks[block]

    def _evict(self, using: int) -> None:
        """Drop the oldest blocks that nothing planned needs, above the bound; the lock is held."""
        idle = [b for b in self._blocks if b not in self._need and b != using and self._blocks[b].done()]
        total = sum(self._size(b) for b in idle)
        for block in idle:
            if total <= self._how.memory:
                break
            total -= self._size(block)
            del self._blocks[block]

    def _fetch(self, block: int) -> _Block:
        index = self._index
        shard, start, end = index.block_shard[block], index.block_start[block], index.block_end[block]
        place = index.places[shard]
        key = f"{index.hashes[shard]} {start}-{end}"
        count = int(index.sizes[block])
        raw = self._cache.get(key, end - start) if self._cache else None
        starts = layout(raw, 0, len(raw), count, where=place) if raw is not None else None
        if raw is None or starts is None or isinstance(starts, Torn):  # a damaged cache costs a request
            answer = fetch(self._files, place, start, end, deadline=self._how.deadline)
            self._check_version(shard, answer.tag)
            raw = answer.data
            starts = layout(raw, 0, len(raw), count, where=place)
            if self._cache and not isinstance(starts, Torn):
                self._cache.put(key, raw)
        return _Block(raw, memoryview(raw), starts)

    def _check_version(self, shard: int, tag: str) -> None:
        """Blocks of two versions of a shard must not be mixed."""
        place, known = self._index.places[shard], self._tags.setdefault(shard, tag)
        if known != tag:
            raise ShardError(
                f"{place}: was changed while it was read (version {tag!r}, before {known!r})",
                hint="Name a revision of the dataset that does not change, and start anew.",
            )
        total = tag.rpartition(" ")[2] if tag else ""
        if total.isdigit() and int(total) != self._index.bytes[shard]:
            raise ShardError(
                f"{place}: holds {total} bytes, the manifest says {self._index.bytes[shard]}",
                hint="It was changed since the manifest was written. Name a revision that does not change.",
            )
