"""Running units of work: in this process, or in spawned workers that die with it."""

from __future__ import annotations

import concurrent.futures as futures
import errno
import multiprocessing
import os
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures.process import BrokenProcessPool
from typing import Any, TypeVar

from tqdm import tqdm

from ..errors import BuildError
from .units import Engine

Job = TypeVar("Job")
_POLL_SECONDS = 0.3


def run_jobs(
    work: Callable[[Job, Callable[[int, int], None]], None],
    jobs: Sequence[Job],
    *,
    workers: int,
    title: str,
    progress: bool,
    engine: Engine | None = None,
) -> None:
    """Run ``work(job, progress)`` for every job; the first failure stops the rest.

    Args:
        work: A function of a module, which does nothing where the result of its job is there.
        jobs: Plain data, one for each unit.
        workers: Processes of this machine.
        title: What the progress bar and errors call it.
        progress: Whether to show a progress bar.
        engine: Runs the units instead of processes of this machine.

    Raises:
        BuildError: no space left, or a worker was killed; what was finished is kept for the next run.
    """
    with tqdm(desc=title, unit=" samples", unit_scale=True, disable=not progress, mininterval=0.2) as bar:
        try:
            if engine is not None:
                engine.run(work, jobs, _Bar(bar).add)
            elif workers == 1 or len(jobs) < 2:
                _run_here(work, jobs, bar)
            else:
                _run_spawned(work, jobs, min(workers, len(jobs)), bar)
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
                raise BuildError(
                    f"{title}: no space left to write ({error.strerror})",
                    hint="Free some space and run the same command again; finished parts are kept.",
                ) from None
            raise
        except BrokenProcessPool:
            raise BuildError(
                f"{title}: a worker was killed, most likely for lack of memory",
                hint="Run the same command again, with fewer --workers; finished parts are kept.",
            ) from None


class _Bar:
    """Adds up samples and bytes for the progress bar."""

    def __init__(self, bar: Any) -> None:
        self._bar, self._bytes, self._start = bar, 0, time.monotonic()

    def add(self, samples: int, size: int) -> None:
        self._bytes += size
        if samples:
            self._bar.update(samples)
            rate = self._bytes / max(time.monotonic() - self._start, 1e-9)
            self._bar.set_postfix_str(f"{self._bytes / 1e6:.1f} MB, {rate / 1e6:.1f} MB/s", refresh=False)


def _run_here(work: Callable[[Job, Callable[[int, int], None]], None], jobs: Sequence[Job], bar: Any) -> None:
    shown = _Bar(bar)
    for job in jobs:
        work(job, shown.add)


def _run_spawned(
    work: Callable[[Job, Callable[[int, int], None]], None], jobs: Sequence[Job], workers: int, bar: Any
) -> None:
    # Spawned, not forked: video decoders and Arrow keep threads that do not survive a fork.
    context = multiprocessing.get_context("spawn")
    counter = context.Array("q", 2)
    shown, seen = _Bar(bar), (0, 0)
    with futures.ProcessPoolExecutor(
        workers, mp_context=context, initializer=_start_worker, initargs=(counter, os.getpid())
    ) as pool:
        waiting = {pool.submit(_call, work, job) for job in jobs}
        try:
            while waiting:
                done, waiting = futures.wait(waiting, timeout=_POLL_SECONDS, return_when=futures.FIRST_EXCEPTION)
                now = (counter[0], counter[1])
                shown.add(now[0] - seen[0], now[1] - seen[1])
                seen = now
                for future in done:
                    future.result()
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


class _Worker:
    """What a worker process was started with; set once by the pool's initializer."""

    counter: Any = None


def _start_worker(counter: Any, parent: int) -> None:
    _Worker.counter = counter
    threading.Thread(target=_die_with, args=(parent,), daemon=True).start()


def _die_with(parent: int) -> None:
    """End this worker when the build is killed: an orphan would go on writing beside the next run."""
    while os.getppid() == parent:
        time.sleep(_POLL_SECONDS)
    os._exit(1)


def _call(work: Callable[[Job, Callable[[int, int], None]], None], job: Job) -> None:
    def progress(samples: int, size: int) -> None:
        with _Worker.counter.get_lock():
            _Worker.counter[0] += samples
            _Worker.counter[1] += size

    work(job, progress)
