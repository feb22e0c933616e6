"""Each fixture is what its committed script makes: text byte for byte, images by pixels, videos by their numbers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from surgsigma_hub.media.video import open_video
from surgsigma_hub.source.numbered_files import is_film

import fixture_kit
from footage_files import number_of


def held(root: Path) -> dict[str, Path]:
    return {str(p.relative_to(root)): p for p in sorted(root.rglob("*")) if p.is_file()}


@pytest.mark.parametrize("source", sorted(fixture_kit.scripts()))
def test_a_fixture_is_what_its_script_makes(source: str, tmp_path: Path) -> None:
    fixture_kit.make(source, tmp_path)
    made, committed = held(tmp_path), held(fixture_kit.FIXTURES / source)
    assert list(made) == list(committed), f"run: python tests/fixture_kit.py {source}"
    for name, path in made.items():
        assert same(path, committed[name]), f"{name} differs; run: python tests/fixture_kit.py {source}"


def same(one: Path, other: Path) -> bool:
    """Whether two files say the same; encoders of other versions write other bytes of the same pixels."""
    if one.read_bytes() == other.read_bytes():
        return True
    if is_film(one):
        first, second = open_video(one), open_video(other)
        return [number_of(first.frame(n)) for n in range(len(first))] == [
            number_of(second.frame(n)) for n in range(len(second))
        ]
    if one.suffix.lower() in (".png", ".jpg", ".jpeg", ".bmp", ".tif"):
        pixels = [np.asarray(Image.open(path)).astype(int) for path in (one, other)]
        loss = 0 if one.suffix.lower() == ".png" else 16  # levels by which JPEG decoders may differ
        return pixels[0].shape == pixels[1].shape and int(abs(pixels[0] - pixels[1]).max()) <= loss
    return False
