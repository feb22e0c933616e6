"""Finding the ontology's labels in free text: every name a label has, inflected, the longest name first.

A name is found in any of its spellings: display name, canonical id, the native names of all sources, with blanks,
hyphens, underscores or in CamelCase. One stretch of text can have several readings ("specimen bag" is an instrument
and a target); which of them holds is for the caller to judge.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from itertools import pairwise
from typing import Any

from ..ontology import KINDS, NULL, Kind, concepts
from ..tasks.wording import participle

Reading = tuple[Kind, str]
"""A vocabulary and a canonical id in it."""


@dataclass(frozen=True, slots=True)
class Mention:
    """A label named in a text, at ``text[start:end]``."""

    start: int
    end: int
    text: str
    readings: tuple[Reading, ...]

    def ids(self, kind: Kind) -> tuple[str, ...]:
        """Canonical ids that the words can mean in one vocabulary."""
        return tuple(id for k, id in self.readings if k == kind)


_TOKEN = re.compile(r"(?:[A-Z]?[a-z]+|[A-Z]+(?![a-z]))(?:['’][sS](?![A-Za-z]))?|[0-9]+")
_GAP = re.compile(r"[\s_\-/'’()&]{0,3}")
_DETERMINERS = re.compile(
    "a|an|the|this|that|these|those|its|his|her|their|each|every|both|no|any|one|two|three|four|five|metal|surgical|"
    "titanium|video|observed|short|first|second|last|next|whole|input|given"
)
"""Words before which "clip" or "cut" is a thing, not something done."""
_DONE: tuple[Kind, ...] = ("action", "step", "phase")
_ORDINARY = frozenset(
    (word,)
    for word in ("other", "none", "background", "unknown", "idle", "tool", "instrument", "still", "open", "close")
)
"""Native names that are ordinary words; they count only where they are a label's display name."""


def tokens(text: str) -> list[tuple[str, int, int]]:
    """Lower-case words of ``text`` with their places; CamelCase is taken apart, a possessive s dropped.

    >>> [word for word, _, _ in tokens("CalotTriangleDissection, Calot's bag_1")]
    ['calot', 'triangle', 'dissection', 'calot', 'bag', '1']
    """
    found: list[tuple[str, int, int]] = []
    for match in _TOKEN.finditer(text):
        word = match.group().lower()
        found.append((word[:-2] if word.endswith(("'s", "’s")) else word, match.start(), match.end()))
    return found


def _plurals(word: str) -> set[str]:
    if word.endswith("y") and word[-2:-1] not in tuple("aeiou"):
        return {word, f"{word[:-1]}ies"}
    if word.endswith(("s", "x", "z", "ch", "sh")):
        return {word, f"{word}es"}
    return {word, f"{word}s"}


def _verb_forms(verb: str) -> dict[str, bool]:
    """Forms of a verb; True for those that can be a noun as well ("a clip", "two cuts")."""
    doing = participle(verb)
    stem = doing[:-3]
    past = stem + "ed" if not verb.endswith("e") else f"{verb}d"
    forms = {doing: False, past: False, verb: True, **dict.fromkeys(_plurals(verb), True)}
    if verb.endswith("ate"):
        forms[f"{verb[:-1]}ion"] = False
    elif verb.endswith("ct"):
        forms[f"{verb}ion"] = False
    return forms


@cache
def _native(kind: str) -> tuple[tuple[str, str], ...]:
    """``(native name, id)`` of all sources."""
    found: dict[tuple[str, str], None] = {}
    for table in sorted((resources.files("surgsigma_hub.ontology") / "native").iterdir(), key=lambda t: t.name):
        if table.name.endswith(".csv"):
            for row in csv.DictReader(table.read_text("utf-8").splitlines()):
                if row["kind"] == kind:
                    found[row["native"], row["id"]] = None
    return tuple(found)


def _names(kind: Kind) -> Iterator[tuple[tuple[str, ...], str]]:
    """Every spelling of every label of one kind as words, with its id; "null" has no name of its own."""
    for concept in concepts(kind).values():
        if concept.id != NULL:
            for name in (concept.name, concept.id):
                yield tuple(word for word, _, _ in tokens(name)), concept.id
    for native, id in _native(kind):
        words = tuple(word for word, _, _ in tokens(native))
        # Codes of one or two letters, and bare numbers, name a label in their source's files only.
        if id != NULL and words not in _ORDINARY and sum(c.isalpha() for word in words for c in word) > 2:
            yield words, id


@cache
def lexicon(kind: Kind) -> Mapping[tuple[str, ...], tuple[frozenset[str], bool]]:
    """Words to ``(ids, whether the words can be a mere noun)`` for one vocabulary, inflected forms included."""
    found: dict[tuple[str, ...], tuple[frozenset[str], bool]] = {}

    def add(words: tuple[str, ...], id: str, noun: bool = False) -> None:
        known, was_noun = found.get(words, (frozenset(), noun))
        found[words] = (known | {id}, noun and was_noun)

    for words, id in _names(kind):
        if not words:
            continue
        if len(words) > 1:
            add(("".join(words),), id)  # "calottriangledissection"
        if kind == "action":
            for form, noun in _verb_forms(words[0]).items():
                add((form, *words[1:]), id, noun and len(words) == 1)
        else:
            for last in _plurals(words[-1]):
                add((*words[:-1], last), id)
    return found


@cache
def _merged(kinds: tuple[Kind, ...]) -> tuple[dict[tuple[str, ...], tuple[tuple[Reading, ...], bool]], dict[str, int]]:
    """The lexicons of several kinds in one, and the number of words of the longest name by its first word."""
    merged: dict[tuple[str, ...], tuple[tuple[Reading, ...], bool]] = {}
    longest: dict[str, int] = {}
    for kind in kinds:
        for words, (ids, noun) in lexicon(kind).items():
            readings, was_noun = merged.get(words, ((), False))
            merged[words] = (readings + tuple((kind, id) for id in sorted(ids)), noun or was_noun)
            longest[words[0]] = max(longest.get(words[0], 0), len(words))
    return merged, longest


def find(text: str, kinds: Sequence[Kind] | None = None) -> tuple[Mention, ...]:
    """The labels named in ``text``, in its order, never overlapping; the longest name wins over all kinds.

    >>> [(m.text, m.readings) for m in find("The Hook dissects.")]
    [('Hook', (('instrument', 'hook'),)), ('dissects', (('action', 'dissect'),))]
    >>> [m.text for m in find("The clip shows gallbladder dissection.")]
    ['gallbladder dissection']
    """
    every: Any = KINDS
    merged, longest = _merged(tuple(every if kinds is None else kinds))
    words = tokens(text)
    found: list[Mention] = []
    n = 0
    while n < len(words):
        for length in range(min(longest.get(words[n][0], 0), len(words) - n), 0, -1):
            key = tuple(word for word, _, _ in words[n : n + length])
            if key not in merged or not _joined(text, words[n : n + length]):
                continue
            readings, noun = merged[key]
            if noun and n and _DETERMINERS.fullmatch(words[n - 1][0]):
                readings = tuple(r for r in readings if r[0] not in _DONE)
                if not readings:
                    continue
            if key == ("preparation",) and re.search(
                r"\bin\s+$", text[max(0, words[n][1] - 8) : words[n][1]], re.IGNORECASE
            ):
                continue  # "in preparation for"
            start, end = words[n][1], words[n + length - 1][2]
            found.append(Mention(start, end, text[start:end], readings))
            n += length - 1
            break
        n += 1
    return tuple(found)


def _joined(text: str, words: Sequence[tuple[str, int, int]]) -> bool:
    return all(_GAP.fullmatch(text, a[2], b[1]) for a, b in pairwise(words))
