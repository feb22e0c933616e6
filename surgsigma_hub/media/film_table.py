"""When each frame of a film is shown, read from its packets: the one way in which frames are numbered.

Frame ``n`` is the ``n``-th that a player shows: frames that an edit list hides, and those before the first that can be
decoded, have no number. Only the first frame is decoded, for what the packets do not say: the rotation, and where the
film begins.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ..errors import MediaError

_AGAIN = "Write it anew, such as by: ffmpeg -i OLD -c:v libx264 -crf 16 NEW.mp4"
_ROUNDING = 1e-9  # seconds that a sum of floats may be off
_ONLY_DECODING_TIMES = ("avi",)
"""Containers that store when a frame is decoded, not when it is shown; FFmpeg's guesses differ after a jump."""


@dataclass(frozen=True, slots=True, eq=False)
class FilmTable:
    """The frames of a film that are shown, in order of display.

    Attributes:
        seconds: ``(n,)`` float64, when each frame is shown, from the first one's time; strictly rising.
        fps: Average rate, ``(n - 1) / (last - first)``; of a film of one frame, what its header says (0: nothing).
        constant: No gap between frames differs from ``1 / fps`` by more than half a frame: none is missing.
        width: Pixels as shown, after rotation.
        height: Pixels as shown, after rotation.
        rotation: Degrees by which the stored frames are turned clockwise to be shown: 0, 90, 180 or 270.
    """

    seconds: npt.NDArray[np.float64]
    fps: float
    constant: bool
    width: int
    height: int
    rotation: int

    def __len__(self) -> int:
        return len(self.seconds)

    def nearest(self, seconds: float) -> int:
        """The frame whose time of display is closest, of two as close the earlier; the first or last outside the film.

        Args:
            seconds: From the time of the first frame.
        """
        after = int(np.searchsorted(self.seconds, seconds))
        if after == 0:
            return 0
        if after == len(self.seconds):
            return after - 1
        middle = (self.seconds[after - 1] + self.seconds[after]) / 2
        return after - 1 if seconds <= middle + _ROUNDING else after


def film_table(path: Path) -> FilmTable:
    """The table of the film at ``path``. Cached by path, size and time of change.

    Raises:
        MediaError: missing, empty, no film, or its time stamps are missing or contradict each other.
    """
    try:
        stat = path.stat()
    except OSError:
        raise MediaError(f"{path.name}: no such file", reason="media_missing") from None
    if not path.is_file():
        raise MediaError(f"{path.name}: is no file", reason="media_missing")
    if not stat.st_size:
        raise MediaError(f"{path.name}: is empty (0 bytes)")
    return _read(str(path), stat.st_size, stat.st_mtime_ns)


@lru_cache(maxsize=16)
def _read(path: str, size: int, changed: int) -> FilmTable:
    import av

    name = os.path.basename(path)  # noqa: PTH119 - of a text that is the key of a cache
    try:
        # Titles and handler names of recorders are often Latin-1, and say nothing that is used here.
        with av.open(path, metadata_errors="replace") as container:
            if not container.streams.video:
                raise MediaError(f"{name}: holds no film")
            stream = container.streams.video[0]
            first = next(container.decode(stream), None)
            if first is None:
                raise MediaError(f"{name}: holds no frame that can be decoded")
            rotation = _rotation(first, name)
        with av.open(path, metadata_errors="replace") as container:
            stream = container.streams.video[0]
            packets = [(p.pts, p.dts, p.is_discard) for p in container.demux(stream) if p.size]
            times = _times(packets, first, container.format.name in _ONLY_DECODING_TIMES, name)
            base, nominal = Fraction(stream.time_base or 1), Fraction(stream.average_rate or 0)
    except av.FFmpegError as error:
        raise MediaError(f"{name}: cannot be opened as a film ({type(error).__name__})") from None
    since = times - times[0]
    fps = float(nominal)
    if len(since) > 1:
        measured = (len(since) - 1) / (int(since[-1]) * base)
        # Time stamps may be rounded, to milliseconds in Matroska: the header's rate is taken where it says the same.
        if not nominal or abs(int(since[-1]) * base * nominal - (len(since) - 1)) > Fraction(1, 2):
            fps = float(measured)
    seconds = since * float(base)
    seconds.flags.writeable = False
    gaps = np.diff(seconds)
    constant = bool(fps) and bool(np.all(np.abs(gaps - 1 / fps) <= 0.5 / fps))
    turned = rotation in (90, 270)
    width, height = (first.height, first.width) if turned else (first.width, first.height)
    return FilmTable(seconds, fps, constant, width, height, rotation)


def _times(
    packets: list[tuple[int | None, int | None, bool]], first: Any, only_decoding: bool, name: str
) -> npt.NDArray[np.int64]:
    """Time stamps of the frames that are shown, rising, in the stream's unit."""
    stamps = [dts if only_decoding else pts for pts, dts, hidden in packets if not hidden]
    if any(stamp is None for stamp in stamps):
        lacking = sum(stamp is None for stamp in stamps)
        raise MediaError(f"{name}: {lacking} of {len(stamps)} frames have no time stamp", hint=_AGAIN)
    times = np.sort(np.asarray(stamps, np.int64))
    if not only_decoding and first.pts is not None:
        times = times[times >= first.pts]  # what comes before cannot be decoded: it needs frames that were cut away
    if not len(times):
        raise MediaError(f"{name}: holds no frame that is shown")
    if np.any(np.diff(times) == 0):
        raise MediaError(f"{name}: several frames have the same time stamp", hint=_AGAIN)
    order = [dts for _, dts, _ in packets if dts is not None]
    if any(b < a for a, b in pairwise(order)):
        raise MediaError(f"{name}: its time stamps start again or run backwards", hint=_AGAIN)
    return times


_MATRIX = "DISPLAYMATRIX"
_TURNS = {(1, 0, 0, 1): 0, (0, 1, -1, 0): 90, (-1, 0, 0, -1): 180, (0, -1, 1, 0): 270}
"""Signs of a, b, c, d of a display matrix, for degrees clockwise."""


def _rotation(frame: Any, name: str) -> int:
    side = next((s for s in frame.side_data if getattr(s.type, "name", s.type) == _MATRIX), None)
    if side is None:
        return 0
    a, b, _, c, d = np.frombuffer(bytes(side), "<i4")[:5]
    turn = _TURNS.get((int(np.sign(a)), int(np.sign(b)), int(np.sign(c)), int(np.sign(d))))
    if turn is None:
        raise MediaError(f"{name}: is to be shown mirrored or turned by other than right angles", hint=_AGAIN)
    return turn
