"""When each frame of a film is shown: the one way in which frames are numbered.

Frame ``n`` is the ``n``-th that a player shows: frames that an edit list hides, and those before the first that can be
decoded, have no number.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

from .film_index import FilmIndex
from .film_pyav import film_index

_ROUNDING = 1e-9  # seconds that a sum of floats may be off


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
        late: Seconds after the start of its sound at which the first frame is shown.
        told: What the user should know of its pictures.
    """

    seconds: npt.NDArray[np.float64]
    fps: float
    constant: bool
    width: int
    height: int
    rotation: int
    late: float
    told: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.seconds)

    def nearest(self, seconds: float) -> int:
        """The frame whose time of display is closest, of two as close the earlier; the first or last outside the film.

        Args:
            seconds: From the time of the first frame.
        """
        after = int(np.searchsorted(self.seconds, seconds))
        if after in (0, len(self.seconds)):
            return max(0, after - 1)
        middle = (self.seconds[after - 1] + self.seconds[after]) / 2
        return after - 1 if seconds <= middle + _ROUNDING else after


def film_table(path: Path) -> FilmTable:
    """The table of the film at ``path``. Its packets are read and its first frame is decoded; kept for films read last.

    Raises:
        MediaError: missing, empty, no film, too many pixels, or its time stamps are missing or contradict each other.
    """
    return _table(film_index(path))


@lru_cache(maxsize=16)
def _table(index: FilmIndex) -> FilmTable:
    seconds = index.seconds
    seconds.flags.writeable = False
    constant = bool(index.fps) and bool(np.all(np.abs(np.diff(seconds) * index.fps - 1) <= 0.5))
    return FilmTable(seconds, index.fps, constant, *index.size, index.rotation, index.late, tuple(_told(index)))


def _told(index: FilmIndex) -> Iterator[str]:
    if index.aspect != 1:
        form = f"{index.aspect.numerator}:{index.aspect.denominator}"
        yield f"its pixels are {form}, not square: pictures are taken as stored, {index.width} x {index.height}"
    if index.interlaced:
        yield "it is interlaced: each picture is woven of two, seen one after the other"
