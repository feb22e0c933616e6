"""``--frame-side``: frames with a bounded short side, and masks, depth maps and boxes that follow."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pytest
from PIL import Image
from surgsigma_hub.api import build
from surgsigma_hub.errors import BuildError, MediaError, SurgSigmaError
from surgsigma_hub.media.frame_side import bounded, smaller_depth, smaller_mask
from surgsigma_hub.media.image import to_jpeg
from surgsigma_hub.media.masks import render
from surgsigma_hub.records import FileImage, MaskImage
from surgsigma_hub.shards.manifest import load_tree
from surgsigma_hub.shards.reader import read_shard

from builds import SMALL, digests

TASKS = [
    "depth_estimation", "desmoking", "instrument_localization", "instrument_segmentation", "next_frame_generation",
    "phase_recognition",
]  # fmt: skip
SIDE = 40  # of 96 x 64, so that no pixel of the result covers whole pixels


def samples(tree: Path) -> dict[str, tuple[dict[str, Any], dict[str, bytes]]]:
    """Id to JSON and media of every sample of a tree."""
    found = {}
    for manifest in load_tree(tree):
        for shard in manifest.shards:
            with (tree / manifest.folder / shard.name).open("rb") as file:
                for key, members in read_shard(file, where=shard.name):
                    found[key] = orjson.loads(members.pop("json")), members
    return found


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("full") / "surgsigma"
    assert build("synthetic", out=out, options=SMALL, tasks=TASKS, smoke=0.5).ok
    return out


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("small") / "surgsigma"
    report = build("synthetic", out=out, options=SMALL, tasks=TASKS, smoke=0.5, frame_side=SIDE)
    assert report.ok and not report.quarantined
    return out


def opened(data: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(data))
    image.load()
    return image


def test_only_sizes_and_pixels_change(full: Path, small: Path) -> None:
    before, after = samples(full), samples(small)
    assert set(before) == set(after)
    for id, (doc, media) in after.items():
        was, large = before[id]
        assert (doc["width"], doc["height"]) == (60, SIDE) and (was["width"], was["height"]) == (96, 64)
        for name in ("messages", "answer", "reasoning", "native", "provenance", "frame_index"):
            assert doc[name] == was[name], "boxes are 0..1 of the frame, and hold whatever its size"
        assert set(media) == set(large)
        assert {opened(data).size for data in media.values()} == {(60, SIDE)}


def test_pixels_are_those_of_the_frame_at_full_size(full: Path, small: Path) -> None:
    before, after = samples(full), samples(small)
    kinds = set()
    for id, (doc, media) in after.items():
        for one in doc["media"]:
            large, made = opened(before[id][1][one["member"]]), np.asarray(opened(media[one["member"]]))
            kinds.add(one["kind"])
            if one["kind"] == "mask":
                covered = np.asarray(large.resize((60, SIDE), Image.Resampling.BOX))
                assert np.array_equal(made > 0, covered >= 128) and set(np.unique(made)) <= {0, 255}
            elif one["kind"] == "depth":
                values = np.asarray(large)
                assert made.dtype == np.uint16 and set(np.unique(made)) <= set(np.unique(values))
                assert made[0, 0] == values[0, 0] and made[-1, -1] == values[-1, -1]
            else:
                expected = np.asarray(large.resize((60, SIDE), Image.Resampling.BICUBIC), int)
                assert np.abs(made.astype(int) - expected).mean() < 4, "one more JPEG coding is all that differs"
    assert kinds == {"image", "mask", "depth"}


def test_a_frame_that_is_small_enough_stays_byte_for_byte(full: Path, tmp_path: Path) -> None:
    same = tmp_path / "surgsigma"
    build("synthetic", out=same, options=SMALL, tasks=TASKS, smoke=0.5, frame_side=64)
    tars = [{k: v for k, v in digests(tree).items() if k.endswith(".tar")} for tree in (full, same)]
    assert tars[0] == tars[1] and tars[0]


def test_manifest_and_card_say_the_side(full: Path, small: Path) -> None:
    assert {m.options["frame_side"] for m in load_tree(small)} == {SIDE}
    assert f"frame_side={SIDE}" in (small / "cards" / "synthetic.md").read_text()
    assert not any("frame_side" in m.options for m in load_tree(full)), "trees of before are built on as they were"
    with pytest.raises(BuildError, match="built with other settings"):
        build("synthetic", out=small, options=SMALL, tasks=TASKS, smoke=0.5)


def test_a_jpeg_is_passed_through_or_made_smaller_once(tmp_path: Path) -> None:
    path = tmp_path / "frame.jpg"
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (90, 120, 3), np.uint8)).save(path, quality=95)
    kept = to_jpeg(FileImage(path), quality=80, side=90)
    assert kept.data == to_jpeg(FileImage(path), quality=80).data and kept.passed_through
    made = to_jpeg(FileImage(path), quality=80, side=45)
    assert (made.width, made.height, made.full, made.passed_through) == (60, 45, (120, 90), False)
    expected = io.BytesIO()
    Image.open(path).convert("RGB").resize((60, 45), Image.Resampling.BICUBIC).save(expected, "JPEG", quality=80)
    assert made.data == expected.getvalue()


@pytest.mark.parametrize("size", [(1920, 1080), (33, 32), (32, 500), (720, 576), (31, 20)])
def test_the_short_side_is_bounded_and_nothing_is_enlarged(size: tuple[int, int]) -> None:
    width, height = bounded(size, 32)
    assert min(width, height) == min(32, *size) and width <= size[0] and height <= size[1]
    assert abs(width / height - size[0] / size[1]) * height <= 0.5 + 1e-9 or width == 32


def test_a_mask_that_would_vanish_is_refused() -> None:
    mask = np.zeros((100, 100), np.uint8)
    assert not smaller_mask(mask, (10, 10)).any()
    mask[50, 50] = 255
    with pytest.raises(MediaError, match="no pixel is left of the mask at 10 x 10"):
        smaller_mask(mask, (10, 10))
    assert smaller_mask(mask, (100, 100)) is mask


def test_depth_takes_the_value_in_the_middle() -> None:
    values = np.arange(9, dtype=np.uint16).reshape(3, 3)
    assert smaller_depth(values, (1, 1)).tolist() == [[4]]
    assert np.array_equal(smaller_depth(values, (3, 3)), values)
    assert smaller_depth(np.kron(values, np.ones((4, 4), np.uint16)), (3, 3)).tolist() == values.tolist()


@pytest.mark.parametrize("side", [0, -1, 15, 5000])
def test_a_side_out_of_range(side: int, tmp_path: Path) -> None:
    with pytest.raises(SurgSigmaError, match=f"frame_side={side} is out of range, expected 16..2160"):
        build("synthetic", out=tmp_path / "t", frame_side=side)


def test_a_mask_of_another_size_follows_its_picture_and_one_of_another_shape_is_refused(tmp_path: Path) -> None:
    mask = np.zeros((128, 192), np.uint8)
    mask[:64] = 255
    Image.fromarray(mask).save(tmp_path / "mask.png")
    region = MaskImage(FileImage(tmp_path / "mask.png"))
    made = smaller_mask(render([region], width=96, height=64), (60, 40))
    assert made.shape == (40, 60) and (made[:20] == 255).all() and not made[20:].any()
    with pytest.raises(MediaError, match=r"mask\.png: mask of 192 x 128 for a 96 x 96 frame"):
        render([region], width=96, height=96)
