"""Pieces of sentences that depend on labels alone: made once, used in every trace that needs them."""

from __future__ import annotations

from functools import cache, lru_cache

from ..ontology import NULL, Kind, concept, concepts
from ..records import Box
from ..tasks.wording import are, joined, participle, with_article
from .mentions import find


@cache
def _rank(kind: Kind) -> dict[str, int]:
    return {id: n for n, id in enumerate(concepts(kind))}


@cache
def name_of(kind: Kind, id: str) -> str:
    """Display name of a canonical id."""
    return concept(kind, id).name


@lru_cache(maxsize=4096)
def in_order(kind: Kind, ids: frozenset[str]) -> tuple[str, ...]:
    """Ids in the order of the vocabulary, which tells nothing."""
    return tuple(sorted(ids, key=_rank(kind).__getitem__))


@lru_cache(maxsize=4096)
def doing(ids: tuple[str, ...]) -> str:
    """Actions as participles, joined."""
    words = [participle(name_of("action", id)) for id in ids]
    text = joined(words)
    # "Clipping and cutting" is a phase as well as two actions.
    apart = all(m.ids("action") for m in find(text))
    return text if apart else f"{', '.join(words[:-1])} as well as {words[-1]}"


@lru_cache(maxsize=4096)
def the_list(kind: Kind, ids: tuple[str, ...]) -> str:
    """Labels with the definite article, joined."""
    return joined([f"the {name_of(kind, id)}" for id in ids])


@lru_cache(maxsize=4096)
def be(kind: Kind, ids: tuple[str, ...]) -> str:
    """Is or are, as the labels need it."""
    return are([name_of(kind, id) for id in ids])


@lru_cache(maxsize=8192)
def thing_in_view(kind: Kind, id: str, region: str, size: str) -> str:
    """One thing in view: "a hook in the top left"."""
    name = name_of(kind, id)
    thing = with_article(name) if kind == "instrument" else f"the {name}"
    place = f" in the {region}" if region else ""
    return f"{thing}{place} (a {size} part of the view)" if size else f"{thing}{place}"


@lru_cache(maxsize=4096)
def things_in_view(kind: Kind, ids: tuple[str, ...]) -> str:
    """Things in view without their places."""
    return joined([thing_in_view(kind, id, "", "") for id in ids])


@lru_cache(maxsize=8192)
def _clause(instrument: str, action: str, target: str, alone: bool) -> str:
    """What one instrument does; ``alone`` says that no other triplet is of its class."""
    name = name_of("instrument", instrument)
    subject = f"the {name}" if alone else with_article(name)
    where = "" if target == NULL else name_of("target", target)
    if action == NULL:
        does = f"in view at the {where} without acting" if where else "in view without acting"
    else:
        acts = participle(name_of("action", action))
        does = f"{acts} the {where}" if where else f"{acts} without a named target"
    return f"{subject} {are([name])} {does}"


@lru_cache(maxsize=8192)
def clauses(triplets: tuple[tuple[str, str, str], ...], *, at_once: bool = False) -> str:
    """One clause for each triplet: a list, or "... while ..." where they go on ``at_once``."""
    instruments = [i for i, _, _ in triplets]
    made = [_clause(i, a, t, instruments.count(i) == 1) for i, a, t in triplets]
    return f"{made[0]} while {joined(made[1:])}" if at_once and len(made) > 1 else joined(made)


def size_words(box: Box) -> str:
    """How much of the view a box takes up: small below 1/20, large from 1/5 on, else nothing worth a word.

    >>> [size_words(Box(0.0, 0.0, side, side)) for side in (0.2, 0.3, 0.5)]
    ['small', '', 'large']
    """
    area = (box.x2 - box.x1) * (box.y2 - box.y1)
    return "small" if area < 0.05 else "" if area < 0.2 else "large"
