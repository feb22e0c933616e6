"""Labels named in free text: the names that answers are read by, less the words that only look like one in prose."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import get_args

from ..ontology import NULL, Kind, concepts, with_broader
from ..ontology.forms import acting_on, forms
from ..tasks.reading.lexicon import Lexicon, Span, lexicon_of
from ..tasks.reading.triplets import wrappings
from ..tasks.reading.words import bases

_KINDS: tuple[Kind, ...] = get_args(Kind)
_DONE: tuple[Kind, ...] = ("action", "step", "phase")
_DETERMINER = re.compile(
    r"\b(?:a|an|the|this|these|those|its|his|her|their|each|every|both|no|any|one|two|three|four|five|metal|"
    r"surgical|titanium|video|observed|short|first|second|last|next|whole|input|given)[^\w,.;:]+$",
    re.IGNORECASE,
)
"""Words before which "clip" or "cut" is a thing, not something done."""
_ORDINARY = re.compile(r"(?:open|close?|still)(?:d|ed|s|ing)?|mov(?:e|es|ed|ing)|position(?:s|ed|ing)?", re.IGNORECASE)
"""Words of prose that are names of a label in their source only."""
_IN = re.compile(r"\bin\s+$", re.IGNORECASE)
_OF_A_TOOL = re.compile(r"\b(?:but|is|are|stays?|lies?|remains?)\s+$", re.IGNORECASE)
"""Words before "idle" that say it of an instrument: it is the name of a phase as well."""
_AND_THE = re.compile(r"(?<=\band )the\b", re.IGNORECASE)
"""Before it one thing ends and another begins: "for irrigation and the suction instrument" names no phase."""
_RETRIEVAL = re.compile(r"\bretrieval\s+$", re.IGNORECASE)
"""A word before "bag" that makes it a thing; to bag is an action."""


@dataclass(frozen=True, slots=True)
class Mention(Span):
    """A label named in a text, in the words ``text``."""

    text: str


@cache
def _lexicon(kinds: tuple[Kind, ...]) -> Lexicon:
    return lexicon_of(kinds, {"target": _other_words()}, turned=False)


def _other_words() -> list[tuple[str, str]]:
    """What our own sentences call a target where it is not called by its name: "irrigating the abdominal cavity"."""
    found: list[tuple[str, str]] = []
    for action in concepts("action"):
        doing = forms("action", action).doing
        for target in concepts("target"):
            said = acting_on(action, target)
            if target != NULL and said.startswith(f"{doing} the ") and not said.endswith(forms("target", target).the):
                found.append((said.removeprefix(f"{doing} the "), target))
    return found


def find(text: str, kinds: Sequence[Kind] = _KINDS) -> tuple[Mention, ...]:
    """The labels named in ``text``, in its order, never overlapping; the longest name wins over all kinds.

    >>> [(m.text, m.readings) for m in find("The Hook dissects.")]
    [('Hook', (('instrument', 'hook'),)), ('dissects', (('action', 'dissect'),))]
    >>> [m.text for m in find("The clip shows gallbladder dissection.")]
    ['gallbladder dissection']
    """
    found: list[Mention] = []
    wrapped = tuple(wrappings(text))
    for span in _lexicon(tuple(kinds)).find(_AND_THE.sub("and", text)):  # as long, and no word that names skip
        words, before = text[span.start : span.end], text[max(0, span.start - 12) : span.start]
        if _ORDINARY.fullmatch(words) or (words.lower() == "preparation" and _IN.search(before)):
            continue  # "in preparation for"
        if words.lower() == "idle" and _OF_A_TOOL.search(before):
            continue
        if words.lower() == "bag" and _RETRIEVAL.search(before):
            continue
        if any(start <= span.start < end for start, end in wrapped):
            continue  # "in the retrieval bag" is a part of what is done there
        # Whoever names the stomach names the bowel, as sources call it that do not tell the two apart.
        readings = tuple((k, one) for k, id in span.readings if id != NULL for one in with_broader(k, id))
        if span.ids("action") and _is_plain(words) and _DETERMINER.search(before):
            readings = tuple(r for r in readings if r[0] not in _DONE)
        if readings:
            found.append(Mention(span.first, span.last, span.start, span.end, readings, words))
    return tuple(found)


def _is_plain(words: str) -> bool:
    """Whether it is a verb that can be a noun as well ("two cuts"), unlike "cutting" and "dissection"."""
    return words.isalpha() and not words.lower().endswith(("ed", "ion")) and [*bases(words.lower())] == [words.lower()]
