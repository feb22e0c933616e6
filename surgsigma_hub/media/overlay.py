"""Pictures for looking: frames with their boxes and masks drawn in, depth in colour, films by their first frame."""

from __future__ import annotations

import io
import logging
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageChops, ImageDraw, ImageFilter

from ..errors import SurgSigmaError
from .lettering import font

logger = logging.getLogger(__name__)

Colour = tuple[int, int, int]

PALETTE: tuple[Colour, ...] = (
    (76, 201, 240), (255, 183, 3), (128, 237, 153), (247, 37, 133), (180, 151, 255),
    (255, 127, 80), (64, 224, 208), (240, 240, 100), (255, 159, 243), (144, 190, 255),
)  # fmt: skip
"""Bright colours that stand out from tissue."""

MASK_COLOUR: Colour = (76, 201, 240)
_INK: Colour = (17, 20, 26)
_DEPTH = ((253, 231, 37), (94, 201, 98), (33, 145, 140), (59, 82, 139), (68, 1, 84))  # near to far


def colours(labels: Iterable[str]) -> dict[str, Colour]:
    """A colour for every label, the same for the same set of labels."""
    return {label: PALETTE[n % len(PALETTE)] for n, label in enumerate(sorted(set(labels)))}


def fitted(image: Image.Image, box: tuple[int, int]) -> Image.Image:
    """``image`` as large as fits into ``box``, its shape kept."""
    scale = min(box[0] / image.width, box[1] / image.height)
    size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    return image.resize(size, Image.Resampling.LANCZOS)


def open_member(name: str, data: bytes) -> Image.Image | None:
    """A media member as RGB: pictures as they are, depth in colour, films by their first frame; None if unreadable."""
    try:
        if name.endswith(".mp4"):
            return _first_frame(data)
        image = Image.open(io.BytesIO(data))
        image.load()
        return image if image.mode == "RGB" else image.convert("RGB")
    except (OSError, ValueError, SyntaxError, ImportError, SurgSigmaError) as error:
        logger.info("%s cannot be shown: %s", name, error)
        return None


def depth_picture(data: bytes) -> Image.Image | None:
    """A depth map in colour, near bright and far dark."""
    try:
        values = np.asarray(Image.open(io.BytesIO(data))).astype(np.float32)
    except (OSError, ValueError, SyntaxError):
        return None
    if values.ndim != 2:
        return None
    low, high = float(values.min()), float(values.max())
    place = (values - low) / max(high - low, 1e-6) * (len(_DEPTH) - 1)
    anchors = np.array(_DEPTH, np.float32)
    steps = np.arange(len(_DEPTH))
    channels = [np.interp(place, steps, anchors[:, c]) for c in range(3)]
    return Image.fromarray(np.stack(channels, axis=2).astype(np.uint8))


def _first_frame(data: bytes) -> Image.Image:
    from .video import read_frame

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "clip.mp4"
        path.write_bytes(data)
        return Image.fromarray(np.asarray(read_frame(path, 0)))


def draw_mask(image: Image.Image, data: bytes, colour: Colour = MASK_COLOUR) -> Image.Image:
    """``image`` with a mask laid over it: translucent inside, a line around it."""
    try:
        mask = Image.open(io.BytesIO(data)).convert("L")
    except (OSError, ValueError, SyntaxError):
        return image
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
        name = box["label"].replace("_", " ")
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
