"""The catalog: one Parquet row per sample and no media, for filtering and counting without opening a shard."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

_PLAIN = (
    "id", "task", "family", "source", "split", "specialty", "procedure", "video_id", "canonical_video_id",
    "frame_index", "fps", "start_seconds", "end_seconds", "width", "height", "license",
)  # fmt: skip


class CatalogRows:
    """Collects the rows of one shard."""

    def __init__(self) -> None:
        self._columns: dict[str, list[Any]] = {}

    def add(self, sample: dict[str, Any], *, shard: str) -> None:
        """Add one sample, given as its parsed JSON."""
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
        }
        for name, value in row.items():
            self._columns.setdefault(name, []).append(value)

    def write(self, path: Path) -> None:
        """Write the rows as one Parquet file."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        pq.write_table(pa.table(self._columns, schema=_schema()), path)


def merge(pieces: Iterable[Path], path: Path) -> None:
    """Join the pieces of a split, one row group each, so that memory stays flat."""
    import pyarrow.parquet as pq

    with pq.ParquetWriter(path, _schema()) as out:
        for piece in pieces:
            out.write_table(pq.read_table(piece))


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
    }  # fmt: skip
    return pa.schema({**texts, **numbers, **own})
