"""From bodies to a picture: light of the endoscope, wet gloss, metal, shadow, lens and smoke."""

from __future__ import annotations

import random
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageFilter

from ..media.noise import BITS, GRAIN, SCALE, SIZE, UNIT, grain, tile
from .anatomy import View
from .canvas import Canvas
from .things import LOOKS, Look, Material

Floats = npt.NDArray[np.float32]
Pixels = npt.NDArray[np.uint8]
_ZERO, _WHITE = np.float32(0), np.float32(255)
_TISSUE_LOOKS = tuple(m for m in Material if m not in (Material.SHAFT, Material.STEEL, Material.DARK, Material.CERAMIC))


@lru_cache(maxsize=16)
def _looks(seed: int, video: int) -> Floats:
    """A row per field of ``Look``, a value per material; from patient to patient tissue differs a little in colour."""
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
    columns: Floats = np.ascontiguousarray(table.T)
    columns.flags.writeable = False
    return columns


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
    return edge > 0, edge, light


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
    """The picture without smoke, ``(H, W, 3)``. Works plane by plane, which is much faster than pixel by pixel."""
    height, width = canvas.z.shape
    _, edge, falloff = lens(seed, video, width, height)
    material = np.asarray(canvas.materials, np.uint8).take(canvas.part)
    look = Look(*(column.take(material) for column in _looks(seed, video)))

    # Texture is fixed to the patient: it moves with the camera. Each material reads the tile at another place.
    s = SCALE / cam.zoom
    shift = material.astype(np.float32) * 131
    u = (canvas.xs * (cam.cos * s) + canvas.ys * (cam.sin * s) + np.float32(cam.x * SCALE + 9000)) + shift
    v = (canvas.ys * (cam.cos * s) - canvas.xs * (cam.sin * s) + np.float32(cam.y * SCALE + 9000)) + shift
    at = ((v.astype(np.int32) & (SIZE - 1)) << BITS) + (u.astype(np.int32) & (SIZE - 1))
    cloudy, fine, vessels, bump_x, bump_y = (plane.take(at) * np.float32(1 / UNIT) for plane in tile())

    z = np.maximum(canvas.z, np.float32(-1.2))
    gx = _slope(z, 1) * height + look.bump * bump_x
    gy = _slope(z, 0) * height + look.bump * bump_y
    nz = 1 / np.sqrt(1 + gx * gx + gy * gy)
    facing = np.maximum(nz * (0.18 * gx + 0.30 * gy + 0.937), _ZERO)  # light a little above and left of the lens
    gloss = np.maximum(nz * (0.09 * gx + 0.155 * gy + 0.984), _ZERO)
    for _ in range(5):
        gloss *= gloss  # in the end the 32nd power of the half-angle cosine, and the 128th
    sheen = gloss * 0.525
    gloss *= gloss
    gloss *= gloss
    near = np.minimum(np.maximum(0.95 + z * (0.55 / cam.zoom), 0.3), 1.2)
    shade = np.minimum(np.maximum(1.0 - (_blurred(z, 14) - z) * (1.5 / cam.zoom), 0.42), 1.08)
    light = falloff * near * shade

    soft = (0.20 + 0.85 * facing) * (1 - look.metal * 0.45)
    brightness = light * (soft + look.metal * (sheen + 0.35 * facing * facing))
    brightness *= 1 + look.cloud * cloudy + look.fine * fine
    vessels *= look.vessel
    shine = look.gloss * gloss * light * 0.95
    rim = (1 - nz) * light * (1 - look.metal) * 0.06  # light that passes through soft tissue comes back red
    picture = np.empty((height, width, 3), np.uint8)
    colours = ((look.red, 0.28, shine + rim), (look.green, 0.62, shine), (look.blue, 0.58, shine))
    for n, (albedo, absorbed, more) in enumerate(colours):
        picture[:, :, n] = _bytes((albedo * brightness * (1 - vessels * absorbed) + more) * 305 + 3)
    if height >= 96:
        picture = np.array(Image.fromarray(picture).filter(ImageFilter.GaussianBlur(height / 800)))
    rng = random.Random(f"{seed}/{video}/grain/{frame}")
    rows = (np.arange(height) + rng.randrange(GRAIN)) % GRAIN
    columns = (np.arange(width) + rng.randrange(GRAIN)) % GRAIN
    dark = (1 - edge) * 3
    for n, plane in enumerate(grain()):
        picture[:, :, n] = _bytes((picture[:, :, n] + plane[rows[:, None], columns]) * edge + dark)
    return picture


def smoke(clean: Pixels, density: float, seed: int, video: int, frame: int) -> Pixels:
    """``clean`` behind smoke: a pale veil, thicker in some places, whose thickness is ``density`` on average."""
    height, width = clean.shape[:2]
    _, edge, falloff = lens(seed, video, width, height)
    rng = random.Random(f"{seed}/{video}/veil/{frame}")
    rows = ((np.arange(height) * (440 / height)).astype(np.int32) + rng.randrange(SIZE)) % SIZE
    columns = ((np.arange(width) * (440 / height)).astype(np.int32) + rng.randrange(SIZE)) % SIZE
    cloud = tile()[0][rows[:, None] * SIZE + columns] * np.float32(1 / UNIT)
    veil = np.minimum(np.maximum(density * (1 + 0.55 * _blurred(cloud, max(6, min(24, height // 4)))), 0), 0.92) * edge
    pale = (0.35 + 0.65 * falloff) * veil
    picture = np.empty_like(clean)
    for n, value in enumerate((186, 180, 178)):
        picture[:, :, n] = _bytes(clean[:, :, n] * (1 - veil) + pale * value)
    return picture


def _bytes(plane: npt.NDArray[Any]) -> Pixels:
    made: Pixels = np.minimum(np.maximum(plane, _ZERO), _WHITE).astype(np.uint8)
    return made
