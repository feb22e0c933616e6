"""Surgeries that several sources show under numbers of one numbering: what each is called across sources."""

from __future__ import annotations

_NOT_CHOLEC80 = frozenset({92, 96, 103, 110, 111})


def cholect50_surgery(number: int) -> str:
    """Canonical id of a video by its number in CholecT50: that of Cholec80, but for the five that are not in it.

    >>> cholect50_surgery(8), cholect50_surgery(92)
    ('cholec80/video08', 'cholect50/VID92')
    """
    return f"cholect50/VID{number}" if number in _NOT_CHOLEC80 else f"cholec80/video{number:02d}"
