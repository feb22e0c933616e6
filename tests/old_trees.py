"""Makes a tree of format version 1.0 of one that was built today: the names of its shards, and the version in it."""

from __future__ import annotations

import hashlib
from pathlib import Path

import orjson
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from surgsigma_hub.hub.cards import refresh
from surgsigma_hub.schema import FORMAT_VERSION


def as_format_1_0(tree: Path) -> Path:
    """Turn a tree back: what 1.1 changed is undone, file by file, and the cards are written anew."""
    new, old = f'"format_version":"{FORMAT_VERSION}"'.encode(), b'"format_version":"1.0"'
    assert len(new) == len(old)
    for path in tree.glob("data/*/*/*.manifest.json"):
        manifest = orjson.loads(path.read_bytes())
        manifest["format_version"] = "1.0"
        start = f"{manifest['task']}-{manifest['source']}-"
        for shard in manifest["shards"]:
            tar = path.with_name(shard["name"])
            data = tar.read_bytes().replace(new, old)
            tar.unlink()
            shard["name"] = shard["name"].removeprefix(start)
            shard["sha256"] = hashlib.sha256(data).hexdigest()
            path.with_name(shard["name"]).write_bytes(data)
        path.write_bytes(orjson.dumps(manifest, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))
    for path in tree.glob("catalog/*.parquet"):
        table = pq.read_table(path)
        at = table.schema.get_field_index("shard")
        names = pc.replace_substring_regex(
            table["shard"].cast(pa.string()), r"[a-z0-9_]+-[a-z0-9_]+-([a-z0-9_]+-)", r"\1"
        )
        pq.write_table(table.set_column(at, table.schema.field(at), names.cast(table.schema.field(at).type)), path)
    refresh(tree)
    return tree
