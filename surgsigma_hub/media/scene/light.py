"""From bodies to a picture: light of the endoscope, wet gloss, metal, shadow, lens and smoke."""

from __future__ import annotations

import random
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageFilter

from .anatomy import View
from .canvas import Canvas
from .noise import GRAIN, SCALE, SIZE, UNIT, grain, tile
from .things import LOOKS, Material

Floats = npt.NDArray[np.float32]
Pixels = npt.NDArray[np.uint8]
_TISSUE_LOOKS = tuple(m for m in Material if m not in (Material.SHAFT, Material.STEEL, Material.DARK, Material.CERAMIC))


@lru_cache(maxsize=16)
def _looks(seed: int, video: int) -> Floats:
    """Looks of all materials for one patient: tissue differs a little in hue and lightness."""
    rng = random.Random(f"{seed}/{video}/looks")
    table = np.array([LOOKS[m] for m in Material], np.float32)
    for m in _TISSUE_LOOKS:
        light = rng.uniform(0.88, 1.08)
        table[m, :3] *= [light * rng.uniform(0.96, 1.04), light * rng.uniform(0.9, 1.1), light * rng.uniform(0.9, 1.1)]
    bile = rng.random()  # some gallbladders are green, some inflamed, most pale
    if bile < 0.3:
        table[Material.GALLBLADDER, :3] = (0.50, 0.54, 0.44)
    elif bile < 0.5:
        table[Material.GALLBLADDER, :3] = (0.72, 0.46, 0.42)
    table.flags.writeable = False
    return table


@lru_cache(maxsize=4)
def lens(seed: int, video: int, width: int, height: int) -> tuple[npt.NDArray[np.bool_], Floats, Floats]:
    """Of one video: which pixels the endoscope shows, the same with a soft edge, and how its light falls off."""
    rng = random.Random(f"{seed}/{video}/lens")
    radius = rng.choice([0.54, 0.6, 0.66, 0.95])
    cx, cy = width / height / 2 + rng.uniform(-0.02, 0.02), 0.5 + rng.uniform(-0.015, 0.015)
    xs = ((np.arange(width, dtype=np.float32) + np.float32(0.5)) / np.float32(height) - np.float32(cx))[None, :]
    ys = ((np.arange(height, dtype=np.float32) + np.float32(0.5)) / np.float32(height) - np.float32(cy))[:, None]
    r2 = xs * xs + ys * ys
    edge = np.clip((radius - np.sqrt(r2)) * np.float32(min(height, 160) / 2), 0, 1).astype(np.float32)
    light = np.asarray(1.16 / (1 + 2.1 * r2), np.float32)
    return edge > 0, edge[:, :, None], light


def _slope(z: Floats, axis: int) -> Floats:
    """Slope of ``z``, taken on the flatter side so that the outline of a body does not count as a cliff."""
    ahead = np.empty_like(z)
    if axis:
        np.subtract(z[:, 1:], z[:, :-1], out=ahead[:, :-1])
        ahead[:, -1] = ahead[:, -2]
        back = np.concatenate((ahead[:, :1], ahead[:, :-1]), axis=1)
    else:
        np.subtract(z[1:], z[:-1], out=ahead[:-1])
        ahead[-1] = ahead[-2]
        back = np.concatenate((ahead[:1], ahead[:-1]))
    return np.where(np.abs(back) < np.abs(ahead), back, ahead)


def _blurred(z: Floats, cells: int) -> Floats:
    """``z`` without its small features."""
    height, width = z.shape
    small = (max(2, width * cells // height), cells)
    image = Image.fromarray(z).resize(small, Image.Resampling.BOX).resize((width, height), Image.Resampling.BILINEAR)
    return np.asarray(image, np.float32)


def paint(canvas: Canvas, cam: View, seed: int, video: int, frame: int) -> Pixels:
    """The picture without smoke, ``(H, W, 3)``."""
    height, width = canvas.z.shape
    _, edge, falloff = lens(seed, video, width, height)
    material = np.asarray(canvas.materials, np.uint8)[canvas.part]
    look = _looks(seed, video)[material]

    # Texture is fixed to the patient: it moves with the camera. Each material reads the tiles at another place.
    s = SCALE / cam.zoom
    shift = material.astype(np.float32) * 131
    u = (canvas.xs * (cam.cos * s) + canvas.ys * (cam.sin * s) + np.float32(cam.x * SCALE + 9000)) + shift
    v = (canvas.ys * (cam.cos * s) - canvas.xs * (cam.sin * s) + np.float32(cam.y * SCALE + 9000)) + shift
    at = (v.astype(np.int32) & (SIZE - 1)) * SIZE + (u.astype(np.int32) & (SIZE - 1))
    texture = tile()[at] * np.float32(1 / UNIT)

    z = np.maximum(canvas.z, np.float32(-1.2))
    bump = look[:, :, 6]
    raw_x, raw_y = _slope(z, 1) * height, _slope(z, 0) * height
    gx, gy = raw_x + bump * texture[:, :, 3], raw_y + bump * texture[:, :, 4]
    nz = 1 / np.sqrt(1 + gx * gx + gy * gy)
    facing = np.maximum(nz * (0.18 * gx + 0.30 * gy + 0.937), 0)  # light a little above and left of the lens
    half = np.maximum(nz * (0.09 * gx + 0.155 * gy + 0.984), 0)
    gloss = half**2
    for _ in range(4):
        gloss *= gloss  # the 32nd power of the half-angle cosine
    sheen = gloss * 0.35
    gloss *= gloss
    gloss *= gloss
    near = np.clip(0.95 + 0.55 * z / np.float32(cam.zoom), 0.3, 1.2)
    shade = np.clip(1.0 - (_blurred(z, 14) - z) * 1.5 / np.float32(cam.zoom), 0.42, 1.08)
    light = falloff * near * shade

    metal = look[:, :, 8]
    albedo = look[:, :, :3] * (1 + look[:, :, 3:4] * texture[:, :, 0:1] + look[:, :, 4:5] * texture[:, :, 1:2])
    albedo *= 1 - (look[:, :, 5] * texture[:, :, 2])[:, :, None] * np.array([0.28, 0.62, 0.58], np.float32)
    brightness = light * ((0.20 + 0.85 * facing) * (1 - metal * 0.45) + metal * (1.5 * sheen + 0.35 * facing * facing))
    picture = albedo * brightness[:, :, None]
    # Light that passes through the rim of soft tissue comes back red.
    picture[:, :, 0] += (1 - nz) * 0.06 * light * (1 - metal)
    picture += (look[:, :, 7] * gloss * light * 0.95)[:, :, None]

    rng = random.Random(f"{seed}/{video}/grain/{frame}")
    rows = (np.arange(height) + rng.randrange(GRAIN)) % GRAIN
    columns = (np.arange(width) + rng.randrange(GRAIN)) % GRAIN
    picture = picture * 305 + 3
    soft = Image.fromarray(_pixels(picture))
    if height >= 96:
        soft = soft.filter(ImageFilter.GaussianBlur(height / 800))
    noisy = np.asarray(soft, np.float32) + grain()[rows[:, None], columns] * 5
    return _pixels(noisy * edge + (1 - edge) * 3)


def smoke(clean: Pixels, density: float, seed: int, video: int, frame: int) -> Pixels:
    """``clean`` behind smoke: a pale veil, thicker in some places, whose thickness is ``density`` on average."""
    height, width = clean.shape[:2]
    _, edge, falloff = lens(seed, video, width, height)
    rng = random.Random(f"{seed}/{video}/veil/{frame}")
    rows = ((np.arange(height) * (440 / height)).astype(np.int32) + rng.randrange(SIZE)) % SIZE
    columns = ((np.arange(width) * (440 / height)).astype(np.int32) + rng.randrange(SIZE)) % SIZE
    cloud = _blurred(tile()[rows[:, None] * SIZE + columns, 0] * np.float32(1 / UNIT), max(6, min(24, height // 4)))
    veil = np.clip(density * (1 + 0.55 * cloud), 0, 0.92)[:, :, None] * edge
    colour = np.array([186, 180, 178], np.float32) * (0.35 + 0.65 * falloff)[:, :, None]
    return _pixels(clean * (1 - veil) + colour * veil)


def _pixels(values: npt.NDArray[Any]) -> Pixels:
    made: Pixels = np.clip(values, 0, 255).astype(np.uint8)
    return made
