"""How the answers of a tree are distributed, and what a blind guess would score: counted, one pass, no media read."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from ..conformance import form_problem
from ..errors import ShardError
from ..tasks import AnswerKind, all_tasks
from .manifest import Manifest, load_tree
from .reader import open_shard, read_documents

NONE = "none"
SIZES: tuple[tuple[str, float], ...] = (("small", 0.01), ("medium", 0.1), ("large", 1.0))
"""Words for the size of a box, each up to this share of the frame's area."""


@dataclass(frozen=True, slots=True)
class Tally:
    """How many samples hold something: ``count`` of them, ``share`` (0..1) of those that could."""

    what: str
    count: int
    share: float


@dataclass(frozen=True, slots=True)
class Spread:
    """Five numbers of a distribution; quartiles interpolate between neighbours."""

    low: float
    first: float
    median: float
    third: float
    high: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        """The spread of at least one value."""
        inner = statistics.quantiles(values, n=4, method="inclusive") if len(values) > 1 else [values[0]] * 3
        first, median, third = (round(q, 3) for q in inner)
        return cls(min(values), first, median, third, max(values))


@dataclass(frozen=True, slots=True)
class Guess:
    """What always giving one answer scores on the samples it was counted on.

    Attributes:
        answer: The most frequent typed answer as text; for seconds their median.
        accuracy: Share (0..1) of samples it is exactly right on; None for seconds.
        mean_error: Mean absolute error in seconds; None for others.
    """

    answer: str
    accuracy: float | None = None
    mean_error: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Distribution:
    """The answers of one task, source and split.

    Attributes:
        kind: What the task answers with.
        none: Samples whose answer is a true "none"; counted for labels, boxes and triplets only.
        labels: Samples that name the label, most frequent first; in ``answer.labels`` or as label of a box.
        triplets: Samples that hold the triplet.
        criteria: Samples in which the criterion is met, of those that judge it.
        boxes_per_answer: Samples with this many boxes.
        box_sizes: Boxes by the words of ``SIZES``.
        seconds: Spread of durations.
        words: Spread of the number of words of a text.
        guess: None where the answer is a medium, or there is no sample.
    """

    task: str
    source: str
    split: str
    kind: str
    samples: int
    none: int | None = None
    labels: tuple[Tally, ...] = ()
    triplets: tuple[Tally, ...] = ()
    criteria: tuple[Tally, ...] = ()
    boxes_per_answer: tuple[Tally, ...] = ()
    box_sizes: tuple[Tally, ...] = ()
    seconds: Spread | None = None
    words: Spread | None = None
    guess: Guess | None = None

    def as_dict(self) -> dict[str, Any]:
        """Plain values, all keys present."""
        return asdict(self)


def count_answers(tree: Path) -> list[Distribution]:
    """The distribution of every task, source and split of a tree, in that order.

    Raises:
        ShardError: no tree there, a shard that its manifest lists is missing or damaged, or a sample without answer.
    """
    found = [one for manifest in load_tree(tree) for one in count_part(tree, manifest)]
    return sorted(found, key=lambda one: (one.task, one.source, one.split))


def count_part(tree: Path, manifest: Manifest) -> list[Distribution]:
    """The distribution of each task of one manifest; as :func:`count_answers`."""
    known = all_tasks()
    counts = {task: _Counts(known[task].answer if task in known else None) for task in manifest.counts}
    for document in documents(tree, manifest, ("answer",)):
        task = document["task"] if manifest.layout == "frames" else manifest.task
        if task in counts:  # what the manifest does not count is for validate to tell
            counts[task].add(document["answer"])
    return [one.close(task, manifest) for task, one in counts.items()]


def typed_text(task: str, answer: Mapping[str, Any]) -> str | None:
    """The typed answer as text, equal for two answers that say the same; None where the answer is a medium."""
    known = all_tasks().get(task)
    kind = known.answer if known else _kind_of(answer)
    if kind is AnswerKind.SECONDS:
        return f"{answer['seconds']:g}"
    return _TYPED[kind](answer) if kind in _TYPED else None


def documents(tree: Path, manifest: Manifest, fields: Sequence[str]) -> Iterator[Mapping[str, Any]]:
    """The JSON of every conversation of one manifest, in order.

    Args:
        tree: Folder of a built tree.
        manifest: What is read.
        fields: Those that are looked at, and whose form is checked; others may be missing.

    Raises:
        ShardError: a shard is missing or damaged, or holds a sample that is none of this package.
    """
    by_medium = manifest.layout == "frames"
    looked_at = (*fields, "task") if by_medium else fields
    for shard in manifest.shards:
        where = f"{manifest.folder}/{shard.name}"
        with open_shard(tree, where) as file:
            for document in read_documents(file, where=where):
                if problem := form_problem(document, looked_at, layout=manifest.layout):
                    raise ShardError(
                        f"{where}: not a sample of this package: {problem}", hint="Run: surgsigma validate"
                    )
                if by_medium:
                    yield from ({**document, **talk} for talk in document["conversations"])
                else:
                    yield document


def size_word(box: Mapping[str, float]) -> str:
    """How large a box is in the frame.

    >>> size_word({"x1": 0.0, "y1": 0.0, "x2": 0.2, "y2": 0.3})
    'medium'
    """
    area = (box["x2"] - box["x1"]) * (box["y2"] - box["y1"])
    return next((word for word, most in SIZES if area <= most), SIZES[-1][0])


# ------------------------------------------------------------------------------------------------------- counting


def _triplet(t: Mapping[str, str]) -> str:
    return f"{t['instrument']}, {t['action']}, {t['target']}"


def _box(b: Mapping[str, Any]) -> str:
    return f"{b['label']} [{b['x1']:.3f}, {b['y1']:.3f}, {b['x2']:.3f}, {b['y2']:.3f}]"


# The typed answer as text: equal for two answers that say the same, in whatever order; corners to three decimals.
_TYPED: Mapping[AnswerKind, Callable[[Mapping[str, Any]], str]] = {
    AnswerKind.LABEL: lambda a: ", ".join(sorted(a["labels"])) or NONE,
    AnswerKind.LABELS: lambda a: ", ".join(sorted(a["labels"])) or NONE,
    AnswerKind.TRIPLETS: lambda a: "; ".join(sorted(map(_triplet, a["triplets"]))) or NONE,
    AnswerKind.BOXES: lambda a: "; ".join(sorted(map(_box, a["boxes"]))) or NONE,
    AnswerKind.CRITERIA: lambda a: "; ".join(
        sorted(f"{c['criterion']}: {'yes' if c['met'] else 'no'}" for c in a["criteria"])
    ),
    AnswerKind.TEXT: lambda a: str(a["text"]),
}
_MAY_BE_NONE = {AnswerKind.LABEL, AnswerKind.LABELS, AnswerKind.TRIPLETS, AnswerKind.BOXES}


def _kind_of(answer: Mapping[str, Any]) -> AnswerKind:
    """The kind of an answer whose task this version does not know."""
    if answer["seconds"] is not None:
        return AnswerKind.SECONDS
    for name in ("boxes", "triplets", "criteria", "labels"):
        if answer[name]:
            return AnswerKind(name)
    return AnswerKind.TEXT


@dataclass(slots=True)
class _Counts:
    kind: AnswerKind | None
    samples: int = 0
    typed: Counter[str] = field(default_factory=Counter)
    labels: Counter[str] = field(default_factory=Counter)
    triplets: Counter[str] = field(default_factory=Counter)
    judged: Counter[str] = field(default_factory=Counter)
    met: Counter[str] = field(default_factory=Counter)
    boxes: Counter[int] = field(default_factory=Counter)
    sizes: Counter[str] = field(default_factory=Counter)
    seconds: list[float] = field(default_factory=list)
    words: list[int] = field(default_factory=list)

    def add(self, answer: Mapping[str, Any]) -> None:
        kind = self.kind = self.kind or _kind_of(answer)
        self.samples += 1
        if kind in _TYPED:
            self.typed[_TYPED[kind](answer)] += 1
        self.labels.update({*answer["labels"], *(b["label"] for b in answer["boxes"])})
        self.triplets.update(set(map(_triplet, answer["triplets"])))
        for one in answer["criteria"]:
            self.judged[one["criterion"]] += 1
            self.met[one["criterion"]] += bool(one["met"])
        if kind is AnswerKind.BOXES:
            self.boxes[len(answer["boxes"])] += 1
            self.sizes.update(map(size_word, answer["boxes"]))
        if kind is AnswerKind.TEXT:
            self.words.append(len(answer["text"].split()))
        if answer["seconds"] is not None:
            self.seconds.append(float(answer["seconds"]))

    def close(self, task: str, manifest: Manifest) -> Distribution:
        total = self.samples
        return Distribution(
            task=task,
            source=manifest.source,
            split=manifest.split,
            kind=self.kind.value if self.kind else "",
            samples=total,
            none=self.typed[NONE] if self.kind in _MAY_BE_NONE else None,
            labels=_tallies(self.labels, total),
            triplets=_tallies(self.triplets, total),
            criteria=tuple(
                Tally(name, self.met[name], round(self.met[name] / count, 6))
                for name, count in sorted(self.judged.items())
            ),
            boxes_per_answer=tuple(Tally(str(n), c, round(c / total, 6)) for n, c in sorted(self.boxes.items())),
            box_sizes=tuple(
                Tally(word, self.sizes[word], round(self.sizes[word] / self.sizes.total(), 6))
                for word, _ in SIZES
                if self.sizes.total()
            ),
            seconds=Spread.of(self.seconds) if self.seconds else None,
            words=Spread.of(self.words) if self.words else None,
            guess=self._guess(),
        )

    def _guess(self) -> Guess | None:
        if self.kind is AnswerKind.SECONDS and self.seconds:
            middle = statistics.median(self.seconds)
            error = statistics.fmean(abs(s - middle) for s in self.seconds)
            return Guess(f"{middle:g}", mean_error=round(error, 6))
        if not self.typed:
            return None
        answer, count = min(self.typed.items(), key=lambda pair: (-pair[1], pair[0]))
        return Guess(answer, accuracy=round(count / self.samples, 6))


def _tallies(counts: Counter[str], total: int) -> tuple[Tally, ...]:
    ordered = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
    return tuple(Tally(what, count, round(count / total, 6)) for what, count in ordered)
