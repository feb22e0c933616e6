"""Files that are whole or absent: bounds of one file and of a folder, and what is left where making one fails."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from surgsigma_hub.whole_files import WholeFiles, made_once, write_atomic


def test_a_file_or_folder_that_is_too_large_is_not_kept(tmp_path: Path) -> None:
    def folder(target: Path) -> None:
        (target / "in").mkdir(parents=True)
        (target / "in" / "a").write_bytes(b"12345678")

    for make in (folder, lambda target: target.write_bytes(b"12345678")):
        with pytest.raises(OSError, match="holds 8 bytes, more than 7 are not kept"):
            made_once(tmp_path / "x", make, most=7)
        assert [p.name for p in tmp_path.iterdir() if not p.name.endswith(".lock")] == []
    assert made_once(tmp_path / "x", folder, most=8).is_dir()
    assert made_once(tmp_path / "x", lambda _: pytest.fail("it is there")) == tmp_path / "x"


def test_a_file_beyond_its_bound_is_neither_kept_nor_read(tmp_path: Path) -> None:
    files = WholeFiles(tmp_path / "kept", each=4)
    assert files.write("a/b", b"1234") and files.read("a/b") == b"1234"
    assert not files.write("a/c", b"12345") and files.read("a/c") is None
    (tmp_path / "kept" / "d").write_bytes(b"12345")
    with pytest.raises(OSError, match="more than 4"):
        files.read("d")
    os.mkfifo(tmp_path / "kept" / "e")
    with pytest.raises(OSError, match="FIFO"):
        files.read("e")
    files.drop("a/b")
    files.drop("a/b")
    assert files.read("a/b") is None


def test_of_a_bounded_folder_the_least_recently_used_go_and_others_files_stay(tmp_path: Path) -> None:
    files = WholeFiles(tmp_path / "kept", each=700, most=800, suffix=".block", sync=False)
    for n in range(8):
        files.write(f"{n}.block", bytes(100))
        os.utime(tmp_path / "kept" / f"{n}.block", (n, n))
        if n == 1:
            (tmp_path / "kept" / "notes.txt").write_bytes(b"mine")
    files.used("3.block")
    files.write("8.block", bytes(100))
    held = {p.name for p in (tmp_path / "kept").iterdir()}
    assert {"notes.txt", "3.block", "8.block", "7.block"} <= held and "2.block" not in held
    assert sum(p.stat().st_size for p in (tmp_path / "kept").iterdir()) <= 800
    assert (tmp_path / "kept").stat().st_mode & 0o077 == 0, "for this user only"


def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "taken").mkdir()
    with pytest.raises(OSError, match="taken"):
        write_atomic(tmp_path / "taken", b"x")
    assert [p.name for p in tmp_path.iterdir()] == ["taken"] and not list((tmp_path / "taken").iterdir())
