"""Flat rows under what trainers put around them: DataLoader, StatefulDataLoader, nodes, accelerate.

The second half shows the traps of ``datasets`` that the documentation names. Those that are errors of its own are
expected to fail, strictly: when one is repaired the test says so, and the advice can go.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import datasets
import pytest
from datasets.distributed import split_dataset_by_node
from surgsigma_hub.api import build
from surgsigma_hub.hub.loading import load_dataset

from builds import SMALL

torch = pytest.importorskip("torch", reason="needs torch, of the extra [train]")
stateful = pytest.importorskip("torchdata.stateful_dataloader", reason="needs torchdata, of the extra [train]")

pytestmark = pytest.mark.torch

CONFIG = "phase_recognition"
NEWER = tuple(map(int, datasets.__version__.split(".")[:2])) >= (5, 2)


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two tars, six blocks."""
    made = tmp_path_factory.mktemp("trainers") / "tree"
    build("synthetic", out=made, options={**SMALL, "frames": "70"}, shard_bytes=1_300_000, tasks=[CONFIG])
    return made


def ids_only(tree: Path, **more: Any) -> Any:
    return load_dataset(tree, CONFIG, split="train", streaming=True, **more).decode(False).select_columns(["id"])


@pytest.fixture(scope="module")
def ids(tree: Path) -> list[str]:
    return [row["id"] for row in ids_only(tree)]


def taken(loader: Any) -> list[str]:
    return [row["id"] for row in loader]


@pytest.mark.parametrize("workers", [0, 2, 3, 6])
def test_every_worker_of_a_dataloader_has_work(tree: Path, ids: list[str], workers: int) -> None:
    data = ids_only(tree, shards=max(1, workers))
    got = taken(torch.utils.data.DataLoader(data, batch_size=None, num_workers=workers))
    assert sorted(got) == sorted(ids)
    if workers:
        shares = [taken(split_dataset_by_node(data, rank, workers)) for rank in range(workers)]
        assert all(shares)


@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize("place", [1, 130, 250])
def test_a_stateful_dataloader_goes_on_exactly(tree: Path, ids: list[str], workers: int, place: int) -> None:
    def loader() -> Any:
        return stateful.StatefulDataLoader(ids_only(tree, shards=2), batch_size=None, num_workers=workers)

    first = loader()
    whole = taken(loader())
    reader = iter(first)
    head = [next(reader)["id"] for _ in range(place)]
    again = loader()
    again.load_state_dict(first.state_dict())
    assert head + taken(again) == whole
    assert sorted(whole) == sorted(ids)


@pytest.mark.parametrize(("world", "workers"), [(2, 0), (3, 1), (2, 3)])
def test_ranks_and_workers_share_without_reading_twice(
    tree: Path, ids: list[str], world: int, workers: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = ids_only(tree, shards=6)
    parts = [split_dataset_by_node(data, rank, world) for rank in range(world)]
    assert [part.num_shards for part in parts] == [6 // world] * world
    got = [taken(torch.utils.data.DataLoader(part, batch_size=None, num_workers=workers)) for part in parts]
    assert sorted(id for part in got for id in part) == sorted(ids)
    assert len({id for part in got for id in part}) == len(ids)


def test_accelerate_shards_by_shard_where_it_is_not_to_dispatch(tree: Path, ids: list[str]) -> None:
    accelerate = pytest.importorskip("accelerate", reason="needs accelerate, of the extra [train]")
    loader = torch.utils.data.DataLoader(ids_only(tree, shards=6), batch_size=4)
    prepared = accelerate.Accelerator(
        cpu=True, dataloader_config=accelerate.DataLoaderConfiguration(dispatch_batches=False)
    ).prepare(loader)
    assert [id for batch in prepared for id in batch["id"]] == ids


# -- traps of `datasets` -----------------------------------------------------------------------------------------------


def test_trap_more_workers_than_shards_stand_idle(tree: Path) -> None:
    by_tar = ids_only(tree)
    assert by_tar.num_shards == 2
    assert ids_only(tree, shards=6).num_shards == 6  # the remedy


def test_trap_shards_that_the_ranks_do_not_divide_are_all_read_by_every_rank(tree: Path) -> None:
    part = split_dataset_by_node(ids_only(tree), 0, 3)
    assert part.num_shards == 2  # both tars, of which it keeps every third sample
    assert split_dataset_by_node(ids_only(tree, shards=6), 0, 3).num_shards == 2  # of six


def test_trap_ranks_of_unequal_length(tree: Path, ids: list[str]) -> None:
    """Training that synchronises would wait for ever for the rank that is at its end: use ``stream(uneven=...)``."""
    from surgsigma_hub.streaming import stream

    lengths = {len(taken(split_dataset_by_node(ids_only(tree, shards=4), rank, 4))) for rank in range(4)}
    assert len(lengths) > 1
    streams = [stream(tree, CONFIG, rank=r, world_size=4, uneven="drop", decode="bytes") for r in range(4)]
    assert {len(list(s)) for s in streams} == {len(ids) // 4}


def shuffled(tree: Path, workers: int) -> Any:
    data = ids_only(tree, shards=4).shuffle(seed=1, buffer_size=20)
    return stateful.StatefulDataLoader(data, batch_size=None, num_workers=workers)


def after_resume(tree: Path, workers: int, place: int = 60) -> list[str]:
    first = shuffled(tree, workers)
    reader = iter(first)
    head = [next(reader)["id"] for _ in range(place)]
    again = shuffled(tree, workers)
    again.load_state_dict(first.state_dict())
    return head + taken(again)


@pytest.mark.xfail(strict=True, reason="datasets loses its shuffle buffer when it resumes: use surgsigma_hub.streaming")
def test_trap_a_shuffle_buffer_is_lost_on_resume(tree: Path, ids: list[str]) -> None:
    assert sorted(after_resume(tree, 0)) == sorted(ids)


@pytest.mark.skipif(not NEWER, reason="seen with datasets 5.2")
@pytest.mark.xfail(
    strict=True, raises=IndexError, reason="datasets 5.2: shuffle, workers and resume do not go together"
)
def test_trap_shuffle_with_workers_does_not_resume(tree: Path) -> None:
    after_resume(tree, 2)


@pytest.mark.xfail(strict=True, reason="datasets decodes the first of a plain list of images twice; ours are structs")
def test_trap_a_list_of_images_decodes_its_first_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[int] = []
    decode = datasets.Image.decode_example
    monkeypatch.setattr(datasets.Image, "decode_example", lambda s, v, **k: calls.append(1) or decode(s, v, **k))
    pixel = {"bytes": _png(), "path": None}
    structs = datasets.Features({"i": datasets.List({"image": datasets.Image()})})
    structs.decode_example({"i": [{"image": pixel}, {"image": pixel}]})
    assert len(calls) == 2, "the form that our rows have"
    calls.clear()
    datasets.Features({"i": datasets.List(datasets.Image())}).decode_example({"i": [pixel, pixel]})
    assert len(calls) == 2


def _png() -> bytes:
    import io

    from PIL import Image

    out = io.BytesIO()
    Image.new("RGB", (2, 2)).save(out, "PNG")
    return out.getvalue()
