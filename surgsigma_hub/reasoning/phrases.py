"""Pieces of sentences that depend on labels alone: made once, used in every trace that needs them."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from functools import cache, lru_cache
from importlib import resources

from ..ontology import NULL, Kind, concept, concepts
from ..ontology.forms import act_of, acting_on, forms
from ..records import Box
from ..tasks.common.wording import joined, with_article
from .bank import expanded
from .label_spans import find
from .warrants import Sign

Triple = tuple[str, str, str]

SIDES = {"left": "to the left of", "right": "to the right of", "above": "above", "below": "below"}

_VERBS = {
    "be": "is", "come": "comes", "cover": "covers", "fill": "fills", "have": "has", "leave": "leaves", "lie": "lies",
    "move": "moves", "need": "needs", "overlap": "overlaps", "run": "runs", "span": "spans", "stand": "stands",
    "stay": "stays", "touch": "touches",
}  # fmt: skip
_ONE = {"it": "it", **_VERBS}
_MANY = {"it": "they", **{verb: verb for verb in _VERBS}, "be": "are"}


@cache
def _rank(kind: Kind) -> dict[str, int]:
    return {id: n for n, id in enumerate(concepts(kind))}


@cache
def name_of(kind: Kind, id: str) -> str:
    """Display name of a canonical id."""
    return concept(kind, id).name


@cache
def the(kind: Kind, id: str) -> str:
    """A label as something pointed at: "the hook", "the liver", "fluid"."""
    said = forms(kind, id)
    return said.the if kind == "instrument" else said.a


@cache
def verbs(kind: Kind, id: str) -> Mapping[str, str]:
    """The verbs of sentences about a thing, in its number."""
    return _MANY if forms(kind, id).is_plural else _ONE


@lru_cache(maxsize=4096)
def in_order(kind: Kind, ids: frozenset[str]) -> tuple[str, ...]:
    """Ids in the order of the vocabulary, which tells nothing."""
    return tuple(sorted(ids, key=_rank(kind).__getitem__))


@lru_cache(maxsize=4096)
def deed(action: str, target: str) -> str:
    """What is done to a target, as a noun: "retraction of the gallbladder".

    Where that is the name of a stage of some operation ("division of the omentum"), the verb is taken instead.
    """
    noun = act_of(action, target)
    return acting_on(action, target) if find(noun, ("phase", "step")) else noun


@lru_cache(maxsize=4096)
def nouns(ids: tuple[str, ...]) -> str:
    """Actions as nouns, joined: "dissection and retraction"."""
    return _apart([forms("action", id).noun for id in ids])


@lru_cache(maxsize=4096)
def doing(ids: tuple[str, ...]) -> str:
    """Actions as participles, joined: "dissecting and retracting"."""
    return _apart([forms("action", id).doing for id in ids])


def _apart(words: list[str]) -> str:
    text = joined(words)
    # "Clipping and cutting" is a phase as well as two actions.
    apart = all(m.ids("action") for m in find(text))
    return text if apart else f"{', '.join(words[:-1])} as well as {words[-1]}"


@lru_cache(maxsize=4096)
def the_list(kind: Kind, ids: tuple[str, ...]) -> str:
    """Labels with their articles, joined."""
    return joined([the(kind, id) for id in ids])


@lru_cache(maxsize=4096)
def labels_text(kind: Kind, ids: tuple[str, ...]) -> str:
    """Labels of the workflow, or actions as nouns, joined so that none of them reads as another."""
    if kind == "action":
        return nouns(ids)
    names = [name_of(kind, id) for id in ids]
    return joined(names) if not any(" and " in name for name in names) else " as well as ".join(names)


@lru_cache(maxsize=4096)
def be(kind: Kind, ids: tuple[str, ...]) -> str:
    """Is or are, as the labels need it."""
    return "are" if len(ids) > 1 else forms(kind, ids[0]).be if ids else "is"


# ------------------------------------------------------------------------------------------------------- in view

_PLACES: tuple[Mapping[str, str], ...] = (
    {},
    {"top": "upper", "bottom": "lower"},
)
_PREPOSITIONS = ("in the {}", "at the {}", "in the {} of the image", "in the {} part", "towards the {}", "at {}")


@lru_cache(maxsize=256)
def place(region: str, style: int) -> str:
    """A part of the picture in one of several words for it.

    >>> place("bottom left", 0), place("bottom left", 3), place("middle right", 2), place("center", 1)
    ('in the bottom left', 'at the lower left', 'on the right', 'at the center')
    """
    row, _, column = region.partition(" ")
    words = _PLACES[style % 2]
    if row == "middle":
        return f"on the {column}" if style % 3 else f"in the {region}"
    if not column:
        return ("in the center", "at the center", "in the center of the image", "in the center of the view")[style % 4]
    if column == "center":
        return _PREPOSITIONS[style // 2 % 2].format(f"{words.get(row, row)} center")
    return _PREPOSITIONS[style // 2 % 6].format(f"{words.get(row, row)} {column}")


@lru_cache(maxsize=8192)
def thing_in_view(kind: Kind, id: str, region: str, size: str, style: int = 0, nth: int = -1) -> str:
    """One thing in view: "a small hook in the top left"; ``nth`` counts the instances of a class that has several."""
    name = name_of(kind, id)
    if kind == "instrument":
        named = f"{size} {name}" if size else name
        thing = with_article(named) if nth < 0 else f"{('one', 'another', 'a further')[min(nth, 2)]} {named}"
        if forms(kind, id).is_plural:
            thing = named if nth < 1 else f"more {named}"
    else:
        thing = the(kind, id)
    return f"{thing} {place(region, style)}" if region else thing


@lru_cache(maxsize=4096)
def things_in_view(kind: Kind, ids: tuple[str, ...]) -> str:
    """Things in view without their places."""
    return joined([thing_in_view(kind, id, "", "") for id in ids])


def corners(box: Box) -> str:
    """A box as it stands in a trace: x1, y1, x2, y2 in 0..1.

    >>> corners(Box(0.1, 0.2, 0.45678, 1.0))
    '[0.100, 0.200, 0.457, 1.000]'
    """
    return f"[{box.x1:.3f}, {box.y1:.3f}, {box.x2:.3f}, {box.y2:.3f}]"


def size_words(box: Box) -> str:
    """How much of the view a box takes up: small below 1/20, large from 1/5 on, else nothing worth a word.

    >>> [size_words(Box(0.0, 0.0, side, side)) for side in (0.2, 0.3, 0.5)]
    ['small', '', 'large']
    """
    area = (box.x2 - box.x1) * (box.y2 - box.y1)
    return "small" if area < 0.05 else "" if area < 0.2 else "large"


# ---------------------------------------------------------------------------------------------------------- acting

STYLES = 6
"""Ways to say what one instrument does."""
_ACT_FIRST = 3
"""The way that names the act before the tool: after another clause, the act would read as that of the tool before."""


@lru_cache(maxsize=16384)
def _clause(instrument: str, action: str, target: str, nth: int, style: int) -> str:
    """What one instrument does; ``nth`` counts the triplets of its class where there are several, else it is -1."""
    tool = forms("instrument", instrument)
    subject = tool.the if nth < 0 else f"{('one', 'another', 'a further')[min(nth, 2)]} {tool.name}"
    if tool.is_plural and nth >= 0:
        subject = tool.name
    if not tool.acts and action == target == NULL:
        return f"{tool.a} is in view"
    if action == NULL:
        where = "" if target == NULL else f" at {the('target', target)}"
        return f"{subject} {tool.be} in view but idle{where}"
    on, of = acting_on(action, target), deed(action, target)
    many = tool.is_plural
    if on == of:  # a participle that no "performs" and no "is carried out" can take
        style = (0, 1, 2, 2, 0, 5)[style % STYLES]
    return (
        f"{subject} {tool.be} {on}",
        f"{subject} {tool.be} used for {of}",
        f"with {subject}, the surgeon is {on}",
        f"{of} is being carried out with {subject}",
        f"{subject} {'perform' if many else 'performs'} {of}",
        f"the surgeon uses {subject} for {of}",
    )[style % STYLES]


@lru_cache(maxsize=16384)
def clauses(triplets: tuple[Triple, ...], style: int = 0, *, at_once: bool = False) -> str:
    """One clause for each triplet: a list, or "... while ..." where they go on ``at_once``."""
    instruments = [i for i, _, _ in triplets]
    told: dict[str, int] = {}
    made: list[str] = []
    for n, (i, a, t) in enumerate(triplets):
        nth = told.get(i, 0) if instruments.count(i) > 1 else -1
        told[i] = nth + 1
        way = (style + n * (style // STYLES)) % STYLES
        made.append(_clause(i, a, t, nth, way + 1 if n and way == _ACT_FIRST else way))
    return f"{made[0]} while {joined(made[1:])}" if at_once and len(made) > 1 else joined(made)


@lru_cache(maxsize=4096)
def sign_text(sign: Sign) -> str:
    """A sign as the subject of a sentence.

    >>> sign_text(Sign("hook", "dissect", "gallbladder")), sign_text(Sign("", "clip", "cystic_duct"))
    ('dissection of the gallbladder with a hook', 'clipping of the cystic duct')
    >>> sign_text(Sign("hook", "", "gallbladder")), sign_text(Sign("hook"))
    ('a hook on the gallbladder', 'a hook in view')
    """
    tool = forms("instrument", sign.instrument).a if sign.instrument else ""
    if sign.action:
        done = deed(sign.action, sign.target or NULL)
        return f"{done} with {tool}" if tool else done
    return f"{tool} on {the('target', sign.target)}" if sign.target else f"{tool} in view"


@cache
def _purposes() -> dict[tuple[str, str], tuple[str, ...]]:
    text = (resources.files(__package__) / "purposes.csv").read_text("utf-8")
    rows = csv.DictReader(text.splitlines())
    return {(row["action"], row["target"]): expanded([row["purpose"]]) for row in rows}


@cache
def purposes_of(action: str, target: str) -> tuple[str, ...]:
    """What an action is for, each as the rest of a sentence about it ("keeps the view open"); none where unknown."""
    known = _purposes()
    return known.get((action, target)) or known.get((action, ""), ())
