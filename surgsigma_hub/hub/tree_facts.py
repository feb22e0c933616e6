"""What the cards say, counted: the manifests of a tree beside the metadata of its sources and tasks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import orjson

from ..conformance import form_problem
from ..errors import ShardError
from ..registry import all_sources
from ..shards.by_medium import conversations_in
from ..shards.config_names import ALL, FRAMES
from ..shards.manifest import Manifest, load_tree
from ..shards.reader import open_shard, read_shard
from ..shards.sampling import Picked
from ..shards.wording_statistics import Wording, count_wording
from ..source import Access, Part, SourceInfo
from ..source.terms import GATED
from ..tasks import Task, all_tasks
from .configs import Config, tree_configs


@dataclass(frozen=True, slots=True)
class Held:
    """What a tree holds of something.

    Attributes:
        samples: Conversations.
        bytes: Of all tars in which they are.
        members: The media members there.
        videos: Distinct surgeries.
        configs: Names of the configs that have them.
    """

    samples: int
    bytes: int
    members: frozenset[str]
    videos: int
    configs: tuple[str, ...]


@dataclass(frozen=True)
class TreeFacts:
    """A tree and all that its cards draw on; sources and tasks that this version does not know have no metadata."""

    tree: Path
    manifests: tuple[Manifest, ...]
    configs: tuple[Config, ...]
    known_sources: Mapping[str, SourceInfo]
    known_tasks: Mapping[str, Task]

    @cached_property
    def tasks(self) -> tuple[str, ...]:
        """Names of the tasks in the tree, in whichever layout."""
        return tuple(sorted({task for m in self.manifests for task in m.counts}))

    @cached_property
    def sources(self) -> tuple[str, ...]:
        """Names of the sources in the tree."""
        return tuple(sorted({m.source for m in self.manifests}))

    @cached_property
    def wording(self) -> Mapping[str, Wording]:
        """By task, how varied its language is and what guesses without an image score."""
        return {found.task: found for found in count_wording(self.tree)}

    def held(self, *, task: str | None = None, source: str | None = None) -> Held:
        """What the tree holds of a task, of a source, or in all, in whichever layout."""
        mine = [m for m in self.manifests if source in (None, m.source) and (task is None or task in m.counts)]
        return Held(
            samples=sum(m.rows if task is None else m.counts[task] for m in mine),
            bytes=sum(m.bytes for m in mine),
            members=frozenset(member for m in mine for member in m.members),
            videos=len({video for m in mine for video in m.videos}),
            configs=tuple(sorted({FRAMES if m.layout == "frames" else task or source or ALL for m in mine})),
        )

    def info(self, source: str) -> SourceInfo | None:
        """Metadata of a source."""
        return self.known_sources.get(source)

    def task(self, name: str) -> Task | None:
        """Metadata of a task."""
        return self.known_tasks.get(name)

    def synthetic(self, source: str) -> bool:
        """Whether a source is made, not recorded."""
        info = self.info(source)
        if info is None:
            origin: str = self.first_sample(source=source)["provenance"]["label_origin"]
            return origin == "synthetic"
        return info.access is Access.SYNTHETIC or info.label_origin == "synthetic"

    def named(self, source: str) -> str:
        """The source's name for a table; a synthetic one is called so wherever it appears."""
        return f"{source} (synthetic)" if self.synthetic(source) and source != "synthetic" else source

    def license(self, source: str) -> str:
        """Licence id of a source's data."""
        info = self.info(source)
        return info.license if info else str(self.first_sample(source=source)["license"])

    def may_quote(self, source: str) -> bool:
        """Whether a card may show one of its samples; not where the terms forbid it or are not known."""
        info = self.info(source)
        if info is None:
            return False
        terms = info.terms.effective(Part.ANNOTATIONS)
        return terms.redistribute.may and not terms.conditions & GATED  # the card itself has no gate

    def first_sample(self, *, source: str | None = None, task: str | None = None) -> dict[str, Any]:
        """The JSON of :meth:`first`."""
        return self.first(source=source, task=task).doc

    def first(self, *, source: str | None = None, task: str | None = None) -> Picked:
        """The first sample of the first shard that fits, with its media.

        Raises:
            ShardError: the shard is missing or damaged.
        """
        manifest = next(
            m for m in self.manifests if m.shards and source in (None, m.source) and (task is None or task in m.counts)
        )
        name = manifest.folder
        try:
            for shard in manifest.shards:  # by medium, a rare task may stand far behind
                name = f"{manifest.folder}/{shard.name}"
                with open_shard(self.tree, name) as file:
                    for _, members in read_shard(file, where=name):
                        for talk in _talks(members, manifest, name):
                            if task is None or manifest.layout == "tasks" or talk["task"] == task:
                                media = {name: data for name, data in members.items() if name != "json"}
                                return Picked(talk, media, name)
        except (KeyError, orjson.JSONDecodeError) as error:
            raise ShardError(
                f"{name}: its first sample could not be read ({type(error).__name__})",
                hint="Build this part of the tree again.",
            ) from None
        raise ShardError(f"{name}: holds no sample of {task or 'any task'}", hint="Build this part of the tree again.")


def _talks(members: Mapping[str, bytes], manifest: Manifest, where: str) -> Sequence[dict[str, Any]]:
    """The conversations of one sample of a shard, each as the JSON of a sample of its task."""
    sample: dict[str, Any] = orjson.loads(members["json"])
    if problem := form_problem(sample, layout=manifest.layout):
        raise ShardError(
            f"{where}: its first sample is none of this package: {problem}", hint="Build this part of the tree again."
        )
    return conversations_in(sample, manifest.layout)


def gather(
    tree: Path, *, sources: Mapping[str, SourceInfo] | None = None, tasks: Mapping[str, Task] | None = None
) -> TreeFacts:
    """Read the manifests of a tree; ``sources`` and ``tasks`` default to all that are registered."""
    manifests = tuple(m for m in load_tree(tree) if m.shards)
    return TreeFacts(
        tree=tree,
        manifests=manifests,
        configs=tree_configs(tree, manifests),
        known_sources={n: s.info for n, s in all_sources().items()} if sources is None else sources,
        known_tasks=all_tasks() if tasks is None else tasks,
    )


def size_category(samples: int) -> str:
    """The Hub's size category of a number of samples.

    >>> size_category(0), size_category(1000), size_category(5_980_000)
    ('n<1K', '1K<n<10K', '1M<n<10M')
    """
    bounds = ("1K", "10K", "100K", "1M", "10M", "100M", "1B", "10B", "100B", "1T")
    limit = 1000
    for n, bound in enumerate(bounds):
        if samples < limit:
            return f"{bounds[n - 1]}<n<{bound}" if n else f"n<{bound}"
        limit *= 10
    return "n>1T"
