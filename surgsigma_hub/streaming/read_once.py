"""Reading once what several items of a stream are made of: the last few media stay until others need the place."""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple, TypeVar

_Read = TypeVar("_Read")


class Job(NamedTuple):
    """One item to make: its place in the epoch, the sample to read, which of its conversations, and whether to read."""

    position: int
    number: int
    turn: int
    fresh: bool


class Recent:
    """The last ``most`` numbers that were asked for; whoever asks the same again knows the same of each."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._numbers: OrderedDict[int, None] = OrderedDict()

    def is_new(self, number: int) -> bool:
        """Whether it is none of them; it is one from now on."""
        known = number in self._numbers
        self._numbers[number] = None
        self._numbers.move_to_end(number)
        if len(self._numbers) > self._most:
            self._numbers.popitem(last=False)
        return not known


def read_once(
    jobs: Iterable[Job], read: Callable[[Iterable[Job]], Iterator[tuple[Job, _Read]]], most: int
) -> Iterator[tuple[Job, _Read]]:
    """Every job with what was read for it, in their order.

    Args:
        jobs: Marked by a :class:`Recent` of the same ``most``.
        read: Reads for the fresh ones, in their order; it may take some ahead.
        most: What is kept at a time, 1 or more.
    """
    waiting: deque[Job] = deque()
    held: OrderedDict[int, _Read] = OrderedDict()

    def fresh() -> Iterator[Job]:
        for job in jobs:
            waiting.append(job)
            if job.fresh:
                yield job

    def known() -> Iterator[tuple[Job, _Read]]:
        while waiting and not waiting[0].fresh:
            job = waiting.popleft()
            held.move_to_end(job.number)
            yield job, held[job.number]

    for job, found in read(fresh()):
        yield from known()
        waiting.popleft()
        held[job.number] = found
        if len(held) > most:
            held.popitem(last=False)
        yield job, found
        yield from known()
    yield from known()
