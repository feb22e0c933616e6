"""Samples that cannot be read: raised, or skipped and counted until too many follow one another."""

from __future__ import annotations

import logging
from collections import deque
from dataclasses import dataclass, field
from typing import Literal

from ..errors import ShardError, SurgSigmaError

OnError = Literal["raise", "skip"]

logger = logging.getLogger(__name__)


@dataclass(slots=True)
class Skipped:
    """Samples that could not be read or decoded, and what becomes of the next one.

    Attributes:
        on_error: ``raise`` its error, or ``skip`` and count it.
        max_in_a_row: More than this, one after the other, are an error all the same: that is no single damaged file.
        count: All that were skipped.
        in_a_row: Those since the last good one; who reads a good one sets it to 0.
        last: What was wrong with the latest ones.
    """

    on_error: OnError = "raise"
    max_in_a_row: int = 32
    count: int = 0
    in_a_row: int = 0
    last: deque[str] = field(default_factory=lambda: deque(maxlen=20))

    def bad(self, error: SurgSigmaError, where: str, samples: int = 1) -> None:
        """Samples could not be read.

        Args:
            error: Why.
            where: Place in the order, or name of the shard.
            samples: How many.

        Raises:
            SurgSigmaError: they are not to be skipped, or are too many.
        """
        if self.on_error == "raise":
            raise error
        self.count += samples
        self.in_a_row += samples
        self.last.append(str(error))
        logger.warning("skipped %d sample(s) at %s, %d in this process: %s", samples, where, self.count, error.message)
        if self.in_a_row > self.max_in_a_row:
            raise too_many(self.in_a_row, where, error) from error


def too_many(samples: int, where: str, error: SurgSigmaError) -> ShardError:
    """The error of so many unreadable samples that the tree as a whole is in question."""
    return ShardError(
        f"{samples} samples in a row could not be read, lastly {where}: {error.message}",
        hint="Many consecutive samples failed: run `surgsigma validate TREE` to find the damage.",
    )
