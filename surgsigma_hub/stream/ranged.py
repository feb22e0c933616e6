"""A remote file of which only what is read is fetched, for readers that want a file object: Parquet."""

from __future__ import annotations

import io
from bisect import bisect_right
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor

from ..errors import ShardError
from .answer import Answer
from .files import Files, Remote, fetch

TAIL = 64 << 10
"""Bytes of the end that are fetched at once; the footer of some half a million rows."""
_NEAR = 16 << 10
_MOST = 8 << 20


class RangedFile(io.RawIOBase):
    """Reads by ranges; what was fetched stays until the file is closed.

    Args:
        files: Where it is.
        place: Which file.
        how: Connections and patience.

    Raises:
        ShardError: it is not there, or changed while it was read.
    """

    def __init__(self, files: Files, place: str, how: Remote) -> None:
        super().__init__()
        self._files, self._place, self._how = files, place, how
        answer = fetch(files, place, -TAIL, None, deadline=how.deadline)
        self._tag, self._size, self._at = answer.tag, answer.total, 0
        self._starts = [self._size - len(answer.data)]
        self._parts = [answer.data]

    def load(self, spans: Iterable[tuple[int, int]]) -> None:
        """Fetch ranges ahead, several at a time, those that lie near each other together."""
        wanted: list[list[int]] = []
        for start, end in sorted(spans):
            end = min(end, self._starts[-1])  # the last part is the end of the file
            if start >= end or self._holds(start, end):
                continue
            if wanted and start - wanted[-1][1] <= _NEAR and end - wanted[-1][0] <= _MOST:
                wanted[-1][1] = max(end, wanted[-1][1])
            else:
                wanted.append([start, end])
        if not wanted:
            return
        with ThreadPoolExecutor(min(self._how.connections, len(wanted))) as pool:
            found = list(pool.map(lambda span: self._fetch(*span), wanted))
        for (start, _), data in zip(wanted, found, strict=True):
            self._insert(start, data)

    def read(self, size: int = -1) -> bytes:
        """``size`` bytes from where the file stands, fewer at its end."""
        start = self._at
        end = self._size if size < 0 else min(self._size, start + size)
        if start >= end:
            return b""
        if not self._holds(start, end):
            if start < self._starts[-1] < end:  # the start of what the tail was cut off from
                rest = self._fetch(start, self._starts[-1])
                self._starts[-1], self._parts[-1] = start, rest + self._parts[-1]
            else:
                self._insert(start, self._fetch(start, end))
        part = bisect_right(self._starts, start) - 1
        offset = start - self._starts[part]
        self._at = end
        return self._parts[part][offset : offset + end - start]

    def seek(self, offset: int, whence: int = 0) -> int:
        """Go to a place."""
        self._at = offset + (0, self._at, self._size)[whence]
        return self._at

    def tell(self) -> int:
        """Where it stands."""
        return self._at

    def readable(self) -> bool:
        """It is."""
        return True

    def seekable(self) -> bool:
        """It is."""
        return True

    def _holds(self, start: int, end: int) -> bool:
        part = bisect_right(self._starts, start) - 1
        return part >= 0 and end <= self._starts[part] + len(self._parts[part])

    def _insert(self, start: int, data: bytes) -> None:
        at = bisect_right(self._starts, start)
        if at and self._starts[at - 1] == start:
            self._parts[at - 1] = max(data, self._parts[at - 1], key=len)
        else:
            self._starts.insert(at, start)
            self._parts.insert(at, data)

    def _fetch(self, start: int, end: int) -> bytes:
        answer: Answer = fetch(self._files, self._place, start, end, deadline=self._how.deadline)
        if answer.tag != self._tag:
            raise ShardError(
                f"{self._place}: was changed while it was read (version {answer.tag!r}, before {self._tag!r})",
                hint="Name a revision of the dataset that does not change, and start anew.",
            )
        return answer.data
