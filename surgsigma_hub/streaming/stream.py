"""A stream: the samples of one rank in the order of the epoch, from any position on."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import MediaError, MissingExtraError, ShardError, SurgSigmaError
from ..shards.skipping import Skipped, too_many
from .decode.decoder import Decoder
from .order.partition import Partition
from .order.permutation import Numbers, Order
from .order.state import State, read_state
from .read_once import Job, Recent, read_once
from .sample import Settings, StreamSample
from .selection.dataset import StreamDataset
from .selection.index import Index
from .storage.tree import SampleReader, TreeStorage
from .thread_pool import OrderedThreadPool

if TYPE_CHECKING:
    from .torch import TorchStream
    from .view import SampleView

_Read = StreamSample | ShardError | MediaError
_job = partial(tuple.__new__, Job)
_PLAN = 1024  # positions whose order is computed at a time

_OF_THIS_PROCESS = ("_shards", "_engine", "_process", "_ordered")


class Stream:
    """Made by :func:`surgsigma_hub.streaming`. Iterating goes on where the last iteration was left.

    After an epoch, iterating again yields the next epoch.
    """

    def __init__(
        self,
        data: StreamDataset,
        place: TreeStorage,
        decoder: Decoder,
        settings: Settings,
        *,
        epoch: int = 0,
        position: int = 0,
    ) -> None:
        self._data, self._place, self._decoder, self._settings = data, place, decoder, settings
        self._epoch, self._position = epoch, position
        self.errors = Skipped(settings.on_error, settings.max_errors_in_row)
        self._start()

    def _start(self) -> None:
        self._shards: SampleReader | None = None
        self._ordered: tuple[int, Order] | None = None
        self._process = 0
        self._shares_media = self._data.shares_media
        self._engine = OrderedThreadPool(
            self._load, threads=self._settings.threads, single_torch_thread=self._decoder.uses_torch
        )

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name not in _OF_THIS_PROCESS}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__ |= state
        self._start()

    def measured(self, place: Callable[[TreeStorage], TreeStorage], decoder: Callable[[Decoder], Decoder]) -> Stream:
        """The same stream over a place and a decoder that stand in for its own, which they are made from."""
        return Stream(
            self._data, place(self._place), decoder(self._decoder), self._settings,
            epoch=self._epoch, position=self._position,
        )  # fmt: skip

    def __enter__(self) -> Stream:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End threads, and let go of maps, files and connections. The stream can be used again."""
        shards = self._shards if self._process == os.getpid() else None
        if shards is not None:
            shards.stop()  # threads that decode must not wait for a line that is down
        self._engine.close()
        if shards is not None:
            shards.close()
        self._shards = None

    # -- where it stands --------------------------------------------------------------------------------------------

    @property
    def epoch(self) -> int:
        """The epoch that is being streamed, or comes next."""
        return self._epoch

    @property
    def samples(self) -> int:
        """Samples of an epoch, of all ranks together."""
        return len(self._data)

    @property
    def index(self) -> Index:
        """Where the samples lie."""
        return self._data.index

    @property
    def even(self) -> bool:
        """Whether all ranks take equally many steps."""
        return self._settings.uneven != "exact"

    def __len__(self) -> int:
        """Samples that this rank gets in a whole epoch."""
        return replace(self.share(), start=0).steps

    def set_epoch(self, epoch: int) -> None:
        """Go to the start of an epoch; nothing happens where the stream is in that epoch already."""
        if epoch != self._epoch:
            self._epoch, self._position = epoch, 0

    def state_dict(self) -> dict[str, Any]:
        """Where the stream stands, as JSON: after what was delivered, whatever is being decoded meanwhile.

        All ranks must have taken equally many samples; then any rank's state is the state of all, and holds for any
        other number of ranks, workers and threads.
        """
        return self._state(self._epoch, self._position).to_json()

    def state_after(self, samples: int) -> dict[str, Any]:
        """The state once each rank has taken so many more samples; for readers that read ahead in other processes."""
        if samples < 0:
            raise SurgSigmaError(f"{samples} samples cannot be taken", hint="Expected 0 or more.")
        if samples >= self.share().steps:
            return self._state(self._epoch + 1, 0).to_json()
        return self._state(self._epoch, self._position + samples * self._settings.world).to_json()

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go where a state says.

        Raises:
            SurgSigmaError: the state belongs to other data, another seed or another way of shuffling.
        """
        loaded = read_state(state, here=self._state(0, 0))
        self._epoch, self._position = loaded.epoch, loaded.position

    def _state(self, epoch: int, position: int) -> State:
        s = self._settings
        interleave = s.interleave if self._data.interleaves(s.shuffle) else 0
        return State(self._data.fingerprint, len(self._data), s.shuffle, interleave, s.seed, epoch, position)

    def share(self) -> Partition:
        """The positions that are left to this rank."""
        s = self._settings
        return Partition(len(self._data), self._position, s.rank, s.world, s.uneven)

    # -- reading ----------------------------------------------------------------------------------------------------

    def __iter__(self) -> Iterator[StreamSample]:
        epoch = self._epoch
        for item in self._rest():
            if item is not None:
                yield item
        self._epoch, self._position = epoch + 1, 0

    def _rest(self) -> Iterator[StreamSample | None]:
        """What is left of the epoch, None for what was skipped; stands at its end afterwards."""
        epoch, start, world, total = self._epoch, self._position, self._settings.world, len(self._data)
        for taken, item in enumerate(self.items(self.share(), epoch=epoch, stand_ins=self.even), start=1):
            self._epoch, self._position = epoch, min(start + taken * world, total)
            yield item
        self._epoch, self._position = epoch, total

    def batches(self, size: int, *, drop_last: bool = False) -> Iterator[list[StreamSample]]:
        """Lists of ``size`` items; the last of an epoch may be shorter, or is left out.

        A batch is ``size`` steps, so that all ranks are at the same place after equally many batches and the state
        between two batches is the state after the whole of the first. With ``on_error="skip"`` and
        ``uneven="exact"`` a batch is therefore shorter by what was skipped, and left out when nothing of it is left.
        """
        if size < 1:
            raise SurgSigmaError(f"batch size must be 1 or more, got {size}")
        batch: list[StreamSample] = []
        epoch = self._epoch
        for steps, item in enumerate(self._rest(), start=1):
            if item is not None:
                batch.append(item)
            if steps % size == 0:
                if batch:
                    yield batch
                batch = []
        if batch and not drop_last:
            yield batch
        self._epoch, self._position = epoch + 1, 0

    def items(
        self, share: Partition, *, epoch: int, first: int = 0, stand_ins: bool = False
    ) -> Iterator[StreamSample | None]:
        """The items of a share from its ``first`` one on, one for each; None for one that was skipped.

        Args:
            share: Positions.
            epoch: Of which epoch.
            first: Items of the share that were taken before.
            stand_ins: For one that was skipped give the good one nearest before it in the order of the epoch (before
                the first comes the last). It follows from the order alone, so that it is the same on any number of
                ranks and workers, and after a restart.
        """
        errors = self.errors
        jobs = self._jobs(share, epoch, first)
        shared, as_read = self._shares_media, self._data.as_read
        for job, read in (
            read_once(jobs, self._engine.map, self._settings.interleave) if shared else self._engine.map(jobs)
        ):
            found = read if as_read else self._said(job, read, epoch)
            if isinstance(found, StreamSample):
                errors.in_a_row = 0
                yield found
            else:
                errors.bad(found, f"position {job.position}")
                yield self._stand_in(job.position, epoch, found) if stand_ins else None

    def _stand_in(self, position: int, epoch: int, error: ShardError | MediaError) -> StreamSample:
        order, total = self._order(epoch), len(self._data)
        tries = min(total, self._settings.max_errors_in_row + 1)
        for back in range(1, tries + 1):
            other = np.array([(position - back) % total], np.int64)
            found = self._alone(int(other[0]), order.at(other), epoch)
            if isinstance(found, StreamSample):
                return found
        raise too_many(tries, f"position {position}", error)

    def _alone(self, position: int, place: Numbers, epoch: int) -> _Read:
        """The one item of a place, read by itself."""
        numbers, turns = self._data.places(place)
        return self._said(*self._load(Job(position, int(numbers[0]), int(turns[0]), True)), epoch)

    def _said(self, job: Job, read: _Read, epoch: int) -> _Read:
        """The item of a job, made of what was read for it."""
        if not isinstance(read, StreamSample):
            return read
        try:
            item = self._data.item(read, job.number, job.turn, seed=self._settings.seed, epoch=epoch)
        except ShardError as error:
            return error
        item.position = job.position
        return item

    def _order(self, epoch: int) -> Order:
        if self._ordered is None or self._ordered[0] != epoch:
            s = self._settings
            order = self._data.order(shuffle=s.shuffle, seed=s.seed, epoch=epoch, interleave=s.interleave)
            self._ordered = epoch, order
        return self._ordered[1]

    def _jobs(self, share: Partition, epoch: int, first: int) -> Iterator[Job]:
        """What to read for which position; the reader hears of it before it is asked for."""
        order, shards = self._order(epoch), self._reader()
        recent = Recent(self._settings.interleave) if self._shares_media else None
        shards.begin()

        def plan(at: int) -> list[Job]:
            positions = share.positions(at, min(at + _PLAN, len(share)))
            numbers, turns = self._data.places(order.at(positions))
            if recent is None:
                shards.expect(numbers)
                marks = [True] * len(numbers)
            else:
                marks = [recent.is_new(number) for number in numbers.tolist()]
                shards.expect(numbers[marks])
            # Not by Job(...), which is Python: what gives bytes alone would be a twentieth slower.
            return list(map(_job, zip(positions.tolist(), numbers.tolist(), turns.tolist(), marks, strict=True)))

        ahead = (plan(at) for at in range(first, len(share), _PLAN))
        now = next(ahead, None)
        while now is not None:
            after = next(ahead, None)  # one plan further than is being read
            yield from now
            now = after

    def _reader(self) -> SampleReader:
        # A forked child must not use connections, or wait for locks that threads of its parent held.
        if self._shards is None or self._process != os.getpid():
            self._shards, self._process = (
                self._place.shards(self._data.index, mapped=self._settings.mapped),
                os.getpid(),
            )
        return self._shards

    def _load(self, job: Job) -> tuple[Job, _Read]:
        position, number, _, _ = job
        try:
            raw = self._reader().read(number)
            sample, media = self._decoder.sample(raw)
            if sample.get("id") != raw.key:
                raise ShardError(
                    f"{raw.where}: under the key {raw.key!r} lies the sample {str(sample.get('id'))[:100]!r}",
                    hint="The shard is damaged. Build or download it again.",
                )
            if self._shares_media:
                for value in media.values():
                    if isinstance(value, np.ndarray):
                        value.setflags(write=False)  # several items have it; who would write must copy
            return job, StreamSample(raw.key, sample, media, position)
        except (ShardError, MediaError) as error:
            return job, error

    def sample(self, number: int) -> StreamSample:
        """One sample by its number in the tree, whatever the order; the stream stays where it stands.

        Raises:
            ShardError: its shard is damaged.
            MediaError: a medium that cannot be read.
        """
        found = self._alone(number, np.array([number], np.int64), self._epoch)
        if not isinstance(found, StreamSample):
            raise found
        return found

    def view(self) -> SampleView:
        """The same samples by number: ``len(view)``, ``view[n]``; for readers that choose their own order."""
        from .view import SampleView  # here: a stream opens sooner without it

        return SampleView(self)

    # -- torch ------------------------------------------------------------------------------------------------------

    def torch(self, batch_size: int | None = None, *, batched: bool = False) -> TorchStream:
        """This stream as a ``torch.utils.data.IterableDataset``.

        Args:
            batch_size: What the DataLoader gets as ``batch_size``, so that its workers share the samples out batch by
                batch and the order stays what it is without workers.
            batched: Give lists of ``batch_size`` items, for a ``DataLoader(..., batch_size=None)``. Only so can a
                batch be shorter by what was skipped; else a good sample stands in.

        Raises:
            MissingExtraError: torch is not installed.
        """
        try:
            from .torch import TorchStream
        except ImportError:
            raise MissingExtraError("torch", "torch", purpose="stream(...).torch()") from None

        return TorchStream(self, batch_size or 1, batched=batched)
