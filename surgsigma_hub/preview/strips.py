"""Clips as stills: frames spread over the clip in rows, each with its time."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil

from PIL import Image, ImageDraw

from ..media.lettering import font
from ..media.overlay import fitted
from .style import CAPTION, DARK, RIM

COUNTS = (6, 8)
"""Numbers of frames a strip can have; shorter clips show all they have."""
_TIME_HIGH = 15
_GAP = 4


def frame_count(shape: tuple[int, int], size: tuple[int, int]) -> int:
    """Which of ``COUNTS`` fills ``size`` best with frames of ``shape``, both width and height in pixels."""
    return max(COUNTS, key=lambda c: c * _worth(_grid(c, shape, size), c, shape, size))


def _cell(grid: tuple[int, int], size: tuple[int, int]) -> tuple[int, int]:
    columns, rows = grid
    return (size[0] - _GAP * (columns + 1)) // columns, (size[1] - _GAP) // rows - _TIME_HIGH - _GAP


def _worth(grid: tuple[int, int], count: int, shape: tuple[int, int], size: tuple[int, int]) -> float:
    """The area of one frame in this grid, less where places stay empty."""
    wide, high = _cell(grid, size)
    area = shape[0] * shape[1] * min(max(1, wide) / shape[0], max(1, high) / shape[1]) ** 2
    return area * count / (grid[0] * grid[1])


def _grid(count: int, shape: tuple[int, int], size: tuple[int, int]) -> tuple[int, int]:
    """Columns and rows that show frames of ``shape`` largest, with few places left empty."""
    grids = [(columns, ceil(count / columns)) for columns in range(1, count + 1)]
    return max(grids, key=lambda grid: _worth(grid, count, shape, size))


def strip(frames: Sequence[tuple[float, Image.Image]], size: tuple[int, int]) -> Image.Image:
    """The frames in rows, left to right, each with its seconds under it; at most ``size``."""
    columns, rows = grid = _grid(len(frames), frames[0][1].size, size)
    cell = _cell(grid, size)
    small = [(seconds, fitted(image, (max(1, cell[0]), max(1, cell[1])))) for seconds, image in frames]
    wide, high = small[0][1].size
    step = (wide + _GAP, high + _TIME_HIGH + _GAP)
    made = Image.new("RGB", (columns * step[0] + _GAP, rows * step[1]), DARK)
    pen = ImageDraw.Draw(made)
    longest = max(seconds for seconds, _ in frames)
    for n, (seconds, image) in enumerate(small):
        x, y = _GAP + n % columns * step[0], _GAP + n // columns * step[1]
        made.paste(image, (x, y))
        pen.rectangle((x - 1, y - 1, x + wide, y + high), outline=RIM)
        text = f"{seconds:.0f} s" if longest >= 100 else f"{seconds:.1f} s"
        pen.text((x + wide / 2, y + high + _TIME_HIGH / 2 + 1), text, font=font(11), fill=CAPTION, anchor="mm")
    return made
