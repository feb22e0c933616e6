"""Whether a model's text may take the place of the old one: cheap checks first, then the facts of the sample."""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Protocol

from ..errors import BadRowError
from ..parsers.trace import parse_trace
from ..reasoning import Facts, check, read_trace
from ..records import Answer, AnswerBox, AnswerCriterion, AnswerTriplet
from ..shards.sample_checks import ABSOLUTE
from ..tasks import all_tasks
from ..tasks.common.further import thing_asked_by
from .prompts import LEVELS, What, original_of
from .wording import strange_character, strange_words

SHORTEST, LONGEST = 0.3, 4.0
"""Bounds of the new length, as parts of the old."""


class Refusal(StrEnum):
    """Why a text was not taken."""

    EMPTY = "empty"
    CUT = "cut"
    FILTERED = "filtered"
    UNCHANGED = "unchanged"
    TOO_SHORT = "too_short"
    TOO_LONG = "too_long"
    CONTROL_TOKENS = "control_tokens"
    MARKUP = "markup"
    ASIDE = "aside"
    CHARACTERS = "characters"
    PATH = "path"
    NUMBERS = "numbers"
    LEVELS = "levels"
    CLAIM = "claim"
    WORDS = "words"


class Checker(Protocol):
    """Compares a text with the facts of its sample: what it objects to, or None."""

    def __call__(self, doc: Mapping[str, Any], text: str, what: What) -> str | None:
        """The first objection to ``text``, or None."""


_FENCE = re.compile(r"\A```\w*\n(.*?)\n?```\Z", re.DOTALL)
_THOUGHT = re.compile(r"\A\s*<think>(.*?)</think>(.*)\Z", re.DOTALL | re.IGNORECASE)
_QUOTES = {'"': '"', "“": "”", "'": "'"}
_MARKUP = re.compile(r"</?[A-Za-z][^<>]{0,40}>|\*\*|```|^\s*(?:#+|[-*•]|\d+[.)])\s", re.MULTILINE)
_ASIDE = re.compile(
    r"\bas an? (?:ai|artificial|language model|assistant)\b|\bI(?:'m| am) (?:sorry|unable|an ai)\b"
    r"|\bI (?:cannot|can't|can not)\b|\A(?:sure|certainly|of course|okay|here(?:'s| is| are))\b"
    r"|\b(?:rewritten|revised|original) (?:text|caption|version|sentence)|\b(?:the|this|given|provided) text\b",
    re.IGNORECASE,
)
_NUMBER = re.compile(r"\d+(?:[.,:]\d+)*")
_COUNT_WORDS = ("two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")
_COUNTS = {word: str(n) for n, word in enumerate(_COUNT_WORDS, 2)}
_WORD = re.compile(r"[A-Za-z]+")


def cleaned(text: str, what: What) -> str:
    r"""A model's answer without the wrapping that models add: thoughts, a code fence, quotation marks.

    >>> cleaned("<think>Hm.</think>\n\"A hook is in view.\"", "caption")
    'A hook is in view.'
    """
    thought = _THOUGHT.match(text)
    if thought and (what == "caption" or thought.group(2).strip()):
        text = thought.group(2)
    text = text.strip()
    fenced = _FENCE.match(text)
    text = fenced.group(1).strip() if fenced else text
    if len(text) > 1 and _QUOTES.get(text[0]) == text[-1] and text[0] not in text[1:-1]:
        text = text[1:-1].strip()
    return " ".join(text.split()) if what == "caption" else text


def judge(doc: Mapping[str, Any], text: str, what: What, checker: Checker | None = None) -> str | None:
    """Why ``text`` may not take the place of the sample's own, as ``code: detail``; None where it may.

    Args:
        doc: The sample's JSON.
        text: The new caption or the new levels, as :func:`cleaned` leaves them.
        what: Which of the two it is.
        checker: Compares with the facts; None takes the checker of reasoning traces.
    """
    original = original_of(doc, what) or ""
    refusal = _cheap(original, text, what)
    if refusal is None and what == "reasoning":
        refusal = _levels(doc, text)
    if refusal is not None:
        return refusal
    objection = (checker or fact_checker)(doc, text, what)
    if objection is not None:
        return f"{Refusal.CLAIM}: {objection}"
    said = re.sub(r"</?(?:think|answer)>|(?i:\blevel\s*[1-3]\s*:)", " ", text)
    strange = strange_words(said, f"{original} {doc['answer']['text']}")
    return None if strange is None else f"{Refusal.WORDS}: {strange}"


def _cheap(original: str, text: str, what: What) -> str | None:
    if not text.strip():
        return f"{Refusal.EMPTY}: no text"
    if text.split() == original.split():
        return f"{Refusal.UNCHANGED}: word for word the old text"
    share = len(text) / max(1, len(original))
    if not SHORTEST <= share <= LONGEST:
        code = Refusal.TOO_SHORT if share < 1 else Refusal.TOO_LONG
        return f"{code}: {share:.1f} times the old length, expected {SHORTEST} to {LONGEST:g}"
    if "<|" in text or "|>" in text:
        return f"{Refusal.CONTROL_TOKENS}: control tokens of a language model"
    body = re.sub(r"</?(?:think|answer)>", "", text) if what == "reasoning" else text
    for code, pattern in ((Refusal.MARKUP, _MARKUP), (Refusal.ASIDE, _ASIDE), (Refusal.PATH, ABSOLUTE)):
        if found := pattern.search(body):
            return f"{code}: {found.group().strip()!r}"
    if "://" in body:
        return f"{Refusal.PATH}: an address"
    if not any(c.isalpha() for c in text):
        return f"{Refusal.CHARACTERS}: not a single letter"
    if strange := strange_character(body):
        return f"{Refusal.CHARACTERS}: {strange}"
    if extra := sorted(_numbers(text) - _numbers(original)):
        return f"{Refusal.NUMBERS}: {', '.join(extra)} not in the old text"
    return None


def _numbers(text: str) -> set[str]:
    """Numbers in figures, and in words from two to twelve; "one" is too often no number."""
    words = {_COUNTS[w] for word in _WORD.findall(text) if (w := word.lower()) in _COUNTS}
    return words | set(_NUMBER.findall(re.sub(r"(?i)\blevel\s*[1-3]\b", "", text)))


def levels_of(text: str) -> tuple[str | None, str | None, str | None]:
    """The three levels that an answer gives, None where one is missing, blanks put in order."""
    try:
        trace = parse_trace(text)
    except BadRowError:
        return (None, None, None)
    if trace is None:
        return (None, None, None)
    one, two, three = (
        level and " ".join(level.split()) for level in (trace.perceptual, trace.relational, trace.contextual)
    )
    return one or None, two or None, three or None


def _levels(doc: Mapping[str, Any], text: str) -> str | None:
    wanted = [n for n, name in enumerate(LEVELS, 1) if doc["reasoning"][name]]
    found = [n for n, level in enumerate(levels_of(text), 1) if level]
    return None if found == wanted else f"{Refusal.LEVELS}: the answer has levels {found}, expected {wanted}"


def fact_checker(doc: Mapping[str, Any], text: str, what: What) -> str | None:
    """The first objection of the checker of reasoning traces, against the facts that the sample itself holds."""
    task = all_tasks().get(doc["task"])
    facts = Facts.of_sample(_as_witness(doc))
    if what == "caption":  # a caption is the answer, so there is none to hold it against
        objections = check(text, facts, None, task)
    else:
        trace, _ = read_trace(text)
        asked = thing_asked_by(doc["id"], doc["task"])
        objections = check(trace, facts, answer_of(doc), task, asked=asked)
    return next((f"{o.claim}: {o.why}" for o in objections), None)


def _as_witness(doc: Mapping[str, Any]) -> Mapping[str, Any]:
    """The sample for the checker, which takes no trace for a fact where a model is named.

    After a run on captions alone a model is named too, but the trace is still the one that rules made.
    """
    provenance = doc["provenance"]
    marks = {mark.partition("@")[0] for mark in provenance["augmentation"] if mark.startswith("enriched:")}
    if marks != {"enriched:caption"} or ", " in (provenance["model"] or ""):
        return doc
    return {**doc, "provenance": {**provenance, "model": None}}


def answer_of(doc: Mapping[str, Any]) -> Answer:
    """The typed answer of a sample's JSON."""
    raw = doc["answer"]
    return Answer(
        text=raw["text"],
        labels=tuple(raw["labels"]),
        triplets=tuple(AnswerTriplet(**t) for t in raw["triplets"]),
        boxes=tuple(AnswerBox(**b) for b in raw["boxes"]),
        criteria=tuple(AnswerCriterion(c["criterion"], c["met"], tuple(c["scores"])) for c in raw["criteria"]),
        seconds=raw["seconds"],
    )
