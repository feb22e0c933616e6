"""Seamless noise tiles, made once per process from fixed seeds and looked up instead of computed."""

from __future__ import annotations

from functools import cache

import numpy as np
import numpy.typing as npt

SIZE = 256
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


def _normal(tile: Floats) -> Floats:
    tile = tile - tile.mean()
    return np.asarray(tile / tile.std(), np.float32)


@cache
def tiles() -> Floats:
    """``(SIZE, SIZE, 5)``: cloudy, fine, vessel-like (0..1), and the slopes of a bumpy surface in x and y."""
    rng = np.random.Generator(np.random.PCG64(20240229))
    cloudy = _normal(_octave(rng, 4) + _octave(rng, 8) / 2 + _octave(rng, 16) / 4 + _octave(rng, 32) / 8)
    fine = _normal(_octave(rng, 32) + _octave(rng, 64) * np.float32(0.8) + _octave(rng, 128) * np.float32(0.5))
    field = _octave(rng, 5) + _octave(rng, 10) / 2 + _octave(rng, 20) * np.float32(0.22)
    ridge = 1 - np.abs(_normal(field)) * np.float32(7)  # thin lines where the field crosses its mean
    vessels = np.maximum(ridge, 0) * np.clip(_normal(_octave(rng, 6)) * np.float32(0.5) + np.float32(0.5), 0, 1)
    bumps = _octave(rng, 16) + _octave(rng, 32) * np.float32(0.6) + _octave(rng, 64) * np.float32(0.35)
    slope_x = _normal(np.roll(bumps, -1, 1) - bumps)
    slope_y = _normal(np.roll(bumps, -1, 0) - bumps)
    made = np.stack([cloudy, fine, vessels, slope_x, slope_y], axis=2).astype(np.float32)
    made.flags.writeable = False
    return made


@cache
def grain() -> Floats:
    """``(SIZE, SIZE, 3)`` of sensor noise around 0, a little coarser than a pixel."""
    rng = np.random.Generator(np.random.PCG64(7))
    white = rng.random((SIZE, SIZE, 3)).astype(np.float32) - np.float32(0.5)
    soft = (white + np.roll(white, 1, 0) + np.roll(white, 1, 1)) * np.float32(0.9)
    soft.flags.writeable = False
    return soft
