"""Chance that every build throws alike: a number drawn from a hash of what it is for."""

from __future__ import annotations

import hashlib


def chance(*parts: object) -> float:
    """A number in 0..1 that depends on ``parts`` alone.

    >>> 0 <= chance("cut", 3.5) < 1 and chance("cut", 3.5) == chance("cut", 3.5) != chance("cut", 3.6)
    True
    """
    digest = hashlib.blake2b(repr(parts).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") / 2**64
