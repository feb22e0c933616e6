"""Whether a text keeps to the words in which an operation is described: what is not checked may say nothing else.

The checker of traces finds false claims. A sentence without any claim, such as an advertisement, is none of its
business, so every part of a sentence has to claim something that was checked, or consist of known words alone.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from functools import cache
from importlib import resources
from typing import Any, get_args

import yaml

from ..ontology import Kind, concepts
from ..reasoning.claims import claims

_PART = re.compile(
    r"[,;:()\[\]!?]|\.(?=\s|$)|\s[-–—]+\s|[–—]|\b(?:and|but|so|while|because|therefore)\b", re.IGNORECASE
)
"""Where one part of a sentence ends and something else could begin."""
_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*")
_BESIDES = 1
"""Unknown words that a part may hold which makes a claim: an adjective more, but no sentence of its own."""
_IN_ALL = 3
"""Unknown words that a text may hold."""
_ENDINGS = ("ingly", "edly", "iness", "ing", "ies", "ied", "ily", "ed", "ly", "es", "s", "er", "y")
_PLAIN = frozenset(" \n\t.,;:!?'\"’‘“”()[]%°+-–—/&=…")
_TEMPLATES = (
    "reasoning.templates/reasoning.yaml",
    "tasks.templates/image_captioning.yaml",
    "tasks.templates/video_captioning.yaml",
)
_ADDRESS = "answer question ask say write reply always must should will you your please prompt instruction user rule"
"""Words of address and command, which questions of templates hold; known only where the old text uses them."""
_SLOT = re.compile(r"\{[^{}]*\}")


def strange_character(text: str) -> str | None:
    """The first character that no description needs, by its code and name; None where there is none.

    Control and format characters are among them (of direction, of no width, tags, private ones), and what code is
    written with. Letters are Latin.

    >>> strange_character("A hook." + chr(0x202E) + "The end.")
    'U+202E RIGHT-TO-LEFT OVERRIDE'
    >>> strange_character("Calot's triangle is 3–4 mm wide.") is None
    True
    """
    for c in text:
        if c.isascii() and (c.isalnum() or c in _PLAIN):
            continue
        name = unicodedata.name(c, "")
        if c in _PLAIN or (c.isalpha() and name.startswith("LATIN ") and unicodedata.category(c) in ("Ll", "Lu")):
            continue
        return f"U+{ord(c):04X} {name or 'without a name'}"
    return None


def strange_words(text: str, original: str) -> str | None:
    """The first part of ``text`` that neither keeps to known words nor makes a claim that is checked.

    Args:
        text: A caption or a trace.
        original: The text in whose place it comes; all its words are known.

    >>> strange_words("A hook is in view. Buy yours today.", "")
    "'Buy yours today' makes no claim that can be checked, and is not about the operation: buy, yours, today"
    """
    known = _known() | {_root(word) for word in _words(original)}
    besides = 0
    for part in _PART.split(text):
        unknown = [word for word in _words(part) if _root(word) not in known]
        if not unknown:
            continue
        besides += len(unknown)
        loud = any(word.lower() != word for word in unknown if word != _first(part))
        if loud or len(unknown) > _BESIDES or besides > _IN_ALL or not claims(part):
            shown = ", ".join(word.lower() for word in unknown[:8])
            quote = part.strip()[:80]
            return f"{quote!r} makes no claim that can be checked, and is not about the operation: {shown}"
    return None


def _words(text: str) -> Iterator[str]:
    return (match.group().replace("’", "'") for match in _WORD.finditer(text))


def _first(part: str) -> str:
    return next(_words(part), "")


def _root(word: str) -> str:
    """A word without its ending, so that the forms of a word are one: rough, and the same on both sides.

    >>> [_root(w) for w in ("retracts", "retracting", "carefully", "grasper's", "grasper", "bodies")]
    ['retract', 'retract', 'careful', 'grasp', 'grasp', 'bod']
    """
    word = word.lower().split("'")[0]
    for ending in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            word = word[: -len(ending)]
            break
    word = word[:-1] if len(word) > 3 and word[-1] in "eiy" else word
    return word[:-1] if len(word) > 3 and word[-1] == word[-2] and word[-1] not in "ls" else word


@cache
def _known() -> frozenset[str]:
    """Roots of all words of the list, of the ontology with its definitions, and of our own sentences."""
    texts = [re.sub(r"(?m)^#.*$", "", resources.files(__package__).joinpath("plain_words.txt").read_text("utf-8"))]
    for kind in get_args(Kind):
        texts += [
            f"{concept.name} {concept.id.replace('_', ' ')} {concept.definition}" for concept in concepts(kind).values()
        ]
    for place in _TEMPLATES:
        package, _, name = place.partition("/")
        raw = yaml.safe_load(resources.files(f"surgsigma_hub.{package}").joinpath(name).read_text("utf-8"))
        texts += _sentences(raw.get("answers", raw))
    return frozenset(_root(word) for text in texts for word in _words(text)) - {_root(w) for w in _ADDRESS.split()}


def _sentences(raw: Any) -> Iterator[str]:
    if isinstance(raw, str):
        yield _SLOT.sub(" ", raw)
    elif isinstance(raw, dict | list):
        for inner in raw.values() if isinstance(raw, dict) else raw:
            yield from _sentences(inner)
