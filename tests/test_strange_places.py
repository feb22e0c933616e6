"""Folders that are not UTF-8, caches that cannot be made, and pictures that are no files."""

from __future__ import annotations

import gzip
import io
import os
import struct
import subprocess
import sys
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest
import surgsigma_hub
from surgsigma_hub.cli import main
from surgsigma_hub.errors import BadRowError, LayoutError, MediaError
from surgsigma_hub.media.image import MAX_BYTES, load_rgb
from surgsigma_hub.parsers import archive
from surgsigma_hub.parsers.archive import archive_members
from surgsigma_hub.parsers.tfrecord import TFRecordError, masked_crc32c, parse_example, read_records
from surgsigma_hub.records import FileImage, FileSlice
from surgsigma_hub.registry import get_source

from chole_files import example, tfrecord
from conftest import FIXTURES
from handmade import jpeg

SMALL = {"videos": "2", "frames": "3", "width": "64", "height": "48"}


@pytest.fixture
def odd(tmp_path: Path) -> Path:
    """A folder whose name is not UTF-8."""
    folder = Path(os.fsdecode(os.fsencode(tmp_path) + b"/odd\xff\xfe"))
    try:
        folder.mkdir()
    except OSError:
        pytest.skip("this file system takes no name that is not UTF-8")
    return folder


def test_a_tree_in_a_folder_that_is_not_utf8(odd: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tree = odd / "tree"
    assert surgsigma_hub.build("synthetic", out=tree, options=SMALL, tasks=["phase_recognition"]).ok
    count = sum(1 for _ in surgsigma_hub.stream(tree, decode="bytes", where={"task": "phase_recognition"}))
    assert count == len(list(surgsigma_hub.load_dataset(tree, split="train", streaming=True))) == 6
    for command in ("validate", "info"):
        for more in ((), ("--json",)):
            assert main([command, os.fspath(tree), *more]) == 0
    assert main(["preview", os.fspath(tree), "--out", os.fspath(tmp_path / "sheet.png")]) == 0
    capsys.readouterr()


@pytest.mark.parametrize("source", ["cholect50", "surgsigma_v01", "copesd"])
def test_a_copy_of_a_source_in_a_folder_that_is_not_utf8_is_refused(odd: Path, tmp_path: Path, source: str) -> None:
    (odd / "copy").symlink_to(FIXTURES / source)
    with pytest.raises(LayoutError, match="is not UTF-8: rename it"):
        get_source(source)(odd / "copy")


def test_a_cache_of_datasets_that_cannot_be_made(tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    assert surgsigma_hub.build("synthetic", out=tree, options=SMALL, tasks=["phase_recognition"]).ok
    (tmp_path / "file").write_text("")
    code = (
        "import sys, surgsigma_hub\n"
        "for streaming in (True, False):\n"
        "    try:\n"
        "        surgsigma_hub.load_dataset(sys.argv[1], split='train', streaming=streaming)\n"
        "    except surgsigma_hub.errors.SurgSigmaError as error:\n"
        "        print(error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tree)], capture_output=True, text=True, timeout=120,
        env={**os.environ, "HF_HOME": str(tmp_path / "file" / "home"), "HF_HUB_OFFLINE": "1"},
    )  # fmt: skip
    assert done.stdout.count("the variable HF_HOME") == 2, done.stderr


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no FIFO on this system")
def test_a_picture_that_is_no_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.jpg")
    for ref in (FileImage(tmp_path / "pipe.jpg"), FileSlice(tmp_path / "pipe.jpg", 0, 100)):
        with pytest.raises(MediaError, match="is a FIFO, expected a plain file"):
            load_rgb(ref)
    for device in ("/dev/zero", "/dev/null"):
        with pytest.raises(MediaError, match="is a device"):
            load_rgb(FileImage(Path(device)))
    with pytest.raises(MediaError, match="is a folder"):
        load_rgb(FileImage(tmp_path))


def test_a_picture_that_is_too_large_or_says_so(tmp_path: Path) -> None:
    with (tmp_path / "large.jpg").open("wb") as file:
        file.truncate(MAX_BYTES + 1)
    with pytest.raises(MediaError, match="more than"):
        load_rgb(FileImage(tmp_path / "large.jpg"))
    (tmp_path / "small.jpg").write_bytes(jpeg())
    for offset, length in ((0, 1 << 60), (1 << 60, 10)):
        with pytest.raises(MediaError, match=r"cut at|empty|cannot be read"):
            load_rgb(FileSlice(tmp_path / "small.jpg", offset, length))


# -- archives ---------------------------------------------------------------------------------------------------------

HUGE, NEGATIVE = b"\x80" + b"\x7f" * 11, b"\xff" * 11 + b"\x00"


def header(name: bytes, *, size: bytes = b"00000000000\0", kind: bytes = b"0") -> bytes:
    head = bytearray(512)
    head[: len(name)] = name
    head[100:108], head[124:136], head[136:148] = b"0000644\0", size, b"00000000000\0"
    head[148:156], head[156:157], head[257:265] = b" " * 8, kind, b"ustar\x0000"
    head[148:156] = b"%06o\0 " % sum(head)
    return bytes(head)


def pax(key: bytes, value: bytes) -> bytes:
    length = len(key) + len(value) + 3
    while len(b"%d %s=%s\n" % (length, key, value)) != length:
        length += 1
    record = b"%d %s=%s\n" % (length, key, value)
    return header(b"pax", size=b"%011o\0" % len(record), kind=b"x") + record + bytes(-len(record) % 512)


FILE = header(b"a.png")
TARS = {
    "a size below none": header(b"a.png", size=NEGATIVE),
    "a size above all": header(b"a.png", size=HUGE),
    "a long name of no length": header(b"p", size=NEGATIVE, kind=b"L") + FILE,
    "a long name of any length": header(b"p", size=HUGE, kind=b"L") + FILE,
    "a header of any length": header(b"p", size=HUGE, kind=b"x") + FILE,
    "headers of headers": header(b"p", kind=b"x") * 3000 + FILE,
    "names of names": header(b"p", kind=b"L") * 3000 + FILE,
    "a size from aside": pax(b"size", b"9" * 30) + FILE,
    "a size from aside below none": pax(b"size", b"-512") + FILE,
    "a map of a sparse file": pax(b"GNU.sparse.map", b"1,x") + FILE,
    "a size of a sparse file": pax(b"GNU.sparse.size", b"x") + FILE,
    "a name that climbs": pax(b"path", b"../../x") + FILE,
    "an absolute name": pax(b"path", b"/etc/x") + FILE,
    "a name with a zero": pax(b"path", b"a\0b") + FILE,
    "a name that climbs on Windows": header(b"..\\x.png"),
    "no name": header(b""),
    "a name that is not UTF-8": header(b"\xff.png"),
    "a link": header(b"a.png", kind=b"2"),
    "a pipe": header(b"a.png", kind=b"6"),
    "a name twice": FILE * 2,
}


@pytest.mark.parametrize("name", TARS)
@pytest.mark.parametrize("cached", [False, True])
def test_a_tar_of_a_stranger_is_refused(tmp_path: Path, name: str, cached: bool) -> None:
    (tmp_path / "x.tar").write_bytes(TARS[name] + bytes(1024))
    with pytest.raises(BadRowError, match=r"x\.tar"):
        archive_members(tmp_path / "x.tar", cache_dir=tmp_path / "cache" if cached else None)
    assert not [p for p in tmp_path.rglob("*") if p.suffix == ".png"]


def test_a_tar_that_begins_with_its_folder_is_read(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "x.tar", "w") as tar:
        folder = tarfile.TarInfo("./")
        folder.type = tarfile.DIRTYPE
        tar.addfile(folder)
        tar.addfile(tarfile.TarInfo("./a.png"), io.BytesIO())
    assert list(archive_members(tmp_path / "x.tar")) == ["a.png"]


def test_a_gzip_that_grows_without_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "_LEAST", 1 << 20)
    with gzip.open(tmp_path / "x.tar.gz", "wb") as file:
        for _ in range(64):
            file.write(bytes(1 << 20))
    with pytest.raises(BadRowError, match="times as many bytes"):
        archive_members(tmp_path / "x.tar.gz", cache_dir=tmp_path / "cache")
    assert not [p for p in (tmp_path / "cache").iterdir() if p.stat().st_size]


def test_folders_that_go_round(tmp_path: Path) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "a" / "b" / "x.png").write_bytes(b"x")
    assert list(archive_members(tmp_path / "a")) == ["b/x.png"]
    (tmp_path / "a" / "b" / "back").symlink_to(tmp_path / "a")
    with pytest.raises(BadRowError, match="leads back"):
        archive_members(tmp_path / "a")


# -- TFRecords --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("length", [2**64 - 1, 2**64 - 4, 2**64 - 16, 2**63, 2**32, 6])
def test_a_record_that_says_it_is_longer(length: int) -> None:
    told = struct.pack("<Q", length)
    data = told + struct.pack("<I", masked_crc32c(told)) + b"12345"
    with pytest.raises(TFRecordError, match="cut"):
        list(read_records(data))


MANY: dict[str, Callable[[], bytes]] = {
    "numbers": lambda: example({"k": [1] * 100_000}),
    "texts": lambda: example({"k": [b""] * 100_000}),
    "features": lambda: example({f"k{n}": [1] for n in range(2000)}),
}


@pytest.mark.parametrize("what", MANY)
def test_a_record_of_more_values_than_any_has(what: str) -> None:
    data = tfrecord([MANY[what]()])
    (span,) = read_records(data)
    with pytest.raises(TFRecordError, match="more than"):
        parse_example(data, span)
