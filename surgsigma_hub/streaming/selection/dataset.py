"""What a stream streams: an index, the samples of it that are kept, the shares of a mixture. Data only, no files."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import orjson

from ...errors import SurgSigmaError
from ...shards.config_names import ALL
from ...shards.manifest import Manifest
from ..order.mixture import Mixture, quotas, weights_by_name
from ..order.permutation import INTERLEAVE, Numbers, Order, Shuffle, make_order
from ..sample import StreamSample
from .index import Named, Wanted, choose, make_index

Config = str | Sequence[str] | Mapping[str, float] | None


@dataclass(frozen=True, slots=True)
class Selection:
    """Manifests part by part; a plain choice has one part, a mixture several.

    Attributes:
        names: Of the parts.
        weights: Of the parts; None: by size.
    """

    names: tuple[str, ...]
    parts: tuple[tuple[Named, ...], ...]
    weights: tuple[float, ...] | None = None
    temperature: float = 1.0
    caps: tuple[int | None, ...] = ()
    mixed: bool = False

    def load(self, load: Callable[[list[Named]], list[Manifest]]) -> LoadedSelection:
        """With the manifests that are named, each read once."""
        named = list({m.path: m for part in self.parts for m in part}.values())
        read = {m.path: m for m in load(named)}
        return LoadedSelection(self, tuple(tuple(read[m.path] for m in part) for part in self.parts))


@dataclass(frozen=True, slots=True)
class LoadedSelection:
    """A choice and its manifests."""

    choice: Selection
    parts: tuple[tuple[Manifest, ...], ...]


def make_selection(
    named: Sequence[Named], config: Config, split: str, *, where: str, temperature: float | None,
    caps: Mapping[str, int] | int | None,
) -> Selection:  # fmt: skip
    """What the arguments of ``stream`` choose.

    A name, or several without weights, temperature and caps, is a plain union: every sample once an epoch. Weights by
    name make a mixture of the named configs; temperature and caps one of the named configs or, for a single config, of
    its tasks. One cap for all is one of the tasks, whatever was named.

    Raises:
        UnknownNameError: no such config or split.
        SurgSigmaError: weights, temperature and caps that do not go together.
    """
    mixed = temperature is not None or bool(caps) or isinstance(config, Mapping)
    names = [config] if isinstance(config, str) or config is None else list(config)
    if not names:
        raise SurgSigmaError("no config was named", hint="Leave config out to stream everything.")
    chosen = [choose(named, name, split, where=where) for name in names]
    if not mixed:
        # A manifest that two of the named configs hold counts once.
        union = {m.path: m for part in chosen for m in part}
        return Selection(("+".join(name or ALL for name in names),), (tuple(union.values()),))
    if isinstance(config, Mapping) and temperature is not None:
        raise SurgSigmaError(
            "weights and temperature were both given", hint="A temperature makes the weights; drop one."
        )
    if len(names) == 1 or isinstance(caps, int):
        if isinstance(config, Mapping):
            if len(names) > 1:
                raise SurgSigmaError("weights and one cap for all tasks were both given", hint="Give a cap by name.")
            raise SurgSigmaError(
                f"a weighted mixture needs two configs or more; got only {next(iter(config))!r}",
                hint="Pass the name without a weight.",
            )
        every = list({m.path: m for part in chosen for m in part}.values())
        tasks = sorted({m.task for m in every})
        names, chosen = list(tasks), [[m for m in every if m.task == task] for task in tasks]
    labels = [name or ALL for name in names]
    by_name = dict.fromkeys(labels, caps) if isinstance(caps, int) else caps or {}
    limits = weights_by_name(by_name, labels, what="caps")
    if any(limit is not None and limit < 1 for limit in limits):
        raise SurgSigmaError("caps must be 1 or more samples an epoch")
    return Selection(
        tuple(labels),
        tuple(tuple(part) for part in chosen),
        tuple(float(w) for w in config.values()) if isinstance(config, Mapping) else None,
        temperature or 1.0,
        tuple(None if limit is None else int(limit) for limit in limits),
        mixed=True,
    )


class StreamDataset:
    """The samples of a choice, in numbers.

    Attributes:
        shares_media: Whether several items are made of one sample, which is better read once.
        as_read: Whether an item is the sample as it was read, so that :meth:`item` need not be asked.

    Args:
        loaded: Manifests and shares.
        wanted: The samples that passed a filter. None: all.
        where: The filter; part of the identity.
    """

    shares_media = False
    as_read = True

    def __init__(
        self, loaded: LoadedSelection, *, wanted: Wanted | None = None, where: Mapping[str, object] | None = None
    ) -> None:
        self.index = make_index([m for part in loaded.parts for m in part])
        self.index.wanted = wanted
        choice = loaded.choice
        self._kept = kept = None if wanted is None else wanted.numbers
        edges = np.cumsum([0, *(sum(m.samples for m in part) for part in loaded.parts)])
        first = np.asarray(self.index.block_first, np.int64)
        if kept is None:
            self._blocks = self.index.sizes
            self._edges = [int(e) for e in edges]
        else:
            places = np.searchsorted(kept, first)
            self._blocks = places[1:] - places[:-1]
            self._edges = [int(e) for e in np.searchsorted(kept, edges)]
        self._block_edges = [int(e) for e in np.searchsorted(first[:-1], edges)]
        self.sizes = [b - a for a, b in zip(self._edges, self._edges[1:], strict=False)]
        if not sum(self.sizes):
            raise SurgSigmaError("no sample is left to stream", hint="Loosen the filter, or choose another split.")
        self.quotas = (
            quotas(self.sizes, weights=choice.weights, temperature=choice.temperature, caps=choice.caps)
            if choice.mixed
            else None
        )
        shares = [list(choice.names), self.quotas] if self.quotas else None
        identity = [self.index.digest(), dict(where or {}), self._edges[-1], shares]
        self.fingerprint = hashlib.sha256(orjson.dumps(identity)).hexdigest()[:24]

    def __len__(self) -> int:
        """Samples of an epoch."""
        return sum(self.quotas) if self.quotas else self._edges[-1]

    def order(self, *, shuffle: Shuffle, seed: int, epoch: int, interleave: int = INTERLEAVE) -> Order:
        """The order of an epoch, over the kept samples."""

        def part_order(part: int, number: int) -> Order:
            blocks = self._blocks[self._block_edges[part] : self._block_edges[part + 1]]
            # Parts get seeds of their own, so that two of one shape are not shuffled alike.
            own = int.from_bytes(hashlib.blake2b(f"{seed}/{part}".encode(), digest_size=8).digest(), "big")
            return make_order(shuffle, blocks[blocks > 0], seed=own, epoch=number, interleave=interleave)

        if self.quotas:
            return Mixture(self.sizes, self.quotas, epoch=epoch, order=part_order)
        return make_order(shuffle, self._blocks[self._blocks > 0], seed=seed, epoch=epoch, interleave=interleave)

    def interleaves(self, shuffle: Shuffle) -> bool:
        """Whether the number of lanes is part of the order."""
        return shuffle == "block"

    def places(self, ordered: Numbers) -> tuple[Numbers, Numbers]:
        """Sample numbers of the index, from those that an order gives, and which item of the sample: the only one."""
        return ordered if self._kept is None else self._kept[ordered], np.zeros_like(ordered)

    def item(self, read: StreamSample, number: int, turn: int, *, seed: int, epoch: int) -> StreamSample:
        """What is delivered of a sample that was read: here the sample."""
        return read
