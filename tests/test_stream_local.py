"""Reading from folders: what is read equals what ``tarfile`` reads, and what is damaged is named or skipped."""

from __future__ import annotations

import gc
import io
import subprocess
import sys
import tarfile
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import psutil
import pytest
import surgsigma_hub
from surgsigma_hub.api import build
from surgsigma_hub.errors import MediaError, ShardError, SurgSigmaError, UnknownNameError
from surgsigma_hub.records import Sample
from surgsigma_hub.shards.manifest import Manifest, Shard, load_tree
from surgsigma_hub.streaming import Stream
from surgsigma_hub.streaming.selection.dataset import StreamDataset, make_selection
from surgsigma_hub.streaming.selection.index import make_index
from surgsigma_hub.streaming.storage.local import LocalShards

from builds import SMALL
from handmade import entries, part, rewrite, sample, save, small_tree, tar_bytes

NAME = "data/phase_recognition/synthetic/train-00000.tar"


def open_stream(tree: Path, **more: Any) -> Stream:
    return surgsigma_hub.stream(tree, **{"config": "phase_recognition", "decode": "bytes", **more})


def by_tarfile(tree: Path, pattern: str) -> dict[str, dict[str, bytes]]:
    """Samples of all tars by key, read by the standard library."""
    found: dict[str, dict[str, bytes]] = {}
    for path in sorted(tree.glob(pattern)):
        with tarfile.open(path) as tar:
            for entry in tar:
                key, _, member = entry.name.partition(".")
                content = tar.extractfile(entry)
                assert content is not None
                found.setdefault(key, {})[member] = content.read()
    return found


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tree that the package built, with real block indices, shards of several blocks and a catalog."""
    tree = tmp_path_factory.mktemp("built") / "tree"
    options = {**SMALL, "frames": "30"}
    build("synthetic", out=tree, options=options, shard_bytes=160_000, tasks=["phase_recognition", "image_captioning"])
    return tree


@pytest.mark.parametrize("shuffle", ["full", "block", "none"])
@pytest.mark.parametrize("threads", [0, 3])
def test_all_that_is_there(built: Path, shuffle: str, threads: int) -> None:
    expected = by_tarfile(built, "data/phase_recognition/*/*-train-*.tar")
    with open_stream(built, shuffle=shuffle, threads=threads, verify=True) as stream:
        got = {item.key: item for item in stream}
    assert len(stream) == len(expected) and set(got) == set(expected)
    for key, members in expected.items():
        assert got[key].sample == orjson.loads(members.pop("json"))
        assert got[key].media == members


def test_shard_order_without_shuffle(built: Path) -> None:
    assert [i.key for i in open_stream(built, shuffle=False)] == list(
        by_tarfile(built, "data/phase_recognition/*/*-train-*.tar")
    )


def test_typed(built: Path) -> None:
    item = next(iter(open_stream(built)))
    assert isinstance(item.record, Sample) and item.record.id == item.key
    assert orjson.loads(orjson.dumps(item.record)) == item.sample
    with pytest.raises(ShardError, match="does not have the form"):
        del item.sample["answer"]
        item.record  # noqa: B018


def test_views_are_not_copies(built: Path) -> None:
    with open_stream(built, decode="view") as stream:
        items = list(stream)
    assert all(isinstance(m, memoryview) for i in items for m in i.media.values())  # and live on after the stream
    assert {i.key: {k: bytes(m) for k, m in i.media.items()} for i in items} == {
        i.key: i.media for i in open_stream(built)
    }


def test_blocks_are_found_alone(built: Path) -> None:
    """A position costs one block of headers, not the shard before it."""
    manifests = [m for m in load_tree(built) if m.task == "phase_recognition" and m.split == "train"]
    index = make_index(manifests)
    shards = LocalShards(built, index)
    shards.read(index.samples - 1)
    touched = sum(1 for n in range(index.samples) if shards._starts[n])
    assert touched == index.sizes[-1] and len(shards._open) == 1


def test_few_handles(built: Path) -> None:
    manifests = [m for m in load_tree(built) if m.split == "train"]
    index = make_index(manifests)
    assert len(index.places) > 4
    shards = LocalShards(built, index, most=2)
    keys = [shards.read(n).key for n in range(0, index.samples, 3)]
    assert len(shards._open) == 2 and len(set(keys)) == len(keys)


# -- configs, mixtures, filters ------------------------------------------------------------------------------------


def tasks_of(stream: Stream) -> list[str]:
    return [item.sample["task"] for item in stream]


def test_configs_and_splits(built: Path) -> None:
    union = tasks_of(surgsigma_hub.stream(built, ["phase_recognition", "synthetic"], decode="bytes"))
    everything = tasks_of(surgsigma_hub.stream(built, decode="bytes"))
    assert sorted(union) == sorted(everything) and len(set(everything)) == 2
    both = surgsigma_hub.stream(built, "image_captioning-synthetic", split="train+test", decode="bytes")
    assert {i.sample["split"] for i in both} == {"train", "test"}


def test_a_mixture_delivers_its_shares(built: Path) -> None:
    weights = {"phase_recognition": 3.0, "image_captioning": 1.0}
    found = tasks_of(surgsigma_hub.stream(built, weights, decode="bytes"))
    assert abs(found.count("phase_recognition") - 3 * found.count("image_captioning")) <= 4
    capped = tasks_of(surgsigma_hub.stream(built, caps={"image_captioning": 5}, decode="bytes"))
    assert capped.count("image_captioning") == 5


@pytest.mark.parametrize(
    "where, passes",
    [
        ({"source": "synthetic"}, lambda s: True),
        ({"label": ["preparation"]}, lambda s: "preparation" in s["answer"]["labels"]),
        ({"reasoning_level": [3]}, lambda s: s["reasoning"]["level"] == 3),
        ({"specialty": "general_surgery", "media": "image.jpg"}, lambda s: s["media"][0]["member"] == "image.jpg"),
    ],
)
def test_filters(built: Path, where: dict[str, Any], passes: Callable[[dict[str, Any]], bool]) -> None:
    everything = {i.key for i in open_stream(built) if passes(i.sample)}
    for shuffle in ("full", "block", "none"):
        found = [i.key for i in open_stream(built, where=where, shuffle=shuffle, interleave=2)]
        assert len(found) == len(set(found)) and set(found) == everything


def test_filtering_by_video_touches_its_blocks_only(built: Path) -> None:
    video = next(iter(open_stream(built))).sample["canonical_video_id"]
    stream = open_stream(built, where={"video": video})
    found = list(stream)
    assert found and {i.sample["canonical_video_id"] for i in found} == {video}
    assert len(stream) == len(found) < len(open_stream(built))


def test_filters_that_cannot_be(built: Path, tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError, match="sorce"):
        open_stream(built, where={"sorce": "synthetic"})
    with pytest.raises(SurgSigmaError, match="reasoning_level"):
        open_stream(built, where={"reasoning_level": "2"})
    with pytest.raises(SurgSigmaError, match="no sample is left"):
        open_stream(built, where={"label": "nothing"})
    with pytest.raises(ShardError, match=r"catalog/phase_recognition-synthetic-train.parquet: is not there"):
        open_stream(small_tree(tmp_path), where={"source": "synthetic"})


# -- damage --------------------------------------------------------------------------------------------------------


def _no_json(tree: Path) -> None:
    rewrite(
        tree, [e for m, media in part(tree) for e in entries(m, media) if "000002" not in e[0] or "json" not in e[0]]
    )


def _no_medium(tree: Path) -> None:
    rewrite(tree, [e for m, media in part(tree) for e in entries(m, media) if "000002" not in e[0] or "json" in e[0]])


def _no_json_at_all(tree: Path) -> None:
    rewrite(tree, [(n, b"{" if "000002" in n and "json" in n else d) for m, x in part(tree) for n, d in entries(m, x)])


def _newer(tree: Path) -> None:
    pairs = part(tree)
    rewrite(
        tree,
        [e for n, (m, x) in enumerate(pairs) for e in entries(m, x, **({"format_version": "9.0"} if n == 2 else {}))],
    )


def _header(tree: Path) -> None:
    data = bytearray((tree / NAME).read_bytes())
    data[700] ^= 1 if data[700] else 0
    at = data.index(b"000002", 0)
    data[at] ^= 1  # a name that no checksum agrees with
    rewrite(tree, bytes(data))


def _cut(tree: Path) -> None:
    rewrite(tree, (tree / NAME).read_bytes()[:5200])


def _gone(tree: Path) -> None:
    (tree / NAME).unlink()


def _other_size(tree: Path) -> None:
    with (tree / NAME).open("ab") as file:
        file.write(bytes(512))


@pytest.mark.parametrize(
    "damage, bad, message",
    [
        (_no_json, 1, "has no JSON member"),
        (_no_medium, 1, "names the medium 'image.jpg', which is not in the tar"),
        (_no_json_at_all, 1, "has no JSON of this package"),
        (_newer, 1, "format version 9.0"),
        (_header, 1, "damaged"),
        (_cut, 3, "samples between bytes"),
        (_gone, 4, "named in the manifest is missing"),
        (_other_size, 4, "the manifest says"),
    ],
)
def test_damage_is_named_or_skipped(tmp_path: Path, damage: Callable[[Path], None], bad: int, message: str) -> None:
    tree = small_tree(tmp_path)
    damage(tree)
    with pytest.raises(ShardError, match=f"train-00000.tar.*{message}"):
        list(open_stream(tree))
    for threads in (0, 2):
        with open_stream(tree, on_error="skip", threads=threads) as stream:
            assert len(list(stream)) == 6 - bad
            assert stream.errors.count == bad and message in stream.errors.last[-1]
    with pytest.raises(SurgSigmaError, match="samples in a row"):
        list(open_stream(tree, on_error="skip", max_errors_in_row=bad - 1, shuffle=False))


def test_skipping_keeps_ranks_even(tmp_path: Path) -> None:
    tree = small_tree(tmp_path)
    _no_medium(tree)
    lengths = [len(list(open_stream(tree, on_error="skip", uneven="drop", rank=r, world_size=2))) for r in range(2)]
    assert lengths == [3, 3]


def test_a_flipped_bit_is_found_on_request(tmp_path: Path) -> None:
    tree = small_tree(tmp_path)
    data = bytearray((tree / NAME).read_bytes())
    at = data.index(b"\xff\xd8\xff") + 300
    data[at] ^= 1
    rewrite(tree, bytes(data))
    assert len(list(open_stream(tree))) == 6
    with pytest.raises(ShardError, match="sha256"):
        list(open_stream(tree, verify=True))


def test_a_picture_that_is_none(tmp_path: Path) -> None:
    made, _ = sample(2)
    tree = small_tree(tmp_path)
    rewrite(
        tree,
        [(n, b"no picture" if made.id in n and "jpg" in n else d) for m, x in part(tree) for n, d in entries(m, x)],
    )
    with pytest.raises(MediaError, match=f"{made.id}.image.jpg: not a readable image"):
        list(open_stream(tree, decode="rgb"))
    with open_stream(tree, decode="rgb", on_error="skip") as stream:
        assert len(list(stream)) == 5


def test_a_shard_that_changes_under_the_reader(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("surgsigma_hub.streaming.storage.local_file._CHECK_SECONDS", 0.0)
    tree = small_tree(tmp_path)
    rows = iter(open_stream(tree, shuffle=False))
    next(rows)
    with (tree / NAME).open("ab") as file:
        file.write(b"more")
    with pytest.raises(ShardError, match="was changed while it was read"):
        list(rows)


def test_an_index_that_contradicts_itself(tmp_path: Path) -> None:
    tree = small_tree(tmp_path)
    manifest = next(m for m in load_tree(tree) if m.task == "phase_recognition" and m.split == "train")
    for blocks in (((0, 0), (512, 9)), ((512, 0),), ((0, 0), (0, 2)), ((0, 1),)):
        save(tree, replace(manifest, shards=(replace(manifest.shards[0], blocks=blocks), *manifest.shards[1:])))
        with pytest.raises(ShardError, match="contradicts itself"):
            open_stream(tree)
    save(tree, replace(manifest, shards=tuple(replace(s, blocks=()) for s in manifest.shards)))
    assert len(list(open_stream(tree))) == 6  # no index: found by hopping


def test_foreign_tars(tmp_path: Path) -> None:
    tree = small_tree(tmp_path)
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.GNU_FORMAT) as tar:
        link = tarfile.TarInfo("a.json")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        tar.addfile(link)
    rewrite(tree, out.getvalue(), samples=1)
    with pytest.raises(ShardError, match="no plain member"):
        list(open_stream(tree, shuffle=False))
    rewrite(tree, tar_bytes([("a.json", b"{}"), ("a.json", b"{}")]), samples=1)
    with pytest.raises(ShardError, match="twice"):
        list(open_stream(tree, shuffle=False))


# -- cost ----------------------------------------------------------------------------------------------------------


def test_nothing_leaks(built: Path) -> None:
    process = psutil.Process()
    stream = open_stream(built, decode="rgb", threads=2)

    def epochs(count: int) -> tuple[int, int, int]:
        for _ in range(count):
            for _ in zip(range(40), stream, strict=False):
                pass
            stream.set_epoch(stream.epoch + 1)
            stream.close()
        gc.collect()
        return process.num_fds(), threading.active_count(), process.memory_info().rss

    before, after = epochs(10), epochs(90)
    assert after[0] <= before[0] and after[1] <= before[1]
    assert after[2] < before[2] + 20_000_000


def test_ten_thousand_shards(tmp_path: Path) -> None:
    """Opening costs little more than reading the manifest; how long it takes is measured in ``benchmarks/``."""
    blocks = tuple((n * 3_600_000, n * 64) for n in range(10))
    shards = tuple(Shard(f"train-{n:05d}.tar", "0" * 64, 36_000_000, 600, blocks) for n in range(10_000))
    save_in = tmp_path / "data" / "phase_recognition" / "synthetic"
    save_in.mkdir(parents=True)
    save(tmp_path, Manifest(
        task="phase_recognition", source="synthetic", split="train", samples=6_000_000, bytes=360_000_000_000,
        media_bytes=1, members=("image.jpg",), videos=("v",), options={}, shards=shards,
    ))  # fmt: skip
    before = psutil.Process().memory_info().rss
    manifests = load_tree(tmp_path)
    choice = make_selection(manifests, None, "train", where="x", temperature=None, caps=None)
    data = StreamDataset(choice.load(lambda _: manifests))
    data.order(shuffle="block", seed=0, epoch=0).at(np.arange(1024))
    assert psutil.Process().memory_info().rss - before < 200_000_000
    assert len(data) == 6_000_000


def test_importing_is_cheap() -> None:
    heavy = "{'torch', 'datasets', 'pyarrow', 'av', 'decord', 'huggingface_hub'}"
    code = f"import sys, surgsigma_hub\nsurgsigma_hub.stream\nprint({heavy} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
