"""Manifests, one thing in them changed, inside a tree that is right in everything else; and links that lead out."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson

from handmade import SHARD, small_tree

from ..guard import Sandbox
from ..registry import hostile

MANIFEST = "data/phase_recognition/synthetic/train.manifest.json"
FIELDS: dict[str, dict[str, Any]] = {
    "task-climbs": {"task": "../../../x"},
    "source-absolute": {"source": "/tmp/x"},
    "another-place": {"split": "test"},
    "samples-text": {"samples": "6"},
    "samples-many": {"samples": 10**6},
    "videos-numbers": {"videos": [1]},
    "options-list": {"options": []},
    "field-more": {"script": "x"},
    "version-number": {"format_version": 1.0},
}
ENTRIES: dict[str, dict[str, Any]] = {
    "shard-climbs": {"name": "../../../../secret.tar"},
    "shard-absolute": {"name": "/tmp/secret.tar"},
    "shard-name-list": {"name": ["train-00000.tar"]},
    "shard-sha-number": {"sha256": 7},
    "shard-samples-huge": {"samples": 2**52},
    "blocks-text": {"blocks": ["ab"]},
    "blocks-behind": {"blocks": [[0, 0], [2**40, 1]]},
    "blocks-above": {"blocks": [[0, 0], [2**64 - 1, 1]]},
}


def _tree(change: Callable[[Path, Sandbox], object]) -> Callable[[Sandbox], Path]:
    def make(box: Sandbox) -> Path:
        tree = small_tree(box.inside / "tree")
        change(tree, box)
        return tree

    return make


def _field(change: dict[str, Any]) -> Callable[[Path, Sandbox], object]:
    def write(tree: Path, box: Sandbox) -> None:
        raw = orjson.loads((tree / MANIFEST).read_bytes())
        (tree / MANIFEST).write_bytes(orjson.dumps({**raw, **change}))

    return write


def _entry(change: dict[str, Any]) -> Callable[[Path, Sandbox], object]:
    def write(tree: Path, box: Sandbox) -> None:
        raw = orjson.loads((tree / MANIFEST).read_bytes())
        first, *others = raw["shards"]
        (tree / MANIFEST).write_bytes(orjson.dumps({**raw, "shards": [{**first, **change}, *others]}))

    return write


def _text(data: bytes) -> Callable[[Path, Sandbox], object]:
    return lambda tree, box: (tree / MANIFEST).write_bytes(data)


def _pipe(place: str) -> Callable[[Path, Sandbox], object]:
    def make(tree: Path, box: Sandbox) -> None:
        (tree / place).unlink()
        os.mkfifo(tree / place)

    return make


def _leading_out(place: str) -> Callable[[Path, Sandbox], object]:
    def make(tree: Path, box: Sandbox) -> None:
        moved = box.root / "elsewhere"
        (tree / place).rename(moved)
        (tree / place).symlink_to(moved)

    return make


CASES = {
    **{name: _field(change) for name, change in FIELDS.items()},
    **{name: _entry(change) for name, change in ENTRIES.items()},
    "empty": _text(b""),
    "brackets": _text(b"[" * 100_000),
    "deep-task": _text(b'{"format_version": "1.0", "task": ' + b"[" * 1000 + b"]" * 1000 + b"}"),
    "pipe": _pipe(MANIFEST),
    "link-out": _leading_out(MANIFEST),
    "folder-link-out": _leading_out("data/phase_recognition"),
}
for name, change in CASES.items():
    hostile(f"manifest/{name}")(_tree(change))
for name, change in {"pipe": _pipe(SHARD), "link-out": _leading_out(SHARD)}.items():
    hostile(f"shard/{name}")(_tree(change))
