"""A stream: the samples of one rank in the order of the epoch, from any position on."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal

from ..errors import MediaError, MissingExtraError, ShardError, SurgSigmaError
from ..records import Sample
from .data import Data
from .decode import Decoder
from .engine import Engine
from .order import Numbers, Shuffle
from .places import Place, Shards
from .share import Share, Uneven
from .state import State, read_state
from .typed import typed_sample

if TYPE_CHECKING:
    from .loader import TorchStream

OnError = Literal["raise", "skip"]
_PLAN = 1024  # positions whose order is computed at a time


@dataclass(slots=True)
class Item:
    """One sample as it is delivered.

    Attributes:
        key: Its id.
        sample: Its JSON, parsed.
        media: Its media by member: pixels or bytes, as ``decode`` says.
        position: Its place in the order of the epoch.
    """

    key: str
    sample: dict[str, Any]
    media: dict[str, Any]
    position: int

    @property
    def record(self) -> Sample:
        """The JSON as a typed record."""
        return typed_sample(self.sample)


@dataclass(slots=True)
class Errors:
    """Samples that could not be read or decoded and were skipped.

    Attributes:
        count: All of them.
        in_a_row: Those since the last good one.
        last: What was wrong with the latest ones.
    """

    count: int = 0
    in_a_row: int = 0
    last: deque[str] = field(default_factory=lambda: deque(maxlen=20))


@dataclass(frozen=True, slots=True)
class Settings:
    """What does not change during the life of a stream."""

    shuffle: Shuffle
    lanes: int
    seed: int
    rank: int
    world: int
    uneven: Uneven
    on_error: OnError
    max_errors_in_row: int
    threads: int


class Stream:
    """Made by :func:`surgsigma_hub.stream`. Iterating goes on where the last iteration was left.

    At the end of an epoch the stream stands at the start of the next one, so that iterating again gives the next epoch.
    """

    def __init__(
        self, data: Data, place: Place, decoder: Decoder, settings: Settings, *, epoch: int = 0, position: int = 0
    ) -> None:
        self._data, self._place, self._decoder, self._settings = data, place, decoder, settings
        self._epoch, self._position = epoch, position
        self.errors = Errors()
        self._start()

    def _start(self) -> None:
        self._shards: Shards | None = None
        self._process = 0
        self._engine = Engine(self._load, threads=self._settings.threads, lonely=self._decoder.uses_torch)

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name not in ("_shards", "_engine", "_process")}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__ |= state
        self._start()

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
        lanes = s.lanes if s.shuffle == "block" else 0
        return State(self._data.fingerprint, len(self._data), s.shuffle, lanes, s.seed, epoch, position)

    def share(self) -> Share:
        """The positions that are left to this rank."""
        s = self._settings
        return Share(len(self._data), self._position, s.rank, s.world, s.uneven)

    # -- reading ----------------------------------------------------------------------------------------------------

    def __iter__(self) -> Iterator[Item]:
        epoch = self._epoch
        yield from self._rest()
        self._epoch, self._position = epoch + 1, 0

    def _rest(self) -> Iterator[Item]:
        """What is left of the epoch; stands at its end afterwards."""
        epoch, start, world = self._epoch, self._position, self._settings.world
        for taken, item in enumerate(self.items(self.share(), epoch=epoch), start=1):
            self._epoch, self._position = epoch, min(start + taken * world, len(self._data))
            if item is not None:
                yield item
        self._epoch, self._position = epoch, len(self._data)

    def batches(self, size: int, *, drop_last: bool = False) -> Iterator[list[Item]]:
        """Lists of ``size`` items; the last of an epoch may be shorter, or is left out.

        The state between two batches is the state after the whole of the first.
        """
        if size < 1:
            raise SurgSigmaError(f"batches of {size} samples", hint="Expected 1 or more.")
        batch: list[Item] = []
        epoch = self._epoch
        for item in self._rest():
            batch.append(item)
            if len(batch) == size:
                yield batch
                batch = []
        if batch and not drop_last:
            yield batch
        self._epoch, self._position = epoch + 1, 0

    def items(self, share: Share, *, epoch: int, first: int = 0) -> Iterator[Item | None]:
        """The items of a share from its ``first`` one on, one for each; None for one that was skipped.

        Where ranks must take equally many steps, a good neighbour stands in for one that was skipped: the one before
        it, at the very start the one after it.
        """
        s = self._settings
        previous: Item | None = None
        owed = 0
        for position, found in self._engine.map(self._jobs(share, epoch, first)):
            if isinstance(found, Item):
                self.errors.in_a_row = 0
                previous = found
                for _ in range(owed + 1):
                    yield found
                owed = 0
                continue
            if s.on_error == "raise":
                raise found
            self.errors.count += 1
            self.errors.in_a_row += 1
            self.errors.last.append(str(found))
            if self.errors.in_a_row > s.max_errors_in_row:
                raise SurgSigmaError(
                    f"{self.errors.in_a_row} samples in a row could not be read, lastly position {position}: {found}",
                    hint="This is no single bad file. surgsigma validate looks at the whole tree.",
                ) from found
            if s.uneven == "exact":
                yield None
            elif previous is None:
                owed += 1
            else:
                yield previous

    def _jobs(self, share: Share, epoch: int, first: int) -> Iterator[tuple[int, int]]:
        """Positions and sample numbers; the reader hears of them before they are asked for."""
        s = self._settings
        order = self._data.order(shuffle=s.shuffle, seed=s.seed, epoch=epoch, lanes=s.lanes)
        shards = self._reader()
        shards.begin()

        def plan(at: int) -> tuple[Numbers, Numbers]:
            positions = share.positions(at, min(at + _PLAN, len(share)))
            numbers = self._data.numbers(order.at(positions))
            shards.expect(numbers)
            return positions, numbers

        ahead = (plan(at) for at in range(first, len(share), _PLAN))
        now = next(ahead, None)
        while now is not None:
            after = next(ahead, None)  # one plan further than is being read
            yield from zip(now[0].tolist(), now[1].tolist(), strict=True)
            now = after

    def _reader(self) -> Shards:
        # A forked child must not use connections, or wait for locks that threads of its parent held.
        if self._shards is None or self._process != os.getpid():
            self._shards, self._process = self._place.shards(self._data.index), os.getpid()
        return self._shards

    def _load(self, job: tuple[int, int]) -> tuple[int, Item | ShardError | MediaError]:
        position, number = job
        try:
            raw = self._reader().read(number)
            sample, media = self._decoder.sample(raw)
            return position, Item(raw.key, sample, media, position)
        except (ShardError, MediaError) as error:
            return position, error

    # -- torch ------------------------------------------------------------------------------------------------------

    def torch(self, batch_size: int | None = None) -> TorchStream:
        """This stream as a ``torch.utils.data.IterableDataset``.

        Args:
            batch_size: What the DataLoader gets as ``batch_size``, so that its workers share the samples out batch by
                batch and the order stays what it is without workers.

        Raises:
            MissingExtraError: torch is not installed.
        """
        try:
            from .loader import TorchStream
        except ImportError:
            raise MissingExtraError("torch", "torch", purpose="stream(...).torch()") from None

        return TorchStream(self, batch_size or 1)
