"""A set of image files as a folder, a tar or a gzipped tar, all read through references, none unpacked into files."""

from __future__ import annotations

import gzip
import os
import re
import tarfile
import zlib
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

import orjson

from ..errors import BadRowError, SurgSigmaError
from ..plain_file import MAX_TEXT
from ..records import FileImage, FileSlice
from ..whole_files import fingerprint, made_once

_BLOCK = 512
_MOST_TIMES = 100
_LEAST = 1 << 30
"""So many times its size a gzipped tar may hold, and so many bytes in any case: masks shrink to a twentieth at best."""
_DEEPEST = 64  # folders in one another


def find_archive(base: Path) -> Path | None:
    """The folder ``base``, or ``base.tar``, or ``base.tar.gz``: the first that is there and not an empty folder."""
    if base.is_dir() and any(base.iterdir()):
        return base
    for ending in (".tar", ".tar.gz"):
        packed = base.with_name(base.name + ending)
        if packed.is_file():
            return packed
    return None


def archive_members(path: Path, *, cache_dir: Path | None = None) -> Mapping[str, FileImage | FileSlice]:
    """Every file of an archive by its name inside it (``/`` between folders), in the order of the names.

    A tar is indexed once per state of the file; with a ``cache_dir`` the index is kept there for other processes. A
    gzipped tar cannot be read from the middle, so it is decompressed once into ``cache_dir`` as a plain tar.

    Raises:
        BadRowError: a damaged or cut archive, a name that is absolute or holds ``..``, a member that is neither a
            plain file nor a folder, a gzipped tar that grows without end, or folders whose links go round in a circle.
        SurgSigmaError: a gzipped tar without a ``cache_dir``.
    """
    if path.is_dir():
        return _folder(path)
    if path.name.endswith(".gz"):
        path = _plain_tar(path, cache_dir)
    return _indexed(path, fingerprint(path), cache_dir)


def _folder(path: Path) -> dict[str, FileImage | FileSlice]:
    found: dict[str, FileImage | FileSlice] = {}
    for folder, folders, names in os.walk(path, followlinks=True):
        folders.sort()
        if len(Path(folder).relative_to(path).parts) > _DEEPEST:
            raise BadRowError(
                f"{path.name}: folders more than {_DEEPEST} deep: a link leads back to a folder that it lies in",
                hint="Remove that link.",
            )
        for name in sorted(names):
            file = Path(folder, name)
            found[file.relative_to(path).as_posix()] = FileImage(file)
    return dict(sorted(found.items()))


def _plain_tar(path: Path, cache_dir: Path | None) -> Path:
    if cache_dir is None:
        raise SurgSigmaError(
            f"{path.name} can be read only after decompressing it, and there is no cache folder to put it in",
            hint=f"Give a cache folder, or decompress it beside itself: gunzip --keep {path.name}",
        )

    def decompress(target: Path) -> None:
        try:
            with gzip.open(path, "rb") as packed, target.open("wb") as plain:
                left = max(_LEAST, _MOST_TIMES * path.stat().st_size)
                while data := packed.read(1 << 20):
                    left -= len(data)
                    if left < 0:
                        raise BadRowError(
                            f"{path.name}: holds more than {_MOST_TIMES} times as many bytes as it has",
                            hint="This is no archive of images. If it is, decompress it yourself.",
                        )
                    plain.write(data)
        except (EOFError, gzip.BadGzipFile, zlib.error) as error:
            raise BadRowError(
                f"{path.name}: damaged or cut gzip file ({error})", hint="Download this file again."
            ) from None

    return made_once(cache_dir / f"{path.name.removesuffix('.gz')}-{fingerprint(path)}.tar", decompress)


@lru_cache(maxsize=2)
def _indexed(path: Path, state: str, cache_dir: Path | None) -> Mapping[str, FileImage | FileSlice]:
    rows: list[tuple[str, int, int]]
    if cache_dir is None:
        rows = _scan(path)
    else:
        index = cache_dir / f"{path.name}-{state}.index.json"
        made_once(index, lambda target: _write(target, orjson.dumps(_scan(path))), most=MAX_TEXT)
        rows = orjson.loads(index.read_bytes())
    return {name: FileSlice(path, offset, length) for name, offset, length in rows}


def _write(target: Path, data: bytes) -> None:
    target.write_bytes(data)


def _scan(path: Path) -> list[tuple[str, int, int]]:
    size = path.stat().st_size
    found: dict[str, tuple[int, int]] = {}
    at = -1
    try:
        with tarfile.open(path, "r:") as tar:
            while (member := tar.next()) is not None:
                setattr(tar, "members", [])  # noqa: B010 - tarfile keeps every header, too much for 165,000 of them
                name = safe_name(member.name, where=path.name)
                if not at < tar.offset or member.size < 0:
                    raise BadRowError(f"{path.name}: member {member.name!r} has no size", hint="Fetch this file again.")
                at = tar.offset
                if member.isdir():
                    continue
                if not name or "\0" in name:
                    raise BadRowError(f"{path.name}: a member called {member.name!r}", hint="Pack this archive again.")
                if not member.isreg() or member.issparse():
                    raise BadRowError(f"{path.name}: member {member.name!r} is neither a plain file nor a folder")
                if member.offset_data + member.size > size:
                    raise BadRowError(f"{path.name}: cut inside member {member.name!r}", hint="Fetch this file again.")
                if name in found:
                    raise BadRowError(f"{path.name}: member {name!r} occurs twice")
                found[name] = (member.offset_data, member.size)
    except (tarfile.TarError, ValueError, OverflowError, RecursionError, MemoryError) as error:
        # tarfile lets the others through for headers of headers, sizes that are none, and maps of sparse files.
        raise BadRowError(f"{path.name}: damaged tar ({error})", hint="Fetch this file again.") from None
    if not _ends_with_zeros(path, size):  # tarfile takes a file cut between two members for a whole one
        raise BadRowError(f"{path.name}: the tar has no end mark, so it has been cut", hint="Fetch this file again.")
    return [(name, *found[name]) for name in sorted(found)]


def _ends_with_zeros(path: Path, size: int) -> bool:
    with path.open("rb") as file:
        file.seek(max(0, size - _BLOCK))
        return not any(file.read(_BLOCK))


def safe_name(name: str, *, where: str) -> str:
    """``name`` of an archive's member with ``/`` between folders and no leading ``./``.

    Raises:
        BadRowError: the name is absolute, climbs out of the archive or is not UTF-8.

    >>> safe_name("./seg/000001.png", where="dense.tar")
    'seg/000001.png'
    """
    parts = name.replace("\\", "/").split("/")
    if name.startswith(("/", "\\")) or ".." in parts or re.match("[A-Za-z]:", name):
        raise BadRowError(
            f"{where}: member name {name!r} is absolute or leaves the archive",
            hint="This archive is not the published one; fetch it again from its authors.",
        )
    try:
        name.encode()
    except UnicodeEncodeError:
        raise BadRowError(f"{where}: member name {name!r} is not UTF-8", hint="Pack this archive again.") from None
    return "/".join(p for p in parts if p not in ("", "."))
