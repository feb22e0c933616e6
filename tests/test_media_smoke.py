"""Smoke on clean frames: what it keeps, what it changes, and that its seed decides everything."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from surgsigma_hub.errors import MediaError, SurgSigmaError
from surgsigma_hub.media.image import to_jpeg
from surgsigma_hub.media.smoke import render_smoke, smoked
from surgsigma_hub.records import FileImage
from surgsigma_hub.scene import Spec, scene

SIZES = [(32, 32), (33, 47), (320, 240), (854, 480), (1920, 1080)]


def clean(video: int = 0, width: int = 160, height: int = 120) -> np.ndarray:
    return scene(Spec(0, video, 24, 1.0, width, height), 5).clean


def change(clean: np.ndarray, seed: str, density: float) -> float:
    smoky = render_smoke(clean, seed=seed, density=density)
    return float(np.abs(smoky.astype(int) - clean).mean())


@pytest.mark.parametrize(("width", "height"), SIZES)
def test_every_size_keeps_its_shape(width: int, height: int) -> None:
    before = np.random.default_rng(0).integers(0, 255, size=(height, width, 3), dtype=np.uint8)
    given_in = before.copy()
    smoky = render_smoke(before, seed="a", density=0.5)
    assert smoky.shape == before.shape and smoky.dtype == np.uint8
    assert not np.array_equal(smoky, before) and np.array_equal(before, given_in)


def test_the_seed_decides() -> None:
    frame = clean()
    one, same, other = (render_smoke(frame, seed=s, density=0.6) for s in ("a", "a", "b"))
    assert np.array_equal(one, same)
    assert np.abs(one.astype(int) - other).mean() > 3


def test_no_density_is_no_change() -> None:
    frame = clean()
    same = render_smoke(frame, seed="a", density=0)
    assert np.array_equal(same, frame) and same is not frame


@settings(max_examples=25)
@given(st.text(max_size=20), st.integers(0, 5), st.floats(0.02, 0.9), st.floats(0.02, 0.1))
def test_more_density_is_more_smoke(seed: str, video: int, density: float, more: float) -> None:
    frame = clean(video)
    assert change(frame, seed, density) < change(frame, seed, density + more)


@pytest.mark.parametrize("video", range(6))
def test_contrast_falls_but_the_scene_stays(video: int) -> None:
    frame = clean(video)
    middle = (slice(40, 80), slice(50, 110))  # inside the round view of every scene

    def detail(pixels: np.ndarray) -> float:
        return float(np.abs(np.diff(pixels[middle].mean(axis=2), axis=1)).mean())

    found = [detail(render_smoke(frame, seed="a", density=d)) for d in (0, 0.2, 0.4, 0.6, 0.9)]
    assert found == sorted(found, reverse=True) and found[-1] > 0
    smoky = render_smoke(frame, seed="a", density=0.5)
    saturation = [np.ptp(p[middle].astype(int), axis=2).mean() for p in (frame, smoky)]
    assert saturation[1] < saturation[0]


@pytest.mark.parametrize("video", range(8))
def test_what_the_endoscope_does_not_show_stays_black(video: int) -> None:
    """The true rim of a drawn scene is known: the smoke finds it by itself, to a pixel or two."""
    frame = clean(video, 320, 240)
    smoky = render_smoke(frame, seed="a", density=0.9)
    dark = np.asarray(Image.fromarray((frame.max(axis=2) > 12).astype(np.uint8)).resize((320, 240))) == 0
    corner = np.zeros_like(dark)
    corner[:24, :24] = corner[-24:, -24:] = corner[:24, -24:] = corner[-24:, :24] = True
    if not dark[:4, :4].all() or not dark[-4:, -4:].all():
        assert smoky[corner].mean() > frame[corner].mean()  # no rim in sight: smoke everywhere
        return
    rim = dark & corner
    assert np.abs(smoky[rim].astype(int) - frame[rim]).max() <= 2
    assert np.abs(smoky[100:140, 130:190].astype(int) - frame[100:140, 130:190]).mean() > 20


def test_smoke_is_uneven() -> None:
    black = np.zeros((240, 320, 3), np.uint8)
    black[:] = 30
    veil = render_smoke(black, seed="a", density=0.5).astype(float)
    assert veil.std() > 12 and np.percentile(veil, 99) > 2 * np.percentile(veil, 5)
    red, _, blue = veil[veil.max(axis=2) > 100].mean(axis=0)
    assert blue > red  # bluish grey over colourless ground


@pytest.mark.parametrize("density", [-0.1, 1.01, float("nan")])
def test_a_density_that_is_none(density: float) -> None:
    with pytest.raises(SurgSigmaError, match="expected 0"):
        render_smoke(clean(), seed="a", density=density)
    with pytest.raises(SurgSigmaError, match="expected 0"):
        smoked(FileImage(Path("x.png")), seed="a", density=density)


def test_grey_pixels_are_refused() -> None:
    with pytest.raises(SurgSigmaError, match="shape"):
        render_smoke(np.zeros((32, 32), np.uint8), seed="a", density=0.5)


def test_a_reference_is_drawn_late_and_travels(tmp_path: Path) -> None:
    path = tmp_path / "frame.png"
    drawn, density = smoked(FileImage(path), seed="cholect50-VID01-000012")  # opens nothing
    Image.fromarray(clean()).save(path)
    there = pickle.loads(pickle.dumps(drawn))
    assert np.array_equal(there.draw(), render_smoke(clean(), seed="cholect50-VID01-000012", density=density))
    assert str(tmp_path.parent) not in drawn.name
    assert (to_jpeg(drawn, quality=92).width, to_jpeg(drawn, quality=92).height) == (160, 120)
    path.unlink()
    with pytest.raises(MediaError, match="no such file"):
        drawn.draw()


def test_densities_by_lot_are_graded() -> None:
    ref = FileImage(Path("frame.png"))
    lots = [smoked(ref, seed=f"s{n}")[1] for n in range(400)]
    assert 0.1 <= min(lots) < 0.13 and 0.87 < max(lots) <= 0.9 and 0.45 < sum(lots) / 400 < 0.55
    assert smoked(ref, seed="s7")[1] == lots[7] and smoked(ref, seed="s7", density=0.25)[1] == 0.25
    grey = np.full((48, 64, 3), 90, np.uint8)
    assert not np.array_equal(render_smoke(grey, seed="s1", density=0.5), render_smoke(grey, seed="s2", density=0.5))
