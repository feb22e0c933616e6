"""Conversations about one medium as turns of one: how many, which, and in which order."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache, lru_cache

from ..errors import SurgSigmaError

MOST = 8
"""Conversations in one item. CholecT50 has eight of a picture on average, and eight short answers with a picture are
some 1,000 tokens."""

Pairs = frozenset[tuple[str, str]]


@cache
def gives_away() -> Pairs:
    """Pairs of tasks of which the answer or question of one says the answer of the other: ``tasks/gives_away.csv``."""
    import csv  # here, since each stream imports this module and few ask for turns
    from importlib import resources

    text = (resources.files("surgsigma_hub.tasks") / "gives_away.csv").read_text("utf-8")
    return frozenset((row["answer"], row["question"]) for row in csv.DictReader(text.splitlines()))


@lru_cache(maxsize=16)
def _neighbours(pairs: Pairs) -> dict[str, set[str]]:
    """By task, those that never stand with it; a task may stand with itself."""
    found: dict[str, set[str]] = {}
    for a, b in pairs:
        if a != b:
            found.setdefault(a, set()).add(b)
            found.setdefault(b, set()).add(a)
    return found


@dataclass(frozen=True, slots=True)
class Turns:
    """Each medium with its conversations as turns of one: ``stream(..., talk=Turns(...))``.

    Args:
        most: Conversations at most, 1 or more; which ones, and their order, follows from seed and epoch.
        apart: Pairs of tasks that never stand together, in either order. None: those of ``tasks/gives_away.csv``.
            Conversations of one task may stand together.
    """

    most: int = MOST
    apart: Pairs = field(default_factory=gives_away, repr=False)

    def __post_init__(self) -> None:
        if self.most < 1:
            raise SurgSigmaError(f"Turns: most={self.most}", hint="Expected 1 or more conversations.")

    def choose(self, tasks: Sequence[str], weights: Sequence[float], lots: Sequence[float]) -> list[int]:
        """Which conversations stand together, in their order.

        Args:
            tasks: Of the conversations.
            weights: Theirs; a heavier one comes sooner and is left out less often, 0 never comes.
            lots: A number in 0..1 for each, which decides.

        >>> Turns(most=2, apart=frozenset({("a", "b")})).choose(["a", "b", "c"], [1, 1, 1], [0.9, 0.8, 0.7])
        [0, 2]
        """
        # The smallest of -log(lot) / weight is drawn by weight, then the next one of the rest, and so on.
        keys = sorted(
            (-math.log(max(lot, 1e-300)) / weight, n)
            for n, (lot, weight) in enumerate(zip(lots, weights, strict=True))
            if weight > 0
        )
        apart = _neighbours(self.apart)
        chosen: list[int] = []
        barred: set[str] = set()
        for _, n in keys:
            if len(chosen) == self.most:
                break
            if tasks[n] not in barred:
                chosen.append(n)
                barred |= apart.get(tasks[n], barred)
        return chosen


def lots(seed: int, epoch: int, medium: int, count: int) -> list[float]:
    """``count`` numbers in 0..1 that follow from seed, epoch and the number of the medium."""
    made: list[float] = []
    for block in range(-(-count // 8)):
        digest = hashlib.blake2b(f"talk/{seed}/{epoch}/{medium}/{block}".encode(), digest_size=64).digest()
        made += [(int.from_bytes(digest[at : at + 8], "little") >> 11) / (1 << 53) for at in range(0, 64, 8)]
    return made[:count]


def pick_one(weights: Sequence[float], lot: float) -> int:
    """The place that a lot in 0..1 falls on, by weight; one weight at least is above 0.

    >>> pick_one([1, 0, 3], 0.2), pick_one([1, 0, 3], 0.3)
    (0, 2)
    """
    left = lot * sum(weights)
    last = 0
    for place, weight in enumerate(weights):
        if weight > 0:
            last = place
            if left < weight:
                return place
            left -= weight
    return last
