"""Frames of videos by PyAV: decoded forward, each known by its time stamp, each jump checked."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Container, Iterator, Sequence
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from ..errors import MediaError
from .film_index import FilmIndex, Key, check_pixels
from .film_packets import AstrayError, FilmPackets
from .scaling import EXACT, FAST, reformatted

if TYPE_CHECKING:
    from typing_extensions import Buffer

Pixels = npt.NDArray[np.uint8]

_NEAR = 4
"""Frames ahead from which on a jump pays."""
_DEAR = 250
"""Frames to decode from which on it pays to find out whether a film can be read from its recovery points."""
_PLACES, _FRAMES, _LONG = 3, 8, 1000
"""Places of a film where that is tried, frames compared at each, and frames that it may take to get there."""
_SPENT = 1 << 62
"""Decoding stands behind every frame."""


def identity(path: Path) -> tuple[str, str, int, int]:
    """Path, name, bytes and time of change of a film: by these it is known, so that one written anew is read anew.

    Raises:
        MediaError: missing or empty.
    """
    try:
        stat = path.stat()
    except OSError:
        raise MediaError(f"{path.name}: no such file", reason="media_missing") from None
    if not path.is_file():
        raise MediaError(f"{path.name}: is no file", reason="media_missing")
    if not stat.st_size:
        raise MediaError(f"{path.name}: is empty (0 bytes)")
    return str(path), path.name, stat.st_size, stat.st_mtime_ns


def film_index(path: Path) -> FilmIndex:
    """Where the frames of a film lie; kept for the films read last.

    Raises:
        MediaError: missing, empty, no film, too many pixels, no usable time stamps.
    """
    return _index(*identity(path))


@lru_cache(maxsize=16)
def _index(path: str, name: str, size: int, changed: int) -> FilmIndex:
    return PyAV(path, name).index


def open_pyav(film: str | Buffer, name: str, *, exact: bool = False) -> PyAV:
    """A reader of a film at a path or in memory; what is known of a film at a path is not read again."""
    return PyAV(film, name, film_index(Path(film)) if isinstance(film, str) else None, exact=exact)


class PyAV:
    """Reads whatever FFmpeg decodes; the other readers are measured against it.

    A jump goes to a key frame after which, by the format, nothing older is needed; or to a recovery point, once the
    film has proved that what is decoded from such points is what is decoded from before them.

    Args:
        film: Path, or the film itself.
        name: For messages.
        index: Of this film; None: it is read here.
        exact: Give pixels that are the same on every machine, at three times the cost of changing colours.

    Raises:
        MediaError: no film, too many pixels, no usable time stamps, a rotation that cannot be applied.
    """

    def __init__(self, film: str | Buffer, name: str, index: FilmIndex | None = None, *, exact: bool = False) -> None:
        import av

        self._name, self._rounding = name, EXACT if exact else FAST
        # One for the film: a frame's own would set up the conversion of colours anew.
        self._to_rgb: Any = av.video.reformatter.VideoReformatter()
        self._held: tuple[int, Any] | None = None
        self._frames: Iterator[Any] = iter(())
        try:
            self._packets = FilmPackets(film, name)
            self.index = self._packets.scan() if index is None else index
            self._key, self._next, self._begun = self.index.keys[0], _SPENT, False
            if index is None:
                self._begin()
        except av.FFmpegError as error:
            raise MediaError(f"{name}: cannot be opened as a video ({error.strerror})") from None
        except AstrayError as error:
            raise MediaError(f"{name}: cannot be opened as a video ({error})") from None
        self._set_starts([key for key in self.index.keys if key.clean])
        unsure = len(self._starts) < len(self.index.keys) and not self.index.counted
        self._proved: bool | None = None if unsure else False

    def __len__(self) -> int:
        return len(self.index)

    @property
    def fps(self) -> float:
        """See :class:`FrameReader`."""
        return self.index.fps

    def frame(self, index: int) -> Pixels:
        """See :class:`FrameReader`."""
        return self._pixels(self.decoded(index))

    def frames(self, indices: Sequence[int]) -> Pixels:
        """See :class:`FrameReader`."""
        check_pixels(len(indices), self.index.width, self.index.height, self._name)
        out: Pixels | None = None
        for n, index in enumerate(indices):
            pixels = self.frame(index)
            if out is None:
                out = np.empty((len(indices), *pixels.shape), np.uint8)
            out[n] = pixels
        return np.zeros((0, 0, 0, 3), np.uint8) if out is None else out

    def decoded(self, index: int) -> Any:
        """Frame ``index`` as PyAV gives it, not yet turned as its film says.

        Raises:
            MediaError: no such frame, or the film is damaged there.
        """
        if not 0 <= index < len(self):
            raise MediaError(f"{self._name}: no frame {index}, it has {len(self)}", reason="media_missing")
        frame = self._held[1] if self._held and self._held[0] == index else self._found(index)
        if (frame.width, frame.height) != (self.index.width, self.index.height):
            raise MediaError(
                f"{self._name}: frame {index} is {frame.width} x {frame.height}, "
                f"the first {self.index.width} x {self.index.height}"
            )
        if frame.is_corrupt:
            raise MediaError(f"{self._name}: frame {index} is damaged")
        self._held = index, frame
        return frame

    def turned(self, frame: Any) -> Any:
        """A decoded frame as it is to be shown."""
        import av

        if not self.index.rotation:
            return frame
        return av.VideoFrame.from_ndarray(self._pixels(frame), format="rgb24")

    def _pixels(self, frame: Any) -> Pixels:
        made = reformatted(frame, format="rgb24", rounding=self._rounding, by=self._to_rgb)
        pixels: Pixels = made.to_ndarray()
        if self.index.rotation:
            return np.ascontiguousarray(np.rot90(pixels, -self.index.rotation // 90))
        return pixels

    # -- where to decode from -------------------------------------------------------------------------------------

    def _found(self, index: int) -> Any:
        import av

        why = ""
        for start in self._attempts(index):
            try:
                if start is not None:
                    self._restart(start)
                frame = self._reach(index)
                if frame is not None:
                    return frame
                why, astray = "the decoder leaves it out", False
            except AstrayError as error:
                why, astray = str(error), True
            except av.FFmpegError as error:
                why, astray = error.strerror, not self._begun
            if astray and self._key != self.index.keys[0]:
                self._set_starts([key for key in self._starts if key != self._key], self._late)
            elif self._key.clean:
                break  # the film is damaged there; from further back it would be the same
        raise MediaError(f"{self._name}: frame {index} cannot be decoded ({why})")

    def _attempts(self, index: int) -> list[Key | None]:
        """Where to decode from, in turn; None: from where decoding stands."""
        at = self._start_at(index)
        near = self._next <= index and self._starts[at].frame - self._next < _NEAR
        return [*([None] if near else []), *(self._starts[n] for n in sorted({at, max(0, at - 1), 0}, reverse=True))]

    def _start_at(self, index: int) -> int:
        at = max(0, bisect_right(self._safe_from, index) - 1)
        so_far = max(self._starts[at].frame, self._next if self._next <= index else 0)
        if self._proved is None and index - so_far > _DEAR:
            self._proved = self._prove()
            return self._start_at(index)
        return at

    def _set_starts(self, keys: Sequence[Key], late: int = 0) -> None:
        """Where jumps may go to. From a recovery point on frames are right ``late`` frames later."""
        self._starts = sorted(keys, key=lambda key: key.frame + (0 if key.clean else late))
        self._safe_from = [key.frame + (0 if key.clean else late) for key in self._starts]
        self._late = late

    def _prove(self) -> bool:
        """Whether recovery points of this film can be jumped to: tried at places spread over it."""
        keys, late, proofs = self.index.keys, 0, 0
        points = [n for n, key in enumerate(keys) if not key.clean]
        for n in {points[round(place * (len(points) - 1) / (_PLACES - 1))] for place in range(_PLACES)}:
            found = self._run(keys[n], range(len(self)))
            if not found:
                continue  # the film ends before it is right again
            earlier = (self._run(keys[m], found) for m in range(n - 1, -1, -1))
            expected = next((run for run in earlier if run.keys() == found.keys()), {})
            if expected not in ({}, found):
                return False
            late, proofs = max(late, min(found) - keys[n].frame), proofs + bool(expected)
        if proofs:
            self._set_starts(keys, late)
        return proofs > 0

    def _run(self, key: Key, wanted: Container[int]) -> dict[int, bytes]:
        """Digests of the first frames wanted that are decoded from ``key``; none where that goes wrong."""
        import av

        found: dict[int, bytes] = {}
        try:
            self._restart(key)
            for number, frame in self._numbered():
                if number in wanted:
                    found[number] = sha256(self._pixels(frame).tobytes()).digest()
                if len(found) == _FRAMES or number > key.frame + _LONG:
                    break
        except (AstrayError, av.FFmpegError):
            return {}
        return found

    # -- the decoder ----------------------------------------------------------------------------------------------

    def _restart(self, key: Key) -> None:
        self._key, self._next, self._begun = key, key.frame, False
        self._frames = self._decode(key)

    def _decode(self, key: Key) -> Iterator[Any]:
        begun = False
        for packet in self._packets.since(key, self.index):
            frames = packet.decode()
            if begun and not frames and packet.size and self.index.steady:
                raise AstrayError("frames are left out, and nothing says which")
            for frame in frames:
                begun = True
                yield frame

    def _reach(self, index: int) -> Any:
        """Decode on to a frame; None where it does not come."""
        for number, frame in self._numbered():
            if number >= index:
                return frame if number == index else None
        return None

    def _numbered(self) -> Iterator[tuple[int, Any]]:
        following, self._next = self._next, _SPENT
        for frame in self._frames:
            number = self._number(frame, following)
            if number is not None:
                following = self._next = number + 1
                yield number, frame
                self._next = _SPENT

    def _number(self, frame: Any, following: int) -> int | None:
        """The number of a decoded frame; None where it is shown before the key frame that decoding began at.

        Raises:
            AstrayError: it is not the frame that should come.
        """
        key, stamps = self._key, self.index.stamps
        first = not self._begun
        if self.index.counted:
            if first and not frame.key_frame:
                if key.leading:
                    return None
                raise AstrayError("what its container calls a key frame is none")
            self._begun = True
            return following
        number = len(self) if frame.pts is None else int(np.searchsorted(stamps, frame.pts))
        known = number < len(self) and stamps[number] == frame.pts
        if number < key.frame or (first and not known):
            return None
        if not known or number < following:
            raise AstrayError("its frames come at other times than its packets say")
        itself = frame.pts == self.index.order[key.packet]
        if (
            first
            and key.clean
            and key != self.index.keys[0]
            and (number > key.frame or (itself and not frame.key_frame))
        ):
            raise AstrayError("what its container calls a key frame is none")
        self._begun = True
        return number

    def _begin(self) -> None:
        """Decode the first frame, which says what packets do not."""
        self._restart(self.index.keys[0])
        for frame in self._frames:
            if frame.key_frame or not self.index.counted:
                self.index = self.index.begun(frame, self._name)
                self._key, self._next, self._begun, self._held = self.index.keys[0], 1, True, (0, frame)
                return
        raise MediaError(f"{self._name}: holds no frame that can be decoded")
