"""Films whose frames carry their number, in many codecs and containers, written by PyAV."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

COUNT = 100
SIZE = (96, 64)
_ACROSS, _DOWN = 4, 2
_DARK, _BRIGHT = 90, 165


def numbered(number: int, size: tuple[int, int] = SIZE) -> np.ndarray:
    """A frame that shows ``number`` (0..255) as eight black or white blocks, which survive lossy coding."""
    bits = np.array([number >> bit & 1 for bit in range(_ACROSS * _DOWN)], np.uint8).reshape(_DOWN, _ACROSS) * 255
    rows, columns = (np.arange(n) * m // n for n, m in ((size[1], _DOWN), (size[0], _ACROSS)))
    return np.ascontiguousarray(bits[rows][:, columns][:, :, None].repeat(3, 2))


def number_of(pixels: np.ndarray) -> int | None:
    """The number that a frame shows; None where a block is neither black nor white, as in a frame badly decoded."""
    height, width = pixels.shape[:2]
    number = 0
    for bit in range(_ACROSS * _DOWN):
        row, column = (bit // _ACROSS * 2 + 1) * height // (2 * _DOWN), (bit % _ACROSS * 2 + 1) * width // (2 * _ACROSS)
        shade = pixels[row - 6 : row + 6, column - 4 : column + 4].mean()
        if _DARK < shade < _BRIGHT:
            return None
        number |= int(shade >= _BRIGHT) << bit
    return number


@dataclass(frozen=True, eq=False)
class Recipe:
    """How a film is written.

    Attributes:
        name: With the container as its ending.
        codec: FFmpeg's encoder.
        options: Of the encoder.
        muxer: Options of the container.
        pts: Time stamps in 1/25 s; None: one after the other from 0.
        rotation: Degrees counterclockwise in the container.
        interlaced: Coded as fields.
        change: What is done to the packets before they are written: a list in stored order.
        bytes: What is done to the file afterwards.
    """

    name: str
    codec: str = "libx264"
    options: dict[str, str] = field(default_factory=dict)
    muxer: dict[str, str] = field(default_factory=dict)
    size: tuple[int, int] = SIZE
    pix_fmt: str = "yuv420p"
    gop: int = 12
    b_frames: int | None = None
    count: int = COUNT
    pts: Sequence[int] | None = None
    rotation: int = 0
    interlaced: bool = False
    metadata: dict[str, str] = field(default_factory=dict)
    change: Callable[[list[Any]], Iterable[Any]] | None = None
    bytes: Callable[[bytes], bytes] | None = None


def write(recipe: Recipe, folder: Path) -> Path:
    """Write a film; ``LookupError`` where this PyAV has no such encoder."""
    import av

    if recipe.codec not in av.codecs_available:
        raise LookupError(recipe.codec)
    path = folder / recipe.name
    with av.open(str(path), "w", options=recipe.muxer) as out:
        stream: Any = out.add_stream(recipe.codec, rate=25, options=recipe.options)
        stream.width, stream.height = recipe.size
        stream.pix_fmt, stream.gop_size = recipe.pix_fmt, recipe.gop
        stream.thread_count = 1
        if recipe.b_frames is not None:
            stream.codec_context.max_b_frames = recipe.b_frames
        if recipe.interlaced:
            stream.codec_context.flags |= av.codec.context.Flags.interlaced_dct | av.codec.context.Flags.interlaced_me
        if recipe.rotation:
            stream.set_display_rotation(recipe.rotation)
        out.metadata.update(recipe.metadata)
        packets: list[Any] = []
        for number in range(recipe.count):
            frame = av.VideoFrame.from_ndarray(numbered(number, recipe.size), format="rgb24")
            frame.pts, frame.time_base = recipe.pts[number] if recipe.pts else number, Fraction(1, 25)
            packets += stream.encode(frame)
        packets += stream.encode()
        for packet in recipe.change(packets) if recipe.change else packets:
            out.mux(packet)
    if recipe.bytes:
        path.write_bytes(recipe.bytes(path.read_bytes()))
    return path


def write_with_sound(path: Path, late: float) -> Path:
    """A film of 25 frames and 2 s of silence that begins ``late`` seconds before them, or after them if negative."""
    import av

    with av.open(str(path), "w") as out:
        video: Any = out.add_stream("libx264", rate=25, options={"x264-params": "bframes=0:log-level=none"})
        video.width, video.height, video.pix_fmt, video.thread_count = *SIZE, "yuv420p", 1
        sound: Any = out.add_stream("aac", rate=48000)
        packets: list[Any] = []
        for number in range(25):
            packets += video.encode(av.VideoFrame.from_ndarray(numbered(number), format="rgb24"))
        packets += video.encode()
        shift_by(packets, max(0.0, late))
        heard: list[Any] = []
        for start in range(0, 96000, 1024):
            silence = av.AudioFrame.from_ndarray(np.zeros((2, 1024), np.float32), format="fltp", layout="stereo")
            silence.sample_rate, silence.pts, silence.time_base = 48000, start, Fraction(1, 48000)
            heard += sound.encode(silence)
        heard += sound.encode()
        shift_by(heard, max(0.0, -late))
        for packet in sorted(packets + heard, key=lambda packet: float(packet.dts * packet.time_base)):
            out.mux(packet)
    return path


def shift_by(packets: Sequence[Any], seconds: float) -> None:
    """Have packets shown this much later."""
    for packet in packets:
        by = round(seconds / packet.time_base)
        packet.pts, packet.dts = packet.pts + by, packet.dts + by


def write_growing(folder: Path) -> Path:
    """A film of 20 frames of 96 x 64 and 20 of 192 x 64, as a stream whose sender is switched."""
    import av

    options = {"x264-params": "keyint=10:min-keyint=10:scenecut=0:bframes=0:log-level=none:repeat-headers=1"}
    parts = [write(Recipe(f"{width}.ts", options=options, size=(width, 64), count=20), folder) for width in (96, 192)]
    path, target = folder / "grows.ts", None
    with av.open(str(path), "w") as out:
        for number, part in enumerate(parts):
            with av.open(str(part)) as container:
                stream = container.streams.video[0]
                target = target or out.add_stream_from_template(stream)
                for packet in container.demux(stream):
                    if packet.size:
                        packet.pts, packet.dts = packet.pts + number * 72000, packet.dts + number * 72000
                        packet.stream = target
                        out.mux(packet)
    return path
