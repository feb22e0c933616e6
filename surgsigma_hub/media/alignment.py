"""Which pictures of a copy are those of the labels: a shift or another rate is found from perceptual hashes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from statistics import fmean

from .perceptual import ALIKE, bits_apart

_SHIFTS = range(-5, 6)
_RATES = tuple(Fraction(n) for n in (1, 2, 5, 10, 15, 20, 24, 25, 30, 50, 60))
_CLEARLY = 4.0
"""Bits, on average, by which another reading has to fit better than the numbers as they stand."""
_LEAST = 3
"""Pictures that a reading has to be tried on."""


@dataclass(frozen=True, slots=True)
class Reading:
    """How the numbers of a copy may be read: picture ``number`` is the one at ``number * ratio + shift`` of the copy.

    Attributes:
        apart: Bits, on average, between the pictures that this reading puts together.
        tried: How many pictures that is.
    """

    ratio: Fraction
    shift: int
    apart: float
    tried: int

    @property
    def plain(self) -> bool:
        """Whether it takes the numbers as they stand."""
        return self.ratio == 1 and self.shift == 0

    @property
    def words(self) -> str:
        """What to do with the copy, for a person."""
        if self.ratio != 1:
            rate = f"{float(self.ratio):g} times as many images a second as the labels count"
            return f"it seems to hold {rate}: extract it anew at the rate of the labels"
        late = "late" if self.shift > 0 else "early"
        return (
            f"its numbers are {abs(self.shift)} {late}: what is number 10 there should be number {10 - self.shift}; "
            "extract or number it anew"
        )


def best_reading(wanted: Mapping[int, int], there: Mapping[int, int]) -> Reading | None:
    """The reading under which a copy shows what the labels were made on; None where too few pictures can be compared.

    The numbers as they stand win unless another reading is clearly better.

    Args:
        wanted: Hash by number of the frame, as they were when the tree was built.
        there: Hash by number of the frame, in the copy.
    """
    found = [
        reading
        for ratio in sorted({a / b for a in _RATES for b in _RATES}, key=lambda r: (r != 1, r))
        for shift in (_SHIFTS if ratio == 1 else (0,))
        if (reading := _tried(wanted, there, ratio, shift)) is not None
    ]
    plain = next((one for one in found if one.plain), None)
    if plain is not None and plain.apart <= ALIKE / 2:
        return plain
    best = min(found, key=lambda one: (one.apart, -one.tried), default=None)
    if plain is not None and (best is None or best.apart > plain.apart - _CLEARLY or best.apart > ALIKE):
        return plain
    return best


def _tried(wanted: Mapping[int, int], there: Mapping[int, int], ratio: Fraction, shift: int) -> Reading | None:
    pairs = [
        (hash, there[int(place)])
        for number, hash in wanted.items()
        if (place := number * ratio + shift).denominator == 1 and int(place) in there
    ]
    # Numbers of little pictures fit every ratio at 0: more than that has to be compared.
    if len(pairs) < min(_LEAST, len(wanted)):
        return None
    return Reading(ratio, shift, fmean(bits_apart(a, b) for a, b in pairs), len(pairs))
