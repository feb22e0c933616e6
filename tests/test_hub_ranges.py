"""Flat rows by range: any number of shards, resume at the block, damage by policy, and the same rows always."""

from __future__ import annotations

import itertools
import json
import logging
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import datasets
import pytest
import surgsigma_hub
from datasets.distributed import split_dataset_by_node
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from surgsigma_hub.api import build
from surgsigma_hub.errors import ShardError, SurgSigmaError
from surgsigma_hub.hub.block_ranges import BlockRange, single_blocks, split_evenly
from surgsigma_hub.hub.loading import load_dataset
from surgsigma_hub.shards.manifest import load_manifest

from builds import SMALL
from fakehub import FakeHub, serve

CONFIG = "phase_recognition"
FOLDER = f"data/{CONFIG}/synthetic"
SHARDS = f"{CONFIG}-synthetic"
RESHARDS = hasattr(datasets.IterableDataset, "reshard")


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two tars of three blocks each, 64, 64 and 26 samples."""
    made = tmp_path_factory.mktemp("ranges") / "tree"
    build("synthetic", out=made, options={**SMALL, "frames": "70"}, shard_bytes=1_300_000, tasks=[CONFIG])
    assert [len(s.blocks) for s in manifest(made).shards] == [3, 3]
    return made


def manifest(tree: Path) -> Any:
    return load_manifest(tree / FOLDER / "train.manifest.json")


def flat(tree: Path | str, **more: Any) -> Any:
    return load_dataset(tree, CONFIG, split="train", streaming=True, **more).decode(False)


def rows(data: Any) -> list[dict[str, Any]]:
    return list(data)


@pytest.fixture(scope="module")
def all_rows(tree: Path) -> list[dict[str, Any]]:
    return rows(flat(tree))


def test_every_way_of_reading_gives_the_same_rows(tree: Path, all_rows: list[Any], tmp_path: Path) -> None:
    by_stream = list(surgsigma_hub.stream(tree, CONFIG, shuffle=False, decode="bytes"))
    assert [row["id"] for row in all_rows] == [item.key for item in by_stream]
    for row, item in zip(all_rows, by_stream, strict=True):
        media = [i["image"]["bytes"] for i in row["images"]] + [v["video"]["bytes"] for v in row["videos"]]
        assert media == list(item.media.values())
    arrow = load_dataset(tree, CONFIG, split="train", cache_dir=tmp_path)
    plain = datasets.List({"image": datasets.Image(decode=False), "role": datasets.Value("string")})
    assert list(arrow.cast_column("images", plain)) == all_rows
    for shards in range(1, 7):
        data = flat(tree, shards=shards)
        assert data.num_shards == shards
        assert rows(data) == all_rows
    with pytest.raises(SurgSigmaError, match="6 blocks cannot be shared out among 7 shards"):
        flat(tree, shards=7)


@pytest.mark.skipif(not RESHARDS, reason="this version of datasets has no IterableDataset.reshard")
def test_reshard_goes_down_to_blocks(tree: Path, all_rows: list[Any]) -> None:
    data = flat(tree).reshard()
    assert data.num_shards == 6
    assert rows(data) == all_rows
    shares = [rows(split_dataset_by_node(data, rank, 6)) for rank in range(6)]
    assert list(itertools.chain(*shares)) == all_rows


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(st.lists(st.integers(1, 70), min_size=1, max_size=9), min_size=1, max_size=6),
    st.integers(1, 20),
)
def test_groups_are_the_blocks_in_order_and_nearly_even(tars: list[list[int]], shards: int) -> None:
    pieces = [
        BlockRange(f"t{n}", f"t{n}", 0, tuple((10 * at, 10 * at + 10, count) for at, count in enumerate(counts)))
        for n, counts in enumerate(tars)
    ]
    blocks = single_blocks(tuple(pieces))
    if shards > len(blocks):
        with pytest.raises(SurgSigmaError, match="cannot be shared out"):
            split_evenly(pieces, shards)
        return
    groups = split_evenly(pieces, shards)
    assert len(groups) == shards and all(groups)
    assert [block for group in groups for block in single_blocks(group)] == blocks
    for group in groups:  # adjacent blocks of a tar are one piece
        assert len({piece.tar for piece in group}) == len(group)
    if len({count for counts in tars for count in counts}) == 1:
        sizes = [sum(len(piece.blocks) for piece in group) for group in groups]
        assert max(sizes) - min(sizes) <= 1


@pytest.mark.parametrize("shards", [None, 2, 6])
def test_resume_is_exact_at_every_place(tree: Path, all_rows: list[Any], shards: int | None) -> None:
    ids = [row["id"] for row in all_rows]
    data = flat(tree, shards=shards)
    states = [data.state_dict()]
    for _ in data:
        states.append(data.state_dict())
    for place in [0, 1, 63, 64, 65, 127, 128, 200, len(ids) - 1, len(ids)]:
        again = flat(tree, shards=shards)
        again.load_state_dict(states[place])
        assert [row["id"] for row in again] == ids[place:], place


def test_a_state_of_other_shards_is_refused(tree: Path) -> None:
    data = flat(tree, shards=3)
    next(iter(data))
    for other in (flat(tree, shards=2), flat(tree)):
        other.load_state_dict(data.state_dict())
        with pytest.raises(SurgSigmaError, match="cut or shuffled in another way"):
            next(iter(other))


def test_resume_reads_no_block_before_its_own(tree: Path, all_rows: list[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    from surgsigma_hub.hub import block_ranges as pieces

    data = flat(tree)
    reader = iter(data)
    for _ in range(150):
        next(reader)
    state = data.state_dict()
    read: list[int] = []
    exactly = pieces.read_exactly
    monkeypatch.setattr(pieces, "read_exactly", lambda file, size: read.append(size) or exactly(file, size))
    again = flat(tree)
    again.load_state_dict(state)
    assert next(iter(again))["id"] == all_rows[150]["id"]
    blocks = manifest(tree).shards[0].blocks
    assert read == [manifest(tree).shards[0].bytes - blocks[2][0]]  # 150 is in the third block


# -- damage ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def own(tree: Path, tmp_path: Path) -> Path:
    """A copy that a test may break."""
    copy = tmp_path / "own"
    for path in tree.rglob("*"):
        if path.is_file():
            (copy / path.relative_to(tree)).parent.mkdir(parents=True, exist_ok=True)
            (copy / path.relative_to(tree)).write_bytes(path.read_bytes())
    return copy


def spoil(tar: Path, key: str, member: str, offset: int) -> None:
    """Other bytes inside a member: ``offset`` bytes behind the begin of its header."""
    data = bytearray(tar.read_bytes())
    at = data.index(f"{key}.{member}".encode() + b"\0") + offset
    data[at : at + 8] = b"\xff" * 8
    tar.write_bytes(data)


def test_damaged_samples_are_named_or_skipped_and_counted(
    own: Path, all_rows: list[Any], caplog: pytest.LogCaptureFixture
) -> None:
    tar = own / FOLDER / f"{SHARDS}-train-00000.tar"
    ids = [row["id"] for row in all_rows]
    spoil(tar, ids[3], "json", 512)  # no JSON
    spoil(tar, ids[70], "image.jpg", 900)  # a picture that is not what it was
    spoil(tar, ids[100], "image.jpg", 148)  # a header
    with pytest.raises(ShardError, match=ids[3]):
        list(flat(own))
    with caplog.at_level(logging.WARNING, "surgsigma_hub.hub.block_ranges"):
        data = flat(own, on_error="skip")
        got, states = [], []
        for row in data:
            got.append(row["id"])
            states.append(data.state_dict())
    bad = [ids[3], ids[70], ids[100]]
    assert got == [id for id in ids if id not in bad]
    said = [record.getMessage() for record in caplog.records]
    assert len(said) == 3 and "3 in this process" in said[-1]
    assert ids[3] in said[0] and ids[70] in said[1] and "train-00000.tar" in said[2]
    for place in (2, 3, 68, 69, 98, 99):  # before and behind each
        again = flat(own, on_error="skip")
        again.load_state_dict(states[place])
        assert [row["id"] for row in again] == got[place + 1 :], place


def test_a_missing_tar_and_too_many_bad_samples(own: Path, all_rows: list[Any]) -> None:
    lost = manifest(own).shards[1].samples
    (own / FOLDER / f"{SHARDS}-train-00001.tar").unlink()
    with pytest.raises(ShardError, match=r"train-00001\.tar: shard named in the manifest is missing"):
        list(flat(own))
    with pytest.raises(ShardError, match=f"{lost} samples in a row could not be read"):
        list(flat(own, on_error="skip"))
    assert len(list(flat(own, on_error="skip", max_errors_in_row=lost))) == len(all_rows) - lost


def test_a_cut_tar_loses_its_end_only(own: Path, all_rows: list[Any]) -> None:
    tar = own / FOLDER / f"{SHARDS}-train-00000.tar"
    blocks = manifest(own).shards[0].blocks
    tar.write_bytes(tar.read_bytes()[: blocks[1][0] + 700])
    lost = manifest(own).shards[0].samples - blocks[1][1]
    got = [row["id"] for row in flat(own, on_error="skip", max_errors_in_row=200)]
    assert got == [row["id"] for n, row in enumerate(all_rows) if not 64 <= n < 64 + lost]


def test_options_that_make_no_sense(tree: Path, tmp_path: Path) -> None:
    for wrong in ({"shards": 4}, {"on_error": "skip"}):
        with pytest.raises(SurgSigmaError, match="streaming=True"):
            load_dataset(tree, CONFIG, cache_dir=tmp_path, **wrong)
    for wrong in ({"shards": 0}, {"on_error": "ignore"}, {"max_errors_in_row": -1}):
        with pytest.raises(SurgSigmaError):
            flat(tree, **wrong)
    assert not list(tmp_path.rglob("*.arrow"))


# -- the Hub -----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def hub(tree: Path) -> Iterator[FakeHub]:
    with serve() as server:
        server.add("org/surgsigma", tree)
        yield server


def on_hub(hub: FakeHub, home: Path, code: str) -> Any:
    prelude = (
        "import json, surgsigma_hub\n"
        "def flat(**more): return surgsigma_hub.load_dataset(\n"
        f"    'org/surgsigma', {CONFIG!r}, split='train', streaming=True, **more).decode(False)\n"
    )
    command = [sys.executable, "-c", prelude + code]
    done = subprocess.run(command, env=hub.environment(home), cwd=home, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.splitlines()[-1])


def test_resume_from_the_hub_asks_for_the_rest_of_one_tar(
    hub: FakeHub, tree: Path, all_rows: list[Any], tmp_path: Path
) -> None:
    state = on_hub(
        hub,
        tmp_path,
        "d = flat()\nr = iter(d)\nfor _ in range(150): next(r)\nprint(json.dumps(d.state_dict()))",
    )
    hub.sent.clear()
    code = f"d = flat()\nd.load_state_dict(json.loads({json.dumps(state)!r}))\nprint(json.dumps(next(iter(d))['id']))"
    assert on_hub(hub, tmp_path, code) == all_rows[150]["id"]
    shard = manifest(tree).shards[0]
    tars = [part for part in hub.sent if part[0].endswith(".tar")]
    assert tars == [(f"{FOLDER}/{shard.name}", shard.blocks[2][0], shard.bytes)]


def test_shards_of_the_hub_ask_for_their_blocks_only(
    hub: FakeHub, tree: Path, all_rows: list[Any], tmp_path: Path
) -> None:
    hub.sent.clear()
    code = (
        "from datasets.distributed import split_dataset_by_node\n"
        "print(json.dumps([r['id'] for r in split_dataset_by_node(flat(shards=6), 1, 6)]))"
    )
    assert on_hub(hub, tmp_path, code) == [row["id"] for row in all_rows[64:128]]
    _, second, third = (start for start, _ in manifest(tree).shards[0].blocks)
    assert [part[1:] for part in hub.sent if part[0].endswith(".tar")] == [(second, third)]
