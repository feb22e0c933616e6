"""Shards that are elsewhere: ranges of bytes, fetched ahead in order of need, neighbours together."""

from __future__ import annotations

import threading
from collections import OrderedDict
from concurrent.futures import CancelledError, Future

import numpy as np

from ...errors import ShardError, SurgSigmaError
from ...shards.tar_index import Members, layout, members, span
from ..order.permutation import Numbers
from ..selection.index import Index
from .fetch import Fetched, Fetcher
from .options import Files, RemoteOptions
from .ranges import make_fetch_ranges

_SOON = 64
"""Neighbours go together where no more than so many others are needed between them."""


class RemoteShards:
    """Random access to the samples of an index over :class:`Files`. Threads may share it."""

    def __init__(self, files: Files, index: Index, options: RemoteOptions) -> None:
        self._files, self._index, self._options = files, index, options
        self._units = make_fetch_ranges(index)
        self._request = max(1, min(options.request, options.ahead // options.connections))
        self._fetcher: Fetcher | None = None
        self._stopped = False
        self._lock = threading.Lock()
        self._blocks: OrderedDict[int, Future[Fetched]] = OrderedDict()
        self.begin()

    def begin(self) -> None:
        """Forget what was expected."""
        if self._fetcher is not None:
            self._fetcher.sums.begin()
        with self._lock:
            self._wanted: OrderedDict[int, int] = OrderedDict()
            """Units to ask for, in order of need, and their turns in it."""
            self._turn = 0
            self._need: dict[int, int] = {}
            self._untouched: dict[int, int] = {}
            """Units that were asked for and not read yet, and their requests."""
            self._requests: dict[int, int] = {}
            """Units of each request that were not read yet."""
            self._ahead = 0
            self._idle = OrderedDict.fromkeys(self._blocks)
            self._idle_bytes = sum(map(self._units.size, self._blocks))

    def expect(self, numbers: Numbers) -> None:
        """Fetch what holds these samples before they are asked for, so far as the bounds allow."""
        units, first, counts = np.unique(self._units.of_all(numbers), return_index=True, return_counts=True)
        with self._lock:
            for which in np.argsort(first).tolist():
                unit = int(units[which])
                if unit not in self._need:
                    self._set_idle(unit, False)
                    if unit not in self._blocks:
                        self._wanted[unit] = self._turn
                        self._turn += 1
                self._need[unit] = self._need.get(unit, 0) + int(counts[which])
            self._pump()

    def read(self, number: int) -> Members:
        """The members of a sample.

        Raises:
            ShardError: the shard is missing, damaged, changed, or not what the manifest says.
            SurgSigmaError: it cannot be had.
        """
        units, index = self._units, self._index
        turn = units.local_index(number)
        unit = units.of(turn)
        with self._lock:
            future = self._blocks.get(unit)
            if future is None:
                if self._stopped:
                    raise SurgSigmaError(f"sample {number} cannot be read, for the stream was closed")
                self._wanted.pop(unit, None)
                future = self._submit([unit])[0]
            fetcher = self._fetcher
            assert fetcher is not None
            self._touch(unit)
            self._evict(unit)
            self._pump()
        try:
            found = future.result()
        except CancelledError:
            raise SurgSigmaError(f"sample {number} was not read, for the stream was closed") from None
        except ShardError:
            raise  # kept: the other samples of this unit fail at once
        except BaseException:
            with self._lock:
                if self._blocks.get(unit) is future:
                    self._set_idle(unit, False)
                    del self._blocks[unit]
            raise
        shard = units.shard[unit]
        fetcher.sums.check(shard, units.end[unit])
        where = index.places[shard]
        if listed := units.span(turn):
            begin, end = listed[0] - units.start[unit], listed[1] - units.start[unit]
            if span(layout(found.raw, begin, end, 1, where=where), 0) != (begin, end):
                raise ShardError(
                    f"{where}: the sample at byte {listed[0]} does not end at byte {listed[1]}, as its catalog says",
                    hint="Build this part of the tree again.",
                )
        else:
            inside = number - index.block_first[index.block_of(number)]
            begin, end = span(found.starts, inside)
        return members(found.raw, found.view, begin, end, where=where)

    def stop(self) -> None:
        """Whoever waits for a sample gets an error; from now on nothing is read."""
        with self._lock:
            self._stopped = True
            self._wanted.clear()
            for future in self._blocks.values():
                future.cancel()
        if self._fetcher is not None:
            self._fetcher.stop()

    def close(self) -> None:
        """End the fetching threads, drop everything fetched and all connections. Nothing can be read afterwards."""
        self.stop()
        if self._fetcher is not None:
            self._fetcher.close()
        self._files.close()
        with self._lock:
            self._blocks.clear()
        self.begin()

    # -- what is asked for, and what is kept; the lock is held --------------------------------------------------------

    def _pump(self) -> None:
        """Send off the next requests."""
        while self._wanted and (self._ahead < self._options.ahead or len(self._requests) < self._options.connections):
            self._submit(self._next_group(), ahead=True)

    def _next_group(self) -> list[int]:
        """What is needed next, and its neighbours that are needed soon; the very first unit waits for no other."""
        units, wanted = self._units, self._wanted
        unit, turn = wanted.popitem(last=False)
        first = last = unit
        if turn == 0:
            return [unit]
        soon = turn + _SOON
        most = -(-(len(wanted) + 1) // self._options.connections)  # no connection is left without work
        while last - first + 1 < most:
            size = units.end[last] - units.start[first]
            for other, near in ((last + 1, units.mergeable[last]), (first - 1, first and units.mergeable[first - 1])):
                if near and wanted.get(other, soon) < soon and size + units.size(other) <= self._request:
                    del wanted[other]
                    first, last = min(first, other), max(last, other)
                    break
            else:
                break
        return list(range(first, last + 1))

    def _submit(self, group: list[int], *, ahead: bool = False) -> list[Future[Fetched]]:
        if self._fetcher is None:
            self._fetcher = Fetcher(self._files, self._index, self._units, self._options)
        futures = self._fetcher.submit(group)
        for unit, future in zip(group, futures, strict=True):
            self._blocks[unit] = future
            if ahead:
                self._untouched[unit] = group[0]
                self._ahead += self._units.size(unit)
            elif unit not in self._need:
                self._set_idle(unit, True)
        if ahead:
            self._requests[group[0]] = len(group)
        return futures

    def _touch(self, unit: int) -> None:
        if unit in self._untouched:
            request = self._untouched.pop(unit)
            self._ahead -= self._units.size(unit)
            self._requests[request] -= 1
            if not self._requests[request]:
                del self._requests[request]
        if unit in self._need:
            self._need[unit] -= 1
            if not self._need[unit]:
                del self._need[unit]
                self._set_idle(unit, True)
        elif unit in self._idle:
            self._idle.move_to_end(unit)

    def _set_idle(self, unit: int, idle: bool) -> None:
        if idle and unit not in self._idle:
            self._idle[unit] = None
            self._idle_bytes += self._units.size(unit)
        elif not idle and unit in self._idle:
            del self._idle[unit]
            self._idle_bytes -= self._units.size(unit)

    def _evict(self, using: int) -> None:
        """Drop the oldest units that nothing planned needs, above the bound."""
        while self._idle_bytes > self._options.memory:
            unit = next(iter(self._idle))
            if unit == using:
                break
            self._set_idle(unit, False)
            del self._blocks[unit]
