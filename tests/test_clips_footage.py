"""Clips and stills of one film: the same frames, turned the same way, at the same times."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from surgsigma_hub.errors import MediaError
from surgsigma_hub.media import clips
from surgsigma_hub.media.clips import encode_clip
from surgsigma_hub.media.film_table import film_table
from surgsigma_hub.media.video import encode_video, open_video_bytes, read_frame
from surgsigma_hub.records import Cut, Film

from films import Recipe, number_of, write
from machines import Machine

OPTIONS = {"x264-params": "keyint=12:log-level=none"}


@pytest.fixture(autouse=True)
def any_view(monkeypatch: pytest.MonkeyPatch) -> None:
    """Frames that show their number in black and white are no surgical view."""
    monkeypatch.setattr(clips, "no_view", lambda pixels: None)


def numbers(film: Film, start: float, end: float, max_fps: float = 25) -> list[int | None]:
    clip = encode_clip(Cut(film, start, end), max_fps=max_fps, max_side=480, endoscopic=False)
    reader = open_video_bytes(clip.data, "clip")
    return [number_of(reader.frame(n)) for n in range(len(reader))]


@pytest.mark.parametrize("kind", ["mp4", "mkv", "ts", "avi", "mov"])
def test_clips_hold_the_frames_of_their_time_in_every_container(kind: str, tmp_path: Path) -> None:
    film = Film(write(Recipe(f"film.{kind}", options=OPTIONS), tmp_path), 25.0)
    assert numbers(film, 2.0, 3.0) == list(range(50, 75))
    assert numbers(film, 1.0, 4.0, max_fps=5) == list(range(25, 100, 5))
    assert number_of(read_frame(film.path, 61)) == 61


@pytest.mark.parametrize("degrees", [90, 180, -90])
def test_clips_are_turned_like_stills(degrees: int, tmp_path: Path) -> None:
    path = write(Recipe("turned.mp4", options=OPTIONS, rotation=degrees, count=50), tmp_path)
    clip = encode_clip(Cut(Film(path, 25.0), 0, 1), max_fps=25, max_side=480, endoscopic=False)
    still = read_frame(path, 20)
    assert (clip.width, clip.height) == (still.shape[1], still.shape[0]) == ((96, 64) if degrees == 180 else (64, 96))
    assert abs(open_video_bytes(clip.data, "clip").frame(20).astype(int) - still).mean() < 3


BARS = np.repeat([[(180, 40, 30), (235, 160, 130), (40, 120, 50), (60, 70, 190)]], 64, 0).repeat(40, 1).astype(np.uint8)


KR_KB = {1: (0.2126, 0.0722), 5: (0.299, 0.114), 7: (0.212, 0.087), 9: (0.2627, 0.0593)}


def planes(matrix: int, full: bool, bits: int) -> list[npt.NDArray[Any]]:
    """Luma and both chromas of the bars as ITU-T H.273 has them, whatever a library makes of it."""
    (kr, kb), (red, green, blue) = KR_KB[matrix], np.moveaxis(BARS / 255, 2, 0)
    luma = kr * red + (1 - kr - kb) * green + kb * blue
    chroma = [(blue - luma) / (2 - 2 * kb), (red - luma) / (2 - 2 * kr)]
    if full:
        values = [255 * luma, *(128 + 255 * c for c in chroma)]
    else:
        values = [16 + 219 * luma, *(128 + 224 * c for c in chroma)]
    return [np.round(v * 2 ** (bits - 8)).astype(np.uint16 if bits > 8 else np.uint8) for v in values]


def coloured(path: Path, codec: str, form: str, matrix: int, reach: int) -> Film:
    """A film of bars in this pixel format, by this matrix and in this range, as its own stream says."""
    import av

    bits = 10 if "10" in form else 8
    with av.open(str(path), "w") as out:
        stream = out.add_stream(codec, rate=25)
        stream.width, stream.height, stream.pix_fmt = BARS.shape[1], BARS.shape[0], form
        stream.codec_context.colorspace, stream.codec_context.color_range = matrix, reach
        for n in range(10):
            frame = av.VideoFrame(stream.width, stream.height, form)
            for plane, values in zip(frame.planes, planes(matrix, reach == 2, bits), strict=True):
                rows, columns = values.shape[0] // plane.height, values.shape[1] // plane.width
                room = np.zeros((plane.height, plane.line_size // values.dtype.itemsize), values.dtype)
                room[:, : plane.width] = values[::rows, ::columns]
                plane.update(room)
            frame.pts, frame.colorspace, frame.color_range = n, matrix, reach
            out.mux(stream.encode(frame))
        out.mux(stream.encode())
    return Film(path, 25.0)


@pytest.mark.parametrize(
    ("name", "codec", "form", "matrix", "reach"),
    [
        ("hd.mp4", "libx264", "yuv420p", 1, 1),
        ("hd_full.mp4", "libx264", "yuv420p", 1, 2),
        ("sd_full.mp4", "libx264", "yuv420p", 5, 2),
        ("capture.avi", "mjpeg", "yuvj422p", 5, 2),
        ("ten_bits.mp4", "libx264", "yuv420p10le", 9, 1),
        ("old.mp4", "libx264", "yuv420p", 7, 1),
        ("sd.mp4", "libx264", "yuv420p", 5, 1),
    ],
)
def test_clips_and_stills_have_the_colours_that_were_filmed(
    name: str, codec: str, form: str, matrix: int, reach: int, tmp_path: Path
) -> None:
    film = coloured(tmp_path / name, codec, form, matrix, reach)
    clip = encode_clip(Cut(film, 0, 0.4), max_fps=25, max_side=480, endoscopic=False)
    middles = BARS[32, 20::40].astype(int)
    for pixels in (read_frame(film.path, 4), open_video_bytes(clip.data, "clip").frame(4)):
        assert abs(pixels[32, 20::40] - middles).max() <= 8, pixels[32, 20::40]


def test_after_a_lost_frame_clips_follow_the_time(tmp_path: Path) -> None:
    pts = [n + (n >= 40) for n in range(100)]  # nothing is shown at 40/25 s
    film = Film(write(Recipe("lost.mp4", options=OPTIONS, pts=pts), tmp_path), 25.0)
    assert numbers(film, 2.0, 3.0) == list(range(49, 74)), "number 50 is shown at 51/25 s"
    assert numbers(film, 0, 1.6) == list(range(40))
    with pytest.raises(MediaError, match=r"lost\.mp4: no frame at 1\.600 s"):
        numbers(film, 1.0, 2.0)
    assert number_of(read_frame(film.path, film_table(film.path).nearest(2.0))) == 49


def test_a_rate_almost_that_of_the_source_keeps_the_time(tmp_path: Path) -> None:
    film = write(Recipe("film.mp4", options=OPTIONS), tmp_path)
    assert numbers(Film(film, 24.9), 3.0, 3.2) == [75, 76, 77, 78, 79]
    with pytest.raises(MediaError, match="has 25 frames a second, the source says 30"):
        numbers(Film(film, 30.0), 0, 1)


def digest(path: str) -> str:
    return sha256(read_frame(Path(path), 50).tobytes()).hexdigest()


def test_stills_of_films_are_the_same_on_every_machine(tmp_path: Path) -> None:
    """A film of noise: where frames are black and white, every rounding gives the same."""
    noise = np.random.default_rng(0).integers(0, 255, (64, 96, 3), np.uint8)
    path = tmp_path / "noise.mp4"
    encode_video(path, (np.roll(noise, n, axis=1) for n in range(60)), fps=25)
    here = digest(str(path))
    for instructions in ("SSE2", "0"):
        assert Machine(instructions).run("test_clips_footage:digest", str(path)) == here


def test_metadata_that_is_not_utf8_does_not_end_a_build(tmp_path: Path) -> None:
    recipe = Recipe("latin.mp4", options=OPTIONS, bytes=lambda film: film.replace(b"VideoHandler", b"Kamera \xfcber "))
    film = Film(write(recipe, tmp_path), 25.0)
    assert numbers(film, 0, 0.2) == [0, 1, 2, 3, 4] and number_of(read_frame(film.path, 3)) == 3
