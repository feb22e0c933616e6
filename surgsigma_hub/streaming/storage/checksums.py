"""The sha256 of shards that are read as a whole, taken while they are read.

A shard whose ranges are asked for in its own order, from the first to the last, is hashed as they come, in whatever
order they do. One that is asked for in parts or in another order is not checked here, unless a disk cache comes to hold
all of it: its headers have checksums, its versions are compared, and ``verify=True`` compares every medium.
"""

from __future__ import annotations

import hashlib
import threading
from dataclasses import dataclass, field
from typing import Any

from ...errors import ShardError
from ..selection.index import Index


@dataclass(slots=True)
class _Run:
    """A shard from its first byte on.

    Attributes:
        next: What was hashed so far, in bytes.
        asked: What was asked for so far.
        coming: Starts of ranges under way.
        here: Ranges that wait for one before them.
        busy: A thread is hashing.
    """

    next: int = 0
    asked: int = 0
    hash: Any = field(default_factory=hashlib.sha256)
    coming: set[int] = field(default_factory=set)
    here: dict[int, bytes] = field(default_factory=dict)
    busy: bool = False


class ShardChecksums:
    """Hashes of the shards of an index. Threads share it.

    Attributes:
        checked: Shards whose sum was right, each time that it was taken.
    """

    def __init__(self, index: Index) -> None:
        self._index = index
        self._changed = threading.Condition()
        self._runs: dict[int, _Run] = {}
        self._seen: dict[int, dict[int, int]] = {}
        self._bad: dict[int, str] = {}
        self._barred: set[int] = set()
        self.checked = 0

    def begin(self) -> None:
        """A new iteration: of shards that are known to be wrong nothing is given out any more."""
        with self._changed:
            self._barred |= set(self._bad)

    def expect(self, shard: int, start: int, end: int) -> None:
        """A range was asked for; :meth:`add` or :meth:`lose` follows."""
        with self._changed:
            if start == 0:
                self._runs[shard] = _Run()
                self._changed.notify_all()  # the run before will not come to its end
            run = self._runs.get(shard)
            if run is None:
                return
            if start == run.asked:
                run.asked = end
                run.coming.add(start)
            else:
                self._end(shard)

    def add(self, shard: int, start: int, data: bytes) -> None:
        """A range is there."""
        with self._changed:
            run = self._runs.get(shard)
            if run is None or start not in run.coming:
                return
            run.coming.remove(start)
            run.here[start] = data
            if run.busy:
                return  # the thread that hashes goes on with it
            run.busy = True
        while piece := self._next(shard, run):
            run.hash.update(piece)
            with self._changed:
                run.next += len(piece)

    def lose(self, shard: int, start: int) -> None:
        """A range is not to be had."""
        with self._changed:
            if (run := self._runs.get(shard)) and start in run.coming:
                self._end(shard)

    def saw_all(self, shard: int, start: int, end: int) -> bool:
        """Note a range; whether this one was the last of its shard, in whatever order they came."""
        with self._changed:
            seen = self._seen.setdefault(shard, {})
            fresh = start not in seen
            seen[start] = end - start
            return fresh and sum(seen.values()) == self._index.bytes[shard]

    def judge(self, shard: int, digest: str, *, bar: bool = False) -> bool:
        """Whether this is the sum of a shard; if not, reading its end is an error, and reading any of it later.

        What was fetched of it before is still given out in this iteration, so that the samples that fail do not depend
        on how fast the others were taken; ``bar`` ends that too.
        """
        with self._changed:
            right = digest == self._index.hashes[shard]
            if right:
                self.checked += 1
            else:
                self._bad[shard] = digest
                if bar:
                    self._barred.add(shard)
            self._changed.notify_all()
            return right

    def is_bad(self, shard: int) -> bool:
        """Whether the shard is known to be another one than the manifest's."""
        return shard in self._bad

    def check(self, shard: int, end: int) -> None:
        """Before a sample of a range that ends at ``end`` is given out; waits where the sum is about to be known.

        Raises:
            ShardError: the shard is not the one that the manifest describes.
        """
        total = self._index.bytes[shard]
        if end == total and shard in self._runs:
            with self._changed:
                while (run := self._runs.get(shard)) is not None and run.asked == total:
                    self._changed.wait()
        if shard in self._barred or (end == total and shard in self._bad):
            raise ShardError(
                f"{self._index.places[shard]}: is not the shard that the manifest describes "
                f"(sha256 {self._bad[shard][:16]}..., expected {self._index.hashes[shard][:16]}...)",
                hint="Samples of it that were read before cannot be trusted. Download or build it again.",
            )

    def close(self) -> None:
        """Nothing that is under way will come."""
        with self._changed:
            self._runs.clear()
            self._changed.notify_all()

    def _next(self, shard: int, run: _Run) -> bytes | None:
        """The next piece to hash; None where there is none now."""
        with self._changed:
            if piece := run.here.pop(run.next, None):
                return piece
            run.busy = False
            if run.next == self._index.bytes[shard] and self._runs.get(shard) is run:
                self.judge(shard, run.hash.hexdigest())
                self._end(shard)
            return None

    def _end(self, shard: int) -> None:
        del self._runs[shard]
        self._changed.notify_all()
