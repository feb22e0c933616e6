"""A bounded short side: image, mask and depth map of one frame made smaller by one rule, never larger."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from ..errors import MediaError

Size = tuple[int, int]
"""Width and height in pixels."""


def bounded(size: Size, side: int | None) -> Size:
    """Width and height that a picture of ``size`` gets where its short side may have ``side`` pixels; None: any.

    >>> bounded((1920, 1080), 448), bounded((640, 400), 448), bounded((640, 400), None)
    ((796, 448), (640, 400), (640, 400))
    """
    if side is None or min(size) <= side:
        return size
    scale = side / min(size)
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))


def smaller_picture(picture: Image.Image, size: Size) -> Image.Image:
    """An RGB picture at another size: bicubic with antialiasing, as the stream resizes."""
    return picture if picture.size == size else picture.resize(size, Image.Resampling.BICUBIC)


def smaller_mask(mask: npt.NDArray[np.uint8], size: Size) -> npt.NDArray[np.uint8]:
    """A mask ``(H, W)`` of 0 and 255 at another size: a pixel is inside where at least half of what it covers was.

    Raises:
        MediaError: the mask has pixels, and none of them is left: it would contradict its question.
    """
    if mask.shape == (size[1], size[0]):
        return mask
    covered = np.asarray(Image.fromarray(mask).resize(size, Image.Resampling.BOX))
    inside = np.where(covered >= 128, np.uint8(255), np.uint8(0))
    if mask.any() and not inside.any():
        raise MediaError(f"no pixel is left of the mask at {size[0]} x {size[1]}, the size of the stored frame")
    return inside


def smaller_depth(values: npt.NDArray[Any], size: Size) -> npt.NDArray[Any]:
    """A depth map ``(H, W)`` at another size: the value in the middle of each pixel.

    No mean of several, which at an edge would be the depth of nothing.
    """
    width, height = size
    rows = (2 * np.arange(height) + 1) * values.shape[0] // (2 * height)
    columns = (2 * np.arange(width) + 1) * values.shape[1] // (2 * width)
    picked: npt.NDArray[Any] = values[rows[:, None], columns[None, :]]
    return picked
