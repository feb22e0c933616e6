"""Pictures as users have them: whole, odd, damaged, private."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from surgsigma_hub.errors import MediaError
from surgsigma_hub.media.image import load_raw, to_jpeg
from surgsigma_hub.records import Drawn, FileImage, FileSlice


def noise(width: int = 64, height: int = 48) -> Image.Image:
    rng = np.random.default_rng(0)
    return Image.fromarray(rng.integers(0, 255, (height, width, 3), dtype=np.uint8))


def saved(path: Path, image: Image.Image, **options: object) -> FileImage:
    image.save(path, **options)
    return FileImage(path)


def test_plain_jpeg_passes_through_untouched(tmp_path: Path) -> None:
    ref = saved(tmp_path / "a.jpg", noise(), quality=80)
    done = to_jpeg(ref, quality=92)
    assert done.passed_through and done.data == ref.path.read_bytes() and (done.width, done.height) == (64, 48)


def test_metadata_is_cut_out_and_the_picture_is_not_touched(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x010E] = "patient Jane Doe"
    ref = saved(tmp_path / "a.jpg", noise(), quality=80, exif=exif, comment=b"Jane Doe")
    trailing = ref.path.read_bytes() + b"Jane Doe"
    ref.path.write_bytes(trailing)
    done = to_jpeg(ref, quality=92)
    assert done.passed_through and b"Jane" not in done.data and b"Jane" in trailing
    plain = saved(tmp_path / "b.jpg", noise(), quality=80)
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(done.data))), np.asarray(Image.open(plain.path)))


def test_a_second_picture_behind_the_first_is_not_published(tmp_path: Path) -> None:
    one = saved(tmp_path / "a.jpg", noise(), quality=80).path.read_bytes()
    ref = FileImage(tmp_path / "two.jpg")
    ref.path.write_bytes(one + one)
    done = to_jpeg(ref, quality=92)
    assert not done.passed_through and done.data.count(b"\xff\xd8\xff") == 1


@pytest.mark.parametrize("mode", ["L", "CMYK", "RGBA", "P", "LA", "1", "I;16"])
@pytest.mark.parametrize("kind", ["png", "jpg"])
def test_every_colour_mode_becomes_rgb(tmp_path: Path, mode: str, kind: str) -> None:
    if kind == "jpg" and mode not in ("L", "CMYK"):
        pytest.skip("JPEG has no such mode")
    if kind == "png" and mode == "CMYK":
        pytest.skip("PNG has no such mode")
    if mode == "I;16":
        image = Image.fromarray((np.arange(48 * 64, dtype=np.uint16) * 20).reshape(48, 64))
    else:
        image = noise().convert(mode)
    ref = saved(tmp_path / f"a.{kind}", image)
    back = Image.open(io.BytesIO(to_jpeg(ref, quality=92).data))
    assert back.mode == "RGB" and back.size == (64, 48)
    assert 1 < np.asarray(back).mean() < 254


def test_sixteen_bit_grey_keeps_its_range(tmp_path: Path) -> None:
    ref = saved(tmp_path / "a.png", Image.fromarray(np.full((8, 8), 0x8000, np.uint16)))
    assert load_raw(ref).dtype == np.uint16 and int(load_raw(ref)[0, 0]) == 0x8000
    stored = np.asarray(Image.open(io.BytesIO(to_jpeg(ref, quality=95).data)))
    assert abs(int(stored[0, 0, 0]) - 128) <= 1


def damaged(path: Path, kind: str) -> FileImage:
    ref = saved(path, noise(200, 200))
    data = ref.path.read_bytes()
    content = {
        "empty": b"",
        "text": b"<html>404</html>",
        "header only": data[:20],
        "cut": data[: len(data) // 2],
        "zeros": bytes(500),
    }[kind]
    ref.path.write_bytes(content)
    return ref


@pytest.mark.parametrize("kind", ["empty", "text", "header only", "cut", "zeros"])
@pytest.mark.parametrize("suffix", ["png", "jpg"])
def test_damaged_pictures_are_named(tmp_path: Path, kind: str, suffix: str) -> None:
    ref = damaged(tmp_path / f"000001.{suffix}", kind)
    with pytest.raises(MediaError, match="000001") as caught:
        to_jpeg(ref, quality=92)
    assert caught.value.reason == "media_unreadable"
    assert str(tmp_path) not in str(caught.value)


def test_the_same_damage_reads_the_same_twice(tmp_path: Path) -> None:
    ref = damaged(tmp_path / "a.png", "text")
    messages = set()
    for _ in range(2):
        with pytest.raises(MediaError) as caught:
            to_jpeg(ref, quality=92)
        messages.add(str(caught.value))
    assert len(messages) == 1


def test_huge_pictures_are_refused_before_decoding(tmp_path: Path) -> None:
    header = io.BytesIO()
    Image.new("1", (20_000, 20_000)).save(header, "PNG")
    ref = FileImage(tmp_path / "huge.png")
    ref.path.write_bytes(header.getvalue())
    with pytest.raises(MediaError, match="pixels") as caught:
        to_jpeg(ref, quality=92)
    assert caught.value.reason == "media_too_large"


def test_missing_and_short_slices(tmp_path: Path) -> None:
    with pytest.raises(MediaError) as caught:
        to_jpeg(FileImage(tmp_path / "none.png"), quality=92)
    assert caught.value.reason == "media_missing"
    data = saved(tmp_path / "a.jpg", noise()).path.read_bytes()
    pack = tmp_path / "pack.bin"
    pack.write_bytes(b"head" + data)
    assert to_jpeg(FileSlice(pack, 4, len(data)), quality=92).data == data
    with pytest.raises(MediaError, match="cut at"):
        to_jpeg(FileSlice(pack, 4, len(data) + 9), quality=92)


def test_drawn_pixels() -> None:
    done = to_jpeg(Drawn("scene", lambda: np.zeros((6, 8, 3), np.uint8)), quality=92)
    assert (done.width, done.height, done.passed_through) == (8, 6, False)
    with pytest.raises(MediaError, match="shape"):
        to_jpeg(Drawn("scene", lambda: np.zeros((6, 8, 4), np.uint8)), quality=92)
