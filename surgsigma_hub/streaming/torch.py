"""A stream behind a torch DataLoader: workers share a rank's samples out, and the order stays the same."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, Protocol

import numpy as np
import torch
from torch.utils.data import IterableDataset, get_worker_info

from ..errors import SurgSigmaError
from ..shards.skipping import Skipped
from .order.partition import Partition
from .sample import StreamSample

logger = logging.getLogger(__name__)

_WORKERS = 256  # that count what they skip apart from each other


class ResumableStream(Protocol):
    """What a DataLoader's dataset needs of a stream: places in an order, and the samples from a place on.

    :class:`surgsigma_hub.streaming.Stream` is one; so is anything that can say and take its state.
    """

    errors: Skipped

    @property
    def epoch(self) -> int:
        """The epoch that is being streamed, or comes next."""

    @property
    def even(self) -> bool:
        """Whether all ranks take equally many steps."""

    def set_epoch(self, epoch: int) -> None:
        """Go to the start of an epoch."""

    def share(self) -> Partition:
        """The positions of this rank."""

    def items(
        self, share: Partition, *, epoch: int, first: int = 0, stand_ins: bool = False
    ) -> Iterator[StreamSample | None]:
        """The samples of a share; None for one that was skipped."""

    def state_dict(self) -> dict[str, Any]:
        """Where the stream stands."""

    def state_after(self, samples: int) -> dict[str, Any]:
        """Where it stands once each rank has taken so many more samples."""

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go where a state says."""

    def close(self) -> None:
        """Let go of threads and files."""


def _shared(size: int) -> torch.Tensor:
    """Numbers that workers see too; without shared memory there are no workers, and a plain tensor does."""
    made = torch.zeros(size, dtype=torch.int64)
    try:
        return made.share_memory_()
    except RuntimeError as error:
        logger.warning("no shared memory (%s): use num_workers=0 and the threads of the stream", str(error)[:120])
        return made


class TorchStream(IterableDataset):  # type: ignore[misc]
    """Give it to ``DataLoader`` with the ``batch_size`` that :meth:`Stream.torch` got, or ``batch_size=None``.

    The DataLoader asks its workers for batches in turn and worker ``k`` of ``n`` holds the batches ``k``, ``k + n``,
    ..., so what comes out is the order of the stream, on any number of workers. Call :meth:`set_epoch` before each
    epoch, as for a ``DistributedSampler``: workers cannot tell the main process that an epoch has ended.

    It gives each :class:`StreamSample` with pixels as tensors, which workers send through shared memory; batches need a
    ``collate_fn``.

    A worker must give as many items as it was asked for, or batches would come out of turn. So with
    ``on_error="skip"`` a good sample stands in for one that was skipped (see :meth:`ResumableStream.items`), or, with
    ``batched``, the batch is shorter, and empty where nothing of it could be read. :attr:`skipped` counts them.

    Saving: a ``StatefulDataLoader`` calls ``state_dict`` and ``load_state_dict`` by itself and needs the same number of
    workers to go on. For another number, and with the plain DataLoader, save ``state_after(samples)`` of what the loop
    has really got, and load it into a new stream.
    """

    def __init__(self, stream: ResumableStream, batch_size: int, *, batched: bool = False) -> None:
        super().__init__()
        self._stream, self._batch_size, self._batched = stream, batch_size, batched
        # Shared with workers, also those that live from epoch to epoch.
        self._place = _shared(2)
        self._skipped = _shared(_WORKERS)
        self._set_place(stream.state_dict())
        self._began = self._place.clone()  # where the latest iteration did
        self._taken = 0
        self._begun: Mapping[str, Any] | None = None  # the place that what was taken counts from
        self._loaded: Mapping[str, Any] | None = None

    def __len__(self) -> int:
        self._go_to_place()
        steps = self._stream.share().steps
        return -(-steps // self._batch_size) if self._batched else steps

    @property
    def skipped(self) -> int:
        """Samples that could not be read, of all workers; their errors are in the log of this package."""
        return int(self._skipped.sum())

    def set_epoch(self, epoch: int) -> None:
        """Go to the start of an epoch; nothing happens where the stream is in that epoch already."""
        self._go_to_place()
        if epoch != self._stream.epoch:
            self._stream.set_epoch(epoch)
            self._set_place(self._stream.state_dict())
            self._began = self._place.clone()
            self._taken, self._begun, self._loaded = 0, None, None

    def state_after(self, samples: int) -> dict[str, Any]:
        """The state of the stream once this rank's loop has got so many samples since the loader was started.

        A batch counts as ``batch_size`` samples, also where it is shorter.
        """
        # Without workers the place moves on when an epoch ends, which is before the loop gets a short last batch.
        self._go_to(self._began)
        state = self._stream.state_after(samples)
        self._go_to_place()
        return state

    def state_dict(self) -> dict[str, Any]:
        """Where this worker stands: the state of the stream at the start, and what the worker has given since."""
        if self._loaded is not None:
            return dict(self._loaded)
        if self._begun is None:
            self._go_to_place()
        workers = _workers()[1]
        begun = self._begun or self._stream.state_dict()
        return {"stream": dict(begun), "taken": self._taken, "workers": workers, "batch_size": self._batch_size}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on where :meth:`state_dict` was taken, or where a state of the stream itself says.

        Raises:
            SurgSigmaError: another number of workers or batch size, or not the state of this stream.
        """
        needed = {"taken", "workers", "batch_size"}
        if not isinstance(state, Mapping) or ("stream" in state and not state.keys() >= needed):
            raise SurgSigmaError(
                "this is not the state of a loader", hint="Expected what state_dict() or state_after() gave, whole."
            )
        if "stream" not in state:
            state = {"stream": state, "taken": 0, "workers": None, "batch_size": self._batch_size}
        for name, here in (("workers", _workers()[1]), ("batch_size", self._batch_size)):
            if state[name] not in (None, here) and state["taken"]:
                raise SurgSigmaError(
                    f"the state of this loader was taken with {name}={state[name]}, here it is {here}",
                    hint="Save state_after(samples) instead: it holds for any number of workers and any batch size.",
                )
        self._stream.load_state_dict(state["stream"])
        if get_worker_info() is None:
            self._set_place(self._stream.state_dict())
            self._began = self._place.clone()
        self._loaded, self._begun = state, None

    def __iter__(self) -> Iterator[Any]:
        stream, info = self._stream, get_worker_info()
        worker, workers = _workers()
        if self._loaded is None:
            self._go_to_place()
        else:
            stream.load_state_dict(self._loaded["stream"])
        self._taken = taken = first = self._loaded["taken"] if self._loaded else 0
        state = self._begun = stream.state_dict()
        share = replace(stream.share(), worker=worker, workers=max(1, workers), batch_size=self._batch_size)
        if self._loaded is not None and first < len(share):
            self._set_place(state)  # not where nothing is left: the program may have gone on to the next epoch
        self._began = self._place.clone()
        self._loaded = None
        skipped, slot = stream.errors.count, worker % _WORKERS
        batch: list[StreamSample] = []
        stand_ins = stream.even or not self._batched
        try:
            for item in stream.items(share, epoch=state["epoch"], first=first, stand_ins=stand_ins):
                taken += 1
                if stream.errors.count != skipped:
                    self._skipped[slot] += stream.errors.count - skipped
                    skipped = stream.errors.count
                if item is not None:
                    batch.append(_with_tensors(item))
                if not self._batched:
                    self._taken = taken
                    yield batch.pop()
                elif taken % self._batch_size == 0:
                    self._taken = taken
                    yield batch
                    batch = []
            if taken % self._batch_size and taken > first and self._batched:
                self._taken = taken
                yield batch
        finally:
            if info is not None:
                stream.close()  # a worker that lives on keeps nothing open between epochs
        # A worker keeps saying that it has given all: the state of its last batch is asked for after it has ended.
        if info is None:
            self._taken, self._begun = 0, None
            stream.set_epoch(state["epoch"] + 1)
            self._set_place(stream.state_dict())

    def _set_place(self, state: Mapping[str, Any]) -> None:
        self._place[0], self._place[1] = state["epoch"], state["position"]

    def _go_to_place(self) -> None:
        self._go_to(self._place)

    def _go_to(self, place: torch.Tensor) -> None:
        self._stream.load_state_dict({**self._stream.state_dict(), "epoch": int(place[0]), "position": int(place[1])})


def _workers() -> tuple[int, int]:
    """Which worker of how many this is; 0 of 0 in the main process."""
    info = get_worker_info()
    return (info.id, info.num_workers) if info else (0, 0)


def _with_tensors(item: StreamSample) -> StreamSample:
    """Shares the pixels, unless others have them too: a tensor cannot be kept from being written."""
    for member, pixels in item.media.items():
        if isinstance(pixels, np.ndarray):
            item.media[member] = torch.from_numpy(pixels if pixels.flags.writeable else pixels.copy())
    return item
