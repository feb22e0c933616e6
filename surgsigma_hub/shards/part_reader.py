"""Reading the shards that a manifest lists, each held against its sha256 and each sample against its form."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, Any, cast

import orjson

from ..conformance import form_problem
from ..errors import ShardError
from ..schema import Layout
from .manifest import Shard
from .reader import open_shard, read_shard
from .tar_walk import HashingReader


def read_part_shard(tree: Path, folder: str, shard: Shard) -> Iterator[tuple[str, dict[str, bytes]]]:
    """The samples of one shard, which must be the one that the manifest lists.

    Raises:
        ShardError: missing, damaged, or other bytes than the manifest says.
    """
    where = f"{folder}/{shard.name}"
    with open_shard(tree, where) as file:
        reader = HashingReader(file)
        yield from read_shard(cast("IO[bytes]", reader), where=where)  # it reads forward, which is all that is needed
        if reader.finish() != shard.sha256:
            raise ShardError(
                f"{where}: its sha256 is not the one of the manifest", hint="See: surgsigma validate, then rebuild it."
            )


def parsed(members: Mapping[str, bytes], *, where: str, layout: Layout = "tasks") -> dict[str, Any]:
    """The JSON of a sample.

    Raises:
        ShardError: there is none, or it cannot be read or is not that of a sample of the layout.
    """
    try:
        doc: dict[str, Any] = orjson.loads(members["json"])
    except (KeyError, orjson.JSONDecodeError):
        raise ShardError(f"{where}: no JSON that can be read", hint="See: surgsigma validate") from None
    if problem := form_problem(doc, layout=layout):
        raise ShardError(f"{where}: {problem}", hint="See: surgsigma validate")
    return doc
