"""Published benchmarks: the surgeries that each of them tests on, as data: ``benchmarks.csv`` beside this module.

Several sources annotate the same surgeries, so what one of them trains on another may test on. A surgery is known by
its canonical id, whatever the source.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources

from ..errors import UnknownNameError

ALL = "all"
"""In place of names: every benchmark that is known."""


@dataclass(frozen=True, slots=True)
class Benchmark:
    """One benchmark.

    Attributes:
        name: How commands call it.
        surgeries: Canonical ids of what it tests on.
        what: What it asks, and where its test part is stated.
    """

    name: str
    surgeries: frozenset[str]
    what: str


@cache
def all_benchmarks() -> Mapping[str, Benchmark]:
    """Every benchmark by name."""
    text = (resources.files(__package__) / "benchmarks.csv").read_text("utf-8")
    rows = csv.DictReader(text.splitlines())
    return {r["benchmark"]: Benchmark(r["benchmark"], frozenset(_listed(r["surgeries"])), r["what"]) for r in rows}


def chosen_benchmarks(names: Sequence[str]) -> tuple[Benchmark, ...]:
    """Benchmarks by name; ``all`` gives every one.

    Raises:
        UnknownNameError: no such benchmark.
    """
    known = all_benchmarks()
    for name in names:
        if name not in known and name != ALL:
            raise UnknownNameError("benchmark", name, (*known, ALL))
    return tuple(known.values()) if ALL in names else tuple(known[name] for name in dict.fromkeys(names))


def held_out_surgeries() -> frozenset[str]:
    """Canonical ids of all surgeries that a benchmark tests on."""
    return frozenset().union(*(benchmark.surgeries for benchmark in all_benchmarks().values()))


def _listed(text: str) -> Iterator[str]:
    """Canonical ids; ``cholec80/video09..11`` stands for three, of as many digits as the first number has."""
    for word in text.split():
        first, dots, last = word.partition("..")
        if not dots:
            yield word
            continue
        stem = first.rstrip("0123456789")
        digits = first[len(stem) :]
        yield from (f"{stem}{number:0{len(digits)}d}" for number in range(int(digits), int(last) + 1))
