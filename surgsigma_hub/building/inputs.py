"""Digests of what a build read of a source: its own files, so that the data can be made again and told apart.

``reports/<source>.inputs.json`` holds sha256 by path inside the source's root. Images in numbers stand for each other:
those of a folder with one ending are a line ``folder/*.png`` with the digest of their names and digests in order.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

import orjson

from ..records import Cut, Drawn, FileImage, FileSlice, Film, ImageRef, VideoFrame
from .parts import read_summary

_SHARED = 64
"""Files that several videos read, such as one table of labels, hashed once in a process."""


@dataclass(slots=True)
class Inputs:
    """What one video reads, as it is read.

    What lies outside the root is called by its name alone, so that no folder of this machine gets out.

    Args:
        root: The source's folder; None for a source without files.
    """

    root: Path | None
    _files: set[Path] = field(default_factory=set)
    _images: set[Path] = field(default_factory=set)

    def add(self, ref: ImageRef | Cut | None) -> None:
        """Note the file that a picture or clip comes from."""
        if ref is None or isinstance(ref, Drawn):
            return
        if isinstance(ref, FileImage):
            self._images.add(ref.path)
        elif isinstance(ref, FileSlice | VideoFrame):
            self._files.add(ref.path)
        elif isinstance(ref.footage, Film):
            self._files.add(ref.footage.path)
        else:
            for number in ref.frames:
                self.add(ref.footage.images[number] if number < len(ref.footage.images) else None)

    def noted(self, files: Iterable[Path], *, first: bool) -> dict[str, dict[str, str]]:
        """Digests by place, of ``files`` and films and archives, and of images; what is not there has none.

        Of a run that is not the ``first`` of its video, without ``files``: a film is read once for that.
        """
        known = set(files)
        whole = known | self._files
        told = whole if first else whole - known
        return {
            "files": {self._place(path): _digest(path) for path in sorted(told) if path.is_file()},
            "images": {self._place(path): _digest(path) for path in sorted(self._images - whole) if path.is_file()},
        }

    def _place(self, path: Path) -> str:
        if self.root is not None and path.is_relative_to(self.root):
            return path.relative_to(self.root).as_posix()
        return path.name


def inputs_place(source: str) -> str:
    """Where a tree keeps the digests of what the last build of a source read."""
    return f"reports/{source}.inputs.json"


def write_inputs(folder: Path, source: str, parts: Sequence[Path]) -> str:
    """Write the digests that the parts of a build noted; the place relative to ``folder``."""
    single: dict[str, str] = {}
    images: dict[str, dict[str, str]] = {}
    for part in parts:
        noted = read_summary(part)["inputs"]
        single |= noted.get("files", {})
        for place, sha256 in noted.get("images", {}).items():
            where = Path(place)
            images.setdefault((where.parent / f"*{where.suffix}").as_posix(), {})[where.name] = sha256
    place = inputs_place(source)
    (folder / place).parent.mkdir(parents=True, exist_ok=True)
    found = {**single, **{group: _together(of) for group, of in images.items()}}
    (folder / place).write_bytes(orjson.dumps(found, option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS) + b"\n")
    return place


def _together(images: Mapping[str, str]) -> str:
    lines = "".join(f"{name} {sha256}\n" for name, sha256 in sorted(images.items()))
    return hashlib.sha256(lines.encode()).hexdigest()


def _digest(path: Path) -> str:
    stat = path.stat()
    return _hashed(path, stat.st_size, stat.st_mtime_ns)


@lru_cache(maxsize=_SHARED)
def _hashed(path: Path, size: int, modified: int) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
