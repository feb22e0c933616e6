"""Ten thousand shards: memory of a fresh process, and that opening does work for shards, not for samples."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parent.parent / "benchmarks"))
import scale

from webserver import serve


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("scale") / "tree"
    scale.make_tree(root)
    return root


@pytest.mark.parametrize("shuffle", ["full", "block", "none"])
def test_the_first_of_six_million_samples_takes_little_memory(tree: Path, shuffle: str) -> None:
    assert scale.first_sample(str(tree), shuffle)[3] < 300_000_000


def test_the_first_of_six_million_samples_over_http(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with serve(tree) as web:
        assert scale.first_sample(web.url, "block")[3] < 300_000_000
        assert web.trips() == 3
        manifest = (tree / "data/phase_recognition/synthetic/train.manifest.json").stat().st_size
        assert sum(path.endswith("manifest.json") for path, _ in web.log) == 1
        assert web.sent < manifest + 64 * 200_000  # the rest is blocks, as many as are fetched ahead


def test_an_index_is_plain_numbers(tree: Path) -> None:
    """No object for each block: 8 bytes a number, and a few for each shard's name."""
    from surgsigma_hub.shards.manifest import load_tree
    from surgsigma_hub.streaming.selection.index import make_index

    index = make_index(load_tree(tree))
    assert len(index.block_first) == 100_001 and index.samples == 6_000_000
    for name in ("bytes", "first", "block_first", "block_shard", "block_start", "block_end"):
        assert getattr(index, name).itemsize == 8
