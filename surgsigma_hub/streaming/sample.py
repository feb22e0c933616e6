"""What a stream delivers, what it counts, and what does not change while it lives."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Any, Literal

from ..records import Sample
from .order.partition import Uneven
from .order.permutation import Shuffle
from .typed import typed_sample

OnError = Literal["raise", "skip"]


@dataclass(slots=True)
class StreamSample:
    """One sample as it is delivered.

    Attributes:
        key: Its id.
        sample: Its JSON, parsed.
        media: Its media by member: pixels or bytes, as ``decode`` says.
        position: Its place in the order of the epoch.
    """

    key: str
    sample: dict[str, Any]
    media: dict[str, Any]
    position: int

    @property
    def record(self) -> Sample:
        """The JSON as a typed record."""
        return typed_sample(self.sample)


@dataclass(slots=True)
class Errors:
    """Samples that could not be read or decoded and were skipped.

    Attributes:
        count: All of them.
        in_a_row: Those since the last good one.
        last: What was wrong with the latest ones.
    """

    count: int = 0
    in_a_row: int = 0
    last: deque[str] = field(default_factory=lambda: deque(maxlen=20))


@dataclass(frozen=True, slots=True)
class Settings:
    """What does not change during the life of a stream."""

    shuffle: Shuffle
    interleave: int
    seed: int
    rank: int
    world: int
    uneven: Uneven
    on_error: OnError
    max_errors_in_row: int
    threads: int
    mapped: bool = False
