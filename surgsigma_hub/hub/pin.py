"""``pin.json`` of a published tree: what its data were made of, so that they can be made again and told apart."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import orjson

from ..schema import FORMAT_VERSION
from ..shards.manifest import Manifest
from ..whole_files import write_atomic
from .published import PIN, RECEIPTS, data_digest

INPUTS = "reports/{source}.inputs.json"
"""Where a build keeps digests of the files that it read, by path inside the source's root."""


def pin(tree: Path, manifests: Sequence[Manifest], *, version: str, rights: Sequence[str] = ()) -> dict[str, Any]:
    """What ``pin.json`` says; the day of a pin that is there for the same data stays.

    Args:
        tree: Its folder.
        manifests: Of all its shards.
        version: Of the data.
        rights: Sources whose rights the publisher states to hold.
    """
    digest = data_digest(manifests)
    sources = {
        name: {
            "built_by": sorted({m.builder for m in manifests if m.source == name}),
            "options": _options([m for m in manifests if m.source == name]),
            "inputs": _inputs(tree, name),
        }
        for name in sorted({m.source for m in manifests})
    }
    made: dict[str, Any] = {
        "version": version,
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "format_version": FORMAT_VERSION,
        "data_sha256": digest,
        "rights_held_by_publisher": sorted(rights),
        "sources": sources,
    }
    old = read_pin(tree)
    if {**old, "date": None} == {**made, "date": None}:
        made["date"] = old["date"]
    return made


def write_pin(tree: Path, value: Mapping[str, Any]) -> None:
    """Keep the pin where a push takes it from, unless that says the same already."""
    data = orjson.dumps(value, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
    path = tree / RECEIPTS / PIN
    if not path.is_file() or path.read_bytes() != data:
        write_atomic(path, data)


def read_pin(tree: Path) -> dict[str, Any]:
    """What the pin of the last push says; empty where there is none that can be read."""
    try:
        found = orjson.loads((tree / RECEIPTS / PIN).read_bytes())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _options(manifests: Sequence[Manifest]) -> list[Mapping[str, Any]]:
    """The options of all builds of a source, each once."""
    seen: dict[bytes, Mapping[str, Any]] = {}
    for manifest in manifests:
        seen.setdefault(orjson.dumps(manifest.options, option=orjson.OPT_SORT_KEYS), manifest.options)
    return [dict(one) for _, one in sorted(seen.items())]


def _inputs(tree: Path, source: str) -> dict[str, str] | None:
    """Digests of the files that the last build of a source read; None where it kept none."""
    try:
        found = orjson.loads((tree / INPUTS.format(source=source)).read_bytes())
        return {str(place): str(sha256) for place, sha256 in sorted(found.items())}
    except (OSError, ValueError, AttributeError):
        return None
