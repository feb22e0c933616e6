"""A place and a decoder that time what they do, for measuring; a stream that is not measured knows nothing of them."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from ..shards.tar_index import Members
from ..streaming.decode.decoder import Decoder, Frames
from ..streaming.decode.pixel_pool import Pixels
from ..streaming.decode.resize import Rgb
from ..streaming.selection.index import Index
from ..streaming.storage.tree import SampleReader, TreeStorage
from .advice import PARTS

_PAGE = 4096


class Clock:
    """Seconds by part, of all threads together; time inside a part that is inside another counts once."""

    def __init__(self) -> None:
        self._local = threading.local()
        self._all: list[dict[str, float]] = []
        self._lock = threading.Lock()

    @contextmanager
    def part(self, name: str) -> Iterator[None]:
        """Whatever is done inside belongs to ``name``."""
        mine = self._local
        if not hasattr(mine, "spent"):
            mine.spent, mine.inside, mine.since = dict.fromkeys(PARTS, 0.0), "", 0.0
            with self._lock:
                self._all.append(mine.spent)
        outer, now = mine.inside, time.perf_counter()
        if outer:
            mine.spent[outer] += now - mine.since
        mine.inside, mine.since = name, now
        try:
            yield
        finally:
            now = time.perf_counter()
            mine.spent[name] += now - mine.since
            mine.inside, mine.since = outer, now

    def spent(self) -> dict[str, float]:
        """Seconds by part so far."""
        with self._lock:
            return {name: sum(one[name] for one in self._all) for name in PARTS}


class _TimedShards:
    def __init__(self, shards: SampleReader, clock: Clock) -> None:
        self._shards, self._clock = shards, clock
        self.begin, self.expect, self.stop, self.close = shards.begin, shards.expect, shards.stop, shards.close

    def read(self, number: int) -> Members:
        with self._clock.part("read"):
            raw = self._shards.read(number)
            for data in (raw.json, *raw.media.values()):
                # A map reads when a page is touched: here, so that a slow disk is not taken for a slow decoder.
                data[::_PAGE].tobytes()
            return raw


class TimedPlace:
    """A place whose shards are timed."""

    def __init__(self, place: TreeStorage, clock: Clock) -> None:
        self._place, self._clock = place, clock
        self.where, self.local = place.where, place.local
        self.listed, self.load, self.catalog = place.listed, place.load, place.catalog
        self.mappable = place.mappable

    def shards(self, index: Index, *, mapped: bool = False) -> SampleReader:
        """A reader."""
        return _TimedShards(self._place.shards(index, mapped=mapped), self._clock)


class TimedDecoder(Decoder):
    """A decoder whose parts are timed; made from one that is not."""

    def __init__(self, plain: Decoder, clock: Clock) -> None:
        self.__setstate__(plain.__getstate__())
        self._clock = clock

    @property
    def kernel(self) -> str:
        """What resizes; empty where nothing does."""
        return self._kernel if self._rgb is not None and self._rgb.resizes else ""

    def sample(self, raw: Members) -> tuple[dict[str, Any], dict[str, Any]]:
        """See :class:`Decoder`."""
        with self._clock.part("other"):
            return super().sample(raw)

    def _parsed(self, raw: Members) -> tuple[dict[str, Any], list[tuple[str, str, str]]]:
        with self._clock.part("json"):
            return super()._parsed(raw)

    def _jpeg(self, data: memoryview, rgb: Rgb) -> Pixels | None:
        with self._clock.part("jpeg"):
            return super()._jpeg(data, rgb)

    def _pillow(self, data: memoryview, rgb: Rgb, name: str) -> Pixels:
        with self._clock.part("jpeg" if bytes(data[:2]) == b"\xff\xd8" else "png"):
            return super()._pillow(data, rgb, name)

    def _values(self, data: memoryview, rgb: Rgb, name: str) -> np.ndarray:
        with self._clock.part("png"):
            return super()._values(data, rgb, name)

    def _clip(self, data: memoryview, frames: Frames, name: str) -> Pixels:
        with self._clock.part("video"):
            return super()._clip(data, frames, name)

    def _resized(self, pixels: Pixels, width: int, height: int) -> Pixels:
        with self._clock.part("resize"):
            return super()._resized(pixels, width, height)

    def _resize_into(self, pixels: Pixels, out: Pixels) -> None:
        with self._clock.part("resize"):
            super()._resize_into(pixels, out)
