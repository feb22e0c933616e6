"""Seamless noise tiles, made once per process from fixed seeds and looked up instead of computed."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt

BITS = 10
SIZE = 1 << BITS
SCALE = 700
"""Tile cells per picture height at zoom 1."""
GRAIN = 256
UNIT = 36
"""Steps of a stored value in one standard deviation."""
Floats = npt.NDArray[np.float32]


def _octave(rng: np.random.Generator, cells: int) -> Floats:
    """Smoothly interpolated random values on a torus of ``cells`` x ``cells``."""
    grid = rng.random((cells, cells)).astype(np.float32)
    at = np.arange(SIZE, dtype=np.float32) * np.float32(cells / SIZE)
    low = at.astype(np.int64)
    t = at - low
    t = t * t * (3 - 2 * t)
    high = (low + 1) % cells
    rows = grid[low] * (1 - t)[:, None] + grid[high] * t[:, None]
    return np.asarray(rows[:, low] * (1 - t) + rows[:, high] * t, np.float32)


def _normal(tile: npt.NDArray[Any]) -> Floats:
    tile = tile - tile.mean()
    return np.asarray(tile / tile.std(), np.float32)


@cache
def tile() -> npt.NDArray[np.int8]:
    """Five planes, times ``UNIT``: cloudy, fine, vessel-like, slopes of a bumpy surface in x and y.

    Rows of a plane follow one another: ``(5, SIZE * SIZE)``.
    """
    rng = np.random.Generator(np.random.PCG64(20240229))
    cloudy = _normal(_octave(rng, 4) + _octave(rng, 8) / 2 + _octave(rng, 16) / 4 + _octave(rng, 32) / 8)
    fine = _normal(_octave(rng, 40) + _octave(rng, 80) * 0.8 + _octave(rng, 170) * 0.6 + _octave(rng, 340) * 0.5)
    field = _normal(_octave(rng, 5) + _octave(rng, 11) / 2 + _octave(rng, 23) / 4 + _octave(rng, 47) / 8)
    twigs = _normal(_octave(rng, 13) + _octave(rng, 27) / 2 + _octave(rng, 53) / 4)
    patches = np.clip(_normal(_octave(rng, 7)) * 0.5 + 0.5, 0, 1)
    # Thin lines where a field crosses its mean; they fade in patches.
    vessels = np.maximum(np.maximum(1 - np.abs(field) * 11, (1 - np.abs(twigs) * 9) * 0.55), 0) * patches
    bumps = _octave(rng, 16) + _octave(rng, 32) * 0.6 + _octave(rng, 64) * 0.3 + _octave(rng, 128) * 0.12
    slope_x = _normal(np.roll(bumps, -2, 1) - bumps)
    slope_y = _normal(np.roll(bumps, -2, 0) - bumps)
    made = np.stack([cloudy, fine, vessels, slope_x, slope_y]).reshape(5, -1)
    stored: npt.NDArray[np.int8] = np.clip(np.rint(made * UNIT), -127, 127).astype(np.int8)
    stored.flags.writeable = False
    return stored


@cache
def grain() -> Floats:
    """``(3, GRAIN, GRAIN)`` of sensor noise around 0, a little coarser than a pixel."""
    rng = np.random.Generator(np.random.PCG64(7))
    white = rng.random((3, GRAIN, GRAIN)).astype(np.float32) - np.float32(0.5)
    soft = (white + np.roll(white, 1, 1) + np.roll(white, 1, 2)) * np.float32(4.5)
    soft.flags.writeable = False
    return soft
