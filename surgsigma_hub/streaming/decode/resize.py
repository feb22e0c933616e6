"""Target sizes, and antialiased bicubic resizing that equals Pillow's within two levels."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import Literal

import numpy as np
from PIL import Image

from ...errors import MissingExtraError, SurgSigmaError
from .pixel_pool import PixelPool, Pixels

Kernel = Literal["auto", "torch", "pillow"]


@dataclass(frozen=True, slots=True)
class Rgb:
    """Decode pictures to ``(height, width, 3)`` uint8 RGB; masks and depth maps keep their stored values.

    Args:
        short_side: Length in pixels that the shorter side gets, larger or smaller.
        max_pixels: Most pixels; a larger picture is made smaller, its shape kept. Comes after ``short_side``.
        kernel: What resizes. ``auto`` takes torch where the program has imported it already, for it is five times as
            fast, and Pillow elsewhere; they differ by at most 2 of 255. Name one to be independent of that.
        fast: Let the JPEG decoder leave out detail that the resize would drop (DCT scaling). Not what Pillow's resize
            gives: differences reach tens of levels.
    """

    short_side: int | None = None
    max_pixels: int | None = None
    kernel: Kernel = "auto"
    fast: bool = False

    def __post_init__(self) -> None:
        for name in ("short_side", "max_pixels"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise SurgSigmaError(f"{name}={value} is no size in pixels", hint="Expected a number above 0.")
        if self.kernel not in ("auto", "torch", "pillow"):
            raise SurgSigmaError(f"unknown resize kernel {self.kernel!r}", hint="Expected auto, torch or pillow.")

    def size(self, width: int, height: int) -> tuple[int, int]:
        """Width and height that a picture gets.

        >>> Rgb(short_side=336).size(854, 480), Rgb(max_pixels=100_000).size(854, 480)
        ((598, 336), (421, 237))
        """
        if self.short_side is not None:
            scale = self.short_side / min(width, height)
            width, height = max(1, round(width * scale)), max(1, round(height * scale))
        if self.max_pixels is not None and width * height > self.max_pixels:
            scale = (self.max_pixels / (width * height)) ** 0.5
            width, height = max(1, int(width * scale)), max(1, int(height * scale))
        return width, height

    @property
    def resizes(self) -> bool:
        """Whether pictures may change their size."""
        return self.short_side is not None or self.max_pixels is not None


def resolve_kernel(kernel: Kernel) -> Literal["torch", "pillow"]:
    """The kernel that ``auto`` means in this process.

    Raises:
        MissingExtraError: torch is asked for and not installed.
    """
    if kernel == "auto":
        return "torch" if "torch" in sys.modules else "pillow"
    if kernel == "torch":
        try:
            import torch  # noqa: F401
        except ImportError:
            raise MissingExtraError("torch", "torch", purpose="resizing by torch") from None
    return kernel


def resize(
    pixels: Pixels, width: int, height: int, kernel: Literal["torch", "pillow"], memory: PixelPool | None = None
) -> Pixels:
    """A picture ``(H, W, 3)`` at another size, bicubic with antialiasing.

    Args:
        pixels: The picture.
        width: Of the result.
        height: Of the result.
        kernel: What resizes.
        memory: Where the result comes from. None: from numpy.

    Returns:
        Memory of its own, or ``pixels`` itself where the size is right already.
    """
    if pixels.shape[:2] == (height, width):
        return pixels
    memory = memory or PixelPool(0)
    out = memory.take(height, width, 3)
    resize_into(pixels, out, kernel, memory)
    return out


def resize_into(pixels: Pixels, out: Pixels, kernel: Literal["torch", "pillow"], memory: PixelPool) -> None:
    """Fill ``out`` (``(h, w, 3)``) with the picture ``pixels`` at that size."""
    (height, width, _), (old_height, old_width, _) = out.shape, pixels.shape
    if (old_height, old_width) == (height, width):
        out[:] = pixels
    elif kernel == "pillow":
        out[:] = np.asarray(Image.fromarray(pixels).resize((width, height), Image.Resampling.BICUBIC))
    elif old_width == width or old_height == height:
        _by_torch(pixels, out)
    else:
        # Across, then down, as torch does it inside one call, but into memory that is used again. In one call torch
        # allocates a picture for what lies between and one for the result; when the allocator gives both back to the
        # system each time, which depends on what else the program does, page faults are a quarter of the work.
        size = old_height * width * 3
        between = memory.scratch("between", size)[:size].reshape(old_height, width, 3)
        _by_torch(pixels, between)
        _by_torch(between, out)


def _by_torch(pixels: Pixels, out: Pixels) -> None:
    """``torch.nn.functional.interpolate`` into given memory, which only the operator behind it can."""
    import torch

    # Torch has a fast uint8 kernel for channels-last, which it knows by the strides: the new axis comes before permute.
    source, target = (torch.from_numpy(array).unsqueeze(0).permute(0, 3, 1, 2) for array in (pixels, out))
    torch.ops.aten._upsample_bicubic2d_aa.out(source, out.shape[:2], False, out=target)


def resize_values(values: np.ndarray, width: int, height: int) -> np.ndarray:
    """A mask or depth map at another size: nearest value, none invented."""
    if values.shape[:2] == (height, width):
        return values
    # Pillow has no nearest for 16 bits in every version, and this is exact: the source pixel under each centre.
    rows = ((np.arange(height) + 0.5) * values.shape[0] / height).astype(np.int64)
    columns = ((np.arange(width) + 0.5) * values.shape[1] / width).astype(np.int64)
    made: np.ndarray = values[rows[:, None], columns[None, :]]
    return made
