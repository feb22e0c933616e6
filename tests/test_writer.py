from __future__ import annotations

import tarfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from surgsigma_hub.errors import ShardError
from surgsigma_hub.shards.reader import read_shard
from surgsigma_hub.shards.writer import BLOCK_SAMPLES, ShardWriter, tar_header


@given(st.from_regex(r"[A-Za-z0-9_-]{1,88}\.image\.jpg", fullmatch=True), st.integers(0, 8**11 - 1))
def test_headers_are_those_of_tarfile(name: str, size: int) -> None:
    entry = tarfile.TarInfo(name)
    entry.size = size
    assert tar_header(name, size) == entry.tobuf(tarfile.USTAR_FORMAT, "ascii", "strict")


def test_round_trip_and_blocks(tmp_path: Path) -> None:
    samples = [(f"k{n}", [("json", b"{}" * n), ("image.jpg", bytes(n * 7))]) for n in range(150)]
    with ShardWriter(tmp_path / "t.tar") as writer:
        for key, members in samples:
            writer.add(key, members)
        shard = writer.close()
    assert [first for _, first in shard.blocks] == [0, BLOCK_SAMPLES, 2 * BLOCK_SAMPLES]
    with (tmp_path / "t.tar").open("rb") as file:
        assert list(read_shard(file, where="t")) == [(k, dict(m)) for k, m in samples]
    with tarfile.open(tmp_path / "t.tar") as tar:
        assert len(tar.getmembers()) == 300 and all(m.mtime == 0 for m in tar.getmembers())


def test_a_failed_shard_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(ShardError, match="longer than 100"), ShardWriter(tmp_path / "t.tar") as writer:
        writer.add("k", [("json", b"{}")])
        writer.add("k" * 99, [("json", b"{}")])
    assert list(tmp_path.iterdir()) == []
