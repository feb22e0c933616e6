"""The words of CoPESD: verbs in all their forms, set phrases in plain words, and what else may stand in a sentence."""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from functools import cache
from importlib import resources

REACH, GRASP, ROTATE, LIFT, DISSECT, RELEASE = ACTS = ("reach", "grasp", "rotate", "lift", "dissect", "release")
"""Motions that have verbs of their own."""
TISSUE = frozenset({"flap", "edge", "submucosa", "muscle"})
"""Classes of words for what is acted on."""
_TOKEN = re.compile(r"[a-z]+(?:-[a-z]+)*|[^\sa-z]")
_THINGS = frozenset({"flap", "edge", "place", "countertraction", "forceps", "knife", *(f"noun:{act}" for act in ACTS)})


@cache
def words() -> dict[str, frozenset[str]]:
    """The classes of every known word, with the forms of verbs."""
    found: dict[str, set[str]] = {}
    for row in _table("esd_words"):
        verb = row["class"] in (*ACTS, "helper")
        for word in row["words"].split():
            for form in _forms(word) if verb else (word,):
                found.setdefault(form, set()).add(row["class"])
    return {word: frozenset(classes) for word, classes in found.items()}


@cache
def role(name: str) -> frozenset[str]:
    """The words that play one part in a clause, by the name of the part in ``esd_roles.csv``.

    >>> "withdrawn" in role("withdrawing"), "kept" in role("withdrawing")
    (True, False)
    """
    rows = (row for row in _table("esd_roles") if row["role"] == name)
    return frozenset(
        form for row in rows for word in row["words"].split() for form in (_forms(word) if row["forms"] else (word,))
    )


def _table(name: str) -> list[dict[str, str]]:
    text = (resources.files(__package__) / f"{name}.csv").read_text("utf-8")
    return list(csv.DictReader(text.splitlines()))


@cache
def _irregular() -> dict[str, tuple[str, ...]]:
    """Forms of verbs that are not made of an ending."""
    return {row["verb"]: tuple(row["forms"].split()) for row in _table("esd_irregular")}


def _forms(verb: str) -> tuple[str, ...]:
    """A verb with its endings; those that do not exist do no harm.

    >>> _forms("grip")
    ('grip', 'grips', 'gripes', 'griping', 'gripping', 'griped', 'gripped')
    """
    stem = verb.removesuffix("e")
    double = stem + stem[-1]
    regular = (verb, f"{verb}s", f"{stem}es", f"{stem}ing", f"{double}ing", f"{stem}ed", f"{double}ed")
    soft = (f"{verb[:-1]}ies", f"{verb[:-1]}ied") if verb.endswith("y") else ()
    return (*regular, *soft, *_irregular().get(verb, ()))


@cache
def _phrases() -> tuple[tuple[re.Pattern[str], str], ...]:
    """Set phrases, and the plain words for each."""
    return tuple((re.compile(rf"\b(?:{r['phrase']})\b"), f" {r['words']} ") for r in _table("esd_phrases"))


_SIGNS = str.maketrans(
    {"&": " and ", ":": ";", "–": ",", "—": ",", '"': "", "“": "", "”": "", "/": ",", "(": ",", ")": ""}
)
"""Signs beside the stop, the comma and the semicolon, and what they are here."""


def tokens_of(text: str) -> list[str]:
    """The words and signs of a text without boxes, in lower case, set phrases in plain words."""
    plain = (
        text.lower().replace("’", "'").replace("can't", "cannot").replace("n't", " not").replace("...", "…")
    )  # something is left out
    ended = plain.rstrip()
    if ended.endswith(("!", ".")):
        plain = f"{ended.rstrip('.! ')}."
    plain = re.sub(r"\s+", " ", plain.replace("'s", " ").replace("' s ", " "))
    for phrase, said in _phrases():
        plain, changed = phrase.subn(said, plain)
        if changed:
            plain = re.sub(r"\s+", " ", plain)
    plain = plain.translate(_SIGNS).replace(" - ", " , ")
    found: list[str] = []
    for token in _TOKEN.findall(plain):
        joined = token.replace("-", "")  # "up-ward"
        one = token if token in words() else joined if joined in words() else None
        found += [one] if one else token.split("-") if token != "-" else []
    return found


def is_instrument(token: str) -> bool:
    """Whether a word is one of the two instruments."""
    return token in ("forceps", "knife")


_LEADS = frozenset({"the", "a", "an", "its", "this", "that"})


def may_stand(tokens: Sequence[str], n: int) -> bool:
    """Whether a word is known, says in which manner, or stands before a known thing as what is said of it."""
    token = tokens[n]
    if token in words() or token in (",", ";", ".", "'"):
        found = words().get(token, frozenset())
        if "scene" in found and n > 1 and tokens[n - 1] in _LEADS and {*ACTS} & words().get(tokens[n - 2], frozenset()):
            return False  # "rotate the view": of the endoscope nothing is told
        return "doubt" not in found and found != {"unclear"}  # "possibly", "insufficient": perhaps it is not done
    if not token.isalpha() or token in ("no", "not", "never", "nor", "neither", "non"):
        return False
    if token.endswith("ly"):
        return True
    after = words().get(tokens[n + 1], frozenset()) if n + 1 < len(tokens) else frozenset()
    thing = tokens[n + 1 : n + 2] in (["mucosa"], ["mucosal"]) or bool(after & _THINGS)
    return n > 0 and tokens[n - 1] in _LEADS and thing
