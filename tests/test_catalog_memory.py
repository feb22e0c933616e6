"""What a stream by medium holds of each medium: counted in bytes at two sizes, so what is there once drops out."""

from __future__ import annotations

import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from surgsigma_hub.building import catalog
from surgsigma_hub.shards.manifest import Manifest, Shard
from surgsigma_hub.streaming.order import permutation
from surgsigma_hub.streaming.order.permutation import BlockOrder, permute, round_keys
from surgsigma_hub.streaming.selection.by_medium import read_conversations
from surgsigma_hub.streaming.selection.dataset import LoadedSelection, Selection
from surgsigma_hub.streaming.selection.talk_dataset import TalkDataset

TASKS = ["image_captioning", "phase_recognition", "triplet_recognition"]
SIZES = (4_000, 24_000)
GROUP = 2_048
_BYTES = 50_176


class Place:
    """A tree on this machine of which nothing but a catalog is there."""

    local, where = True, "here"

    def __init__(self, path: Path) -> None:
        self._path = path

    def catalog(self, manifest: Manifest) -> Path:
        return self._path


def pretended(path: Path, media: int) -> Manifest:
    """Write the catalog of so many media in one shard, each with a conversation of each task, in small row groups."""
    rows = media * len(TASKS)
    values: dict[str, Any] = {
        "task": TASKS * media,
        "offset": np.repeat(np.arange(media) * _BYTES, len(TASKS)),
        "shard": ["frames-s-train-00000.tar"] * rows,
        "canonical_video_id": [f"s/v{n // 900}" for n in range(rows)],
    }
    fields = {name: catalog._schema().field(name) for name in values}
    table = pa.table(values, schema=pa.schema(list(fields.values())))
    pq.write_table(table, path, row_group_size=GROUP, use_dictionary=True, column_encoding=None)
    shard = Shard("frames-s-train-00000.tar", "0" * 64, media * _BYTES + 1024, media, ((0, 0),))
    return Manifest(
        task="frames", source="s", split="train", samples=media, bytes=shard.bytes, media_bytes=0,
        members=("image.jpg",), videos=(), options={}, shards=(shard,), conversations=dict.fromkeys(TASKS, media),
    )  # fmt: skip


def held(path: Path, manifest: Manifest, where: dict[str, Any]) -> tuple[int, int]:
    """Bytes that stay with an open stream of all conversations in its order, and the most at a time until then."""
    weights = {("s", task): 1.0 for task in TASKS}
    tracemalloc.start()
    try:
        conversations = read_conversations(Place(path), [manifest], weights, where)
        loaded = LoadedSelection(Selection(("frames",), ((manifest,),)), ((manifest,),))
        dataset = TalkDataset(loaded, "all", weights, conversations)
        del conversations
        order = dataset.order(shuffle="full", seed=0, epoch=0)
        assert len(set(order.at(np.arange(64, dtype=np.int64)).tolist())) == 64
        return tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    ("where", "most", "at_a_time"),
    [({}, 26, 60), ({"video": [f"s/v{n}" for n in range(0, 100, 2)]}, 26, 60)],
    ids=["everything", "every other video"],
)
def test_a_medium_costs_a_few_bytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: dict[str, Any], most: int, at_a_time: int
) -> None:
    monkeypatch.setattr(permutation, "_PIECE", GROUP)  # what is worked on at a time is no more in the larger tree
    found = []
    for media in SIZES:
        path = tmp_path / f"{media}.parquet"
        manifest = pretended(path, media)
        held(path, manifest, where)  # imports and caches
        found.append(held(path, manifest, where))
    more = SIZES[1] - SIZES[0]
    stays, peak = ((large - small) / more for small, large in zip(*found, strict=True))
    assert stays <= most, f"{stays:.0f} bytes of a medium with {len(TASKS)} conversations stay"
    assert peak <= at_a_time, f"{peak:.0f} bytes of a medium at a time"


def test_pieces_of_a_permutation_are_the_permutation(monkeypatch: pytest.MonkeyPatch) -> None:
    sizes = np.arange(1, 81)
    blocks = np.arange(80, dtype=np.int64)
    keys = round_keys("pieces")

    def everything() -> list[list[int]]:
        order = BlockOrder(sizes, seed=1, epoch=2)
        return [
            permute(blocks, np.array(80), keys).tolist(),
            permute(blocks // 2, sizes, keys, blocks.astype(np.uint64)).tolist(),
            order.at(np.arange(len(order), dtype=np.int64)).tolist(),
        ]

    whole = everything()
    monkeypatch.setattr(permutation, "_PIECE", 7)
    assert everything() == whole
    assert sorted(whole[2]) == list(range(int(sizes.sum())))
