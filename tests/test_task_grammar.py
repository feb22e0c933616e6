"""How every sentence reads: each template of each group, with every label, for none, one and two, for 1 s and 2 s.

No grammar checker that works offline finds a wrong number of a verb beside names of instruments (Harper 2.13 passes
"the scissors is", "the hook are" and "there remain 1 second"), so the rules are our own. What they find is shown by
sentences that were once in the templates.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import cache

import pytest
from surgsigma_hub.ontology import Kind, concepts
from surgsigma_hub.ontology.forms import Article, Forms, forms
from surgsigma_hub.tasks.common.wording import bank

import wording_cases
from task_frames import TASKS

# ----------------------------------------------------------------------------------------------------------- rules

_THINGS: tuple[Kind, ...] = ("instrument", "target", "part")


def _names(fits: Callable[[Forms], bool]) -> str:
    every = (forms(kind, id) for kind in _THINGS for id in concepts(kind))
    return "|".join(sorted({re.escape(f.name) for f in every if fits(f)}))


_P = _names(lambda f: f.is_plural)
_S = _names(lambda f: not f.is_plural)
_M = _names(lambda f: f.article is Article.MASS)
_BEGIN = r"(?:^|[.?:|\n] |\bthat |, )"


def _any_case(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.IGNORECASE)


RULES: dict[str, re.Pattern[str]] = {
    "two spaces": re.compile(r"  |^\s|\s$"),
    "slot left": re.compile(r"[{}]"),
    "space before a stop": re.compile(r"\s[.,;:?]"),
    "two stops": re.compile(r"[.,;:?][.,;:?]"),
    "small letter after a stop": re.compile(r"(?<!\b[A-H])[.?] [a-z]"),
    "doubled word": re.compile(r"\b([A-Za-z]+) \1\b"),
    "a before a vowel": re.compile(r"\b[Aa] [aeio]|\b[Aa]n (?:[^aeiouh\W]|ure|ute|uni|eu)"),
    "article before a plural": re.compile(rf"\b[Aa]n? (?:{_P})\b"),
    "article before a mass noun": re.compile(rf"\b[Aa]n? (?:{_M})\b"),
    "plural with is": _any_case(rf"{_BEGIN}(?:the )?(?:{_P}) (?:is|was|does|has|lies|moves|stays)\b"),
    "is before a plural": _any_case(rf"(?:^|[.?:,] |\b(?:where|what|how|which) )(?:is|was|does) (?:the )?(?:{_P})\b"),
    "singular with are": _any_case(rf"{_BEGIN}(?:the |an? )?(?:{_S}) (?:are|were|do|have)\b"),
    "are before a singular": _any_case(rf"\b(?:are|do) (?:the|an?) (?:{_S})\b(?!(?:,| and|:| \[| \())"),
    "are after one": _any_case(r"\b(?:one|1) \w+ (?:are|remain)\b|\bone (?:type|kind) of \w+ are\b"),
    "is after two": _any_case(r"\b(?:two|three|four|[2-9]) \w+s is\b"),
    "one of many": _any_case(r"(?<![\d.])(?:\bone|1) (?:(?:second|instrument|structure|action|type|kind)s|criteria)\b"),
    "many of one": _any_case(r"(?<![\d.])(?:\btwo|\bthree|[2-9]) (?:second|instrument|structure|action|kind)\b"),
    "seconds remains": re.compile(r"\bseconds (?:remains|is)\b|\b1 second (?:remain|are)\b"),
    "there are one": _any_case(r"\bthere are (?:an?|one)\b|\bthere is (?:two|three)\b"),
    "they for one": re.compile(r"\b(?:Their corners|they span)\b"),
    "a thing and a thing": re.compile(r"\ban? ([a-z ]+?) (?:is|are) [^.]*?\ban? \1 (?:is|are)\b"),
    "an idle bag": _any_case(r"bag (?:is|are) in view (?:but|without)"),
    "Calot": re.compile(r"calot"),
    "picture": _any_case(r"\bpictures?\b"),
    "pompous": re.compile(
        r"can be made out of|Among the things|amounts to|goes on here|operation has come to|A no goes|A yes goes|"
        r"demand for|stands? out|is busy with|exposed to view",
        re.IGNORECASE,
    ),
    "named null": re.compile(r"\bno target\b|\bNone\.|\bnull\b"),
}  # fmt: skip

_SCOPED = {"doubled word", "a thing and a thing"}  # refer back to a group of their own
_ANY = re.compile(
    "|".join(f"(?{'i' if p.flags & re.IGNORECASE else ''}:{p.pattern})" for r, p in RULES.items() if r not in _SCOPED)
)
"""All other rules at once, which is faster where nothing is found."""


_FULL_STOP = re.compile(r"(?<=\.) ")


def _broken(text: str) -> Iterator[tuple[str, str]]:
    """The rules that a text breaks: no rule reads across a full stop and the space behind it, and sentences repeat."""
    begin = 0
    for stop in _FULL_STOP.finditer(text):
        yield from _rules_broken(text[max(0, begin - 3) : stop.start()].lstrip() if begin else text[: stop.start()])
        begin = stop.start()
    yield from _rules_broken(text[max(0, begin - 3) :].lstrip() if begin else text)


@cache
def _rules_broken(text: str) -> tuple[tuple[str, str], ...]:
    broken = RULES if _ANY.search(text) else _SCOPED
    return tuple((rule, found[0]) for rule in broken if (found := RULES[rule].search(text)))


_WAS_SAID = {
    "a before a vowel": "A irrigator is in view.",
    "article before a plural": "I see a scissors.",
    "plural with is": "The bipolar forceps is in view.",
    "is before a plural": "Where is the scissors?",
    "singular with are": "The hook are in view.",
    "are after one": "There remain 1 second, and one box are given.",
    "one of many": "One instruments in view.",
    "seconds remains": "2 seconds remains.",
    "there are one": "There are a grasper in the middle left and a hook.",
    "a thing and a thing": "a grasper is retracting the liver and a grasper is holding the omentum",
    "an idle bag": "the specimen bag is in view without acting",
    "pompous": "What can be made out of the instruments: a hook.",
    "doubled word": "In this image the the hook is seen.",
}


@pytest.mark.parametrize("rule", _WAS_SAID)
def test_a_rule_finds_what_was_once_said(rule: str) -> None:
    assert rule in dict(_broken(_WAS_SAID[rule]))


def _exempt(rule: str, said: wording_cases.Said) -> bool:
    return rule == "named null" and (said.group.endswith("none") or "none_met" in said.group)


@pytest.mark.parametrize("name", TASKS)
def test_every_sentence_reads_well_with_every_label(name: str) -> None:
    every = wording_cases.sentences(name)
    assert len(every) > 150
    for said in every:
        text = said.text.replace("\n", " | ")
        for rule, found in _broken(text):
            assert _exempt(rule, said), f"{rule} ({found!r}) in {said.group}: {said.template!r} -> {said.text!r}"
        assert said.text[0].isupper() or said.text[0].isdigit(), said
        last = said.text.rpartition("\n")[2]
        assert said.text.endswith((".", "?")) or re.match(r"[A-H]\. ", last), said
        assert said.side == "questions" or said.text.endswith("."), said


# ----------------------------------------------------------------------------------- openings, yes and no, repetition


def _openings(text: str) -> Iterator[str]:
    for sentence in re.split(r"(?<=[.?])\s", text):
        yield " ".join(sentence.split()[:3])


@pytest.mark.parametrize("name", TASKS)
def test_no_two_sentences_of_a_text_open_alike(name: str) -> None:
    for said in wording_cases.sentences(name):
        if said.group.startswith("choice") or "caption" in said.template or "body" in said.template:
            continue  # options and captions say the same kind of thing several times
        openings = list(_openings(said.text))
        assert len(set(openings)) == len(openings), said


_POLAR = _any_case(
    r"(?:^|[.:,] )(?:is|are|does|do|has|have|can you (?:see|confirm)|would you (?:say that|call)|do you see) (?!not)"
)
_EITHER = _any_case(r"\bor\b|\bcan you (?:tell|give)\b")
_YES_NO = ("existence", "check")


@pytest.mark.parametrize("name", TASKS)
def test_what_can_be_answered_by_yes_or_no_is(name: str) -> None:
    for group, lines in bank(name).questions.items():
        for line in lines:
            said = re.sub(r"\{[Bb]e\}|\{[Tt]hing_be\}", "is", line.replace("{criterion_question}", "is it so?"))
            said = re.sub(r"\{Criterion_question\}", "Is it so?", said)
            polar = [s for s in re.split(r"(?<=[.?])\s", said) if s.endswith("?") and _POLAR.match(s.split(": ")[-1])]
            if group.startswith(_YES_NO):
                assert _POLAR.search(said) or re.search(r"\bif \{a_asked\}|\blook for\b", said, re.IGNORECASE), line
            else:
                assert all(_EITHER.search(s) for s in polar) or "If so" in said, f"{group}: {line!r}"
    for group, lines in bank(name).answers.items():
        if not group.startswith(_YES_NO):
            continue
        yes = not group.endswith("_no")
        for line in lines:
            if yes:
                assert re.match(r"Yes\b", line) or line.endswith("so yes."), line
            else:
                assert re.match(r"No\b", line) or line.endswith("so no."), line


_TWICE = re.compile(
    r"\b(in view|in the image|in this image|in the field|in the video|in this video)\b[^.?:]*\b\1\b", re.IGNORECASE
)


@pytest.mark.parametrize("name", TASKS)
def test_no_sentence_says_a_place_twice(name: str) -> None:
    for said in wording_cases.sentences(name):
        assert not _TWICE.search(said.text) or "in view but idle" in said.text or "bag is in view" in said.text, said
