"""A Xet store in memory: blocks of chunks as hf-xet sends them, and files put together from them.

The forms are those of https://huggingface.co/docs/xet: a block is chunks, each behind a header of 8 bytes, and a footer
that nobody needs; what is called a shard there lists, for each file, which chunks of which blocks it is made of.
"""

from __future__ import annotations

import hashlib
import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field

import pyarrow as pa

from hub_repos import Refused

_ENTRY = 48
"""Bytes of every header and entry of a shard."""
_FOOTER = b"XETBLOB"
_LISTED, _SHA256 = 1 << 31, 1 << 30
"""Flags of a file: a check of each range follows, and its sha256."""


@dataclass(frozen=True)
class Term:
    """Some chunks of a block, one after the other, which are a piece of a file."""

    block: str
    length: int
    begin: int
    end: int


@dataclass
class XetStore:
    """Blocks, and files by the hash that Xet gives them.

    Attributes:
        blocks: What was sent, with the offset of each chunk in it; the last offset is the end.
        files: Of what they are made.
        hashes: Of a file, by its sha256.
        sent: Bytes of blocks that came in.
    """

    blocks: dict[str, tuple[bytes, list[int]]] = field(default_factory=dict)
    files: dict[str, list[Term]] = field(default_factory=dict)
    hashes: dict[str, str] = field(default_factory=dict)
    sent: int = 0

    def clear(self) -> None:
        """As new."""
        self.blocks.clear(), self.files.clear(), self.hashes.clear()
        self.sent = 0

    def add_block(self, name: str, data: bytes) -> bool:
        """Keep a block; False where it was there."""
        offsets = [0]
        while offsets[-1] < len(data) and not data.startswith(_FOOTER, offsets[-1]):
            offsets.append(offsets[-1] + 8 + int.from_bytes(data[offsets[-1] + 1 : offsets[-1] + 4], "little"))
        if offsets[-1] > len(data) or len(offsets) == 1:
            raise Refused(400, f"block {name} is cut")
        new = name not in self.blocks
        self.blocks[name] = data, offsets
        self.sent += len(data)
        return new

    def keep(self, data: bytes) -> str:
        """A file that no client sent, as one block of one chunk; its name is its sha256."""
        name = hashlib.sha256(data).hexdigest()
        self.add_block(
            name, bytes(1) + len(data).to_bytes(3, "little") + bytes(1) + len(data).to_bytes(3, "little") + data
        )
        self.files[name] = [Term(name, len(data), 0, 1)]
        return name

    def add_shard(self, data: bytes) -> Iterator[tuple[str, bytes]]:
        """Keep what a shard says of files; gives the sha256 and the content of each that names its sha256."""
        place = _ENTRY
        while True:
            name, flags, count = _name(data[place : place + 32]), *struct.unpack_from("<II", data, place + 32)
            place += _ENTRY
            if name == "f" * 64:
                return
            terms = []
            for _ in range(count):
                block = _name(data[place : place + 32])
                _, length, begin, end = struct.unpack_from("<IIII", data, place + 32)
                # A client whose cache is of another server's life names blocks that were never sent here.
                if block not in self.blocks or end >= len(self.blocks[block][1]):
                    raise Refused(400, f"the shard names chunks {begin} to {end} of a block that is not here: {block}")
                terms.append(Term(block, length, begin, end))
                place += _ENTRY
            place += _ENTRY * count if flags & _LISTED else 0
            self.files[name] = terms
            if flags & _SHA256:
                sha256, content = _name(data[place : place + 32]), self.content(name)
                if hashlib.sha256(content).hexdigest() != sha256:
                    raise Refused(400, f"the content of {name} is not what was announced")
                self.hashes[sha256] = name
                yield sha256, content
                place += _ENTRY

    def content(self, name: str) -> bytes:
        """A whole file."""
        return b"".join(b"".join(self._chunks(term)) for term in self.files[name])

    def _chunks(self, term: Term) -> Iterator[bytes]:
        data, offsets = self.blocks[term.block]
        for number in range(term.begin, term.end):
            begin, end = offsets[number], offsets[number + 1]
            scheme, size = data[begin + 4], int.from_bytes(data[begin + 5 : begin + 8], "little")
            packed = data[begin + 8 : end]
            plain = pa.decompress(packed, size, codec="lz4", asbytes=True) if scheme else packed
            yield _interleaved(plain) if scheme == 2 else plain

    def reconstruction(self, name: str, span: str) -> dict[str, object]:
        """Where the bytes of a file are: its terms, and the ranges of blocks that hold them.

        Args:
            name: Of the file.
            span: A header ``Range``, or nothing for all of it.
        """
        if name not in self.files:
            raise Refused(404, f"no file {name}")
        found = re.fullmatch(r"bytes=(\d+)-(\d*)", span)
        first, last = (int(found[1]), int(found[2] or 1 << 62)) if found else (0, 1 << 62)
        terms, place, before = [], 0, 0
        for term in self.files[name]:
            if place + term.length > first and place <= last:
                before = before if terms else first - place
                terms.append(term)
            place += term.length
        if not terms and found:
            raise Refused(416, "range beyond the file")
        where: dict[str, list[dict[str, object]]] = {}
        for term in terms:
            offsets = self.blocks[term.block][1]
            one = {
                "range": {"start": term.begin, "end": term.end},
                "url": term.block,
                "url_range": {"start": offsets[term.begin], "end": offsets[term.end] - 1},
            }
            if one not in where.setdefault(term.block, []):
                where[term.block].append(one)
        listed = [
            {"hash": t.block, "unpacked_length": t.length, "range": {"start": t.begin, "end": t.end}} for t in terms
        ]
        return {"offset_into_first_range": before, "terms": listed, "fetch_info": where}


def _name(raw: bytes) -> str:
    """A hash as text: its four numbers of 8 bytes, each from its highest digit."""
    return "".join(f"{number:016x}" for number in struct.unpack("<4Q", raw))


def _interleaved(data: bytes) -> bytes:
    """Bytes that were sorted by their place modulo 4, as they were."""
    made, begin = bytearray(len(data)), 0
    for lane in range(4):
        size = (len(data) - lane + 3) // 4
        made[lane::4] = data[begin : begin + size]
        begin += size
    return bytes(made)
