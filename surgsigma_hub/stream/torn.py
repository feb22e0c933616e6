"""A block with damage inside: which of its samples are whole, and which numbers are theirs for certain."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Protocol

import numpy as np

from ..errors import ShardError

_BLOCK = 512
_LEAST = 3 * _BLOCK  # bytes of the smallest sample: a header, and a JSON member of more than one tar block
_PIECE = 1 << 20
_PLAIN = (0, 48)  # type flags of a plain file
_NAME = re.compile(rb"([A-Za-z0-9_-]+)\.([a-z0-9_.]+)")
_AGAIN = "Build or download this shard again."


class Bytes(Protocol):
    """What gives bytes by slice: a map, ``bytes``, or a window on a file."""

    def __getitem__(self, span: slice, /) -> bytes: ...


@dataclass(frozen=True, slots=True)
class Torn:
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


def salvage(raw: Bytes, begin: int, end: int, count: int, *, where: str, reason: str) -> Torn:
    """What is left of a block.

    The headers are followed from the begin on; where one is damaged, the next one with a right checksum goes on.
    A number is given only where it is certain. Samples before the first damage count from the begin, those after the
    last from the end, and those between have a number when the samples that are missing cannot all be told to be
    elsewhere. Nothing is salvaged from a block that contradicts its index without a damage to show for it.

    Args:
        raw: Bytes that hold the block.
        begin: Where it begins in ``raw``.
        end: Where the next one begins, or the tar ends.
        count: Samples that the index promises.
        where: The shard, for errors.
        reason: What was found to be wrong.
    """
    groups: list[_Group] = []
    gaps = [0]  # samples that may be hidden before each group, and behind the last one
    at, torn = begin, False
    while at < end:
        found = _header(raw, at, end)
        if found is None:
            after = _next(raw, at, end)
            gaps[-1] += (after - at) // _LEAST
            at, torn = after, True
            continue
        key, member, after = found
        if groups and groups[-1].key == key:
            if torn:  # a member of this sample is lost, and nothing else
                groups[-1].whole, gaps[-1] = False, 0
            groups[-1].end = after
        else:
            groups.append(_Group(key, at, after))
            gaps.append(0)
        groups[-1].json |= member == b"json"
        at, torn = after, False
    spans: list[tuple[int, int] | None] = [None] * count
    missing, hidden = count - len(groups), sum(gaps)
    if 0 <= missing <= hidden and len({g.key for g in groups}) == len(groups):
        for turn, (group, before) in enumerate(zip(groups, accumulate(gaps), strict=False)):
            least, most = max(0, missing - (hidden - before)), min(missing, before)
            if least == most and group.whole and group.json:
                spans[turn + least] = (group.begin, group.end)
    return Torn(tuple(spans), where, reason)


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
