"""Pictures: from a reference to JPEG bytes or pixels. The only module that decodes or encodes stills.

JPEG bytes pass through untouched, but for metadata segments, which are cut out without touching the coded picture.
Everything else is decoded and encoded once, 4:2:0, at the quality the build states.
"""

from __future__ import annotations

import io
import os
import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image, UnidentifiedImageError

from ..errors import MediaError
from ..plain_file import open_plain, read_plain
from ..records import Drawn, FileImage, FileSlice, ImageRef, VideoFrame
from .frame_side import Size, bounded, smaller_picture
from .limits import MAX_PIXELS

MAX_BYTES = 512 << 20
"""Larger files are refused: as many pixels as :data:`MAX_PIXELS` take 384 MB when nothing compresses them."""

_KEPT_SEGMENTS = {0xE0, 0xEE}  # JFIF, and Adobe's colour transform; all other APPn and comments may hold private data


@dataclass(frozen=True, slots=True)
class Encoded:
    """A JPEG as it goes into a shard; ``full`` is the width and height of the picture that it was made from."""

    data: bytes
    width: int
    height: int
    passed_through: bool
    full: Size


def to_jpeg(ref: ImageRef, *, quality: int, side: int | None = None) -> Encoded:
    """The picture as a JPEG without metadata, three components, whole.

    Args:
        ref: Where the pixels come from.
        quality: 1..95, used only where the picture is not a usable JPEG already, or is made smaller.
        side: Longest short side in pixels; a picture with a longer one is made smaller. None: any.

    Raises:
        MediaError: missing, unreadable, cut or too large.
    """
    if isinstance(ref, FileImage | FileSlice):
        data = read_bytes(ref)
        if data[:2] == b"\xff\xd8":
            clean = _clean_jpeg(data)
            if clean is not None and bounded(clean.full, side) == clean.full:
                return clean
        pixels = as_rgb(_open(data, name_of(ref)), name_of(ref))
    else:
        pixels = _to_rgb_image(load_raw(ref), name_of(ref))
    full = pixels.size
    pixels = smaller_picture(pixels, bounded(full, side))
    out = io.BytesIO()
    pixels.save(out, "JPEG", quality=quality)
    return Encoded(out.getvalue(), pixels.width, pixels.height, False, full)


def read_bytes(ref: FileImage | FileSlice) -> bytes:
    """The encoded bytes behind a reference.

    Raises:
        MediaError: missing, no plain file (a FIFO would never end), empty, larger than :data:`MAX_BYTES`, or shorter
            than the reference says.
    """
    try:
        if isinstance(ref, FileImage):
            data = read_plain(ref.path, most=MAX_BYTES)
        else:
            with open_plain(ref.path) as file:
                left = os.fstat(file.fileno()).st_size - ref.offset
                file.seek(ref.offset)
                data = file.read(max(0, min(ref.length, left, MAX_BYTES)))
    except FileNotFoundError:
        raise MediaError(f"{name_of(ref)}: no such file", reason="media_missing") from None
    except OSError as error:
        raise MediaError(f"{name_of(ref)}: cannot be read ({error.strerror})") from None
    if not data:
        raise MediaError(f"{name_of(ref)}: is empty (0 bytes)")
    if isinstance(ref, FileSlice) and len(data) < ref.length:
        raise MediaError(f"{name_of(ref)}: cut at {len(data)} of {ref.length} bytes")
    return data


def load_raw(ref: ImageRef) -> npt.NDArray[Any]:
    """Stored values: ``(H, W, 3)`` uint8 colour, or ``(H, W)`` for grey, index, 16-bit and float32 pictures.

    Raises:
        MediaError: as :func:`to_jpeg`.
    """
    if isinstance(ref, Drawn):
        return ref.draw()
    if isinstance(ref, VideoFrame):
        from .video import read_frame  # here: a stream of images opens sooner without the readers of videos

        return read_frame(ref.path, ref.index)
    image = _open(read_bytes(ref), name_of(ref))
    if image.mode in ("L", "P", "I;16", "I;16B", "I", "1", "F"):
        return np.asarray(image)
    return np.asarray(as_rgb(image, name_of(ref)))


def load_stored(ref: FileImage | FileSlice, *, colours: bool = False) -> npt.NDArray[Any]:
    """Values as they are stored, for label masks: ``(H, W)``, or ``(H, W, 3)`` uint8 where there are three channels.

    Transparency is left off, not laid over black, which would change the values.

    Args:
        ref: An encoded picture.
        colours: Read a picture with a palette, or of one channel, as the colours that it shows; else its numbers.

    Raises:
        MediaError: as :func:`to_jpeg`.
    """
    image = _open(read_bytes(ref), name_of(ref))
    if image.mode in ("RGBA", "LA", "PA"):
        image = _without_alpha(image)
    if image.mode != "RGB" and (colours or image.mode not in ("L", "P", "I;16", "I;16B", "I", "1")):
        image = as_rgb(image, name_of(ref))
    return np.asarray(image)


def _without_alpha(image: Image.Image) -> Image.Image:
    if image.mode == "PA":
        return image.convert("RGBA").convert("RGB")
    return Image.merge({"RGBA": "RGB", "LA": "L"}[image.mode], image.split()[:-1])


def load_rgb(ref: ImageRef) -> npt.NDArray[np.uint8]:
    """The picture as colour, ``(H, W, 3)`` uint8, whatever it is stored as: what :func:`to_jpeg` would encode.

    Raises:
        MediaError: as :func:`to_jpeg`.
    """
    if isinstance(ref, FileImage | FileSlice):
        return np.asarray(as_rgb(_open(read_bytes(ref), name_of(ref)), name_of(ref)))
    return np.asarray(_to_rgb_image(load_raw(ref), name_of(ref)))


def picture_size(ref: ImageRef) -> Size:
    """Width and height in pixels; of a file, what its header says.

    Raises:
        MediaError: as :func:`to_jpeg`, but damage behind the header is not seen.
    """
    if isinstance(ref, VideoFrame):
        from .film_table import film_table

        table = film_table(ref.path)
        if not 0 <= ref.index < len(table):
            raise MediaError(f"{name_of(ref)}: the video has {len(table)} frames", reason="media_missing")
        return table.width, table.height
    if isinstance(ref, Drawn):
        height, width = ref.draw().shape[:2]
        return width, height
    return _header(read_bytes(ref), name_of(ref)).size


def decode(data: bytes, name: str) -> Image.Image:
    """Encoded bytes as a picture, in the mode it is stored in; ``name`` is for messages.

    Raises:
        MediaError: empty, unreadable, cut or too large.
    """
    if not data:
        raise MediaError(f"{name}: is empty (0 bytes)")
    return _open(data, name)


def decode_rgb(data: bytes, name: str) -> Image.Image:
    """As :func:`decode`, in RGB."""
    return as_rgb(decode(data, name), name)


def png_bytes(values: npt.NDArray[Any]) -> bytes:
    """``values`` (uint8 or uint16, ``(H, W)``) as a PNG without metadata."""
    out = io.BytesIO()
    Image.fromarray(values).save(out, "PNG", compress_level=4)
    return out.getvalue()


def name_of(ref: ImageRef) -> str:
    """A short name for messages: never an absolute path."""
    if isinstance(ref, Drawn):
        return ref.name
    short = "/".join(ref.path.parts[-2:])
    if isinstance(ref, VideoFrame):
        return f"{short} frame {ref.index}"
    if isinstance(ref, FileSlice):
        return f"{short} at byte {ref.offset}"
    return short


def _open(data: bytes, name: str) -> Image.Image:
    image = _header(data, name)
    try:
        image.load()
    except (OSError, ValueError, SyntaxError, EOFError) as error:
        raise MediaError(f"{name}: damaged image ({pillow_words(error)})") from None
    return image


def _header(data: bytes, name: str) -> Image.Image:
    """A picture whose pixels are not decoded yet."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            image = Image.open(io.BytesIO(data))
    except (Image.DecompressionBombWarning, Image.DecompressionBombError):
        raise MediaError(f"{name}: more than {MAX_PIXELS} pixels", reason="media_too_large") from None
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError) as error:
        raise MediaError(f"{name}: not a readable image ({pillow_words(error)})") from None
    _check_size(image.width, image.height, name)
    return image


def pillow_words(error: Exception) -> str:
    """What Pillow says of a picture, without the memory address of the buffer: that differs between runs."""
    return str(error).split(" <_io", 1)[0]


def _check_size(width: int, height: int, name: str) -> None:
    if width * height > MAX_PIXELS:
        raise MediaError(f"{name}: {width} x {height} is more than {MAX_PIXELS} pixels", reason="media_too_large")


def as_rgb(image: Image.Image, name: str) -> Image.Image:
    """A loaded picture of any mode as RGB: grey repeated, 16 bits cut to 8, what is transparent black.

    Raises:
        MediaError: a mode that has no meaning as colour.
    """
    if image.mode == "RGB":
        return image
    if image.mode.startswith("I"):
        return _to_rgb_image(np.asarray(image), name)
    if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
        rgba = image.convert("RGBA")  # what is transparent becomes black, as outside the endoscope's circle
        return Image.alpha_composite(Image.new("RGBA", rgba.size, (0, 0, 0, 255)), rgba).convert("RGB")
    try:
        return image.convert("RGB")
    except (OSError, ValueError) as error:
        raise MediaError(f"{name}: colour mode {image.mode} cannot be read as RGB ({pillow_words(error)})") from None


def _to_rgb_image(values: npt.NDArray[Any], name: str) -> Image.Image:
    if values.dtype != np.uint8:
        values = (np.clip(values, 0, 65535).astype(np.uint32) >> 8).astype(np.uint8)  # 16-bit depth to 8
    if values.ndim == 2:
        values = np.repeat(values[:, :, None], 3, axis=2)
    if values.ndim != 3 or values.shape[2] != 3:
        raise MediaError(f"{name}: pixels of shape {values.shape}, expected (H, W, 3) or (H, W)")
    _check_size(values.shape[1], values.shape[0], name)
    return Image.fromarray(np.ascontiguousarray(values))


def _clean_jpeg(data: bytes) -> Encoded | None:
    """A whole, three-component JPEG with its private segments cut out; None where it has to be encoded anew."""
    kept: list[bytes] = [data[:2]]
    at, size = 2, (0, 0)
    while at + 4 <= len(data) and data[at] == 0xFF:
        marker = data[at + 1]
        if marker == 0xFF:  # fill byte
            at += 1
            continue
        length = int.from_bytes(data[at + 2 : at + 4], "big")
        segment = data[at : at + 2 + length]
        if marker in range(0xC0, 0xD0) and marker not in (0xC4, 0xC8, 0xCC):
            if len(segment) < 10 or segment[9] != 3:
                return None
            size = (int.from_bytes(segment[7:9], "big"), int.from_bytes(segment[5:7], "big"))
        if marker in _KEPT_SEGMENTS or not (0xE0 <= marker <= 0xEF or marker == 0xFE):
            kept.append(segment)
        at += 2 + length
        if marker == 0xDA:
            end = data.rfind(b"\xff\xd9", at)
            # No end marker: cut. A second start marker: another picture hides behind the first.
            if end < 0 or 0 in size or data.find(b"\xff\xd8\xff", at) >= 0:
                return None
            _check_size(*size, "JPEG")
            whole = end + 2 == len(data) and sum(map(len, kept)) == at
            return Encoded(data if whole else b"".join([*kept, data[at : end + 2]]), *size, True, size)
    return None
