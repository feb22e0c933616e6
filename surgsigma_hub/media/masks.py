"""Masks: regions of any native kind to one image, 255 inside and 0 outside."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw

from ..errors import MediaError
from ..records import ImageRef, MaskRef, Polygons
from .image import load_raw, name_of


def render(masks: Iterable[MaskRef], *, width: int, height: int) -> npt.NDArray[np.uint8]:
    """The union of ``masks`` at the size of the frame, ``(height, width)`` uint8 of 0 and 255.

    Raises:
        MediaError: a mask picture is unreadable, or of another shape than the frame.
    """
    union = Image.new("L", (width, height), 0)
    pen = ImageDraw.Draw(union)
    inside = np.zeros((height, width), bool)
    loaded: dict[int, npt.NDArray[Any]] = {}  # several masks of a frame often share one picture
    for mask in masks:
        if isinstance(mask, Polygons):
            for ring in mask.rings:
                pen.polygon([(x * width, y * height) for x, y in ring], fill=255)
            continue
        if id(mask.image) not in loaded:
            loaded[id(mask.image)] = _at_size(load_raw(mask.image), width, height, mask.image)
        values = loaded[id(mask.image)]
        inside |= values != 0 if mask.value is None else values == mask.value
    return np.where(inside, np.uint8(255), np.asarray(union))


def _at_size(values: npt.NDArray[Any], width: int, height: int, ref: ImageRef) -> npt.NDArray[Any]:
    if values.ndim == 3:
        values = values[:, :, 0]  # label masks stored as RGB repeat one value
    if values.shape == (height, width):
        return values
    if abs(values.shape[1] * height - values.shape[0] * width) > 0.01 * values.shape[0] * width:
        raise MediaError(
            f"{name_of(ref)}: mask of {values.shape[1]} x {values.shape[0]} for a {width} x {height} frame"
        )
    rows = np.arange(height) * values.shape[0] // height
    columns = np.arange(width) * values.shape[1] // width
    picked: npt.NDArray[Any] = values[rows[:, None], columns[None, :]]
    return picked
