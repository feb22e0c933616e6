"""Manifests: what a tree says it holds. Written last, so that a shard without its manifest does not count.

A tree keeps ``data/<task>/<source>/<task>-<source>-<split>-NNNNN.tar`` and one ``<split>.manifest.json`` beside them.
Every reader of a tree reads them here, and a tree may come from a stranger: what is read has the names, types and sums
that the writer gives, so that nothing behind it can leave the folder, loop, or ask for more memory than the shards are
large.
"""

from __future__ import annotations

import builtins
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import orjson

from ..errors import ShardError
from ..plain_file import read_plain
from ..records.bulk import collection_paused
from ..schema import FORMAT_VERSION, Layout, check_format_version
from .config_names import FRAMES
from .manifest_checks import NAME, Blocks, check_shards, check_types, contradictions
from .shard_names import shard_form
from .tree_files import TreeFiles

MAX_MANIFEST = 256 << 20
"""Most bytes of a manifest: 5 million blocks, or 300 million samples, take as many."""

_PLACE = re.compile(rf"data/({NAME.pattern})/({NAME.pattern})/({NAME.pattern})\.manifest\.json")

WITHOUT_MEDIA = "annotations_only"
"""Option of a manifest whose shards hold no media, though its samples have some."""

WORK_DIR = ".build"
"""Where a build keeps unfinished work inside the tree; gone once the build has ended."""

JOURNAL = "commit.json"
"""In a folder of ``WORK_DIR``: what a commit that has begun moves and removes, for whoever has to finish it."""


@dataclass(frozen=True, slots=True)
class Shard:
    """One tar. ``blocks`` are ``[byte offset, index of the first sample]`` of every block, in order."""

    name: str
    sha256: str
    bytes: int
    samples: int
    blocks: tuple[tuple[int, int], ...]

    @classmethod
    def from_json(cls, raw: Mapping[str, Any]) -> Shard:
        """The entry as it was before it became JSON; KeyError or TypeError where it is no such entry."""
        return cls(**{**raw, "blocks": tuple(map(tuple, raw["blocks"]))})


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """The shards of one task, source and split.

    Attributes:
        members: Media members that occur in the shards.
        videos: ``canonical_video_id`` of every surgery with a sample in it.
        options: How it was built: seed, JPEG quality, split scheme and the source's options.
        media_bytes: Bytes of all media members, without JSON and tar padding.
        conversations: In the layout ``frames``, how many of each task its samples hold; else empty.
    """

    task: str
    source: str
    split: str
    samples: int
    bytes: int
    media_bytes: int
    members: tuple[str, ...]
    videos: tuple[str, ...]
    options: Mapping[str, Any]
    shards: tuple[Shard, ...]
    format_version: str = FORMAT_VERSION
    builder: str = field(default="")
    conversations: Mapping[str, int] = field(default_factory=dict)
    _blocks: Blocks | None = field(init=False, default=None, repr=False, compare=False)  # not written to JSON

    @property
    def blocks(self) -> Blocks:
        """The numbers of its shards and blocks as arrays."""
        if self._blocks is not None:
            return self._blocks
        shards = self.shards
        return Blocks.of([s.bytes for s in shards], [s.samples for s in shards], [s.blocks for s in shards])

    @property
    def layout(self) -> Layout:
        """Whether its samples are conversations, or media with all conversations about them."""
        return "frames" if self.task == FRAMES else "tasks"

    @property
    def counts(self) -> Mapping[str, int]:
        """Conversations by task, whichever the layout."""
        return self.conversations if self.layout == "frames" else {self.task: self.samples}

    @property
    def rows(self) -> int:
        """Conversations of all tasks, each a row of its catalog, whichever the layout."""
        return sum(self.counts.values())

    @property
    def without_media(self) -> bool:
        """Whether the media of its samples were left out: ``members`` says what they were, the shards hold none."""
        return self.options.get(WITHOUT_MEDIA) is True

    @property
    def folder(self) -> str:
        """Folder of the shards, relative to the tree."""
        return f"data/{self.task}/{self.source}"

    @property
    def path(self) -> str:
        """Place of the manifest, relative to the tree."""
        return f"{self.folder}/{self.split}.manifest.json"

    @property
    def catalog(self) -> str:
        """Place of the catalog, relative to the tree."""
        return f"catalog/{self.task}-{self.source}-{self.split}.parquet"

    def dumps(self) -> builtins.bytes:
        """The manifest as it is written to disk."""
        shown = {f.name: getattr(self, f.name) for f in fields(self) if not f.name.startswith("_")}
        if self.layout == "tasks":
            del shown["conversations"]
        return orjson.dumps(shown, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


def max_catalog(manifest: Manifest) -> int:
    """Most bytes of the catalog of a manifest: ours have some 150 a conversation, and a footer."""
    return (4 << 20) + (8 << 10) * manifest.rows


def names_of(place: str) -> tuple[str, str, str]:
    """Task, source and split of the manifest at ``place``, relative to the tree.

    >>> names_of("data/phase_recognition/synthetic/train.manifest.json")
    ('phase_recognition', 'synthetic', 'train')

    Raises:
        ShardError: no place that a build puts a manifest at.
    """
    found = _PLACE.fullmatch(place)
    if found is None:
        raise ShardError(
            f"{place!r} is no place of a manifest "
            "(expected data/<task>/<source>/<split>.manifest.json, each name of a-z, 0-9 and _)",
            hint="Take it out of the tree, or build this part again.",
        )
    return found[1], found[2], found[3]


def load_manifest(path: Path) -> Manifest:
    """Read one manifest, ``<tree>/data/<task>/<source>/<split>.manifest.json``.

    Raises:
        ShardError: see :func:`parse_manifest`; or it leads out of the tree or cannot be read.
    """
    place = "/".join(path.parts[-4:])
    TreeFiles(path.parents[3]).check(place)
    return parse_manifest(manifest_bytes(path), where=str(path), place=place)


def manifest_bytes(path: Path) -> builtins.bytes:
    """The file of a manifest.

    Raises:
        ShardError: it is no plain file, is larger than :data:`MAX_MANIFEST`, or cannot be read.
    """
    try:
        return read_plain(path, most=MAX_MANIFEST)
    except OSError as error:
        raise ShardError(
            f"{path}: the manifest cannot be read ({error.strerror or error})", hint="Build or download it again."
        ) from None


def parse_manifest(data: builtins.bytes, *, where: str, place: str) -> Manifest:
    """A manifest from its JSON.

    Args:
        data: The content of the file.
        where: What errors call it.
        place: Where it lies in the tree.

    Raises:
        ShardError: not JSON, of another form than a build writes, written by a newer format version, the manifest of
            another place, or one that contradicts itself.
    """
    manifest = read_form(data, where=where)
    names_of(place)
    if manifest.path != place:
        raise ShardError(
            f"{where}: is the manifest of {manifest.path}, but lies at {place}",
            hint="A manifest lies where its task, source and split say. Build this part of the tree again.",
        )
    names = [shard.name for shard in manifest.shards]
    for found in contradictions(names, manifest.blocks, samples=manifest.samples, bytes=manifest.bytes):
        raise ShardError(
            f"{where}: {found.what} (expected: {found.expected})", hint="Build or download this part of the tree again."
        )
    return manifest


def read_form(data: builtins.bytes, *, where: str) -> Manifest:
    """A manifest whose fields have the right names and types; it may still contradict itself, or lie elsewhere.

    Raises:
        ShardError: not JSON, of another form than a build writes, or written by a newer format version.
    """
    try:
        with collection_paused():
            raw = orjson.loads(data)
            check_format_version(raw["format_version"], where=where)
            check_types(raw)
            columns, blocks = check_shards(shard_form(raw["task"], raw["source"], raw["split"]), raw["shards"])
            pairs = [tuple(map(tuple, one)) for one in columns.pop("blocks")]
            raw["shards"] = tuple(map(Shard, *columns.values(), pairs))
            raw["members"], raw["videos"] = tuple(raw["members"]), tuple(raw["videos"])
            manifest = Manifest(**raw)
            object.__setattr__(manifest, "_blocks", blocks)
            return manifest
    except (orjson.JSONDecodeError, KeyError, TypeError, ValueError) as error:
        raise ShardError(
            f"{where}: not a manifest of this package ({_short(error)})", hint="Rebuild this part of the tree."
        ) from None


def _short(error: Exception) -> str:
    text = f"{error} is missing" if isinstance(error, KeyError) else str(error)
    return text if len(text) <= 200 else f"{text[:200]}..."


def load_tree(tree: Path) -> list[Manifest]:
    """All manifests of a tree, ordered by task, source and split.

    Raises:
        ShardError: the folder holds no manifest, or one that :func:`load_manifest` refuses.
    """
    manifests = [load_manifest(path) for path in sorted(tree.glob("data/*/*/*.manifest.json"))]
    if not manifests:
        raise ShardError(
            f"{tree}: no built data (no data/<task>/<source>/<split>.manifest.json)", hint="Run: surgsigma build --help"
        )
    return manifests
