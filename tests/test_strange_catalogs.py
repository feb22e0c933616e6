"""Catalogs of strangers: other columns, other types and places outside a shard are told or not believed."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import surgsigma_hub
from surgsigma_hub.errors import ShardError
from surgsigma_hub.shards.manifest import load_manifest
from surgsigma_hub.streaming import RemoteOptions
from surgsigma_hub.streaming.selection import catalog

from packed import write_packed
from webserver import serve

CATALOG = "catalog/phase_recognition-synthetic-train.parquet"
Change = Callable[[pa.Table], pa.Table]


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    write_packed(tmp_path, [[300] * 100, [300] * 30], labels=["a", "b", "c"])
    return tmp_path


def put(name: str, values: Callable[[pa.Table], Any]) -> Change:
    def change(table: pa.Table) -> pa.Table:
        return table.set_column(table.schema.get_field_index(name), name, values(table))

    return change


TYPES: dict[str, Change] = {
    "labels that are numbers": put("labels", lambda t: pa.array([[1]] * t.num_rows)),
    "labels that are texts": put("labels", lambda t: pa.array(["a"] * t.num_rows)),
    "offsets that are texts": put("offset", lambda t: pa.array(["0"] * t.num_rows)),
    "offsets that are no whole numbers": put("offset", lambda t: pa.array([0.5] * t.num_rows)),
    "no labels": lambda t: t.drop_columns(["labels"]),
    "labels twice": lambda t: t.append_column("labels", t["labels"]),
}


@pytest.mark.parametrize("name", TYPES)
def test_columns_of_another_type_are_refused(tree: Path, name: str) -> None:
    pq.write_table(TYPES[name](pq.read_table(tree / CATALOG)), tree / CATALOG)
    with serve(tree) as web:
        for place in (tree, web.url):
            with pytest.raises(ShardError, match=r"parquet: (has no column|cannot be read)"):
                surgsigma_hub.stream(place, where={"label": "a"}, decode="bytes", remote=RemoteOptions(deadline=5.0))


def shifted(by: int) -> Change:
    return put("offset", lambda t: pa.array([value + by for value in t["offset"].to_pylist()], pa.int64()))


def last_is(size: int) -> Change:
    return put("bytes", lambda t: pa.array([*t["bytes"].to_pylist()[:-1], size], pa.int64()))


PLACES: dict[str, Change] = {
    "places before the begin": shifted(-1024),
    "places behind the end": shifted(2**40),
    "a last sample without end": last_is(2**62),
    "a last sample of nothing": last_is(0),
    "a last sample of less": last_is(-512),
    "no places": put("offset", lambda t: pa.array([None] * t.num_rows, pa.int64())),
}


@pytest.mark.parametrize("name", PLACES)
def test_places_outside_a_shard_are_not_believed(tree: Path, name: str, caplog: pytest.LogCaptureFixture) -> None:
    keys = [item.key for item in surgsigma_hub.stream(tree, where={"label": "b"}, decode="bytes", shuffle=False)]
    pq.write_table(PLACES[name](pq.read_table(tree / CATALOG)), tree / CATALOG)
    with serve(tree) as web:
        how = RemoteOptions(deadline=5.0)
        with surgsigma_hub.stream(web.url, where={"label": "b"}, decode="bytes", shuffle=False, remote=how) as rows:
            assert [item.key for item in rows] == keys and len(keys) > 40
        largest = max(s.bytes for s in load_manifest(next(tree.glob("data/*/*/*.json"))).shards)
        assert max(web.asked()) <= largest
    assert "offsets that do not fit the manifest" in caplog.text


def test_a_catalog_of_other_rows_or_too_large_is_refused(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    table = pq.read_table(tree / CATALOG)
    pq.write_table(pa.concat_tables([table] * 3), tree / CATALOG)
    with pytest.raises(ShardError, match="390 rows"):
        surgsigma_hub.stream(tree, where={"label": "a"})
    pq.write_table(table, tree / CATALOG)
    monkeypatch.setattr(catalog, "_GROUP", 100)
    with pytest.raises(ShardError, match="more than 100 rows"):
        surgsigma_hub.stream(tree, where={"label": "a"})
    with (tree / CATALOG).open("r+b") as file:
        file.truncate(1 << 30)
    with serve(tree) as web:
        for place in (tree, web.url):
            with pytest.raises(ShardError, match=r"larger than|expected at most"):
                surgsigma_hub.stream(place, where={"label": "a"}, remote=RemoteOptions(deadline=5.0))


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no FIFO on this system")
def test_a_catalog_that_is_no_file_or_leads_out(tree: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    outside = tmp_path_factory.mktemp("outside") / "catalog"
    (tree / CATALOG).rename(outside)
    (tree / CATALOG).symlink_to(outside)
    with pytest.raises(ShardError, match="leads out of the tree"):
        surgsigma_hub.stream(tree, where={"label": "a"})
    (tree / CATALOG).unlink()
    os.mkfifo(tree / CATALOG)
    with pytest.raises(ShardError, match="FIFO"):
        surgsigma_hub.stream(tree, where={"label": "a"})


def test_a_manifest_is_written_as_it_was_read(tree: Path) -> None:
    (path,) = tree.glob("data/*/*/*.json")
    assert load_manifest(path).dumps() == path.read_bytes()


def grown(name: str, values: Any, **how: Any) -> Callable[[Path], None]:
    """Writes the catalog again with other values of a column."""

    def change(path: Path) -> None:
        table = pq.read_table(path)
        filled = pa.array(values(table.num_rows), table.schema.field(name).type)
        pq.write_table(table.set_column(table.schema.get_field_index(name), name, filled), path, **how)

    return change


LARGER: dict[str, tuple[Callable[[Path], None], str]] = {
    "a text of millions of letters": (
        grown("task", lambda n: ["a" * (8 << 20)] + ["b"] * (n - 1), compression="zstd"),
        "bytes",
    ),
    "many long texts": (
        grown("task", lambda n: ["a" * 100_000] * n, use_dictionary=False, compression="zstd"),
        "bytes",
    ),
    "many labels": (grown("labels", lambda n: [["a"] * 100_000] + [["b"]] * (n - 1)), "values"),
    "another encoding": (
        grown("task", lambda n: ["a"] * n, use_dictionary=False, column_encoding={"task": "DELTA_BYTE_ARRAY"}),
        "encoding 7",
    ),
}


@pytest.mark.parametrize("name", LARGER)
def test_a_catalog_that_expands_beyond_its_rows_is_refused_before_it_is_decoded(tree: Path, name: str) -> None:
    change, what = LARGER[name]
    change(tree / CATALOG)
    assert (tree / CATALOG).stat().st_size < 100_000
    with serve(tree) as web:
        for place in (tree, web.url):
            with pytest.raises(ShardError, match=what):
                surgsigma_hub.stream(place, where={"label": "a", "task": "a"}, remote=RemoteOptions(deadline=5.0))


def test_long_texts_stay_in_memory_once(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    long, sizes, keep = "a" * 500_000, list[int](), catalog.keep
    grown("task", lambda n: [long] * n)(tree / CATALOG)
    grown("labels", lambda n: [[long]] * n)(tree / CATALOG)
    monkeypatch.setattr(catalog, "keep", lambda table, where: (sizes.append(table.nbytes), keep(table, where))[1])
    with surgsigma_hub.stream(tree, where={"label": long, "task": long}, decode="bytes") as rows:
        assert len(rows) == 130
    assert 2 * len(long) <= sum(sizes) < 3 * len(long)
