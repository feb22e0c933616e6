"""What must hold of a manifest, whoever wrote it: names, types, sums, and blocks that lie in their shards."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from operator import itemgetter
from typing import Any

import numpy as np
import numpy.typing as npt
import orjson

from .config_names import FRAMES

NAME = re.compile(r"[a-z0-9_]{1,100}")
"""What a task, a source and a split are called: without dashes, so that what joins them by dashes is exact."""

MAX_BLOCK = 1 << 30
"""Most bytes of a block, which a remote reader holds as a whole; 64 samples with clips of 16 MiB are as large."""

_SHA256 = re.compile(r"[0-9a-f]{64}")
_MEMBER = re.compile(r"[a-z0-9_.]{1,100}")
_TEXT = re.compile(r"[^\x00-\x1f\x7f]{1,1000}")
_LARGEST = 1 << 53  # whole numbers above it are not exact in every reader of JSON
_DEEPEST = 16
_FIELDS = ("name", "sha256", "bytes", "samples", "blocks")
_LEAST_SAMPLE = 1024  # bytes: one header, and one block of JSON
_END_MARK = 1024
Numbers = npt.NDArray[np.int64]


def _is_size(value: object) -> bool:
    return type(value) is int and 0 <= value <= _LARGEST


def _shown(value: object) -> str:
    """A value for messages; of lists and mappings, which may be deep, the type only."""
    return repr(value)[:80] if isinstance(value, str | int | float | None) else f"a {type(value).__name__}"


def check_types(raw: Mapping[str, Any]) -> None:
    """The fields of a manifest but for its shards; ValueError names the first that is wrong."""
    for name in ("task", "source", "split"):
        if not isinstance(raw[name], str) or not NAME.fullmatch(raw[name]):
            raise ValueError(f"{name} is {_shown(raw[name])}, expected a name of a-z, 0-9 and _")
    for name in ("samples", "bytes", "media_bytes"):
        if not _is_size(raw[name]):
            raise ValueError(f"{name} is {_shown(raw[name])}, expected a whole number of 0 or more")
    for name, form in (("members", _MEMBER), ("videos", _TEXT)):
        if not isinstance(raw[name], list) or not all(isinstance(v, str) and form.fullmatch(v) for v in raw[name]):
            raise ValueError(f"{name} is no list of names")
    if not isinstance(raw["options"], dict) or depth(raw["options"]) > _DEEPEST:
        raise ValueError(f"options is no mapping at most {_DEEPEST} deep")
    talks = raw.get("conversations", {})
    if not isinstance(talks, dict) or not all(NAME.fullmatch(task) and _is_size(n) for task, n in talks.items()):
        raise ValueError("conversations is no mapping of tasks to whole numbers")
    if sum(talks.values()) > raw["bytes"] or bool(talks) != (raw["task"] == FRAMES and raw["samples"] > 0):
        raise ValueError(f"conversations does not go with {raw['samples']} samples of {raw['task']}")
    if not isinstance(raw.get("builder", ""), str):
        raise ValueError(f"builder is {_shown(raw['builder'])}, expected a text")
    if not isinstance(raw["shards"], list):
        raise ValueError("shards is no list")


def depth(value: Any) -> int:
    """How deep JSON is: lists and mappings in one another, at most the 1024 that orjson reads."""
    level, deep = [value], 0
    while level:
        deep += 1
        level = [
            inner
            for outer in level
            for inner in (outer.values() if isinstance(outer, dict) else outer if isinstance(outer, list) else ())
        ]
    return deep


@dataclass(frozen=True, slots=True)
class Blocks:
    """The numbers of all shards of a manifest, in their order.

    Attributes:
        bytes: Of each shard.
        samples: Of each shard.
        counts: Blocks of each shard.
        numbers: Byte offset and first sample of every block, in turn.
    """

    bytes: Numbers
    samples: Numbers
    counts: Numbers
    numbers: Numbers

    @classmethod
    def of(cls, sizes: Sequence[int], samples: Sequence[int], blocks: Sequence[Sequence[Sequence[int]]]) -> Blocks:
        """From columns of whole numbers; ValueError where blocks are no pairs."""
        flat = list(chain.from_iterable(blocks))
        if not set(map(len, flat)) <= {2}:
            raise ValueError("blocks are no pairs")
        try:
            numbers = np.fromiter(chain.from_iterable(flat), np.int64, 2 * len(flat))
        except OverflowError:
            raise ValueError("blocks beyond any file") from None
        counts = np.fromiter(map(len, blocks), np.int64, len(blocks))
        return cls(np.array(sizes, np.int64), np.array(samples, np.int64), counts, numbers)

    def filled(self) -> Blocks:
        """Without shards that hold nothing, and with one block for shards without an index."""
        if self.counts.all() and self.samples.all():
            return self
        kept = self.samples > 0
        pairs = self.numbers.reshape(-1, 2)[np.repeat(kept, self.counts)]
        counts = self.counts[kept]
        lacking = np.flatnonzero(counts == 0)
        pairs = np.insert(pairs, (np.cumsum(counts) - counts)[lacking], 0, axis=0)
        return Blocks(self.bytes[kept], self.samples[kept], np.maximum(counts, 1), pairs.reshape(-1))


def check_shards(form: str, entries: Sequence[Any]) -> tuple[dict[str, list[Any]], Blocks]:
    """The entries of all shards as columns, each looked at as a whole: a tenth of the price of one after the other.

    Args:
        form: What the shards may be called, as a regular expression.
        entries: Of the manifest.

    Raises:
        ValueError: names the first entry that is wrong.
        TypeError: blocks that are no pairs.
    """
    if not set(map(type, entries)) <= {dict} or not set(map(len, entries)) <= {len(_FIELDS)}:
        raise ValueError(f"an entry of a shard has other fields than {', '.join(_FIELDS)}")
    columns = {name: list(map(itemgetter(name), entries)) for name in _FIELDS}
    for name, value, expected in _wrong_entries(form, columns):
        raise ValueError(f"{name} of a shard is {_shown(value)}, expected {expected}")
    if len(set(columns["name"])) != len(entries):
        raise ValueError("two shards have one name")
    # Written out, lists of whole numbers have no other characters: a tenth of the price of asking each for its type.
    if orjson.dumps(columns["blocks"]).translate(None, b"[],0123456789"):
        raise ValueError("blocks are no pairs of whole numbers")
    return columns, Blocks.of(columns["bytes"], columns["samples"], columns["blocks"])


def _wrong_entries(form: str, columns: Mapping[str, list[Any]]) -> Iterator[tuple[str, Any, str]]:
    """Column, value and what was expected of the first value that is wrong in each column."""
    names, sums, blocks = columns["name"], columns["sha256"], columns["blocks"]
    lines = "\n".join(names) if set(map(type, names)) <= {str} else "\n"
    if lines.count("\n") >= max(1, len(names)) or not re.fullmatch(f"(?:{form}\n)*(?:{form})?", lines):
        yield (
            "name",
            _first(names, lambda v: isinstance(v, str) and re.fullmatch(form, v)),
            "<task>-<source>-<split>-NNNNN.tar",
        )
    texts = set(map(type, sums)) <= {str} and set(map(len, sums)) <= {64}
    if not texts or "".join(sums).encode("utf-8", "replace").translate(None, b"0123456789abcdef"):
        yield "sha256", _first(sums, lambda v: isinstance(v, str) and _SHA256.fullmatch(v)), "64 hexadecimal digits"
    for column in ("bytes", "samples"):
        values = columns[column]
        if not set(map(type, values)) <= {int} or (values and not 0 <= min(values) <= max(values) <= _LARGEST):
            yield column, _first(values, _is_size), "a whole number of 0 or more"
    if not set(map(type, blocks)) <= {list}:
        yield "blocks", _first(blocks, lambda v: isinstance(v, list)), "a list"


def _first(values: Sequence[Any], good: Callable[[Any], object]) -> Any:
    return next((value for value in values if not good(value)), None)


@dataclass(frozen=True, slots=True)
class Contradiction:
    """What a manifest says that cannot be, and what would agree with the rest of it."""

    what: str
    expected: str


def contradictions(names: Sequence[str], blocks: Blocks, *, samples: int, bytes: int) -> Iterator[Contradiction]:
    """Sums that are not those of the shards, and shards whose blocks or samples cannot lie in them.

    Args:
        names: Of the shards.
        blocks: Numbers of the shards and their blocks.
        samples: Of all shards, as the manifest says.
        bytes: Likewise.
    """
    size, held = blocks.bytes, blocks.samples
    for of, own, total in (("samples", samples, held.sum()), ("bytes", bytes, size.sum())):
        if total != own:
            yield Contradiction(f"says {own} {of}", f"{total}, the sum over its shards")
    for n in np.flatnonzero((held > 0) & (held > (size - _END_MARK) // _LEAST_SAMPLE)).tolist():
        yield Contradiction(
            f"{held[n]} samples of {names[n]} cannot lie in its {size[n]} bytes",
            f"at least {_LEAST_SAMPLE} bytes a sample and the end mark",
        )
    for n in _wrong_blocks(blocks):
        yield Contradiction(
            f"the block index of {names[n]} contradicts itself",
            f"offsets that rise from 0 to less than its bytes, samples that rise from 0 to less than its samples, no "
            f"block of more than {MAX_BLOCK} bytes",
        )


def _wrong_blocks(blocks: Blocks) -> list[int]:
    """Shards, by number, whose blocks do not follow each other from begin to end."""
    filled = np.flatnonzero(blocks.counts)
    counts, start, inside = blocks.counts[filled], blocks.numbers[::2], blocks.numbers[1::2]
    begins, ends = np.cumsum(counts) - counts, np.cumsum(counts) - 1
    end, after = np.append(start[1:], 0), np.append(inside[1:], 0)
    end[ends], after[ends] = blocks.bytes[filled], blocks.samples[filled]
    wrong = (start >= end) | (inside >= after) | (end - start > MAX_BLOCK)
    wrong[begins] |= (start[begins] != 0) | (inside[begins] != 0)
    whole = np.flatnonzero((blocks.counts == 0) & (blocks.bytes > MAX_BLOCK))  # without an index a shard is one block
    return sorted({*np.repeat(filled, counts)[wrong].tolist(), *whole.tolist()})
