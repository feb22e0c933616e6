"""Bringing units: from the cache or by requests, several neighbours in one, each looked at before it is believed."""

from __future__ import annotations

import contextlib
import hashlib
import threading
from bisect import bisect_left
from collections.abc import Sequence
from concurrent.futures import Future, InvalidStateError, ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path

from ...errors import ShardError
from ...shards.tar_index import layout
from ...shards.tar_salvage import SalvagedBlock
from ..selection.index import Index
from .checksums import ShardChecksums
from .disk_cache import DiskCache
from .options import Files, RemoteOptions, fetch
from .ranges import FetchRanges
from .response import TransientError

_LOOK_AGAIN = 0.05
"""Seconds until a closing looks again for a thread that began to wait for its answer only after all were told."""


@dataclass(slots=True)
class Fetched:
    """Bytes of a unit; ``starts`` of its samples where the catalog does not say them."""

    raw: bytes
    view: memoryview
    starts: list[int] | SalvagedBlock


class Fetcher:
    """Threads that fetch units of an index.

    Attributes:
        sums: Of the shards that are read as a whole.
    """

    def __init__(self, files: Files, index: Index, units: FetchRanges, options: RemoteOptions) -> None:
        self._files, self._index, self._units, self._options = files, index, units, options
        self._cache = DiskCache(Path(options.cache), options.cache_bytes) if options.cache is not None else None
        self._pool = ThreadPoolExecutor(options.connections, "surgsigma-fetch")
        self._running: set[Future[None]] = set()
        self._stop = threading.Event()
        self._tags: dict[int, str] = {}
        self.sums = ShardChecksums(index)

    def submit(self, group: list[int]) -> list[Future[Fetched]]:
        """Fetch neighbours, each into a future of its own."""
        units = self._units
        futures: list[Future[Fetched]] = [Future() for _ in group]
        for unit in group:
            self.sums.expect(units.shard[unit], units.start[unit], units.end[unit])
        running = self._pool.submit(self._fetch, group, futures)
        self._running.add(running)
        running.add_done_callback(self._running.discard)
        return futures

    def stop(self) -> None:
        """Threads that wait for an answer, or for their next try, wait no longer."""
        self._stop.set()
        self._files.close()
        self.sums.close()

    def close(self) -> None:
        """End the threads and let go of connections."""
        self.stop()
        self._pool.shutdown(wait=False, cancel_futures=True)
        while wait(self._running.copy(), _LOOK_AGAIN).not_done:
            self._files.close()  # a thread was about to ask when the others were told to stop
        self._pool.shutdown(wait=True)
        self._files.close()  # a thread may have made one more

    def _fetch(self, group: list[int], futures: list[Future[Fetched]]) -> None:
        """Bring the units of a group, each to its future, whatever happens to the others."""
        waiting = dict(zip(group, futures, strict=True))
        try:
            if self._cache:
                for unit in group:
                    raw = self._cache.get(self._key(unit), self._units.size(unit))
                    if raw is not None and not isinstance(
                        self._layout(unit, raw), SalvagedBlock
                    ):  # else it costs a request
                        self._settle(unit, raw, waiting.pop(unit), fresh=False)
            runs: list[list[int]] = []
            for unit in waiting:
                if runs and runs[-1][-1] == unit - 1:
                    runs[-1].append(unit)
                else:
                    runs.append([unit])
            for run in runs:
                self._ask(run, waiting)
        except BaseException as error:
            for unit, future in waiting.items():
                self.sums.lose(self._units.shard[unit], self._units.start[unit])
                _fail(future, error)
            if not isinstance(error, Exception):
                raise

    def _ask(self, run: Sequence[int], waiting: dict[int, Future[Fetched]]) -> None:
        """One request for neighbours; where its answer does not come or is no good, one for each of them."""
        units = self._units
        try:
            raw = self._range(run[0], run[-1], only_busy=len(run) > 1)
        except TransientError:
            for unit in run:
                self._ask([unit], waiting)
            return
        except Exception as error:
            for unit in run:
                self.sums.lose(units.shard[unit], units.start[unit])
                _fail(waiting.pop(unit), error)
            return
        base = units.start[run[0]]
        for unit in run:
            piece = raw if len(run) == 1 else raw[units.start[unit] - base : units.end[unit] - base]
            self._settle(unit, piece, waiting.pop(unit), fresh=True)

    def _range(self, first: int, last: int, *, only_busy: bool) -> bytes:
        units = self._units
        shard = units.shard[first]
        place, start, end = self._index.places[shard], units.start[first], units.end[last]
        answer = fetch(
            self._files, place, start, end, deadline=self._options.deadline, only_busy=only_busy, stop=self._stop
        )
        known = self._tags.setdefault(shard, answer.tag)
        if known != answer.tag:  # parts of two versions of a shard must not be mixed
            raise ShardError(
                f"{place}: was changed while it was read (version {answer.tag!r}, before {known!r})",
                hint="Name a revision of the dataset that does not change, and start anew.",
            )
        if 0 <= answer.total != self._index.bytes[shard]:
            raise ShardError(
                f"{place}: holds {answer.total} bytes, the manifest says {self._index.bytes[shard]}",
                hint="It was changed since the manifest was written. Name a revision that does not change.",
            )
        return answer.data

    def _settle(self, unit: int, raw: bytes, future: Future[Fetched], *, fresh: bool) -> None:
        """Bytes to their future, once they have been looked at."""
        units = self._units
        shard, start, end = units.shard[unit], units.start[unit], units.end[unit]
        try:
            starts = self._layout(unit, raw)
            if self._cache and fresh and not isinstance(starts, SalvagedBlock):
                self._cache.put(self._key(unit), raw)
            self.sums.add(shard, start, raw)
            if self._cache:
                if self.sums.saw_all(shard, start, end):
                    self._check_cached(shard)
                if self.sums.is_bad(shard):
                    self._forget_cached(shard)
        except Exception as error:
            self.sums.lose(shard, start)
            _fail(future, error)
        else:
            with contextlib.suppress(InvalidStateError):  # nobody waits any more
                future.set_result(Fetched(raw, memoryview(raw), starts))

    def _layout(self, unit: int, raw: bytes) -> list[int] | SalvagedBlock:
        """Where the samples of a block begin; nothing where the catalog says it."""
        index, units = self._index, self._units
        if index.wanted is not None and index.wanted.start[units.first[unit]] >= 0:
            return []
        shard = units.shard[unit]
        block = bisect_left(index.block_start, units.start[unit], *self._blocks_of(shard))
        return layout(raw, 0, len(raw), int(index.sizes[block]), where=index.places[shard])

    def _blocks_of(self, shard: int) -> tuple[int, int]:
        blocks = self._index.block_shard
        return bisect_left(blocks, shard), bisect_left(blocks, shard + 1)

    def _units_of(self, shard: int) -> range:
        return range(bisect_left(self._units.shard, shard), bisect_left(self._units.shard, shard + 1))

    def _key(self, unit: int) -> str:
        units = self._units
        return f"{self._index.hashes[units.shard[unit]]} {units.start[unit]}-{units.end[unit]}"

    def _check_cached(self, shard: int) -> None:
        """The sum of a shard all of which was seen, from the disk; parts that were removed meanwhile end the check."""
        assert self._cache
        total = hashlib.sha256()
        for unit in self._units_of(shard):
            raw = self._cache.get(self._key(unit), self._units.size(unit))
            if raw is None:
                return
            total.update(raw)
        self.sums.judge(shard, total.hexdigest(), bar=True)

    def _forget_cached(self, shard: int) -> None:
        assert self._cache
        for unit in self._units_of(shard):
            self._cache.drop(self._key(unit))


def _fail(future: Future[Fetched], error: BaseException) -> None:
    with contextlib.suppress(InvalidStateError):  # nobody waits any more
        future.set_exception(error)
