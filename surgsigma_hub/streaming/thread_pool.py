"""Work in threads of this process, results in order, and never more than a window of it under way."""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Generic, TypeVar

from .fork_guard import gate

_Job = TypeVar("_Job")
_Result = TypeVar("_Result")

CHUNK = 4
"""Jobs that a thread takes at a time: a hand-over costs about 20 us, a picture a thousand."""

WINDOW = 4
"""Chunks for each thread that are under way or wait to be taken."""


class OrderedThreadPool(Generic[_Job, _Result]):
    """A pool that is made when first used, and again in a forked child, where threads do not survive.

    Args:
        work: What to do with one job; called from several threads.
        threads: 0 works in the thread that asks.
        single_torch_thread: Threads of torch must not start threads of their own.
    """

    def __init__(self, work: Callable[[_Job], _Result], *, threads: int, single_torch_thread: bool = False) -> None:
        self._work, self._threads, self._lonely = work, threads, single_torch_thread
        self._pool: ThreadPoolExecutor | None = None
        self._process = 0

    def map(self, jobs: Iterable[_Job]) -> Iterator[_Result]:
        """Results in the order of the jobs; what ``work`` raises is raised in its place."""
        return self._in_threads(jobs) if self._threads else map(self._work, jobs)

    def _in_threads(self, jobs: Iterable[_Job]) -> Iterator[_Result]:
        pool = self._started()
        waiting: deque[Future[list[_Result]]] = deque()
        chunk: list[_Job] = []
        alone = self._threads  # jobs that are handed over one by one, so that the first result does not wait for others
        try:
            for job in jobs:
                chunk.append(job)
                if len(chunk) == CHUNK or alone:
                    alone = max(0, alone - 1)
                    waiting.append(pool.submit(self._chunk, chunk))
                    chunk = []
                    if len(waiting) >= WINDOW * self._threads:
                        yield from waiting.popleft().result()
            if chunk:
                waiting.append(pool.submit(self._chunk, chunk))
            while waiting:
                yield from waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()

    def close(self) -> None:
        """End the threads, and wait for them."""
        if self._pool is not None and self._process == os.getpid():
            self._pool.shutdown(wait=True, cancel_futures=True)
        self._pool = None

    def _chunk(self, jobs: list[_Job]) -> list[_Result]:
        done = []
        for job in jobs:
            with gate:
                done.append(self._work(job))
        return done

    def _started(self) -> ThreadPoolExecutor:
        if self._pool is None or self._process != os.getpid():
            self._pool = ThreadPoolExecutor(self._threads, "surgsigma-decode")
            self._process = os.getpid()
            if self._lonely:
                _set_torch_threads(self._pool, self._threads)
        return self._pool


def _set_torch_threads(pool: ThreadPoolExecutor, threads: int) -> None:
    """One torch thread inside each thread of ours, and the number that the program chose everywhere else."""
    import torch

    chosen = torch.get_num_threads()
    all_there = threading.Barrier(threads)

    def limit() -> None:
        all_there.wait()  # so that no thread does this twice and another not at all
        torch.set_num_threads(1)

    for future in [pool.submit(limit) for _ in range(threads)]:
        future.result()
    torch.set_num_threads(chosen)
