"""Tasks that one answer nearly always fits: nothing can be learned or measured with them, so they are not built."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ..tasks import AnswerKind, Draft, Task
from ..tasks.common.further import is_further

MOST = 0.95
"""A task of which one answer is right more often than this is refused: a reader without the image is as good."""
LEAST = 20
"""Fewer samples than this may be alike by chance (of four answers in five, 19 in a row once in 70 times)."""

_MEDIA = frozenset({AnswerKind.MASK, AnswerKind.DEPTH, AnswerKind.IMAGE, AnswerKind.VIDEO})


@dataclass(frozen=True, slots=True)
class Refusal:
    """A task that was not built: ``answer`` fits ``count`` of its ``samples`` with a plain question."""

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


_VARIED = ""
"""Counted for an answer of which no two are alike."""


def counted_answer(task: Task, draft: Draft) -> str | None:
    """The answer as it is counted, empty for a place, of which no two are alike.

    None where the answer is a medium, and for the further questions on a moment: their answers are as poor as that of
    the plain question, but not alike (one label that is there, one that is not).
    """
    if task.answer in _MEDIA or is_further(draft):
        return None
    return _VARIED if task.answer is AnswerKind.BOXES and draft.answer.boxes else draft.answer.text


def refusals(summaries: Iterable[Mapping[str, Any]]) -> tuple[Refusal, ...]:
    """The tasks to refuse, by name.

    Args:
        summaries: Counts of the finished parts: by task, how often each of the ``answers`` occurs.
    """
    answers: dict[str, Counter[str]] = {}
    for summary in summaries:
        for task, counts in summary["answers"].items():
            answers.setdefault(task, Counter()).update(counts)
    found: list[Refusal] = []
    for task, counts in sorted(answers.items()):
        total = counts.total()
        answer, count = min(counts.items(), key=lambda pair: (-pair[1], pair[0]))
        if answer != _VARIED and total >= LEAST and count > MOST * total:
            found.append(Refusal(task, answer, count, total))
    return tuple(found)
