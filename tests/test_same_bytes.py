"""The same bytes on every machine and in every heap, as far as one machine can play others."""

from __future__ import annotations

import hashlib
import tempfile
from pathlib import Path

import av
import numpy as np
import pytest
from surgsigma_hub.media.clips import encode_clip
from surgsigma_hub.media.scene import Spec, scene
from surgsigma_hub.media.video import encode_video
from surgsigma_hub.records import Cut, Film

from machines import MACHINES, Machine


def moving(width: int, height: int, count: int) -> list[np.ndarray]:
    """A drawn scene that slides, one picture in eight drawn anew: enough motion for B-pictures and their weights."""
    pictures: list[np.ndarray] = []
    for n in range(count):
        if n % 8 == 0:
            drawn = scene(Spec(0, 1, count, 1.0, width, height), n).picture
        pictures.append(np.roll(drawn, 2 * (n % 8), axis=1))
    return pictures


def drawn_films() -> list[str]:
    """sha256 of films of three sizes."""
    sums = []
    with tempfile.TemporaryDirectory() as folder:
        for width, height in ((96, 64), (160, 120), (432, 240)):
            path = Path(folder) / "film.mp4"
            encode_video(path, moving(width, height, 40), fps=25 / 3)
            sums.append(hashlib.sha256(path.read_bytes()).hexdigest())
    return sums


def real_clips(folder: str) -> list[str]:
    """sha256 of clips out of the films in ``folder``."""
    cuts = [Cut(Film(path, 25.0), 5, 15) for path in sorted(Path(folder).glob("*.mp4"))]
    return [hashlib.sha256(encode_clip(cut, max_fps=10, max_side=480).data).hexdigest() for cut in cuts]


@pytest.fixture(scope="module")
def drawn_here() -> list[str]:
    return drawn_films()


@pytest.fixture(scope="module")
def real_here(real: Path) -> list[str]:
    return real_clips(str(real / "cholect50" / "clips"))


@pytest.mark.parametrize("machine", MACHINES, ids=lambda m: m.name)
def test_films_are_the_same_on_every_machine_and_in_every_heap(machine: Machine, drawn_here: list[str]) -> None:
    assert machine.run("test_same_bytes:drawn_films") == drawn_here


@pytest.mark.parametrize("machine", MACHINES[::2], ids=lambda m: m.name)
def test_clips_of_real_films_are_too(machine: Machine, real: Path, real_here: list[str]) -> None:
    assert machine.run("test_same_bytes:real_clips", str(real / "cholect50" / "clips")) == real_here


def test_these_films_would_differ_without_the_encoder_option(monkeypatch: pytest.MonkeyPatch) -> None:
    """The films above are hard enough: x264 left to itself gives other bytes with other instructions."""
    from surgsigma_hub.media import video

    found = []
    for params in ("", "asm=0"):
        monkeypatch.setitem(video.ENCODER, "x264-params", params)
        found.append(drawn_films())
    assert found[0] != found[1]


def test_clips_still_have_pictures_between_pictures(tmp_path: Path) -> None:
    """The cure is no loss of B-pictures, without which the fault would not show either."""
    encode_video(tmp_path / "film.mp4", moving(160, 120, 40), fps=25 / 3)
    with av.open(str(tmp_path / "film.mp4")) as container:
        kinds = {str(frame.pict_type) for frame in container.decode(video=0)}
    assert len(kinds) == 3, kinds
