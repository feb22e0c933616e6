"""Surgical smoke drawn on a clean frame, so that the clean frame is its exact answer.

The model is that of light in a scattering medium (Narasimhan & Nayar, "Vision and the Atmosphere", IJCV 48, 2002),
which desmoking work uses both ways: ``I' = I * t + A * (1 - t)``, the transmission ``t`` in 0..1, the airlight ``A``.
Fog has a ``t`` that follows distance and an even ``A``; smoke in a body cavity does neither. Here ``t`` comes from a
plume that rises from one point, as from a hook or forceps, and from a drifting veil around it; ``A`` is the light of
the endoscope sent back by the smoke: bluish grey, bright in the middle of the view, dim at its rim. What lies outside
the round view of the endoscope stays black.

The bytes are the same on every processor: of a whole picture only sums, products, quotients and square roots are taken,
which IEEE 754 rounds in one way. numpy's exp, sin and hypot, and its linear algebra, follow the instruction set.
"""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from ..errors import SurgSigmaError
from ..records import Drawn, ImageRef
from .image import load_rgb, name_of
from .noise import SIZE, UNIT, tile

Pixels = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float32]

LIGHTEST, DENSEST = 0.1, 0.9
"""Range of the densities that are drawn by lot."""

_ROWS = 200
"""Smoke has no fine detail: its thickness is made at this many rows and enlarged."""
_AIR = (0.955, 0.985, 1.0)
"""Colour of the airlight: bluish grey, before the tint of the tissue around."""
_DARK = 26
"""Pixels up to this value can be the black around the view of the endoscope."""


def smoked(ref: ImageRef, *, seed: str, density: float | None = None) -> tuple[Drawn, float]:
    """The picture behind smoke, drawn when it is asked for, and how dense the smoke is.

    Args:
        ref: A clean frame.
        seed: The same seed gives the same smoke; name the sample, so that each has its own.
        density: As in :func:`render_smoke`; by lot from the seed, 0.1 to 0.9, when None.

    Raises:
        SurgSigmaError: a density outside 0..1. ``draw()`` raises ``MediaError`` where the frame cannot be read.
    """
    if density is None:
        density = round(LIGHTEST + (DENSEST - LIGHTEST) * float(_rng(f"{seed}/density").random()), 3)
    _check(density)
    return Drawn(f"{name_of(ref)} with smoke {density:g}", partial(_draw, ref, seed, density)), density


def render_smoke(pixels: Pixels, *, seed: str, density: float) -> Pixels:
    """``pixels`` behind smoke: the same seed, density and picture give the same bytes.

    Args:
        pixels: ``(H, W, 3)`` uint8.
        seed: Decides where the smoke is and how it drifts.
        density: 0..1, about the share of light from the smoke instead of from what is behind it, over the view; 0
            leaves the picture as it is. With one seed, more density is less light from behind in every pixel.

    Raises:
        SurgSigmaError: a density outside 0..1, or pixels of another shape.
    """
    _check(density)
    if pixels.ndim != 3 or pixels.shape[2] != 3 or pixels.dtype != np.uint8:
        raise SurgSigmaError(f"smoke on pixels of shape {pixels.shape} and {pixels.dtype}, expected (H, W, 3) uint8")
    if density == 0:
        return pixels.copy()
    height, width = pixels.shape[:2]
    rng = _rng(seed)
    view = _view(pixels)
    inside, away = _window(view, height, width)
    thick = _enlarged(_thickness(rng, view, width / height), height, width)
    depth = np.float32(-math.log(1 - min(density, 0.985)))
    veil = (1 - _transmitted(depth * thick)) * inside
    light = _exposure(pixels, inside) * (np.float32(1.06) / (1 + np.float32(0.75) * away))
    tint = _tint(pixels, inside)
    made = np.empty_like(pixels)
    for n, air in enumerate(_AIR):
        plane = pixels[:, :, n].astype(np.float32)
        plane += veil * (light * np.float32(air * tint[n]) - plane)
        made[:, :, n] = np.rint(np.minimum(np.maximum(plane, 0), 255))
    return made


def _draw(ref: ImageRef, seed: str, density: float) -> npt.NDArray[Any]:
    return render_smoke(load_rgb(ref), seed=seed, density=density)


def _check(density: float) -> None:
    if not 0 <= density <= 1:
        raise SurgSigmaError(f"smoke of density {density}, expected 0..1")


def _rng(seed: str) -> np.random.Generator:
    return np.random.Generator(np.random.PCG64(int.from_bytes(hashlib.sha256(seed.encode()).digest()[:16], "big")))


# ------------------------------------------------------------------------------------------------------- smoke


def _thickness(rng: np.random.Generator, view: _View, aspect: float) -> Floats:
    """Optical thickness at ``_ROWS`` rows, 1 on average: a veil in drifts, and a plume that curls as it rises."""
    rows, columns = _ROWS, max(2, round(_ROWS * aspect))
    ys, xs = np.mgrid[0:rows, 0:columns].astype(np.float32) / np.float32(rows)
    numbers = [float(rng.random()) for _ in range(12)]
    # The noise is read at places that noise has moved: straight blobs become drifts, sheets and curls.
    shifts = [(numbers[n] * 7, numbers[n + 1] * 7) for n in range(0, 8, 2)]
    push_x, push_y = _noise(xs, ys, 0.6, shifts[0]), _noise(xs, ys, 0.6, shifts[1])
    drift = _noise(xs + push_x * np.float32(0.10), ys + push_y * np.float32(0.10), 0.6, shifts[2])
    fine_x, fine_y = xs + push_x * np.float32(0.07), ys + push_y * np.float32(0.07)
    curls = _noise(fine_x + drift * np.float32(0.05), fine_y, 1.7, shifts[3])
    sheets = 1 - np.minimum(np.abs(_noise(fine_x, fine_y + drift * np.float32(0.06), 1.1, shifts[1])), 1.5)

    angle, distance = numbers[8] * 2 * math.pi, (0.1 + 0.45 * numbers[9]) * min(view.radius, 0.7)
    x0, y0 = view.x + distance * math.cos(angle), view.y + distance * math.sin(angle)
    rise = math.pi * (0.5 + 0.7 * (numbers[10] - 0.5))  # mostly upward in the picture
    ahead_x, ahead_y = np.float32(math.cos(rise)), np.float32(-math.sin(rise))
    dx, dy = xs - np.float32(x0) + push_x * np.float32(0.03), ys - np.float32(y0) + push_y * np.float32(0.03)
    along = dx * ahead_x + dy * ahead_y
    ahead = np.maximum(along, 0)
    across = dy * ahead_x - dx * ahead_y + ahead * (np.float32(0.16) * drift + np.float32(0.07) * curls)
    wide = np.float32(0.05) + np.float32(0.38 + 0.25 * numbers[11]) * ahead
    behind = _transmitted(np.abs(along) * 45)
    begun = np.where(along < 0, behind, 1) / (1 + behind)  # rises from 0 to 1 where the plume begins
    cone = _transmitted((across / wide) ** 2 + ahead * np.float32(1.5)) * begun
    source = _transmitted((dx * dx + dy * dy) / np.float32(0.01))
    plume = cone * np.maximum(1 + 0.35 * curls + 0.55 * sheets, 0.08) + 0.35 * source

    veil = np.maximum(0.60 + 0.26 * drift + 0.13 * curls + 0.16 * sheets, 0.05)
    thick = veil + 1.5 * plume
    return np.asarray(thick / thick.mean(), np.float32)


def _noise(xs: Floats, ys: Floats, scale: float, shift: tuple[float, float]) -> Floats:
    """Cloudy noise around 0 with deviation 1; ``scale`` 1 shows a quarter of the tile per picture height."""
    s = np.float32(scale * SIZE / 4)
    u = (xs * s + np.float32(shift[0] * SIZE)).astype(np.int32) & (SIZE - 1)
    v = (ys * s + np.float32(shift[1] * SIZE)).astype(np.int32) & (SIZE - 1)
    return np.asarray(tile()[0].take(v * SIZE + u) * np.float32(1 / UNIT), np.float32)


def _transmitted(thickness: Floats) -> Floats:
    """``exp(-thickness)`` for 0 and more, to 1e-5: a Taylor series of the 64th part, squared six times."""
    x = np.minimum(thickness, np.float32(20)) * np.float32(1 / 64)
    made = 1 - x * (1 - x * np.float32(1 / 2) * (1 - x * np.float32(1 / 3) * (1 - x * np.float32(1 / 4))))
    for _ in range(6):
        made *= made
    return np.asarray(made, np.float32)


def _enlarged(field: Floats, height: int, width: int) -> Floats:
    image = Image.fromarray(field).resize((width, height), Image.Resampling.BICUBIC)
    return np.maximum(np.asarray(image, np.float32), 0)


# ------------------------------------------------------------------------------------------------ light and view


@dataclass(frozen=True, slots=True)
class _View:
    """The round view of the endoscope, in picture heights; ``whole`` where the picture shows no rim of it."""

    x: float
    y: float
    radius: float
    whole: bool


def _view(pixels: Pixels) -> _View:
    """Finds the black rim by a circle through the ends of the dark runs that start at the left and right edge."""
    height, width = pixels.shape[:2]
    step = max(1, height // 120)
    bright = pixels[::step, ::step].max(axis=2) > _DARK
    rows, columns = bright.shape
    centre = _View(width / height / 2, 0.5, 0.5 * max(1.0, width / height), True)
    k = max(1, rows // 24)
    corners = (bright[:k, :k], bright[:k, -k:], bright[-k:, :k], bright[-k:, -k:])
    if sum(c.mean() < 0.1 for c in corners) < 3:
        return centre
    some = bright.sum(axis=1) > 0.08 * columns
    y = np.flatnonzero(some)
    left, right = bright.argmax(axis=1)[some], columns - 1 - bright[:, ::-1].argmax(axis=1)[some]
    px = np.concatenate([left[left > 0], right[right < columns - 1]])
    py = np.concatenate([y[left > 0], y[right < columns - 1]])
    if len(px) < 12:
        return centre
    for _ in range(6):
        if (circle := _circle(px, py)) is None:
            return centre
        cx, cy, radius = circle
        off = np.sqrt((px - cx) ** 2 + (py - cy) ** 2) - radius
        typical = max(float(np.median(np.abs(off))), 0.3)
        keep = (off > -1.5 * typical) & (off < 4 * typical)  # dark tissue at the rim lies inside, nothing outside
        if keep.all() or keep.sum() < 12:
            break
        px, py = px[keep], py[keep]
    if typical > 0.04 * rows or not 0.2 * rows < radius < 1.5 * columns:
        return centre
    return _View(cx * step / height, cy * step / height, radius * step / height, False)


def _circle(px: npt.NDArray[np.int64], py: npt.NDArray[np.int64]) -> tuple[float, float, float] | None:
    """Centre and radius of the circle nearest to the points, by least squares over whole numbers; None if on a line."""
    squares = px * px + py * py
    # Sums over few points of a small grid: exact, and so are the determinants.
    xx, xy, yy = int((px * px).sum()), int((px * py).sum()), int((py * py).sum())
    x, y, n = int(px.sum()), int(py.sum()), len(px)
    xs, ys, s = int((px * squares).sum()), int((py * squares).sum()), int(squares.sum())
    whole = xx * (yy * n - y * y) - xy * (xy * n - y * x) + x * (xy * y - yy * x)
    if whole == 0:
        return None
    a = (xs * (yy * n - y * y) - xy * (ys * n - y * s) + x * (ys * y - yy * s)) / whole
    b = (xx * (ys * n - y * s) - xs * (xy * n - y * x) + x * (xy * s - ys * x)) / whole
    c = (xx * (yy * s - ys * y) - xy * (xy * s - ys * x) + xs * (xy * y - yy * x)) / whole
    return a / 2, b / 2, math.sqrt(max(c + a * a / 4 + b * b / 4, 1))


def _window(view: _View, height: int, width: int) -> tuple[Floats, Floats]:
    """Where the view is, 0..1 with a soft edge, and the squared distance from its middle, 1 at the rim."""
    xs = (np.arange(width, dtype=np.float32) + np.float32(0.5)) / np.float32(height) - np.float32(view.x)
    ys = (np.arange(height, dtype=np.float32) + np.float32(0.5)) / np.float32(height) - np.float32(view.y)
    away = (xs * xs)[None, :] + (ys * ys)[:, None]
    if view.whole:
        return np.ones((height, width), np.float32), np.asarray(away / max(view.radius, 0.6) ** 2, np.float32)
    inside = (np.float32(view.radius) - np.sqrt(away)) * np.float32(height / 2.5)
    return np.minimum(np.maximum(inside, 0), 1), np.asarray(away / view.radius**2, np.float32)


def _exposure(pixels: Pixels, inside: Floats) -> np.float32:
    """How bright the smoke is at the most: as the brighter parts of the scene, which the same light falls on."""
    seen = pixels[::8, ::8].max(axis=2)[inside[::8, ::8] > 0.5]
    bright = float(np.percentile(seen, 90)) if seen.size else 0.0
    return np.float32(min(max(0.55 * bright + 92, 120), 224))


def _tint(pixels: Pixels, inside: Floats) -> list[float]:
    """Light that the tissue throws into the smoke reddens it a little."""
    seen = pixels[::8, ::8][inside[::8, ::8] > 0.5].astype(np.float64)
    mean = seen.mean(axis=0) if len(seen) else np.ones(3)
    relative = (mean + 8) / (mean.mean() + 8)
    return [float(0.93 + 0.07 * min(max(v, 0.5), 1.8)) for v in relative]
