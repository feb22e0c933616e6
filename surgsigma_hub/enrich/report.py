"""What a run did: asked, taken, left as it was and why."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass, field
from typing import Any

EXAMPLES = 5
"""Examples kept of every reason."""


@dataclass(slots=True)
class PartCounts:
    """One task, source and split: texts that could be written anew, and those that were."""

    task: str
    source: str
    split: str
    texts: int = 0
    accepted: int = 0


@dataclass(slots=True)
class Tally:
    """Counts while the new tree is written; a text is one caption or one trace."""

    parts: list[PartCounts] = field(default_factory=list)
    samples: int = 0
    changed: int = 0
    rejected: Counter[str] = field(default_factory=Counter)
    failed: Counter[str] = field(default_factory=Counter)
    not_asked: int = 0
    examples: dict[str, list[dict[str, str]]] = field(default_factory=dict)

    def example(self, code: str, sample: str, what: str, detail: str) -> None:
        """Keep what happened to one text, if there are not enough examples of it."""
        kept = self.examples.setdefault(code, [])
        if len(kept) < EXAMPLES:
            kept.append({"sample": sample, "what": what, "detail": detail})


@dataclass(frozen=True, slots=True, kw_only=True)
class EnrichReport:
    """The outcome of a run.

    Attributes:
        parts: Texts and accepted texts by task, source and split.
        samples: Samples read; ``changed`` of them have new text.
        texts: Captions and traces that could be written anew: accepted, rejected, failed or not asked for.
        rejected: Answers not taken, by reason; the samples stay as they were.
        failed: Texts without an answer after all tries, by reason.
        not_asked: Texts left alone because the budget was spent.
        spent: Which budget was spent: requests, tokens or time; empty where none was.
        requests: Requests sent by this run, ``retries`` of them again.
        cached: Requests that an earlier run had been answered.
        tokens: Tokens of this run as the endpoint counted them.
        examples: For each reason, the first few.
    """

    parts: tuple[PartCounts, ...]
    samples: int
    changed: int
    texts: int
    accepted: int
    rejected: dict[str, int]
    failed: dict[str, int]
    not_asked: int
    spent: str
    requests: int
    retries: int
    cached: int
    tokens: int
    examples: dict[str, list[dict[str, str]]]
    seconds: float

    def as_dict(self) -> dict[str, Any]:
        """For ``--json``."""
        return asdict(self)

    def published(self) -> dict[str, Any]:
        """What the new tree itself keeps: nothing of this one run, so that the same answers give the same bytes."""
        of_this_run = {"spent", "requests", "retries", "cached", "tokens", "seconds"}
        return {name: value for name, value in asdict(self).items() if name not in of_this_run}


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """What a run would ask for.

    Attributes:
        samples: Samples read.
        requests: Different requests, ``cached`` of them answered already.
        tokens: A rough guess of the tokens of those that are left, questions and answers.
        example: Role and text of every message of one request.
    """

    samples: int
    requests: int
    cached: int
    tokens: int
    example: tuple[tuple[str, str], ...]

    def as_dict(self) -> dict[str, Any]:
        """For ``--json``."""
        return asdict(self)
