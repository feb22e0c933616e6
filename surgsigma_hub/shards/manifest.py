"""Manifests: what a tree says it holds. Written last, so that a shard without its manifest does not count.

A tree keeps ``data/<task>/<source>/<split>-NNNNN.tar`` and one ``<split>.manifest.json`` beside them.
"""

from __future__ import annotations

import builtins
import gc
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from operator import itemgetter
from pathlib import Path
from typing import Any

import orjson

from ..errors import ShardError
from ..schema import FORMAT_VERSION, check_format_version

_PAIR = itemgetter(0, 1)
WORK_DIR = ".build"
"""Where a build keeps unfinished work inside the tree; gone once the build has ended."""


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
        return cls(**{**raw, "blocks": tuple(map(_PAIR, raw["blocks"]))})


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """The shards of one task, source and split.

    Attributes:
        members: Media members that occur in the shards.
        videos: ``canonical_video_id`` of every surgery with a sample in it.
        options: How it was built: seed, JPEG quality, split scheme and the source's options.
        media_bytes: Bytes of all media members, without JSON and tar padding.
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
        return catalog_place(self.task, self.source, self.split)

    def dumps(self) -> builtins.bytes:
        """The manifest as it is written to disk."""
        return orjson.dumps(self, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


def catalog_place(task: str, source: str, split: str) -> str:
    """Place of the catalog of one task, source and split, relative to the tree."""
    return f"catalog/{task}-{source}-{split}.parquet"


def load_manifest(path: Path) -> Manifest:
    """Read one manifest.

    Raises:
        ShardError: not JSON, keys missing, or written by a newer format version.
    """
    return parse_manifest(path.read_bytes(), where=str(path))


def parse_manifest(data: bytes, *, where: str) -> Manifest:
    """A manifest from its JSON; ``where`` is what errors call it.

    Raises:
        ShardError: not JSON, keys missing, or written by a newer format version.
    """
    collecting = gc.isenabled()
    gc.disable()  # a hundred thousand blocks would be searched for cycles again and again: half of the time
    try:
        raw = orjson.loads(data)
        check_format_version(raw["format_version"], where=where)
        raw["shards"] = tuple(Shard.from_json(s) for s in raw["shards"])
        raw["members"], raw["videos"] = tuple(raw["members"]), tuple(raw["videos"])
        return Manifest(**raw)
    except (orjson.JSONDecodeError, KeyError, TypeError, IndexError) as error:
        raise ShardError(
            f"{where}: not a manifest of this package ({error})", hint="Rebuild this part of the tree."
        ) from None
    finally:
        if collecting:
            gc.enable()


def load_tree(tree: Path) -> list[Manifest]:
    """All manifests of a tree, ordered by task, source and split.

    Raises:
        ShardError: the folder holds no manifest, or one is unreadable or too new.
    """
    manifests = [load_manifest(p) for p in sorted(tree.glob("data/*/*/*.manifest.json"))]
    if not manifests:
        raise ShardError(
            f"{tree}: no built data (no data/<task>/<source>/<split>.manifest.json)", hint="Run: surgsigma build --help"
        )
    return manifests


def write_atomic(path: Path, data: bytes, *, sync: bool = True) -> None:
    """Write ``data`` to ``path`` so that a reader sees the old file or the new one, never a part.

    Args:
        path: Its folder is made where it is missing.
        data: All of it.
        sync: Wait for the disk, so that this also holds when the power fails.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}-{secrets.token_hex(4)}.tmp")
    try:
        with temporary.open("wb") as file:
            file.write(data)
            if sync:
                file.flush()
                os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
