"""Films whose frames carry their number, read by every backend."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from surgsigma_hub.errors import MediaError
from surgsigma_hub.media import video

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


@pytest.mark.parametrize("backend", ["decord", "av"])
def test_frames_are_exact(film: Path, backend: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if backend == "decord":
        pytest.importorskip("decord")
    monkeypatch.setenv(video.BACKEND_VARIABLE, backend)
    reader = video.open_video(film)
    assert (len(reader), reader.fps) == (COUNT, 25.0)
    for index in (0, 1, 25, 299, 26, 150, 0, 298, 299):
        assert number(reader.frame(index)) == index


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


@pytest.mark.parametrize("damage", ["empty", "garbage", "cut", "missing"])
def test_damaged_films(film: Path, tmp_path: Path, damage: str) -> None:
    path = tmp_path / f"{damage}.mp4"
    content = {"empty": b"", "garbage": b"no film" * 99, "cut": film.read_bytes()[:2000]}.get(damage)
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(MediaError, match=path.name) as caught:
        video.read_frame(path, 3)
    assert caught.value.reason == ("media_missing" if damage == "missing" else "media_unreadable")
    assert str(tmp_path) not in str(caught.value)


def test_frames_beyond_the_end_are_missing(film: Path) -> None:
    with pytest.raises(MediaError, match="no frame 300, it has 300"):
        video.read_frame(film, COUNT)


def test_a_real_clip_reads_the_same_by_both(real: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("decord")
    seen = []
    for backend in ("decord", "av"):
        monkeypatch.setenv(video.BACKEND_VARIABLE, backend)
        reader = video.open_video(real / "cholect50" / "clips" / "VID25_324.mp4")
        seen.append([reader.frame(i) for i in (0, 25, 799)])
        assert len(reader) == 800
    assert all(np.array_equal(a, b) for a, b in zip(*seen, strict=True))
