"""What a stream by medium streams: media, and which of the conversations about each are said."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
import orjson

from ...errors import ShardError, SurgSigmaError
from ...shards.by_medium import MediumSamples, sample_of
from ...shards.config_names import FRAMES
from ..order.permutation import INTERLEAVE, BlockOrder, Numbers, Order, SequentialOrder, Shuffle
from ..sample import StreamSample
from ..storage.tree import TreeStorage
from ..turns import Turns, lots, pick_one
from .by_medium import Conversations, Weights, choose_by_medium, read_conversations, weights_of
from .dataset import Config, LoadedSelection, Selection, StreamDataset
from .index import Named

Talk = Literal["one", "all", "turns"]
"""What an item is: one conversation about each medium an epoch; every conversation; or a medium with its conversations
as turns."""


_KNOWN = 4 * INTERLEAVE
"""Media whose JSON is kept as it was last looked at: some 10 kB each, without their pixels."""


@dataclass(slots=True)
class _Said:
    """What is said about one medium: tasks and weights of its conversations, and which of them weigh something."""

    medium: dict[str, Any]
    tasks: list[str]
    weights: list[float]
    chosen: list[int]
    samples: MediumSamples | None = None


class TalkDataset(StreamDataset):
    """The media of a choice, in numbers, and what is said about them.

    Of ``all`` the items of an order are the kept conversations, numbered through medium by medium; of the others they
    are the media of which a conversation is kept.

    Args:
        loaded: Manifests by medium, in one part.
        talk: What an item is.
        weights: Of the conversations.
        conversations: Which are kept; None: all, which ``all`` does not take.
        where: The filter; part of the identity.
    """

    def __init__(
        self,
        loaded: LoadedSelection,
        talk: Talk | Turns,
        weights: Weights,
        conversations: Conversations | None,
        *,
        where: Mapping[str, object] | None = None,
    ) -> None:
        super().__init__(loaded, wanted=None if conversations is None else conversations.wanted, where=where)
        self._turns = talk if isinstance(talk, Turns) else Turns() if talk == "turns" else None
        self._weights, self._conversations = weights, conversations
        self._places = conversations.edges() if talk == "all" and conversations is not None else None
        self.shares_media = self._places is not None
        self.as_read = False
        self._said: dict[int, _Said] = {}
        how = ["turns", self._turns.most, sorted(self._turns.apart)] if self._turns else [str(talk)]
        said = sorted((*name, weight) for name, weight in weights.items())
        identity = [self.fingerprint, len(self), how, said]
        self.fingerprint = hashlib.sha256(orjson.dumps(identity)).hexdigest()[:24]

    def __len__(self) -> int:
        """Items of an epoch."""
        return super().__len__() if self._places is None else int(self._places[-1])

    def interleaves(self, shuffle: Shuffle) -> bool:
        """Whether the number of lanes is part of the order."""
        return super().interleaves(shuffle) or (self.shares_media and shuffle != "none")

    def order(self, *, shuffle: Shuffle, seed: int, epoch: int, interleave: int = INTERLEAVE) -> Order:
        """The order of an epoch, over the items.

        Conversations about one medium come ``interleave`` items apart, so that a batch shows many media, and a rank of
        a world that divides ``interleave`` gets all about its media.
        """
        if self._places is None:
            return super().order(shuffle=shuffle, seed=seed, epoch=epoch, interleave=interleave)
        if shuffle == "none":
            return SequentialOrder(len(self))
        dealt = None
        if shuffle == "block":  # media as their blocks are read
            media = super().order(shuffle=shuffle, seed=seed, epoch=epoch, interleave=interleave)
            dealt = media.at(np.arange(len(media), dtype=np.int64))
        return BlockOrder(np.diff(self._places), seed=seed, epoch=epoch, interleave=interleave, dealt=dealt)

    def places(self, ordered: Numbers) -> tuple[Numbers, Numbers]:
        """Number of the medium, and which of its kept conversations, of each item that an order gives."""
        if self._places is None:
            return super().places(ordered)
        medium = np.searchsorted(self._places, ordered.astype(self._places.dtype), side="right").astype(np.int64) - 1
        numbers, _ = super().places(medium)
        return numbers, ordered - self._places[medium].astype(np.int64)

    def item(self, read: StreamSample, number: int, turn: int, *, seed: int, epoch: int) -> StreamSample:
        """What is said about a medium that was read.

        Args:
            read: The medium; its sample is the JSON of a shard by medium.
            number: Its number in the index.
            turn: Which of its kept conversations, where each is an item of its own.
            seed: Of the order.
            epoch: Counted from 0.

        Raises:
            ShardError: it has other conversations than the catalog says.
        """
        try:
            said = self._said_about(read, number)
            if self._turns is not None:
                draws = lots(seed, epoch, number, len(said.tasks))
                talks = read.sample["conversations"]
                chosen = [talks[n] for n in self._turns.choose(said.tasks, said.weights, draws)]
                return StreamSample(read.key, {**read.sample, "conversations": chosen}, read.media, read.position)
            if self.shares_media:
                if said.samples is None:
                    said.samples = MediumSamples(read.sample)
                sample = said.samples.sample(said.chosen[turn])
            else:
                n = pick_one(said.weights, lots(seed, epoch, number, 1)[0])
                sample = sample_of(read.sample, read.sample["conversations"][n])
            return StreamSample(sample["id"], sample, dict(read.media), read.position)
        except (KeyError, TypeError, IndexError, AttributeError) as error:
            raise ShardError(
                f"medium {read.key}: not the form of a medium with its conversations ({error!r})",
                hint="Validate or rebuild the shard.",
            ) from None

    def _said_about(self, read: StreamSample, number: int) -> _Said:
        """What is said about a medium; where several items are made of it, looked up once for all of them.

        Raises:
            ShardError: other conversations than the catalog says, or none that the manifest lists.
        """
        medium = read.sample
        known = self._said.get(number) if self.shares_media else None
        if known is not None and known.medium is medium:
            return known
        tasks = [talk["task"] for talk in medium["conversations"]]
        source = medium["source"]
        weights = [self._weights.get((source, task), 0.0) for task in tasks]
        if self._conversations is not None:
            kept = self._conversations.of(number)
            if len(kept) != len(tasks):
                raise ShardError(
                    f"medium {read.key}: {len(tasks)} conversations, the catalog says {len(kept)}",
                    hint="Build this part of the tree again.",
                )
            weights = [weight if keep else 0.0 for weight, keep in zip(weights, kept, strict=True)]
        chosen = [n for n, weight in enumerate(weights) if weight > 0]
        if not chosen:
            raise ShardError(
                f"medium {read.key}: none of its conversations is of a task that the manifest lists",
                hint="Build this part of the tree again.",
            )
        said = _Said(medium, tasks, weights, chosen)
        if self.shares_media:
            while len(self._said) >= _KNOWN:
                self._said.pop(next(iter(self._said)), None)
            self._said[number] = said
        return said


def check_talk(talk: object) -> None:
    """Refuse what is none of the ways to talk.

    Raises:
        SurgSigmaError: something else.
    """
    if not isinstance(talk, Turns) and talk not in get_args(Talk):
        raise SurgSigmaError(f"unknown talk {talk!r}", hint="Expected 'one', 'all', 'turns' or Turns(...).")


def choose_talk(
    place: TreeStorage,
    listed: Sequence[Named],
    config: Config,
    split: str,
    talk: Talk | Turns,
    where: Mapping[str, Any],
) -> TalkDataset:
    """The media of a split, and which of the conversations about each are said.

    Raises:
        UnknownNameError: no such config or split, or nothing of it is laid out by medium.
        ShardError: the catalog is damaged.
        SurgSigmaError: no such talk, or no sample is left.
    """
    check_talk(talk)
    named = choose_by_medium(listed, split, where=place.where)
    every = Selection((FRAMES,), (tuple(named),)).load(place.load).parts[0]
    weights = weights_of(config, every, where=place.where, even=talk == "all")
    asked = tuple(m for m in every if any(weights[m.source, task] for task in m.conversations))
    if not asked:
        raise SurgSigmaError("no sample is left to stream", hint="Loosen the filter, or choose another split.")
    some = {name: weights[name] for name in sorted({(m.source, task) for m in asked for task in m.conversations})}
    # Without the catalog a stream opens sooner; it is needed where not every medium and conversation counts alike.
    needed = talk == "all" or bool(where) or not all(some.values())
    conversations = read_conversations(place, asked, some, where) if needed else None
    loaded = LoadedSelection(Selection((FRAMES,), (asked,)), (asked,))
    return TalkDataset(loaded, talk, some, conversations, where=where)
