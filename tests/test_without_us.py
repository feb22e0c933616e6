"""A tree looked at without this package: the queries of the README as written, and Croissant."""

from __future__ import annotations

import io
import re
import shutil
from collections import Counter
from contextlib import redirect_stdout
from pathlib import Path

import orjson
import pytest
from surgsigma_hub.cli import main
from surgsigma_hub.hub.croissant import LOG, check_croissant
from surgsigma_hub.shards.answer_statistics import documents
from surgsigma_hub.shards.manifest import load_tree

README = (Path(__file__).parent.parent / "README.md").read_text("utf-8")


def block(begins: str) -> str:
    """The block of code of the README that begins with a line."""
    (found,) = re.findall(rf"```\w+\n({re.escape(begins)}\n.*?)```", README, flags=re.DOTALL)
    return str(found)


def test_the_query_for_duckdb_gives_what_the_shards_hold(adapter_tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    duckdb = pytest.importorskip("duckdb", reason="the README's queries are not run: pip install duckdb")
    monkeypatch.chdir(adapter_tree.parent)
    rows = duckdb.sql(block("-- DuckDB")).fetchall()
    counted: Counter[str] = Counter()
    for manifest in load_tree(adapter_tree):
        for doc in documents(adapter_tree, manifest, ("answer",)):
            answer = doc["answer"]
            counted.update(answer["labels"] or sorted({b["label"] for b in answer["boxes"]}))
    wanted = sorted(counted.items(), key=lambda pair: (-pair[1], pair[0]))[:10]
    assert [(label, samples) for label, samples, _ in rows] == wanted
    assert all(1 <= surgeries <= 3 for *_, surgeries in rows)


def test_the_query_for_polars_gives_what_the_manifests_say(adapter_tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("polars", reason="the README's queries are not run: pip install polars")
    monkeypatch.chdir(adapter_tree.parent)
    names: dict = {}
    with redirect_stdout(io.StringIO()):
        exec(block("# Polars"), names)
    rows = names["held"].collect().to_dicts()
    found = {(row["task"], row["split"]): (row["samples"], row["surgeries"]) for row in rows}
    assert found == {(m.task, m.split): (m.samples, len(m.videos)) for m in load_tree(adapter_tree)}


def test_the_catalog_has_small_row_groups(adapter_tree: Path) -> None:
    import pyarrow.parquet as pq

    for path in (adapter_tree / "catalog").iterdir():
        meta = pq.ParquetFile(path).metadata
        assert max(meta.row_group(n).total_byte_size for n in range(meta.num_row_groups)) < 100 << 20


def test_mlcroissant_takes_the_description_and_reads_its_records(adapter_tree: Path, tmp_path: Path) -> None:
    mlcroissant = pytest.importorskip("mlcroissant", reason="Croissant is not tested: pip install mlcroissant")
    shutil.copytree(adapter_tree / "catalog", tmp_path / "catalog")
    shutil.copy(adapter_tree / "croissant.json", tmp_path)
    assert check_croissant(tmp_path)
    log = (tmp_path / LOG).read_text("utf-8")
    assert ": valid\n" in log and "error" not in log
    records = mlcroissant.Dataset(jsonld=str(tmp_path / "croissant.json")).records("samples")
    first = next(iter(records))
    assert first["samples/source"] == b"synthetic" and first["samples/id"].startswith(b"synthetic-")
    described = orjson.loads((adapter_tree / "croissant.json").read_bytes())
    import pyarrow.parquet as pq

    columns = pq.read_schema(next((adapter_tree / "catalog").iterdir())).names
    assert [field["name"] for field in described["recordSet"][0]["field"]] == columns


def test_a_description_that_is_none_is_told(tmp_path: Path) -> None:
    pytest.importorskip("mlcroissant", reason="Croissant is not tested: pip install mlcroissant")
    (tmp_path / "croissant.json").write_text('{"@type": "sc:Dataset", "name": "x"}')
    assert not check_croissant(tmp_path)
    assert "not valid\nerror: " in (tmp_path / LOG).read_text("utf-8")


def test_the_command_says_where_the_log_is(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("mlcroissant", reason="Croissant is not tested: pip install mlcroissant")
    import surgsigma_hub

    size = {"videos": "1", "frames": "4", "width": "48", "height": "32"}
    surgsigma_hub.build("synthetic", out=tmp_path / "tree", options=size, tasks=["phase_recognition"])
    assert main(["card", str(tmp_path / "tree"), "--croissant"]) == 0
    assert "croissant.json is valid" in capsys.readouterr().out
    assert main(["card", str(tmp_path / "tree"), "--check"]) == 0
