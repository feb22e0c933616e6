"""Films as odd recorders write them: frames packed two by two, frames left out, key frames that are none, damage."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import av
import pytest
from surgsigma_hub.errors import MediaError
from surgsigma_hub.media.film_pyav import PyAV, open_pyav

from films import Recipe, number_of, write, write_growing

COUNT = 60
_VOP = b"\x00\x00\x01\xb6"
_LEFT_OUT = _VOP + bytes([0b01_0_1_0000, 0b0_1_0_1_1111])
"""A frame of MPEG-4 that says: show the one before once more."""
_DIVX = b"\x00\x00\x01\xb2DivX503b1393p\x00"


def rewritten(packets: list[Any], contents: Iterable[bytes]) -> Iterable[Any]:
    """Packets of these contents, one after the other; key frames are what the coded frame says."""
    for number, data in enumerate(contents):
        packet = av.Packet(data)
        packet.pts = packet.dts = number
        packet.time_base, packet.stream = packets[0].time_base, packets[0].stream
        packet.is_keyframe = data[data.find(_VOP) + 4] >> 6 == 0
        yield packet


def packed(packets: list[Any]) -> Iterable[Any]:
    """A B-frame in the packet of the frame before it, and an empty frame after, as DivX 5 writes them."""
    contents: list[bytes] = []
    frames = [bytes(packet) for packet in packets]
    frames[0] = frames[0].replace(_VOP, _DIVX + _VOP)
    for n, frame in enumerate(frames):
        if frame[frame.find(_VOP) + 4] >> 6 != 2:
            contents.append(frame)
        elif frames[n - 1][frames[n - 1].find(_VOP) + 4] >> 6 == 2:
            contents += [frame, _LEFT_OUT]
        else:
            contents[-1] += frame
    return rewritten(packets, contents)


def read(reader: PyAV, index: int) -> int | str | None:
    try:
        return number_of(reader.frame(index))
    except MediaError as error:
        return str(error)


def test_frames_packed_two_by_two_are_counted(tmp_path: Path) -> None:
    path = write(Recipe("packed.avi", "mpeg4", b_frames=2, count=61, change=packed), tmp_path)
    reader = open_pyav(str(path), path.name)
    order = [*range(61), 40, 3, 59, 60, 12, 13]
    assert [read(reader, n) for n in order] == order


@pytest.mark.parametrize("b_frames", [0, 2])
def test_where_frames_are_left_out_no_other_is_given(b_frames: int, tmp_path: Path) -> None:
    def one_left_out(packets: list[Any]) -> Iterable[Any]:
        frames = [bytes(packet) for packet in packets]
        return rewritten(packets, [*frames[:30], _LEFT_OUT, *frames[30:]])

    path = write(Recipe("left-out.avi", "mpeg4", b_frames=b_frames, count=COUNT, change=one_left_out), tmp_path)
    reader = open_pyav(str(path), path.name)
    found = {n: read(reader, n) for n in (*range(COUNT + 1), 50, 31, 20)}
    refused = {n: seen for n, seen in found.items() if isinstance(seen, str)}
    assert 30 in refused and all("left-out.avi: frame" in seen and "left out" in seen for seen in refused.values())
    assert all(seen == (n if n < 30 else n - 1) for n, seen in found.items() if n not in refused)
    assert len(refused) <= 12, "after the next key frame it is known again what is shown"


@pytest.mark.parametrize(("kind", "codec", "options"), [
    ("mp4", "mpeg4", {}), ("avi", "mpeg4", {}), ("mkv", "libvpx-vp9", {"deadline": "realtime", "cpu-used": "8"}),
    ("mp4", "libx264", {"x264-params": "log-level=none"}), ("avi", "libx264", {"x264-params": "log-level=none"}),
])  # fmt: skip
def test_key_frames_that_are_none_are_not_believed(
    kind: str, codec: str, options: dict[str, str], tmp_path: Path
) -> None:
    def all_keys(packets: list[Any]) -> Iterable[Any]:
        for packet in packets:
            packet.is_keyframe = True
            yield packet

    path = write(Recipe(f"keys.{kind}", codec, options, b_frames=0, count=COUNT, change=all_keys), tmp_path)
    reader = open_pyav(str(path), path.name)
    if (kind, codec) == ("mp4", "mpeg4"):  # FFmpeg looks through the others itself
        assert len(reader.index.keys) == COUNT
    order = [50, 10, 59, 0, 58, 31, 30, 29, *range(0, COUNT, 7)]
    assert [read(reader, n) for n in order] == order


def test_a_damaged_place_costs_its_frames_only(tmp_path: Path) -> None:
    path = write(Recipe("damaged.mp4", options={"x264-params": "log-level=none"}, count=COUNT), tmp_path)
    hit, after = open_pyav(str(path), path.name).index.keys[2:4]
    with av.open(str(path)) as container:
        packet = next(itertools.islice(container.demux(video=0), hit.packet, None))
        where, size = packet.pos, packet.size
    film = bytearray(path.read_bytes())
    film[where : where + size] = b"\xff" * size
    reader = open_pyav(bytes(film), "damaged.mp4")
    seen = {n: read(reader, n) for n in (*range(COUNT), COUNT - 2, 5, after.frame)}
    # Two frames before the place are lost with it: the decoder has them still.
    assert all(seen[n] == n for n in (*range(hit.frame - 2), *range(after.frame, COUNT)))
    assert all(str(seen[n]).startswith("damaged.mp4: frame") for n in range(hit.frame, after.frame))


def test_frames_that_change_their_size_are_refused(tmp_path: Path) -> None:
    path = write_growing(tmp_path)
    reader = open_pyav(str(path), path.name)
    assert len(reader) == 40 and read(reader, 5) == 5
    assert read(reader, 25) == "grows.ts: frame 25 is 192 x 64, the first 96 x 64"


def test_an_avi_that_lost_frames_is_not_counted(tmp_path: Path) -> None:
    """Nothing in it says which: from there on each frame would be taken for another."""
    path = write(Recipe("short.avi", "mpeg4", b_frames=0, count=COUNT), tmp_path)
    film = path.read_bytes()
    end = film.rfind(b"idx1")
    places = [found.start() for found in re.finditer(b"00dc", film[:end])]
    for short in (film[: places[40]], film[: places[30]] + film[places[31] : end]):
        with pytest.raises(MediaError, match=rf"short\.avi: \d+ of {COUNT} frames are there"):
            open_pyav(short, path.name)


@pytest.mark.parametrize("name", ["raw.h264", "raw.m2v"])
def test_frames_without_a_container_have_no_time(name: str, tmp_path: Path) -> None:
    codec = {"h264": "libx264", "m2v": "mpeg2video"}[name[4:]]
    path = write(Recipe(name, codec, {"x264-params": "log-level=none"} if codec == "libx264" else {}), tmp_path)
    with pytest.raises(MediaError, match=rf"{name}: 100 of 100 frames have no time stamp"):
        open_pyav(str(path), name)
