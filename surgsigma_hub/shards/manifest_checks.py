"""What must hold of a manifest, whoever wrote it: names, types, sums, and blocks that lie in their shards."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from operator import itemgetter
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from .manifest import Manifest, Shard

NAME = re.compile(r"[a-z0-9_]{1,100}")
"""What a task, a source and a split are called: without dashes, so that what joins them by dashes is exact."""

SHARD_NAME = r"{split}-[0-9]{{5}}\.tar"
"""What the shards of a split are called, as a pattern."""

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


def check_shards(split: str, entries: Sequence[Any]) -> dict[str, list[Any]]:
    """The entries of all shards as columns, each looked at as a whole: a tenth of the price of one after the other.

    Raises:
        ValueError: names the first entry that is wrong.
    """
    if not set(map(type, entries)) <= {dict} or not set(map(len, entries)) <= {len(_FIELDS)}:
        raise ValueError(f"an entry of a shard has other fields than {', '.join(_FIELDS)}")
    columns = {name: list(map(itemgetter(name), entries)) for name in _FIELDS}
    for name, value, expected in _wrong_entries(split, columns):
        raise ValueError(f"{name} of a shard is {_shown(value)}, expected {expected}")
    if len(set(columns["name"])) != len(entries):
        raise ValueError("two shards have one name")
    blocks = list(chain.from_iterable(columns["blocks"]))
    if not set(map(type, blocks)) <= {list} or not set(map(len, blocks)) <= {2}:
        raise ValueError("blocks are no pairs")
    if not set(map(type, chain.from_iterable(blocks))) <= {int}:
        raise ValueError("blocks are no pairs of whole numbers")
    return columns


def _wrong_entries(split: str, columns: Mapping[str, list[Any]]) -> Iterator[tuple[str, Any, str]]:
    name = SHARD_NAME.format(split=split)
    forms = (("name", f"{split}-NNNNN.tar", name), ("sha256", "64 hexadecimal digits", _SHA256.pattern))
    for column, expected, form in forms:
        values = columns[column]
        lines = "".join(f"{value}\n" for value in values) if set(map(type, values)) <= {str} else "?"
        if lines.count("\n") != len(values) or not re.fullmatch(f"(?:{form}\n)*", lines):
            wrong = (v for v in values if not isinstance(v, str) or not re.fullmatch(form, v))
            yield column, next(wrong), expected
    for column in ("bytes", "samples"):
        values = columns[column]
        if not set(map(type, values)) <= {int} or (values and not 0 <= min(values) <= max(values) <= _LARGEST):
            yield column, next(v for v in values if not _is_size(v)), "a whole number of 0 or more"
    if not set(map(type, columns["blocks"])) <= {list}:
        yield "blocks", next(v for v in columns["blocks"] if type(v) is not list), "a list"


@dataclass(frozen=True, slots=True)
class Contradiction:
    """What a manifest says that cannot be, and what would agree with the rest of it."""

    what: str
    expected: str


def contradictions(manifest: Manifest) -> Iterator[Contradiction]:
    """Sums that are not those of the shards, and shards whose blocks or samples cannot lie in them."""
    for of in ("samples", "bytes"):
        total, own = sum(getattr(s, of) for s in manifest.shards), getattr(manifest, of)
        if total != own:
            yield Contradiction(f"says {own} {of}", f"{total}, the sum over its shards")
    listed = [shard for shard in manifest.shards if shard.samples]
    size = np.array([shard.bytes for shard in listed], np.int64)
    samples = np.array([shard.samples for shard in listed], np.int64)
    for n in np.flatnonzero(samples > (size - _END_MARK) // _LEAST_SAMPLE).tolist():
        yield Contradiction(
            f"{samples[n]} samples of {listed[n].name} cannot lie in its {size[n]} bytes",
            f"at least {_LEAST_SAMPLE} bytes a sample and the end mark",
        )
    for shard in _wrong_blocks(listed, size, samples):
        yield Contradiction(
            f"the block index of {shard.name} contradicts itself",
            f"offsets that rise from 0 to less than its bytes, samples that rise from 0 to less than its samples, no "
            f"block of more than {MAX_BLOCK} bytes",
        )


def _wrong_blocks(listed: Sequence[Shard], size: Numbers, samples: Numbers) -> Iterator[Shard]:
    blocks = [shard.blocks or ((0, 0),) for shard in listed]
    counts = np.fromiter(map(len, blocks), np.int64, len(blocks))
    try:
        flat = np.fromiter(chain.from_iterable(chain.from_iterable(blocks)), np.int64, 2 * int(counts.sum()))
    except OverflowError:  # numbers above 64 bits
        yield from (s for s in listed if any(not _is_size(n) for block in s.blocks for n in block))
        return
    start, inside = flat[::2], flat[1::2]
    begins, ends = np.cumsum(counts) - counts, np.cumsum(counts) - 1
    end, after = np.append(start[1:], 0), np.append(inside[1:], 0)
    end[ends], after[ends] = size, samples
    wrong = (start >= end) | (inside >= after) | (end - start > MAX_BLOCK)
    wrong[begins] |= (start[begins] != 0) | (inside[begins] != 0)
    if wrong.any():
        of = np.repeat(np.arange(len(listed)), counts)
        yield from (listed[n] for n in np.unique(of[wrong]).tolist())
