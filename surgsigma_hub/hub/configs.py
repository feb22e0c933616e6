"""From manifests to the configs of the published tree: names, globs, features and exact counts.

Nothing is listed that no manifest holds, and no glob may match a tar that is not of its config.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

from ..errors import ShardError
from ..schema import Layout, shard_features
from ..shards.config_names import ALL, config_names, split_order
from ..shards.manifest import Manifest
from ..shards.shard_names import is_short, shard_glob, split_of

ConfigKind = Literal["task", "source", "pair", "all"]

_Key = tuple[str, str, str]  # task, source, split
_DEFAULT = "phase_recognition"
"""The config that is loaded where none is named, if the tree holds it: what most people come for."""
_RESERVED_SPLITS = {"all"}  # `datasets` reads split="all" as every split


@dataclass(frozen=True, slots=True)
class ConfigSplit:
    """One split of a config.

    Attributes:
        patterns: Globs or plain paths of its tars, relative to the tree.
        bytes: Bytes of its tars.
        videos: Distinct surgeries, by canonical id.
    """

    name: str
    patterns: tuple[str, ...]
    samples: int
    bytes: int
    videos: frozenset[str]
    manifests: tuple[Manifest, ...]

    @property
    def tars(self) -> tuple[str, ...]:
        """Every tar, relative to the tree, in reading order."""
        return tuple(f"{m.folder}/{shard.name}" for m in self.manifests for shard in m.shards)


@dataclass(frozen=True)
class Config:
    """One config: a task, a source, both (``<task>-<source>``) or ``all``."""

    name: str
    kind: ConfigKind
    splits: tuple[ConfigSplit, ...]

    @cached_property
    def members(self) -> frozenset[str]:
        """The media members that occur in its shards."""
        return frozenset(member for s in self.splits for m in s.manifests for member in m.members)

    @property
    def layout(self) -> Layout:
        """That of its shards; no config mixes two."""
        return self.splits[0].manifests[0].layout

    @property
    def samples(self) -> int:
        """Samples of all splits."""
        return sum(s.samples for s in self.splits)

    @property
    def bytes(self) -> int:
        """Bytes of the tars of all splits."""
        return sum(s.bytes for s in self.splits)


def make_configs(manifests: Sequence[Manifest], *, strays: Collection[str] = ()) -> tuple[Config, ...]:
    """All configs of a tree; the first is the default one.

    Args:
        manifests: As given by ``load_tree``.
        strays: Tars inside the tree that no manifest lists (:func:`stray_tars`). Globs are narrowed, down to plain
            paths, so that none of them is matched.

    Raises:
        ShardError: a task, source or split whose name means something else as well.
    """
    # A split without a tar is left out: a glob that matches nothing breaks every load of its config.
    manifests = sorted((m for m in manifests if m.shards), key=lambda m: (m.task, m.source, split_order(m.split)))
    _check_names(manifests)
    foreign = frozenset(_stray_key(path) for path in strays)
    kinds: tuple[ConfigKind, ...] = ("task", "source", "pair", "all")
    found: dict[tuple[int, str], tuple[str, str]] = {}  # globs of task and source
    for m in manifests:
        wide = ((m.task, "*"), ("*", m.source), (m.task, m.source), ("*", "*"))
        for kind, globs in enumerate(wide):
            if (name := _config_name(*globs)) in config_names(m.task, m.source):
                found[kind, name] = globs
    return tuple(
        _config(name, kinds[kind], task, source, manifests, foreign)
        for (kind, name), (task, source) in sorted(
            found.items(), key=lambda entry: (entry[0][0], entry[0][1] != _DEFAULT, entry[1])
        )
    )


def stray_tars(tree: Path, manifests: Iterable[Manifest]) -> frozenset[str]:
    """Tars of the tree, relative to it, that no manifest lists: of an unfinished build, or put there by hand."""
    listed = {f"{m.folder}/{shard.name}" for m in manifests for shard in m.shards}
    found = {path.relative_to(tree).as_posix() for path in tree.glob("data/*/*/*.tar")}
    return frozenset(found - listed)


def tree_configs(tree: Path, manifests: Sequence[Manifest]) -> tuple[Config, ...]:
    """The configs of a tree on disk."""
    return make_configs(manifests, strays=stray_tars(tree, manifests))


def front_matter(configs: Sequence[Config]) -> dict[str, Any]:
    """The ``configs`` and ``dataset_info`` of a card.

    Every config has both, with all of its splits: one config alone with a ``dataset_info`` would silently become the
    default. Equal features are the same object, so that YAML writes them once.
    """
    features = _Features()
    listed: list[dict[str, Any]] = []
    infos: list[dict[str, Any]] = []
    for number, config in enumerate(configs):
        entry: dict[str, Any] = {"config_name": config.name}
        if number == 0:
            entry["default"] = True
        entry["data_files"] = [
            {"split": s.name, "path": s.patterns[0] if len(s.patterns) == 1 else list(s.patterns)}
            for s in config.splits
        ]
        listed.append(entry)
        infos.append(
            {
                "config_name": config.name,
                "features": features(config),
                "splits": [{"name": s.name, "num_bytes": s.bytes, "num_examples": s.samples} for s in config.splits],
                "download_size": config.bytes,
                "dataset_size": config.bytes,
            }
        )
    return {"configs": listed, "dataset_info": infos}


def _config_name(task: str, source: str) -> str:
    """The config of a glob for tasks and one for sources."""
    return "-".join(glob for glob in (task, source) if glob != "*") or ALL


class _Features:
    """Features as YAML by layout and set of members; the long ``json`` part of a layout is one object in all."""

    def __init__(self) -> None:
        self._made: dict[tuple[Layout, frozenset[str]], list[Any]] = {}
        self._json: dict[Layout, Any] = {}

    def __call__(self, config: Config) -> list[Any]:
        key = (config.layout, config.members)
        if key not in self._made:
            made: list[Any] = shard_features(config.members, config.layout)._to_yaml_list()
            index = next(n for n, column in enumerate(made) if column["name"] == "json")
            made[index] = self._json.setdefault(config.layout, made[index])
            self._made[key] = made
        return self._made[key]


def _config(
    name: str, kind: ConfigKind, task: str, source: str, manifests: Sequence[Manifest], foreign: frozenset[_Key]
) -> Config:
    here = [m for m in manifests if task in ("*", m.task) and source in ("*", m.source)]
    mine = [m for m in here if name in config_names(m.task, m.source)]
    foreign |= {(m.task, m.source, m.split) for m in here if m not in mine}
    splits: list[ConfigSplit] = []
    for split in sorted({m.split for m in mine}, key=split_order):
        parts = tuple(m for m in mine if m.split == split)
        splits.append(
            ConfigSplit(
                name=split,
                patterns=_patterns(task, source, split, parts, foreign),
                samples=sum(m.samples for m in parts),
                bytes=sum(m.bytes for m in parts),
                videos=frozenset(v for m in parts for v in m.videos),
                manifests=parts,
            )
        )
    return Config(name, kind, tuple(splits))


def _patterns(
    task: str, source: str, split: str, parts: Sequence[Manifest], foreign: frozenset[_Key]
) -> tuple[str, ...]:
    """One wide glob where it matches the listed tars only; else a glob per folder; else the tars by name."""

    def hits(t: str, s: str) -> bool:
        return any(t in ("*", f[0]) and s in ("*", f[1]) and f[2] == split for f in foreign)

    if not hits(task, source):
        forms = sorted({is_short(shard.name) for m in parts for shard in m.shards})
        return tuple(shard_glob(task, source, split, short=short) for short in forms)
    found: list[str] = []
    for m in parts:
        if hits(m.task, m.source):
            found += [f"{m.folder}/{shard.name}" for shard in m.shards]
        else:
            forms = sorted({is_short(shard.name) for shard in m.shards})
            found += [shard_glob(m.task, m.source, split, short=short) for short in forms]
    return tuple(found)


def _stray_key(path: str) -> _Key:
    _, task, source, name = path.split("/")
    return task, source, split_of(name) or name.partition("-")[0]


def _check_names(manifests: Sequence[Manifest]) -> None:
    for m in manifests:
        if m.split in _RESERVED_SPLITS:
            raise ShardError(f"{m.path}: a split called {m.split!r} cannot be told from all of them", hint="Rename it.")
    tasks, sources = {m.task for m in manifests}, {m.source for m in manifests}
    if clash := sorted((tasks & sources) | ((tasks | sources) & {ALL})):
        raise ShardError(f"config name {clash[0]!r} would mean two things (a task, a source, everything)")
