"""Tars cut along the blocks of their manifests: what a ``datasets`` shard is made of, and how it is read by range."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO, TypeVar

import datasets
from datasets.utils.file_utils import is_local_path, xopen

from ..errors import ShardError, SurgSigmaError
from ..plain_file import open_plain
from ..shards.manifest import MAX_MANIFEST, manifest_bytes, parse_manifest
from ..shards.reader import read_exactly
from ..shards.shard_names import split_of
from ..shards.skipping import Skipped
from ..shards.tar_index import Members, layout, members, span
from ..shards.tree_files import TreeFiles
from ..streaming.selection.index import make_index
from ..streaming.storage.deadline import within
from ..streaming.storage.options import fetch
from .remote import OPTIONS, hub_files

T = TypeVar("T")

_AT_A_TIME = 8


@dataclass(frozen=True, slots=True)
class BlockRange:
    """Adjacent blocks of one tar.

    Attributes:
        tar: What is opened: a path or an ``hf://`` place.
        name: What errors call it, whatever the cache calls the file.
        size: Bytes of the tar.
        blocks: Begin, end and number of samples of each block.
    """

    tar: str
    name: str
    size: int
    blocks: tuple[tuple[int, int, int], ...]

    @property
    def samples(self) -> int:
        """Samples of all its blocks."""
        return sum(count for _, _, count in self.blocks)


ReadShard = tuple[BlockRange, ...]
"""What is read one after the other: one shard of ``datasets``."""


def manifest_place(tar: str) -> str:
    """Where the manifest of a tar lies.

    >>> manifest_place("data/depth_estimation/synthetic/depth_estimation-synthetic-train-00003.tar")
    'data/depth_estimation/synthetic/train.manifest.json'
    """
    split = split_of(tar)
    if split is None:
        raise ShardError(f"{tar}: is not named <task>-<source>-<split>-NNNNN.tar")
    return f"{tar.rpartition('/')[0]}/{split}.manifest.json"


def find_block_ranges(
    tars: Sequence[str], opened: Sequence[str], manifests: dict[str, str], *, token: Any
) -> list[BlockRange]:
    """One piece for each tar.

    Args:
        tars: Their places in the tree.
        opened: What is opened for each; another path where they were downloaded.
        manifests: The same for their manifests, see :func:`manifest_place`.
        token: As in ``huggingface_hub``.

    Raises:
        ShardError: a manifest is missing or damaged, or does not name a tar.
    """
    with ThreadPoolExecutor(_AT_A_TIME) as pool:
        read = pool.map(lambda item: _blocks(*item, token=token), manifests.items())
        known = {place: piece for found in read for place, piece in found.items()}
    pieces = []
    for tar, path in zip(tars, opened, strict=True):
        name = short(tar)
        if name not in known:
            raise ShardError(
                f"{name}: its manifest does not name it", hint="Rebuild this part of the tree, or publish it again."
            )
        pieces.append(replace(known[name], tar=path))
    return pieces


def _blocks(place: str, path: str, *, token: Any) -> dict[str, BlockRange]:
    """Pieces of whole tars by name, from their manifest."""
    name = short(place)
    try:
        if is_local_path(path):
            data = manifest_bytes(Path(path))
        else:
            files, inner = hub_files(path, token=token)
            data = fetch(files, inner, None, None, deadline=OPTIONS.deadline, most=MAX_MANIFEST).data
        index = make_index([parse_manifest(data, where=name, place=f"data/{name}")])
    except ShardError as error:
        raise ShardError(
            error.message.replace(path, name), hint="The tree was copied or published in part; do it again."
        ) from None
    blocks: list[list[tuple[int, int, int]]] = [[] for _ in index.places]
    for shard, begin, end, count in zip(
        index.block_shard, index.block_start, index.block_end, index.sizes.tolist(), strict=True
    ):
        blocks[shard].append((begin, end, count))
    names = [short(tar) for tar in index.places]
    return {
        name: BlockRange("", name, size, tuple(its)) for name, size, its in zip(names, index.bytes, blocks, strict=True)
    }


def short(place: str) -> str:
    """``<task>/<source>/<file>``."""
    return "/".join(PurePosixPath(place.replace("\\", "/")).parts[-3:])


def single_blocks(group: ReadShard) -> list[ReadShard]:
    """A group cut as finely as it can be."""
    return [(replace(piece, blocks=(block,)),) for piece in group for block in piece.blocks]


def split_evenly(pieces: Sequence[BlockRange], shards: int) -> list[ReadShard]:
    """Groups of about equally many samples, in reading order.

    Raises:
        SurgSigmaError: fewer blocks than groups.
    """
    blocks = single_blocks(tuple(pieces))
    if not 1 <= shards <= len(blocks):
        raise SurgSigmaError(
            f"{len(blocks)} blocks cannot be shared out among {shards} shards",
            hint=f"Expected 1 to {len(blocks)}; a split with few samples needs few readers.",
        )
    total = sum(piece.samples for piece in pieces)
    groups: list[list[BlockRange]] = [[] for _ in range(shards)]
    taken, at = 0, 0
    for left, (block,) in zip(range(len(blocks), 0, -1), blocks, strict=True):
        # The next group begins where its share does, or where as many blocks are left as groups.
        if groups[at] and (left == shards - at - 1 or (taken >= total * (at + 1) / shards and at < shards - 1)):
            at += 1
        last = groups[at][-1] if groups[at] else None
        if last is not None and last.tar == block.tar:
            groups[at][-1] = replace(last, blocks=last.blocks + block.blocks)
        else:
            groups[at].append(block)
        taken += block.samples
    return [tuple(group) for group in groups]


def read_group(group: ReadShard, *, first: int, token: Any, skipped: Skipped) -> Iterator[tuple[int, Members]]:
    """The samples of a group and their places in it, from the ``first`` place on.

    Reading begins with the block that holds it, by one request for all that is left of a tar, or, where the piece ends
    before the tar does, one for each block.
    """
    at = 0
    for piece in group:
        begin = 0
        while begin < len(piece.blocks) and at + piece.blocks[begin][2] <= first:
            at += piece.blocks[begin][2]
            begin += 1
        if begin == len(piece.blocks):
            continue
        blocks = piece.blocks[begin:]
        try:
            read = _opened(piece, blocks[0][0], blocks[-1][1], token)
        except ShardError as error:
            skipped.bad(error, piece.name, sum(count for _, _, count in blocks))
            at += sum(count for _, _, count in blocks)
            continue
        for start, end, count in blocks:
            for turn, found in _samples(read, piece, (start, end, count), skipped):
                if at + turn >= first:
                    yield at + turn, found
            at += count


def _samples(
    read: Callable[[int, int], bytes], piece: BlockRange, block: tuple[int, int, int], skipped: Skipped
) -> Iterator[tuple[int, Members]]:
    begin, end, count = block
    try:
        raw = read(begin, end)
        if len(raw) != end - begin:
            raise ShardError(
                f"{piece.name}: ends at byte {begin + len(raw)}, the manifest says {piece.size}",
                hint="Build or download this shard again.",
            )
    except ShardError as error:
        skipped.bad(error, piece.name, count)
        return
    found, view = layout(raw, 0, len(raw), count, where=piece.name), memoryview(raw)
    for turn in range(count):
        try:
            made = members(raw, view, *span(found, turn), where=piece.name)
        except ShardError as error:
            skipped.bad(error, piece.name)
        else:
            yield turn, made


def _local(piece: BlockRange) -> BinaryIO:
    """A tar on this machine: of a tree, out of which nothing leads, or one that was downloaded."""
    path, place = Path(piece.tar), f"data/{piece.name}"
    try:
        if not path.as_posix().endswith(f"/{place}"):
            return open_plain(path)
        return os.fdopen(TreeFiles(path.parents[3]).open(place), "rb")
    except FileNotFoundError:
        raise
    except OSError as error:
        raise ShardError(f"{piece.name}: cannot be opened ({error.strerror or error})") from None


def _opened(piece: BlockRange, begin: int, end: int, token: Any) -> Callable[[int, int], bytes]:
    """Gives the bytes of blocks, asked for in order."""
    try:
        if is_local_path(piece.tar):
            local = _local(piece)
            local.seek(begin)
            return lambda start, stop: read_exactly(local, stop - start)
        if end < piece.size:  # a stream would bring more than is asked for
            files, path = hub_files(piece.tar, token=token)
            return lambda start, stop: fetch(files, path, start, stop, deadline=OPTIONS.deadline).data
        access = datasets.DownloadConfig(token=token)
        stream: Any = _clocked(piece, lambda: xopen(piece.tar, "rb", download_config=access))
        stream.loc = begin  # files of the Hub stream from here on, with a Range request
        return lambda start, stop: _clocked(piece, lambda: read_exactly(stream, stop - start))
    except FileNotFoundError:
        raise ShardError(
            f"{piece.name}: shard named in the manifest is missing",
            hint="Build or download this part of the tree again.",
        ) from None


def _clocked(piece: BlockRange, call: Callable[[], T]) -> T:
    try:
        return within(OPTIONS.deadline, call)
    except TimeoutError as error:
        raise ShardError(f"{piece.name}: {error}", hint="Check the network and the server, then try again.") from None
