"""The catalog: one Parquet row per sample and no media, for filtering and counting without opening a shard.

The rows of a catalog are the samples of its manifest, in order. ``shard``, ``offset`` and ``bytes`` say where a sample
lies: whoever wants a few samples of a remote tree asks for their bytes and for no others.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

GROUP_ROWS = 1 << 16
"""Rows that a row group has at least, but for the last one: each costs a reader some 5 kB of footer."""

_PLAIN = (
    "id", "task", "family", "source", "split", "specialty", "procedure", "video_id", "canonical_video_id",
    "frame_index", "fps", "start_seconds", "end_seconds", "width", "height", "license",
)  # fmt: skip
_RISING = ("offset", "bytes")
"""Columns of numbers that hardly repeat: stored as differences, two bytes a row instead of eight."""


class CatalogRows:
    """Collects the rows of one shard."""

    def __init__(self) -> None:
        self._columns: dict[str, list[Any]] = {}

    def add(self, sample: Mapping[str, Any], *, shard: str, place: tuple[int, int]) -> None:
        """Add one sample, given as its parsed JSON, and its place: offset and bytes in the shard."""
        answer = sample["answer"]
        row = {name: sample[name] for name in _PLAIN}
        row |= {
            "answer": answer["text"],
            "labels": answer["labels"] or sorted({b["label"] for b in answer["boxes"]}),
            "boxes": len(answer["boxes"]),
            "reasoning_level": sample["reasoning"]["level"],
            "label_origin": sample["provenance"]["label_origin"],
            "members": [m["member"] for m in sample["media"]],
            "shard": shard,
            "offset": place[0],
            "bytes": place[1],
        }
        for name, value in row.items():
            self._columns.setdefault(name, []).append(value)

    def write(self, path: Path) -> None:
        """Write the rows as one Parquet file."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        with path.open("wb") as file:  # pyarrow opens no path that is not UTF-8
            pq.write_table(pa.table(self._columns, schema=_schema()), file)


def merge(pieces: Iterable[Path], path: Path) -> None:
    """Join the pieces of a split, a few in each row group, so that memory stays flat and the footer small."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    schema = _schema()
    leaves = [f"{f.name}.list.element" if pa.types.is_list(f.type) else f.name for f in schema]
    how = {
        "use_dictionary": [leaf for leaf in leaves if leaf not in _RISING],
        "column_encoding": dict.fromkeys(_RISING, "DELTA_BINARY_PACKED"),
    }
    with path.open("wb") as file, pq.ParquetWriter(file, schema, **how) as out:
        group: list[Any] = []
        for piece in pieces:
            with piece.open("rb") as rows:
                group.append(pq.read_table(rows))
            if sum(table.num_rows for table in group) >= GROUP_ROWS:
                out.write_table(pa.concat_tables(group))
                group = []
        if group:
            out.write_table(pa.concat_tables(group))


def _schema() -> Any:
    import pyarrow as pa

    texts = {name: pa.string() for name in _PLAIN}
    numbers = {
        "frame_index": pa.int64(), "fps": pa.float64(), "start_seconds": pa.float64(), "end_seconds": pa.float64(),
        "width": pa.int32(), "height": pa.int32(),
    }  # fmt: skip
    own = {
        "answer": pa.string(), "labels": pa.list_(pa.string()), "boxes": pa.int32(), "reasoning_level": pa.int8(),
        "label_origin": pa.string(), "members": pa.list_(pa.string()), "shard": pa.string(),
        "offset": pa.int64(), "bytes": pa.int64(),
    }  # fmt: skip
    return pa.schema({**texts, **numbers, **own})
