"""What a server can do wrong, beside what ``test_stream_remote.py`` holds: tried again, or a clear error."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import surgsigma_hub
from surgsigma_hub.errors import ShardError, SurgSigmaError
from surgsigma_hub.streaming import RemoteOptions, Stream
from surgsigma_hub.streaming.storage.fsspec_files import FsspecFiles
from surgsigma_hub.streaming.storage.http import HttpFiles
from surgsigma_hub.streaming.storage.http import _wait as seconds_to_wait
from surgsigma_hub.streaming.storage.options import fetch
from surgsigma_hub.streaming.storage.range_file import TAIL, RangedFile
from surgsigma_hub.streaming.storage.response import TransientError

from packed import write_packed
from webserver import Web, serve

TAR = "data/phase_recognition/synthetic/train-00000.tar"


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    write_packed(tmp_path / "tree", [[3000] * 200, [3000] * 40], labels=["a", "b"])
    return tmp_path / "tree"


@pytest.fixture
def web(tree: Path) -> Iterator[Web]:
    with serve(tree) as running:
        yield running


def open_stream(place: str | Path, **more: Any) -> Stream:
    how = {"timeout": 1.0, "deadline": 10.0, "connections": 1, **more.pop("how", {})}
    return surgsigma_hub.stream(place, **{"decode": "bytes", "shuffle": "none", "remote": RemoteOptions(**how), **more})


def rows(stream: Stream) -> list[tuple[str, Any]]:
    with stream:
        return [(item.key, item.media) for item in stream]


def test_a_server_is_asked_again_when_it_wants_to_be(web: Web, tree: Path) -> None:
    web.faults += ["429 1", "503 1"]
    assert rows(open_stream(web.url)) == rows(open_stream(tree))
    begins = [begin for path, begin, _ in web.times if path.endswith(".tar")]
    assert begins[1] - begins[0] >= 1 and begins[2] - begins[1] >= 1


def test_a_wait_beyond_the_deadline_is_an_error_now(web: Web) -> None:
    web.faults += ["429 3600"]
    with (
        open_stream(web.url) as stream,
        pytest.raises(SurgSigmaError, match=r"in 1 tries .* lastly: status 429"),
    ):
        next(iter(stream))


def test_waits_are_numbers_or_dates() -> None:
    assert seconds_to_wait("7") == 7 and seconds_to_wait("") == 0 and seconds_to_wait("soon") == 0
    assert seconds_to_wait("Fri, 31 Dec 1999 23:59:59 GMT") == 0
    assert seconds_to_wait("Fri, 31 Dec 9998 23:59:59 GMT") > 10**9


def test_an_answer_that_is_packed(web: Web) -> None:
    web.faults += ["packed"] * 9
    with open_stream(web.url) as stream, pytest.raises(SurgSigmaError, match="compressed"):
        next(iter(stream))


def test_a_shard_that_is_too_short(web: Web, tree: Path) -> None:
    path = tree / TAR
    size = path.stat().st_size
    path.write_bytes(path.read_bytes()[: size - 5000])
    with pytest.raises(ShardError, match=rf"train-00000\.tar: holds {size - 5000} bytes"):
        rows(open_stream(web.url))
    with open_stream(web.url, on_error="skip", max_errors_in_row=500) as stream:
        assert len(list(stream)) == 40 and stream.errors.count == 200


def test_a_shard_that_changes_between_two_epochs(web: Web, tree: Path) -> None:
    with open_stream(web.url, how={"memory": 0}) as stream:
        assert len(list(stream)) == 240
        write_packed(tree, [[3000] * 200, [3001] * 40])
        with pytest.raises(ShardError, match="was changed while it was read"):
            list(stream)


def test_a_catalog_that_changes_while_it_is_read(web: Web, tree: Path) -> None:
    (tree / "catalog" / "big").write_bytes(bytes(3 * TAIL))
    files = HttpFiles(web.url + "/")
    file = RangedFile(files, "catalog/big", RemoteOptions(), most=10**6)
    (tree / "catalog" / "big").write_bytes(bytes(3 * TAIL + 1))
    with pytest.raises(ShardError, match="was changed while it was read"):
        file.read(10)
    files.close()


def test_a_ranged_file_reads_as_the_file_does(web: Web, tree: Path) -> None:
    data = bytes(n * 7 % 251 for n in range(5 * TAIL + 17))
    (tree / "catalog" / "big").write_bytes(data)
    files = HttpFiles(web.url + "/")
    file = RangedFile(files, "catalog/big", RemoteOptions(connections=3), most=10**6)
    file.load([(0, 10), (5, 700), (TAIL, TAIL + 100), (3 * TAIL, len(data))])
    asked = len(web.log)
    for start, size in ((0, 700), (3, 600), (TAIL, 100), (3 * TAIL, 2 * TAIL + 17), (len(data) - 5, 99)):
        file.seek(start)
        assert file.read(size) == data[start : start + size]
    assert len(web.log) == asked
    for start, size in ((650, 100), (TAIL - 5, 500), (2 * TAIL, 2 * TAIL), (0, -1)):
        file.seek(start)
        assert file.read(size) == (data[start:] if size < 0 else data[start : start + size])
    assert file.seek(0, 2) == len(data) == file.tell() and file.read() == b""
    small = RangedFile(files, "README.md", RemoteOptions(), most=10**6)
    assert small.read() == (tree / "README.md").read_bytes()
    files.close()


def test_a_connection_that_the_server_closed_meanwhile(web: Web, tree: Path) -> None:
    """The next request makes another one at once; that is no fault and costs no pause."""
    files = HttpFiles(web.url + "/")
    files.read("README.md")
    port = int(web.url.rpartition(":")[2])
    for stack in files._idle.values():
        for connection in stack:
            assert connection.port == port
    web.close_idle()
    assert files.read("README.md").data == (tree / "README.md").read_bytes()
    files.close()


def test_only_busy(web: Web) -> None:
    files = HttpFiles(web.url + "/", timeout=0.3)
    web.faults += ["503", "cut", "503"]
    with pytest.raises(TransientError):
        fetch(files, TAR, 0, 512, deadline=9, only_busy=True)
    assert len(web.tars()) == 2 and len(fetch(files, TAR, 0, 512, deadline=9).data) == 512
    files.close()


def memory_tree(tree: Path) -> Any:
    import fsspec

    memory = fsspec.filesystem("memory")
    for path in tree.rglob("*"):
        if path.is_file():
            memory.pipe_file(f"/store/tree/{path.relative_to(tree).as_posix()}", path.read_bytes())
    return memory


def test_a_store(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(FsspecFiles, "every", 0.0)
    memory = memory_tree(tree)
    where = {"label": "b"}
    assert rows(open_stream("memory://store/tree", where=where)) == rows(open_stream(tree, where=where))
    # Another version of the same size, while it is read; the store says when a file was made.
    with open_stream("memory://store/tree", how={"ahead": 0, "memory": 0}) as stream:
        next(iter(stream))
        memory.pipe_file(f"/store/tree/{TAR}", (tree / TAR).read_bytes())
        with pytest.raises(ShardError, match="was changed while it was read"):
            list(stream)
    memory.pipe_file(f"/store/tree/{TAR}", (tree / TAR).read_bytes()[:-5000])
    with pytest.raises(ShardError, match=r"holds \d+ bytes, the manifest says"):
        rows(open_stream("memory://store/tree"))


def test_a_store_is_not_asked_for_the_version_of_each_read(tree: Path) -> None:
    memory = memory_tree(tree)
    files = FsspecFiles(memory, "/store/tree")
    first = files.read(TAR, 0, 512)
    assert first.total == (tree / TAR).stat().st_size and first.tag
    memory.pipe_file(f"/store/tree/{TAR}", (tree / TAR).read_bytes())
    assert files.read(TAR, 512, 1024).tag == first.tag  # not looked at again so soon
    files.every = 0.0
    assert files.read(TAR, 512, 1024).tag != first.tag
