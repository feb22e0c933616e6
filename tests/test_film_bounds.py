"""How much a film may take: pixels and bytes of a frame, pixels at a time, frames that it claims."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest
from surgsigma_hub.adapters.media import film_frames
from surgsigma_hub.errors import MediaError
from surgsigma_hub.media import film_index
from surgsigma_hub.media.film_pyav import open_pyav
from surgsigma_hub.media.film_readers import READERS, UnusableError
from surgsigma_hub.media.film_table import film_table
from surgsigma_hub.streaming import Frames

from films import SIZE, Recipe, number_of, write, write_growing

PIXELS = SIZE[0] * SIZE[1]


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    options = {"x264-params": "keyint=12:log-level=none"}
    return write(Recipe("film.mp4", options=options, count=40), tmp_path_factory.mktemp("film"))


def copy(film: Path, folder: Path, data: bytes | None = None) -> Path:
    """Another film than any that was read before."""
    path = folder / "copy.mp4"
    path.write_bytes(film.read_bytes() if data is None else data)
    return path


@pytest.mark.parametrize("bound", ["MAX_PIXELS", "_FRAME_BYTES"])
def test_frames_that_are_too_large_are_refused_before_they_are_decoded(
    bound: str, film: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(film_index, bound, PIXELS - 1)
    path = copy(film, tmp_path)
    for open_it in (lambda: film_table(path), lambda: open_pyav(path.read_bytes(), path.name)):
        with pytest.raises(MediaError, match=rf"copy\.mp4: .*{SIZE[0]} x {SIZE[1]}.* more than {PIXELS - 1}") as found:
            open_it()
        assert found.value.reason == "media_too_large"


def test_frames_that_grow_on_the_way_are_refused_by_the_decoder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(film_index, "_FRAME_BYTES", 2 * PIXELS)  # rows are held in multiples of 64 pixels
    path = write_growing(tmp_path)
    reader = open_pyav(str(path), path.name)
    assert number_of(reader.frame(5)) == 5
    with pytest.raises(MediaError, match=r"grows\.ts: frame 25 cannot be decoded"):
        reader.frame(25)


@pytest.mark.parametrize("reader", list(READERS))
def test_so_many_pixels_at_a_time(reader: str, film: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    try:
        opened = READERS[reader](str(film), film.name)
    except UnusableError as error:
        pytest.skip(f"{reader} {error}")
    monkeypatch.setattr(film_index, "MAX_PIXELS", 10 * PIXELS)
    assert len(opened.frames(range(10))) == 10
    with pytest.raises(MediaError, match=rf"film\.mp4: 11 frames of {SIZE[0]} x {SIZE[1]} are more than"):
        opened.frames(range(11))


def test_frames_of_a_sample_have_the_same_bound(film: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(film_index, "MAX_PIXELS", 10 * PIXELS)
    assert len(film_frames(film.read_bytes(), Frames(count=10), "s1.video.mp4")) == 10
    with pytest.raises(MediaError, match=r"s1\.video\.mp4: 40 frames of"):
        film_frames(film.read_bytes(), Frames(rate=25), "s1.video.mp4")


def test_a_rate_does_not_repeat_the_frames_of_a_slow_film_without_end() -> None:
    assert len(Frames(rate=10, most=8).choose(10, 1e-6)) == 8
    with pytest.raises(MediaError, match="more than 100000 frames at 10 a second"):
        Frames(rate=10).choose(10, 1e-6)


def test_an_mp4_that_claims_more_frames_than_it_has_bytes(film: Path, tmp_path: Path) -> None:
    data = bytearray(film.read_bytes())
    at = data.find(b"stsz")
    assert struct.unpack_from(">I", data, at + 12) == (40,)
    struct.pack_into(">II", data, at + 8, 1, 2_000_000_000)
    with pytest.raises(MediaError, match=r"copy\.mp4: claims 2000000000 frames in \d+ bytes"):
        film_table(copy(film, tmp_path, bytes(data)))


@pytest.mark.parametrize("data", [
    b"\0\0\0\x08moov" * 9000, struct.pack(">I", 90000) + b"moov" + b"\0\x01\0\0moov" * 9000,
    b"\0\0\0\x10ftypisom\0\0\0\0" + b"\0\0\0\0moov" * 900, b"\0\0\0\1ftyp" + b"\xff" * 40, b"\0\0\0\2ftyp" * 9,
], ids=["many", "nested", "open", "huge", "short"])  # fmt: skip
def test_boxes_without_end_are_no_film(data: bytes, film: Path, tmp_path: Path) -> None:
    with pytest.raises(MediaError, match=r"copy\.mp4: "):
        film_table(copy(film, tmp_path, data))
