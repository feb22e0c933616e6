"""Word forms of labels: how each is said in a sentence, as data.

``forms/<kind>s.csv`` has a row for each concept of a kind: its article class, its plural, a short name, the kinds of
label that it can be mistaken for (``near``) and, for actions, the noun and the phrases with an object.
``forms/pairs.csv`` holds the phrases of an action on one target that no rule makes, ``forms/modalities.csv`` the words
for the view itself. A label without a row is said by rule: a thing that can be counted, by its display name.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from importlib import resources

from ..errors import SurgSigmaError, UnknownNameError
from . import KINDS, NULL, Kind, concept, concepts

TABLES: tuple[Kind, ...] = ("procedure", "phase", "step", "instrument", "action", "target", "criterion", "part")


class Article(StrEnum):
    """How a noun takes an article."""

    COUNT = "count"
    """A thing that can be counted: a grasper, the grasper."""
    MASS = "mass"
    """No article of its own: fluid, preparation."""
    PLURAL = "plural"
    """Plural in form: scissors, adhesions."""
    NAME = "name"
    """The only one of its kind in a patient: always "the liver"."""


@dataclass(frozen=True, slots=True)
class Forms:
    """How one label is said.

    Attributes:
        name: Display name, without article.
        article: Its article class.
        several: Name of more than one: "clip appliers", "pairs of scissors"; empty where it cannot be counted.
        short: Short name; of a phase one that stands before "phase" ("the Calot phase").
        near: Group of labels that it can be mistaken for; empty for none.
        acts: Whether an instrument acts on tissue at all; a bag does not.
        noun: Of an action, the noun: "retraction"; else the name.
        doing: Of an action, what the surgeon is doing: "retracting"; else empty.
        ask: Of a criterion, the question whether it is met; else empty.
        met: Of a criterion, the clause that says that it is met; else empty.
        unmet: The clause that says that it is not.
    """

    kind: Kind
    id: str
    name: str
    article: Article
    several: str = ""
    short: str = ""
    near: str = ""
    acts: bool = True
    noun: str = ""
    doing: str = ""
    on: str = ""
    of: str = ""
    ask: str = ""
    met: str = ""
    unmet: str = ""

    @property
    def a(self) -> str:
        """With the article of a first mention: "a hook", "scissors", "fluid", "the liver"."""
        if self.article is Article.COUNT:
            return indefinite(self.name)
        return self.the if self.article is Article.NAME else self.name

    @property
    def the(self) -> str:
        """With the definite article: "the hook", "the liver"."""
        return f"the {self.name}"

    @property
    def is_plural(self) -> bool:
        """Whether a verb after it is plural."""
        return self.article is Article.PLURAL

    @property
    def be(self) -> str:
        """Is or are."""
        return "are" if self.is_plural else "is"

    @property
    def single(self) -> str:
        """One of it, as it is counted: "hook", "pair of scissors"."""
        return f"pair of {self.name}" if self.several.startswith("pairs of ") else self.name

    def counted(self, number: int) -> str:
        """So many of it: "a hook", "two hooks", "two pairs of scissors"."""
        return self.a if number == 1 or not self.several else f"{number_word(number)} {self.several}"


_SPOKEN_LIKE_YOU = re.compile(r"eu|one\b|u(?:ni|re|ri|ro|te)", re.IGNORECASE)
"""Beginnings that are written with a vowel and spoken without: a ureter, a uterus, a unit."""


def indefinite(noun: str) -> str:
    """A noun that can be counted, with its indefinite article.

    >>> indefinite("irrigator"), indefinite("hook"), indefinite("ureter"), indefinite("ultrasound probe")
    ('an irrigator', 'a hook', 'a ureter', 'an ultrasound probe')
    """
    vowel = noun[0].lower() in "aeiou" and not _SPOKEN_LIKE_YOU.match(noun)
    return f"{'an' if vowel else 'a'} {noun}"


@cache
def forms(kind: Kind, id: str) -> Forms:
    """The forms of a label.

    Raises:
        UnknownNameError: no such label.

    >>> forms("action", "retract").noun, forms("target", "adhesion").a, forms("instrument", "irrigator").a
    ('retraction', 'adhesions', 'an irrigator')
    """
    name = concept(kind, id).name
    row = _rows(kind).get(id, {})
    if kind == "action":
        noun = row.get("noun") or name
        doing = row.get("doing") or noun
        on, of = row.get("on") or f"{doing} {{}}", row.get("of") or f"{noun} of {{}}"
        return Forms(kind, id, name, Article.MASS, near=row.get("near", ""), noun=noun, doing=doing, on=on, of=of)
    if kind == "criterion":
        unsaid = {"ask": f"Is the criterion met: {name}?", "met": f"{name} is met", "unmet": f"{name} is not met"}
        ask, met, unmet = (row.get(key) or rule for key, rule in unsaid.items())
        return Forms(kind, id, name, Article.MASS, short=name, noun=name, ask=ask, met=met, unmet=unmet)
    article = Article(row.get("article") or (Article.MASS if kind in ("phase", "step") else Article.COUNT))
    return Forms(
        kind, id, name, article,
        several=row.get("plural", ""), short=row.get("short") or name, near=row.get("near", ""),
        acts=row.get("acts", "yes") == "yes", noun=name,
    )  # fmt: skip


def defined(kind: Kind, id: str) -> str:
    """A label and its definition on one line, under the word that answers use, as it explains an answer.

    >>> defined("action", "tension")
    'Countertraction: keeping tissue taut by a steady pull, so that another instrument can divide it.'
    """
    name, definition = forms(kind, id).noun or concept(kind, id).name, concept(kind, id).definition
    return f"{name[:1].upper()}{name[1:]}: {definition[:1].lower()}{definition[1:]}"


def noun_of(id: str) -> str:
    """A label of whichever kind by its noun, for print; one that no vocabulary has is as it stands.

    >>> noun_of("gut"), noun_of("retract"), noun_of("left_hand")
    ('bowel', 'retraction', 'left hand')
    """
    kind = next((kind for kind in KINDS if id in concepts(kind)), None)
    return id.replace("_", " ") if kind is None else forms(kind, id).noun


def acting_on(action: str, target: str) -> str:
    """What is being done to a target, its article included.

    >>> acting_on("pack", "gallbladder"), acting_on("aspirate", "fluid"), acting_on("irrigate", "abdominal_wall_cavity")
    ('placing the gallbladder in the specimen bag', 'suctioning the fluid', 'irrigating the abdominal cavity')
    """
    return _deed(action, target)[0]


def act_of(action: str, target: str) -> str:
    """The same as a noun: "retraction of the gallbladder".

    >>> act_of("tension", "mucosal_flap"), act_of("dissect", "null"), act_of("irrigate", "abdominal_wall_cavity")
    ('countertraction on the mucosal flap', 'dissection', 'irrigation of the abdominal cavity')
    """
    return _deed(action, target)[1]


@cache
def _deed(action: str, target: str) -> tuple[str, str]:
    """An action on a target as a participle and as a noun: its own pair of phrases, else the forms of the action."""
    act = forms("action", action)
    if target == NULL:
        return act.doing, act.noun
    the = forms("target", target).the
    doing, noun = _pairs().get((action, target), ("", ""))
    return doing or act.on.format(the), noun or act.of.format(the)


def places_acted_on(target: str) -> tuple[str, ...]:
    """Other names that a target has in the phrases of an action on it.

    >>> places_acted_on("abdominal_wall_cavity")
    ('abdominal cavity',)
    """
    return tuple(dict.fromkeys(said.rpartition(" the ")[2] for (_, id), (said, _) in _pairs().items() if id == target))


@dataclass(frozen=True, slots=True)
class View:
    """Words for what a modality shows: "laparoscopic view", "laparoscopic image"."""

    view: str
    image: str


@cache
def view_of(modality: str) -> View:
    """The words of a modality; plain ones where it has no row.

    >>> view_of("surgical_microscopy").view
    'microscope view'
    """
    row = _table("modalities").get(modality)
    if row is None:
        return View("surgical view", "surgical image")
    return View(row["view"], row["image"])


_FINDINGS = frozenset({"lesion", "lining"})
"""Groups of targets that are no anatomy: what is found on it."""


def is_finding(target: str) -> bool:
    """Whether a target is a finding, like a polyp or an inflammation, and no anatomical structure.

    >>> is_finding("polyp"), is_finding("liver")
    (True, False)
    """
    return forms("target", target).near in _FINDINGS


def near(kind: Kind, id: str, among: tuple[str, ...]) -> list[str]:
    """The labels of ``among`` that ``id`` can be mistaken for, the likeliest first; ``id`` itself is not among them.

    Stages of an operation are mistaken for their neighbours in its course, other labels for those of their group.
    """
    others = [one for one in among if one != id]
    order = list(concepts(kind))
    if kind in ("phase", "step"):
        return sorted(others, key=lambda one: abs(order.index(one) - order.index(id)))
    group = forms(kind, id).near
    return sorted(others, key=lambda one: not group or forms(kind, one).near != group)


_NUMBERS = ["no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"]


def number_word(number: int) -> str:
    """A small number in words, a larger one in digits.

    >>> number_word(2), number_word(40)
    ('two', '40')
    """
    return _NUMBERS[number] if 0 <= number < len(_NUMBERS) else str(number)


# ---------------------------------------------------------------------------------------------------------- tables


@cache
def _rows(kind: Kind) -> Mapping[str, Mapping[str, str]]:
    table = "criteria" if kind == "criterion" else f"{kind}s"
    rows = _table(table)
    known = concepts(kind)
    for id in rows:
        if id not in known:
            raise UnknownNameError(kind, id, known, where=f"ontology/forms/{table}.csv")
    return rows


@cache
def _table(name: str) -> Mapping[str, Mapping[str, str]]:
    text = (resources.files(__package__) / "forms" / f"{name}.csv").read_text("utf-8")
    found: dict[str, Mapping[str, str]] = {}
    for row in csv.DictReader(text.splitlines()):
        if row["id"] in found:
            raise SurgSigmaError(f"ontology/forms/{name}.csv has two rows for {row['id']!r}")
        found[row["id"]] = row
    return found


@cache
def _pairs() -> Mapping[tuple[str, str], tuple[str, str]]:
    text = (resources.files(__package__) / "forms" / "pairs.csv").read_text("utf-8")
    return {(row["action"], row["target"]): (row["said"], row["noun"]) for row in csv.DictReader(text.splitlines())}
