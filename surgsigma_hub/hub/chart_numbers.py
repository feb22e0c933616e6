"""The numbers behind the charts of a card, counted in a tree."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from itertools import islice

from ..ontology.forms import noun_of
from ..shards.answer_statistics import documents
from .tree_facts import TreeFacts

LOOKED_AT = 2000
"""Samples of each task, source and split that labels, boxes and phases are counted on: enough for the shape."""
_MOST_LABELS, _VIDEOS, _GRID = 20, 4, (32, 24)


@dataclass(frozen=True, slots=True)
class ChartNumbers:
    """What the charts show.

    Attributes:
        tasks: Samples by title of the task and by source, all of them.
        labels: The most frequent labels, as one says them, and how many samples name each, most first.
        phases: Of a few videos, ``(seconds, phase)`` in order; phases as one says them.
        boxes: How many boxes cover each cell of the picture, by row and column; empty where there are none.
        whole: Whether every sample was looked at, not only the first of each part.
    """

    tasks: dict[str, dict[str, int]]
    labels: dict[str, int]
    phases: dict[str, list[tuple[float, str]]]
    boxes: list[list[int]]
    whole: bool


def chart_numbers(facts: TreeFacts) -> ChartNumbers:
    """Count; manifests give the samples, the first documents of each part the rest."""
    tasks: dict[str, Counter[str]] = {name: Counter() for name in facts.tasks}
    labels: Counter[str] = Counter()
    cells = [[0] * _GRID[0] for _ in range(_GRID[1])]
    videos: dict[str, dict[float, str]] = {}
    for m in facts.manifests:
        for task, count in m.counts.items():
            tasks[task][facts.named(m.source)] += count
        fields = ("answer", "canonical_video_id", "start_seconds", "task")
        for doc in islice(documents(facts.tree, m, fields), LOOKED_AT):
            answer = doc["answer"]
            labels.update({*map(noun_of, answer["labels"]), *(noun_of(b["label"]) for b in answer["boxes"])})
            for b in answer["boxes"]:
                for row in cells[_covered(b["y1"], b["y2"], _GRID[1])]:
                    part = _covered(b["x1"], b["x2"], _GRID[0])
                    row[part] = [count + 1 for count in row[part]]
            if doc["task"] == "phase_recognition" and answer["labels"] and doc["start_seconds"] is not None:
                videos.setdefault(doc["canonical_video_id"], {})[doc["start_seconds"]] = noun_of(answer["labels"][0])
    longest = sorted(videos.items(), key=lambda pair: (-len(pair[1]), pair[0]))[:_VIDEOS]
    return ChartNumbers(
        tasks={
            known.title if (known := facts.task(name)) else name: dict(sorted(by.items()))
            for name, by in sorted(tasks.items(), key=lambda pair: (-pair[1].total(), pair[0]))
        },
        labels=dict(sorted(labels.items(), key=lambda pair: (-pair[1], pair[0]))[:_MOST_LABELS]),
        phases={name: sorted(moments.items()) for name, moments in sorted(longest) if len(moments) > 1},
        boxes=cells if any(map(any, cells)) else [],
        whole=all(m.rows <= LOOKED_AT for m in facts.manifests),
    )


def _covered(low: float, high: float, count: int) -> slice:
    """The cells of a row or column that an interval (0..1) touches."""
    return slice(int(low * count), min(count, int(high * count - 1e-9) + 1))
