"""Trees of format version 1.0, whose shards are named by their split alone, are read by all that reads a tree."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import surgsigma_hub
from surgsigma_hub.adapters import get_adapter
from surgsigma_hub.adapters.exporting import export
from surgsigma_hub.cli import main
from surgsigma_hub.hub.verify import verify
from surgsigma_hub.shards.validate import validate

from hub_client import waiting
from hub_server import serve as serve_hub
from old_trees import as_format_1_0
from webserver import serve

OPTIONS = {"videos": "5", "frames": "5", "width": "64", "height": "48"}
TASKS = ["phase_recognition", "depth_estimation"]


@pytest.fixture(scope="module")
def new(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("new") / "surgsigma"
    surgsigma_hub.build("synthetic", out=out, tasks=TASKS, options=OPTIONS)
    return out


@pytest.fixture(scope="module")
def old(new: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return as_format_1_0(Path(shutil.copytree(new, tmp_path_factory.mktemp("old") / "surgsigma")))


def shards(tree: Path) -> list[str]:
    return [path.name for path in sorted(tree.glob("data/*/*/*.tar"))]


def streamed(tree: Path | str, config: str = "all", **more: object) -> list[str]:
    return [item.key for item in surgsigma_hub.stream(tree, config, decode="bytes", shuffle=False, verify=True, **more)]  # type: ignore[arg-type]


def test_no_two_shards_of_a_tree_have_one_name(new: Path, old: Path) -> None:
    assert len(shards(new)) == len(set(shards(new))) >= 4
    assert "phase_recognition-synthetic-train-00000.tar" in shards(new)
    assert Counter(shards(old))["train-00000.tar"] == 2, "a tree of 1.0 it is"
    kept = [json.loads(p.read_text("utf-8"))["format_version"] for p in old.glob("data/*/*/*.manifest.json")]
    assert set(kept) == {"1.0"}


def test_a_stream_reads_it(new: Path, old: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = streamed(new)
    assert streamed(old) == wanted and len(wanted) > 10
    filtered = {"where": {"task": "depth_estimation"}}
    assert streamed(old, **filtered) == streamed(new, **filtered)
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    for tree in (old, new):
        with serve(tree) as web:
            assert sorted(streamed(web.url)) == sorted(wanted)


@pytest.mark.parametrize("config", ["phase_recognition", "synthetic", "depth_estimation-synthetic", "all"])
def test_load_dataset_reads_it(config: str, new: Path, old: Path, tmp_path: Path) -> None:
    import datasets

    def ids(tree: Path) -> dict[str, list[str]]:
        loaded = surgsigma_hub.load_dataset(tree, config, streaming=True)
        return {split: [row["id"] for row in part.decode(False)] for split, part in loaded.items()}

    assert ids(old) == ids(new)
    plain = datasets.load_dataset(str(old), config, split="train", streaming=True)
    assert sorted(row["json"]["id"] for row in plain.decode(False)) == sorted(ids(new)["train"])


def test_validate_info_preview_and_export_read_it(
    old: Path, new: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert not validate(old).problems
    assert main(["info", str(old)]) == 0 == main(["info", str(old), "--answers"])
    assert "phase_recognition" in capsys.readouterr().out
    assert main(["preview", str(old), "--out", str(tmp_path / "sheet.png"), "--count", "2"]) == 0
    reports = [export(tree, get_adapter("qwen"), out=tmp_path / tree.parent.name) for tree in (old, new)]
    assert reports[0].tasks == reports[1].tasks and reports[0].records > 0
    for tree in (old, new):
        rows = [
            row for path in tree.glob("catalog/*.parquet") for row in pq.read_table(path, columns=["shard"]).to_pylist()
        ]
        assert {row["shard"] for row in rows} == set(shards(tree))


def test_what_is_built_into_it_has_new_names_beside_the_old_ones(old: Path, tmp_path: Path) -> None:
    tree = Path(shutil.copytree(old, tmp_path / "surgsigma"))
    before = streamed(tree)
    surgsigma_hub.build("synthetic", out=tree, tasks=["step_recognition"], options=OPTIONS)
    assert {"step_recognition-synthetic-train-00000.tar", "train-00000.tar"} <= set(shards(tree))
    assert not validate(tree).problems
    loaded = surgsigma_hub.load_dataset(tree, "all", split="train", streaming=True)
    after = [row["id"] for row in loaded.decode(False)]
    assert set(before) < set(after) and sorted(after) == sorted(streamed(tree))
    surgsigma_hub.build("synthetic", out=tree, tasks=TASKS, options=OPTIONS)
    assert "train-00000.tar" not in shards(tree), "a source that is built again leaves no shard of the old name"
    assert sorted(streamed(tree)) == sorted(after) and not validate(tree).problems


@pytest.mark.slow
def test_it_is_published_and_verified(old: Path, tmp_path: Path) -> None:
    with serve_hub() as hub, waiting(hub.environment(tmp_path / "home"), tmp_path) as client:
        pushed = client("push", "org/old", old)
        assert pushed.code == 0, pushed
    assert not [p for p in verify(old).problems if p.severity == "error"]
