"""A shard that is damaged anywhere is named, never read short."""

from __future__ import annotations

import io
import tarfile

import pytest
from surgsigma_hub.errors import ShardError
from surgsigma_hub.shards.reader import read_shard


def tar(*names: str) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.USTAR_FORMAT) as file:
        for name in names:
            entry = tarfile.TarInfo(name)
            entry.size = 700
            file.addfile(entry, io.BytesIO(name.encode().ljust(700, b"x")))
    return out.getvalue()


WHOLE = tar("a.json", "a.image.jpg", "b.json", "b.image.jpg")
ENTRY = 512 + 1024


def read(data: bytes) -> list[tuple[str, list[str]]]:
    return [(key, sorted(members)) for key, members in read_shard(io.BytesIO(data), where="t.tar")]


def test_a_whole_shard() -> None:
    assert read(WHOLE) == [("a", ["image.jpg", "json"]), ("b", ["image.jpg", "json"])]


@pytest.mark.parametrize("cut", [*range(1, 4 * ENTRY, 256), 4 * ENTRY])
def test_a_cut_anywhere(cut: int) -> None:
    with pytest.raises(ShardError, match=r"t\.tar"):
        read(WHOLE[:cut])


def test_a_broken_header() -> None:
    broken = bytearray(WHOLE)
    broken[2 * ENTRY + 3] ^= 0xFF
    with pytest.raises(ShardError, match="damaged tar"):
        read(bytes(broken))


@pytest.mark.parametrize("names", [("../x.json",), ("/x.json",), ("d/x.json",), ("nodot",), (".x.json",)])
def test_foreign_names(names: tuple[str, ...]) -> None:
    with pytest.raises(ShardError, match="is not <key>"):
        read(tar(*names))


def test_apart_and_double() -> None:
    with pytest.raises(ShardError, match="not adjacent"):
        read(tar("a.json", "b.json", "a.image.jpg"))
    with pytest.raises(ShardError, match="occurs twice"):
        read(tar("a.json", "a.json"))


def test_a_source_that_gives_little_at_a_time() -> None:
    class Slow(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            return super().read(min(size, 100) if size and size > 0 else size)

    assert len(list(read_shard(Slow(WHOLE), where="t.tar"))) == 2
