"""The sha256 of shards that are read as a whole, taken while they are read.

Ranges that come in the order of the shard, or out of it but with all between them under way, are hashed as they come.
A shard that is read in parts or in another order is not checked here: its headers have checksums, its versions are
compared, and ``verify=True`` compares every medium.
"""

from __future__ import annotations

import hashlib
import threading
from dataclasses import dataclass, field
from typing import Any

from ..errors import ShardError
from .index import Index


@dataclass(slots=True)
class _Run:
    """A shard from its first byte on.

    Attributes:
        next: What was hashed so far, in bytes.
        coming: Ranges under way, end by start.
        here: Ranges that wait for one before them.
        busy: A thread is hashing.
    """

    next: int = 0
    hash: Any = field(default_factory=hashlib.sha256)
    coming: dict[int, int] = field(default_factory=dict)
    here: dict[int, bytes] = field(default_factory=dict)
    busy: bool = False

    def reach(self) -> int:
        """How far it comes with what is there or under way."""
        at = self.next
        while at in self.here or at in self.coming:
            at = at + len(self.here[at]) if at in self.here else self.coming[at]
        return at


class Sums:
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
        self.checked = 0

    def expect(self, shard: int, start: int, end: int) -> None:
        """A range was asked for; :meth:`add` or :meth:`lose` follows."""
        with self._changed:
            if start == 0:
                self._runs[shard] = _Run()
            if run := self._runs.get(shard):
                run.coming[start] = end

    def add(self, shard: int, start: int, data: bytes) -> None:
        """A range is there."""
        with self._changed:
            run = self._runs.get(shard)
            if run is None:
                return
            run.coming.pop(start, None)
            if start >= run.next:
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
            if run := self._runs.get(shard):
                run.coming.pop(start, None)
                self._changed.notify_all()

    def saw_all(self, shard: int, start: int, end: int) -> bool:
        """Note a range; whether this one was the last of its shard, in whatever order they came."""
        with self._changed:
            seen = self._seen.setdefault(shard, {})
            fresh = start not in seen
            seen[start] = end - start
            return fresh and sum(seen.values()) == self._index.bytes[shard]

    def judge(self, shard: int, digest: str) -> bool:
        """Whether this is the sum of a shard; if not, all further reading of the shard is an error."""
        with self._changed:
            right = digest == self._index.hashes[shard]
            if right:
                self.checked += 1
            else:
                self._bad[shard] = digest
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
                while (run := self._runs.get(shard)) is not None and (run.busy or run.reach() == total):
                    self._changed.wait()
        if shard in self._bad:
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
            if run.next == self._index.bytes[shard]:
                self.judge(shard, run.hash.hexdigest())
                done = True
            else:
                # Something waits for a range that nobody has asked for: this shard is not read in order.
                reach = run.reach()
                done = any(start > reach for start in run.here)
            if done and self._runs.get(shard) is run:
                del self._runs[shard]
            self._changed.notify_all()
            return None
