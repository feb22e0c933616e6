"""Targets that are media, as built, against the drawing: masks and depth to the pixel, pictures and films near it."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
import orjson
import pytest
from PIL import Image
from surgsigma_hub.api import build
from surgsigma_hub.media.video import open_video_bytes
from surgsigma_hub.scene import Scene, Spec, scene
from surgsigma_hub.shards.manifest import load_tree
from surgsigma_hub.shards.reader import read_shard

FRAMES, WIDTH, HEIGHT = 40, 160, 120
NEAR = 4.0
"""Mean difference of levels that JPEG may make in a drawing of fine grain."""
TASKS = ["depth_estimation", "desmoking", "instrument_segmentation", "next_frame_generation", "video_generation"]
Made = dict[str, list[tuple[dict[str, Any], dict[str, bytes]]]]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    out = tmp_path_factory.mktemp("truth") / "surgsigma"
    options = {"videos": "2", "frames": str(FRAMES), "width": str(WIDTH), "height": str(HEIGHT)}
    build("synthetic", out=out, tasks=TASKS, options=options)
    found: Made = {}
    for manifest in load_tree(out):
        for shard in manifest.shards:
            with (out / manifest.folder / shard.name).open("rb") as file:
                for _, members in read_shard(file, where=shard.name):
                    found.setdefault(manifest.task, []).append((orjson.loads(members["json"]), members))
    return found


def drawn(doc: dict[str, Any], later: int = 0) -> Scene:
    number = int(doc["video_id"].rsplit("V", 1)[1])
    return scene(Spec(0, number, FRAMES, 1.0, WIDTH, HEIGHT), round(doc["start_seconds"]) + later)


def pixels(data: bytes) -> npt.NDArray[Any]:
    return np.asarray(Image.open(io.BytesIO(data)))


def off(a: npt.NDArray[Any], b: npt.NDArray[Any]) -> float:
    return float(np.abs(a.astype(int) - b.astype(int)).mean())


def test_depth_is_the_drawn_depth(made: Made) -> None:
    for doc, members in made["depth_estimation"]:
        assert np.array_equal(pixels(members["target.png"]), drawn(doc).depth)
        assert doc["media"][1]["kind"] == "depth"


def test_masks_are_the_drawn_instruments_and_parts(made: Made) -> None:
    seen = set()
    for doc, members in made["instrument_segmentation"]:
        truth = drawn(doc)
        mask, key = pixels(members["target.png"]) == 255, doc["id"].rsplit("instrument_segmentation-", 1)[1]
        own = {i.number for i in truth.instruments if key in ("all", i.hand.instrument)}
        if key.startswith("part-"):
            expected = truth.parts == {"part-shaft": 1, "part-working_end": 2}[key]
        else:
            expected = np.isin(truth.instances, list(own))
        assert np.array_equal(mask, expected), doc["id"]
        seen.add("part" if key.startswith("part-") else "all" if key == "all" else "class")
    assert seen == {"part", "all", "class"}


def test_parts_make_up_the_instruments(made: Made) -> None:
    for doc, _ in made["instrument_segmentation"][::9]:
        truth = drawn(doc)
        bags = [i.number for i in truth.instruments if i.hand.instrument == "specimen_bag"]
        assert np.array_equal(truth.parts > 0, (truth.instances > 0) & ~np.isin(truth.instances, bags))


def test_clean_pictures_are_those_under_the_smoke(made: Made) -> None:
    assert made["desmoking"]
    for doc, members in made["desmoking"]:
        truth = drawn(doc)
        assert off(pixels(members["target.jpg"]), truth.clean) < NEAR
        assert off(pixels(members["target.jpg"]), truth.clean) < off(pixels(members["target.jpg"]), truth.picture)
        assert off(pixels(members["image.jpg"]), truth.picture) < NEAR


def test_the_future_picture_is_that_of_the_interval(made: Made) -> None:
    assert made["next_frame_generation"]
    for doc, members in made["next_frame_generation"]:
        seconds = int(doc["answer"]["text"].split()[2])
        assert 1 <= seconds <= 10 and off(pixels(members["image.jpg"]), drawn(doc).picture) < NEAR
        assert off(pixels(members["target.jpg"]), drawn(doc, later=seconds).picture) < NEAR


def test_films_show_the_drawn_frames_in_order(made: Made) -> None:
    def shown(doc: dict[str, Any], data: bytes) -> Iterator[tuple[float, float]]:
        reader = open_video_bytes(data, "target.mp4")
        assert len(reader) == doc["media"][-1]["num_frames"] == doc["end_seconds"] - doc["start_seconds"]
        for n in range(len(reader)):
            frame = reader.frame(n)
            yield off(frame, drawn(doc, later=n).picture), n

    assert made["video_generation"]
    for doc, members in made["video_generation"]:
        assert all(error < 12 for error, _ in shown(doc, members["target.mp4"]))
        if "image.jpg" in members:
            assert off(pixels(members["image.jpg"]), drawn(doc).picture) < NEAR
