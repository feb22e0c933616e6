"""A reader of questions that sees no picture, and the bounds on what it may know of their answers.

The reader is a naive Bayes over the words of the question, trained on one half of the samples and tested on the other
half, then the other way round. A reader that finds nothing is right as often as chance says; a binomial bound on that
is what it must stay under, once against the majority answer and once, with as many samples of every answer, against
equal chance, because a leak of a rare answer does not show beside a frequent one. A second reader knows one word only,
and finds what is too rare for the first.
"""

from __future__ import annotations

import hashlib
import math
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

LEAST = 12
"""Samples of an answer in each half, under which it is too rare to learn and to test."""
DEVIATIONS = 4.0
"""How far above chance is no longer noise: once in 30 000 by chance, and the wordings are fixed."""
TOO_RARE = 1e-4
"""The same for one word, after counting how many words and answers were tried."""


@dataclass(frozen=True)
class Read:
    """What the reader sees of a sample, and what it must not be able to tell."""

    id: str
    half: int
    words: frozenset[str]
    answer: str


class Bayes:
    """Which words come with which answer: naive Bayes, each share pulled towards that among all answers."""

    PULL = 8.0  # as if so many questions more had been seen of each answer, worded as all are on average

    def __init__(self, samples: Sequence[Read]) -> None:
        answers = Counter(s.answer for s in samples)
        common = Counter(word for s in samples for word in s.words)
        both = Counter((s.answer, word) for s in samples for word in s.words)
        self.without = {answer: math.log(count) for answer, count in answers.items()}  # as if no word were there
        self.gain: dict[str, dict[str, float]] = defaultdict(dict)  # for each word that is
        for word, count in common.items():
            usual = (count + 0.5) / (len(samples) + 1)
            for answer, often in answers.items():
                share = (both[answer, word] + self.PULL * usual) / (often + self.PULL)
                self.without[answer] += math.log1p(-share)
                self.gain[word][answer] = math.log(share) - math.log1p(-share)

    def answer(self, words: frozenset[str]) -> str:
        known = sorted(words & self.gain.keys())
        return max(sorted(self.without), key=lambda a: self.without[a] + sum(self.gain[w][a] for w in known))


def telling_words(samples: Sequence[Read]) -> dict[str, float]:
    """Words that come with one answer more or less often than chance allows, all words and answers considered."""
    total = len(samples)
    answers = Counter(s.answer for s in samples)
    words = Counter(word for s in samples for word in s.words)
    both = Counter((word, s.answer) for s in samples for word in s.words)
    tries = 2 * len(words) * len(answers)
    found: dict[str, float] = {}
    for word, often in words.items():
        for answer, count in answers.items():
            seen = both[word, answer]
            low, high = max(0, often + count - total), min(often, count)
            tails = range(seen, high + 1) if seen * total > often * count else range(low, seen + 1)
            chance = sum(math.exp(_log_hypergeometric(n, often, count, total)) for n in tails)
            if chance * tries < TOO_RARE:
                found[f"the word {word!r}, on whether it is {answer!r}"] = chance * tries
    return found


def _log_hypergeometric(n: int, often: int, count: int, total: int) -> float:
    """Of ``total`` questions ``often`` hold a word and ``count`` have an answer: that ``n`` have both, by chance."""
    return _log_choose(often, n) + _log_choose(total - often, count - n) - _log_choose(total, count)


def _log_choose(n: int, k: int) -> float:
    return math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)


def excess(samples: Sequence[Read], chance: float | None = None) -> float:
    """By how many standard deviations the reader beats ``chance``, by default the majority answer of what it is asked.

    Without a leak its answers do not depend on what is right, so it is right as often as a coin of at most that share.
    """
    right, expected, variance = 0, 0.0, 0.0
    for half in (0, 1):
        reader = Bayes([s for s in samples if s.half != half])
        asked = [s for s in samples if s.half == half]
        share = chance or Counter(s.answer for s in asked).most_common(1)[0][1] / len(asked)
        right += sum(reader.answer(s.words) == s.answer for s in asked)
        expected += share * len(asked)
        variance += share * (1 - share) * len(asked)
    return (right - expected) / math.sqrt(variance) if variance else 0.0


def frequent(samples: Sequence[Read]) -> list[Read]:
    """Those whose answer occurs often enough in both halves."""
    often = Counter((s.answer, s.half) for s in samples)
    return [s for s in samples if min(often[s.answer, 0], often[s.answer, 1]) >= LEAST]


def balanced(samples: Sequence[Read]) -> list[Read]:
    """As many samples of each frequent answer in each half; which ones does not depend on their words."""
    groups: dict[tuple[str, int], list[Read]] = defaultdict(list)
    for s in frequent(samples):
        groups[s.answer, s.half].append(s)
    if not groups:
        return []
    size = min(map(len, groups.values()))
    return [s for g in groups.values() for s in sorted(g, key=lambda s: hashlib.sha1(s.id.encode()).digest())[:size]]


def one_against_the_rest(samples: Sequence[Read], answer: str) -> list[Read]:
    """The question whether it is ``answer``, balanced."""
    return balanced([Read(s.id, s.half, s.words, str(s.answer == answer)) for s in samples])


def leaks(samples: Sequence[Read]) -> dict[str, float]:
    """Every way in which a reader beats chance by more than noise: deviations of the one, chance of the other."""
    found = {"the majority answer": excess(samples)}
    even = balanced(samples)
    if len(kinds := {s.answer for s in even}) > 1:
        found["equal chance"] = excess(even, 1 / len(kinds))
    for answer in sorted({s.answer for s in frequent(samples)}):
        pair = one_against_the_rest(samples, answer)
        if len({s.answer for s in pair}) == 2:
            found[f"a coin on whether it is {answer!r}"] = excess(pair, 0.5)
    return {what: round(by, 1) for what, by in found.items() if by > DEVIATIONS} | telling_words(samples)
