"""Pixel memory that is used again once nobody holds it.

A picture of 854 x 480 is 1.2 MB. Left to the allocator, every one is mapped and unmapped, and decoding threads meet in
the kernel. Here a buffer goes back to use when its only holder is the pool, which the reference count says exactly:
arrays, views of them and tensors made from them all hold the buffer.
"""

from __future__ import annotations

import math
import sys
from collections import deque

import numpy as np
import numpy.typing as npt

Pixels = npt.NDArray[np.uint8]

_STEP = 1 << 16
_OURS = 2  # the pool's own reference and the one that is passed to getrefcount


class PixelBuffers:
    """A pool for one thread.

    Args:
        most: Bytes that it keeps; beyond, memory is the allocator's business again.
    """

    def __init__(self, most: int) -> None:
        # Without the global lock reference counts are not exact.
        self._most = most if getattr(sys, "_is_gil_enabled", lambda: True)() else 0
        self._pool: deque[Pixels] = deque()
        self._kept = 0

    def take(self, size: int) -> Pixels:
        """A flat writable array of at least ``size`` bytes that nobody else holds."""
        pool = self._pool
        for _ in range(min(2, len(pool))):
            if sys.getrefcount(pool[0]) != _OURS:
                break  # the oldest is in use: the younger ones are as well, most likely
            buffer = pool.popleft()
            if size <= buffer.nbytes <= 4 * size + _STEP:
                pool.append(buffer)
                return buffer
            self._kept -= buffer.nbytes
        buffer = np.empty(size + -size % _STEP, np.uint8)
        if self._kept + buffer.nbytes <= self._most:
            pool.append(buffer)
            self._kept += buffer.nbytes
        elif pool:
            pool.rotate(-1)  # the oldest may be held for long; look at the others meanwhile
        return buffer


class PixelPool:
    """What one thread decodes into: pictures that are given away, and scratch memory that never is.

    Args:
        most: Bytes of pictures kept for reuse.
    """

    def __init__(self, most: int) -> None:
        self._buffers = PixelBuffers(most)
        self._scratch: dict[str, Pixels] = {}

    def take(self, *shape: int) -> Pixels:
        """An array that nobody else holds."""
        size = math.prod(shape)
        return self._buffers.take(size)[:size].reshape(shape)

    def flat(self, size: int) -> Pixels:
        """Like :meth:`take`, of one dimension and at least so long; for decoders that shape it themselves."""
        return self._buffers.take(size)

    def scratch(self, use: str, size: int) -> Pixels:
        """At least ``size`` bytes that the next call for the same ``use`` gives again."""
        buffer = self._scratch.get(use)
        if buffer is None or buffer.nbytes < size:
            buffer = self._scratch[use] = np.empty(size, np.uint8)
        return buffer
