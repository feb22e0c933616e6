"""Chance that every build throws alike: a number drawn from a hash of what it is for."""

from __future__ import annotations

import hashlib
import struct


def chance(*parts: object) -> float:
    """A number in 0..1 that depends on ``parts`` alone.

    >>> 0 <= chance("cut", 3.5) < 1 and chance("cut", 3.5) == chance("cut", 3.5) != chance("cut", 3.6)
    True
    """
    return chances(1, *parts)[0]


def chances(count: int, *parts: object) -> list[float]:
    """Several such numbers, independent of each other; at most eight."""
    digest = hashlib.blake2b(repr(parts).encode(), digest_size=8 * count).digest()
    return [number / 2**64 for number in struct.unpack(f">{count}Q", digest)]
