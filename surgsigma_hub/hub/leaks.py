"""Leaks: surgeries that are trained on in one place and tested on in another, within a tree or against benchmarks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

from ..shards.manifest import Manifest
from ..source.benchmarks import Benchmark

TRAINING = "train"


@dataclass(frozen=True, slots=True)
class Leak:
    """One surgery on both sides.

    Attributes:
        surgery: Its canonical id.
        trained: ``source`` of the samples to train on.
        tasks: Tasks of these samples.
        tested: ``source/split`` of samples to test on, or ``benchmark NAME``.
    """

    surgery: str
    trained: str
    tasks: tuple[str, ...]
    tested: str


SourceSplit = tuple[str, str]
"""A source and a split of it."""


def places_of(manifests: Iterable[Manifest]) -> dict[str, dict[SourceSplit, set[str]]]:
    """Where each surgery is: the tasks of its samples by source and split."""
    found: dict[str, dict[SourceSplit, set[str]]] = {}
    for manifest in manifests:
        for surgery in manifest.videos:
            found.setdefault(surgery, {}).setdefault((manifest.source, manifest.split), set()).add(manifest.task)
    return found


def in_two_splits(manifests: Iterable[Manifest]) -> dict[tuple[SourceSplit, SourceSplit], list[str]]:
    """Surgeries in two different splits, also where none of them is trained on: by these places, in order."""
    found: dict[tuple[SourceSplit, SourceSplit], list[str]] = {}
    for surgery, places in sorted(places_of(manifests).items()):
        for one, other in combinations(sorted(places), 2):
            if one[1] != other[1]:
                found.setdefault((one, other), []).append(surgery)
    return dict(sorted(found.items()))


def find_leaks(manifests: Iterable[Manifest], against: Sequence[Benchmark] = ()) -> list[Leak]:
    """All leaks, by place of training, place of the test, surgery.

    Args:
        manifests: Of a tree; each names the surgeries that its samples show.
        against: Benchmarks that a model trained on this tree is to be tested with.
    """
    return sorted(_pairs(places_of(manifests), against), key=lambda leak: (leak.trained, leak.tested, leak.surgery))


def _pairs(everywhere: dict[str, dict[SourceSplit, set[str]]], against: Sequence[Benchmark]) -> Iterator[Leak]:
    for surgery, places in everywhere.items():
        tested = [f"{source}/{split}" for source, split in places if split != TRAINING]
        tested += [f"benchmark {one.name}" for one in against if surgery in one.surgeries]
        for (source, split), tasks in places.items():
            for place in tested if split == TRAINING else ():
                yield Leak(surgery, source, tuple(sorted(tasks)), place)
