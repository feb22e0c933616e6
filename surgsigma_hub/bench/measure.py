"""How fast a stream is here, and what its threads spend their time on.

Each setting runs in a process of its own, so that memory and the first sample are its own; the settings take turns.
Nothing of this is in the way of a stream that is not measured: place and decoder are replaced by ones that time.
"""

from __future__ import annotations

import importlib.util
import multiprocessing
import signal
import sys
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from typing import Any

from ..errors import SurgSigmaError
from ..streaming.decode.decoder import Decoder
from ..streaming.open import cores, stream
from ..streaming.storage.tree import TreeStorage
from .advice import PARTS, Here, Measured, Verdict, judge
from .timed import Clock, TimedDecoder, TimedPlace

_ENDED = 10.0  # seconds that a child gets to end by itself


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What all settings have in common.

    Attributes:
        opening: Arguments of :func:`surgsigma_hub.streaming`, without ``threads``.
        seconds: Of a round.
        samples: Of a round, at most. None: as many as go into ``seconds``.
        rounds: That count; one more comes before them.
        step: Seconds that the loop pretends to train for each batch.
        batch: Samples of a batch.
    """

    opening: Mapping[str, Any]
    seconds: float = 2.0
    samples: int | None = None
    rounds: int = 3
    step: float = 0.0
    batch: int = 32


@dataclass(frozen=True, slots=True)
class Setting:
    """Threads that decode, or processes of a DataLoader that decode one sample at a time each."""

    threads: int
    workers: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What came out.

    Attributes:
        measured: Every setting.
        here: What it was measured with.
        verdict: What it means.
        samples: In the tree, of the configs and splits that were measured.
        sample_bytes: Of one sample in its shard, on average.
    """

    measured: tuple[Measured, ...]
    here: Here
    verdict: Verdict
    samples: int
    sample_bytes: float


@dataclass(slots=True)
class _Round:
    samples: int = 0
    seconds: float = 0.0
    cpu: float = 0.0
    waited: float = 0.0
    first: float = 0.0
    parts: dict[str, float] = field(default_factory=dict)
    skipped: int = 0


@dataclass(frozen=True, slots=True)
class _End:
    opened: float
    memory: int | None
    samples: int
    sample_bytes: float
    remote: bool
    kernel: str


class _Run:
    """One setting in its process."""

    def __init__(self, plan: Plan, setting: Setting) -> None:
        self._plan, self._setting, self._clock, self._epoch = plan, setting, Clock(), 0
        begin = time.perf_counter()
        made = stream(**plan.opening, on_error="skip", threads=0 if setting.workers else setting.threads)
        self._opened = time.perf_counter() - begin
        self._stream = made.measured(self._place, self._decoder)
        self._loader: Any = None
        if setting.workers:
            from torch.utils.data import DataLoader  # the command has asked whether torch is there

            # Workers get the stream as it is: what they spend their time on is not known here.
            self._loader = DataLoader(made.torch(), batch_size=None, num_workers=setting.workers, prefetch_factor=8)
        self._left: Generator[Any] | None = None

    def _place(self, place: TreeStorage) -> TreeStorage:
        self._remote = not place.local
        return TimedPlace(place, self._clock)

    def _decoder(self, plain: Decoder) -> Decoder:
        timed = TimedDecoder(plain, self._clock)
        self._kernel = timed.kernel
        return timed

    def round(self) -> _Round:
        """Samples for as long as the plan says."""
        plan, made = self._plan, _Round()
        before, cpu, skipped = self._clock.spent(), time.process_time(), self._stream.errors.count
        begin = now = time.perf_counter()
        self._left = self._left or self._samples()
        for _ in self._left:
            got = time.perf_counter()
            made.waited += got - now
            made.first = made.first or got - begin
            made.samples += 1
            if plan.step and made.samples % plan.batch == 0:
                time.sleep(plan.step)
            now = time.perf_counter()
            if now - begin >= plan.seconds or made.samples == plan.samples:
                break
        made.seconds = time.perf_counter() - begin
        made.cpu = time.process_time() - cpu
        if not self._setting.workers:  # starting these again would be most of a round
            self._left.close()
            self._left = None
        made.parts = {name: seconds - before[name] for name, seconds in self._clock.spent().items()}
        made.skipped = self._stream.errors.count - skipped
        if self._remote:
            self._stream.close()  # blocks that come while others are measured would be free in the next round
        return made

    def end(self) -> _End:
        """What is known at the end."""
        if self._left is not None:
            self._left.close()
        self._loader = None
        index = self._stream.index
        return _End(
            self._opened, _memory(self._setting.workers), self._stream.samples, sum(index.bytes) / index.samples,
            self._remote, self._kernel,
        )  # fmt: skip

    def _samples(self) -> Generator[Any]:
        """Epoch after epoch; each call begins one that was not read yet."""
        source = self._loader if self._loader is not None else self._stream
        while True:
            (self._loader.dataset if self._loader is not None else self._stream).set_epoch(self._epoch)
            self._epoch += 1
            yield from source


def measure(
    plan: Plan, settings: Sequence[Setting], *, cache: bool = False, progress: Callable[[str], None] = lambda _: None
) -> Report:
    """Every setting, in turns; at least one must have no workers.

    Args:
        plan: What they have in common.
        settings: What they differ in.
        cache: Whether blocks of a remote tree are kept on disk; for the advice.
        progress: Hears what is being done.

    Raises:
        SurgSigmaError: whatever opening or reading the stream raises.
    """
    children: list[_Child] = []
    try:
        children += [_Child(plan, setting) for setting in settings]
        rounds: list[list[_Round]] = [[] for _ in settings]
        for number in range(plan.rounds + 1):
            for child, mine in zip(children, rounds, strict=True):
                progress(f"round {number} of {plan.rounds}: {child.name}" if number else f"warming up: {child.name}")
                mine.append(child.ask("round"))
        ends = [child.ask("end") for child in children]
    finally:
        for child in children:
            child.end()
    measured = tuple(_summed(*all_) for all_ in zip(settings, rounds, ends, strict=True))
    end = ends[0]
    here = Here(
        cores=cores(), remote=end.remote, cache=cache, kernel=end.kernel, step=plan.step,
        **{name: importlib.util.find_spec(name) is not None for name in ("simplejpeg", "torch")},
    )  # fmt: skip
    return Report(
        measured=measured, here=here, verdict=judge(measured, here), samples=end.samples, sample_bytes=end.sample_bytes
    )


def _summed(setting: Setting, rounds: list[_Round], end: _End) -> Measured:
    first, counted = rounds[0], rounds[1:]
    seconds = sum(r.seconds for r in counted)
    shares = None
    if not setting.workers:
        spent = {name: sum(r.parts[name] for r in counted) for name in PARTS if name != "wait"}
        # A thread that ends a round late still counts what it did; then there is nothing left to have waited.
        total = max(seconds * max(1, setting.threads), sum(spent.values()))
        shares = {**{name: value / total for name, value in spent.items()}, "wait": 1 - sum(spent.values()) / total}
    return Measured(
        threads=setting.threads,
        workers=setting.workers,
        rates=tuple(r.samples / r.seconds for r in counted),
        first_sample=end.opened + first.first,
        cores=None if setting.workers else sum(r.cpu for r in counted) / seconds,
        memory=end.memory,
        shares=shares,
        loop_waits=sum(r.waited for r in counted) / seconds,
        skipped=max(r.skipped for r in rounds),
    )


class _Child:
    """The other end of :func:`_serve`."""

    def __init__(self, plan: Plan, setting: Setting) -> None:
        self.name = f"{setting.workers} workers" if setting.workers else f"{setting.threads} threads"
        context = multiprocessing.get_context("spawn")
        self._pipe, other = context.Pipe()
        self._process = context.Process(target=_serve, args=(other, plan, setting))
        self._process.start()
        other.close()

    def ask(self, what: str) -> Any:
        try:
            self._pipe.send(what)
            answer = self._pipe.recv()
        except (EOFError, OSError):
            raise SurgSigmaError(
                f"the process that measured {self.name} ended early (exit code {self._process.exitcode})",
                hint="It may have run out of memory. Measure with fewer threads or workers.",
            ) from None
        if isinstance(answer, BaseException):
            raise answer
        return answer

    def end(self) -> None:
        self._pipe.close()
        self._process.join(_ENDED)
        if self._process.is_alive():
            self._process.terminate()
            self._process.join()


def _serve(pipe: Connection, plan: Plan, setting: Setting) -> None:
    """A setting in its process: a word in, an answer or an exception out."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent is interrupted as well, and ends this process
    try:
        run: _Run | None = None
        while True:
            word = pipe.recv()
            try:
                run = run or _Run(plan, setting)
                pipe.send(run.round() if word == "round" else run.end())
            except SurgSigmaError as error:
                pipe.send(error)
                return
    except (EOFError, OSError):
        return  # the parent has no more questions


def _memory(workers: int) -> int | None:
    """Most bytes that this process has held, and its workers, each taken for as large as the largest."""
    try:
        import resource
    except ImportError:
        return None
    unit = 1 if sys.platform == "darwin" else 1024
    largest = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss if workers else 0
    return (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss + workers * largest) * unit
