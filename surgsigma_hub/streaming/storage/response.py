"""What a request for bytes gives."""

from __future__ import annotations

from dataclasses import dataclass


class TransientError(Exception):
    """A request that may go well when it is made again.

    Args:
        what: What went wrong.
        wait: Seconds after which the server wants to be asked again.
        busy: The server answered, and said that it cannot now: asking for less would not help.
    """

    def __init__(self, what: str, wait: float = 0.0, *, busy: bool = False) -> None:
        super().__init__(what)
        self.wait, self.busy = wait, busy


@dataclass(frozen=True, slots=True)
class RangeResponse:
    """Bytes of a file.

    Attributes:
        tag: Tells versions of the file apart; ``""`` where nothing does.
        total: Bytes of the whole file; -1 where nothing says so.
    """

    data: bytes
    tag: str
    total: int = -1
