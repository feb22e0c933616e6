"""What a request for bytes gives."""

from __future__ import annotations

from dataclasses import dataclass


class TransientError(Exception):
    """A request that may go well when it is made again, after ``wait`` seconds if the server says so."""

    def __init__(self, what: str, wait: float = 0.0) -> None:
        super().__init__(what)
        self.wait = wait


@dataclass(frozen=True, slots=True)
class Answer:
    """Bytes, and what tells versions of a file apart (``""`` where nothing does)."""

    data: bytes
    tag: str
