"""A colour for every depth: a ramp of even lightness steps, computed in OKLab, so that equal steps look equal.

OKLab is the published colour space of B. Ottosson (2020); the path through it is our own.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import numpy.typing as npt

_LIGHTNESS = (0.94, 0.26)
_HUE = (1.75, 5.35)  # radians: yellow, over green and blue, to violet
_CHROMA = 0.125

_TO_LMS = np.array([[1.0, 0.3963377774, 0.2158037573], [1.0, -0.1055613458, -0.0638541728],
                    [1.0, -0.0894841775, -1.2914855480]])  # fmt: skip
_TO_LINEAR = np.array([[4.0767416621, -3.3077115913, 0.2309699292], [-1.2684380046, 2.6097574011, -0.3413193965],
                       [-0.0041960863, -0.7034186147, 1.7076147010]])  # fmt: skip


@cache
def ramp(steps: int = 256) -> npt.NDArray[np.uint8]:
    """``(steps, 3)`` uint8 RGB from bright yellow to dark violet; lightness falls in even steps."""
    at = np.linspace(0.0, 1.0, steps)
    lightness = _LIGHTNESS[0] + (_LIGHTNESS[1] - _LIGHTNESS[0]) * at
    hue = _HUE[0] + (_HUE[1] - _HUE[0]) * at
    low, high = np.zeros(steps), np.full(steps, _CHROMA)
    for _ in range(20):  # the largest chroma that a screen can show at this lightness and hue
        middle = (low + high) / 2
        linear = _linear(lightness, middle, hue)
        shown = ((linear >= 0) & (linear <= 1)).all(axis=1)
        low, high = np.where(shown, middle, low), np.where(shown, high, middle)
    linear = np.clip(_linear(lightness, low, hue), 0, 1)
    screen = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    made: npt.NDArray[np.uint8] = np.round(screen * 255).astype(np.uint8)
    made.setflags(write=False)  # shared by all callers
    return made


def _linear(
    lightness: npt.NDArray[np.float64], chroma: npt.NDArray[np.float64], hue: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    lab = np.stack([lightness, chroma * np.cos(hue), chroma * np.sin(hue)], axis=1)
    made: npt.NDArray[np.float64] = (lab @ _TO_LMS.T) ** 3 @ _TO_LINEAR.T
    return made
