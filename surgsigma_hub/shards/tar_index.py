"""Headers of a tar: where the samples of a block begin, and the members of one sample."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ..errors import ShardError
from ..schema import MAX_JSON, MEMBERS
from .tar_salvage import Bytes, SalvagedBlock, salvage, sums

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


class _DamageError(Exception):
    """Why a block is not what its index says."""


def layout(raw: Bytes, begin: int, end: int, count: int, *, where: str) -> list[int] | SalvagedBlock:
    """Where each sample of a block begins, and where the last one ends; a :class:`SalvagedBlock` if it is damaged.

    Only headers are touched; each must be whole and have a right checksum. What ``raw`` raises goes through.

    Args:
        raw: Bytes that hold the block.
        begin: Where it begins in ``raw``.
        end: Where the next one begins, or the tar ends.
        count: Samples that the index promises.
        where: The shard, for errors.
    """
    try:
        return _hop(raw, begin, end, count)
    except _DamageError as error:
        return salvage(raw, begin, end, count, where=where, reason=str(error))


def span(found: list[int] | SalvagedBlock, turn: int) -> tuple[int, int]:
    """Where sample ``turn`` of a block begins and ends.

    Raises:
        ShardError: it was lost to damage.
    """
    return (found[turn], found[turn + 1]) if isinstance(found, list) else found.span(turn)


def _hop(raw: Bytes, begin: int, end: int, count: int) -> list[int]:
    starts: list[int] = []
    keys: set[bytes] = set()
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
            raise _DamageError(f"a damaged header at byte {at}") from None
        if not dot or not key or head[156] not in _REGULAR or size < 0:
            raise _DamageError(f"at byte {at} there is no plain member <key>.<member>")
        if key != last:
            starts.append(at)
            keys.add(key)
            last = key
        heads.append(head)
        at += _BLOCK + size + -size % _BLOCK
    if heads:
        _check_sums(heads)
    if at > end or len(starts) != count:
        raise _DamageError(f"{len(starts)} samples between bytes {begin} and {min(at, end)}, the index says {count}")
    if len(keys) != count:
        raise _DamageError(f"a key occurs twice between bytes {begin} and {at}")
    starts.append(at)
    return starts


def _check_sums(heads: list[bytes]) -> None:
    for head, expected in zip(heads, sums(heads), strict=True):
        if head[148:156].strip(b" \0") != b"%06o" % expected:
            name = head[:100].partition(b"\0")[0].decode("utf-8", "replace")
            raise _DamageError(f"the header of member {name!r} is damaged (checksum)")


def members(
    raw: Bytes,
    view: memoryview,
    begin: int,
    end: int,
    *,
    where: str,
    more: Callable[[int, int], memoryview] | None = None,
) -> Members:
    """The members of the sample at ``begin``, whose headers :func:`layout` has checked.

    Args:
        raw: Gives headers by slice.
        view: The same, for content.
        begin: Where the sample begins in both.
        end: Where it ends; they may end before, if there is ``more``.
        where: The shard, for errors.
        more: Gives bytes that the others do not hold, by place and number.

    Raises:
        ShardError: no JSON member, a member twice, or headers that are not what they were.
    """
    media: dict[str, memoryview] = {}
    key, text, at = b"", None, begin
    while at < end:
        head = raw[at : at + 136]
        if more and len(head) < 136:
            head = bytes(more(at, 136))
        this, _, member = head[:100].rstrip(b"\0").partition(b".")
        try:
            size = int(head[124:135], 8)
        except ValueError:
            size = -1
        after = at + _BLOCK + size + -size % _BLOCK
        if size < 0 or after > end or (this != key and at != begin):
            raise ShardError(f"{where}: was changed while it was read", hint=_AGAIN)
        key = this
        data = view[at + _BLOCK : at + _BLOCK + size]
        if more and len(data) < size:
            data = more(at + _BLOCK, size)
        if member == b"json" and text is None and size <= MAX_JSON:
            text = data
        elif member == b"json" and text is None:
            raise ShardError(f"{where}: the JSON of a sample holds {size} bytes, more than {MAX_JSON} are not read")
        elif (name := _NAMES.get(member) or member.decode("utf-8", "replace")) in media or name == "json":
            raise ShardError(f"{where}: member {name!r} occurs twice", hint=_AGAIN)
        else:
            media[name] = data
        at = after
    if text is None:
        raise ShardError(f"{where}: the sample {key.decode('utf-8', 'replace')!r} has no JSON member", hint=_AGAIN)
    return Members(key.decode("utf-8", "replace"), text, media, where)
