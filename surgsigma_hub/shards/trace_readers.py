"""What a reader of parts of a trace knows of the answer without the image: levels 1 and 2, or level 3 alone.

The reader is naive Bayes over the claims of a text, the things named and what acts on what, whatever the words, trained
on the traces of all other videos. Level 3 is read sentence by sentence, without the sentences that only state the
answer and without the names of stages: what remains must not tell more than levels 1 and 2 do, or it was known from
elsewhere.
"""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..ontology import Kind
from ..reasoning.claim import What
from ..reasoning.claims import claims
from ..reasoning.label_spans import find

READ = ("phase_recognition", "step_recognition")
"""Tasks whose answer is one label that levels 1 and 2 do not name."""
MIN_SENTENCES = 50
"""Fewer sentences at one place of level 3 are not read: the share that is right would be chance."""

_STAGES: tuple[Kind, ...] = ("phase", "step")
_WORD = re.compile(r"[a-z']+")
_SENTENCE = re.compile(r"(?<=[.])\s+(?=[A-Z])")


@dataclass(frozen=True, slots=True)
class TraceReading:
    """What readers get right on the traces of one task and source, as shares (0..1) of those read.

    Attributes:
        traces: Traces of both: with words at level 1 or 2, and at level 3.
        constant: The most frequent answer of all.
        levels: Levels 1 and 2, read alone. None where there is only one video.
        sentence: The best of the places of level 3 (its first sentence, its second ...), read alone. None where no
            place has enough sentences beside those that state the answer.
        levels_there: Levels 1 and 2 on the same traces as ``sentence``.
        copied: Mean share of the answer's runs of four words that stand in the trace as they are.
    """

    source: str
    traces: int
    constant: float
    levels: float | None
    sentence: float | None
    levels_there: float | None
    copied: float


@dataclass(slots=True)
class TraceReader:
    """Gathers the traces of one task; ``close`` reads them."""

    task: str
    rows: dict[str, list[_Row]] = field(default_factory=lambda: defaultdict(list))

    def add(self, source: str, document: Mapping[str, Any]) -> None:
        """Keep one sample, if it has a trace."""
        told = document["reasoning"]
        seen = " ".join(told[level] for level in ("perceptual", "relational") if told[level])
        whole = " ".join(text for text in (seen, told["contextual"]) if text)
        if not whole:
            return
        labels = document["answer"]["labels"] if self.task in READ else []
        sentences = _SENTENCE.split(told["contextual"]) if labels and told["contextual"] else []
        row = _Row(
            document["canonical_video_id"],
            labels[0] if labels else "",
            _features(seen) if labels else Counter(),  # reading claims is most of the work of a card
            [_features(s) for s in sentences if not _states(s, labels)],
            _copied(document["messages"][-1]["content"], whole),
        )
        self.rows[source].append(row)

    def close(self) -> tuple[TraceReading, ...]:
        """What readers got right, a source each."""
        return tuple(_read(source, rows) for source, rows in sorted(self.rows.items()))


@dataclass(frozen=True, slots=True)
class _Row:
    video: str
    answer: str
    seen: Counter[str]
    sentences: list[Counter[str]]
    copied: float


def _features(text: str) -> Counter[str]:
    """What a text claims: things by kind, and who does what to what; stages of the operation are left out."""
    found: Counter[str] = Counter()
    for claim in claims(text):
        if claim.what is What.NAMED:
            found.update(f"{kind} {id}" for kind, id in claim.readings[:1] if kind not in _STAGES)
        elif claim.what is What.ABSENT:
            found.update(f"no {kind} {id}" for kind, id in claim.readings[:1])
        elif claim.what is What.RELATED and claim.relation is not None:
            found[" ".join(ids[0] if ids else "-" for ids in claim.relation)] += 1
        elif claim.what in (What.NONE_OF, What.UNRELATED, What.SMOKE):
            found[str(claim.what)] += 1
    return Counter(dict.fromkeys(found, 1))


def _states(sentence: str, labels: Sequence[str]) -> bool:
    """Whether a sentence is nothing but the answer: it names it, and nothing that is seen."""
    named = find(sentence)
    answers = any(id in labels for m in named for kind, id in m.readings if kind in _STAGES)
    scene = any(kind in ("instrument", "action", "target") for m in named for kind, _ in m.readings)
    return answers and not scene


def _copied(answer: str, trace: str) -> float:
    words, told = _WORD.findall(answer.lower()), _WORD.findall(trace.lower())
    runs = [tuple(words[n : n + 4]) for n in range(len(words) - 3)]
    known = {tuple(told[n : n + 4]) for n in range(len(told) - 3)}
    return sum(run in known for run in runs) / len(runs) if runs else 0.0


def _read(source: str, rows: Sequence[_Row]) -> TraceReading:
    copied = sum(row.copied for row in rows) / len(rows)
    asked = [row for row in rows if row.answer]
    if not asked:
        return TraceReading(source, len(rows), 0.0, None, None, None, round(copied, 3))
    constant = max(Counter(row.answer for row in asked).values()) / len(asked)
    right = _right([(row.video, row.answer, row.seen) for row in asked])
    best: tuple[float, float] | None = None
    if right is not None:
        for place in range(max(len(row.sentences) for row in asked)):
            there = [n for n, row in enumerate(asked) if len(row.sentences) > place]
            if len(there) < MIN_SENTENCES:
                continue
            alone = _right([(asked[n].video, asked[n].answer, asked[n].sentences[place]) for n in there])
            if alone is not None:
                score = sum(alone) / len(there), sum(right[n] for n in there) / len(there)
                best = max(best, score) if best else score
    return TraceReading(
        source,
        len(rows),
        round(constant, 3),
        None if right is None else round(sum(right) / len(asked), 3),
        None if best is None else round(best[0], 3),
        None if best is None else round(best[1], 3),
        round(copied, 3),
    )


def _right(rows: Sequence[tuple[str, str, Counter[str]]]) -> list[bool] | None:
    """Which answers naive Bayes gives from the other videos; None where there is only one video."""
    if len({video for video, _, _ in rows}) < 2:
        return None
    labels: dict[str, Counter[str]] = defaultdict(Counter)
    words: dict[str, dict[str, Counter[str]]] = defaultdict(lambda: defaultdict(Counter))
    for video, label, features in rows:
        labels[video][label] += 1
        words[video][label].update(features)
    found: dict[int, bool] = {}
    for video in labels:
        model = _Bayes.of((labels[other], words[other]) for other in labels if other != video)
        for n, (own, label, features) in enumerate(rows):
            if own == video:
                found[n] = model.guess(features) == label
    return [found[n] for n in range(len(rows))]


@dataclass(slots=True)
class _Bayes:
    prior: Counter[str]
    words: dict[str, Counter[str]]
    known: int

    @classmethod
    def of(cls, parts: Iterable[tuple[Counter[str], Mapping[str, Counter[str]]]]) -> _Bayes:
        prior: Counter[str] = Counter()
        words: dict[str, Counter[str]] = defaultdict(Counter)
        for labels, by_label in parts:
            prior.update(labels)
            for label, counts in by_label.items():
                words[label].update(counts)
        return cls(prior, words, len({word for counts in words.values() for word in counts}))

    def guess(self, features: Counter[str]) -> str:
        """The likeliest label; of equal ones the first by name."""
        scores = {}
        for label, count in self.prior.items():
            own = self.words[label]
            total = math.log(max(1, own.total() + self.known))
            scores[label] = math.log(count) + sum(n * (math.log(own[w] + 1) - total) for w, n in features.items())
        return min(scores, key=lambda label: (-scores[label], label))
