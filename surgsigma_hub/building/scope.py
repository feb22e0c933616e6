"""The scope of a build: the part of a tree that it speaks for, and what in it is no longer true."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from ..shards.config_names import FRAMES
from ..shards.manifest import Manifest
from ..shards.shard_names import split_of
from ..shards.tree_files import TreeFiles

_MANIFEST = re.compile(r"(?P<split>[a-z0-9_]+)\.manifest\.json")
_REPORT = re.compile(r"[a-z0-9_]+(\.json|\.inputs\.json|\.quarantine\.jsonl\.gz)")
_CATALOG = re.compile(r"(?P<task>[a-z0-9_]+)-(?P<source>[a-z0-9_]+)-(?P<split>[a-z0-9_]+)\.parquet")


@dataclass(frozen=True, slots=True)
class Scope:
    """One source, and the tasks and splits of it that were asked for; None where all were."""

    source: str
    tasks: frozenset[str] | None = None
    splits: frozenset[str] | None = None

    def asked(self) -> dict[str, frozenset[str] | None]:
        """The tasks and splits that were named; the layout by medium holds those of its tasks and is none itself."""
        return {"tasks": None if self.tasks is None else self.tasks - {FRAMES}, "splits": self.splits}

    def holds(self, task: str, split: str) -> bool:
        """Whether the build speaks for this task and split of its source."""
        return (self.tasks is None or task in self.tasks) and (self.splits is None or split in self.splits)


@dataclass(frozen=True, slots=True)
class Part:
    """A task and split of the source, by what the tree holds of it.

    Attributes:
        stale_videos: Videos with samples in it that the source no longer has in that split.
    """

    task: str
    split: str
    samples: int
    stale_videos: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Difference:
    """What a build takes out of a tree, and what it leaves as it is because it was not asked for.

    Attributes:
        removed: Tasks and splits that the source no longer yields.
        removed_videos: Canonical ids of videos that have no sample in the built part any more.
        left_standing: Tasks and splits of the source outside of the build's scope.
    """

    removed: tuple[Part, ...] = ()
    removed_videos: tuple[str, ...] = ()
    left_standing: tuple[Part, ...] = ()


def difference(
    old: Iterable[Manifest], new: Iterable[Manifest], *, scope: Scope, now: Mapping[str, frozenset[str]]
) -> Difference:
    """Compare the manifests of a source in the tree with those that were built.

    Args:
        old: Manifests of the tree; those of other sources are left aside.
        new: Manifests that the build yields.
        scope: What the build speaks for.
        now: Split to the canonical ids of the videos that the source has in it today.
    """
    built = {(m.task, m.split): m for m in new}
    removed: list[Part] = []
    standing: list[Part] = []
    before: set[str] = set()
    for manifest in old:
        if manifest.source != scope.source:
            continue
        if scope.holds(manifest.task, manifest.split):
            before.update(manifest.videos)
            if (manifest.task, manifest.split) not in built:
                removed.append(Part(manifest.task, manifest.split, manifest.samples))
        else:
            stale = sorted(set(manifest.videos) - now.get(manifest.split, frozenset()))
            standing.append(Part(manifest.task, manifest.split, manifest.samples, tuple(stale)))
    gone = before.difference(*(m.videos for m in built.values()))
    return Difference(tuple(removed), tuple(sorted(gone)), tuple(standing))


def is_built_place(place: object) -> bool:
    """Whether a build puts a file of such a name there: a shard, manifest, catalog or report.

    >>> is_built_place("catalog/a-b-train.parquet"), is_built_place("data/a/../train.manifest.json")
    (True, False)
    """
    if not isinstance(place, str):
        return False
    folder, _, name = place.rpartition("/")
    if re.fullmatch(r"data/[a-z0-9_]+/[a-z0-9_]+", folder):
        return split_of(name) is not None or _MANIFEST.fullmatch(name) is not None
    return bool((folder == "catalog" and _CATALOG.fullmatch(name)) or (folder == "reports" and _REPORT.fullmatch(name)))


def stale_places(tree: Path, scope: Scope) -> Iterator[str]:
    """Places of all files that builds of the source have put into this scope; other names are left alone."""
    files = TreeFiles(tree)
    for folder in sorted(path for path in tree.glob(f"data/*/{scope.source}") if files.holds(path)):
        for path in sorted(folder.iterdir()):
            manifest = _MANIFEST.fullmatch(path.name)
            split = manifest["split"] if manifest else split_of(path.name)
            if split is not None and scope.holds(folder.parent.name, split):
                yield path.relative_to(tree).as_posix()
    for path in sorted(tree.glob(f"catalog/*-{scope.source}-*.parquet")):
        found = _CATALOG.fullmatch(path.name)
        if found and found["source"] == scope.source and scope.holds(found["task"], found["split"]):
            yield path.relative_to(tree).as_posix()
