"""A remote file of which only what is read is fetched, for readers that want a file object: Parquet."""

from __future__ import annotations

import io
from bisect import bisect_right
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor

from ...errors import ShardError
from .options import Files, RemoteOptions, fetch
from .response import RangeResponse

TAIL = 64 << 10
"""Bytes of the end that are fetched at once; the footer of some half a million rows."""
_NEAR = 16 << 10
_MOST = 8 << 20


class RangedFile(io.RawIOBase):
    """Reads by ranges; what was fetched stays until the file is closed.

    Args:
        files: Where it is.
        place: Which file.
        options: Connections and patience.
        most: Bytes that it may hold.

    Raises:
        ShardError: it is not there, is larger than ``most``, or changed while it was read.
    """

    def __init__(self, files: Files, place: str, options: RemoteOptions, *, most: int) -> None:
        super().__init__()
        self._files, self._place, self._options = files, place, options
        answer = fetch(files, place, -TAIL, None, deadline=options.deadline, most=most)
        if not len(answer.data) <= answer.total <= most:
            raise ShardError(
                f"{place}: says that it holds {answer.total} bytes (expected at most {most})",
                hint="Is the tree one of this package?",
            )
        self._tag, self._size, self._at = answer.tag, answer.total, 0
        self._starts = [self._size - len(answer.data)]
        self._parts = [answer.data]

    def load(self, spans: Iterable[tuple[int, int]]) -> None:
        """Fetch ranges ahead, several at a time, those that lie near each other together."""
        wanted: list[list[int]] = []
        for start, end in sorted(spans):
            end = min(end, self._starts[-1])  # the last part is the end of the file
            if start >= end or self._held(start, end) is not None:
                continue
            if wanted and start - wanted[-1][1] <= _NEAR and end - wanted[-1][0] <= _MOST:
                wanted[-1][1] = max(end, wanted[-1][1])
            else:
                wanted.append([start, end])
        if not wanted:
            return
        with ThreadPoolExecutor(min(self._options.connections, len(wanted))) as pool:
            found = list(pool.map(lambda span: self._fetch(*span), wanted))
        for (start, _), data in zip(wanted, found, strict=True):
            at = bisect_right(self._starts, start)
            self._starts.insert(at, start)
            self._parts.insert(at, data)

    def read(self, size: int = -1) -> bytes:
        """``size`` bytes from where the file stands, fewer at its end."""
        start = self._at
        end = self._size if size < 0 else min(self._size, start + size)
        if start >= end:
            return b""
        found = self._held(start, end)
        if found is None:
            self.load([(start, end)])
            found = self._held(start, end)
        assert found is not None
        self._at = end
        return found

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

    def _held(self, start: int, end: int) -> bytes | None:
        """These bytes, if they were fetched; parts may lie side by side or over one another."""
        pieces: list[bytes] = []
        part = bisect_right(self._starts, start) - 1
        while start < end:
            if part < 0 or part == len(self._starts) or self._starts[part] > start:
                return None
            offset = start - self._starts[part]
            pieces.append(self._parts[part][offset : offset + end - start])
            start += len(pieces[-1])
            part += 1
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def _fetch(self, start: int, end: int) -> bytes:
        answer: RangeResponse = fetch(self._files, self._place, start, end, deadline=self._options.deadline)
        if answer.tag != self._tag:
            raise ShardError(
                f"{self._place}: was changed while it was read (version {answer.tag!r}, before {self._tag!r})",
                hint="Name a revision of the dataset that does not change, and start anew.",
            )
        return answer.data
