"""Images for looking: frames with their boxes and masks drawn in, depth in colour."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from PIL import Image, ImageChops, ImageDraw, ImageFilter

from ..errors import MediaError
from ..ontology.forms import noun_of
from .colourmap import ramp
from .image import decode
from .lettering import cut, font

Colour = tuple[int, int, int]

PALETTE: tuple[Colour, ...] = (
    (76, 201, 240), (255, 183, 3), (128, 237, 153), (247, 37, 133), (180, 151, 255),
    (255, 127, 80), (64, 224, 208), (240, 240, 100), (255, 159, 243), (144, 190, 255),
)  # fmt: skip
"""Bright colours that stand out from tissue."""

MASK_COLOUR: Colour = (76, 201, 240)
_INK: Colour = (17, 20, 26)
_PIXELS_SHOW = 5
"""Pictures enlarged more than this many times show their pixels, instead of a blur that looks like bad focus."""


def colours(labels: Iterable[str]) -> dict[str, Colour]:
    """A colour for every label, the same for the same set of labels."""
    return {label: PALETTE[n % len(PALETTE)] for n, label in enumerate(sorted(set(labels)))}


def fitted(image: Image.Image, box: tuple[int, int]) -> Image.Image:
    """``image`` as large as fits into ``box``, its shape kept."""
    scale = min(box[0] / image.width, box[1] / image.height)
    size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    return image.resize(size, Image.Resampling.NEAREST if scale > _PIXELS_SHOW else Image.Resampling.LANCZOS)


def depth_picture(data: bytes, name: str = "depth", *, gaps: bool = False) -> Image.Image:
    """A depth map of 8 or 16 bit in colour, its nearest point bright and its farthest dark.

    Args:
        data: One channel.
        name: For errors.
        gaps: Whether 0 is where nothing was measured: it becomes black, and is no point.

    Raises:
        MediaError: unreadable, or not of one channel.
    """
    values = np.asarray(decode(data, name)).astype(np.float32)
    if values.ndim != 2:
        raise MediaError(f"{name}: a depth map has one channel, this has {values.shape[2]}")
    known = values > 0 if gaps else np.ones(values.shape, bool)
    points = values[known]
    low, high = (float(points.min()), float(points.max())) if points.size else (0.0, 0.0)
    table = ramp()
    steps = np.round(np.clip((values - low) / max(high - low, 1e-6), 0, 1) * (len(table) - 1)).astype(np.intp)
    return Image.fromarray(np.where(known[:, :, None], table[steps], 0).astype(np.uint8))


def draw_mask(image: Image.Image, data: bytes, colour: Colour = MASK_COLOUR, *, name: str = "mask") -> Image.Image:
    """``image`` with a mask laid over it: translucent inside, a line around it.

    Raises:
        MediaError: the mask is unreadable.
    """
    mask = decode(data, name).convert("L")
    inside = mask.resize(image.size, Image.Resampling.BILINEAR).point(lambda v: 255 if v > 127 else 0)
    padded = Image.new("L", (image.width + 2, image.height + 2), 0)  # so that the line runs along the frame's edge too
    padded.paste(inside, (1, 1))
    edge = ImageChops.subtract(padded, padded.filter(ImageFilter.MinFilter(3)))
    edge = edge.filter(ImageFilter.MaxFilter(3)).crop((1, 1, image.width + 1, image.height + 1))
    tinted = Image.composite(Image.new("RGB", image.size, colour), image, inside.point(lambda v: v * 2 // 5))
    return Image.composite(Image.new("RGB", image.size, colour), tinted, edge)


def draw_boxes(
    image: Image.Image, boxes: Sequence[Mapping[str, Any]], palette: Mapping[str, Colour], *, text: int = 13
) -> Image.Image:
    """``image`` with boxes in the colour of their label, each with a chip that names it.

    Args:
        image: RGB.
        boxes: As in a sample's answer: ``label`` and corners in 0..1.
        palette: Colour of every label.
        text: Size of the label's text in pixels.
    """
    made = image.copy()
    pen = ImageDraw.Draw(made)
    lettering = font(text)
    corners = [
        (
            round(b["x1"] * image.width),
            round(b["y1"] * image.height),
            max(round(b["x2"] * image.width) - 1, round(b["x1"] * image.width)),
            max(round(b["y2"] * image.height) - 1, round(b["y1"] * image.height)),
        )
        for b in boxes
    ]
    for box, (x1, y1, x2, y2) in zip(boxes, corners, strict=True):
        pen.rectangle((x1 - 1, y1 - 1, x2 + 1, y2 + 1), outline=_INK)
        pen.rectangle((x1, y1, x2, y2), outline=palette[box["label"]], width=2)
    taken: list[tuple[int, int, int, int]] = []
    for box, (x1, y1, _, y2) in zip(boxes, corners, strict=True):
        name = cut(noun_of(box["label"]), lettering, image.width - 10)
        wide, high = round(lettering.getlength(name)) + 10, text + 6
        left = max(0, min(x1 - 1, image.width - wide))
        tries = [(left, y) for y in (y1 - high, y2 + 2, y1 + 2, y2 - high - 1)]
        spots = [(x, y, x + wide, y + high) for x, y in tries if y >= 0 and y + high <= image.height]
        spot = next((s for s in spots if not any(_meet(s, t) for t in taken)), (left, y1, left + wide, y1 + high))
        taken.append(spot)
        pen.rectangle((spot[0], spot[1], spot[2] - 1, spot[3] - 1), fill=palette[box["label"]])
        pen.text((spot[0] + 5, spot[1] + high / 2), name, font=lettering, fill=_INK, anchor="lm")
    return made


def _meet(a: tuple[int, int, int, int], b: tuple[int, int, int, int]) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]
