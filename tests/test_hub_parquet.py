"""A stream written as Parquet holds the rows of the stream, also where a block of them has no value in a column."""

from __future__ import annotations

import io
from pathlib import Path

import datasets
import pyarrow.parquet as pq
import pytest
from surgsigma_hub.hub.loading import load_dataset


@pytest.mark.parametrize("where", ["path", "file"])
def test_a_stream_becomes_parquet(adapter_tree: Path, tmp_path: Path, where: str) -> None:
    """``action_recognition`` mixes images and clips, with and without traces."""
    stream = load_dataset(adapter_tree, "action_recognition", split="train", streaming=True)
    path, buffer = tmp_path / "rows.parquet", io.BytesIO()
    written = stream.to_parquet(path if where == "path" else buffer, batch_size=7)
    if where == "file":
        path.write_bytes(buffer.getvalue())
    rows = list(stream.decode(False))
    read = datasets.load_dataset("parquet", data_files=str(path), split="train", cache_dir=str(tmp_path / "cache"))
    assert read.features == stream.features and written > sum(
        len(i["image"]["bytes"]) for r in rows for i in r["images"]
    )
    assert list(read.cast(stream.decode(False).features)) == rows and len(rows) > 14
    assert any(row["videos"] for row in rows) and any(row["images"] for row in rows)


def test_each_split_of_a_dict_becomes_parquet(adapter_tree: Path, tmp_path: Path) -> None:
    streams = load_dataset(adapter_tree, "next_action_planning", streaming=True)
    for name, stream in streams.items():
        stream.to_parquet(tmp_path / f"{name}.parquet")
        assert pq.read_table(tmp_path / f"{name}.parquet")["id"].to_pylist() == [row["id"] for row in stream]
    assert "train" in streams
