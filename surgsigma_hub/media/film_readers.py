"""The libraries that read films, each behind :class:`FrameReader`; ``video`` chooses among them."""

from __future__ import annotations

import importlib
import io
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import numpy.typing as npt

from ..errors import MediaError

if TYPE_CHECKING:
    from typing_extensions import Buffer

Pixels = npt.NDArray[np.uint8]

_CLOSED = b" open_gop=0 "
"""What x264 writes into the first picture of a film, such as every clip that this package cuts."""
_KEYS, _PACKETS = 3, 1000
"""How far a film is looked at for how its pictures are stored: key frames and packets, whichever comes first."""


class UnusableError(Exception):
    """A library that is not installed or cannot be loaded here; no film's fault."""


class FrameReader(Protocol):
    """Random access to the frames of one film."""

    @property
    def fps(self) -> float:
        """Average frames per second."""

    def __len__(self) -> int: ...

    def frame(self, index: int) -> Pixels:
        """Frame ``index``, ``(H, W, 3)`` uint8 RGB; cheapest when indices rise."""

    def frames(self, indices: Sequence[int]) -> Pixels:
        """Frames that rise and do not repeat, ``(n, H, W, 3)`` uint8 RGB; only what they need is decoded."""


def _library(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        raise UnusableError(f"is not installed ({error.name} is missing)") from None
    except (ImportError, OSError, RuntimeError) as error:  # torchcodec without FFmpeg's libraries raises the last
        reason = next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)
        raise UnusableError(f"cannot be loaded ({reason[:120]})") from None


def _open_groups(film: str | Buffer) -> bool:
    """Whether pictures are stored after a key frame that are shown before it; x265 makes films so unless told not to.

    After seeking to such a key frame decord 0.6 counts as if those pictures had come, and gives frames some places on.
    """
    if not isinstance(film, str) and _CLOSED in bytes(memoryview(film)[: 1 << 16]):
        return False  # opening by a second library would cost a thirtieth of decoding a clip
    with _library("av").open(film if isinstance(film, str) else io.BytesIO(film)) as container:
        key, keys = None, 0
        for number, packet in enumerate(container.demux(video=0)):
            if packet.pts is None or keys > _KEYS or number > _PACKETS:
                break
            if packet.is_keyframe:
                key, keys = packet.pts, keys + 1
            elif key is not None and packet.pts < key:
                return True
    return False


class Decord:
    """Decord: the fastest where there are wheels of it."""

    def __init__(self, film: str | Buffer, name: str) -> None:
        library = _library("decord")
        if _open_groups(film):
            raise MediaError(f"{name}: decord would give other frames than asked for (open groups of pictures)")
        self._reader = library.VideoReader(film if isinstance(film, str) else io.BytesIO(film), num_threads=1)
        # Kept, for most readers begin with it, and the library would seek back to decode it again.
        self._first: Pixels = self._reader[0].asnumpy()
        if self._first.shape[2] != 3:  # seen with decord 0.6 on frames narrower than 64 pixels
            raise MediaError(f"{name}: decord does not give three channels")
        self.fps = float(self._reader.get_avg_fps())

    def __len__(self) -> int:
        return len(self._reader)

    def frame(self, index: int) -> Pixels:
        """See :class:`FrameReader`."""
        if index == 0:
            return self._first.copy()
        pixels: Pixels = self._reader[index].asnumpy()
        return pixels

    def frames(self, indices: Sequence[int]) -> Pixels:
        """See :class:`FrameReader`."""
        out = np.empty((len(indices), *self._first.shape), np.uint8)
        skip = 1 if len(indices) and indices[0] == 0 else 0
        if skip:
            out[0] = self._first
        if len(indices) > skip:
            out[skip:] = self._reader.get_batch(list(indices[skip:])).asnumpy()
        return out


class PyAV:
    """PyAV: decodes forward, and seeks to a key frame where the film's rate is constant, so that index is time."""

    _FAR = 120
    """Frames between two that are asked for, from which on seeking pays where the film has no index."""
    _NEAR = 4
    """The same for the frames that an index says seeking would leave out."""

    def __init__(self, film: str | Buffer, name: str) -> None:
        av = _library("av")
        self._container = av.open(film if isinstance(film, str) else io.BytesIO(film))
        if not self._container.streams.video:
            raise MediaError(f"{name}: holds no film")
        self._stream = self._container.streams.video[0]
        if isinstance(film, str):
            self._stream.thread_type = "AUTO"
        else:
            self._stream.codec_context.thread_count = 1  # streams decode many films at a time, each in a thread
        self.fps = float(self._stream.average_rate or 0)
        self._constant = self._stream.average_rate == self._stream.base_rate
        self._count = self._stream.frames or sum(1 for p in self._container.demux(self._stream) if p.size)
        # One for the film: a frame's own would set up the conversion of colours anew.
        self._to_rgb: Any = av.video.reformatter.VideoReformatter()
        self._keys: list[int] | None = None
        self._next = 0
        self._restart(0)

    def __len__(self) -> int:
        return int(self._count)

    def frame(self, index: int) -> Pixels:
        """See :class:`FrameReader`."""
        if index >= self._count:
            raise EOFError(f"no frame {index}")
        key = self._jump(index)
        before = self._keys[max(0, bisect_left(self._keys, key) - 1)] if key and self._keys else 0
        # Pictures that are shown before a key frame may be stored after it: then the key frame before is the one.
        for start in (key, before, 0) if key else (key,):
            if start is not None:
                self._restart(start)
            pixels = self._reach(index)
            if pixels is not None:
                return pixels
        raise EOFError(f"no frame {index}")

    def frames(self, indices: Sequence[int]) -> Pixels:
        """See :class:`FrameReader`."""
        out: Pixels | None = None
        for n, index in enumerate(indices):
            pixels = self.frame(index)
            if out is None:
                out = np.empty((len(indices), *pixels.shape), np.uint8)
            out[n] = pixels
        return np.zeros((0, 0, 0, 3), np.uint8) if out is None else out

    def _reach(self, index: int) -> Pixels | None:
        """Decode on to a frame; None where it does not come."""
        for frame in self._frames:
            if self._next < 0:
                if not frame.key_frame:
                    continue  # shown before the key frame, and made from pictures that were not read
                since = frame.pts - (self._stream.start_time or 0)
                self._next = round(float(since * self._stream.time_base) * self.fps)
            at, self._next = self._next, self._next + 1
            if at == index:
                pixels: Pixels = self._to_rgb.reformat(frame, format="rgb24").to_ndarray()
                return pixels
            if at > index:
                break
        self._next = index + 1  # spent: the next call starts over
        return None

    def _restart(self, index: int) -> None:
        start = self._stream.start_time or 0
        at = start + int(index / self.fps / float(self._stream.time_base)) if index else start
        self._container.seek(at, stream=self._stream, backward=True)
        self._frames: Iterator[Any] = self._container.decode(self._stream)
        self._next = 0 if index == 0 else -1  # -1: learn it from the first frame's time

    def _jump(self, index: int) -> int | None:
        """The frame to seek to on the way to ``index``; None: decoding on is as near."""
        back = self._next > index
        if not self._constant:
            return 0 if back else None
        if not back and index - self._next < self._NEAR:
            return None
        if self._keys is None:
            entries = getattr(self._stream, "index_entries", ())  # younger than the oldest PyAV that we take
            self._keys = [n for n, entry in enumerate(entries) if entry.is_keyframe]
        if not self._keys:
            return index if back or index - self._next > self._FAR else None
        key = self._keys[max(0, bisect_right(self._keys, index) - 1)]
        return key if back or key - self._next >= self._NEAR else None


class TorchCodec:
    """Torchcodec: needs torch and the FFmpeg libraries of the system, so it is taken only by name."""

    def __init__(self, film: str | Buffer, name: str) -> None:
        source = film if isinstance(film, str) else bytes(film)
        # Exact: the film is scanned once, and frame n is frame n whatever its header says.
        self._reader = _library("torchcodec.decoders").VideoDecoder(source, dimension_order="NHWC", seek_mode="exact")
        self.fps = float(self._reader.metadata.average_fps or 0)

    def __len__(self) -> int:
        return len(self._reader)

    def frame(self, index: int) -> Pixels:
        """See :class:`FrameReader`."""
        pixels: Pixels = self.frames([index])[0]
        return pixels

    def frames(self, indices: Sequence[int]) -> Pixels:
        """See :class:`FrameReader`."""
        if not indices:
            return np.zeros((0, 0, 0, 3), np.uint8)
        pixels: Pixels = self._reader.get_frames_at(indices=list(indices)).data.numpy()
        return pixels


READERS: dict[str, Callable[[str | Buffer, str], FrameReader]] = {
    "decord": Decord,
    "av": PyAV,
    "torchcodec": TorchCodec,
}
"""Every reader by name."""

BY_THEMSELVES = ("decord", "av")
"""Those that are tried, in order, where none is named."""
