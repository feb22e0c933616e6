"""Several parts in fixed shares: which part a step takes from, and how many it took before, in closed form.

Shares are counts per epoch. A pattern of at most :data:`PERIOD` steps spreads every part evenly and repeats, so that
any step is found without the steps before it, and a part is always read forward in its own order. A part that is used
up starts over in its next order; one that is not goes on in the next epoch where it was left.

The k-th step of a part stands where its share puts it, so a rank meets all lanes of the part and reads most of its
blocks: with four ranks a mixture is read about three times (``tests/test_stream_trips.py``). To keep rank and lane
together, steps of a part would have to come in whole rows of lanes, many of one task in a row.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from ...errors import SurgSigmaError
from .permutation import Numbers, Order

PERIOD = 1 << 16
"""Longest pattern. In longer epochs the share of a part is kept to within one step in this many."""


def quotas(
    sizes: Sequence[int], *, weights: Sequence[float] | None = None, temperature: float = 1.0,
    caps: Sequence[int | None] | None = None,
) -> list[int]:  # fmt: skip
    """Steps of each part in an epoch.

    Args:
        sizes: Samples of each part.
        weights: Shares, of any sum. None: by the number of samples, flattened by ``temperature``.
        temperature: Without weights, a part weighs ``samples ** (1 / temperature)``: 1 is by size, large is equal.
        caps: Most samples that a part gives in an epoch.

    Raises:
        SurgSigmaError: no sample, or weights or temperature that make no share.
    """
    capped = [
        size if cap is None else min(size, cap) for size, cap in zip(sizes, caps or [None] * len(sizes), strict=True)
    ]
    if weights is None:
        if not temperature > 0:
            raise SurgSigmaError(f"temperature {temperature} makes no shares", hint="Expected a number above 0.")
        weights = [float(size) ** (1 / temperature) for size in capped]
    if any(not w >= 0 or w == float("inf") for w in weights) or not sum(weights) > 0:
        raise SurgSigmaError(
            f"weights {list(weights)} make no shares", hint="Expected numbers of 0 or more, one above 0."
        )
    if empty := [n for n, (size, weight) in enumerate(zip(capped, weights, strict=True)) if weight > 0 and not size]:
        raise SurgSigmaError(f"part {empty[0]} of the mixture has a weight but no samples")
    return _round(np.asarray(weights, float) / sum(weights) * sum(capped), sum(capped))


def _round(shares: np.ndarray, total: int) -> list[int]:
    """Whole numbers of the given sum near ``shares``, at least 1 where a share is above 0."""
    whole = np.floor(shares).astype(np.int64)
    whole[(shares > 0) & (whole == 0)] = 1
    for part in np.argsort(-(shares - np.floor(shares)), kind="stable"):
        if whole.sum() < total and shares[part] > 0:
            whole[part] += 1
    while whole.sum() > total and whole.max() > 1:
        whole[np.argmax(whole)] -= 1
    whole[np.argmax(whole)] += total - whole.sum() if whole.sum() < total else 0
    return [int(n) for n in whole]


class Mixture:
    """The order of a mixture.

    Args:
        sizes: Samples of each part; sample numbers count through the parts.
        quotas: Steps of each part in an epoch.
        epoch: Counted from 0.
        order: Gives the order of a part in one of its own passes.
    """

    def __init__(
        self, sizes: Sequence[int], quotas: Sequence[int], *, epoch: int, order: Callable[[int, int], Order]
    ) -> None:
        self._sizes, self._length = list(sizes), sum(quotas)
        self._start = epoch * self._length
        self._first = np.cumsum([0, *sizes])
        self._order = order
        self._orders: dict[tuple[int, int], Order] = {}
        self._period = min(PERIOD, max(1, self._length))
        counts = quotas if self._period == self._length else _round(
            np.asarray(quotas, float) * self._period / self._length, self._period
        )  # fmt: skip
        self._counts = np.asarray(counts, np.int64)
        # The k-th of a part's c steps belongs at (k + 1/2) / c of the period; equal places go by part.
        at = np.concatenate([(np.arange(c) + 0.5) / c for c in counts if c] or [np.zeros(0)])
        part = np.repeat(np.arange(len(counts)), counts)
        turn = np.concatenate([np.arange(c) for c in counts] or [np.zeros(0, np.int64)])
        by_place = np.lexsort((part, at))
        self._part, self._turn = part[by_place], turn[by_place].astype(np.int64)

    def __len__(self) -> int:
        return self._length

    def at(self, positions: Numbers) -> Numbers:
        """The sample numbers at ``positions``."""
        periods, inside = np.divmod(positions + self._start, self._period)
        parts = self._part[inside]
        taken = periods * self._counts[parts] + self._turn[inside]
        out = np.empty(len(positions), np.int64)
        for part in np.unique(parts):
            mine = np.flatnonzero(parts == part)
            passes, places = np.divmod(taken[mine], self._sizes[part])
            for number in np.unique(passes):
                now = passes == number
                out[mine[now]] = self._first[part] + self._pass(int(part), int(number)).at(places[now])
        return out

    def _pass(self, part: int, number: int) -> Order:
        if (part, number) not in self._orders:
            if len(self._orders) > 4 * len(self._sizes) + 8:
                self._orders.clear()
            self._orders[part, number] = self._order(part, number)
        return self._orders[part, number]


def weights_by_name(given: Mapping[str, float | int], names: Sequence[str], *, what: str) -> list[float | None]:
    """Values in the order of ``names``.

    Raises:
        SurgSigmaError: a name that is no part of the mixture.
    """
    if foreign := sorted(set(given) - set(names)):
        raise SurgSigmaError(
            f"{what} name {foreign[0]!r}, which is no part of the mixture", hint=f"Parts: {', '.join(names)}."
        )
    return [given.get(name) for name in names]
