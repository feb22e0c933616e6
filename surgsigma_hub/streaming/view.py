"""The samples of a stream by number, for readers that choose their own order."""

from __future__ import annotations

import operator
from collections.abc import Iterator
from typing import Protocol, SupportsIndex

from ..errors import SurgSigmaError
from .sample import StreamSample


class Numbered(Protocol):
    """What a view looks through: a stream."""

    @property
    def samples(self) -> int:
        """How many there are."""

    def sample(self, number: int) -> StreamSample:
        """One of them."""


class SampleView:
    """``len(view)`` samples, and ``view[n]`` is one of them: a map-style dataset for torch, grain and others.

    The numbers are those of the tree, 0-based, whatever order, rank or epoch the stream has; its choice of samples and
    its way to decode are kept. Each access reads and decodes anew, in the thread that asks. It can be pickled, and used
    after a fork. For training prefer the stream: it reads ahead, and goes on exactly after a stop.
    """

    def __init__(self, stream: Numbered) -> None:
        self._stream = stream

    def __len__(self) -> int:
        return self._stream.samples

    def __getitem__(self, number: SupportsIndex) -> StreamSample:
        """One sample; negative numbers count from the end.

        Raises:
            IndexError: no such number.
            ShardError: its shard is damaged.
            MediaError: a medium that cannot be read.
            SurgSigmaError: a slice.
        """
        if isinstance(number, slice):
            raise SurgSigmaError("a view gives one sample at a time", hint="Write [view[n] for n in range(...)].")
        index, total = operator.index(number), len(self)
        if not -total <= index < total:
            raise IndexError(f"sample {index} of {total:,}")
        return self._stream.sample(index % total)

    def __iter__(self) -> Iterator[StreamSample]:
        return (self[number] for number in range(len(self)))

    def __repr__(self) -> str:
        return f"SampleView of {len(self):,} samples"  # a list of them, as debuggers print, would read them all
