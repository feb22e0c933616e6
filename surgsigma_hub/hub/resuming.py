"""The iterable inside a streamed dataset, which goes on by range where that of ``datasets`` reads a shard anew."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any

import numpy as np
from datasets.builder import Key
from datasets.iterable_dataset import ExamplesIterable, _split_gen_kwargs


class Resumable(ExamplesIterable):  # type: ignore[misc]
    """Like its base, whose state counts examples of a shard; here it is the place after the last example.

    The base finds its place again by reading the shard from its begin and dropping what was delivered. This one hands
    the place to the generator, as ``first``, which begins to read at the block that holds it. Examples that were
    skipped because they are damaged have places too, so a state is right whatever was skipped before it.
    """

    def __iter__(self) -> Iterator[tuple[Key, dict[str, Any]]]:
        state = self._state_dict
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
