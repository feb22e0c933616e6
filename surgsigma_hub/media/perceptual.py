"""A picture's perceptual hash: 64 bits that stay nearly the same when it is encoded anew, and show nothing of it."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
from PIL import Image, ImageStat

from ..errors import MediaError, MissingExtraError
from .video import spread_frames

ALIKE = 8
"""Bits, of 64, in which two encodings of one picture may differ; pictures of two moments differ in some 20 and more."""

_FLAT = 3.0
"""Standard deviation of grey (0..255) below which a picture shows nothing: a black frame, say."""


def picture_hash(data: bytes, name: str = "picture") -> int:
    """The hash (pHash: signs of the lowest frequencies) of an encoded picture.

    Raises:
        MediaError: the picture cannot be read.
        MissingExtraError: imagehash is not installed.
    """
    try:
        with Image.open(io.BytesIO(data)) as image:
            return _hash(image.convert("RGB"))
    except (OSError, ValueError, SyntaxError) as error:
        raise MediaError(f"{name}: not a readable image ({error})") from None


def clip_hash(data: bytes, name: str = "clip") -> int:
    """The hash of one frame of an encoded clip, the same one for clips of the same length.

    Raises:
        MediaError: the clip cannot be read.
        MissingExtraError: imagehash is not installed.
    """
    (_, pixels), *_ = spread_frames(data, 1, name)
    return _hash(Image.fromarray(pixels))


def require_hashing() -> None:
    """Say what is missing before anything is read.

    Raises:
        MissingExtraError: imagehash is not installed.
    """
    _hash(Image.new("RGB", (8, 8)))


def _hash(image: Image.Image) -> int:
    try:
        import imagehash
    except ImportError:
        raise MissingExtraError("imagehash", "join", purpose="recognising images") from None
    if ImageStat.Stat(image.convert("L")).stddev[0] < _FLAT:
        return 0  # noise alone would decide
    bits: Any = imagehash.phash(image).hash
    return int.from_bytes(np.packbits(bits.flatten()).tobytes(), "big")


def bits_apart(one: int, other: int) -> int:
    """How many of 64 bits differ.

    >>> bits_apart(0b1011, 0b0010)
    2
    """
    return (one ^ other).bit_count()
