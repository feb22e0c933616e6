"""Reading over HTTP and fsspec: the same samples as from the folder, through every fault or a clear error."""

from __future__ import annotations

import json
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import surgsigma_hub
from surgsigma_hub.api import build
from surgsigma_hub.errors import ShardError, SurgSigmaError
from surgsigma_hub.shards.manifest import load_tree
from surgsigma_hub.streaming import RemoteOptions, Stream
from surgsigma_hub.streaming.storage.disk_cache import DiskCache

import fakehub
from builds import SMALL
from handmade import small_tree
from hub_client import PYTHON
from webserver import Web, serve


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tree with shards of several blocks."""
    tree = tmp_path_factory.mktemp("built") / "tree"
    options = {**SMALL, "frames": "60"}
    build("synthetic", out=tree, options=options, shard_bytes=2_000_000, tasks=["phase_recognition"])
    assert max(len(s.blocks) for m in load_tree(tree) for s in m.shards) > 1
    return tree


@pytest.fixture
def web(built: Path) -> Iterator[Web]:
    with serve(built) as running:
        yield running


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "127.0.0.1")


def open_stream(place: str | Path, **more: Any) -> Stream:
    how = {"timeout": 1.0, "deadline": 10.0, "connections": 3, **more.pop("how", {})}
    return surgsigma_hub.stream(
        place,
        **{
            "config": "phase_recognition",
            "decode": "bytes",
            "shuffle": "block",
            "remote": RemoteOptions(**how),
            **more,
        },
    )


def whole(stream: Stream) -> list[tuple[str, Any]]:
    with stream:
        return [(item.key, item.media) for item in stream]


@pytest.mark.parametrize("shuffle", ["full", "block", "none"])
@pytest.mark.parametrize("threads", [0, 3])
def test_the_same_as_from_the_folder(built: Path, web: Web, shuffle: str, threads: int) -> None:
    assert whole(open_stream(web.url, shuffle=shuffle, threads=threads)) == whole(open_stream(built, shuffle=shuffle))


def test_states_hold_here_and_there(built: Path, web: Web) -> None:
    local = open_stream(built)
    rows = iter(local)
    first = [next(rows).key for _ in range(70)]
    remote = open_stream(web.url)
    remote.load_state_dict(local.state_dict())
    assert first + [key for key, _ in whole(remote)] == [key for key, _ in whole(open_stream(built))]


def test_each_block_is_asked_for_once(built: Path, web: Web) -> None:
    shards = [s for m in load_tree(built) if m.split == "train" for s in m.shards]
    for shuffle in ("block", "none", "full"):
        web.log.clear()
        whole(open_stream(web.url, shuffle=shuffle))
        assert sum(web.asked()) == sum(s.bytes for s in shards)
        assert len(web.tars()) < sum(len(s.blocks) for s in shards)  # neighbours go together
    web.log.clear()
    for rank in range(2):
        whole(open_stream(web.url, rank=rank, world_size=2, interleave=2))
    # The ranks of a world that divides the lanes share the blocks out, but for the uneven end of an epoch.
    ends = [b for s in shards for b in (*(at for at, _ in s.blocks[1:]), s.bytes)]
    largest = max(b - a for a, b in zip([0, *ends], ends, strict=False))
    assert sum(web.asked()) <= sum(s.bytes for s in shards) + largest


def test_the_first_sample_comes_soon(web: Web) -> None:
    with open_stream(web.url, threads=0, how={"connections": 1, "ahead": 0}) as stream:
        next(iter(stream))
        assert len(web.log) <= 4  # the card, the manifest, the block, and one that is fetched ahead
    assert [path for path, _ in web.log[:2]] == ["README.md", "data/phase_recognition/synthetic/train.manifest.json"]


def test_resuming_reads_one_block(built: Path, web: Web) -> None:
    state = open_stream(built, shuffle=False).state_dict()
    with open_stream(web.url, shuffle=False, threads=0, how={"connections": 1, "ahead": 0}) as stream:
        stream.load_state_dict({**state, "position": 70})
        item = next(iter(stream))
    assert item.position == 70
    assert item.key == whole(open_stream(built, shuffle=False))[70][0]
    assert int(web.tars()[0][1].partition("=")[2].partition("-")[0]) > 0  # not from the start of the shard


@pytest.mark.parametrize("fault", ["429", "503", "500", "cut", "reset", "stall", "shifted", "short"])
def test_faults_that_pass(built: Path, web: Web, fault: str) -> None:
    web.faults += [fault] * 3
    assert whole(open_stream(web.url, threads=2, how={"timeout": 0.3})) == whole(open_stream(built))
    assert not web.faults


def test_many_faults(built: Path, web: Web) -> None:
    web.faults += ["503", "cut", "short", "429", "shifted", "reset"]
    found = whole(open_stream(web.url, threads=2, how={"timeout": 0.3, "deadline": 60.0}))
    assert found == whole(open_stream(built))


@pytest.mark.parametrize("fault", ["503", "cut", "shifted"])
def test_faults_that_stay(web: Web, fault: str) -> None:
    web.faults += [fault] * 1000
    for on_error in ("raise", "skip"):
        with (
            open_stream(web.url, on_error=on_error, how={"deadline": 0.5}) as stream,
            pytest.raises(SurgSigmaError, match=r"train-0000\d.tar: could not be read in \d+ tries within 0.5 s"),
        ):
            next(iter(stream))
        assert web.faults, "it ends by the clock, long before the server is well again"


def test_a_server_without_ranges(web: Web) -> None:
    web.faults += ["whole"] * 100
    with open_stream(web.url) as stream, pytest.raises(SurgSigmaError, match="does not answer requests for a range"):
        next(iter(stream))


def test_a_shard_that_changes_in_the_middle(web: Web) -> None:
    web.faults += ["none", "changed"]  # the second block of the first shard comes from another version of it
    with (
        open_stream(web.url, shuffle=False, how={"connections": 1, "ahead": 0}) as stream,
        pytest.raises(ShardError, match="was changed while it was read"),
    ):
        list(stream)


def test_a_shard_of_another_size(tmp_path: Path) -> None:
    tree = small_tree(tmp_path)
    path = tree / "data/phase_recognition/synthetic/train-00001.tar"
    path.write_bytes(path.read_bytes() + bytes(512))
    (tree / "README.md").write_text(CARD)
    with serve(tree) as web, pytest.raises(ShardError, match=r"holds .* bytes, the manifest says"):
        whole(open_stream(web.url))


CARD = """---
configs:
- config_name: phase_recognition-synthetic
  data_files: [{split: train, path: data/phase_recognition/synthetic/train-*.tar}]
---
"""


def test_what_is_not_there(tmp_path: Path, web: Web) -> None:
    tree = small_tree(tmp_path)
    (tree / "README.md").write_text(CARD)
    gone = tree / "data/phase_recognition/synthetic/train-00000.tar"
    gone.unlink()
    with serve(tree) as other:
        with pytest.raises(ShardError, match=r"train-00000\.tar: is not there"):
            whole(open_stream(other.url))
        with open_stream(other.url, on_error="skip") as stream:
            assert len(list(stream)) == 2 and stream.errors.count == 4
        (tree / "README.md").write_text("no card")
        with pytest.raises(ShardError, match="not the card of a tree"):
            open_stream(other.url)
        (tree / "README.md").unlink()
        with pytest.raises(ShardError, match="status 404"):
            open_stream(other.url)


def test_the_disk_cache(built: Path, web: Web, tmp_path: Path) -> None:
    how = {"cache": tmp_path / "cache", "cache_bytes": 10**8}
    first = whole(open_stream(web.url, how=how))
    web.log.clear()
    assert whole(open_stream(web.url, how=how)) == first and not web.tars()
    for path in (tmp_path / "cache").iterdir():
        path.write_bytes(path.read_bytes()[:-1])  # a damaged cache costs a request, nothing else
    assert whole(open_stream(web.url, how=how)) == first and web.tars()


def test_the_disk_cache_is_bounded(tmp_path: Path) -> None:
    cache = DiskCache(tmp_path, 10_000)
    for n in range(100):
        cache.put(str(n), bytes(900))
        if n % 5 == 0:
            cache.put("kept", b"x" * 900)
        assert cache.get("kept", 900) is not None
        assert sum(p.stat().st_size for p in tmp_path.iterdir()) <= 10_000
    assert cache.get("99", 900) == bytes(900) and cache.get("1", 900) is None and cache.get("99", 901) is None
    full = DiskCache(Path("/proc/nowhere"), 100)
    full.put("a", b"b")
    assert full.get("a", 1) is None


def test_memory_is_bounded(built: Path, web: Web) -> None:
    with open_stream(web.url, shuffle=False, how={"memory": 0, "ahead": 0, "connections": 1}) as stream:
        most = 0
        for _ in stream:
            most = max(most, len(stream._shards._blocks))  # type: ignore[union-attr]
    assert most <= 3


def test_through_a_proxy(built: Path, web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", web.url.replace("//", "//me:secret@"))
    assert whole(open_stream("http://data.invalid")) == whole(open_stream(built))
    assert web.auth == {"Basic bWU6c2VjcmV0"}


def test_filters_read_their_blocks_only(built: Path, web: Web) -> None:
    video = whole(open_stream(built, shuffle=False))
    first = next(iter(open_stream(built))).sample["canonical_video_id"]
    found = whole(open_stream(web.url, where={"video": first}))
    assert 0 < len(found) < len(video)
    assert dict(found).items() <= dict(video).items()


def test_closing_ends_threads_and_connections(web: Web) -> None:
    before = threading.active_count()
    stream = open_stream(web.url, threads=2)
    for _ in range(5):
        next(iter(stream))
        stream.close()
    deadline = time.monotonic() + 60
    # Threads of the server end when the connections do.
    while threading.active_count() > before and time.monotonic() < deadline:
        time.sleep(0.02)
    assert threading.active_count() <= before


def test_fsspec(built: Path) -> None:
    import fsspec

    memory = fsspec.filesystem("memory")
    for path in built.rglob("*"):
        if path.is_file():
            memory.pipe_file(f"/bucket/tree/{path.relative_to(built).as_posix()}", path.read_bytes())
    expected = whole(open_stream(built))
    assert whole(open_stream("memory://bucket/tree", threads=2)) == expected
    memory.rm_file(next(p for p in memory.find("/bucket/tree/data") if p.endswith("train-00000.tar")))
    with pytest.raises(ShardError, match="is not there"):
        whole(open_stream("memory://bucket/tree"))
    with pytest.raises(SurgSigmaError, match="no built data"):
        open_stream("memory://bucket/elsewhere")
    with pytest.raises(SurgSigmaError, match="nostore"):
        open_stream("nostore://bucket/tree")


def test_a_dataset_on_the_hub(built: Path, tmp_path: Path) -> None:
    code = (
        "import json, sys, surgsigma_hub\n"
        "s = surgsigma_hub.stream(sys.argv[1], 'phase_recognition', decode='bytes', threads=2)\n"
        "print(json.dumps([i.key for i in s]))"
    )
    with fakehub.serve() as hub:
        hub.add("org/surgsigma", built)
        for name in ("org/surgsigma", "org/surgsigma@main", "hf://datasets/org/surgsigma"):
            hub.log.clear()
            done = subprocess.run(
                [PYTHON, "-c", code, name],
                env=hub.environment(tmp_path),
                capture_output=True,
                text=True,
                timeout=60,
            )
            assert done.returncode == 0, done.stderr
            assert json.loads(done.stdout) == [key for key, _ in whole(open_stream(built))]
            # Three trips to the first sample: what the dataset is at, the manifest, the first block.
            assert ["tar" if line.endswith(".tar") else line.split("/")[-1] for line in hub.log[:3]][1:] == [
                "train.manifest.json", "tar",
            ]  # fmt: skip
        done = subprocess.run(
            [PYTHON, "-c", code, "org/other"],
            env=hub.environment(tmp_path),
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert "dataset org/other could not be opened" in done.stderr
