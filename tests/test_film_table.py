"""When the frames of a film are shown: read from packets, of what is refused the reason."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from surgsigma_hub.errors import MediaError
from surgsigma_hub.media.film_table import film_table
from surgsigma_hub.media.video import encode_video

from films import Recipe, write, write_with_sound


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("film") / "plain.mp4"
    encode_video(path, (np.full((48, 64, 3), n, np.uint8) for n in range(50)), fps=30000 / 1001)
    return path


def test_a_plain_film_has_a_frame_every_interval(film: Path) -> None:
    table = film_table(film)
    assert (len(table), table.width, table.height, table.rotation, table.constant) == (50, 64, 48, 0, True)
    assert table.fps == pytest.approx(30000 / 1001, rel=1e-12)
    assert table.seconds == pytest.approx(np.arange(50) * 1001 / 30000)


def test_the_nearest_frame_is_the_earlier_of_two(film: Path) -> None:
    table = film_table(film)
    gap = 1001 / 30000
    assert [table.nearest(s * gap) for s in (-9, 0, 0.49, 0.51, 7.4, 48.6, 49, 1000)] == [0, 0, 0, 1, 7, 49, 49, 49]
    assert table.nearest(float(table.seconds[3] + table.seconds[4]) / 2) == 3


def test_what_is_no_film_is_refused_by_name(tmp_path: Path) -> None:
    for name, content, said in [
        ("gone", None, "no such"),
        ("empty", b"", "0 bytes"),
        ("text", b"no film" * 9, "video"),
    ]:
        path = tmp_path / f"{name}.mp4"
        if content is not None:
            path.write_bytes(content)
        with pytest.raises(MediaError, match=rf"{name}\.mp4.*{said}"):
            film_table(path)


@pytest.mark.parametrize("kind", ["mp4", "mkv", "mts"])
def test_a_film_says_by_how_much_its_sound_begins_first(kind: str, tmp_path: Path) -> None:
    for seconds in (0, 2):
        table = film_table(write_with_sound(tmp_path / f"{seconds}.{kind}", seconds))
        assert table.late == pytest.approx(seconds, abs=0.05) and list(table.seconds[:2]) == [0, pytest.approx(0.04)]
    assert film_table(write_with_sound(tmp_path / f"after.{kind}", -1)).late == 0


def test_pixels_that_are_not_square_and_woven_pictures_are_told(tmp_path: Path) -> None:
    """As DVD recorders and camcorders write; boxes are shares of the frame and fit it, the picture is squeezed."""
    options = {"aspect": "12:11", "x264-params": "log-level=none"}
    recipe = Recipe("recorder.mts", options=options, interlaced=True, count=5)
    squeezed, woven = film_table(write(recipe, tmp_path)).told
    assert "12:11, not square: pictures are taken as stored, 96 x 64" in squeezed and "interlaced" in woven
    assert film_table(write(Recipe("plain.mts", count=5), tmp_path)).told == ()
