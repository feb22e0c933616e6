"""Smoke and depth that a build adds to a source that has neither, and how such samples are marked."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import orjson
import pytest
from PIL import Image
from surgsigma_hub.api import build
from surgsigma_hub.depth.cache import DepthCache, Header
from surgsigma_hub.errors import BuildError
from surgsigma_hub.media.moments import Seen
from surgsigma_hub.records import Frame
from surgsigma_hub.registry import get_source
from surgsigma_hub.shards.manifest import load_tree
from surgsigma_hub.shards.reader import read_shard
from surgsigma_hub.shards.validate import validate

FIXTURE = Path(__file__).parent / "fixtures" / "cholect50"


def samples(tree: Path, task: str) -> dict[str, dict[str, bytes]]:
    found = {}
    for manifest in load_tree(tree):
        for shard in manifest.shards if manifest.task == task else ():
            with (tree / manifest.folder / shard.name).open("rb") as file:
                found.update(dict(read_shard(file, where=shard.name)))
    return found


def test_smoke_is_rendered_on_request_and_marked(tmp_path: Path) -> None:
    whole = tmp_path / "whole"
    assert build("cholect50", root=FIXTURE, out=whole, smoke=1.0, max_quarantine=1).committed
    assert validate(whole).ok
    made = samples(whole, "desmoking")
    plain = samples(whole, "phase_recognition")
    pictures = {key for key in plain if "clip" not in key}
    assert len(made) == len(pictures) > 5
    for key, members in made.items():
        doc = orjson.loads(members["json"])
        assert "-smoke-desmoking" in key and doc["provenance"]["label_origin"] == "derived"
        (mark,) = doc["provenance"]["augmentation"]
        assert mark.startswith("rendered_smoke:") and 0.1 <= float(mark.split(":")[1]) <= 0.9
        smoky, clean = (np.asarray(Image.open(io.BytesIO(members[m])), int) for m in ("image.jpg", "target.jpg"))
        assert smoky.shape == clean.shape and np.abs(smoky - clean).mean() > 1
        twin = key.replace("-smoke-desmoking", "-phase_recognition")
        assert members["target.jpg"] == plain[twin]["image.jpg"], "the clean picture is the source's own"
    half = tmp_path / "half"
    assert build("cholect50", root=FIXTURE, out=half, smoke=0.4, tasks=["desmoking"], max_quarantine=1).committed
    some = samples(half, "desmoking")
    assert 0 < len(some) < len(made) and all(some[key] == made[key] for key in some)


def test_without_the_request_nothing_is_added(tmp_path: Path) -> None:
    with pytest.raises(BuildError, match="does not offer task 'desmoking'"):
        build("cholect50", root=FIXTURE, out=tmp_path / "tree", tasks=["desmoking"])
    with pytest.raises(BuildError, match="does not offer task 'depth_estimation'"):
        build("cholect50", root=FIXTURE, out=tmp_path / "tree", tasks=["depth_estimation"])


def test_depth_maps_of_a_model_become_samples(tmp_path: Path) -> None:
    header = Header(model="tiny", sha256="0" * 64, source="cholect50", commit="abc")
    cache = DepthCache.create(tmp_path / "depth", header)
    source = get_source("cholect50")(FIXTURE)
    count = 0
    for video in source.videos():
        for frame in Seen(source, video).frames():
            if isinstance(frame, Frame) and frame.image is not None:
                with Image.open(frame.image.path) as picture:  # type: ignore[union-attr]
                    width, height = picture.size
                ramp = np.linspace(0, 65535, width * height).astype(np.uint16).reshape(height, width)
                cache.write(video.id, frame, ramp)
                count += 1
    out = tmp_path / "tree"
    report = build(
        "cholect50", root=FIXTURE, out=out, tasks=["depth_estimation"], depth=tmp_path / "depth", max_quarantine=1
    )
    assert report.committed and validate(out).ok
    made = samples(out, "depth_estimation")
    assert 0 < len(made) <= count
    for members in made.values():
        doc = orjson.loads(members["json"])
        assert doc["provenance"]["label_origin"] == "model" and doc["provenance"]["model"] == "tiny@abc"
        depth = np.asarray(Image.open(io.BytesIO(members["target.png"])))
        assert depth.dtype in (np.uint16, np.int32) and depth.max() == 65535
        assert depth.shape == (doc["height"], doc["width"])
    with pytest.raises(BuildError, match="holds depth maps of 'cholect50', not of 'synthetic'"):
        build("synthetic", out=tmp_path / "other", depth=tmp_path / "depth")
    with pytest.raises(BuildError, match="not a folder of depth maps"):
        build("cholect50", root=FIXTURE, out=tmp_path / "other", depth=tmp_path)
    assert str(tmp_path) not in (out / "README.md").read_text()
