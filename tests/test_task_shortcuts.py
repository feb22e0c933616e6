"""The words of a question do not tell its answer: a reader that sees no picture does no better than a blind guess.

The reader is a naive Bayes over the words of the question, trained on half of the synthetic operations and tested on
the other half, then the other way round. Wordings are drawn from the sample's id, so a reader that finds nothing is
right as often as chance says; a binomial bound on that is what it must stay under. Each group of questions is looked
at by itself, once as it is (against the majority answer) and then with as many samples of every answer (against equal
chance), because a leak of a rare answer does not show beside a frequent one. A second reader knows one word only, and
finds what is too rare for the first.
"""

from __future__ import annotations

import hashlib
import math
import random
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType

import pytest
from surgsigma_hub.building.rehearse import rehearse
from surgsigma_hub.media.boxes import region_words
from surgsigma_hub.records import Box, Sample
from surgsigma_hub.registry import get_source
from surgsigma_hub.shards.answer_statistics import size_word
from surgsigma_hub.source import parse_options
from surgsigma_hub.tasks import Draft
from surgsigma_hub.tasks.common.wording import bank, filled, slots_of

from task_frames import TASKS

VIDEOS = 24
DRAWN = {"videos": str(VIDEOS), "frames": "40", "width": "64", "height": "48"}
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


# --------------------------------------------------------------------------------------- what must not be told, by task

Told = Callable[[Sample, Draft], str | None]


def _labels(sample: Sample, draft: Draft) -> str:
    return ", ".join(sample.answer.labels) or "none"


def _triplets(sample: Sample, draft: Draft) -> str:
    return "; ".join(f"{t.instrument} {t.action} {t.target}" for t in sample.answer.triplets) or "none"


def _verdicts(sample: Sample, draft: Draft) -> str:
    return "; ".join(f"{c.criterion} {c.met}" for c in sample.answer.criteria)


def _box_labels(sample: Sample, draft: Draft) -> str:
    return ", ".join(sorted(b.label for b in sample.answer.boxes)) or "none"


def _region(sample: Sample, draft: Draft) -> str:
    (box,) = sample.answer.boxes
    return region_words(Box(box.x1, box.y1, box.x2, box.y2))


def _size(sample: Sample, draft: Draft) -> str:
    (box,) = sample.answer.boxes
    return size_word({"x1": box.x1, "y1": box.y1, "x2": box.x2, "y2": box.y2})


def _duration(sample: Sample, draft: Draft) -> str:
    assert sample.answer.seconds is not None
    return "short" if sample.answer.seconds < 2 else "long"


def _first_native(sample: Sample, draft: Draft) -> str:
    return sample.native.labels[0]


def _yes(sample: Sample, draft: Draft) -> str:
    answer = sample.answer
    return str(bool(answer.labels or answer.boxes or answer.triplets))


def _met(sample: Sample, draft: Draft) -> str:
    return str(sample.answer.criteria[0].met)


def _as_asked(sample: Sample, draft: Draft) -> str:
    assert sample.provenance.template is not None
    return sample.provenance.template.partition("+")[2].split("/")[0]


def _named_first(sample: Sample, draft: Draft) -> str:
    right = draft.slots.get("right") or draft.slots["thing"]
    return str(right.endswith(draft.slots["first"]))


MUST_NOT_TELL: dict[tuple[str, str], Told] = {
    ("action_recognition", "default"): _labels,
    ("action_recognition", "clip"): _labels,
    ("action_recognition", "existence"): _yes,
    ("action_remaining_prediction", "default"): _duration,
    ("image_captioning", "default"): _first_native,
    ("instrument_localization", "all"): _box_labels,
    ("instrument_localization", "by_name"): _region,
    ("instrument_localization", "by_region"): _size,
    ("instrument_localization", "existence"): _yes,
    ("instrument_localization", "place"): _named_first,
    ("instrument_localization", "count"): _box_labels,
    ("instrument_recognition", "default"): _labels,
    ("instrument_recognition", "choice"): _labels,
    ("instrument_recognition", "count"): _labels,
    ("instrument_recognition", "existence"): _yes,
    ("instrument_segmentation", "all"): _labels,
    ("next_action_planning", "default"): _labels,
    ("phase_recognition", "default"): _labels,
    ("phase_recognition", "clip"): _labels,
    ("phase_recognition", "choice"): _labels,
    ("phase_recognition", "check"): _as_asked,
    ("safety_assessment", "default"): _verdicts,
    ("safety_assessment", "check_criterion"): _met,
    ("step_recognition", "default"): _labels,
    ("step_recognition", "clip"): _labels,
    ("step_recognition", "choice"): _labels,
    ("step_recognition", "check"): _as_asked,
    ("step_recognition", "context"): _labels,
    ("tissue_localization", "all"): _box_labels,
    ("tissue_localization", "by_name"): _region,
    ("tissue_localization", "existence"): _yes,
    ("tissue_localization", "place"): _named_first,
    ("tissue_recognition", "default"): _labels,
    ("tissue_recognition", "existence"): _yes,
    ("triplet_recognition", "default"): _triplets,
    ("triplet_recognition", "existence"): _yes,
    ("triplet_recognition", "one_instrument"): _triplets,
    ("triplet_recognition", "one_target"): _triplets,
    ("video_captioning", "default"): _first_native,
}
"""By task and question group: what the wording must not tell. What fills its slots is hidden: it may, on purpose."""

NOTHING_TO_TELL = {
    ("depth_estimation", "default"): "the answer is a medium",
    ("desmoking", "default"): "the answer is a medium",
    ("instrument_segmentation", "by_name"): "the answer is a medium, and its label is named",
    ("instrument_segmentation", "by_part"): "the answer is a medium, and its part is named",
    **dict.fromkeys(
        (
            ("action_recognition", "choice"),
            ("action_recognition", "count"),
            ("action_recognition", "context"),
            ("action_recognition", "context_clip"),
            ("action_recognition", "order_first"),
            ("action_recognition", "order_last"),
            ("action_remaining_prediction", "choice"),
            ("instrument_localization", "place_contact"),
            ("instrument_localization", "place_size"),
            ("next_action_planning", "choice"),
            ("next_action_planning", "context"),
            ("phase_recognition", "context"),
            ("phase_recognition", "context_clip"),
            ("safety_assessment", "count"),
            ("step_recognition", "context_clip"),
            ("tissue_localization", "count"),
            ("tissue_localization", "place_size"),
            ("tissue_recognition", "choice"),
            ("tissue_recognition", "count"),
            ("triplet_recognition", "context"),
        ),
        "asked too rarely to find a leak in; the wording is drawn as that of the groups above",
    ),
    **dict.fromkeys(
        (
            ("action_recognition", "done_by"),
            ("tissue_recognition", "acted_on"),
            ("tissue_recognition", "acted_on_by"),
            ("triplet_recognition", "done_by"),
        ),
        "asked where a source lists less than all that is in view, and the drawn one lists all",
    ),
    ("tissue_localization", "by_region"): "no synthetic picture shows two tissues of one class",
    ("next_frame_generation", "default"): "the answer is a medium, and the question is its description",
    ("video_generation", "from_text"): "the answer is a medium, and the question is its description",
    ("video_generation", "from_picture"): "the answer is a medium, and the question is its description",
}


def question_words(sample: Sample, shown: Mapping[str, str] = MappingProxyType({})) -> frozenset[str]:
    """The words of the template of the question, but for what fills its slots, unless it is ``shown``."""
    assert sample.provenance.template is not None
    task, group, number = sample.provenance.template.partition("+")[0].split("/")
    template = bank(task).questions[group][int(number)]
    slots = {slot: f"({slot.lower()})" for slot in slots_of(template)}
    asked = sample.messages[0].content.rpartition(">\n")[2]
    fixed = [re.escape(part) for part in re.split(r"\{\w+\}", template)]
    assert re.match("(?s)" + "(.*?)".join(fixed), asked, re.IGNORECASE), "not the question asked"
    return frozenset(re.findall(r"\w+|[^\w\s]", filled(template, {**slots, **shown}).lower()))


def group_of(sample: Sample) -> str:
    """The question group that the sample took: another than that of its draft where it is asked in another way."""
    assert sample.provenance.template is not None
    return sample.provenance.template.split("/")[1]


@cache
def everything() -> dict[tuple[str, str], list[Read]]:
    """What there is to read, by task and question group."""
    kind = get_source("synthetic")
    source = kind(options=parse_options(kind, DRAWN))
    found: dict[tuple[str, str], list[Read]] = defaultdict(list)
    for number, video in enumerate(source.videos()):
        # Tissues are asked for one by one, nine in a picture: a third of the operations tells enough of them.
        tasks = [t for t in TASKS.values() if t.name != "tissue_localization" or number < VIDEOS / 3]
        for task, draft, sample in rehearse(source, video, tasks):
            key = task.name, group_of(sample)
            if key in MUST_NOT_TELL:
                told = MUST_NOT_TELL[key](sample, draft) or "none"
                found[key].append(Read(sample.id, number % 2, question_words(sample), told))
    return dict(found)


# ------------------------------------------------------------------------------------------------------- the reader


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


# -------------------------------------------------------------------------------------------------------- the tests


def test_every_question_group_of_every_task_is_looked_at() -> None:
    groups = {(name, group) for name in TASKS for group in bank(name).questions}
    listed = MUST_NOT_TELL.keys() | NOTHING_TO_TELL.keys()
    assert groups == listed, "say in MUST_NOT_TELL what the question must not tell, or in NOTHING_TO_TELL why not"
    drawn = {key for key, samples in everything().items() if samples}
    assert drawn >= MUST_NOT_TELL.keys(), "the synthetic operations ask nothing of this group"


@pytest.mark.parametrize("key", sorted(MUST_NOT_TELL), ids="-".join)
def test_the_words_do_not_tell_the_answer(key: tuple[str, str]) -> None:
    samples = everything()[key]
    assert len({s.answer for s in samples}) > 1 and len(samples) >= 60, "too little to find a leak in"
    assert not leaks(samples), f"{key[0]}, questions {key[1]}: the words tell more than chance"


# ------------------------------------------------------------------------------------- that the test can find a leak


def _with_word(samples: Sequence[Read], when: Callable[[Read], bool], share: float) -> list[Read]:
    """A share of the samples asked with a word more, where ``when`` says so."""
    rng = random.Random(5)
    draws = [rng.random() < share for _ in samples]
    return [
        Read(s.id, s.half, s.words | {"leaky"} if when(s) and drawn else s.words, s.answer)
        for s, drawn in zip(samples, draws, strict=True)
    ]


def _rarest(samples: Sequence[Read]) -> str:
    """The answer that hides a leak best."""
    return Counter(s.answer for s in frequent(samples)).most_common()[-1][0]


@pytest.mark.parametrize("name", ["phase_recognition", "step_recognition", "safety_assessment"])
def test_a_leaky_wording_is_found(name: str) -> None:
    samples = everything()[name, "default"]
    for answer in (_rarest(samples), Counter(s.answer for s in samples).most_common(1)[0][0]):
        found = leaks(_with_word(samples, lambda s, leaky=answer: s.answer == leaky, 0.7))  # type: ignore[misc]
        assert any("'leaky'" in what for what in found), "by the one word"
    assert not leaks(_with_word(samples, lambda s: True, 0.5)), "a word that comes by chance is no leak"


def test_the_reader_of_all_words_finds_what_no_word_tells_alone() -> None:
    """Many words, each a little more frequent with one answer."""
    rng = random.Random(3)
    read = []
    for n in range(600):
        answer = rng.choice(["yes", "no"])
        words = [w for w in (f"w{k}" for k in range(60)) if rng.random() < (0.54 if answer == "yes" else 0.46)]
        read.append(Read(f"s{n}", n % 2, frozenset(words), answer))
    found = leaks(read)
    assert "equal chance" in found and not any("word" in what for what in found), found


def test_without_words_nothing_is_found() -> None:
    rng = random.Random(4)
    noise = [f"w{k}" for k in range(40)]
    for _ in range(20):
        read = [Read(f"s{n}", n % 2, frozenset(rng.sample(noise, 8)), rng.choice("aaaaabbc")) for n in range(300)]
        assert not leaks(read)


def test_a_template_used_for_none_alone_is_found() -> None:
    samples = everything()["instrument_recognition", "default"]
    assert "none" in {s.answer for s in frequent(samples)}
    if_any = frozenset(["is", "there", "any", "instrument", "at", "all", "?"])
    asked = [Read(s.id, s.half, if_any if s.answer == "none" else s.words - {"any"}, s.answer) for s in samples]
    assert leaks(asked)


def test_a_name_that_is_not_hidden_is_found() -> None:
    """The hidden slots do tell: with them in sight the reader finds the place of a structure by its name."""
    kind = get_source("synthetic")
    source = kind(options=parse_options(kind, {**DRAWN, "videos": "6"}))
    read = [
        Read(sample.id, number % 2, question_words(sample, draft.slots), _region(sample, draft))
        for number, video in enumerate(source.videos())
        for task, draft, sample in rehearse(source, video, [TASKS["tissue_localization"]])
        if draft.question == "by_name"
    ]
    assert leaks(read)
