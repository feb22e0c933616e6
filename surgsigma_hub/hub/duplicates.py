"""Duplicates: pictures and clips of a tree that are in two of its sources or splits, equal or nearly so.

Surgeries that two sources are known to share have one canonical id (see :mod:`.leaks`). This looks at the media, so
that it also finds what nobody has said: one film published twice under two names. Nothing is removed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import orjson
from tqdm import tqdm

from ..errors import MediaError, ShardError
from ..media.perceptual import clip_hash, picture_hash, require_hashing
from ..shards.manifest import Manifest, load_tree
from ..shards.reader import open_shard, read_shard
from .leaks import TRAINING, SourceSplit

NEAR = 4
"""Bits, of 64, in which near-duplicates may differ. Of 221 frames of eight real films, encoded anew at quality 50 to 92
or made smaller down to a quarter, none differed from itself by more than 2; no two of different films by less than 14:
``benchmarks/near_duplicates.py`` measures it."""

_BITS = 64
_BLOCK = 1024
"""So many hashes are compared with so many at a time: 8 MB, and as much for each step of counting their bits."""


@dataclass(frozen=True, slots=True)
class Seen:
    """One medium where it is met first in a source and split.

    Attributes:
        place: Source and split.
        surgery: Canonical id of its video.
        sample: Id of a sample that shows it.
        hash: Perceptual hash; 0 of a medium that shows nothing, such as a black frame.
    """

    place: SourceSplit
    surgery: str
    sample: str
    hash: int


@dataclass(frozen=True, slots=True)
class Duplicate:
    """Media that two places share.

    Attributes:
        one: A source and split.
        other: Another source, or another split.
        exact: Number of media that are byte for byte in both.
        near: Number of media of ``one`` of which ``other`` has one that looks the same but is not.
        known: Whether all of them are of surgeries that have one canonical id, so that ``surgsigma leaks`` names them.
        examples: Ids of samples, pair by pair, of different canonical ids before others.
    """

    one: SourceSplit
    other: SourceSplit
    exact: int
    near: int
    known: bool
    examples: tuple[tuple[str, str], ...]

    @property
    def leaks(self) -> bool:
        """Whether one side is trained on and the other is not."""
        return (self.one[1] == TRAINING) != (self.other[1] == TRAINING)


@dataclass(slots=True)
class Report:
    """What was found.

    Attributes:
        media: Number of distinct media looked at.
        blank: How many of them show nothing, and are compared byte for byte alone.
        unreadable: What could not be read, by id of a sample.
        found: By place.
    """

    media: int = 0
    blank: int = 0
    unreadable: dict[str, str] = field(default_factory=dict)
    found: tuple[Duplicate, ...] = ()

    @property
    def leaks(self) -> bool:
        """Whether a medium is trained on in one place and tested on in another."""
        return any(one.leaks for one in self.found)


def find_duplicates(tree: Path, *, bits: int = NEAR, progress: bool = False) -> Report:
    """Look at every input medium of a tree once, and compare those of different sources and splits.

    Args:
        tree: A built tree, of either layout.
        bits: Bits, of 64, in which near-duplicates may differ, 0 to 16; each further one makes the search slower.
        progress: Whether to show a bar on stderr.

    Raises:
        ValueError: ``bits`` is out of range.
        ShardError: a shard is missing or damaged.
        MissingExtraError: imagehash is not installed.
    """
    if not 0 <= bits <= 16:
        raise ValueError(f"bits is {bits}, expected 0 to 16")
    require_hashing()
    report = Report()
    media: dict[str, dict[SourceSplit, Seen]] = {}
    manifests = load_tree(tree)
    with tqdm(desc="media", unit=" samples", disable=not progress, total=sum(m.samples for m in manifests)) as bar:
        for manifest in manifests:
            for sample, members in _samples(tree, manifest):
                bar.update(1)
                _look(sample, members, media, report)
    report.media = len(media)
    report.blank = sum(all(seen.hash == 0 for seen in places.values()) for places in media.values())
    report.found = compare(media, bits=bits)
    return report


def _samples(tree: Path, manifest: Manifest) -> Iterator[tuple[Mapping[str, Any], Mapping[str, bytes]]]:
    for shard in manifest.shards:
        place = f"{manifest.folder}/{shard.name}"
        with open_shard(tree, place) as file:
            for key, members in read_shard(file, where=place):
                try:
                    yield orjson.loads(members["json"]), members
                except (KeyError, orjson.JSONDecodeError):
                    raise ShardError(f"{place}: sample {key!r} has no JSON", hint="See: surgsigma validate") from None


def _look(
    sample: Mapping[str, Any], members: Mapping[str, bytes], media: dict[str, dict[SourceSplit, Seen]], report: Report
) -> None:
    place = (sample["source"], sample["split"])
    for medium in sample["media"]:
        if medium["role"] != "input" or medium["member"] not in members:
            continue
        places = media.setdefault(medium["sha256"], {})
        if place in places:
            continue
        known = next(iter(places.values()), None)
        value = known.hash if known else 0
        if known is None:
            hashed = clip_hash if medium["kind"] == "video" else picture_hash
            try:
                value = hashed(members[medium["member"]], f"{sample['id']}/{medium['member']}")
            except MediaError as error:
                report.unreadable[sample["id"]] = error.message
        places[place] = Seen(place, sample["canonical_video_id"], sample["id"], value)


def compare(
    media: Mapping[str, Mapping[SourceSplit, Seen]], *, bits: int = NEAR, examples: int = 3
) -> tuple[Duplicate, ...]:
    """What different places share, most shared first.

    Args:
        media: By content, where each is.
        bits: See :func:`find_duplicates`.
        examples: How many pairs to name of two places.
    """
    exact: dict[tuple[SourceSplit, SourceSplit], list[tuple[Seen, Seen]]] = {}
    near: dict[tuple[SourceSplit, SourceSplit], list[tuple[Seen, Seen]]] = {}
    for places in media.values():
        ordered = sorted(places)
        for n, one in enumerate(ordered):
            for other in ordered[n + 1 :]:
                exact.setdefault((one, other), []).append((places[one], places[other]))
    seen = [one for places in media.values() for one in places.values() if one.hash]
    content = [sha for sha, places in media.items() for one in places.values() if one.hash]
    code = {place: n for n, place in enumerate({one.place for one in seen})}
    for a, b in near_pairs([one.hash for one in seen], [code[one.place] for one in seen], bits):
        if content[a] != content[b]:
            first, second = sorted((seen[a], seen[b]), key=lambda s: s.place)
            near.setdefault((first.place, second.place), []).append((first, second))
    found = []
    for key in exact.keys() | near.keys():
        pairs = [*exact.get(key, ()), *near.get(key, ())]
        pairs.sort(key=lambda pair: (pair[0].surgery == pair[1].surgery, pair[0].sample, pair[1].sample))
        found.append(
            Duplicate(
                one=key[0],
                other=key[1],
                exact=len(exact.get(key, ())),
                near=len({one.sample for one, _ in near.get(key, ())}),
                known=all(one.surgery == other.surgery for one, other in pairs),
                examples=tuple((one.sample, other.sample) for one, other in pairs[:examples]),
            )
        )
    return tuple(sorted(found, key=lambda d: (-d.exact - d.near, d.one, d.other)))


def near_pairs(hashes: Sequence[int], groups: Sequence[int], bits: int) -> list[tuple[int, int]]:
    """Pairs of hashes of different groups that differ in at most so many of 64 bits, by their places.

    Two such hashes are equal in at least one of ``bits + 1`` stripes, so only those that share a stripe are compared.

    >>> near_pairs([0b1111, 0b1110, 0b0001 << 40, 0b1111], [0, 1, 1, 0], 1)
    [(0, 1), (1, 3)]
    """
    values, group_of = np.array(hashes, np.uint64), np.array(groups, np.int64)
    found: set[tuple[int, int]] = set()
    for low, high in _stripes(bits + 1):
        stripe = (values >> np.uint64(low)) & np.uint64((1 << (high - low)) - 1)
        for alike in _alike(stripe):
            found.update(_near(values, group_of, alike, bits))
    return sorted(found)


def _stripes(count: int) -> Iterable[tuple[int, int]]:
    edges = [_BITS * n // count for n in range(count + 1)]
    return pairwise(edges)


def _alike(keys: npt.NDArray[np.uint64]) -> Iterator[npt.NDArray[np.intp]]:
    """Places of equal keys, for every key that occurs more than once."""
    order = np.argsort(keys, kind="stable")
    edges = np.flatnonzero(np.diff(keys[order])) + 1
    return (group for group in np.split(order, edges) if len(group) > 1)


def _near(
    values: npt.NDArray[np.uint64], groups: npt.NDArray[np.int64], alike: npt.NDArray[np.intp], bits: int
) -> Iterator[tuple[int, int]]:
    for start in range(0, len(alike), _BLOCK):
        rows = alike[start : start + _BLOCK]
        for other in range(start, len(alike), _BLOCK):
            columns = alike[other : other + _BLOCK]
            near = _ones(values[rows][:, None] ^ values[columns][None, :]) <= bits
            near &= groups[rows][:, None] != groups[columns][None, :]
            for a, b in zip(*np.nonzero(near), strict=True):
                one, two = int(rows[a]), int(columns[b])
                yield min(one, two), max(one, two)


def _ones(values: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    """Number of bits that are set, by the usual sums of neighbours; numpy counts them itself only from 2.0 on."""
    pairs, fours, eights = (np.uint64(int(f"0x{byte}" + byte * 7, 16)) for byte in ("55", "33", "0f"))
    one, two, four = np.uint64(1), np.uint64(2), np.uint64(4)
    values = values - ((values >> one) & pairs)
    values = (values & fours) + ((values >> two) & fours)
    values = (values + (values >> four)) & eights
    return (values * np.uint64(0x0101010101010101)) >> np.uint64(56)
