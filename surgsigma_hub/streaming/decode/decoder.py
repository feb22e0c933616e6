"""From the members of a sample to pixels: JPEG by simplejpeg where it gives Pillow's pixels, Pillow for all else."""

from __future__ import annotations

import io
import math
import threading
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import orjson
from PIL import Image, UnidentifiedImageError

from ...conformance import form_problem
from ...errors import MediaError, ShardError, SurgSigmaError
from ...media.image import as_rgb, pillow_words
from ...media.limits import MAX_PIXELS
from ...schema import READ_VERSIONS, check_format_version
from ...shards.by_medium import layout_of
from ...shards.tar_index import Members
from .pixel_pool import PixelPool, Pixels
from .resize import Rgb, resize, resize_into, resize_values, resolve_kernel

if TYPE_CHECKING:
    from ...media.film_readers import FrameReader

try:
    import simplejpeg
except ImportError:  # the extra "stream"; Pillow gives the same pixels, more slowly
    simplejpeg = None

Decode = Literal["bytes", "view", "rgb"] | Rgb
_POOL = 512 << 20  # bytes of pixels that all threads together keep for reuse, at most
_AT_A_TIME = 16  # frames of a clip that lie in memory at full size before they are resized
_MOST = 100_000
"""Frames chosen of one clip at most: most have hundreds, one whose frames stand for hours may ask for billions."""
_SLOWEST = 1e-6
"""Frames a second: with fewer, or more than the inverse, the place of a frame is no number any more."""
_JPEG = b"\xff\xd8"
_DIRECT = ("YCbCr", "Gray")  # colour spaces of JPEG that simplejpeg and Pillow read alike


@dataclass(frozen=True, slots=True)
class Frames:
    """Which frames of a clip to decode, to ``(n, height, width, 3)`` uint8 RGB. Give one of the first three.

    Args:
        count: So many, spread evenly from the first to the last; a shorter clip repeats frames.
        rate: So many a second of the clip's time.
        indices: These, counted from 0.
        most: Upper bound for ``rate``: a longer clip is cut.
    """

    count: int | None = None
    rate: float | None = None
    indices: tuple[int, ...] | None = None
    most: int | None = None

    def __post_init__(self) -> None:
        given = [n for n in ("count", "rate", "indices") if getattr(self, n) is not None]
        if len(given) != 1:
            raise SurgSigmaError(f"Frames needs one of count, rate and indices, got {' and '.join(given) or 'none'}")
        if any(value is not None and not value > 0 for value in (self.count, self.rate, self.most)):
            raise SurgSigmaError("Frames: count, rate and most must be above 0")
        if self.rate is not None and not _SLOWEST <= self.rate <= 1 / _SLOWEST:
            raise SurgSigmaError(
                f"{self.rate:g} frames a second", hint=f"Expected a rate from {_SLOWEST:g} to {1 / _SLOWEST:g}."
            )

    def choose(self, length: int, fps: float) -> list[int]:
        """The frames of a clip with ``length`` frames.

        Raises:
            MediaError: a clip so slow that the rate would repeat its frames without end.

        >>> Frames(count=3).choose(9, 25), Frames(rate=5).choose(11, 25), Frames(count=4).choose(2, 25)
        ([0, 4, 8], [0, 5, 10], [0, 0, 1, 1])
        >>> Frames(rate=2).choose(4, 1), Frames(rate=10).choose(9, 25), Frames(rate=10).choose(9, 29.97)
        ([0, 0, 1, 1, 2, 2, 3, 3], [0, 2, 5, 7], [0, 3, 6])
        """
        if self.indices is not None:
            return list(self.indices)
        if self.count is not None:
            return [int(i) for i in np.floor(np.linspace(0, length - 1, self.count) + 0.5)]
        assert self.rate is not None
        step = (fps or self.rate) / self.rate
        # The nearest frame, of two the earlier: round() takes the even one, which repeats frames 3, 1, 3, 1 times.
        count = min(int(length / step) + 1, self.most or _MOST + 1)
        if count > _MOST:
            raise MediaError(f"more than {_MOST} frames at {self.rate:g} a second", reason="media_too_large")
        return [i for i in (math.ceil(n * step - 0.5) for n in range(count)) if i < length]


class Decoder:
    """Turns raw members into what a trainer gets. Threads may share it.

    Args:
        decode: ``bytes`` copies of the members, ``view``s of the shard's memory, ``rgb`` or :class:`Rgb`.
        frames: Which frames of clips to decode. None: clips are given as bytes.
        verify: Compare each medium with the sha256 in its sample, and the JSON with the schema. Without it, only those
            fields are looked at that are used here: the version and the media.
    """

    def __init__(self, decode: Decode, *, frames: Frames | None = None, verify: bool = False) -> None:
        if isinstance(decode, str) and decode not in ("bytes", "view", "rgb"):
            raise SurgSigmaError(f"unknown decode {decode!r}", hint="Expected bytes, view, rgb or Rgb(...).")
        self._rgb = Rgb() if decode == "rgb" else decode if isinstance(decode, Rgb) else None
        self._kernel = resolve_kernel(self._rgb.kernel) if self._rgb is not None else "pillow"
        self._view = decode == "view"
        self._frames, self._verify = frames, verify
        self._local = threading.local()

    @property
    def pixels(self) -> bool:
        """Whether there is decoding to do, which is worth threads."""
        return self._rgb is not None or self._frames is not None

    @property
    def uses_torch(self) -> bool:
        """Whether torch resizes."""
        return self._rgb is not None and self._rgb.resizes and self._kernel == "torch"

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name != "_local"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__ |= state
        self._local = threading.local()

    def sample(self, raw: Members) -> tuple[dict[str, Any], dict[str, Any]]:
        """The parsed JSON of a sample, and its media by member.

        Raises:
            ShardError: not a sample of this package, or a medium that it names is missing or not what it was.
            MediaError: a medium that cannot be decoded.
        """
        where = raw.where
        sample, listed = self._parsed(raw)
        media: dict[str, Any] = {}
        for member, kind, digest in listed:
            data = raw.media.get(member) if isinstance(member, str) else None
            if data is None:
                named = repr(member)[:100] if isinstance(member, str) else f"a {type(member).__name__}"
                raise ShardError(f"{where}: sample {raw.key!r} names the medium {named}, which is not in the tar")
            if self._verify and sha256(data).hexdigest() != digest:
                raise ShardError(f"{where}: medium {raw.key}.{member} is not what it was when it was written (sha256)")
            if kind == "video" and self._frames is not None:
                media[member] = self._clip(data, self._frames, f"{where}: {raw.key}.{member}")
            elif kind == "video" or self._rgb is None:
                media[member] = data if self._view else bytes(data)
            elif kind == "image":
                media[member] = self._picture(data, self._rgb, where, raw.key, member)
            else:
                media[member] = self._values(data, self._rgb, f"{where}: {raw.key}.{member}")
        if self._verify and (problem := form_problem(sample, layout=layout_of(sample))):
            raise ShardError(f"{where}: sample {raw.key!r}: {problem}", hint="Validate or rebuild the shard.")
        return sample, media

    def _parsed(self, raw: Members) -> tuple[dict[str, Any], list[tuple[str, str, str]]]:
        """The JSON of a sample, and member, kind and sha256 of each medium that it names."""
        try:
            sample: dict[str, Any] = orjson.loads(raw.json)
            if sample["format_version"] not in READ_VERSIONS:
                check_format_version(sample["format_version"], where=raw.where)
            return sample, [(m["member"], m["kind"], m["sha256"]) for m in sample["media"]]
        except (orjson.JSONDecodeError, KeyError, TypeError) as error:
            raise ShardError(f"{raw.where}: sample {raw.key!r} has no JSON of this package ({error!r})") from None

    def _picture(self, data: memoryview, rgb: Rgb, where: str, key: str, member: str) -> Pixels:
        pixels = self._jpeg(data, rgb) if simplejpeg is not None and bytes(data[:2]) == _JPEG else None
        if pixels is None:
            pixels = self._pillow(data, rgb, f"{where}: {key}.{member}")
        if rgb.resizes:
            width, height = self._target(rgb, data, pixels)
            resized = self._resized(pixels, width, height)
            # The scratch buffer is written again by the next picture of this thread.
            return resized.copy() if resized is pixels else resized
        return pixels

    def _target(self, rgb: Rgb, data: memoryview, pixels: Pixels) -> tuple[int, int]:
        if not rgb.fast:
            return rgb.size(pixels.shape[1], pixels.shape[0])
        with Image.open(io.BytesIO(data)) as image:  # a scaled decode does not say how large the picture was
            return rgb.size(*image.size)

    def _jpeg(self, data: memoryview, rgb: Rgb) -> Pixels | None:
        """Pixels by simplejpeg; None for what Pillow had better read, or refuse with its reason."""
        try:
            height, width, colours, _ = simplejpeg.decode_jpeg_header(data)
            if colours not in _DIRECT or height * width > MAX_PIXELS:
                return None
            if rgb.fast and rgb.resizes:
                least = rgb.size(width, height)
                small: Pixels = simplejpeg.decode_jpeg(
                    data, "RGB", fastdct=True, min_width=least[0], min_height=least[1], min_factor=2
                )
                return small
            size, memory = height * width * 3, self._memory()
            buffer = memory.scratch("full", size) if rgb.resizes else memory.flat(size)
            pixels: Pixels = simplejpeg.decode_jpeg(data, "RGB", fastdct=False, fastupsample=False, buffer=buffer)
            return pixels
        except ValueError:
            return None

    def _pillow(self, data: memoryview, rgb: Rgb, name: str) -> Pixels:
        return np.array(as_rgb(_opened(data, name, fast=rgb if rgb.fast and rgb.resizes else None), name))

    def _resized(self, pixels: Pixels, width: int, height: int) -> Pixels:
        return resize(pixels, width, height, self._kernel, self._memory())

    def _resize_into(self, pixels: Pixels, out: Pixels) -> None:
        resize_into(pixels, out, self._kernel, self._memory())

    def _memory(self) -> PixelPool:
        memory: PixelPool | None = getattr(self._local, "memory", None)
        if memory is None:
            memory = self._local.memory = PixelPool(_POOL // 4)
        return memory

    def _values(self, data: memoryview, rgb: Rgb, name: str) -> np.ndarray:
        values = np.array(_opened(data, name))
        if rgb.resizes:
            return resize_values(values, *rgb.size(values.shape[1], values.shape[0]))
        return values

    def _clip(self, data: memoryview, frames: Frames, name: str) -> Pixels:
        # Imported here: a stream of images opens sooner without the readers of clips.
        from ...media.film_index import check_pixels
        from ...media.video import open_video_bytes

        reader = open_video_bytes(data, name)
        chosen = frames.choose(len(reader), reader.fps)
        size = reader.index.size
        check_pixels(len(chosen), *(self._rgb.size(*size) if self._rgb is not None else size), name)
        for index in chosen:
            if not 0 <= index < len(reader):
                raise MediaError(f"{name}: no frame {index}, it has {len(reader)}", reason="media_missing")
        once = sorted(set(chosen))  # each frame is read once and forwards, whatever is asked for
        pixels = self._frames_of(reader, once)
        return pixels if chosen == once else pixels[np.searchsorted(once, chosen)]

    def _frames_of(self, reader: FrameReader, indices: list[int]) -> Pixels:
        rgb = self._rgb
        if rgb is None or not rgb.resizes:
            return reader.frames(indices)
        out: Pixels | None = None
        step = max(1, min(_AT_A_TIME, MAX_PIXELS // math.prod(reader.index.size)))
        for at in range(0, len(indices), step):
            full = reader.frames(indices[at : at + step])
            width, height = rgb.size(full.shape[2], full.shape[1])
            if out is None:
                out = self._memory().take(len(indices), height, width, 3)
            for n, frame in enumerate(full, start=at):
                self._resize_into(frame, out[n])
        return np.zeros((0, 0, 0, 3), np.uint8) if out is None else out


def _opened(data: memoryview, name: str, *, fast: Rgb | None = None) -> Image.Image:
    try:
        image = Image.open(io.BytesIO(data))
        if image.width * image.height > MAX_PIXELS:
            raise MediaError(
                f"{name}: {image.width} x {image.height} is more than {MAX_PIXELS} pixels", reason="media_too_large"
            )
        if fast is not None:
            image.draft("RGB", fast.size(*image.size))
        image.load()
        return image
    except Image.DecompressionBombError:
        raise MediaError(f"{name}: more than {MAX_PIXELS} pixels", reason="media_too_large") from None
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError, EOFError) as error:
        raise MediaError(f"{name}: not a readable image ({pillow_words(error)})") from None
