"""Verdicts on safety criteria: "two structures: yes", "met: ...; not met: ...", "Criterion 1: Yes. Criterion 2: No"."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from ...ontology import concepts
from ...records import Answer, AnswerCriterion
from ..answers import CRITICAL_VIEW, criteria_text
from ..base import Space
from .lexicon import Lexicon, lexicon_of
from .strip import answer_part, bad

_EXPECTED = "a verdict on each safety criterion"
_GOOD = (
    r"met|fulfilled|achieved|satisfied|visible|identified|identifiable|visualized|confirmed|established|cleared|clear|"
    r"exposed|present|seen|passed|complete|true|yes|✓|✔|✅"
)
_ADVERB = r"(?:(?:yet|fully|clearly|completely|adequately|sufficiently|well|been|is|are|be|entirely|quite)\s){0,3}"
_VERDICT = re.compile(
    rf"(?P<no>\b(?:not|cannot)\s(?:{_ADVERB})(?:{_GOOD})\b|\b(?:unmet|missing|unfulfilled|unsatisfied|failed|fails|"
    r"absent|incomplete|unclear|obscured|false|no|not)\b|[✗✘❌])"
    rf"|(?P<yes>\b(?:met|fulfilled|achieved|satisfied|visible|identified|identifiable|visualized|confirmed|established|"
    r"cleared|clear|exposed|present|seen|passed|complete|true|yes)\b|[✓✔✅])",
    re.IGNORECASE,
)
_HEADS = re.compile(r"\s?(?:(?:criteria|criterion|ones|yet)\s?)?(?::|for\b|are\b:)", re.IGNORECASE)
_CHAIN = re.compile(r"[\s,;]*(?:and|or|nor|,|as well as)?[\s,]*(?:the\s)?", re.IGNORECASE)
_NUMBERED = re.compile(
    r"(?:\b(?:criterion|criteria|crit|c)[\s_.#-]{0,2}|(?<![\w.,/%]))([1-9])(?![\w%/])(?!\.\d)(?!\s+(?:\w{1,20}\s)?criteri)",
    re.IGNORECASE,
)
_ALL = re.compile(
    r"\b(?P<none>none of|no|neither)\b[^.;:]{0,40}\bcriteri(?:a|on)\b[^.;:]{0,30}"
    r"\b(?:met|fulfilled|achieved|satisfied)\b"
    r"|\ball\b[^.;:]{0,40}\bcriteria\b[^.;:]{0,30}?\b(?P<not>not\s)?(?:yet\s)?(?:met|fulfilled|achieved|satisfied)\b",
    re.IGNORECASE,
)


_SAID_LAST = frozenset({"free", "tensioned"})
"""Last words of names that say the verdict, beside those that are verdicts wherever they stand."""


@cache
def _lexicon() -> Lexicon:
    return lexicon_of(("criterion",), {"criterion": [*_short_names()]})


def _short_names() -> Iterator[tuple[str, str]]:
    """Names without the word that already says the verdict: "hepatocystic triangle", "cystic plate"."""
    for id, c in concepts("criterion").items():
        rest, _, verdict = c.name.rpartition(" ")
        if (rest and _VERDICT.fullmatch(verdict)) or verdict in _SAID_LAST:
            yield rest, id
            yield f"{verdict} {rest}", id
    yield "two structures", "two_structures"
    yield "two tubular structures", "two_structures"
    yield "Calot's triangle", "hepatocystic_triangle"


def named_criteria(text: str) -> tuple[str, ...]:
    """The criteria that a text names, once each, in its order."""
    return tuple(dict.fromkeys(id for span in _lexicon().find(text) for id in span.ids("criterion")))


@dataclass(frozen=True, slots=True)
class Criteria:
    """Reads verdicts, in the order of the vocabulary.

    Numbers without names count the critical view of safety, in the order of :data:`CRITICAL_VIEW`.
    """

    def __call__(self, text: str, *, size: tuple[int, int] | None = None, space: Space | None = None) -> Answer:
        """The answer; ``size`` and ``space`` are not used.

        Raises:
            BadAnswerError: no criterion, one without a verdict, or one with two different verdicts.
        """
        part = answer_part(text, _EXPECTED)
        named = _lexicon().find(part)
        for span in named:
            if len(span.ids("criterion")) > 1:
                raise bad(_EXPECTED, part, f"{part[span.start : span.end]!r} can mean more than one criterion")
        verdicts = _judged(part, [(s.start, s.end, s.ids("criterion")[0]) for s in named])
        if not verdicts:
            numbered = [(m.start(1), m.end(), _by_number(m[1], part)) for m in _NUMBERED.finditer(part)]
            verdicts = _in_a_row(part) or _all_alike(part) or _judged(part, numbered)
        if not verdicts:
            raise bad(_EXPECTED, part, "it names no known criterion")
        typed = tuple(AnswerCriterion(id, verdicts[id]) for id in concepts("criterion") if id in verdicts)
        return Answer(text=criteria_text(typed), criteria=typed)


def _judged(part: str, mentions: list[tuple[int, int, str]]) -> dict[str, bool]:
    """A verdict for each criterion mentioned: what follows it, else what its list ends with, else the heading."""
    heading: bool | None = None
    neither = False  # "neither A nor B is met"
    open_list: list[str] = []  # "A and B are met": A waits for the verdict of B
    found: dict[str, bool] = {}

    def settle(id: str, met: bool) -> None:
        if found.setdefault(id, met) != met:
            raise bad(_EXPECTED, part, f"it says yes and no to {id!r}")

    edge = 0
    for n, (start, end, id) in enumerate(mentions):
        link = part[edge:start].casefold()
        neither = "neither" in link or (neither and link.strip(" ,") in ("nor", "nor the"))
        before = list(_VERDICT.finditer(part, edge, start))
        for verdict in before:
            if _HEADS.match(part, verdict.end(), start) or _CHAIN.fullmatch(part, verdict.end(), start):
                heading = verdict["yes"] is not None
        after_end = mentions[n + 1][0] if n + 1 < len(mentions) else len(part)
        direct = None
        edge = end
        for verdict in _VERDICT.finditer(part, end, after_end):
            if not _HEADS.match(part, verdict.end(), after_end):
                direct = verdict["yes"] is not None
                edge = verdict.end()
            break
        if direct is None and heading is None:
            if n + 1 < len(mentions) and _CHAIN.fullmatch(part, end, after_end):
                open_list.append(id)
                continue
            if _says_met(part[start:end]):
                settle(id, True)
                continue
            raise bad(_EXPECTED, part, f"it says neither yes nor no to {id!r}")
        met = bool(heading if direct is None else direct) and not neither
        for waiting in (*open_list, id):
            settle(waiting, met)
        open_list.clear()
    return found


def _says_met(name: str) -> bool:
    """Whether a criterion's name, standing alone, already says that it is met: "cystic plate exposed"."""
    verdict = name.rpartition(" ")[2]
    return bool(_VERDICT.fullmatch(verdict)) or verdict in _SAID_LAST


def _by_number(digit: str, part: str) -> str:
    if int(digit) > len(CRITICAL_VIEW):
        raise bad(_EXPECTED, part, f"there is no criterion {digit} of the critical view")
    return CRITICAL_VIEW[int(digit) - 1]


def _in_a_row(part: str) -> dict[str, bool]:
    """The verdicts of "Yes, No, Yes": as many verdicts as the critical view has criteria, and nothing else."""
    words = re.findall(r"\w+", part.casefold())
    if len(words) != len(CRITICAL_VIEW) or not {*words} <= {"yes", "no", "true", "false", "met", "unmet"}:
        return {}
    return {id: w in ("yes", "true", "met") for id, w in zip(CRITICAL_VIEW, words, strict=True)}


def _all_alike(part: str) -> dict[str, bool]:
    match = _ALL.search(part)
    if match is None or match["not"]:
        return {}
    return dict.fromkeys(CRITICAL_VIEW, match["none"] is None)
