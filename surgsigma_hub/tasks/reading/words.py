"""Words of labels and of free text: splitting, number, and the forms that a verb takes. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

from ..common.wording import participle

_WORD = re.compile(r"[^\W_]+(?:(?<=[nN])['’][tT]\b|['’][sS]\b)?|[^\w\s'’-]")
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_SAME = {"&": "and", "cannot": "not"}
_ARTICLES = frozenset({"a", "an", "the"})


class Token(NamedTuple):
    """A word in lower case and singular, or a punctuation mark, with its place in the text."""

    word: str
    start: int
    end: int

    @property
    def is_mark(self) -> bool:
        """Whether it is punctuation."""
        return not self.word.isalnum()


def tokens(text: str) -> list[Token]:
    """Words and marks of a text; articles are left out, hyphens and underscores separate.

    >>> [t.word for t in tokens("The CalotTriangleDissection, a clip-applier & Calot's scissors_2 isn't")]
    ['calot', 'triangle', 'dissection', ',', 'clip', 'applier', 'and', 'calot', 'scissor', '2', 'is', 'not']
    """
    found: list[Token] = []
    for match in _WORD.finditer(text):
        place = match.start()
        # A run that is no word is split each time: texts of such would fill the memory.
        parts = _parts(match[0]) if len(match[0]) < 64 else _parts.__wrapped__(match[0])
        found += [Token(word, place + start, place + end) for word, start, end in parts]
    return found


@lru_cache(maxsize=8192)
def _parts(run: str) -> tuple[Token, ...]:
    """The words of one run of letters, by their places in it."""
    body, ending = (run[:-2], run[-2:].lower()) if run[-2:-1] in ("'", "’") else (run, "")
    negated = ending[1:] == "t"
    found: list[Token] = []
    place = 0
    for part in _CAMEL.split(body[:-1] if negated else body):
        word = part.casefold()
        word = _SAME.get(word) or spelled(stem(word))
        if word and word not in _ARTICLES:
            found.append(Token(word, place, place + len(part)))
        place += len(part)
    return (*found, Token("not", place, len(run))) if negated else tuple(found)


def stem(word: str) -> str:
    """``word`` without the s of the plural or of the third person.

    >>> [stem(w) for w in ("graspers", "scissors", "biopsies", "passes", "uterus", "pelvis", "gas")]
    ['grasper', 'scissor', 'biopsy', 'pass', 'uterus', 'pelvis', 'gas']
    """
    if len(word) < 4 or not word.endswith("s") or word.endswith(("ss", "us", "is")):
        return word
    if word.endswith("ies"):
        return f"{word[:-3]}y"
    if word.endswith(("sses", "shes", "ches", "xes", "zes")):
        return word[:-2]
    return word[:-1]


def spelled(word: str) -> str:
    """``word`` in the spelling of the tables; words that are no label's may come out odd.

    >>> [spelled(w) for w in ("cauterising", "mobilised", "haemostasis", "excise", "capsulorrhexis")]
    ['cauterizing', 'mobilized', 'hemostasis', 'excise', 'capsulorhexis']
    """
    if len(word) < 7:
        return word
    word = re.sub(r"(?<=[^c])is(e[drs]?|ing|ation)$", r"iz\1", word)
    return word.replace("haem", "hem").replace("oesoph", "esoph").replace("rrhexis", "rhexis")


_IRREGULAR = {"hold": ("held",), "tie": ("tied",), "drive": ("driven",), "draw": ("drawn",), "suction": ("suction",)}
_ALSO_SAID = {
    "pack": "package",
    "package": "pack",
    "aspirate": "suction",
    "suction": "aspirate",
    "coagulate": "cauterize",
    "cauterize": "coagulate",
}


def verb_forms(word: str) -> frozenset[str]:
    """What a verb looks like in a sentence; a gerund or a noun of action counts as its verb.

    >>> sorted(verb_forms("clip"))
    ['clip', 'clipped', 'clipping', 'clips']
    >>> sorted(verb_forms("coagulation") & {"coagulate", "coagulates", "coagulating", "coagulated"})
    ['coagulate', 'coagulated', 'coagulates', 'coagulating']
    """
    found = {word}
    for verb in bases(word):
        doing = participle(verb)
        found |= {verb, doing, f"{doing[:-3]}ed", *_IRREGULAR.get(verb, ())}
        if verb.endswith(("s", "sh", "ch", "x", "z", "o")):
            found.add(f"{verb}es")
        elif verb.endswith("y") and verb[-2:-1] not in "aeiou":
            found |= {f"{verb[:-1]}ies", f"{verb[:-1]}ied"}
        else:
            found.add(f"{verb}s")
        if verb.endswith("ate"):
            found.add(f"{verb[:-1]}ion")
        elif verb.endswith("ize"):
            found.add(f"{verb[:-1]}ation")
        elif verb.endswith("ct"):
            found.add(f"{verb}ion")
    return frozenset(found)


def also_said(word: str) -> frozenset[str]:
    """Forms of another verb that is said for the same action; worth less than that verb's own label, if it has one.

    >>> "packing" in also_said("packaging")
    True
    """
    return frozenset(f for verb in bases(word) if verb in _ALSO_SAID for f in verb_forms(_ALSO_SAID[verb]))


def bases(word: str) -> Iterator[str]:
    """The verbs that ``word`` may come from, itself for a plain verb."""
    if word.endswith("ing") and len(word) > 5:
        body = word[:-3]
        if body[-1] == body[-2]:
            yield body[:-1] if body[-1] not in "sl" else body
        elif body.endswith(("at", "ur", "id", "iz", "is", "as", "ag", "ok")):
            yield f"{body}e"
        else:
            yield body
    elif word.endswith("ation") and len(word) > 7:
        yield f"{word[:-3]}e"
    elif word.endswith("ction") and word not in ("suction", "action"):
        yield word[:-3]
    else:
        yield word


def phrase(text: str) -> tuple[str, ...]:
    """The words of a label name, as :func:`tokens` would find them.

    >>> phrase("Calot's triangle dissection"), phrase("ClippingCutting")
    (('calot', 'triangle', 'dissection'), ('clipping', 'cutting'))
    """
    return tuple(t.word for t in tokens(text))
