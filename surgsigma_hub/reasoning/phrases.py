"""Pieces of sentences that depend on labels alone: made once, used in every trace that needs them."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from functools import cache, lru_cache
from importlib import resources
from math import gcd
from typing import Any, Literal, TypeVar

import yaml

from ..ontology import NULL, Kind, concept, concepts
from ..ontology.forms import Article, act_of, acting_on, forms
from ..records import Box
from ..tasks.common.wording import joined, with_article
from .bank import Wording, expanded
from .inflection import infinitive, present, undergoing
from .label_spans import find
from .warrants import Sign

Triple = tuple[str, str, str]
T = TypeVar("T")

_STYLES = 2520
"""So many styles are told apart, of clauses and of signs: kept in memory, and divided evenly by most numbers."""

SIDES = {"left": "to the left of", "right": "to the right of", "above": "above", "below": "below"}

ONE: Mapping[str, str] = {
    "be": "is", "come": "comes", "enter": "enters", "extend": "extends", "have": "has", "leave": "leaves",
    "lie": "lies", "move": "moves", "overlap": "overlaps", "stay": "stays", "touch": "touches",
}  # fmt: skip
"""Verbs of sentences about one thing."""
_MANY = {**{verb: verb for verb in ONE}, "be": "are"}


@cache
def _data() -> Any:
    """The parts of sentences of the data file."""
    return yaml.safe_load((resources.files(__package__) / "templates" / "phrases.yaml").read_text("utf-8"))


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
    return _MANY if forms(kind, id).is_plural else ONE


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


def turned(some: tuple[T, ...], style: int) -> tuple[T, ...]:
    """The same in another order, which tells nothing."""
    if len(some) < 2:
        return some
    steps = _STEPS[len(some)] if len(some) < len(_STEPS) else (1,)
    step, start = steps[style % len(steps)], style // 7
    number = len(some)
    return tuple([some[(start + n * step) % number] for n in range(number)])


_STEPS = tuple(tuple(step for step in range(1, max(n, 2)) if gcd(step, n) == 1) for n in range(12))
"""For so many things, the steps by which each of them is come to once."""


# ------------------------------------------------------------------------------------------------------- in view

_ROWS: Mapping[str, tuple[str, ...]] = {"top": ("top", "upper"), "bottom": ("bottom", "lower")}
_HIGH = {"top": ("high", "high up"), "bottom": ("low", "low down")}


@cache
def _places(region: str) -> tuple[str, ...]:
    """All the ways to say a part of the image."""
    ways = {kind: expanded(forms) for kind, forms in _data()["places"].items()}
    row, _, column = region.partition(" ")
    if row == "middle":
        return tuple(dict.fromkeys(form.format(column=column) for form in ways["middle"]))
    if not column:
        return ways["center"]
    area = "central" if column == "center" else column
    made = [form.format(row=r, column=column) for form in ways["corner"] for r in _ROWS[row]]
    made += [form.format(row=r, column=area) for form in ways["corner_area"] for r in _ROWS[row]]
    beside = ways["aside_center" if column == "center" else "aside"]
    made += [
        form.format(high=high, end=row, row=r, column=column)
        for form in beside
        for high in _HIGH[row]
        for r in _ROWS[row]
    ]
    return tuple(dict.fromkeys(made))


def place(region: str, style: int) -> str:
    """A part of the image in one of many words for it.

    >>> place("bottom left", 0), place("middle right", 2), place("center", 1)
    ('in the bottom left', 'on the right of the view', 'in the center of the image')
    """
    every = _places(region)
    return every[style % len(every)]


_SIZES = ("large ", "small ")
"""How names of things begin that hold a size of their own: a large needle driver."""


@lru_cache(maxsize=8192)
def thing_in_view(kind: Kind, id: str, size: str = "", nth: int = -1) -> str:
    """One thing in view: "a small hook"; ``nth`` counts the instances of a class that has several.

    >>> thing_in_view("instrument", "large_needle_driver", "large"), thing_in_view("instrument", "hook", "small")
    ('a large needle driver', 'a small hook')
    """
    if kind != "instrument" and nth < 0:
        return the(kind, id)
    name = name_of(kind, id)
    named = f"{size} {name}" if size and kind == "instrument" and not name.startswith(_SIZES) else name
    article = forms(kind, id).article
    if article is Article.MASS:
        return named if nth < 1 else f"further {named}"
    if nth < 0:
        return named if article is Article.PLURAL else with_article(named)
    return f"{_ORDINALS[min(nth, 2)]} {'pair of ' if article is Article.PLURAL else ''}{named}"


_ORDINALS = ("one", "another", "a further")
"""Before the instances of a class of which several are in view, in their order."""


def lying(where: str, style: int) -> str:
    """A place with a word before it that leads from the thing to it, or with none.

    >>> lying("in the center", 0), lying("in the center", 3), lying("(top left)", 3)
    ('in the center', 'positioned in the center', '(top left)')
    """
    links = _data()["lying"]
    return where if where.startswith("(") else f"{links[style % len(links)]}{where}"


def boxed_in(box: str, style: int) -> str:
    """A box as the place of a thing in a list.

    >>> boxed_in("[0.100, 0.200, 0.300, 0.400]", 0), boxed_in("[0.100, 0.200, 0.300, 0.400]", 4)
    ('at [0.100, 0.200, 0.300, 0.400]', '([0.100, 0.200, 0.300, 0.400])')
    """
    ways: list[str] = _data()["boxed"]
    return ways[style % len(ways)].replace("{box}", box)


def size_words(box: Box) -> str:
    """How much of the view a box takes up: small below 1/20, large from 1/5 on, else nothing worth a word.

    >>> [size_words(Box(0.0, 0.0, side, side)) for side in (0.2, 0.3, 0.5)]
    ['small', '', 'large']
    """
    area = (box.x2 - box.x1) * (box.y2 - box.y1)
    return "small" if area < 0.05 else "" if area < 0.2 else "large"


# ---------------------------------------------------------------------------------------------------------- acting


_Time = Literal["now", "moment", "stretch"]
_Stand = Literal["alone", "first", "later"]
"""Where a clause stands: the only one, before others, or behind another."""


@cache
def _ways(stand: _Stand, noun: bool, performed: bool, verb: bool, passive: bool, time: _Time) -> tuple[str, ...]:
    """Ways to say what one instrument does.

    Args:
        stand: Only the first clause may name the act or the surgeon before the tool.
        noun: Whether the act has a noun; else only ways that say it as a participle.
        performed: Whether the noun is of something that is performed, like dissection: nobody performs holding.
        verb: Whether it has an infinitive and a present tense.
        passive: Whether it can be said of what it is done to.
        time: Whether it is said of a moment, which has a "now" that is said once, or of a stretch of time.
    """
    data = _data()["clauses"]
    now = f"|{data['now']}]" if time == "now" else "]"
    kinds = {"alone": ("tool_first", "first_only", "alone_only"), "first": ("tool_first", "first_only")}
    used = (*kinds.get(stand, ("tool_first",)), *(("over_time",) if time == "stretch" else ()))
    lines = [line.replace("|@now]", now) for kind in used for line in data[kind]]
    ways = expanded(line.replace("[]", "") for line in lines)
    lacking = ("{of}",) * (not noun) + ("{to}", "{acts}", "{surgeon_acts}") * (not verb) + ("{done}",) * (not passive)
    lacking += ("performed",) * (not performed)
    return tuple(way for way in ways if not any(slot in way for slot in lacking))


_BOX = "\0"
"""Stands in a clause, which is kept for others, where the box of its instrument is put."""


@lru_cache(maxsize=32768)
def _clause(
    instrument: str, action: str, target: str, nth: int, style: int, *, stand: _Stand, time: _Time, boxed: bool
) -> str:
    """What one instrument does; ``nth`` counts the triplets of its class where there are several, else it is -1."""
    tool = forms("instrument", instrument)
    plural = tool.is_plural and nth < 0
    be = "are" if plural else "is"
    subject = tool.the if nth < 0 else thing_in_view("instrument", instrument, "", nth)
    if not tool.acts and action == target == NULL:
        return f"{tool.a} is in view"
    if action == NULL:
        where = "" if target == NULL else f" at {the('target', target)}"
        return f"{subject} {be} in view but idle{where}"
    if boxed:
        subject = f"{subject}{_BOX}"
    on, of = acting_on(action, target), deed(action, target)
    to = infinitive(action, target) if tool.acts else ""
    # A participle can be taken by no "performs" and no "is carried out".
    undergoes, done = undergoing(action, target)
    ways = _ways(stand, on != of, not of.partition(" ")[0].endswith("ing"), bool(to), bool(done), time)
    way = ways[style % len(ways)]
    surgeon_acts = present(to) if to else ""
    acts = to if plural else surgeon_acts
    return way.format(
        subject=subject, be=be, on=on, of=of, to=to, acts=acts, surgeon_acts=surgeon_acts,
        undergoes=undergoes, done=done,
    )  # fmt: skip


def clauses(
    triplets: tuple[Triple, ...], style: int = 0, *, at_once: bool = False, boxes: Mapping[str, str] = {}
) -> str:
    """One clause for each triplet: a list, or "... while ..." where they go on ``at_once``.

    Args:
        triplets: Who does what to what.
        style: Chooses the ways to say it, 0 or more.
        at_once: Whether all of it goes on at the same time.
        boxes: Of some instruments, where they are, to stand behind their names; of each class only one is in view.
    """
    instruments = [i for i, _, _ in triplets]
    told: dict[str, int] = {}
    made: list[str] = []
    for n, (i, a, t) in enumerate(triplets):
        nth = told.get(i, 0) if instruments.count(i) > 1 else -1
        told[i] = nth + 1
        way = (style if n == 0 else style // 5 + 31 * n) % _STYLES
        stand: _Stand = "later" if n else "alone" if len(triplets) == 1 else "first"
        # Without a target it is the tool that rotates, not the surgeon; and "now" is said once.
        stand = "later" if t == NULL else stand
        time: _Time = "stretch" if at_once else "moment" if n else "now"
        clause = _clause(i, a, t, nth, way, stand=stand, time=time, boxed=i in boxes and nth < 0)
        made.append(clause.replace(_BOX, f" {boxes[i]}") if _BOX in clause else clause)
    if len(made) == 2 and not at_once:
        # "With the hook and the grasper is" would be read as two tools.
        links = _LINKS[2:] if made[0].endswith(f" {forms('instrument', instruments[0]).name}") else _LINKS
        return links[style // 11 % len(links)].join(made)
    if not at_once or len(made) == 1:
        return joined(made)
    return f"{made[0]}{_AT_ONCE[style // 11 % len(_AT_ONCE)]}{joined(made[1:])}"


_LINKS = (" and ", " and ", ", and ", " while ", ", while ")
"""Between two clauses of one moment."""
_AT_ONCE = (" while ", ", while ")
"""Before what goes on at the same time for a while."""


@cache
def _sign_ways(kind: str, noun: bool, plural: bool) -> tuple[str, ...]:
    ways = expanded(_data()["signs"][kind])
    if not noun:
        ways = tuple(way for way in ways if "{of}" not in way)
    return tuple(way for way in ways if not way.startswith("{a}")) if plural else ways


@lru_cache(maxsize=16384)
def sign_text(sign: Sign, style: int = 0) -> str:
    """A sign as the subject of a sentence, in the singular whatever the tool.

    >>> sign_text(Sign("hook", "dissect", "gallbladder")), sign_text(Sign("", "clip", "cystic_duct"))
    ('dissection of the gallbladder with a hook', 'clipping of the cystic duct')
    >>> sign_text(Sign("hook", "", "gallbladder")), sign_text(Sign("hook"))
    ('a hook on the gallbladder', 'a hook in view')
    """
    tool = forms("instrument", sign.instrument).a if sign.instrument else ""
    plural = bool(tool) and forms("instrument", sign.instrument).is_plural
    if sign.action:
        of, on = deed(sign.action, sign.target or NULL), acting_on(sign.action, sign.target or NULL)
        ways = _sign_ways("tool_act" if tool else "act", of != on, plural)
        slots = {"a": tool, "of": of, "on": on}
    elif sign.target:
        ways, slots = _sign_ways("tool_at", True, plural), {"a": tool, "at": the("target", sign.target)}
    else:
        ways, slots = _sign_ways("tool", True, plural), {"a": tool}
    return ways[style % len(ways)].format_map(slots)


def cited(sign: Sign, words: Wording) -> str:
    """A sign in one of its wordings."""
    return sign_text(sign, words.number() % _STYLES)


@cache
def _purposes() -> dict[tuple[str, str], tuple[str, ...]]:
    text = (resources.files(__package__) / "purposes.csv").read_text("utf-8")
    rows = csv.DictReader(text.splitlines())
    return {(row["action"], row["target"]): expanded([row["purpose"]]) for row in rows}


@cache
def purposes_of(action: str, target: str) -> tuple[str, ...]:
    """What an action is for, each as the rest of a sentence about it ("keeps the view open"); none where unknown."""
    known = _purposes()
    own = known.get((action, target))
    # What an act is for in general is said of tissue; of a bag it would be nonsense.
    return own or (() if target in concepts("instrument") else known.get((action, ""), ()))


@cache
def thereafter() -> tuple[str, ...]:
    """Words before a further state of a clip."""
    return tuple(_data()["thereafter"])
