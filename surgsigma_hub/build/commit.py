"""Commit: staged shards become part of the tree. Every step can be repeated after a kill at any moment."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson

from .. import __version__
from ..shards.manifest import Manifest, Shard, write_atomic
from .catalog import merge
from .report import ReportRow
from .shuffle import catalog_path, record_path


def staged_manifest(shards: list[Path], *, task: str, source: str, split: str, options: Mapping[str, Any]) -> Manifest:
    """The manifest of staged shards, from their records."""
    records = [orjson.loads(record_path(path).read_bytes()) for path in shards]
    entries = [Shard.from_json(r["shard"]) for r in records]
    return Manifest(
        task=task,
        source=source,
        split=split,
        samples=sum(s.samples for s in entries),
        bytes=sum(s.bytes for s in entries),
        media_bytes=sum(r["media_bytes"] for r in records),
        members=tuple(sorted({m for r in records for m in r["members"]})),
        videos=tuple(sorted({v for r in records for v in r["videos"]})),
        options=options,
        shards=tuple(entries),
        builder=f"surgsigma-hub {__version__}",
    )


def commit(tree: Path, staging: Path, manifests: list[Manifest], report: bytes, source: str) -> None:
    """Move staged shards into the tree.

    An old manifest goes before its shards do, a new one comes after its own: at no time a manifest names a shard that
    is not whole. A shard that is no longer in staging was moved before an earlier run was killed.
    """
    for manifest in manifests:
        pieces = [catalog_path(staging / manifest.folder / s.name) for s in manifest.shards]
        if all(p.exists() for p in pieces):
            (staging / manifest.catalog).parent.mkdir(exist_ok=True)
            merge(pieces, staging / manifest.catalog)
    for manifest in manifests:
        _remove_stale(tree, manifest)
        home = tree / manifest.folder
        home.mkdir(parents=True, exist_ok=True)
        (tree / manifest.path).unlink(missing_ok=True)
        for shard in manifest.shards:
            staged = staging / manifest.folder / shard.name
            if staged.exists():
                staged.replace(home / shard.name)
        catalog = staging / manifest.catalog
        if catalog.exists():
            (tree / manifest.catalog).parent.mkdir(exist_ok=True)
            catalog.replace(tree / manifest.catalog)
        write_atomic(tree / manifest.path, manifest.dumps())
    write_atomic(tree / "reports" / f"{source}.json", report)


def _remove_stale(tree: Path, manifest: Manifest) -> None:
    """Remove shards of this split that an earlier, larger build left and the new manifest does not name."""
    named = {s.name for s in manifest.shards}
    for path in sorted((tree / manifest.folder).glob(f"{manifest.split}-*.tar")):
        if path.name not in named:
            (tree / manifest.path).unlink(missing_ok=True)
            path.unlink()


def staged_row(manifest: Manifest, staging: Path) -> ReportRow:
    """What the report says of one manifest whose shards are still staged."""
    records = [orjson.loads(record_path(staging / manifest.folder / s.name).read_bytes()) for s in manifest.shards]
    media = sum(r["media_count"] for r in records)
    return ReportRow(manifest.task, manifest.source, manifest.split, manifest.samples, media, manifest.bytes)
