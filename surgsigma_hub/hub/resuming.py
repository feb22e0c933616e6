"""The iterable inside a streamed dataset, which goes on by range where that of ``datasets`` reads a shard anew."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from itertools import islice
from typing import Any

import numpy as np
from datasets.builder import Key
from datasets.iterable_dataset import ExamplesIterable, _split_gen_kwargs

from ..errors import SurgSigmaError


class Resumable(ExamplesIterable):  # type: ignore[misc]
    """Like its base, whose state counts examples of a shard; here it is the place after the last example.

    The base finds its place again by reading the shard from its begin and dropping what was delivered. This one hands
    the place to the generator, as ``first``, which begins to read at the block that holds it. Examples that were
    skipped because they are damaged have places too, so a state is right whatever was skipped before it.
    """

    def _init_state_dict(self) -> dict[str, Any]:
        state: dict[str, Any] = super()._init_state_dict()
        state["cut"] = self._cut()
        return state

    def _cut(self) -> str:
        """What a state's numbers count: the groups, in their order."""
        groups = (((p.name, p.size, p.blocks) for p in group) for group in self.kwargs["groups"])
        total = hashlib.sha256()
        for group in groups:
            total.update(repr(list(group)).encode())
        return total.hexdigest()[:16]

    def __iter__(self) -> Iterator[tuple[Key, dict[str, Any]]]:
        state = self._state_dict
        # A worker that has not begun gives the state of the whole, which is at its begin all the same.
        begun = state and (state["shard_idx"] or state["shard_example_idx"])
        if begun and state.get("cut") != self._cut():
            raise SurgSigmaError(
                "the state belongs to other data, or to data that is cut or shuffled in another way",
                hint="Load it as it was when the state was taken: tree, config, split, shards, seed, rank and workers.",
            )
        begin = state["shard_idx"] if state else 0
        for kwargs in islice(_split_gen_kwargs(self.kwargs, max_num_jobs=self.num_shards), begin, None):
            first = state["shard_example_idx"] if state else 0
            for key, example in self.generate_examples_fn(**kwargs, first=first):
                if state:
                    state["shard_example_idx"] = key.item_or_batch_id + 1
                yield key, example
            if state:
                state["shard_idx"] += 1
                state["shard_example_idx"] = 0

    def shuffle_data_sources(self, generator: np.random.Generator) -> Resumable:
        """As in the base."""
        return self._like(super().shuffle_data_sources(generator))

    def shard_data_sources(self, num_shards: int, index: int, contiguous: bool = True) -> Resumable:
        """As in the base."""
        return self._like(super().shard_data_sources(num_shards, index, contiguous=contiguous))

    def reshard_data_sources(self) -> Resumable:
        """As in the base: one shard for each block."""
        return self._like(super().reshard_data_sources())

    def _like(self, made: ExamplesIterable) -> Resumable:
        return Resumable(made.generate_examples_fn, made.kwargs, made.generate_more_kwargs_fn)
