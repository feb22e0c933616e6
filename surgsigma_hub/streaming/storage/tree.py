"""Where a tree is: a folder, a dataset on the Hub, or a URL; its manifests, catalogs and shards."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Protocol

from ...errors import ShardError, SurgSigmaError
from ...plain_file import plain_size
from ...shards.manifest import MAX_MANIFEST, Manifest, load_manifest, max_catalog, parse_manifest
from ...shards.tar_index import Members
from ...shards.tree_files import TreeFiles
from ..order.permutation import Numbers
from ..selection.index import Index, Listed, Named
from .fsspec_files import FsspecFiles
from .local import LocalShards
from .local_file import keeps_its_pages
from .options import Files, RemoteOptions, fetch
from .prefetch import RemoteShards
from .range_file import RangedFile

_REPO = re.compile(r"(?:hf://datasets/)?([A-Za-z0-9][\w.-]*/[\w.-]+?)(?:@(.+))?")
_BUCKET = re.compile(r"hf://buckets/([A-Za-z0-9][\w.-]*/[\w.-]+)(?:/(.*?))?/?")
_MANIFEST = re.compile(r"data/[^/]+/[^/]+/[^/]+\.manifest\.json")
_BUILD = "Build a tree (surgsigma build --help), or name a folder, ORG/NAME of a dataset on the Hub, or a URL."


class SampleReader(Protocol):
    """Random access to the samples of an index. Threads may share it."""

    def begin(self) -> None:
        """A new iteration begins: forget what was expected."""

    def expect(self, numbers: Numbers) -> None:
        """Samples that will be read next, in order."""

    def read(self, number: int) -> Members:
        """The members of a sample."""

    def stop(self) -> None:
        """Whoever waits for a sample is told that there will be none; :meth:`close` follows."""

    def close(self) -> None:
        """Let go of files, connections and threads."""


class TreeStorage(Protocol):
    """A tree. Plain data, so that it can be sent to another process."""

    @property
    def where(self) -> str:
        """What errors call it."""

    @property
    def local(self) -> bool:
        """Whether it is a folder."""

    def mappable(self) -> bool:
        """Whether its files are better mapped than read."""

    def listed(self) -> list[Listed]:
        """The names of its manifests."""

    def load(self, named: list[Named]) -> list[Manifest]:
        """Manifests, read."""

    def catalog(self, manifest: Manifest) -> Any:
        """The catalog of a manifest, as pyarrow reads it: a path or a file."""

    def shards(self, index: Index, *, mapped: bool = False) -> SampleReader:
        """A reader; ``mapped``: of files that are mapped, where there are files."""


class LocalTree:
    """A tree on this machine."""

    local = True

    def __init__(self, path: Path, where: str) -> None:
        self._path, self.where = path, where

    def mappable(self) -> bool:
        """Whether its files are better mapped than read: not over a network."""
        return keeps_its_pages(self._path)

    def listed(self) -> list[Listed]:
        """The names of its manifests."""
        return [Listed.from_path(p.as_posix()) for p in sorted(self._path.glob("data/*/*/*.manifest.json"))]

    def load(self, named: list[Named]) -> list[Manifest]:
        """Manifests, read."""
        return [load_manifest(self._path / m.path) for m in named]

    def catalog(self, manifest: Manifest) -> Path:
        """The file."""
        path = TreeFiles(self._path).check(manifest.catalog)
        if plain_size(path) > max_catalog(manifest):
            raise ShardError(f"{manifest.catalog}: is larger than the catalog of {manifest.samples} samples can be")
        return path

    def shards(self, index: Index, *, mapped: bool = False) -> SampleReader:
        """A reader of files."""
        return LocalShards(self._path, index, mapped=mapped)


class RemoteTree:
    """A tree behind :class:`Files`.

    Args:
        where: What errors call it.
        connect: Makes the files, in whichever process they are used.
        listing: Gives the names of the manifests.
        options: Bounds and patience.
    """

    local = False

    def __init__(
        self,
        where: str,
        connect: Callable[[RemoteOptions], Files],
        listing: Callable[[Files, RemoteOptions], list[Listed]],
        options: RemoteOptions,
    ) -> None:
        self.where, self._connect, self._listing, self._options = where, connect, listing, options
        self._opened: Files | None = None
        self._process = 0

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_opened": None}

    def mappable(self) -> bool:
        """There are no files."""
        return False

    def listed(self) -> list[Listed]:
        """The names of its manifests."""
        return self._listing(self._files(), self._options)

    def load(self, named: list[Named]) -> list[Manifest]:
        """Manifests, read several at a time."""
        files = self._files()

        def one(m: Named) -> Manifest:
            data = fetch(files, m.path, None, None, deadline=self._options.deadline, most=MAX_MANIFEST).data
            return parse_manifest(data, where=f"{self.where}: {m.path}", place=m.path)

        with ThreadPoolExecutor(min(self._options.connections, max(1, len(named)))) as pool:
            return list(pool.map(one, named))

    def catalog(self, manifest: Manifest) -> RangedFile:
        """The file, read by ranges."""
        return RangedFile(self._files(), manifest.catalog, self._options, most=max_catalog(manifest))

    def shards(self, index: Index, *, mapped: bool = False) -> SampleReader:
        """A reader of ranges; it goes on with the connections that opening has made."""
        files, self._opened = self._files(), None
        return RemoteShards(files, index, self._options)

    def _files(self) -> Files:
        # A forked child must not use connections of its parent.
        if self._opened is None or self._process != os.getpid():
            self._opened, self._process = self._connect(self._options), os.getpid()
        return self._opened


def find_tree(
    tree: str | Path | None, *, revision: str | None = None, options: RemoteOptions | None = None
) -> TreeStorage:
    """The place that the first argument of ``stream`` means.

    Args:
        tree: A folder, ``ORG/NAME`` or ``ORG/NAME@REVISION`` on the Hub, or a URL. None: ``./surgsigma``.
        revision: Branch, tag or commit on the Hub.
        options: For what is not a folder.

    Raises:
        SurgSigmaError: no such place.
    """
    text = "surgsigma" if tree is None else str(tree)
    folder, options = Path(text).expanduser(), options or RemoteOptions()
    if folder.is_dir():
        return LocalTree(folder.resolve(), text)
    if not isinstance(tree, Path):
        if text.startswith(("http://", "https://")):
            return RemoteTree(text, _Web(text.rstrip("/") + "/", {}), _listed_by_card, options)
        if repo := _REPO.fullmatch(text):
            return _hub(repo[1], revision or repo[2], options)
        if bucket := _BUCKET.fullmatch(text):
            if revision:
                raise SurgSigmaError(f"{text}: a bucket has no revisions", hint="Leave revision away.")
            return _bucket(bucket[1], bucket[2] or "", text, options)
        if "://" in text:
            return RemoteTree(text, _Store(text), _listed_by_store, options)
    raise SurgSigmaError(f"{text}: there is no such folder here", hint=_BUILD)


class _Web:
    """Connects to a URL; plain data until it is called."""

    def __init__(self, base: str, headers: dict[str, str]) -> None:
        self._base, self._headers = base, headers

    def __call__(self, options: RemoteOptions) -> Files:
        from .http import HttpFiles  # http.client is slow to import and folders do not need it

        return HttpFiles(self._base, headers=self._headers, timeout=options.timeout)


class _Store:
    """Connects to an fsspec URL."""

    def __init__(self, url: str) -> None:
        self.url = url

    def __call__(self, options: RemoteOptions) -> FsspecFiles:
        import fsspec

        try:
            fs, base = fsspec.core.url_to_fs(self.url)
        except (ImportError, ValueError) as error:
            raise SurgSigmaError(f"{self.url}: {error}", hint="Install the fsspec file system of this store.") from None
        return FsspecFiles(fs, base)


def _listed_by_store(files: Files, options: RemoteOptions) -> list[Listed]:
    assert isinstance(files, FsspecFiles)
    return [Listed.from_path(path) for path in files.glob("data/*/*/*.manifest.json", deadline=options.deadline)]


def _listed_by_card(files: Files, options: RemoteOptions) -> list[Listed]:
    """Web servers have no listings; the card of a tree names every task, source and split."""
    from ...shards.frontmatter import MAX_CARD, split_card  # YAML is slow to import and folders do not need it

    text = fetch(files, "README.md", None, None, deadline=options.deadline, most=MAX_CARD).data.decode(
        "utf-8", "replace"
    )
    front, _ = split_card(text, where="README.md")
    found: set[Listed] = set()
    try:
        for config in front["configs"]:
            for part in config["data_files"]:
                for path in [part["path"]] if isinstance(part["path"], str) else part["path"]:
                    folder = path.rpartition("/")[0]
                    if "*" not in folder:
                        found.add(Listed.from_path(f"{folder}/{part['split']}.manifest.json"))
    except (KeyError, TypeError, AttributeError):
        raise ShardError("README.md: not the card of a tree of this package", hint=_BUILD) from None
    return sorted(found, key=lambda m: m.path)


class _Names:
    """The names that a listing gave."""

    def __init__(self, names: list[Listed]) -> None:
        self._names = names

    def __call__(self, files: Files, options: RemoteOptions) -> list[Listed]:
        return self._names


def _hub(repo: str, revision: str | None, options: RemoteOptions) -> TreeStorage:
    """A dataset on the Hub, at the commit that the revision stands for now."""
    from .hub_dataset import files_url, find_dataset, headers_for  # huggingface_hub is slow to import

    headers = headers_for(None)
    found = find_dataset(repo, revision, headers, options)
    names = _Names([Listed.from_path(path) for path in sorted(filter(_MANIFEST.fullmatch, found.files))])
    where = f"{repo} (revision {found.sha[:12]})"
    return RemoteTree(where, _Web(files_url(repo, found.sha), dict(headers)), names, options)


def _bucket(name: str, folder: str, where: str, options: RemoteOptions) -> TreeStorage:
    """A bucket as it is now; a shard that changes later is told by its ETag."""
    from .hub_bucket import bucket_url, list_bucket  # huggingface_hub is slow to import
    from .hub_dataset import headers_for

    found = filter(_MANIFEST.fullmatch, list_bucket(name, folder, options))
    names = _Names([Listed.from_path(path) for path in sorted(found)])
    return RemoteTree(where, _Web(bucket_url(name, folder), dict(headers_for(None))), names, options)
