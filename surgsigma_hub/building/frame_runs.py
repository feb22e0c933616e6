"""Runs of frames: a long video is mapped in several units, so that none is larger than a stated number of pictures.

Each run reads all labels of the video, and takes its own share of what they yield. Most labels cost a thousandth of
what the pictures cost; those that are pixels themselves, such as class masks, may cost half of it, and then runs are
fewer. What is known of the video as a whole (its frames, its footage, what its loader refuses) is told by the first run
alone. A moment belongs to the run in which it comes first, so that two samples of one id meet in one run. A run begins
at the last key frame before it: a film with no other than its first is decoded from there by each.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from pathlib import Path
from typing import Any, Protocol

from .parts import read_summary
from .units import check_results

FRAME_RUN = 2048
"""Pictures in a run: 20 s of one core or more where they are encoded, beside a fifth of a second for the labels of
three hours at one a second, which every run reads."""

MOST_RUNS = 32
"""Of one video: above this, runs grow instead, since each reads all labels (a million moments in about 18 s)."""

MOST_AGAIN = 0.15
"""Share of the work on a video that its later runs may add by opening it and reading its labels again."""

CLIP_WEIGHT = 32
"""Pictures that a sample over the course of a video counts as: a clip of 100 frames costs about as much to make."""


@dataclass(frozen=True, slots=True)
class FrameRun:
    """A share of what one video yields, from picture ``begin`` up to ``end``, which belongs to the next."""

    begin: int = 0
    end: int = sys.maxsize

    @property
    def first(self) -> bool:
        """Whether it tells what is known of the video as a whole."""
        return self.begin == 0


WHOLE = FrameRun()
"""All that a video yields."""


@dataclass(slots=True)
class Turns:
    """Whose turn it is: deals what a video yields to its runs, alike in each of them.

    Attributes:
        weight: Pictures that all things so far count as.
        things: How many these were, images and clips.
        taken: How many of them the run took.
    """

    run: FrameRun
    weight: int = 0
    things: int = 0
    taken: int = 0
    _before: set[str] = field(default_factory=set)
    _own: set[str] = field(default_factory=set)

    def takes(self, moment: str, weight: int = 1) -> bool:
        """Whether the run takes the next thing.

        Args:
            moment: What names its moment in ids.
            weight: Pictures that it counts as.

        >>> turns = Turns(FrameRun(1, 3))
        >>> [turns.takes(moment) for moment in "abcadb"]
        [False, True, True, False, False, True]
        """
        takes = self.run == WHOLE or self._is_own(moment)
        self.weight += weight
        self.things += 1
        self.taken += takes
        return takes

    def _is_own(self, moment: str) -> bool:
        if moment in self._own:
            return True
        if self.weight >= self.run.end or moment in self._before:
            return False
        (self._own if self.weight >= self.run.begin else self._before).add(moment)
        return self.weight >= self.run.begin


def further_runs(weight: int, length: int, most: int = MOST_RUNS - 1) -> list[FrameRun]:
    """The runs behind the first one, of a video that yields ``weight`` pictures; none where the first took all.

    Args:
        weight: Pictures of the video.
        length: Of the first run; the others are as long, or longer where they would be more than ``most``.
        most: 1 or more.

    >>> further_runs(7, 3), further_runs(3, 3)
    ([FrameRun(begin=3, end=5), FrameRun(begin=5, end=7)], [])
    """
    left = weight - length
    count = min(most, -(-left // length))
    edges = [length + left * n // count for n in range(count + 1)] if left > 0 else []
    return [FrameRun(begin, end) for begin, end in pairwise(edges)]


def worthwhile(summary: Mapping[str, Any]) -> int:
    """How many runs may follow the first one of a video, which has noted what its labels and its own share cost.

    What the first run made is taken for what others will cost, a clip for as much as an image: it costs that at least,
    and as much as :data:`CLIP_WEIGHT` of them only where images are large.

    >>> first = {"things": 9000, "taken": 3000, "reading": 2.0, "making": 60.0}
    >>> worthwhile(first), worthwhile({**first, "reading": 30.0}), worthwhile({**first, "reading": 0})
    (13, 1, 31)
    """
    whole = summary["making"] * summary["things"] / max(1, summary["taken"])
    return max(1, min(MOST_RUNS - 1, int(MOST_AGAIN * whole / max(summary["reading"], 1e-9))))


class VideoJob(Protocol):
    """The unit of a run."""

    @property
    def folder(self) -> Path:
        """Where its part goes."""

    @property
    def run(self) -> FrameRun:
        """Which run."""


def map_videos(work: Callable[..., None], jobs: Sequence[Any], run: Callable[..., None]) -> list[tuple[Path, ...]]:
    """Map each video, the long ones in runs; the folders of their parts, by video.

    Args:
        work: Maps one run.
        jobs: One :class:`VideoJob` a video, frozen dataclasses.
        run: Runs ``work`` for some jobs: see :func:`surgsigma_hub.building.pool.run_jobs`.

    Raises:
        BuildError: a unit has ended, but its result is not here.
    """
    length = FRAME_RUN
    firsts = [replace(job, run=FrameRun(0, length)) for job in jobs]
    _run(work, firsts, run)
    later: list[list[Any]] = []
    for job in firsts:
        summary = read_summary(job.folder)
        runs = further_runs(summary["weight"], length, worthwhile(summary))
        later.append(
            [
                replace(job, run=one, folder=job.folder.with_name(f"{job.folder.name}+{n:03d}"))
                for n, one in enumerate(runs, 1)
            ]
        )
    _run(work, [job for some in later for job in some], run)
    return [(job.folder, *(other.folder for other in some)) for job, some in zip(firsts, later, strict=True)]


def _run(work: Callable[..., None], jobs: Sequence[VideoJob], run: Callable[..., None]) -> None:
    if jobs:
        run(work, jobs)
        check_results([job.folder / "part.json" for job in jobs])
