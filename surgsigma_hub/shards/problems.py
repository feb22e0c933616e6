"""What is wrong with a tree: problems with their places, collected without bound in number and with one in memory."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

MAX_SHOWN = 1000
"""Problems of one kind that are kept with their place; further ones are only counted."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong: where (``shard:key``, relative to what was checked), what was found, what was expected."""

    where: str
    what: str
    expected: str
    kind: str
    severity: Literal["error", "warning"] = "error"

    def __str__(self) -> str:
        return f"{self.where}: {self.what} (expected: {self.expected})"


@dataclass(frozen=True, slots=True)
class ValidationReport:
    """What was checked and what is wrong with it.

    Attributes:
        problems: In the order found; of each kind at most ``MAX_SHOWN``.
        counts: Shards, samples, media members, bytes and videos seen, and the numbers of errors and warnings. Of a
            quick check also the shards hashed; its samples and videos are those of the manifests.
        by_kind: Number of problems of each kind, those not kept in ``problems`` included.
    """

    problems: tuple[Problem, ...]
    counts: Mapping[str, int]
    by_kind: Mapping[str, int] = field(default_factory=dict)

    @property
    def ok(self) -> bool:
        """Whether there is no error; warnings do not count."""
        return self.counts["errors"] == 0

    @property
    def errors(self) -> tuple[Problem, ...]:
        """Problems that make the data wrong."""
        return tuple(p for p in self.problems if p.severity == "error")

    @property
    def warnings(self) -> tuple[Problem, ...]:
        """Problems that depend on how the data will be used."""
        return tuple(p for p in self.problems if p.severity == "warning")

    def as_dict(self) -> dict[str, Any]:
        """For ``--json``."""
        problems = [
            {"where": p.where, "what": p.what, "expected": p.expected, "kind": p.kind, "severity": p.severity}
            for p in self.problems
        ]
        return {"ok": self.ok, "counts": dict(self.counts), "by_kind": dict(self.by_kind), "problems": problems}


@dataclass(slots=True)
class Notes:
    """Problems as they are found; of each kind :data:`MAX_SHOWN` are kept and all are counted."""

    problems: list[Problem] = field(default_factory=list)
    by_kind: Counter[str] = field(default_factory=Counter)
    severities: Counter[str] = field(default_factory=Counter)

    def add(
        self, where: str, kind: str, what: str, expected: str, severity: Literal["error", "warning"] = "error"
    ) -> None:
        """Note one."""
        where, what, expected = (_plain(text) for text in (where, what, expected))
        self.by_kind[kind] += 1
        self.severities[severity] += 1
        if self.by_kind[kind] <= MAX_SHOWN:
            self.problems.append(Problem(where, what, expected, kind, severity))

    def take(self, other: Notes) -> None:
        """Append those of another check, as if they had been noted here."""
        room = {kind: MAX_SHOWN - self.by_kind[kind] for kind in other.by_kind}
        for problem in other.problems:
            if room[problem.kind] > 0:
                self.problems.append(problem)
                room[problem.kind] -= 1
        self.by_kind.update(other.by_kind)
        self.severities.update(other.severities)


def _plain(text: str) -> str:
    """A text that any terminal and any JSON takes: names of files need not be UTF-8."""
    return text.encode("utf-8", "backslashreplace").decode()
