"""The libraries that read films, each behind :class:`FrameReader`; ``video`` chooses among them.

PyAV numbers the frames. The others must prove on each film that they give its frames, pixel for pixel.
"""

from __future__ import annotations

import importlib
import io
import re
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, NoReturn, Protocol

import numpy as np

from ..errors import MediaError
from .film_index import FilmIndex, check_pixels
from .film_pyav import Pixels, open_pyav

if TYPE_CHECKING:
    from typing_extensions import Buffer

Batch = Callable[[Sequence[int]], Pixels]
Opened = Callable[[Any, "str | Buffer", FilmIndex], tuple[int, Batch]]

_PLACES = 4
"""Key frames, spread over a film, at which a reader is tried: it and the frame after are asked for, the last first."""
_IN_SOURCE = re.compile(r"^\w+, \S+\.cpp:\d+, ")  # torchcodec tells where in its own code it failed


class UnusableError(Exception):
    """A library that is not installed or cannot be loaded here; no film's fault."""


class OtherFrameError(Exception):
    """A library would give another frame than was asked for."""


class FrameReader(Protocol):
    """Random access to the frames of one film, numbered from 0 in order of display."""

    index: FilmIndex
    """Where its frames lie and when they are shown."""

    @property
    def fps(self) -> float:
        """Average frames per second."""

    def __len__(self) -> int: ...

    def frame(self, index: int) -> Pixels:
        """Frame ``index`` as it is to be shown, ``(H, W, 3)`` uint8 RGB; cheapest when indices rise.

        Raises:
            MediaError: no such frame, or the film is damaged there.
        """

    def frames(self, indices: Sequence[int]) -> Pixels:
        """Frames that rise and do not repeat, ``(n, H, W, 3)`` uint8 RGB; only what they need is decoded.

        Raises:
            MediaError: no such frame, the film is damaged there, or more than ``MAX_PIXELS`` at a time.
        """


def _library(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        raise UnusableError(f"is not installed ({error.name} is missing)") from None
    except (ImportError, OSError, RuntimeError) as error:  # torchcodec without FFmpeg's libraries raises the last
        reason = next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)
        raise UnusableError(f"cannot be loaded ({reason[:120]})") from None


class Proven:
    """A reader by name that has given the very frames of PyAV at places spread over the film.

    Args:
        library: Its name.
        opened: Opens a film by it: how many frames it counts, and what gives those asked for.
        film: Path, or the film itself.
        name: For messages.

    Raises:
        MediaError: it would give other frames of this film.
    """

    def __init__(self, library: str, opened: Opened, film: str | Buffer, name: str) -> None:
        module = _library(library)
        truth = open_pyav(film, name)
        self._library, self._name, self.index = library, name, truth.index
        self._place = film if isinstance(film, str) else name
        try:
            count, self._batch = opened(module, film, truth.index)
        except OtherFrameError as error:
            self._refuse(str(error))
        except Exception as error:
            raise MediaError(f"{name}: cannot be opened as a video ({library}: {self._problem(error)})") from None
        if count != len(truth):
            self._refuse(f"counts {count} frames where {len(truth)} are shown")
        keys = truth.index.keys
        # In memory are the clips of a shard, a few seconds long: there one place must do.
        places = _PLACES if isinstance(film, str) else 1
        picked = {round((place + 0.5) * (len(keys) - 1) / places) for place in range(places)}
        asked = {keys[n].frame + more for n in picked for more in (0, 1)} | ({0, count - 1} if places > 1 else set())
        for frame in sorted(asked & {*range(count)}, reverse=True):
            if not np.array_equal(self.frame(frame), truth.frame(frame)):
                self._refuse(f"does not give frame {frame}")

    @property
    def fps(self) -> float:
        """See :class:`FrameReader`."""
        return self.index.fps

    def __len__(self) -> int:
        return len(self.index)

    def frame(self, index: int) -> Pixels:
        """See :class:`FrameReader`."""
        pixels: Pixels = self.frames([index])[0]
        return pixels

    def frames(self, indices: Sequence[int]) -> Pixels:
        """See :class:`FrameReader`."""
        check_pixels(len(indices), self.index.width, self.index.height, self._name)
        if not len(indices):
            return np.zeros((0, 0, 0, 3), np.uint8)
        if not 0 <= min(indices) <= max(indices) < len(self):
            lacking = next(n for n in indices if not 0 <= n < len(self))
            raise MediaError(f"{self._name}: no frame {lacking}, it has {len(self)}", reason="media_missing")
        try:
            return self._batch(list(indices))
        except OtherFrameError as error:
            self._refuse(str(error))
        except Exception as error:  # each library raises its own kinds, decord a bare RuntimeError
            which = f"frame {indices[0]}" if len(indices) == 1 else f"a frame from {indices[0]} to {indices[-1]}"
            raise MediaError(f"{self._name}: {which} cannot be decoded ({self._problem(error)})") from None

    def _problem(self, error: Exception) -> str:
        """What a library says about a film, in a line, without the folder that it is in."""
        lines = str(error).strip().splitlines()
        said = _IN_SOURCE.sub("", lines[-1]) if lines else type(error).__name__
        return said.replace(self._place, self._name)[:160]

    def _refuse(self, what: str) -> NoReturn:
        raise MediaError(f"{self._name}: {self._library} {what}", hint="PyAV reads such videos: unset SURGSIGMA_VIDEO.")


def _decord(library: Any, film: str | Buffer, index: FilmIndex) -> tuple[int, Batch]:
    if not index.closed:
        # After a jump decord 0.6 counts frames that the decoder leaves out, and gives others some places on.
        raise OtherFrameError("does not count right in videos with open groups, recovery points or hidden frames")
    reader = library.VideoReader(film if isinstance(film, str) else io.BytesIO(film), num_threads=1)
    return len(reader), lambda indices: reader.get_batch(indices).asnumpy()


def _torchcodec(_: Any, film: str | Buffer, index: FilmIndex) -> tuple[int, Batch]:
    source = film if isinstance(film, str) else bytes(film)
    # Exact: the film is scanned once, and frame n is frame n whatever its header says.
    reader = _library("torchcodec.decoders").VideoDecoder(source, dimension_order="NHWC", seek_mode="exact")

    def batch(indices: Sequence[int]) -> Pixels:
        found = reader.get_frames_at(indices=list(indices))
        late = found.pts_seconds.numpy() - index.stamps[list(indices)] * float(index.base)
        if np.abs(late).max() > float(index.base) / 2:
            raise OtherFrameError(f"gives a frame {np.abs(late).max():g} s off")
        pixels: Pixels = found.data.numpy()
        return pixels

    return len(reader), batch


READERS: dict[str, Callable[[str | Buffer, str], FrameReader]] = {
    "av": open_pyav,
    "decord": partial(Proven, "decord", _decord),
    "torchcodec": partial(Proven, "torchcodec", _torchcodec),
}
"""Every reader by name."""
