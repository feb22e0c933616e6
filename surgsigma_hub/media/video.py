"""Films: frames by index, and encoding. decord reads where it is installed and able, PyAV elsewhere, others by name."""

from __future__ import annotations

import logging
import os
import re
import secrets
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import MediaError, SurgSigmaError, UnknownNameError
from .film_readers import BY_THEMSELVES, READERS, FrameReader, Pixels, UnusableError

if TYPE_CHECKING:
    from typing_extensions import Buffer

logger = logging.getLogger(__name__)

BACKEND_VARIABLE = "SURGSIGMA_VIDEO"
"""Environment variable that names the one reader to use: ``decord``, ``av`` or ``torchcodec``."""

ENCODER = {"crf": "20", "preset": "veryfast", "flags": "+bitexact", "x264-params": "cpu-independent=1"}
"""Options of the encoder, libx264. Without ``cpu-independent``, x264 (core 165, as PyAV 18 brings it) weighs
macroblocks in floats whose sums differ between instruction sets, and its AVX-512 code for that reads memory that nobody
has written: pixels would follow the processor and what the process did before. It makes films less than 1 % larger and
no slower, see ``benchmarks/encoder.py``."""

_IN_SOURCE = re.compile(r"^\w+, \S+\.cpp:\d+, ")  # torchcodec tells where in its own code it failed


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
            raise MediaError(f"{name}: frame {index} cannot be decoded ({problem_text(error, name)})") from None
    return found


def _open(film: str | Buffer, label: str) -> FrameReader:
    forced = os.environ.get(BACKEND_VARIABLE, "")
    if forced and forced not in READERS:
        raise UnknownNameError("film reader", forced, READERS, where=BACKEND_VARIABLE)
    place = film if isinstance(film, str) else label
    problems: list[str] = []
    for kind in (forced,) if forced else BY_THEMSELVES:
        try:
            reader = READERS[kind](film, label)
            if len(reader) == 0:
                raise MediaError(f"{label}: holds no frame")
            return reader
        except UnusableError as error:
            if forced:
                raise SurgSigmaError(f"{BACKEND_VARIABLE}={forced!r} {error}", hint=_INSTALL[forced]) from None
        except Exception as error:  # each library raises its own kinds, decord a bare RuntimeError
            problems.append(f"{kind}: {problem_text(error, place)}")
            logger.info("%s cannot read %s", kind, label)
    raise MediaError(f"{label}: cannot be opened as a film ({'; '.join(problems)})")


_INSTALL = {
    "decord": "pip install 'surgsigma-hub[video]', or unset the variable.",
    "av": "pip install av, or unset the variable.",
    "torchcodec": "pip install 'surgsigma-hub[torchcodec]' and the FFmpeg libraries of the system, such as "
    "apt-get install ffmpeg; or unset the variable.",
}


def problem_text(error: Exception, place: str) -> str:
    """What a library says about a film, in a line, without the folder of ``place``."""
    lines = str(error).strip().splitlines()
    return (_IN_SOURCE.sub("", lines[-1]) if lines else type(error).__name__).replace(place, Path(place).name)[:160]


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
        raise MediaError(f"{path.name}: frame {index} cannot be decoded ({problem_text(error, str(path))})") from None


def encode_video(path: Path, frames: Iterable[Any], *, fps: float) -> None:
    """Write frames as H.264 mp4: yuv420p, constant rate, short GOP, index in front, no metadata, one thread.

    The same frames give the same bytes, whatever the processor's instruction set or the heap, see :data:`ENCODER`.

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
                    stream.options = ENCODER
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
