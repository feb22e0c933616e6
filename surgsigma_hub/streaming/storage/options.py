"""Where bytes from elsewhere come from, how patiently they are asked for, and within which bounds."""

from __future__ import annotations

import random
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from ...errors import SurgSigmaError
from .response import RangeResponse, TransientError


@dataclass(frozen=True, slots=True)
class RemoteOptions:
    """How remote trees are read.

    Args:
        connections: Requests at a time.
        timeout: Seconds without a byte after which a request is made again.
        deadline: Seconds after which a block, a manifest or a card that is not there as a whole is an error.
        memory: Bytes of blocks that stay in memory although nothing planned needs them. Those that are needed come on
            top: one for each lane of this rank, and ``ahead``.
        ahead: Bytes that are fetched before they are needed; at least one request for each connection is.
        request: Most bytes of a request for several blocks that lie side by side and are needed together.
        cache: A folder to keep blocks in, see :class:`.disk_cache.DiskCache`. None: none.
        cache_bytes: Most bytes of that folder.
    """

    connections: int = 8
    timeout: float = 20.0
    deadline: float = 120.0
    memory: int = 64 << 20
    ahead: int = 64 << 20
    request: int = 8 << 20
    cache: Path | str | None = None
    cache_bytes: int = 20 << 30

    def __post_init__(self) -> None:
        if self.connections < 1 or self.timeout <= 0 or self.deadline <= 0:
            raise SurgSigmaError("RemoteOptions: connections, timeout and deadline must be above 0")


class Files(Protocol):
    """Where the bytes come from. Threads share it."""

    def read(
        self, place: str, start: int | None = None, end: int | None = None, *, most: int, until: float
    ) -> RangeResponse:
        """Bytes ``start`` to ``end`` of a file, or all of it; ``TransientError`` where trying again may help.

        Never more than ``most`` bytes where ``end`` does not say how many, and nothing that is not there at ``until``,
        as ``time.monotonic()`` counts. With a negative ``start`` and no ``end`` the last bytes of the file: fewer where
        it is shorter, and all of it from a store that cannot do this; ``total`` is known then.
        """

    def close(self) -> None:
        """Let go of connections."""


def fetch(
    files: Files, place: str, start: int | None, end: int | None, *, deadline: float, most: int = 0,
    only_busy: bool = False, stop: threading.Event | None = None,
) -> RangeResponse:  # fmt: skip
    """Read, and again with growing pauses while that may help.

    Args:
        files: Where from.
        place: Which file.
        start: The first byte, see :meth:`Files.read`.
        end: The byte behind the last one.
        deadline: Seconds for all tries together.
        most: Bytes that may come where ``end`` does not say how many.
        only_busy: Try again only where the server said that it is busy.
        stop: Ends the waiting.

    Raises:
        SurgSigmaError: not to be had within ``deadline`` seconds; says what went wrong lastly.
        ShardError: not there, or larger than ``most``.
        TransientError: with ``only_busy``: the answer did not come, or not as asked for.
    """
    begin, tries, stop = time.monotonic(), 0, stop or threading.Event()
    while not stop.is_set():
        try:
            return files.read(place, start, end, most=most, until=begin + deadline)
        except TransientError as error:
            if only_busy and not error.busy:
                raise
            # The pause is drawn, so that the ranks of a cluster do not come back all at once.
            pause = max(error.wait, min(30.0, 0.1 * 2**tries) * (0.5 + random.random()))
            tries += 1
            if time.monotonic() - begin + pause > deadline:
                raise SurgSigmaError(
                    f"{place}: could not be read in {tries} tries within {deadline:g} s, lastly: {error}",
                    hint="Check the network and the server, or raise RemoteOptions(deadline=...).",
                ) from None
            stop.wait(pause)
    raise SurgSigmaError(f"{place}: was not read to the end, for the stream was closed")
