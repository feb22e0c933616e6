"""Shards on disk: samples by number, read by position or mapped, as few files open as the system allows."""

from __future__ import annotations

import threading
from collections import OrderedDict
from pathlib import Path

import numpy as np

from ...shards.tar_index import Members, span
from ...shards.tar_salvage import SalvagedBlock
from ...shards.tree_files import TreeFiles
from ..order.permutation import Numbers
from ..selection.index import Index
from .local_file import CAN_READ_AT, MappedFile, NoHandleError, ShardFile


class LocalShards:
    """Random access to the samples of an index whose tree is a folder. Threads may share it.

    Args:
        tree: The folder.
        index: What is in it.
        most: Files that stay open at a time.
        mapped: Map the files; :class:`.shard_file.MappedFile` says what that is worth and costs.
    """

    def __init__(self, tree: Path, index: Index, *, most: int = 0, mapped: bool = False) -> None:
        self._files, self._index = TreeFiles(tree), index
        self._kind = MappedFile if mapped or not CAN_READ_AT else ShardFile
        self._most = most or (_handles() // 2 if mapped else _handles())  # a map has a handle of its own
        self._many = len(index.places) > self._most  # only then some have to be let go of
        self._open: OrderedDict[int, ShardFile] = OrderedDict()
        self._lock = threading.Lock()
        # Offsets plus one, 0 where the block was not read yet; the pages of this array cost nothing until then.
        self._starts = np.zeros(index.samples, np.int64).data
        self._ends: dict[int, int] = {}
        self._torn: dict[int, SalvagedBlock] = {}

    def read(self, number: int) -> Members:
        """The members of a sample.

        Raises:
            ShardError: the shard is missing, changed, or not what the manifest says, or the sample is lost to damage.
        """
        index = self._index
        block = index.block_of(number)
        shard = index.block_shard[block]
        file = self._open.get(shard)
        if file is None or self._many:
            file = self._file(shard)
        begin = self._starts[number] - 1
        if begin < 0:
            begin, end = self._first_look(number, block, file)
        elif number + 1 == index.block_first[block + 1]:
            end = self._ends[block]
        else:
            end = self._starts[number + 1] - 1
        found = file.members(begin, end)
        file.check()
        return found

    def begin(self) -> None:
        """Nothing to forget."""

    def expect(self, numbers: Numbers) -> None:
        """Nothing: the operating system reads ahead."""

    def stop(self) -> None:
        """Nothing: nobody waits here."""

    def close(self) -> None:
        """Let go of every file. A second close is harmless; reading again opens anew."""
        with self._lock:
            self._open.clear()

    def _first_look(self, number: int, block: int, file: ShardFile) -> tuple[int, int]:
        """Where a sample is whose block was not read before, or is torn."""
        index = self._index
        first, count = index.block_first[block], int(index.sizes[block])
        found: list[int] | SalvagedBlock = self._torn.get(block) or file.layout(
            index.block_start[block], index.block_end[block], count
        )
        if isinstance(found, SalvagedBlock):
            file.check(now=True)  # a file that is being written is not damaged
            self._torn[block] = found
        else:
            self._ends[block] = found[-1]
            # Backwards: another thread that sees the first entry of a neighbour must see what it needs after it.
            for n in range(count - 1, -1, -1):
                self._starts[first + n] = found[n] + 1
        return span(found, number - first)

    def _file(self, shard: int) -> ShardFile:
        with self._lock:
            file = self._open.get(shard)
            if file is None:
                place = self._index.places[shard]
                try:
                    file = self._kind(self._files, place, self._index.bytes[shard])
                except NoHandleError:
                    if not self._open:
                        raise
                    # Others have taken handles: make do with half of what we have, from now on.
                    self._most, self._many = max(1, len(self._open) // 2), True
                    while len(self._open) > self._most - 1:
                        self._open.popitem(last=False)
                    file = self._kind(self._files, place, self._index.bytes[shard])
                self._open[shard] = file
                if len(self._open) > self._most:
                    self._open.popitem(last=False)
            else:
                self._open.move_to_end(shard)
        return file


def _handles() -> int:
    """Half of the file handles that this process may have, at most 1024."""
    try:
        import resource

        soft = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    except (ImportError, OSError):
        return 256
    return 1024 if soft < 0 else max(16, min(1024, soft // 2))
