"""Who takes which positions: ranks in turn, DataLoader workers in turn within a rank; all of it arithmetic."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from .permutation import Numbers

Uneven = Literal["exact", "drop", "pad"]
"""The end of an epoch that the ranks do not divide: ``exact`` gives every sample once, so that some ranks take one step
more; ``drop`` leaves the last few out and ``pad`` repeats the first few, so that all ranks take equally many."""


@dataclass(frozen=True, slots=True)
class Partition:
    """The positions of one worker of one rank.

    At step ``k`` (counted from ``start``) rank ``r`` of ``world`` takes position ``start + k * world + r``: what the
    ranks take, in the order of steps and ranks, is the order itself. The workers of a rank take its steps in runs of
    ``batch_size``, as a DataLoader asks its workers for batches.

    Attributes:
        total: Positions of the epoch.
        start: The first position that nobody has taken yet.
    """

    total: int
    start: int = 0
    rank: int = 0
    world: int = 1
    uneven: Uneven = "exact"
    worker: int = 0
    workers: int = 1
    batch_size: int = 1

    @property
    def steps(self) -> int:
        """Steps of this rank, of all its workers together."""
        left = max(0, self.total - self.start)
        if self.uneven == "drop":
            return left // self.world
        if self.uneven == "pad":
            return -(-left // self.world)
        return max(0, -(-(left - self.rank) // self.world))

    def __len__(self) -> int:
        """Steps of this worker."""
        whole, rest = divmod(self.steps, self.batch_size * self.workers)
        return whole * self.batch_size + min(self.batch_size, max(0, rest - self.worker * self.batch_size))

    def step(self, items: Numbers) -> Numbers:
        """Steps of the rank that are this worker's ``items``-th ones."""
        runs, inside = items // self.batch_size, items % self.batch_size
        return (runs * self.workers + self.worker) * self.batch_size + inside

    def positions(self, first: int, last: int) -> Numbers:
        """Positions of this worker's items ``first`` to ``last - 1``; padding comes round to the start of the epoch."""
        places = self.start + self.step(np.arange(first, last, dtype=np.int64)) * self.world + self.rank
        return places % self.total if self.uneven == "pad" and self.total else places
