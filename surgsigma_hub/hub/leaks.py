"""Leaks: surgeries that are trained on in one place and tested on in another, within a tree or against benchmarks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

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


def find_leaks(manifests: Iterable[Manifest], against: Sequence[Benchmark] = ()) -> list[Leak]:
    """All leaks, by place of training, place of the test, surgery.

    Args:
        manifests: Of a tree; each names the surgeries that its samples show.
        against: Benchmarks that a model trained on this tree is to be tested with.
    """
    trained: dict[str, dict[str, set[str]]] = {}
    tested: dict[str, set[str]] = {}
    for manifest in manifests:
        for surgery in manifest.videos:
            if manifest.split == TRAINING:
                trained.setdefault(surgery, {}).setdefault(manifest.source, set()).add(manifest.task)
            else:
                tested.setdefault(surgery, set()).add(f"{manifest.source}/{manifest.split}")
    for benchmark in against:
        for surgery in benchmark.surgeries & trained.keys():
            tested.setdefault(surgery, set()).add(f"benchmark {benchmark.name}")
    return sorted(_pairs(trained, tested), key=lambda leak: (leak.trained, leak.tested, leak.surgery))


def _pairs(trained: dict[str, dict[str, set[str]]], tested: dict[str, set[str]]) -> Iterator[Leak]:
    for surgery in trained.keys() & tested.keys():
        for source, tasks in trained[surgery].items():
            for place in tested[surgery]:
                yield Leak(surgery, source, tuple(sorted(tasks)), place)
