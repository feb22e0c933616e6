"""The disk cache: bounded whoever shares it, whole whoever is killed, and never in the way."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from surgsigma_hub.streaming.storage.disk_cache import DiskCache

WRITE = """
import sys
from pathlib import Path
from surgsigma_hub.streaming.storage.disk_cache import DiskCache
cache = DiskCache(Path(sys.argv[1]), int(sys.argv[2]))
size, n = int(sys.argv[3]), 0
while n < int(sys.argv[4]):
    data = bytes([n % 251]) * size
    cache.put(f"{sys.argv[5]} {n}", data)
    assert cache.get(f"{sys.argv[5]} {n}", size) in (data, None)
    n += 1
    print(n, flush=True)
"""


def writer(folder: Path, most: int, size: int, count: int, name: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-c", WRITE, str(folder), str(most), str(size), str(count), name]
    return subprocess.Popen(command, stdout=subprocess.PIPE)


def held(folder: Path) -> int:
    total = 0
    for path in folder.iterdir():
        try:
            total += path.stat().st_size
        except FileNotFoundError:
            continue
    return total


def test_processes_that_share_a_folder_keep_its_bound(tmp_path: Path) -> None:
    most, size = 2_000_000, 20_000
    running = [writer(tmp_path, most, size, 300, name) for name in "abc"]
    largest = 0
    for process in running:
        assert process.stdout
        for _ in process.stdout:
            largest = max(largest, held(tmp_path))
        assert process.wait(60) == 0
    assert most // 2 < largest <= most
    cache = DiskCache(tmp_path, most)
    kept = [cache.get(f"{name} {n}", size) == bytes([n % 251]) * size for name in "abc" for n in range(300)]
    assert sum(kept) == len(list(tmp_path.glob("*.block"))) > 0


def test_a_process_that_is_killed_leaves_nothing_half(tmp_path: Path) -> None:
    size, most = 5_000_000, 10**9
    for turn in range(4):
        process = writer(tmp_path, most, size, 10**6, str(turn))
        assert process.stdout and process.stdout.readline()
        time.sleep(0.013 * turn)
        process.send_signal(signal.SIGKILL)
        process.wait(30)
    cache = DiskCache(tmp_path, most)
    found = 0
    for turn in range(4):
        for n in range(200):
            if (data := cache.get(f"{turn} {n}", size)) is not None:
                assert data == bytes([n % 251]) * size
                found += 1
    assert found >= 4 and found == len(list(tmp_path.glob("*.block")))


def test_what_a_killed_process_left_goes_when_it_is_old(tmp_path: Path) -> None:
    left, fresh = tmp_path / ".x.block.1-a.tmp", tmp_path / ".y.block.2-b.tmp"
    left.write_bytes(bytes(500))
    fresh.write_bytes(bytes(500))
    os.utime(left, (time.time() - 7200,) * 2)
    DiskCache(tmp_path, 10_000).put("a", b"b")
    assert not left.exists() and fresh.exists()


@pytest.mark.parametrize("damage", ["bit", "zeros", "cut", "more"])
def test_a_damaged_file_is_not_believed(tmp_path: Path, damage: str) -> None:
    cache = DiskCache(tmp_path, 10**6)
    cache.put("a", b"x" * 1000)
    (path,) = tmp_path.glob("*.block")
    data = path.read_bytes()
    flipped = bytes([data[0] ^ 1]) + data[1:]
    changed = {"bit": flipped, "zeros": bytes(len(data)), "cut": data[:-1], "more": data + b"x"}
    path.write_bytes(changed[damage])
    assert cache.get("a", 1000) is None
    cache.put("a", b"x" * 1000)
    assert cache.get("a", 1000) == b"x" * 1000
    cache.drop("a")
    assert cache.get("a", 1000) is None


def test_a_full_disk_costs_speed_only(tmp_path: Path) -> None:
    """The kernel refuses to write more than so many bytes into a file, as a full disk does."""
    code = (
        "import logging, resource, sys\n"
        "from pathlib import Path\n"
        "from surgsigma_hub.streaming.storage.disk_cache import DiskCache\n"
        "logging.basicConfig(level=logging.WARNING)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))\n"
        "cache = DiskCache(Path(sys.argv[1]), 10**6)\n"
        "for n in range(5):\n"
        "    cache.put(str(n), bytes(5000))\n"
        "    assert cache.get(str(n), 5000) is None\n"
        "cache.put('small', bytes(10))\n"
        "assert cache.get('small', 10) == bytes(10)\n"
    )
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("the block cache cannot be written") == 1
    assert len(list(tmp_path.iterdir())) == 1


def test_a_folder_that_cannot_be_made(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "file").write_text("")
    cache = DiskCache(tmp_path / "file" / "cache", 100)
    with caplog.at_level(logging.WARNING):
        cache.put("a", b"b")
        cache.put("c", b"d")
    assert cache.get("a", 1) is None and len(caplog.records) == 1


def test_a_folder_that_is_made_is_for_its_user_only(tmp_path: Path) -> None:
    DiskCache(tmp_path / "new" / "cache", 10_000).put("a", b"b")
    assert (tmp_path / "new" / "cache").stat().st_mode & 0o077 == 0


def test_a_block_under_another_name_is_not_believed(tmp_path: Path) -> None:
    cache = DiskCache(tmp_path, 10_000)
    cache.put("a", b"one")
    (path,) = tmp_path.glob("*.block")
    cache.put("b", b"two")
    (other,) = (p for p in tmp_path.glob("*.block") if p != path)
    other.replace(path)
    assert cache.get("a", 3) is None and cache.get("b", 3) is None


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can give a file to another user")
def test_what_another_user_has_put_there_is_not_read(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    cache = DiskCache(tmp_path, 10_000)
    for key in "ab":
        cache.put(key, b"one")
    first, second = sorted(tmp_path.glob("*.block"))
    os.chown(first, 12345, -1)
    second.chmod(0o666)
    with caplog.at_level(logging.WARNING):
        assert cache.get("a", 3) is None and cache.get("b", 3) is None
    assert len(caplog.records) == 1 and "others" in caplog.text
    os.chown(first, 0, -1)
    second.chmod(0o600)
    assert cache.get("a", 3) == cache.get("b", 3) == b"one"


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no FIFO on this system")
def test_links_and_pipes_are_not_read(tmp_path: Path) -> None:
    cache = DiskCache(tmp_path / "cache", 10_000)
    cache.put("a", b"one")
    (path,) = (tmp_path / "cache").glob("*.block")
    path.rename(tmp_path / "elsewhere")
    path.symlink_to(tmp_path / "elsewhere")
    assert cache.get("a", 3) is None
    path.unlink()
    os.mkfifo(path)
    assert cache.get("a", 3) is None


def test_a_clock_that_runs_backwards_costs_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [time.time()]
    monkeypatch.setattr("surgsigma_hub.whole_files.time.time", lambda: now[0])
    cache = DiskCache(tmp_path, 10_000)
    left = tmp_path / ".x.block.1-a.tmp"
    left.write_bytes(bytes(500))
    for n in range(50):
        now[0] -= 10_000
        cache.put(str(n), bytes(900))
        assert cache.get(str(n), 900) == bytes(900) and held(tmp_path) <= 10_000
    assert left.exists()  # it may be of a writer that is at work
