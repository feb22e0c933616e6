from __future__ import annotations

import gzip
import io
import tarfile
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from surgsigma_hub.errors import BadRowError, SurgSigmaError
from surgsigma_hub.parsers import archive
from surgsigma_hub.parsers.archive import archive_members, find_archive
from surgsigma_hub.records import FileImage, FileSlice
from surgsigma_hub.whole_files import made_once

FILES = {
    "dense_prediction/seg/CholecT50/VID02/000001.png": b"seg one",
    "dense_prediction/desmoke/CholecT50/VID02/000001.png": b"smoke" * 300,
    f"dense_prediction/{'long' * 40}/000002.png": b"behind a long name",
    "empty.png": b"",
}


def make_tar(path: Path, files: Mapping[str, bytes], *, mode: str = "w", format: int = tarfile.PAX_FORMAT) -> Path:
    with tarfile.open(path, mode, format=format) as tar:  # type: ignore[call-overload]
        folder = tarfile.TarInfo("./dense_prediction")
        folder.type = tarfile.DIRTYPE
        tar.addfile(folder)
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return path


def contents(members: Mapping[str, FileImage | FileSlice]) -> dict[str, bytes]:
    found = {}
    for name, ref in members.items():
        data = ref.path.read_bytes()
        found[name] = data if isinstance(ref, FileImage) else data[ref.offset : ref.offset + ref.length]
    return found


@pytest.mark.parametrize("format", [tarfile.PAX_FORMAT, tarfile.GNU_FORMAT])
@pytest.mark.parametrize("cached", [False, True])
def test_tar(tmp_path: Path, format: int, cached: bool) -> None:
    path = make_tar(tmp_path / "dense_prediction.tar", {f"./{k}": v for k, v in FILES.items()}, format=format)
    members = archive_members(path, cache_dir=tmp_path / "cache" if cached else None)
    assert contents(members) == FILES
    assert list(members) == sorted(FILES)
    assert (tmp_path / "cache").exists() == cached


def test_folder(tmp_path: Path) -> None:
    for name, data in FILES.items():
        (tmp_path / "base" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "base" / name).write_bytes(data)
    assert contents(archive_members(tmp_path / "base")) == FILES


def test_gzipped_tar_is_decompressed_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = make_tar(tmp_path / "dense_prediction.tar.gz", FILES, mode="w:gz")
    cache = tmp_path / "cache"
    first = archive_members(path, cache_dir=cache)
    assert contents(first) == FILES
    monkeypatch.setattr("gzip.open", None)  # a second decompression would fail
    archive._indexed.cache_clear()
    monkeypatch.setattr(archive, "_scan", None)  # and so would a second scan
    assert archive_members(path, cache_dir=cache) == first
    assert not list(cache.glob("*.tmp")) and not list(cache.glob(".*.tmp"))


def test_a_changed_archive_is_read_anew(tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    path = make_tar(tmp_path / "a.tar.gz", FILES, mode="w:gz")
    archive_members(path, cache_dir=cache)
    make_tar(path, {"other.png": b"x" * 9999}, mode="w:gz")
    assert contents(archive_members(path, cache_dir=cache)) == {"other.png": b"x" * 9999}


def test_gzipped_tar_needs_a_cache_folder(tmp_path: Path) -> None:
    path = make_tar(tmp_path / "a.tar.gz", FILES, mode="w:gz")
    with pytest.raises(SurgSigmaError, match="gunzip"):
        archive_members(path)


@pytest.mark.parametrize("name", ["/etc/passwd", "../up.png", "a/../../up.png", "C:/x.png", "a\\..\\up.png", "\\x.png"])
def test_names_that_leave_the_archive_are_refused(tmp_path: Path, name: str) -> None:
    path = make_tar(tmp_path / "a.tar", {"fine.png": b"1", name: b"2"})
    with pytest.raises(BadRowError, match="absolute or leaves"):
        archive_members(path)


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE])
def test_links_and_devices_are_refused(tmp_path: Path, kind: bytes) -> None:
    path = tmp_path / "a.tar"
    with tarfile.open(path, "w") as tar:
        info = tarfile.TarInfo("seg/000001.png")
        info.type, info.linkname = kind, "/etc/passwd"
        tar.addfile(info)
    with pytest.raises(BadRowError, match="neither a plain file nor a folder"):
        archive_members(path)


def test_a_name_twice_is_refused(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "a.tar", "w") as tar:
        for name in ("x.png", "./x.png"):
            tar.addfile(tarfile.TarInfo(name))
    with pytest.raises(BadRowError, match="twice"):
        archive_members(tmp_path / "a.tar")


def test_a_cut_tar_is_refused_wherever_it_is_cut(tmp_path: Path) -> None:
    whole = make_tar(tmp_path / "whole.tar", {f"seg/{n}.png": b"x" * 600 for n in range(3)})
    data = whole.read_bytes()
    end = len(data.rstrip(b"\0"))
    for size in range(1, end, 256):
        path = tmp_path / f"cut{size}.tar"
        path.write_bytes(data[:size])
        with pytest.raises(BadRowError):
            archive_members(path)


def test_a_cut_or_foreign_gzip_is_refused_and_leaves_nothing(tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    path = make_tar(tmp_path / "a.tar.gz", FILES, mode="w:gz")
    for data in (path.read_bytes()[:-20], b"not gzip at all", gzip.compress(b"x" * 999)[:-8] + b"12345678"):
        path.write_bytes(data)
        with pytest.raises(BadRowError, match=r"a\.tar\.gz"):
            archive_members(path, cache_dir=cache)
        assert not [p for p in cache.iterdir() if not p.name.endswith(".lock")]


def test_a_gzip_that_holds_no_tar_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.tar.gz"
    path.write_bytes(gzip.compress(b"hello" * 1000))
    with pytest.raises(BadRowError, match="damaged tar"):
        archive_members(path, cache_dir=tmp_path / "cache")


def test_find_archive_prefers_the_unpacked_folder(tmp_path: Path) -> None:
    base = tmp_path / "dense_prediction"
    assert find_archive(base) is None
    base.with_name("dense_prediction.tar.gz").touch()
    base.mkdir()
    assert find_archive(base) == base.with_name("dense_prediction.tar.gz")  # an empty folder holds nothing
    base.with_name("dense_prediction.tar").touch()
    assert find_archive(base) == base.with_name("dense_prediction.tar")
    (base / "seg").mkdir()
    assert find_archive(base) == base


def test_made_once_makes_once_and_cleans_up(tmp_path: Path) -> None:
    made: list[Path] = []

    def make(path: Path) -> None:
        made.append(path)
        path.mkdir()
        (path / "a").touch()

    def fail(path: Path) -> None:
        make(path)
        raise ValueError("stopped half way")

    with pytest.raises(ValueError):
        made_once(tmp_path / "cache" / "folder", fail)
    assert not (tmp_path / "cache" / "folder").exists() and not made[0].exists()
    made.clear()
    with ThreadPoolExecutor(8) as pool:
        targets = list(pool.map(lambda _: made_once(tmp_path / "cache" / "folder", make), range(16)))
    assert len(made) == 1 and (targets[0] / "a").exists()
