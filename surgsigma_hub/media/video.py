"""Videos: frames by number, and encoding. PyAV reads; decord and torchcodec where they are named."""

from __future__ import annotations

import logging
import os
import secrets
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import MediaError, SurgSigmaError, UnknownNameError
from .film_pyav import Pixels, PyAV, identity, open_pyav
from .film_readers import READERS, FrameReader, UnusableError
from .scaling import reformatted

if TYPE_CHECKING:
    from typing_extensions import Buffer

logger = logging.getLogger(__name__)

BACKEND_VARIABLE = "SURGSIGMA_VIDEO"
"""Environment variable that names another reader than PyAV of what is streamed: ``decord`` or ``torchcodec``. What goes
into a tree is always read by PyAV."""

ENCODER = {"crf": "20", "preset": "veryfast", "flags": "+bitexact", "x264-params": "cpu-independent=1"}
"""Options of the encoder, libx264. Without ``cpu-independent``, x264 (core 165, as PyAV 18 brings it) weighs
macroblocks in floats whose sums differ between instruction sets, and its AVX-512 code for that reads memory that nobody
has written: pixels would follow the processor and what the process did before. It makes films less than 1 % larger and
no slower, see ``benchmarks/encoder.py``."""


def open_video(path: Path) -> FrameReader:
    """A reader of the film at ``path``.

    Raises:
        MediaError: missing, empty or not a film that can be read, or that the reader named would read wrong.
    """
    return _opened_by(_named(), str(path), path.name)


def open_video_bytes(data: Buffer, name: str) -> FrameReader:
    """A reader of a film held in memory, such as a member of a shard; ``name`` is for messages.

    Raises:
        MediaError: empty or not a film that can be read, or that the reader named would read wrong.
    """
    if not memoryview(data).nbytes:
        raise MediaError(f"{name}: is empty (0 bytes)")
    return _opened_by(_named(), data, name)


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
    last, seconds = len(reader) - 1, reader.index.seconds
    picked = sorted({round(n * last / max(1, count - 1)) for n in range(count)})
    return [(float(seconds[index]), reader.frame(index)) for index in picked]


def _named() -> str:
    name = os.environ.get(BACKEND_VARIABLE, "") or "av"
    if name not in READERS:
        raise UnknownNameError("video reader", name, READERS, where=BACKEND_VARIABLE)
    return name


def _opened_by(reader: str, film: str | Buffer, label: str) -> FrameReader:
    try:
        return READERS[reader](film, label)
    except UnusableError as error:
        raise SurgSigmaError(f"{BACKEND_VARIABLE}={reader!r} {error}", hint=_INSTALL[reader]) from None


_INSTALL = {
    "decord": "pip install 'surgsigma-hub[decord]', or unset the variable.",
    "torchcodec": "pip install 'surgsigma-hub[torchcodec]' and the FFmpeg libraries of the system, such as "
    "apt-get install ffmpeg; or unset the variable.",
}


@lru_cache(maxsize=2)
def _kept(path: str, name: str, size: int, changed: int) -> PyAV:
    # One or two films stay open per process: loaders ask for the frames of one film in rising order.
    return open_pyav(path, name, exact=True)


def exact_reader(path: Path) -> PyAV:
    """The film at ``path`` as a source of stills and clips: by PyAV alone, exact, kept open for the next who asks.

    Raises:
        MediaError: missing, empty or not a film that can be read.
    """
    return _kept(*identity(path))


def read_frame(path: Path, index: int) -> Pixels:
    """Frame ``index`` of the film at ``path``, counted from 0 in order of display, ``(H, W, 3)`` uint8 RGB.

    Raises:
        MediaError: no such frame, or the film is damaged there.
    """
    return exact_reader(path).frame(index)


def encode_video(path: Path, frames: Iterable[Any], *, fps: float) -> None:
    """Write frames as H.264 mp4: yuv420p, constant rate, short GOP, index in front, no metadata, one thread.

    The same frames give the same bytes, whatever the processor's instruction set or the heap, see :data:`ENCODER` and
    :data:`scaling.EXACT`.

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
                frame = reformatted(frame, format="yuv420p")
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
