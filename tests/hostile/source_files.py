"""Whole sources with one generated file: every registered source reads its fixture, of which one file is mutated.

An input is the name of the file and what lies there; each kind of file has mutations of its own. So a new source is fed
without a line here.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from functools import cache
from pathlib import Path

import orjson
import surgsigma_hub
from hypothesis import strategies as st

import damage
import sources

from . import mutate
from .guard import Reader, Sandbox

_SEPARATOR = b"\0"
_LARGEST = 200_000
"""Bytes of a file that is mutated; videos are larger, and have tests of their own."""
DRY_RUNS = ("cholect50", "cholec80", "cholecinstanceseg", "endoscapes2023")
"""Sources whose files are also read by a dry run, which is slow: tables, outlines, masks and boxes."""


@cache
def files_of(name: str) -> dict[str, bytes]:
    """The files of a fixture by their path in it; of several in one folder that look alike, the first two."""
    root, found = sources.FIXTURES / name, dict[str, bytes]()
    alike: dict[tuple[Path, str], int] = {}
    for path in sorted(root.rglob("*")):
        if path.is_file() and 0 < path.stat().st_size <= _LARGEST:
            kind = path.parent, path.suffix
            alike[kind] = alike.get(kind, 0) + 1
            if alike[kind] <= 2:
                found[path.relative_to(root).as_posix()] = path.read_bytes()
    return found


def honest(name: str) -> bytes:
    """The first file of a fixture as it is."""
    path, data = next(iter(files_of(name).items()))
    return path.encode() + _SEPARATOR + data


def inputs(name: str) -> st.SearchStrategy[bytes]:
    """One file of the fixture, mutated as JSON, as lines or as bytes."""
    return st.sampled_from(sorted(files_of(name))).flatmap(
        lambda path: _mutated(files_of(name)[path]).map(lambda data: path.encode() + _SEPARATOR + data)
    )


def _mutated(data: bytes) -> st.SearchStrategy[bytes]:
    if damage.is_document(data):
        return mutate.json_bytes(orjson.loads(data))
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        return mutate.raw(data)
    return mutate.raw(data) if "\0" in text else mutate.lines(text) | mutate.lines(text) | mutate.raw(data)


def placed(name: str) -> Callable[[Sandbox, bytes], Path]:
    """Puts a copy of the fixture with the generated file into a sandbox."""

    def place(box: Sandbox, data: bytes) -> Path:
        path, _, content = data.partition(_SEPARATOR)
        copy = box.inside / name
        shutil.rmtree(copy, ignore_errors=True)
        shutil.copytree(sources.FIXTURES / name, copy)
        (copy / path.decode()).write_bytes(content)
        return copy

    return place


def reads(name: str) -> Reader:
    """Reads all labels of a copy of the fixture."""

    def read(path: Path, out: Path) -> list[str]:
        said = damage.said(sources.opened(name, out / "cache", path))
        return [str(defect) for one in said.values() for defect in one.defects]

    return read


def builds_dry(name: str) -> Reader:
    """Reads a copy of the fixture as a dry run does: labels, headers of media, all samples that would be made."""

    def read(path: Path, out: Path) -> list[str]:
        report = surgsigma_hub.build(name, root=path, out=out / "tree", dry_run=True, max_quarantine=1.0)
        assert not (out / "tree").exists(), "a dry run builds nothing"
        return [f"{reason}: {count}" for reason, count in report.quarantined.items()]

    return read
