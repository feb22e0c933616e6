"""The options of a choice: the right ones among near labels of the same source, or among other durations."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache

from ...ontology import NULL, Kind, concepts, native_names, sources_with_names
from ...ontology.forms import forms, near
from .answers import NOT_TISSUE
from .wording import draws, seconds_text

LETTERS = "ABCDEFGH"
"""Marks of the options, in their order."""


@cache
def vocabulary(source: str, kind: Kind) -> tuple[str, ...]:
    """The labels that a source tells apart, in the order of the ontology: those that it can say are absent."""
    if source not in sources_with_names():
        return ()
    held = {id for (k, _), id in native_names(source).items() if k == kind}
    left_out = NOT_TISSUE if kind == "target" else frozenset({NULL})
    return tuple(id for id, c in concepts(kind).items() if id in held - left_out and not c.catch_all)


def shuffled(some: Iterable[str], *seed: str) -> list[str]:
    """Texts in an order drawn from ``seed``."""
    return sorted(some, key=lambda one: draws(one, "\0".join(seed))[0])


def option(kind: Kind, id: str) -> str:
    """A label as an option names it."""
    said = forms(kind, id)
    return said.noun if kind == "action" else said.name


def near_options(kind: Kind, right: Sequence[str], among: tuple[str, ...], id: str) -> list[str] | None:
    """The right labels among near ones, shuffled; None where the source tells too few apart."""
    others = [one for one in among if one not in right]
    if not others or any(one not in among for one in right) or len(right) > 5:
        return None
    anchor = right[int(draws("anchor", id)[0] % len(right))] if right else None
    close = near(kind, anchor, tuple(others)) if anchor else shuffled(others, "none", id)
    wanted = max(2, 4 - len(right))
    # Of a few more than are wanted, so that the same neighbours do not always stand together.
    chosen = shuffled(close[: wanted + 2], "near", id)[:wanted]
    return shuffled([*right, *chosen], "options", id)


def durations(seconds: float, id: str) -> tuple[list[str], list[str]] | None:
    """Four durations, each twice the one before, shuffled; the right one is as often the shortest as the longest.

    None where a whole number of seconds would stand beside parts of one, which nobody labels there. The place among the
    four is drawn before that is known, so that those that are left still tell nothing by their order.

    >>> durations(8.0, "a")[0] != [], [durations(1.0, id) is None for id in "abcdef"].count(True)
    (True, 4)
    """
    place = draws("place", id)[0] % 4
    scale = [seconds * 2.0 ** (n - place) for n in range(4)]
    if seconds.is_integer() and not scale[0].is_integer():
        return None
    said = [seconds_text(seconds if n == place else round(one, 2 if one < 1 else 1)) for n, one in enumerate(scale)]
    return shuffled(said, "options", id), [said[place]]
