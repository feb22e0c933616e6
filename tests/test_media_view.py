"""Frames without a surgical field: found where it is certain, and no real or drawn scene is taken for one."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw, ImageFilter
from surgsigma_hub.errors import SurgSigmaError
from surgsigma_hub.media.smoke import render_smoke
from surgsigma_hub.media.view import no_view
from surgsigma_hub.scene import Spec, scene

SIZE = (480, 854)


def filled(*colour: int) -> np.ndarray:
    return np.full((*SIZE, 3), colour, np.uint8)


def rounded(pixels: np.ndarray) -> np.ndarray:
    """What an endoscope would show of it: a circle on black."""
    ys, xs = np.mgrid[: pixels.shape[0], : pixels.shape[1]]
    inside = (xs - pixels.shape[1] / 2) ** 2 + (ys - pixels.shape[0] / 2) ** 2 < (0.55 * pixels.shape[0]) ** 2
    return pixels * inside[:, :, None].astype(np.uint8)


def noisy(pixels: np.ndarray, amount: int, seed: int = 0) -> np.ndarray:
    noise = np.random.default_rng(seed).integers(-amount, amount + 1, size=pixels.shape)
    return np.clip(pixels + noise, 0, 255).astype(np.uint8)


def room(seed: int, palette: tuple[tuple[int, int, int], ...]) -> np.ndarray:
    """An operating room as a camera held in the hand sees it: drapes, tables, lamps, folds and shadows."""
    rng = np.random.default_rng(seed)
    image = Image.new("RGB", (SIZE[1], SIZE[0]), palette[0])
    pen = ImageDraw.Draw(image)
    for _ in range(60):
        x, y, w, h = rng.integers(0, SIZE[1]), rng.integers(0, SIZE[0]), *rng.integers(20, 260, size=2)
        light = rng.uniform(0.35, 1.25)
        colour = tuple(int(min(255, c * light)) for c in palette[rng.integers(len(palette))])
        pen.polygon([(x, y), (x + w, y + h // 5), (x + w // 2, y + h), (x - w // 4, y + h // 2)], fill=colour)
    return noisy(np.asarray(image.filter(ImageFilter.GaussianBlur(0.8))), 4, seed)


DRAPES = {
    "blue": ((50, 95, 160), (80, 130, 190), (200, 205, 210)),
    "green": ((40, 110, 80), (70, 140, 110), (180, 190, 185)),
    "grey": ((150, 152, 155), (210, 212, 214), (30, 31, 33), (250, 250, 250)),
}


@pytest.mark.parametrize("colour", list(DRAPES))
@pytest.mark.parametrize("seed", range(4))
def test_rooms(colour: str, seed: int) -> None:
    seen = room(seed, DRAPES[colour])
    assert no_view(seen) == "outside the body"
    assert no_view(rounded(seen)) == "outside the body"


@pytest.mark.parametrize("seed", range(4))
def test_a_room_with_much_that_is_warm_is_spared(seed: int) -> None:
    assert no_view(room(seed, (*DRAPES["blue"], (200, 150, 120), (190, 120, 90)))) is None


@pytest.mark.parametrize(
    ("pixels", "found"),
    [
        (filled(0, 0, 0), "black"),
        (filled(16, 16, 16), "black"),
        (noisy(filled(6, 6, 6), 14), "black"),
        (filled(255, 255, 255), "white"),
        (noisy(filled(250, 250, 250), 5), "white"),
        (rounded(filled(255, 255, 255)), "white"),
        (filled(0, 0, 255), "one colour"),
        (filled(128, 128, 128), "one colour"),
        (noisy(filled(180, 60, 50), 3), "one colour"),
        (rounded(filled(180, 60, 50)), "one colour"),
    ],
)
def test_blank_frames(pixels: np.ndarray, found: str) -> None:
    assert no_view(pixels) == found


def test_a_few_letters_on_black_are_black() -> None:
    image = Image.new("RGB", (854, 480))
    ImageDraw.Draw(image).text((380, 230), "NO SIGNAL", fill=(255, 255, 255))
    assert no_view(np.asarray(image)) == "black"


@settings(max_examples=40)
@given(
    st.integers(0, 3), st.integers(0, 40), st.integers(0, 23), st.sampled_from([0, 0.3, 0.6, 0.9]),
    st.sampled_from([(96, 64), (320, 240), (854, 480)]),
)  # fmt: skip
def test_no_drawn_scene_is_taken_for_another(
    seed: int, video: int, frame: int, density: float, size: tuple[int, int]
) -> None:
    drawn = scene(Spec(seed, video, 24, 1.0, *size), frame)
    assert no_view(drawn.picture) is None
    assert no_view(render_smoke(drawn.clean, seed=f"{seed}/{video}", density=density)) is None


def test_a_view_full_of_one_tissue_is_a_view() -> None:
    """Blood on the lens, or a wall of the liver: one hue, soft, but not one colour."""
    ys = np.linspace(0.4, 1, SIZE[0])[:, None, None]
    wall = (ys * np.array([150, 40, 35]) * np.ones((1, SIZE[1], 1))).astype(np.uint8)
    assert no_view(noisy(wall, 2)) is None


def test_real_frames_are_views(real: Path) -> None:
    files = sorted((real / "cholect50" / "videos").glob("*/*.png"))
    assert len(files) > 50
    for path in files:
        pixels = np.asarray(Image.open(path).convert("RGB"))
        assert no_view(pixels) is None, path.name
        assert no_view(render_smoke(pixels, seed=path.name, density=0.9)) is None, path.name


def test_real_clips_are_views(real: Path) -> None:
    pytest.importorskip("av")
    from surgsigma_hub.media.video import open_video

    for path in sorted((real / "cholect50" / "clips").glob("*.mp4")):
        film = open_video(path)
        for index in range(0, len(film), max(1, len(film) // 20)):
            assert no_view(film.frame(index)) is None, (path.name, index)


def test_it_is_fast() -> None:
    pixels = scene(Spec(0, 0, 24, 1.0, 854, 480), 3).picture
    spent = []
    for _ in range(20):
        started = time.process_time()
        no_view(pixels)
        spent.append(time.process_time() - started)
    assert min(spent) < 0.01  # about 0.6 ms; ten times that would be another algorithm


def test_other_shapes_are_refused() -> None:
    with pytest.raises(SurgSigmaError, match="shape"):
        no_view(np.zeros((48, 64), np.uint8))
