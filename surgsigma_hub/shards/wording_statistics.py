"""How varied the language of a tree is, and what guesses without an image score: counted, no media read."""

from __future__ import annotations

import math
import re
import statistics
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from .answer_statistics import documents, typed_text
from .manifest import Manifest, load_tree
from .trace_readers import TraceReader, TraceReading

LIMIT = 1000
"""Samples that are looked at of a task, the sources in equal parts; the figures depend on how many they are."""
SELF_BLEU_TEXTS = 200
"""Texts that self-BLEU compares with one another: the usual number in work on the diversity of generated text."""
OVERLAP = 0.5
"""Intersection over union from which on a guessed box counts as right, as in detection benchmarks."""

_FIELDS = ("messages", "answer", "reasoning", "provenance", "canonical_video_id")
_TOKEN = re.compile(r"\d+\.\d+|\w+|[^\w\s]")
"""A word, a mark, or a number with its decimals, which is one token in the tokenizers of BLEU as well (mteval-v13a)."""
_MEDIA = re.compile(r"<(?:image|video)>\s*")


@dataclass(frozen=True, slots=True)
class Variety:
    """How varied some texts are.

    Attributes:
        texts: How many there are.
        per_thousand: Different texts among 1,000.
        bigrams: Different pairs of neighbouring tokens as a share (0..1) of all pairs; ``trigrams`` the same of three.
        self_bleu: Mean 4-gram BLEU (0..1) of up to 200 texts, each against the others; 1 says that each text is made
            of the others. None for fewer than two.
        words: 5th, 50th and 95th percentile of the number of words.
    """

    texts: int
    per_thousand: int
    bigrams: float
    trigrams: float
    self_bleu: float | None
    words: tuple[int, int, int]

    @classmethod
    def of(cls, texts: Sequence[str]) -> Variety | None:
        """The variety of ``texts``; None where there are none."""
        if not texts:
            return None
        split = [_TOKEN.findall(text.casefold()) for text in texts]
        lengths = sorted(sum(token[0].isalnum() for token in tokens) for tokens in split)
        return cls(
            texts=len(texts),
            per_thousand=round(1000 * len({*texts}) / len(texts)),
            bigrams=_distinct(split, 2),
            trigrams=_distinct(split, 3),
            self_bleu=self_bleu(split[:SELF_BLEU_TEXTS]),
            words=(_percentile(lengths, 5), _percentile(lengths, 50), _percentile(lengths, 95)),
        )


@dataclass(frozen=True, slots=True)
class Blind:
    """What guesses score that look at no image, on the samples of one task and source.

    Attributes:
        constant: Share (0..1) of samples on which the most frequent answer of all is exactly right.
        question: The same for the most frequent answer to the very same question in the other videos, else the
            constant of the other videos. None where there is only one video.
        box: Share of boxes that the median box of the same label in the other videos meets with an intersection over
            union of a half or more; None where nothing is boxed.
    """

    source: str
    samples: int
    constant: float
    question: float | None = None
    box: float | None = None


@dataclass(frozen=True, slots=True)
class Wording:
    """The language of one task over all its sources.

    Attributes:
        kinds: Kinds of question, by how many samples are asked so.
        blind: Blind guesses, a source each; empty where the answers are media.
        readings: What readers of the traces know of the answer, a source each; empty where there are no traces.
    """

    task: str
    samples: int
    kinds: Mapping[str, int]
    questions: Variety | None
    answers: Variety | None
    traces: Variety | None
    blind: tuple[Blind, ...]
    readings: tuple[TraceReading, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """Plain values, all keys present."""
        return asdict(self)


def count_wording(tree: Path, limit: int = LIMIT) -> list[Wording]:
    """The wording of every task of a tree, by name.

    Args:
        tree: Folder of a built tree.
        limit: How many samples of a task are looked at, its sources in equal parts. Shards are shuffled, so that the
            first ones stand for all.

    Raises:
        ShardError: no tree there, or a shard that is missing or damaged.
    """
    manifests = sorted(load_tree(tree), key=lambda manifest: manifest.source)
    held: dict[str, Counter[str]] = defaultdict(Counter)
    for manifest in manifests:
        for task, count in manifest.counts.items():
            held[task][manifest.source] += count
    counts = {task: _Counts(task, reader=TraceReader(task)) for task in sorted(held)}
    for manifest in manifests:
        wanted: dict[str, int] = {}
        for task, count in manifest.counts.items():
            total = held[task][manifest.source]
            share = math.ceil(limit / len(held[task]))
            wanted[task] = math.ceil(share * count / total) if total else 0
        for task, document in _first_of_each(tree, manifest, wanted):
            counts[task].add(manifest.source, document)
    return [one.close() for one in counts.values() if one.samples]


def _first_of_each(tree: Path, manifest: Manifest, wanted: dict[str, int]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The first samples of each task of a manifest, as many as are ``wanted``, which is read once for all of them."""
    left = {task: min(count, manifest.counts[task]) for task, count in wanted.items()}
    missing = sum(left.values())
    for document in documents(tree, manifest, _FIELDS) if missing else ():
        task = document["task"] if manifest.layout == "frames" else manifest.task
        if left.get(task):
            left[task] -= 1
            missing -= 1
            yield task, document
        if not missing:
            return


@dataclass(slots=True)
class _Counts:
    task: str
    reader: TraceReader
    samples: int = 0
    kinds: Counter[str] = field(default_factory=Counter)
    questions: list[str] = field(default_factory=list)
    answers: list[str] = field(default_factory=list)
    traces: list[str] = field(default_factory=list)
    asked: dict[str, list[_Asked]] = field(default_factory=dict)

    def add(self, source: str, document: Mapping[str, Any]) -> None:
        self.samples += 1
        said = [(m["role"], m["content"]) for m in document["messages"]]
        questions = [_MEDIA.sub("", text).strip() for role, text in said if role == "user"]
        self.questions += questions
        self.answers += [text for role, text in said if role == "assistant"]
        told = (document["reasoning"].get(level) for level in ("perceptual", "relational", "contextual"))
        trace = " ".join(text for text in told if text)
        self.traces += [trace] if trace else []
        self.reader.add(source, document)
        self.kinds[_kind(document["provenance"].get("template"))] += 1
        answer = typed_text(self.task, document["answer"])
        if answer is not None:
            boxes = [(b["label"], (b["x1"], b["y1"], b["x2"], b["y2"])) for b in document["answer"]["boxes"]]
            asked = _Asked(document["canonical_video_id"], " ".join(questions), answer, boxes)
            self.asked.setdefault(source, []).append(asked)

    def close(self) -> Wording:
        return Wording(
            self.task,
            self.samples,
            dict(sorted(self.kinds.items(), key=lambda pair: (-pair[1], pair[0]))),
            Variety.of(self.questions),
            Variety.of(self.answers),
            Variety.of(self.traces),
            tuple(_blind(source, asked) for source, asked in sorted(self.asked.items())),
            self.reader.close(),
        )


def _kind(template: str | None) -> str:
    """The question group in ``<task>/<group>/<n>+...``."""
    parts = (template or "").split("+")[0].split("/")
    return parts[1] if len(parts) > 1 else "unknown"


# ---------------------------------------------------------------------------------------------------- the figures


def _percentile(rising: Sequence[int], percent: int) -> int:
    return rising[min(len(rising) - 1, len(rising) * percent // 100)]


def _grams(tokens: Sequence[str], n: int) -> Iterator[tuple[str, ...]]:
    return zip(*(tokens[at:] for at in range(n)), strict=False)


def _distinct(texts: Iterable[Sequence[str]], n: int) -> float:
    counts = Counter(gram for tokens in texts for gram in _grams(tokens, n))
    return round(len(counts) / counts.total(), 3) if counts else 0.0


def self_bleu(texts: Sequence[Sequence[str]]) -> float | None:
    """Mean BLEU of each text against all the others, n-grams of one to four tokens weighted equally, no smoothing.

    An n-gram of a text is met as often as the text that has it most often of all the others. Only the text that has it
    most often can have more of it than that, so that one pass over all n-grams tells what is not met; libraries for
    translation count every reference anew for every text.

    Args:
        texts: Tokens of each text; those shorter than four tokens are scored by what n-grams they have.

    >>> self_bleu([["a", "grasper", "is", "seen"], ["a", "grasper", "is", "seen"]])
    1.0
    >>> self_bleu([["a", "b"], ["c", "d"]])
    0.0
    """
    if len(texts) < 2:
        return None
    lengths = sorted(len(tokens) for tokens in texts)
    logs: list[list[float]] = [[] for _ in texts]
    for n in (1, 2, 3, 4):
        counts = [Counter(_grams(tokens, n)) for tokens in texts]
        for own, mine, alone in zip(logs, counts, _alone(counts), strict=True):
            if total := mine.total():
                own.append(math.log((total - alone) / total) if alone < total else -math.inf)
    scores = [math.exp(statistics.fmean(own)) if own else 0.0 for own in logs]
    return round(statistics.fmean(s * _brevity(len(t), lengths) for s, t in zip(scores, texts, strict=True)), 3)


def _alone(counts: Sequence[Counter[tuple[str, ...]]]) -> list[int]:
    """Of each text, how many n-grams no other text has as often."""
    most: dict[tuple[str, ...], tuple[int, int, int]] = {}  # how often, in which text, how often in another at most
    for owner, counter in enumerate(counts):
        for gram, count in counter.items():
            first, of, second = most.get(gram, (0, -1, 0))
            if count > first:
                most[gram] = count, owner, first
            elif count > second:
                most[gram] = first, of, count
    alone = [0] * len(counts)
    for first, of, second in most.values():
        alone[of] += first - second
    return alone


def _brevity(length: int, lengths: Sequence[int]) -> float:
    """BLEU's penalty for a text shorter than the other text nearest to it in length; ``lengths`` rise."""
    at = bisect_left(lengths, length)
    beside = [*lengths[max(0, at - 1) : at], *lengths[at + 1 : at + 2]]
    nearest = min(beside, key=lambda other: (abs(other - length), other))
    return 1.0 if length >= nearest or not length else math.exp(1 - nearest / length)


@dataclass(frozen=True, slots=True)
class _Asked:
    video: str
    question: str
    answer: str
    boxes: list[tuple[str, tuple[float, float, float, float]]]


def _blind(source: str, asked: Sequence[_Asked]) -> Blind:
    total = Counter(one.answer for one in asked)
    videos = {one.video for one in asked}
    constant = max(total.values()) / len(asked)
    if len(videos) < 2:
        return Blind(source, len(asked), round(constant, 3))
    by_video: dict[str, Counter[str]] = defaultdict(Counter)
    by_question: dict[str, Counter[str]] = defaultdict(Counter)
    both: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    for one in asked:
        by_video[one.video][one.answer] += 1
        by_question[one.question][one.answer] += 1
        both[one.question, one.video][one.answer] += 1
    right = 0
    for (question, video), answers in both.items():
        elsewhere = by_question[question] - answers
        right += answers[_most(elsewhere or total - by_video[video])]
    return Blind(source, len(asked), round(constant, 3), round(right / len(asked), 3), _median_boxes(asked))


def _most(counts: Counter[str]) -> str:
    return min(counts.items(), key=lambda pair: (-pair[1], pair[0]))[0]


def _median_boxes(asked: Sequence[_Asked]) -> float | None:
    """Share of boxes that the median box of their label in the other videos meets."""
    boxes = [(one.video, label, box) for one in asked for label, box in one.boxes]
    if not boxes:
        return None
    by_label: dict[str, list[tuple[str, tuple[float, float, float, float]]]] = defaultdict(list)
    for video, label, box in boxes:
        by_label[label].append((video, box))
    guesses: dict[tuple[str, str], tuple[float, ...] | None] = {}
    right = 0
    for video, label, box in boxes:
        if (video, label) not in guesses:
            others = [b for v, b in by_label[label] if v != video]
            guesses[video, label] = tuple(map(statistics.median, zip(*others, strict=True))) if others else None
        guess = guesses[video, label]
        right += guess is not None and _overlap(guess, box) >= OVERLAP
    return round(right / len(boxes), 3)


def _overlap(one: Sequence[float], other: Sequence[float]) -> float:
    """Intersection over union of two boxes ``x1 y1 x2 y2``."""
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    if width <= 0 or height <= 0:
        return 0.0
    areas = [(b[2] - b[0]) * (b[3] - b[1]) for b in (one, other)]
    return width * height / (sum(areas) - width * height)
