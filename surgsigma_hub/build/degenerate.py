"""Tasks that one answer nearly always fits: nothing can be learned or measured with them, so they are not built."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ..records import Answer
from ..tasks import AnswerKind, Task

MOST = 0.95
"""A task of which one answer is right more often than this is refused: a reader without the image is as good."""
LEAST = 20
"""Fewer samples than this may be alike by chance (of four answers in five, 19 in a row once in 70 times)."""

_MEDIA = frozenset({AnswerKind.MASK, AnswerKind.DEPTH, AnswerKind.IMAGE, AnswerKind.VIDEO})


@dataclass(frozen=True, slots=True)
class Refusal:
    """A task that was not built: ``answer`` fits ``count`` of its ``samples``."""

    task: str
    answer: str
    count: int
    samples: int

    @property
    def line(self) -> str:
        """What the report says of it."""
        return (
            f"{self.task}: {self.count:,} of {self.samples:,} answers are {self.answer!r}. With one answer above "
            f"{MOST:.0%} there is nothing to learn or to measure."
        )


def repeatable(task: Task, answer: Answer) -> str | None:
    """The answer as it is counted; None where the answer is a medium or a place, of which no two are alike."""
    if task.answer in _MEDIA or (task.answer is AnswerKind.BOXES and answer.boxes):
        return None
    return answer.text


def refusals(summaries: Iterable[Mapping[str, Any]]) -> tuple[Refusal, ...]:
    """The tasks to refuse, by name.

    Args:
        summaries: Counts of the finished parts: by task the ``samples``, and how often each of the ``answers`` occurs.
    """
    samples: Counter[str] = Counter()
    answers: dict[str, Counter[str]] = {}
    for summary in summaries:
        samples.update(summary["samples"])
        for task, counts in summary["answers"].items():
            answers.setdefault(task, Counter()).update(counts)
    found: list[Refusal] = []
    for task, counts in sorted(answers.items()):
        answer, count = min(counts.items(), key=lambda pair: (-pair[1], pair[0]))
        if samples[task] >= LEAST and count > MOST * samples[task]:
            found.append(Refusal(task, answer, count, samples[task]))
    return tuple(found)
