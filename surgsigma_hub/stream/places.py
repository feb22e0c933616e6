"""Where a tree is: a folder, a dataset on the Hub, or a URL; its manifests, catalogs and shards."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Protocol

from ..errors import SurgSigmaError
from ..shards.manifest import Manifest, load_tree
from .index import Index
from .local import LocalShards
from .order import Numbers
from .tar import Members


class Shards(Protocol):
    """Random access to the samples of an index. Threads may share it."""

    def read(self, number: int) -> Members:
        """The members of a sample."""

    def expect(self, numbers: Numbers) -> None:
        """Samples that will be read next, in order."""

    def close(self) -> None:
        """Let go of files, connections and threads."""


class Place(Protocol):
    """A tree. Plain data, so that it can be sent to another process."""

    where: str
    local: bool

    def manifests(self) -> list[Manifest]:
        """All manifests of the tree."""

    def catalog(self, manifest: Manifest) -> Any:
        """The catalog of a manifest, as pyarrow reads it: a path or a file."""

    def shards(self, index: Index) -> Shards:
        """A reader."""


class Folder:
    """A tree on this machine."""

    local = True

    def __init__(self, path: Path, where: str) -> None:
        self._path, self.where = path, where

    def manifests(self) -> list[Manifest]:
        """All manifests of the tree."""
        return load_tree(self._path)

    def catalog(self, manifest: Manifest) -> Path:
        """The file."""
        return self._path / catalog_path(manifest)

    def shards(self, index: Index) -> Shards:
        """A reader of mapped files."""
        return LocalShards(self._path, index)


def catalog_path(manifest: Manifest) -> str:
    """Place of a catalog in a tree, as the build writes it."""
    return f"catalog/{manifest.task}-{manifest.source}-{manifest.split}.parquet"


def find_tree(tree: str | Path | None) -> Place:
    """The place that the first argument of ``stream`` means.

    Args:
        tree: A folder. None: ``./surgsigma``.

    Raises:
        SurgSigmaError: no such folder.
    """
    text = "surgsigma" if tree is None else str(tree)
    folder = Path(text).expanduser()
    if folder.is_dir():
        return Folder(folder.resolve(), text)
    raise SurgSigmaError(
        f"{text}: there is no such folder here", hint="Build a tree (surgsigma build --help) or name another place."
    )
