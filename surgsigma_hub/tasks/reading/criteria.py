"""Verdicts on safety criteria: "two structures: yes", "met: ...; not met: ...", "Criterion 1: Yes. Criterion 2: No"."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from ...ontology import concepts
from ...records import Answer, AnswerCriterion
from ..common.answers import CRITICAL_VIEW, criteria_text
from ..common.base import Size, Space
from .lexicon import Lexicon, lexicon_of
from .strip import answer_part, bad

_EXPECTED = "a verdict on each safety criterion"
_GOOD = (
    r"met|fulfilled|achieved|satisfied|visible|identified|identifiable|visualized|visualised|confirmed|established|"
    r"cleared|clear|exposed|present|seen|shown|passed|complete|completed|obtained|demonstrated|true|yes"
)
_ADVERB = r"(?:(?:yet|fully|clearly|completely|adequately|sufficiently|well|been|is|are|be|entirely|quite|to)\s){0,3}"
_HALF = r"partial(?:ly)?|partly|incompletely|insufficiently|inadequately|poorly|barely|hardly|scarcely"
_VERDICT = re.compile(
    rf"(?P<no>\b(?:not|cannot|never)\s(?:{_ADVERB})(?:{_GOOD})\b|\b(?:{_HALF})\b(?:\s(?:{_GOOD})\b)?|"
    r"\b(?:unmet|missing|unfulfilled|unsatisfied|unidentified|uncleared|unexposed|failed|fails|"
    r"absent|incomplete|insufficient|inadequate|unclear|obscured|hidden|false|no|not)\b|[✗✘❌☒✖]"
    r"|(?:(?<=[:=] )|(?<=[:=]))0\b(?!\.\d))"
    rf"|(?P<yes>\b(?:{_GOOD})\b|[✓✔✅]|(?:(?<=[:=] )|(?<=[:=]))1\b(?!\.\d))",
    re.IGNORECASE,
)
"""A criterion that is met in part is not met; numbers are verdicts only as values ("plate: 0")."""
_LACKS = re.compile(
    r"\b(?:no|(?:more|fewer|less)\sthan|not(?!\sonly)|without|never|lack(?:s|ing)?(?:\sof)?|absence\sof|insufficient|inadequate|incomplete|poor|fail(?:s|ed)?\sto)"
    r"(?:\s(?!and\b|but\b|or\b)\w+){0,4}\s?$",
    re.IGNORECASE,
)
"""Words before a criterion that say no to it: "no exposure of the", "without a"."""
_NOT = re.compile(r"(?:(?<=ca)n't|n't|\bcan\snot)\b", re.IGNORECASE)
_CLAUSE = re.compile(
    r"[.;]|(?:\s[–—-]\s|\(|,\s?(?=(?:as|since|because)\b)|\b(?=(?:because|since)\b))(?!but\b|not\b|however\b|(?:al)?though\b)"
)
"""Where a verdict has been said, and its reason may follow: "not met - only one structure is visible"."""
_HEADS = re.compile(r"\s?(?:(?:criteria|criterion|ones|yet)\s?)?(?:[:?]|for\b|are\b:)", re.IGNORECASE)
_CHAIN = re.compile(r"[\s,;]*(?:and|or|nor|,|as well as)?[\s,]*(?:the\s)?", re.IGNORECASE)
_NUMBERED = re.compile(
    r"(?:\b(?:criterion|criteria|crit|c)[\s_.#-]{0,2}|(?<![\w.,/%:=])(?<![:=]\s))([1-9])(?![\w%/])(?!\.\d)(?!\s+(?:\w{1,20}\s)?criteri)",
    re.IGNORECASE,
)
_ALL = re.compile(
    r"\b(?P<none>none of|no|neither)\b[^.;:]{0,40}\b(?:criteri(?:a|on)|them|these|three)\b[^.;:]{0,30}"
    r"\b(?:met|fulfilled|achieved|satisfied)\b"
    r"|\ball\b[^.;:]{0,40}\b(?:criteria|them|these|three)\b[^.;:]{0,30}?\b(?P<not>not\s)?(?:yet\s)?"
    r"(?P<un>un)?(?:met|fulfilled|achieved|satisfied)\b|\b(?:yes|(?P<no>no))\s(?:to|for|on)\sall\b",
    re.IGNORECASE,
)
_OTHERS = re.compile(
    r"\b(?:the|both)\s(?:other|remaining|rest)(?:s|\sones?|\stwo|\scriteria|\scriterion){0,2}\s(?:is|are|was|were)\s"
    r"(?P<no>not\b)?",
    re.IGNORECASE,
)
"""A verdict on all criteria that were not named: "the other two are not"."""
_ONLY = re.compile(r"only\s(?!two\b)", re.IGNORECASE)
"""Says no to what is not named; "only two structures" is a name."""
_ORDINALS = (
    (re.compile(r"\bthe\sfirst\stwo\b(?:\scriteria|\sones)?", re.IGNORECASE), "C1 and C2"),
    (re.compile(r"\bthe\slast\stwo\b(?:\scriteria|\sones)?", re.IGNORECASE), "C2 and C3"),
    *(
        (re.compile(rf"\bthe\s(?:{word})\b(?:\scriterion|\sone)?", re.IGNORECASE), f"C{n}")
        for n, word in enumerate(("first", "second", "third|last"), 1)
    ),
)


_ALSO_SAID = (
    ("two tubular structures", "two_structures"),
    ("two structures", "two_structures"),
    ("two structures connected to the gallbladder", "two_structures"),
    ("only two structures", "two_structures"),
    ("Calot's triangle", "hepatocystic_triangle"),
    ("Calot triangle", "hepatocystic_triangle"),
    ("triangle", "hepatocystic_triangle"),
    ("hepatocystic triangle clearance", "hepatocystic_triangle"),
    ("triangle cleared", "hepatocystic_triangle"),
    ("plate", "cystic_plate"),
    ("plate exposed", "cystic_plate"),
    ("cystic plate exposure", "cystic_plate"),
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
    yield from _ALSO_SAID


def named_criteria(text: str) -> tuple[str, ...]:
    """The criteria that a text names, once each, in its order."""
    return tuple(dict.fromkeys(id for span in _lexicon().find(text) for id in span.ids("criterion")))


@dataclass(frozen=True, slots=True)
class Criteria:
    """Reads verdicts, in the order of the vocabulary.

    Numbers without names count the critical view of safety, in the order of :data:`CRITICAL_VIEW`.
    """

    def __call__(
        self, text: str, *, size: Size | None = None, space: Space | None = None, procedure: str | None = None
    ) -> Answer:
        """The answer; ``size``, ``space`` and ``procedure`` are not used.

        Raises:
            BadAnswerError: no criterion, one without a verdict, or one with two different verdicts.
        """
        part = _NOT.sub(" not", answer_part(text, _EXPECTED)).replace('"', " ").replace("  ", " ")
        named = _lexicon().find(part)
        for span in named:
            if len(span.ids("criterion")) > 1:
                raise bad(_EXPECTED, part, f"{part[span.start : span.end]!r} can mean more than one criterion")
        verdicts = _all_but(part, {s.ids("criterion")[0] for s in named if _EXCEPT.search(part, 0, s.start)})
        verdicts = verdicts or _judged(part, [(s.start, s.end, s.ids("criterion")[0]) for s in named])
        if not verdicts:
            for ordinal, number in _ORDINALS:
                part = ordinal.sub(number, part)
            numbered = [(m.start(), m.end(), _by_number(m[1], part)) for m in _NUMBERED.finditer(part)]
            verdicts = _in_a_row(part) or _all_alike(part) or _judged(part, numbered)
        if not verdicts:
            raise bad(_EXPECTED, part, "it names no known criterion")
        others = _OTHERS.search(part)
        alone = _ONLY.match(part) is not None and all(verdicts.values())
        if (others or alone) and {*verdicts} <= {*CRITICAL_VIEW}:
            rest = others is not None and others["no"] is None
            verdicts = {**dict.fromkeys(CRITICAL_VIEW, rest), **verdicts}
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
        lacking = "neither" not in link and _LACKS.search(part[edge:start]) is not None
        after_end = mentions[n + 1][0] if n + 1 < len(mentions) else len(part)
        direct, edge = _direct(part, end, after_end, last=n + 1 == len(mentions))
        if lacking:
            settle(id, False)
            continue
        if direct is None and heading is None:
            if n + 1 < len(mentions) and _CHAIN.fullmatch(part, end, after_end):
                open_list.append(id)
                continue
            if not open_list and _says_met(part[start:end]):
                settle(id, True)
                continue
            raise bad(_EXPECTED, part, f"it says neither yes nor no to {id!r}")
        met = bool(heading if direct is None else direct) and not neither
        for waiting in (*open_list, id):
            settle(waiting, met)
        open_list.clear()
    return found


def _direct(part: str, start: int, end: int, *, last: bool) -> tuple[bool | None, int]:
    """The verdict that follows a mention, and where it ends; None where none follows.

    Raises:
        BadAnswerError: yes and no in one clause, as in "visible but not exposed".
    """
    said: list[re.Match[str]] = []
    for verdict in _VERDICT.finditer(part, start, end):
        if _HEADS.match(part, verdict.end(), end):
            if part[start : verdict.start()].strip():
                break  # the heading of what comes next
            continue  # "plate exposed: no": the word is of the name
        if not last and _LACKS.search(part[verdict.start() : end]) and said:
            break  # it belongs to the next mention
        if said and _CLAUSE.search(part, said[-1].end(), verdict.start()):
            break
        said.append(verdict)
    if not said or (not last and len(said) == 1 and _LACKS.match(part[said[0].start() : end]) and said[0]["no"]):
        return None, start
    if len({verdict["yes"] is not None for verdict in said}) > 1:
        raise bad(_EXPECTED, part, f"it says yes and no in {part[start : said[-1].end()].strip()!r}")
    return said[0]["yes"] is not None, said[-1].end()


def _says_met(name: str) -> bool:
    """Whether a criterion's name, standing alone, already says that it is met: "cystic plate exposed"."""
    verdict = name.rpartition(" ")[2]
    return bool(_VERDICT.fullmatch(verdict)) or verdict in _SAID_LAST


def _by_number(digit: str, part: str) -> str:
    if int(digit) > len(CRITICAL_VIEW):
        raise bad(_EXPECTED, part, f"there is no criterion {digit} of the critical view")
    return CRITICAL_VIEW[int(digit) - 1]


_ROW = {
    **dict.fromkeys(("yes", "true", "met", "y", "1", *"✓✔✅"), True),
    **dict.fromkeys(("no", "false", "unmet", "n", "0", *"✗✘❌☒✖"), False),
}


def _in_a_row(part: str) -> dict[str, bool]:
    """The verdicts of "Yes, No, Yes": as many verdicts as the critical view has criteria, and nothing else."""
    words = re.findall(r"\w+|[✓✔✅✗✘❌☒✖]", part.casefold())
    if len(words) != len(CRITICAL_VIEW) or not {*words} <= _ROW.keys():
        return {}
    return {id: _ROW[w] for id, w in zip(CRITICAL_VIEW, words, strict=True)}


def _all_alike(part: str) -> dict[str, bool]:
    match = _ALL.search(part)
    if match is None or match["not"]:
        return {}
    return dict.fromkeys(CRITICAL_VIEW, not (match["none"] or match["un"] or match["no"]))


_EXCEPT = re.compile(
    rf"(?:^|[.;:,]\s?)(?:(?P<none>none)|all|both\sothers|everything)\b[^.;:,]{{0,40}}\b(?:{_GOOD})\b[^.;:]{{0,12}}"
    r"\b(?:except|but|save|apart\sfrom|other\sthan|bar)\b[^.;]*$",
    re.IGNORECASE,
)


_BUT_MET = re.compile(
    rf"(?:^|[.;:,]\s?)(?:all|everything)\b[^.;:,]{{0,20}}\b(?:except|but|save|apart\sfrom|other\sthan|bar)\b(?P<but>[^.;]*)"
    rf"\b(?:is|are|was|were|has\sbeen|have\sbeen)\s{_ADVERB}(?:{_GOOD})\s*(?:[.;]|$)",
    re.IGNORECASE,
)


def _all_but(part: str, named: set[str]) -> dict[str, bool]:
    """The verdicts of "all are met except A", or "all but A are met": of the critical view, the exceptions differ."""
    turned = _BUT_MET.search(part)
    if turned and (but := {*named_criteria(turned["but"])}) and but <= {*CRITICAL_VIEW}:
        return {id: id not in but for id in CRITICAL_VIEW}
    match = _EXCEPT.search(part)
    if match is None or not named or not named <= {*CRITICAL_VIEW}:
        return {}
    rest = match["none"] is None
    return {id: rest is not (id in named) for id in CRITICAL_VIEW}
