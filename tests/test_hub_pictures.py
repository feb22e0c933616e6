"""Pictures of the flat rows: decoded as datasets does it, refused in words of ours."""

from __future__ import annotations

import pickle
import shutil
from pathlib import Path

import datasets
import pytest
from surgsigma_hub import stream
from surgsigma_hub.api import build
from surgsigma_hub.errors import MediaError, ShardError
from surgsigma_hub.hub.builder import TreeImage, flat_features
from surgsigma_hub.hub.loading import load_dataset

from builds import SMALL

CONFIG = "phase_recognition"


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    tree = tmp_path_factory.mktemp("pictures") / "tree"
    build("synthetic", out=tree, options=SMALL, tasks=[CONFIG])
    return tree


@pytest.fixture
def damaged(built: Path, tmp_path: Path) -> Path:
    """The first picture of the first shard is none any more; all sizes and headers are as they were."""
    tree = tmp_path / "tree"
    shutil.copytree(built, tree)
    tar = min(tree.glob(f"data/{CONFIG}/*/*-train-*.tar"))
    data = bytearray(tar.read_bytes())
    at = data.index(b"\xff\xd8\xff")
    data[at : at + 64] = bytes(64)
    tar.write_bytes(data)
    return tree


@pytest.mark.parametrize("streaming", [True, False])
def test_a_picture_that_pillow_cannot_read_is_an_error_of_ours(damaged: Path, tmp_path: Path, streaming: bool) -> None:
    rows = load_dataset(damaged, CONFIG, split="train", streaming=streaming, cache_dir=tmp_path / "cache")
    with pytest.raises(MediaError, match=r"\.image\.jpg: not a readable image \(cannot identify image file\)"):
        list(rows)
    assert next(iter(load_dataset(damaged, CONFIG, split="val", streaming=True)))["images"][0]["image"].size


def test_the_feature_is_that_of_datasets_to_everybody_else() -> None:
    plain = datasets.Image()
    assert TreeImage() == plain and plain == TreeImage() and hash(TreeImage()) == hash(TreeImage())
    assert TreeImage(decode=False) != plain and TreeImage() != datasets.Value("string")
    assert flat_features() == datasets.Features.from_dict(flat_features().to_dict())
    assert pickle.loads(pickle.dumps(flat_features())) == flat_features()


def test_a_verified_stream_holds_the_json_against_the_schema(built: Path, tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    shutil.copytree(built, tree)
    tar = min(tree.glob(f"data/{CONFIG}/*/*-train-*.tar"))
    data = tar.read_bytes()
    assert b'"width":' in data
    tar.write_bytes(data.replace(b'"width":', b'"witdh":'))
    with stream(tree, CONFIG, decode="bytes") as rows, pytest.raises(ShardError, match="width is missing"):
        [item.record for item in rows]
    with (
        stream(tree, CONFIG, decode="bytes", verify=True) as rows,
        pytest.raises(ShardError, match="width is missing"),
    ):
        list(rows)
