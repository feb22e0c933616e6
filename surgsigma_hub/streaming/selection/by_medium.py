"""What ``stream(..., talk=...)`` chooses: manifests by medium, weights of conversations, and which are kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ...errors import ShardError, SurgSigmaError, UnknownNameError
from ...shards.config_names import ALL, FRAMES
from ...shards.manifest import Manifest
from ..order.permutation import Numbers, compact
from ..storage.tree import TreeStorage
from .catalog import follows, opened, row_groups
from .dataset import Config
from .filters import columns, keep
from .index import Named, Wanted, nowhere

Weights = Mapping[tuple[str, str], float]
"""Of the conversations of a source and task; what is not named weighs nothing."""

_PLACE = ("task", "shard", "offset")
_BYTES = "bytes"


def choose_by_medium(named: Sequence[Named], split: str, *, where: str) -> list[Named]:
    """The manifests by medium of a split, in reading order.

    Raises:
        SurgSigmaError: nothing is laid out by medium.
        UnknownNameError: no such split.
    """
    mine = [m for m in named if m.task == FRAMES]
    if not mine:
        raise SurgSigmaError(
            f"{where}: nothing is laid out by medium, which talk= is for",
            hint="Leave talk (--talk) out, or make such a tree: surgsigma repack TREE --layout frames --out NEW",
        )
    wanted = [part.strip() for part in split.split("+")]
    known = {m.split for m in mine}
    for part in wanted:
        if part not in known:
            raise UnknownNameError("split", part, known, where=f"config {FRAMES!r} of {where}")
    return sorted((m for m in mine if m.split in wanted), key=lambda m: (wanted.index(m.split), m.source))


def weights_of(config: Config, manifests: Sequence[Manifest], *, where: str, even: bool) -> Weights:
    """The weights that the names of ``stream`` give to conversations.

    Args:
        config: A task, a source, ``<task>-<source>``, ``frames``, ``frames-<source>`` or ``all`` (also None); several,
            whose union counts once; or weights by name, which add up where names overlap.
        manifests: By medium.
        where: The tree, for errors.
        even: All are given equally often, so that weights other than 0 and one more mean nothing.

    Raises:
        UnknownNameError: a name that means nothing here.
        SurgSigmaError: weights that are no shares, or that differ where they cannot.
    """
    if isinstance(config, Mapping):
        given = {name: float(weight) for name, weight in config.items()}
        if not all(0 <= w < float("inf") for w in given.values()) or not any(given.values()):
            raise SurgSigmaError(f"weights {given} make no shares", hint="Expected numbers of 0 or more, one above 0.")
        if even and len({w for w in given.values() if w}) > 1:
            raise SurgSigmaError(
                f"weights {given} and talk='all', which gives every conversation once",
                hint="Give the names without weights, or talk='one' or 'turns', where weights choose.",
            )
    else:
        names = [config] if isinstance(config, str) or config is None else list(config)
        if not names:
            raise SurgSigmaError("no config was named", hint="Leave config out to stream everything.")
        given = dict.fromkeys((name or ALL for name in names), 1.0)
    found: dict[tuple[str, str], float] = {}
    met: set[str] = set()
    known: set[str] = set()
    for m in manifests:
        for task in m.conversations:
            names_here = {ALL, FRAMES, task, m.source, f"{task}-{m.source}", f"{FRAMES}-{m.source}"}
            known |= names_here
            mine = names_here & given.keys()
            met |= mine
            weight = sum(given[name] for name in mine)
            found[m.source, task] = float(bool(weight)) if even or not isinstance(config, Mapping) else weight
    for name in given:
        if name not in met:
            raise UnknownNameError("config", name, known, where=f"what is laid out by medium in {where}")
    return found


@dataclass(frozen=True, slots=True)
class Conversations:
    """Which conversations about which medium are kept, medium by medium.

    Attributes:
        first: Number of the first conversation about each medium, and behind the last one that of all; :func:`compact`.
        kept: Of each conversation, whether it is chosen.
        wanted: The media of which one is, and where they lie; None: all of them.
    """

    first: Numbers
    kept: npt.NDArray[np.bool_]
    wanted: Wanted | None

    def of(self, medium: int) -> list[bool]:
        """Which conversations about a medium are kept."""
        flags: list[bool] = self.kept[int(self.first[medium]) : int(self.first[medium + 1])].tolist()
        return flags

    def edges(self) -> Numbers:
        """Of the media of which a conversation is kept, how many are kept before each, and in all; compact."""
        kept = _counts(self.kept, self.first)
        total = np.cumsum(kept if self.wanted is None else kept[self.wanted.numbers], dtype=np.int64)
        return compact(np.append(0, total), len(self.kept))


def _counts(kept: npt.NDArray[np.bool_], first: Numbers) -> Numbers:
    """How many conversations about each medium are kept."""
    if not len(kept):
        return np.zeros(0, np.int32)
    return compact(np.add.reduceat(kept, first[:-1], dtype=np.int32), 0)


def read_conversations(
    place: TreeStorage, manifests: Sequence[Manifest], weights: Weights, where: Mapping[str, Sequence[Any]]
) -> Conversations:
    """The conversations of manifests by medium, from their catalogs.

    Args:
        place: The tree.
        manifests: By medium, in the order of the index.
        weights: See :func:`weights_of`.
        where: As given by :func:`surgsigma_hub.streaming.selection.filters.check_where`; may be empty.

    Raises:
        ShardError: a catalog is missing, unreadable, or says other than its manifest.
    """
    found = [_read(place, m, weights, where) for m in manifests]
    talks = np.cumsum([0, *(len(one.kept) for one in found)])
    most = int(talks[-1])
    moved = [one.first + np.asarray(n, compact(n, most).dtype) for one, n in zip(found, talks[:-1], strict=True)]
    first = np.concatenate([*moved, compact(talks[-1:], most)])
    kept = np.concatenate([one.kept for one in found])
    counts = _counts(kept, first)
    if counts.all() and len(counts):
        return Conversations(first, kept, None)
    numbers = np.flatnonzero(counts).astype(np.int64)
    if place.local:
        return Conversations(first, kept, Wanted(numbers, nowhere(len(numbers)), nowhere(len(numbers))))
    start, end = (np.concatenate([getattr(one, name) for one in found])[numbers] for name in ("start", "end"))
    return Conversations(first, kept, Wanted(numbers, start, end))


@dataclass(frozen=True, slots=True)
class _Rows:
    """Of one catalog: first conversation, begin and end of each medium (-1: unknown), and which rows are kept."""

    first: Numbers
    start: Numbers
    end: Numbers
    kept: npt.NDArray[np.bool_]


def _read(place: TreeStorage, m: Manifest, weights: Weights, where: Mapping[str, Sequence[Any]]) -> _Rows:
    tasks = list(m.conversations)
    chosen = np.array([weights.get((m.source, task), 0.0) > 0 for task in tasks] + [False])
    names = sorted({*_PLACE, *columns(where), *(() if place.local else (_BYTES,))})
    first, start, end = list[Numbers](), list[Numbers](), list[Numbers]()
    kept: list[npt.NDArray[np.bool_]] = []
    row, last = 0, (-1, -1)
    with opened(place, m, names) as (catalog, found):
        for table in row_groups(catalog, found):
            if not table.num_rows:
                continue
            task, shard = _codes(table["task"], tasks), _codes(table["shard"], [s.name for s in m.shards])
            offset = np.asarray(table["offset"].fill_null(-1)).astype(np.int64)
            if min(task.min(), shard.min(), offset.min()) < 0:
                raise _foreign(m, "a row without a task, shard and offset of the manifest")
            new = np.append(
                (shard[0], offset[0]) != last, (shard[1:] != shard[:-1]) | (offset[1:] != offset[:-1])
            )  # fmt: skip
            begins = np.flatnonzero(new)
            first.append(compact(begins + row, m.rows))
            if not place.local:
                start.append(offset[begins])
                end.append(offset[begins] + np.asarray(table[_BYTES].fill_null(0)).astype(np.int64)[begins])
            kept.append(chosen[task] & keep(table, where))
            row, last = row + table.num_rows, (int(shard[-1]), int(offset[-1]))
    media = sum(map(len, first))
    if media != m.samples:
        raise _foreign(m, f"conversations about {media} media, the manifest says {m.samples}")
    nothing = np.zeros(0, np.int64)
    starts, ends = (nowhere(media) if place.local else np.concatenate([nothing, *some]) for some in (start, end))
    if not place.local and not follows(m, starts, ends):
        starts = ends = nowhere(media)
    firsts = np.concatenate([compact(nothing, m.rows), *first])
    return _Rows(firsts, starts, ends, np.concatenate([np.zeros(0, bool), *kept]))


def _foreign(m: Manifest, what: str) -> ShardError:
    return ShardError(f"{m.catalog}: {what}", hint="Rebuild this part.")


def _codes(column: Any, values: Sequence[str]) -> Numbers:
    """Each value's place among those that are known, -1 for others."""
    import pyarrow as pa
    import pyarrow.compute as pc

    known = pa.array(values, pa.string())
    parts = [np.asarray(pc.fill_null(pc.index_in(chunk, value_set=known), -1)) for chunk in column.chunks]
    return np.concatenate([np.zeros(0, np.int64), *parts]).astype(np.int64)
