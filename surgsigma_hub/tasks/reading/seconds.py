"""Durations: "10 seconds", "1.5 s", "about ten seconds", "0:10", "2 minutes 5 seconds"."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ...records import Answer
from ..common.base import Size, Space
from ..common.wording import seconds_text
from .strip import answer_part, bad

LONGEST = 86_400.0
"""Seconds; a surgery does not last longer than a day."""

_ONES = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
    "eighteen nineteen"
)
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety"
_VALUES = {w: n for n, w in enumerate(_ONES.split())} | {w: 20 + 10 * n for n, w in enumerate(_TENS.split())}
_SPELLED = "|".join(_VALUES)
_DIGITS = r"\d{1,6}(?:\.\d{1,6})?"
_AMOUNT = rf"(?:{_DIGITS}|(?:{_SPELLED})(?:[ -](?:{_SPELLED}))?|half an?|an?)(?: and a half)?"
_UNIT = r"milliseconds?|msecs?|ms|seconds?|secs?|s|minutes?|mins?|min|m|hours?|hrs?|h"
_PART = re.compile(
    rf"(?<![\w.:])({_AMOUNT})[ -]?(?:(?:more|further|full|additional|remaining) )?({_UNIT})\b( and a half)?",
    re.IGNORECASE,
)
_COMPACT = re.compile(r"\b(?:(\d{1,2})h ?)?(\d{1,3})m ?(\d{1,2}(?:\.\d{1,6})?)s\b", re.IGNORECASE)
_KEYED = re.compile(
    rf"(?:\b|_)(?:seconds?|secs)[\"']? ?[:=] ?[\"']?({_DIGITS})(?![\w:])(?! ?(?:{_UNIT})\b)", re.IGNORECASE
)
_CLOCK = re.compile(r"(?<![\w.:-])(?:(\d{1,2}):)?(\d{1,3}):([0-5]\d(?:\.\d{1,6})?)(?![\w:])")
_BARE = re.compile(rf"(?:about |around |approximately |roughly |~ ?|≈ ?)?({_AMOUNT})", re.IGNORECASE)
_JOINS = re.compile(r",? ?(?:and )?", re.IGNORECASE)
_RANGE = re.compile(
    rf"(?:{_DIGITS}|{_SPELLED})[ ]?(?:-|–|—|to|or)[ ]?(?:{_DIGITS}|(?:{_SPELLED})\b)|\d,\d|"
    rf"\b(?:between|less than|more than|fewer than|at least|at most|over|under|up to)\s(?:{_AMOUNT})\b|"
    r"(?<![\w.])-\d|[<>]",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Seconds:
    """Reads one duration."""

    def __call__(
        self, text: str, *, size: Size | None = None, space: Space | None = None, procedure: str | None = None
    ) -> Answer:
        """The answer in seconds; ``size``, ``space`` and ``procedure`` are not used.

        Raises:
            BadAnswerError: no duration, a range, several durations, or longer than a day.
        """
        expected = "one duration in seconds"
        part = answer_part(text, expected)
        if _RANGE.search(_spelled_tens(part)):
            raise bad(expected, part, "it is a range, a bound, or a number that can be read in two ways")
        found = _durations(part)
        if len(set(found)) != 1:
            raise bad(expected, part, "it names several durations" if found else "it names no duration")
        if found[0] > LONGEST:
            raise bad(expected, part, f"more than {LONGEST:g} seconds")
        return Answer(text=seconds_text(found[0]), seconds=found[0])


def _spelled_tens(part: str) -> str:
    """``part`` with "twenty-five" written without its hyphen, which is no range."""
    return re.sub(rf"\b({'|'.join(_TENS.split())})-(?=(?:{_SPELLED})\b)", r"\1 ", part, flags=re.IGNORECASE)


def _durations(part: str) -> list[float]:
    found: list[float] = []
    last_end, last_unit = -1, 0.0
    for match in _PART.finditer(part):
        unit = _unit(match[2])
        value = (_amount(match[1]) + (0.5 if match[3] else 0.0)) * unit
        if last_end >= 0 and unit < last_unit and _JOINS.fullmatch(part, last_end, match.start()):
            found[-1] += value  # "2 minutes and 5 seconds"
        else:
            found.append(value)
        last_end, last_unit = match.end(), unit
    for hours, minutes, seconds in (*_CLOCK.findall(part), *_COMPACT.findall(part)):
        found.append(3600.0 * int(hours or 0) + 60.0 * int(minutes) + float(seconds))
    found += [float(n) for n in _KEYED.findall(part)]
    if not found:
        bare = _BARE.fullmatch(part)
        if bare and bare[1].casefold() not in ("a", "an"):
            found.append(_amount(bare[1]))
    return [round(f, 6) for f in found]


def _unit(word: str) -> float:
    word = word.casefold()
    if word.startswith(("ms", "milli")):
        return 0.001
    return {"s": 1.0, "m": 60.0, "h": 3600.0}[word[0]]


def _amount(words: str) -> float:
    words = words.casefold()
    body = words.removesuffix(" and a half")
    extra = 0.5 if body != words else 0.0
    if body.startswith("half"):
        return 0.5
    if body in ("a", "an"):
        return 1.0 + extra
    if body[0].isdigit():
        return float(body) + extra
    return float(sum(_VALUES[w] for w in re.split("[ -]", body))) + extra
