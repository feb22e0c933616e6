"""What a stream delivers, and what does not change while it lives."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ..records import MediumSample, Sample
from ..shards.by_medium import layout_of
from ..shards.skipping import OnError
from .order.partition import Uneven
from .order.permutation import Shuffle
from .typed import typed_medium, typed_sample


@dataclass(slots=True)
class StreamSample:
    """One sample as it is delivered.

    Attributes:
        key: Its id.
        sample: Its JSON, parsed; of a medium in turns with the chosen ones of its ``conversations``.
        media: Its media by member: pixels or bytes, as ``decode`` says.
        position: Its place in the order of the epoch.
    """

    key: str
    sample: dict[str, Any]
    media: dict[str, Any]
    position: int

    @property
    def record(self) -> Sample | MediumSample:
        """The JSON as a typed record."""
        return typed_sample(self.sample) if layout_of(self.sample) == "tasks" else typed_medium(self.sample)


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
