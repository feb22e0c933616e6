"""Decoding: Pillow's pixels whichever decoder works, sizes, masks, films, and memory that is used again."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pytest
import surgsigma_hub
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from surgsigma_hub.errors import MediaError, SurgSigmaError
from surgsigma_hub.media.video import open_video_bytes
from surgsigma_hub.shards.tar_index import Members
from surgsigma_hub.streaming import Frames, Rgb
from surgsigma_hub.streaming.decode import decoder as decoding
from surgsigma_hub.streaming.decode.decoder import Decoder
from surgsigma_hub.streaming.decode.pixel_pool import PixelBuffers, PixelPool
from surgsigma_hub.streaming.decode.resize import resize, resize_values

from handmade import jpeg, mask, sample, write_part


def scene(width: int, height: int, seed: int = 0) -> np.ndarray:
    """Smooth shapes with some noise, as far from flat as a real frame."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:height, :width]
    waves = [np.sin(x / rng.uniform(3, 40) + c) * np.cos(y / rng.uniform(3, 40)) * 90 + 128 for c in range(3)]
    return np.clip(np.stack(waves, -1) + rng.normal(0, 12, (height, width, 3)), 0, 255).astype(np.uint8)


def encoded(pixels: np.ndarray | Image.Image, form: str = "JPEG", **save: Any) -> bytes:
    out = io.BytesIO()
    (pixels if isinstance(pixels, Image.Image) else Image.fromarray(pixels)).save(out, form, **save)
    return out.getvalue()


def decode(data: bytes, rgb: Rgb | str = "rgb", member: str = "image.jpg", kind: str = "image", **more: Any) -> Any:
    made, _ = sample(media=[(member, kind, "input", data)])  # type: ignore[list-item]
    raw = Members(made.id, memoryview(orjson.dumps(made)), {member: memoryview(data)}, "a.tar")
    return Decoder(rgb, **more).sample(raw)[1][member]  # type: ignore[arg-type]


def by_pillow(data: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))


VARIANTS: dict[str, bytes] = {
    "420": encoded(scene(97, 61), quality=90),
    "422": encoded(scene(97, 61), quality=90, subsampling=1),
    "444": encoded(scene(97, 61), quality=95, subsampling=0),
    "progressive": encoded(scene(128, 64), quality=80, progressive=True),
    "grey": encoded(scene(50, 40)[:, :, 0]),
    "rgb": encoded(scene(50, 40), keep_rgb=True),
    "tiny": encoded(scene(1, 1)),
    "restart": encoded(scene(200, 100), restart_marker_rows=1),
    "low": encoded(scene(64, 64), quality=3),
    "trailing": encoded(scene(64, 64)) + b"behind the end",
    "png": encoded(scene(33, 21), "PNG"),
    "cmyk": encoded(Image.fromarray(scene(40, 30)).convert("CMYK")),
}


@pytest.mark.parametrize("name", VARIANTS)
@pytest.mark.parametrize("fast_decoder", [True, False])
def test_pixels_are_pillows(name: str, fast_decoder: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if fast_decoder:
        pytest.importorskip("simplejpeg")
    else:
        monkeypatch.setattr(decoding, "simplejpeg", None)
    pixels = decode(VARIANTS[name])
    assert pixels.dtype == np.uint8 and pixels.flags.writeable
    assert np.array_equal(pixels, by_pillow(VARIANTS[name]))


@settings(max_examples=40)
@given(width=st.integers(1, 70), height=st.integers(1, 70), quality=st.integers(1, 95), mode=st.integers(0, 2))
def test_any_size_and_quality(width: int, height: int, quality: int, mode: int) -> None:
    data = encoded(scene(width, height, width), quality=quality, subsampling=mode)
    assert np.array_equal(decode(data), by_pillow(data))


@pytest.mark.parametrize("how", [{"short_side": 30}, {"short_side": 90}, {"max_pixels": 2000}, {"short_side": 61}])
@pytest.mark.parametrize("kernel", ["pillow", "torch"])
@pytest.mark.torch
def test_resized_within_two_levels(how: dict[str, int], kernel: str) -> None:
    if kernel == "torch":
        pytest.importorskip("torch")
    for name in ("420", "444", "grey", "png"):
        rgb = Rgb(**how, kernel=kernel)  # type: ignore[arg-type]
        full = by_pillow(VARIANTS[name])
        size = rgb.size(full.shape[1], full.shape[0])
        expected = np.asarray(Image.fromarray(full).resize(size, Image.Resampling.BICUBIC)).astype(int)
        pixels = decode(VARIANTS[name], rgb)
        assert np.abs(pixels.astype(int) - expected).max() <= (0 if kernel == "pillow" else 2)


def test_scratch_memory_is_not_given_out() -> None:
    """Two pictures of one thread, the second decoded after the first, must not share memory."""
    first, second = (encoded(scene(64, 48, seed)) for seed in (1, 2))
    decoder = Decoder(Rgb(short_side=48))
    made = []
    for data in (first, second):
        doc, _ = sample(media=[("image.jpg", "image", "input", data)])
        raw = Members("k", memoryview(orjson.dumps(doc)), {"image.jpg": memoryview(data)}, "a.tar")
        made.append(decoder.sample(raw)[1]["image.jpg"])
    assert np.array_equal(made[0], by_pillow(first)) and np.array_equal(made[1], by_pillow(second))


@pytest.mark.parametrize("height", [20, 31, 48, 70])
@pytest.mark.parametrize("width", [13, 64, 99])
@pytest.mark.torch
def test_torch_into_given_memory_is_torch_in_one_call(width: int, height: int) -> None:
    torch = pytest.importorskip("torch")
    pixels = scene(64, 48)
    tensor = torch.from_numpy(pixels).unsqueeze(0).permute(0, 3, 1, 2)
    made = torch.nn.functional.interpolate(tensor, size=(height, width), mode="bicubic", antialias=True)
    memory = PixelPool(1 << 20)
    for _ in range(3):
        resized = resize(pixels, width, height, "torch", memory)
        assert np.array_equal(resized, made[0].permute(1, 2, 0).numpy())


@pytest.mark.torch
def test_resizing_uses_the_same_memory_again() -> None:
    pytest.importorskip("torch")
    memory, seen = PixelPool(1 << 20), set()
    for seed in range(20):
        seen.add(resize(scene(64, 48, seed), 32, 24, "torch", memory).ctypes.data)
    assert len(seen) <= 2
    kept = [resize(scene(64, 48, seed), 32, 24, "torch", memory) for seed in range(4)]
    assert len({pixels.ctypes.data for pixels in kept}) == 4


def test_fast_is_only_by_name() -> None:
    pytest.importorskip("simplejpeg")
    data = encoded(scene(640, 480), quality=90)
    exact, fast = (decode(data, Rgb(short_side=100, fast=f, kernel="pillow")) for f in (False, True))
    assert exact.shape == fast.shape == (100, 133, 3)
    assert not np.array_equal(exact, fast)
    assert np.abs(exact.astype(int) - fast).mean() < 8
    assert np.array_equal(decode(VARIANTS["420"], Rgb(fast=True)), by_pillow(VARIANTS["420"]))  # nothing to scale


def test_sizes() -> None:
    assert Rgb(short_side=336).size(480, 854) == (336, 598)
    assert Rgb(short_side=10, max_pixels=50).size(1000, 10) == (70, 1)
    assert Rgb(max_pixels=10**9).size(64, 48) == (64, 48)
    for bad in ({"short_side": 0}, {"max_pixels": -1}, {"kernel": "cv2"}):
        with pytest.raises(SurgSigmaError):
            Rgb(**bad)  # type: ignore[arg-type]


@settings(max_examples=40)
@given(width=st.integers(1, 4000), height=st.integers(1, 4000), side=st.integers(1, 900), most=st.integers(1, 10**6))
def test_sizes_keep_their_bounds(width: int, height: int, side: int, most: int) -> None:
    assert min(Rgb(short_side=side).size(width, height)) == side
    w, h = Rgb(max_pixels=most).size(width, height)
    assert w >= 1 and h >= 1 and (w * h <= most or 1 in (w, h))


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_masks_keep_their_values(dtype: Any) -> None:
    values = (np.arange(48 * 64).reshape(48, 64) % 7 * (200 if dtype == np.uint16 else 30)).astype(dtype)
    data = encoded(values, "PNG")
    assert np.array_equal(decode(data, member="target.png", kind="mask"), values)
    small = decode(data, Rgb(short_side=24), member="target.png", kind="mask")
    assert small.shape == (24, 32) and set(np.unique(small)) <= set(np.unique(values))
    assert np.array_equal(resize_values(values, 128, 96)[::2, ::2], values)
    assert decode(mask(), member="target.png", kind="mask").shape == (48, 64)


@pytest.mark.parametrize(
    "data", [b"", b"no picture", encoded(scene(64, 64))[:900], jpeg()[:3], b"\xff\xd8\xff" + bytes(50)]
)
def test_what_is_no_picture(data: bytes) -> None:
    for rgb in ("rgb", Rgb(short_side=20), Rgb(short_side=20, fast=True)):
        with pytest.raises(MediaError, match=r"a.tar: .*image.jpg: not a readable image") as error:
            decode(data, rgb)
        assert " at 0x" not in str(error.value)


def test_too_many_pixels(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decoding, "MAX_PIXELS", 500)
    for name in ("420", "png"):
        with pytest.raises(MediaError, match="more than 500 pixels"):
            decode(VARIANTS[name])


# -- films ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("backend", ["av", "decord", "torchcodec", ""])
def test_films(backend: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if backend:
        pytest.importorskip(backend, exc_type=(ImportError, RuntimeError, OSError))
        monkeypatch.setenv("SURGSIGMA_VIDEO", backend)
    import av

    out = io.BytesIO()
    with av.open(out, "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=5)
        stream.width, stream.height, stream.pix_fmt = 96, 64, "yuv420p"
        for step in range(12):
            for packet in stream.encode(av.VideoFrame.from_ndarray(scene(96, 64, step), "rgb24")):
                container.mux(packet)
        for packet in stream.encode():
            container.mux(packet)
    data = out.getvalue()
    reader = open_video_bytes(data, "film")
    every = np.stack([reader.frame(n) for n in range(len(reader))])
    assert len(every) == 12
    film = {"member": "video.mp4", "kind": "video"}
    assert np.array_equal(decode(data, frames=Frames(count=4), **film), every[[0, 4, 7, 11]])
    assert np.array_equal(decode(data, frames=Frames(rate=2.5), **film), every[::2])
    assert np.array_equal(decode(data, frames=Frames(rate=5, most=3), **film), every[:3])
    assert np.array_equal(decode(data, frames=Frames(indices=(5, 1)), **film), every[[5, 1]])
    small = decode(data, Rgb(short_side=32, kernel="pillow"), frames=Frames(count=20), **film)
    pictures = [np.asarray(Image.fromarray(p).resize((48, 32), Image.Resampling.BICUBIC)) for p in every]
    assert np.array_equal(small, np.stack([pictures[n] for n in Frames(count=20).choose(12, 5)]))
    assert decode(data, **film) == data
    with pytest.raises(MediaError, match="no frame 12, it has 12"):
        decode(data, frames=Frames(indices=(12,)), **film)
    for bad in (data[: len(data) // 3], b"no film", b""):
        with pytest.raises(MediaError):
            decode(bad, frames=Frames(count=2), **film)


def test_frames_say_one_thing() -> None:
    for bad in ({}, {"count": 2, "rate": 1.0}, {"count": 0}, {"rate": -1.0}):
        with pytest.raises(SurgSigmaError):
            Frames(**bad)


# -- memory --------------------------------------------------------------------------------------------------------


def test_buffers_come_back_when_nobody_holds_them() -> None:
    pool = PixelBuffers(10 << 20)
    first = pool.take(1000)
    address = first.ctypes.data
    view = np.ndarray((10, 10), np.uint8, first)[2:]
    del first
    assert pool.take(1000).ctypes.data != address  # the view holds it
    del view
    taken = [pool.take(1000) for _ in range(2)]
    assert address in [t.ctypes.data for t in taken]
    assert len({t.ctypes.data for t in taken}) == 2


def test_the_pool_is_bounded() -> None:
    pool = PixelBuffers(1 << 20)
    held = [pool.take(1 << 18) for _ in range(20)]
    assert len({h.ctypes.data for h in held}) == 20 and pool._kept <= 1 << 20


def test_pictures_that_are_kept_keep_their_pixels(tmp_path: Path) -> None:
    pictures = [encoded(scene(64, 48, n)) for n in range(40)]
    write_part(tmp_path, [[sample(n, media=[("image.jpg", "image", "input", pictures[n])]) for n in range(40)]])
    for rgb in ("rgb", Rgb(short_side=24, kernel="pillow")):
        kept = {}
        with surgsigma_hub.stream(tmp_path, decode=rgb, threads=3) as stream:
            for _ in range(4):
                for number, item in enumerate(stream):
                    if number % 3 == 0:
                        kept[stream.epoch, item.sample["frame_index"]] = item.media["image.jpg"]
        for (_, n), pixels in kept.items():
            full = Image.fromarray(by_pillow(pictures[n]))
            expected = full if rgb == "rgb" else full.resize((32, 24), Image.Resampling.BICUBIC)
            assert np.array_equal(pixels, np.asarray(expected))
