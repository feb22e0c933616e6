"""Films: frames by index, and encoding. decord reads where it is installed and able, PyAV everywhere else."""

from __future__ import annotations

import io
import logging
import os
import secrets
from collections.abc import Iterable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import numpy.typing as npt

from ..errors import MediaError, SurgSigmaError

if TYPE_CHECKING:
    from typing_extensions import Buffer

logger = logging.getLogger(__name__)

Pixels = npt.NDArray[np.uint8]
BACKEND_VARIABLE = "SURGSIGMA_VIDEO"
"""Environment variable that forces ``decord`` or ``av``."""


class FrameReader(Protocol):
    """Random access to the frames of one film."""

    @property
    def fps(self) -> float:
        """Average frames per second."""

    def __len__(self) -> int: ...

    def frame(self, index: int) -> Pixels:
        """Frame ``index``, ``(H, W, 3)`` uint8 RGB; cheapest when indices rise."""


class _Decord:
    def __init__(self, film: str | Buffer, name: str) -> None:
        import decord

        self._reader: Any = decord.VideoReader(film if isinstance(film, str) else io.BytesIO(film), num_threads=1)
        if self._reader[0].shape[2] != 3:  # seen with decord 0.6 on frames narrower than 64 pixels
            raise MediaError(f"{name}: decord does not give three channels")
        self.fps = float(self._reader.get_avg_fps())

    def __len__(self) -> int:
        return len(self._reader)

    def frame(self, index: int) -> Pixels:
        pixels: Pixels = self._reader[index].asnumpy()
        return pixels


class _PyAV:
    """Decodes forward; seeks to a key frame only where the film's rate is constant, so that index and time agree."""

    _FAR = 120

    def __init__(self, film: str | Buffer, name: str) -> None:
        import av

        self._container = av.open(film if isinstance(film, str) else io.BytesIO(film))
        if not self._container.streams.video:
            raise MediaError(f"{name}: holds no film")
        self._stream = self._container.streams.video[0]
        self._stream.thread_type = "AUTO"
        self.fps = float(self._stream.average_rate or 0)
        self._constant = self._stream.average_rate == self._stream.base_rate
        self._count = self._stream.frames or sum(1 for p in self._container.demux(self._stream) if p.size)
        self._restart(0)

    def __len__(self) -> int:
        return int(self._count)

    def _restart(self, index: int) -> None:
        start = self._stream.start_time or 0
        at = start + int(index / self.fps / float(self._stream.time_base)) if index else start
        self._container.seek(at, stream=self._stream, backward=True)
        self._frames: Iterator[Any] = self._container.decode(self._stream)
        self._next = 0 if index == 0 else -1  # -1: learn it from the first frame's time

    def frame(self, index: int) -> Pixels:
        if self._next > index or (self._constant and index - self._next > self._FAR):
            self._restart(index if self._constant else 0)
        for frame in self._frames:
            if self._next < 0:
                since = frame.pts - (self._stream.start_time or 0)
                self._next = round(float(since * self._stream.time_base) * self.fps)
            at, self._next = self._next, self._next + 1
            if at == index:
                pixels: Pixels = frame.to_ndarray(format="rgb24")
                return pixels
        self._next = index + 1  # spent: the next call starts over
        raise EOFError(f"no frame {index}")


def open_video(path: Path) -> FrameReader:
    """A reader of the film at ``path``.

    Raises:
        MediaError: missing, empty or not a film that any installed reader understands.
    """
    if not path.is_file():
        raise MediaError(f"{path.name}: no such file", reason="media_missing")
    if path.stat().st_size == 0:
        raise MediaError(f"{path.name}: is empty (0 bytes)")
    return _open(str(path), path.name)


def open_video_bytes(data: Buffer, name: str) -> FrameReader:
    """A reader of a film held in memory, such as a member of a shard; ``name`` is for messages.

    Raises:
        MediaError: empty or not a film that any installed reader understands.
    """
    if not memoryview(data).nbytes:
        raise MediaError(f"{name}: is empty (0 bytes)")
    return _open(data, name)


def spread_frames(data: bytes, count: int, name: str) -> list[tuple[float, Pixels]]:
    """``count`` frames of a film held in memory, spread evenly, the first and the last among them.

    Args:
        data: The film.
        count: How many at most; a shorter film gives all it has.
        name: For messages.

    Returns:
        Seconds from the start of the film and ``(H, W, 3)`` uint8 RGB, in order of time.

    Raises:
        MediaError: not a film, or damaged at one of the frames.
    """
    reader = open_video_bytes(data, name)
    last = len(reader) - 1
    picked = sorted({round(n * last / max(1, count - 1)) for n in range(count)})
    found: list[tuple[float, Pixels]] = []
    for index in picked:
        try:
            found.append((index / (reader.fps or 1.0), np.asarray(reader.frame(index))))
        except Exception as error:  # each library raises its own kinds
            raise MediaError(f"{name}: frame {index} cannot be decoded ({_short(str(error), name)})") from None
    return found


def _open(film: str | Buffer, label: str) -> FrameReader:
    forced = os.environ.get(BACKEND_VARIABLE, "")
    problems: list[str] = []
    for kind, backend in (("decord", _Decord), ("av", _PyAV)):
        if forced and forced != kind:
            continue
        try:
            reader: FrameReader = backend(film, label)
            if len(reader) == 0:
                raise MediaError(f"{label}: holds no frame")
            return reader
        except ImportError:
            continue
        except Exception as error:  # each library raises its own kinds, decord a bare RuntimeError
            problems.append(
                f"{kind}: {str(error).strip().splitlines()[-1] if str(error).strip() else type(error).__name__}"
            )
            logger.warning("%s cannot read %s", kind, label)
    if not problems:
        raise SurgSigmaError(
            f"{BACKEND_VARIABLE}={forced!r} is not installed", hint="Choose decord or av, or unset it."
        )
    place = film if isinstance(film, str) else label
    raise MediaError(f"{label}: cannot be opened as a film ({'; '.join(_short(p, place) for p in problems)})")


def _short(problem: str, place: str) -> str:
    return problem.replace(place, Path(place).name)[:160]


@lru_cache(maxsize=2)
def _opened(path: Path, size: int, changed: int) -> FrameReader:
    # One or two films stay open per process: loaders ask for the frames of one film in rising order.
    # Size and time are part of the key, so that a film written anew is opened anew.
    return open_video(path)


def read_frame(path: Path, index: int) -> Pixels:
    """Frame ``index`` (0-based) of the film at ``path``, ``(H, W, 3)`` uint8 RGB.

    Raises:
        MediaError: no such frame, or the film is damaged there.
    """
    try:
        stat = path.stat()
    except OSError:
        raise MediaError(f"{path.name}: no such file", reason="media_missing") from None
    reader = _opened(path, stat.st_size, stat.st_mtime_ns)
    if not 0 <= index < len(reader):
        raise MediaError(f"{path.name}: no frame {index}, it has {len(reader)}", reason="media_missing")
    try:
        return reader.frame(index)
    except Exception as error:
        raise MediaError(f"{path.name}: frame {index} cannot be decoded ({_short(str(error), str(path))})") from None


def encode_video(path: Path, frames: Iterable[Any], *, fps: float) -> None:
    """Write frames as H.264 mp4: yuv420p, constant rate, short GOP, index in front, no metadata, one thread.

    Args:
        path: Target; written under a temporary name and renamed.
        frames: ``(H, W, 3)`` uint8 RGB arrays or PyAV frames, even width and height, all of one size.
        fps: Frames per second.

    Raises:
        MediaError: no frame, or an odd size.
    """
    from fractions import Fraction

    import av

    rate = Fraction(fps).limit_denominator(1001)
    temporary = path.with_name(f".{secrets.token_hex(4)}-{path.name}")
    count = 0
    try:
        with av.open(
            str(temporary), "w", format="mp4", options={"movflags": "+faststart", "fflags": "+bitexact"}
        ) as out:
            stream: Any = None
            for made in frames:
                frame = made if isinstance(made, av.VideoFrame) else av.VideoFrame.from_ndarray(made, format="rgb24")
                if stream is None:
                    width, height = frame.width, frame.height
                    if height % 2 or width % 2:
                        raise MediaError(f"{path.name}: {width} x {height} frames, H.264 needs an even size")
                    stream = out.add_stream("libx264", rate=rate)
                    stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
                    stream.gop_size = 12
                    stream.thread_count = 1
                    stream.options = {"crf": "20", "preset": "veryfast", "flags": "+bitexact"}
                frame.pts, frame.time_base = count, 1 / rate
                for packet in stream.encode(frame):
                    out.mux(packet)
                count += 1
            if stream is None:
                raise MediaError(f"{path.name}: no frame to write")
            for packet in stream.encode():
                out.mux(packet)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    logger.debug("wrote %s: %d frames at %s fps", path.name, count, rate)
