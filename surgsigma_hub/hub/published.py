"""Which files of a tree are published, in which order, and what they are by digest."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path

from ..errors import ShardError
from ..shards.manifest import Manifest
from ..shards.tree_files import TreeFiles

PIN = "pin.json"
"""What the data were made of: version, date, digests of inputs, options."""

RECEIPTS = ".push"
"""Folder of a tree that says where it was published, and what of it was checked; it stays at home."""

_PAGES = re.compile(r"LICENSES\.md|schema\.json|pin\.json|cards/[A-Za-z0-9_-]+\.md|assets/[A-Za-z0-9_.-]+")
_DATA = re.compile(
    r"data/[a-z0-9_]+/[a-z0-9_]+/[a-z0-9_-]+(\.tar|\.manifest\.json)|(catalog|join)/[a-z0-9_-]+\.parquet|croissant\.json"
)

MAX_FILES, MAX_IN_FOLDER = 100_000, 10_000
"""What the Hub asks datasets to keep below: files in all, and entries of one folder."""

MAX_BYTES = 200 * 10**9
"""What the Hub asks single files to keep below (500 GB is its hard bound)."""


class Stage(IntEnum):
    """The order in which files become visible: what is named by others comes before them."""

    DATA = 0
    PAGES = 1
    README = 2


@dataclass(frozen=True, slots=True)
class PublishedFile:
    """One file of a tree.

    Attributes:
        place: Relative to the tree, with forward slashes.
        sha256: As its manifest says; None for files that no manifest lists.
    """

    place: str
    path: Path
    size: int
    modified: int
    sha256: str | None = None

    @property
    def stage(self) -> Stage:
        """When it becomes visible."""
        return stage_of(self.place)


def stage_of(place: str) -> Stage:
    """When a file becomes visible.

    >>> stage_of("data/a/b/train-00000.tar"), stage_of("cards/a.md"), stage_of("README.md")
    (<Stage.DATA: 0>, <Stage.PAGES: 1>, <Stage.README: 2>)
    """
    if place == "README.md":
        return Stage.README
    return Stage.PAGES if _PAGES.fullmatch(place) and place != PIN else Stage.DATA


def is_published_place(place: str) -> bool:
    """Whether a file of such a name is part of a published tree.

    >>> is_published_place("catalog/a-b-train.parquet"), is_published_place("reports/a.quarantine.jsonl.gz")
    (True, False)
    """
    return place == "README.md" or bool(_PAGES.fullmatch(place) or _DATA.fullmatch(place))


def published_files(tree: Path, manifests: Sequence[Manifest]) -> tuple[PublishedFile, ...]:
    """The files of a tree that are published, in the order in which they become visible.

    Args:
        tree: Its folder.
        manifests: Of all its shards.

    Raises:
        ShardError: a file that is named and missing, of another size than its manifest says, or a link that leads out.
    """
    files, found = TreeFiles(tree), list[PublishedFile]()
    for place, size, sha256 in _named(tree, manifests):
        path = files.check(f"{RECEIPTS}/{PIN}" if place == PIN else place)
        try:
            stat = path.stat()
        except OSError:
            raise ShardError(f"{place}: is named by the tree, but there is no such file", hint="Build this part of the "
                             "tree again.") from None  # fmt: skip
        if size is not None and stat.st_size != size:
            raise ShardError(
                f"{place}: has {stat.st_size:,} bytes, expected {size:,} as its manifest says",
                hint="Build this part of the tree again.",
            )
        found.append(PublishedFile(place, path, stat.st_size, stat.st_mtime_ns, sha256))
    return tuple(sorted(found, key=lambda file: (file.stage, file.place)))


def left_at_home(tree: Path, files: Sequence[PublishedFile]) -> tuple[str, ...]:
    """Entries of the tree's root, and tars, that are not published: reports of builds, and files of somebody's own."""
    known = {file.place for file in files}
    tops = {place.partition("/")[0] for place in known}
    other = [p.name + ("/" if p.is_dir() else "") for p in tree.iterdir() if p.name not in tops]
    tars = (p.relative_to(tree).as_posix() for p in tree.glob("data/*/*/*.tar"))
    return tuple(sorted([name for name in other if name != f"{RECEIPTS}/"] + [p for p in tars if p not in known]))


def _named(tree: Path, manifests: Sequence[Manifest]) -> Iterator[tuple[str, int | None, str | None]]:
    for manifest in manifests:
        yield from ((f"{manifest.folder}/{s.name}", s.bytes, s.sha256) for s in manifest.shards)
        yield manifest.path, None, None
        yield manifest.catalog, None, None
    yield "README.md", None, None
    if (tree / RECEIPTS / PIN).is_file():
        yield PIN, None, None
    for pattern in ("LICENSES.md", "schema.json", "croissant.json", "join/*.parquet", "cards/*.md", "assets/*"):
        for path in sorted(tree.glob(pattern)):
            place = path.relative_to(tree).as_posix()
            if path.is_file() and is_published_place(place):
                yield place, None, None


def check_limits(places: Sequence[PublishedFile]) -> None:
    """Refuse what the Hub would not take.

    Raises:
        ShardError: too many files, too many in a folder, or one that is too large.
    """
    counts: dict[str, int] = {}
    for file in places:
        folder = file.place.rpartition("/")[0]
        counts[folder] = counts.get(folder, 0) + 1
        if file.size > MAX_BYTES:
            raise ShardError(f"{file.place}: {file.size:,} bytes, the Hub takes {MAX_BYTES:,} at most",
                             hint="Build with a smaller --shard-size.")  # fmt: skip
    folder, most = max(counts.items(), key=lambda item: item[1])
    if most > MAX_IN_FOLDER:
        raise ShardError(f"{folder}: {most:,} files, the Hub asks for {MAX_IN_FOLDER:,} in a folder at most",
                         hint="Build with a larger --shard-size.")  # fmt: skip
    if len(places) > MAX_FILES:
        raise ShardError(f"the tree holds {len(places):,} files, the Hub asks for {MAX_FILES:,} at most",
                         hint="Build with a larger --shard-size, or publish its sources apart.")  # fmt: skip


def data_digest(manifests: Sequence[Manifest]) -> str:
    """sha256 of what the shards of a tree hold: the version of its data.

    Two trees have the same digest exactly when they hold the same shards at the same places.
    """
    digest = hashlib.sha256()
    for line in sorted(f"{m.folder}/{s.name} {s.sha256}\n" for m in manifests for s in m.shards):
        digest.update(line.encode())
    return digest.hexdigest()


def state_digest(files: Sequence[PublishedFile]) -> str:
    """sha256 of names, sizes and times of the files: changes whenever one of them may have changed."""
    digest = hashlib.sha256()
    for file in sorted(files, key=lambda one: one.place):
        digest.update(f"{file.place} {file.size} {file.modified} {file.sha256}\n".encode())
    return digest.hexdigest()


def git_digest(data: bytes) -> str:
    """What git, and a listing of the Hub, calls a file that is not kept the LFS way."""
    return hashlib.sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest()


def same_as(file: PublishedFile, *, oid: str, sha256: str | None) -> bool:
    """Whether a file is what a listing of the Hub names by its digests."""
    if sha256 is None:
        return git_digest(file.path.read_bytes()) == oid
    if file.sha256 is not None:
        return file.sha256 == sha256
    with file.path.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest() == sha256


def stale_places(remote: Mapping[str, object], files: Sequence[PublishedFile]) -> tuple[str, ...]:
    """Files of a dataset that an earlier tree put there and this one does not hold."""
    held = {file.place for file in files}
    return tuple(sorted(place for place in remote if is_published_place(place) and place not in held))
