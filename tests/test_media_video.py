"""Films whose frames carry their number, read by every backend."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from surgsigma_hub.errors import MediaError, SurgSigmaError, UnknownNameError
from surgsigma_hub.media import video
from surgsigma_hub.media.film_pyav import PyAV
from surgsigma_hub.media.film_readers import READERS, FrameReader, UnusableError

pytest.importorskip("av")
COUNT = 300


def numbered(index: int) -> np.ndarray:
    """A frame that shows ``index`` as nine black or white blocks."""
    bits = [(index >> b) & 1 for b in range(9)]
    return np.repeat(np.repeat(np.array(bits, np.uint8).reshape(3, 3) * 255, 32, 0), 32, 1)[:, :, None].repeat(3, 2)


def number(pixels: np.ndarray) -> int:
    return sum(int(pixels[16 + 32 * (b // 3), 16 + 32 * (b % 3), 0] > 127) << b for b in range(9))


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("film") / "numbered.mp4"
    video.encode_video(path, (numbered(i) for i in range(COUNT)), fps=25)
    return path


def opened(name: str, film: Path | bytes) -> FrameReader:
    """A reader by name, or a skip that says what is missing."""
    try:
        return READERS[name](str(film) if isinstance(film, Path) else film, "film")
    except UnusableError as error:
        pytest.skip(f"{name} {error}")


@pytest.mark.parametrize("backend", list(READERS))
def test_frames_are_exact(film: Path, backend: str) -> None:
    for source in (film, film.read_bytes()):
        reader = opened(backend, source)
        assert (len(reader), reader.fps) == (COUNT, 25.0)
        for index in (0, 1, 25, 299, 26, 150, 0, 298, 299, 23, 24, 11, 12):
            assert number(reader.frame(index)) == index
        for indices in ([0], [0, 1, 2], [7], [11, 12, 13, 24, 150, 298, 299], list(range(0, COUNT, 37)), [299]):
            assert [number(pixels) for pixels in reader.frames(indices)] == indices
        assert len(reader.frames([])) == 0


@pytest.mark.parametrize("backend", list(READERS))
def test_behind_the_end_there_is_nothing(film: Path, backend: str) -> None:
    reader = opened(backend, film)
    for bad in (COUNT, COUNT + 50):
        with pytest.raises(MediaError, match=f"no frame {bad}, it has {COUNT}"):
            reader.frame(bad)
    assert number(reader.frame(3)) == 3


@pytest.mark.parametrize("size", [(96, 64), (854, 480), (66, 50), (130, 98)])
def test_all_readers_give_equal_frames(tmp_path: Path, size: tuple[int, int]) -> None:
    rng = np.random.default_rng(0)
    noise = rng.integers(0, 255, (size[1], size[0], 3)).astype(np.uint8)
    path = tmp_path / "film.mp4"
    video.encode_video(path, (np.roll(noise, n, 1) // (1 + n % 3) for n in range(40)), fps=25 / 3)
    indices = [0, 5, 11, 12, 30, 39]
    expected = PyAV(str(path), "film").frames(indices)
    compared = []
    for name in READERS:
        try:
            reader = READERS[name](path.read_bytes(), "film")
        except UnusableError:
            continue
        compared.append(name)
        assert np.array_equal(reader.frames(indices), expected), name
        assert np.array_equal(reader.frame(39), expected[-1]) and reader.fps == pytest.approx(25 / 3)
    if len(compared) < len(READERS):
        pytest.skip(f"only {' and '.join(compared)} can be loaded here: the others were not compared")


def test_only_the_pictures_before_a_frame_are_decoded(film: Path) -> None:
    """A key frame comes every 12 frames, so that a frame costs 12 at most; going on forwards costs nothing more."""

    class Counted(PyAV):
        decoded_frames = 0

        def _decode(self, key: Any) -> Any:
            for frame in super()._decode(key):
                self.decoded_frames += 1
                yield frame

    reader = Counted(film.read_bytes(), "film")
    assert [number(p) for p in reader.frames([0, 100, 200, 299])] == [0, 100, 200, 299]
    assert reader.decoded_frames <= 1 + 3 * 12
    before = reader.decoded_frames
    for index in range(120, 160):
        reader.frame(index)
    assert reader.decoded_frames - before <= 12 + 40


def test_a_reader_is_named_from_a_closed_list(film: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(video.BACKEND_VARIABLE, "ffmpeg")
    with pytest.raises(UnknownNameError, match=r"unknown video reader 'ffmpeg' in SURGSIGMA_VIDEO"):
        video.open_video(film)


@pytest.mark.parametrize("problem", [ImportError("libx.so: no"), RuntimeError("\nCould not load it\n"), OSError("bad")])
def test_a_library_that_cannot_be_loaded(film: Path, monkeypatch: pytest.MonkeyPatch, problem: Exception) -> None:
    """Torchcodec without the FFmpeg libraries raises any of these when it is imported."""

    class Finder:
        def find_spec(self, name: str, *_: object) -> None:
            if name.startswith(("torchcodec", "decord")):
                raise problem

    for name in [n for n in sys.modules if n.startswith(("torchcodec", "decord"))]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(sys, "meta_path", [Finder(), *sys.meta_path])
    assert isinstance(video.open_video(film), PyAV)  # nobody has asked for another by name
    monkeypatch.setenv(video.BACKEND_VARIABLE, "torchcodec")
    with pytest.raises(SurgSigmaError, match=r"'torchcodec' cannot be loaded \((libx.so: no|Could not load it|bad)\)"):
        video.open_video(film)


def test_narrow_films_which_decord_misreads_fall_back(tmp_path: Path) -> None:
    path = tmp_path / "narrow.mp4"
    video.encode_video(path, [np.full((48, 48, 3), 200, np.uint8)] * 3, fps=25)
    pixels = video.open_video(path).frame(2)
    assert pixels.shape == (48, 48, 3) and abs(int(pixels.mean()) - 200) <= 2


def test_encoding_is_byte_exact_and_leaves_no_temporary(film: Path, tmp_path: Path) -> None:
    again = tmp_path / "again.mp4"
    video.encode_video(again, (numbered(i) for i in range(COUNT)), fps=25)
    assert again.read_bytes() == film.read_bytes()
    with pytest.raises(MediaError, match="even"):
        video.encode_video(tmp_path / "odd.mp4", [np.zeros((5, 5, 3), np.uint8)], fps=25)
    with pytest.raises(MediaError, match="no frame"):
        video.encode_video(tmp_path / "none.mp4", [], fps=25)
    assert [p.name for p in tmp_path.iterdir()] == ["again.mp4"]


@pytest.mark.parametrize("backend", ["", *READERS])
@pytest.mark.parametrize("damage", ["empty", "garbage", "cut", "missing"])
def test_damaged_films(film: Path, tmp_path: Path, damage: str, backend: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if backend:
        opened(backend, film)
        monkeypatch.setenv(video.BACKEND_VARIABLE, backend)
    path = tmp_path / f"{damage}.mp4"
    content = {"empty": b"", "garbage": b"no film" * 99, "cut": film.read_bytes()[:2000]}.get(damage)
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(MediaError, match=path.name) as caught:
        video.read_frame(path, 3)
    assert caught.value.reason == ("media_missing" if damage == "missing" else "media_unreadable")
    assert str(tmp_path) not in str(caught.value) and ".cpp" not in str(caught.value)


def test_frames_beyond_the_end_are_missing(film: Path) -> None:
    with pytest.raises(MediaError, match="no frame 300, it has 300"):
        video.read_frame(film, COUNT)


def test_a_real_clip_reads_the_same_by_all(real: Path) -> None:
    seen = []
    for backend in READERS:
        reader = opened(backend, real / "cholect50" / "clips" / "VID25_324.mp4")
        assert len(reader) == 800
        seen.append(reader.frames([0, 25, 401, 799]))
    assert all(np.array_equal(seen[0], other) for other in seen[1:])
