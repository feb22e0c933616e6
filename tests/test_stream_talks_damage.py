"""``stream(..., talk=)`` of damaged trees: a medium that is lost, a catalog or a shard that does not fit."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from surgsigma_hub.errors import ShardError, SurgSigmaError
from surgsigma_hub.shards.manifest import Manifest

from packed import write_talks
from talks import EVERYTHING, MEDIA, SHARDS, TALKS, medium_of, name, names, open_stream, tree

__all__ = ["tree"]


def spoilt(tree: Path, out: Path, change: Any) -> Path:
    """A copy whose second shard had ``change(bytes)`` made to it."""
    shutil.copytree(tree, out)
    path = sorted(out.glob("data/frames/synthetic/*.tar"))[1]
    path.write_bytes(change(path.read_bytes()))
    return out


def no_picture(data: bytes) -> bytes:
    """The third medium of the shard, of four conversations, is no picture any more."""
    at = [n for n in range(0, len(data), 512) if data[n : n + 99].rstrip(b"\0").endswith(b".image.jpg")][2]
    return data[: at + 512] + b"?" * 64 + data[at + 576 :]


def test_a_damaged_medium_costs_all_of_its_conversations(tree: Path, tmp_path: Path) -> None:
    bad = spoilt(tree, tmp_path / "bad", no_picture)
    lost = len(SHARDS[0]) + 2
    with open_stream(bad, "all", decode="rgb", on_error="skip") as stream:
        items = list(stream)
        assert stream.errors.count == len(MEDIA[lost]) == 4 and len(items) == TALKS - 4
        assert lost not in set(map(medium_of, items)) and "not a readable image" in stream.errors.last[0]
    for talk in ("one", "turns"):
        with open_stream(bad, talk, decode="rgb", on_error="skip") as stream:
            assert len(list(stream)) == len(MEDIA) - 1 and stream.errors.count == 1
    for talk in EVERYTHING:
        with pytest.raises(SurgSigmaError, match=r"synthetic-medium-\w+\.image\.jpg"):
            list(open_stream(bad, talk, decode="rgb"))


@pytest.mark.parametrize("talk", EVERYTHING, ids=str)
@pytest.mark.parametrize("uneven", ["drop", "pad"])
def test_damage_keeps_ranks_in_step(tree: Path, tmp_path: Path, talk: Any, uneven: str) -> None:
    bad = spoilt(tree, tmp_path / "bad", no_picture)
    whole = names(open_stream(tree, talk))
    lost = {name(i) for i in open_stream(tree, talk) if medium_of(i) == len(SHARDS[0]) + 2}
    expected = []
    for at in range(len(whole)):
        while whole[at] in lost:
            at -= 1
        expected.append(whole[at])
    rows = []
    for rank in range(3):
        how = {"decode": "rgb", "on_error": "skip", "uneven": uneven, "rank": rank, "world_size": 3}
        rows.append(names(open_stream(bad, talk, **how)))
    steps = len(whole) // 3 + (uneven == "pad" and len(whole) % 3 > 0)
    assert [row[k] for k in range(steps) for row in rows] == [expected[p % len(whole)] for p in range(3 * steps)]


def rewrite_catalog(tree: Path, manifest: Manifest, change: Any) -> None:
    table = pq.read_table(tree / manifest.catalog)
    pq.write_table(change(table), tree / manifest.catalog)


def _moved(table: Any) -> Any:
    """The first conversation of the second medium stands with the first."""
    rows = table.to_pylist()
    rows[2]["offset"] = rows[0]["offset"]
    return pa.Table.from_pylist(rows, schema=table.schema)


def _other_task(table: Any) -> Any:
    rows = table.to_pylist()
    rows[0]["task"] = "depth_estimation"
    return pa.Table.from_pylist(rows, schema=table.schema)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (_moved, "conversations, the catalog says"),
        (_other_task, "a row without a task, shard and offset of the manifest"),
        (lambda t: t.slice(1), "rows, the manifest says"),
        (lambda t: t.slice(0, 1).take([0] * t.num_rows), "conversations about 1 media, the manifest says 14"),
    ],
)
def test_a_catalog_that_does_not_fit_is_told(tmp_path: Path, change: Any, says: str) -> None:
    manifest = write_talks(tmp_path / "tree", SHARDS)
    rewrite_catalog(tmp_path / "tree", manifest, change)
    with pytest.raises(ShardError, match=says):
        list(open_stream(tmp_path / "tree", "all"))


def test_a_shard_by_task_in_the_place_of_one_by_medium_is_told(tree: Path, tmp_path: Path) -> None:
    bad = spoilt(tree, tmp_path / "bad", lambda data: data.replace(b'"conversations":', b'"conversationz":'))
    for talk in EVERYTHING:
        with pytest.raises(ShardError, match=r"synthetic-medium-\w+: not the form of a medium"):
            list(open_stream(bad, talk))
    assert len(list(open_stream(tree, "turns", verify=True))) == len(MEDIA)
