"""A small tree by medium, and streams of it as its tests open them."""

from __future__ import annotations

from itertools import chain
from pathlib import Path
from typing import Any

import pytest
import surgsigma_hub
from surgsigma_hub.streaming import Stream, Turns

from packed import write_talks

A, B, C, D = "image_captioning", "instrument_recognition", "phase_recognition", "step_recognition"
SHARDS = [
    [[A, B], [A, B, C, D, B], [C], [B, B, B], [A, C, D], [A]],
    [[D], [B, C], [A, B, C, D], [C, D], [B, D, D]],
    [[A, B, C], [C], [A, B]],
]
MEDIA = list(chain(*SHARDS))
TALKS = sum(map(len, MEDIA))
EVERYTHING = ["one", "all", "turns", Turns(most=2)]


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("talks") / "tree"
    write_talks(root, SHARDS)
    return root


def open_stream(place: str | Path, talk: Any, **more: Any) -> Stream:
    how = {"decode": "bytes", "seed": 3, "rank": 0, "world_size": 1, "interleave": 3, **more}
    return surgsigma_hub.stream(place, talk=talk, **how)


def name(item: Any) -> str:
    """What an item is, its conversations included."""
    return "+".join([item.key, *(talk["id"] for talk in item.sample.get("conversations", ()))])


def names(stream: Stream) -> list[str]:
    with stream:
        return [name(item) for item in stream]


def medium_of(item: Any) -> int:
    return int(item.sample["frame_index"])
