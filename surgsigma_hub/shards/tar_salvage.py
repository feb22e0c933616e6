"""A block with damage inside: which of its samples are whole, and which numbers are theirs for certain."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from ..errors import ShardError

_BLOCK = 512
_END = 2 * _BLOCK  # the end mark of a tar: less than the smallest sample, so that no sample hides in it
_PIECE = 1 << 20
_PLAIN = (0, 48)  # type flags of a plain file
_NAME = re.compile(rb"([A-Za-z0-9_-]+)\.([a-z0-9_.]+)")
_AGAIN = "Build or download this shard again."


class Bytes(Protocol):
    """What gives bytes by slice: a map, ``bytes``, or a window on a file."""

    def __getitem__(self, span: slice, /) -> bytes: ...


@dataclass(frozen=True, slots=True)
class SalvagedBlock:
    """A block whose headers could not be read from one end to the other.

    Attributes:
        spans: Begin and end of each sample of the block, None for one that is lost.
        where: The shard.
        reason: What is wrong with it.
    """

    spans: tuple[tuple[int, int] | None, ...]
    where: str
    reason: str

    def span(self, turn: int) -> tuple[int, int]:
        """Where sample ``turn`` of the block begins and ends.

        Raises:
            ShardError: it is lost, or cannot be told from its neighbours.
        """
        found = self.spans[turn]
        if found is None:
            kept = sum(span is not None for span in self.spans)
            raise ShardError(
                f"{self.where}: sample {turn} of a block of {len(self.spans)} is lost, {kept} are not: {self.reason}",
                hint=_AGAIN,
            )
        return found


@dataclass(slots=True)
class _Group:
    """Adjacent members of one key."""

    key: bytes
    begin: int
    end: int
    json: bool = False
    whole: bool = True


def salvage(raw: Bytes, begin: int, end: int, count: int, *, where: str, reason: str) -> SalvagedBlock:
    """What is left of a block.

    The headers are followed from the begin on; where one is damaged, the next one with a right checksum goes on. A
    number is given only where it is certain: samples before the first damage count from the begin, those behind the
    last from the end, and those between have a number when no sample is missing. Nothing is salvaged from a block that
    contradicts its index without a damage to show for it.

    Bits that flip, bytes that are lost and sectors of zeros or noise never shift a sample. Of sectors that were written
    to a wrong place, and bring as many samples of other blocks to light as they hide, only the sha256 of the shard
    tells.

    Args:
        raw: Bytes that hold the block.
        begin: Where it begins in ``raw``.
        end: Where the next one begins, or the tar ends.
        count: Samples that the index promises.
        where: The shard, for errors.
        reason: What was found to be wrong.
    """
    groups: list[_Group] = []
    first, last = -1, -1  # groups before the first and before the last damage that may hide samples
    at, torn = begin, 0
    while at < end:
        found = _header(raw, at, end)
        if found is None:
            after = _next(raw, at, end)
            at, torn = after, torn + after - at
            continue
        key, member, after = found
        if groups and groups[-1].key == key:
            groups[-1].whole &= not torn  # a member of this sample is lost, and nothing else
            groups[-1].end = after
        else:
            if torn:
                first, last = len(groups) if first < 0 else first, len(groups)
            groups.append(_Group(key, at, after))
        groups[-1].json |= member == b"json"
        at, torn = after, 0
    if torn > _END or (torn and any(raw[end - torn : end])):
        first, last = len(groups) if first < 0 else first, len(groups)
    spans: list[tuple[int, int] | None] = [None] * count
    missing = count - len(groups)
    if missing >= 0 and (first >= 0 or not missing) and len({g.key for g in groups}) == len(groups):
        for turn, group in enumerate(groups):
            if group.whole and group.json and (turn < first or turn >= last or not missing):
                spans[turn if turn < first else turn + missing] = (group.begin, group.end)
    return SalvagedBlock(tuple(spans), where, reason)


def sums(heads: Sequence[bytes]) -> list[int]:
    """The checksum of each header: all its bytes, with spaces for the checksum itself."""
    table = np.frombuffer(b"".join(heads), np.uint8).reshape(-1, _BLOCK)
    found: list[int] = (table.sum(1, dtype=np.int64) - table[:, 148:156].sum(1, dtype=np.int64) + 8 * 32).tolist()
    return found


def _header(raw: Bytes, at: int, end: int, head: bytes | None = None) -> tuple[bytes, bytes, int] | None:
    """Key and name of the member at ``at``, and where it ends; None where no header is that can be believed."""
    head = raw[at : at + _BLOCK] if head is None else head
    if len(head) < _BLOCK or head[156] not in _PLAIN:
        return None
    name = _NAME.fullmatch(head[:100].rstrip(b"\0"))
    if not name or head[148:156].strip(b" \0") != b"%06o" % sums([head])[0]:
        return None
    try:
        size = int(head[124:135], 8)
    except ValueError:
        return None
    after = at + _BLOCK + size + -size % _BLOCK
    return (name[1], name[2], after) if size >= 0 and after <= end else None


def _next(raw: Bytes, at: int, end: int) -> int:
    """The first header behind the one at ``at``; ``end`` if none follows."""
    for piece in range(at + _BLOCK, end, _PIECE):
        data = bytes(raw[piece : min(end, piece + _PIECE)])
        for offset in range(0, len(data) - _BLOCK + 1, _BLOCK):
            # Most of what is no header shows by its first and 157th byte.
            if data[offset] and data[offset + 156] in _PLAIN and _header(
                raw, piece + offset, end, data[offset : offset + _BLOCK]
            ):  # fmt: skip
                return piece + offset
    return end
