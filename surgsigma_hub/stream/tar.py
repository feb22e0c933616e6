"""Headers of a tar in memory: where the samples of a block begin, and the members of one sample, nothing copied."""

from __future__ import annotations

import mmap
from dataclasses import dataclass

import numpy as np

from ..errors import ShardError
from ..schema import MEMBERS

Raw = bytes | mmap.mmap
_BLOCK = 512
_ZERO = bytes(_BLOCK)
_NAMES = {name.encode(): name for name in MEMBERS}
_REGULAR = (0, 48)  # type flags of a plain file
_AGAIN = "Build or download this shard again."


@dataclass(slots=True)
class Members:
    """One sample as it lies in a shard; ``where`` is the shard, for errors."""

    key: str
    json: memoryview
    media: dict[str, memoryview]
    where: str


def hop(raw: Raw, begin: int, end: int, count: int, *, where: str) -> list[int]:
    """Where each sample of a block begins, and where the last one ends.

    Only headers are touched; each must be whole and have a right checksum.

    Args:
        raw: Bytes that hold the block.
        begin: Where it begins in ``raw``.
        end: Where the next one begins, or the tar ends.
        count: Samples that the index promises.
        where: The shard, for errors.

    Raises:
        ShardError: a damaged header, a cut member, or other samples than the index says.
    """
    starts: list[int] = []
    heads: list[bytes] = []
    at, last = begin, b""
    while at + _BLOCK <= end:
        head = raw[at : at + _BLOCK]
        if head == _ZERO:
            break  # the end mark
        key, dot, _ = head[:100].partition(b"\0")[0].partition(b".")
        try:
            size = int(head[124:135], 8)
        except ValueError:
            raise ShardError(f"{where}: a damaged header at byte {at}", hint=_AGAIN) from None
        if not dot or not key or head[156] not in _REGULAR:
            raise ShardError(f"{where}: at byte {at} there is no plain member <key>.<member>", hint=_AGAIN)
        if key != last:
            starts.append(at)
            last = key
        heads.append(head)
        at += _BLOCK + size + -size % _BLOCK
    if heads:
        _check_sums(heads, where)
    if at > end or len(starts) != count:
        raise ShardError(
            f"{where}: {len(starts)} samples between bytes {begin} and {min(at, end)}, the index says {count}",
            hint=_AGAIN,
        )
    starts.append(at)
    return starts


def _check_sums(heads: list[bytes], where: str) -> None:
    table = np.frombuffer(b"".join(heads), np.uint8).reshape(-1, _BLOCK)
    sums = table.sum(1, dtype=np.int64) - table[:, 148:156].sum(1, dtype=np.int64) + 8 * ord(" ")
    for head, expected in zip(heads, sums.tolist(), strict=True):
        if head[148:156].strip(b" \0") != b"%06o" % expected:
            name = head[:100].partition(b"\0")[0].decode("utf-8", "replace")
            raise ShardError(f"{where}: the header of member {name!r} is damaged (checksum)", hint=_AGAIN)


def members(raw: Raw, view: memoryview, begin: int, end: int, *, where: str) -> Members:
    """The members of the sample at ``begin``, whose headers :func:`hop` has checked.

    Raises:
        ShardError: no JSON member, a member twice, or members that leave the sample.
    """
    media: dict[str, memoryview] = {}
    key, text, at = b"", None, begin
    while at < end:
        head = raw[at : at + 136]
        key, _, member = head[:100].rstrip(b"\0").partition(b".")
        try:
            size = int(head[124:135], 8)
        except ValueError:
            raise ShardError(f"{where}: was changed while it was read", hint=_AGAIN) from None
        data = view[at + _BLOCK : at + _BLOCK + size]
        if len(data) != size:
            raise ShardError(f"{where}: member {member.decode()!r} is cut", hint=_AGAIN)
        if member == b"json" and text is None:
            text = data
        elif (name := _NAMES.get(member) or member.decode()) in media or name == "json":
            raise ShardError(f"{where}: member {name!r} occurs twice", hint=_AGAIN)
        else:
            media[name] = data
        at += _BLOCK + size + -size % _BLOCK
    if text is None:
        raise ShardError(f"{where}: the sample {key.decode('utf-8', 'replace')!r} has no JSON member", hint=_AGAIN)
    return Members(key.decode(), text, media, where)
