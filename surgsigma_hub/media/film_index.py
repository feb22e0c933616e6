"""The packets of a film: which frame each belongs to, and at which of them decoding can begin.

Where a container says when frames are shown, a frame is known by its time stamp. AVI says only in which order they are
decoded; there frames are counted.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from ..errors import MediaError
from .limits import MAX_PIXELS
from .nal import starts_anew

REWRITE = "Write it anew, such as by: ffmpeg -i OLD -c:v libx264 -crf 16 NEW.mp4"
_COUNTED = ("avi",)
"""Containers without times of display. What FFmpeg makes up instead puts frames of H.264 out of order, and those of
MPEG-4 one early after a jump."""
_DERIVED = ("mpeg",)
"""Containers that say of some frames only when they are shown; the rest is right as long as the rate is constant."""
_STEADY = 0.1
"""Share by which gaps between frames of a constant rate differ at most, by rounding to the container's clock."""
_NO_TIMES = 0x80
"""FFmpeg's ``AVFMT_NOTIMESTAMPS``: coded frames without a container, whose times would be guesses."""
_REORDERING = ("h264", "hevc")
"""Decoders that may come to give frames later than before, so that a packet gives none although nothing is lost."""
_DEPTH = 64
"""Places by which a frame may be stored away from where it is shown: 16 in H.264 and HEVC, twice that as fields."""
_FRAME_BYTES = 50_000_000
"""Bytes of a frame in the decoder, which holds 17 of H.264 or HEVC at most: 8K in eight bits takes 1 GB in all."""
_VOP = b"\x00\x00\x01\xb6"
_TURNS = {(1, 0, 0, 1): 0, (0, 1, -1, 0): 90, (-1, 0, 0, -1): 180, (0, -1, 1, 0): 270}
"""Degrees clockwise by the signs of a, b, c and d of a display matrix."""


@dataclass(frozen=True, slots=True)
class Key:
    """A packet at which decoding can begin.

    Attributes:
        packet: Its number in stored order.
        frame: The frame it gives; of a hidden one, the next that is shown.
        seek: Time stamp to seek to, in the stream's unit.
        clean: Its format promises that no frame shown later needs what is stored before. Else the film must prove it.
        leading: Frames shown before it are stored after it.
    """

    packet: int
    frame: int
    seek: int
    clean: bool
    leading: bool


@dataclass(frozen=True, slots=True, eq=False)
class FilmIndex:
    """Where the frames of one film lie, and when they are shown.

    Attributes:
        stamps: ``(n,)`` int64 time stamps of the frames shown, in order of display, rising, in units of ``base``.
        base: Seconds.
        nominal: Frames per second by the film's header; 0 where it does not say.
        order: int64 time stamps of all packets in stored order, by which they are known again after a jump.
        keys: In stored order; the first is the front of the film.
        hidden: Packets whose frames are not shown.
        counted: Frames are known by counting from a key, not by their time stamps.
        steady: Each packet gives a frame: where one gives none, a frame is lost.
        width: Pixels of a frame as stored.
        height: Pixels of a frame as stored.
        rotation: Degrees by which stored frames are turned clockwise to be shown: 0, 90, 180 or 270.
        aspect: Width of a pixel as shown, in heights of it: 1 where they are square.
        interlaced: A frame is woven of two half pictures, seen one after the other.
        sound: When the sound begins, in seconds by the clock of ``stamps``; None where there is none.
    """

    stamps: npt.NDArray[np.int64]
    base: Fraction
    nominal: Fraction
    order: npt.NDArray[np.int64]
    keys: tuple[Key, ...]
    hidden: int
    counted: bool
    steady: bool
    width: int = 0
    height: int = 0
    rotation: int = 0
    aspect: Fraction = Fraction(1)
    interlaced: bool = False
    sound: float | None = None

    def __len__(self) -> int:
        return len(self.stamps)

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels as shown, after rotation."""
        return (self.height, self.width) if self.rotation in (90, 270) else (self.width, self.height)

    @property
    def closed(self) -> bool:
        """No frame needs or crosses the key frames around it, and none is hidden."""
        return not self.hidden and all(key.clean and not key.leading for key in self.keys)

    @property
    def seconds(self) -> npt.NDArray[np.float64]:
        """``(n,)`` float64, when each frame is shown, from the first one's time."""
        since: npt.NDArray[np.float64] = (self.stamps - self.stamps[0]) * float(self.base)
        return since

    @property
    def late(self) -> float:
        """Seconds from the start of the sound to the first frame, 0 where there is no sound or it begins later."""
        return 0.0 if self.sound is None else max(0.0, float(int(self.stamps[0]) * self.base) - self.sound)

    @property
    def fps(self) -> float:
        """Average rate: the header's where it tells the time of the last frame, else measured.

        Time stamps may be rounded, in Matroska to milliseconds; the header's rate is not.
        """
        gaps, length = len(self.stamps) - 1, int(self.stamps[-1] - self.stamps[0]) * self.base
        if not gaps or (self.nominal and abs(length * self.nominal - gaps) <= Fraction(1, 2)):
            return float(self.nominal)
        return float(gaps / length)

    def begun(self, first: Any, name: str) -> FilmIndex:
        """The index once the first frame is decoded: frames before it cannot be, for they need some that were cut off.

        Raises:
            MediaError: the film is to be shown mirrored, or turned by other than right angles.
        """
        early = 0 if self.counted or first.pts is None else int(np.searchsorted(self.stamps, first.pts))
        keys = tuple(replace(key, frame=max(0, key.frame - early)) for key in self.keys)
        return replace(
            self, stamps=self.stamps[early:], keys=keys, hidden=self.hidden + early,
            width=first.width, height=first.height, rotation=_rotation(first, name),
            interlaced=bool(first.interlaced_frame),
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Packet:
    pts: int | None
    dts: int | None
    hidden: bool
    key: bool
    clean: bool
    b_frame: bool
    packed: bool


def video_stream(container: Any, name: str) -> Any:
    """The film of a container: the first of its videos that is no cover picture, and not too large.

    Raises:
        MediaError: none, or frames that are too large.
    """
    from av.stream import Disposition

    for stream in container.streams.video:
        context = stream.codec_context
        if context is None or stream.disposition & Disposition.attached_pic:
            continue
        pixels, size = context.width * context.height, _frame_bytes(context)
        check_pixels(1, context.width, context.height, name)
        if size > _FRAME_BYTES:
            raise MediaError(
                f"{name}: a frame of {context.width} x {context.height} takes {size} bytes in the decoder, "
                f"more than {_FRAME_BYTES}",
                reason="media_too_large",
            )
        # Frames may grow on the way: then the decoder refuses before it takes the memory.
        context.options = {"max_pixels": str(_FRAME_BYTES * pixels // size if pixels else MAX_PIXELS)}
        return stream
    raise MediaError(f"{name}: holds no video")


def _frame_bytes(context: Any) -> int:
    if context.format is None:
        return int(context.width * context.height * 3)
    return sum(part.width * part.height * -(-part.bits // 8) for part in context.format.components)


def check_pixels(count: int, width: int, height: int, name: str) -> None:
    """Refuse more than ``MAX_PIXELS`` at a time.

    Raises:
        MediaError: more.
    """
    if count * width * height > MAX_PIXELS:
        frames = f"{count} frames of " if count > 1 else ""
        raise MediaError(
            f"{name}: {frames}{width} x {height} are more than {MAX_PIXELS} pixels",
            reason="media_too_large",
            hint="Ask for less frames at a time, or for smaller ones." if count > 1 else "",
        )


def demuxed(container: Any, stream: Any) -> Iterator[Any]:
    """The packets of a stream, and an empty one at the end."""
    try:
        yield from container.demux(stream)
    except IndexError:
        return  # PyAV 18 closes, after all others, streams too that came up on the way, which it does not know


def is_counted(container: Any) -> bool:
    """Whether a container says only in which order frames are decoded."""
    return container.format.name in _COUNTED


def scan(container: Any, stream: Any, name: str) -> FilmIndex:
    """Read all packets and decode none; the container is left at its end. See :meth:`FilmIndex.begun` for the rest.

    Raises:
        MediaError: time stamps are missing, there twice or run backwards.
    """
    counted = is_counted(container)
    packets = list(_packets(container, stream, counted))
    front = next((n for n, packet in enumerate(packets) if packet.key), 0)
    found = [packet.dts if counted else packet.pts for packet in packets]
    lacking = len(found) if container.format.flags & _NO_TIMES else sum(stamp is None for stamp in found)
    if lacking:
        raise MediaError(f"{name}: {lacking} of {len(found)} frames have no time stamp", hint=REWRITE)
    order = np.asarray(found, np.int64)
    shown = np.array([n >= front and not packet.hidden for n, packet in enumerate(packets)], bool)
    stamps = np.sort(order[shown])
    if not len(stamps):
        raise MediaError(f"{name}: holds no frame that is shown")
    if np.any(np.diff(stamps) == 0):
        raise MediaError(f"{name}: several frames have the same time stamp", hint=REWRITE)
    keys = _keys(packets, front, order, stamps, counted)
    away = np.abs(np.searchsorted(stamps, order[shown]) - np.arange(len(stamps)))
    if away.max() > _DEPTH or any(after.frame < before.frame for before, after in pairwise(keys)):
        raise MediaError(f"{name}: its time stamps start anew or run backwards on the way", hint=REWRITE)
    if counted:
        stamps = stamps[_leading(packets, front) :]
        _check_counted(stream, stamps, int(order.max()) + 1, name)
    elif container.format.name in _DERIVED and _gaps_differ(stamps):
        raise MediaError(f"{name}: its time stamps leave gaps, and not each frame has its own", hint=REWRITE)
    return FilmIndex(
        stamps, Fraction(stream.time_base or 1), Fraction(stream.average_rate or 0), order, keys,
        hidden=int((~shown).sum()), counted=counted, steady=counted and stream.codec_context.name not in _REORDERING,
        aspect=Fraction(stream.sample_aspect_ratio or 1), sound=_sound(container),
    )  # fmt: skip


def _sound(container: Any) -> float | None:
    """When the first sound begins, in seconds; None where there is none."""
    known = (one.start_time * one.time_base for one in container.streams.audio if one.start_time is not None)
    first = min(known, default=None)
    return None if first is None else float(first)


def _check_counted(stream: Any, stamps: npt.NDArray[np.int64], count: int, name: str) -> None:
    """Refuse a film in which counting would take a frame for another.

    Args:
        stream: Says how many frames there should be; 0 where it does not.
        stamps: Of the frames shown.
        count: Frames that are there, those left out by the recorder among them.
        name: For messages.
    """
    if stream.frames > count:
        raise MediaError(f"{name}: {count} of {stream.frames} frames are there, and nothing says which", hint=REWRITE)
    if stream.codec_context.has_b_frames and _gaps_differ(stamps):
        raise MediaError(f"{name}: frames were left out, and nothing says when the others are shown", hint=REWRITE)


def _gaps_differ(stamps: npt.NDArray[np.int64]) -> bool:
    gaps = np.diff(stamps)
    return len(gaps) > 0 and bool(np.abs(gaps / np.median(gaps) - 1).max() > _STEADY)


def _packets(container: Any, stream: Any, counted: bool) -> Iterator[_Packet]:
    codec, extra = stream.codec_context.name, stream.codec_context.extradata or b""
    # Of these alone it is known how many frames are shown before a key frame, although none says when.
    countable = codec in ("h264", "mpeg4") or not stream.codec_context.has_b_frames
    for packet in demuxed(container, stream):
        if not packet.size:
            continue
        clean = packet.is_keyframe and starts_anew(codec, memoryview(packet), extra)
        hidden, b_frame, packed = packet.is_discard, False, False
        if codec == "vp8":
            hidden = hidden or not memoryview(packet)[0] & 0x10  # made for others to be predicted from
        if counted:
            clean = clean and countable
            if codec == "mpeg4":
                data = bytes(packet)
                at = data.find(_VOP)
                kind = data[at + 4] >> 6 if 0 <= at < len(data) - 4 else None
                clean, b_frame, packed = clean and kind == 0, kind == 2, data.find(_VOP, at + 4) > at >= 0
        yield _Packet(packet.pts, packet.dts, hidden, packet.is_keyframe, clean, b_frame, packed)


def _keys(
    packets: Sequence[_Packet], front: int, order: npt.NDArray[np.int64], stamps: npt.NDArray[np.int64], counted: bool
) -> tuple[Key, ...]:
    frames, least = np.searchsorted(stamps, order), np.minimum.accumulate(order[::-1])[::-1]
    found = []
    skipped = _leading(packets, front)
    packed = any(packet.packed for packet in packets)  # two frames in one packet, and none in a later one
    for n in range(front, len(packets)):
        packet = packets[n]
        if n > front and not packet.key:
            continue
        leading = _leading(packets, n) if counted else int(least[n] < order[n])
        frame = n - front + leading - skipped if counted else int(frames[n])
        seek = int(order[n]) if packet.dts is None else packet.dts
        found.append(Key(n, frame, seek, clean=(packet.clean and not packed) or n == front, leading=leading > 0))
    return tuple(found)


def _leading(packets: Sequence[_Packet], key: int) -> int:
    """B-frames stored right after a key frame are shown before it."""
    n = key + 1
    while n < len(packets) and packets[n].b_frame:
        n += 1
    return n - key - 1


def _rotation(frame: Any, name: str) -> int:
    side = next((s for s in frame.side_data if getattr(s.type, "name", "") == "DISPLAYMATRIX"), None)
    if side is None:
        return 0
    a, b, _, c, d = (int(np.sign(value)) for value in np.frombuffer(bytes(side), np.int32)[:5])
    if (a, b, c, d) not in _TURNS:
        raise MediaError(f"{name}: is to be shown mirrored, or turned by other than right angles", hint=REWRITE)
    return _TURNS[a, b, c, d]
