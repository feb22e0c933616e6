"""Codecs, containers and the ways films are stored: whoever reads, a frame is the frame that was asked for.

Every frame shows its number. A reader gives that frame or says by name that it cannot read the film.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from surgsigma_hub.errors import MediaError
from surgsigma_hub.media import film_pyav
from surgsigma_hub.media.film_pyav import open_pyav
from surgsigma_hub.media.film_readers import READERS, FrameReader, UnusableError
from surgsigma_hub.media.film_table import film_table

from films import SIZE, Recipe, number_of, write

COUNT = 72
_X264 = "bframes=3:b-pyramid=normal:b-adapt=0:scenecut=0:keyint=12:min-keyint=12:log-level=none"
_X265 = "bframes=3:b-adapt=0:scenecut=0:keyint=12:min-keyint=12:pools=1:frame-threads=1:log-level=none"
_VP9 = {"deadline": "realtime", "cpu-used": "8"}
_AV1 = {"preset": "8", "crf": "20", "svtav1-params": "lp=1"}


def x264(name: str, more: str = "", **rest: Any) -> Recipe:
    return Recipe(name, options={"x264-params": _X264 + more}, count=COUNT, **rest)


def x265(name: str, more: str = "", **rest: Any) -> Recipe:
    return Recipe(name, "libx265", {"x265-params": _X265 + more}, count=COUNT, **rest)


def other(name: str, codec: str, options: dict[str, str] | None = None, **rest: Any) -> Recipe:
    return Recipe(name, codec, options or {}, count=COUNT, **rest)


def later(by: int, without: int = 0) -> Callable[[list[Any]], Iterable[Any]]:
    """Packets ``by`` 1/25 s later, the first ones left out, as where a film was cut without decoding it."""

    def change(packets: list[Any]) -> Iterable[Any]:
        for packet in packets[without:]:
            packet.pts, packet.dts = packet.pts + by, packet.dts + by
            yield packet

    return change


PLAIN = [
    *(x264(f"closed.{kind}") for kind in ("mp4", "mkv", "mov", "ts", "avi", "flv")),
    *(x264(f"open.{kind}", ":open-gop=1") for kind in ("mp4", "mkv", "mov", "ts", "avi")),
    *(x264(f"refresh.{kind}", ":intra-refresh=1") for kind in ("mp4", "mkv", "ts", "avi")),
    *(x265(f"hevc.{kind}") for kind in ("mp4", "mkv", "mov", "ts")),
    *(x265(f"hevc-closed.{kind}", ":open-gop=0") for kind in ("mp4", "ts")),
    *(x265(f"hevc-refresh.{kind}", ":intra-refresh=1") for kind in ("mp4", "ts")),
    *(other(f"mpeg4.{kind}", "mpeg4", b_frames=0) for kind in ("mp4", "avi")),
    *(other(f"mpeg4-b.{kind}", "mpeg4", b_frames=2) for kind in ("mp4", "mkv", "mov", "ts", "avi")),
    *(other(f"mpeg2-b.{kind}", "mpeg2video", b_frames=2) for kind in ("mp4", "mkv", "ts", "mpg", "avi")),
    *(other(f"vp9.{kind}", "libvpx-vp9", _VP9) for kind in ("webm", "mkv", "mp4")),
    *(other(f"av1.{kind}", "libsvtav1", _AV1) for kind in ("webm", "mkv", "mp4")),
    *(other(f"mjpeg.{kind}", "mjpeg", pix_fmt="yuvj420p") for kind in ("mov", "mkv", "avi")),
    x264("late.mp4", change=later(1000)),
    x264("late.ts", change=later(1000)),
    x264("wrapped.ts", change=later(2**33 // 3600 - 40)),
    x264("fragments.mp4", muxer={"movflags": "frag_keyframe+empty_moov"}),
    x264("interlaced.mp4", interlaced=True),
    other("interlaced.ts", "mpeg2video", b_frames=2, interlaced=True),
    x264("ten-bit.mp4", pix_fmt="yuv420p10le"),
    x265("ten-bit.mkv", pix_fmt="yuv420p10le"),
    x264("odd.mp4", size=(99, 65), pix_fmt="yuv444p"),
    other("odd.webm", "libvpx-vp9", _VP9, size=(99, 65)),
    x264("narrow.mp4", size=(48, 48)),
    Recipe("one.mp4", count=1),
]
"""Films all of whose frames are shown, one every 1/25 s."""

CUT = {
    x264("cut.mp4", change=later(-17)): 17,  # an edit list hides what is before 0
    x265("cut.mov", change=later(-17)): 17,
    x264("cut.ts", change=later(0, 30)): 36,  # begins between key frames
    x265("cut.mkv", change=later(0, 30)): 36,
    other("cut-b.ts", "mpeg2video", b_frames=2, change=later(0, 30)): 36,
    other("cut-b.avi", "mpeg4", b_frames=2, change=later(0, 30)): 36,
}
"""Films that do not show their first frames, and the first that they show."""

VARIABLE = [n + 7 * (n // 9) for n in range(COUNT)]
LACKING = [n + (n > 40) for n in range(COUNT)]
"""Time stamps of a film that slows down, and of one that lost a frame."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("films")


def written(recipe: Recipe, folder: Path) -> Path:
    path = folder / recipe.name
    try:
        return path if path.is_file() else write(recipe, folder)
    except LookupError as error:
        pytest.skip(f"this PyAV has no encoder {error}: {recipe.name} was not tried")


def opened(reader: str, film: Path | bytes, name: str) -> FrameReader:
    try:
        return READERS[reader](str(film) if isinstance(film, Path) else film, name)
    except UnusableError as error:
        pytest.skip(f"{reader} {error}: {name} was not tried")


def orders(count: int) -> list[list[int]]:
    """Ways through a film: forwards, from the back, anywhere, about its end, with strides."""
    anywhere = random.Random(count).choices(range(count), k=20)
    return [[*range(count)], [*range(count - 1, -1, -5)], anywhere, [*range(count)][-4:], [*range(0, count, 25)]]


def wrong(reader: FrameReader, first: int = 0, turns: int = 0) -> list[tuple[int, int | None]]:
    """Frames asked for that show another number, with what they show."""
    asked = [index for order in orders(len(reader)) for index in order]
    seen = ((index, number_of(np.rot90(reader.frame(index), turns))) for index in asked)
    return [(index, number) for index, number in seen if number != index + first]


@pytest.mark.parametrize("recipe", PLAIN, ids=lambda recipe: recipe.name)
def test_pyav_gives_the_frame_that_was_asked_for(recipe: Recipe, folder: Path) -> None:
    path = written(recipe, folder)
    for film in (path, path.read_bytes()):
        reader = opened("av", film, recipe.name)
        assert len(reader) == recipe.count and reader.fps == pytest.approx(25)
        assert not wrong(reader)
        assert reader.frame(0).shape == (*recipe.size[::-1], 3)
    table = film_table(path)
    assert table.constant and table.seconds == pytest.approx(np.arange(recipe.count) / 25, abs=0.0011)


@pytest.mark.parametrize("recipe", CUT, ids=lambda recipe: recipe.name)
def test_frames_that_are_not_shown_are_not_counted(recipe: Recipe, folder: Path) -> None:
    path, first = written(recipe, folder), CUT[recipe]
    for film in (path, path.read_bytes()):
        reader = opened("av", film, recipe.name)
        assert len(reader) == COUNT - first
        assert not wrong(reader, first)
    assert film_table(path).seconds == pytest.approx(np.arange(COUNT - first) / 25, abs=0.0011)


@pytest.mark.parametrize("make", [
    *(lambda name, pts, kind=kind: x264(f"{name}.{kind}", pts=pts) for kind in ("mp4", "mkv", "ts")),
    lambda name, pts: other(f"{name}.avi", "mpeg4", b_frames=0, pts=pts),
], ids=["mp4", "mkv", "ts", "avi"])  # fmt: skip
@pytest.mark.parametrize(("name", "pts"), [("varies", VARIABLE), ("lacks", LACKING)])
def test_films_without_a_constant_rate(
    make: Callable[[str, list[int]], Recipe], name: str, pts: list[int], folder: Path
) -> None:
    path = written(make(name, pts), folder)
    table = film_table(path)
    assert not table.constant and len(table) == COUNT
    assert table.seconds == pytest.approx(np.array(pts) / 25, abs=0.0011)
    assert table.nearest(pts[50] / 25 + 0.005) == 50
    assert not wrong(opened("av", path, path.name))


@pytest.mark.parametrize("degrees", [90, 180, -90])
@pytest.mark.parametrize("reader", list(READERS))
def test_films_are_turned_as_they_say(degrees: int, reader: str, folder: Path) -> None:
    path = written(x264(f"turned{degrees}.mp4", rotation=degrees), folder)
    table = film_table(path)
    assert table.rotation == -degrees % 360
    assert (table.width, table.height) == (SIZE if degrees == 180 else SIZE[::-1])
    for film in (path, path.read_bytes()):
        try:
            turned = opened(reader, film, path.name)
        except MediaError:
            assert reader != "av"
            continue
        assert turned.frame(1).shape == (table.height, table.width, 3)
        assert not wrong(turned, turns=-degrees // 90)


@pytest.mark.parametrize("reader", [name for name in READERS if name != "av"])
def test_a_reader_by_name_gives_the_frames_of_pyav_or_refuses(reader: str, folder: Path) -> None:
    opened(reader, written(x264("closed.mp4"), folder), "closed.mp4")
    astray, read = {}, []
    for recipe in [*PLAIN, *CUT, x264("varies.mp4", pts=VARIABLE)]:
        try:
            path = written(recipe, folder)
        except pytest.skip.Exception:
            continue  # told by the test of PyAV
        first = number_of(open_pyav(str(path), recipe.name).frame(0)) or 0
        for film in (path, path.read_bytes()):
            try:
                named = opened(reader, film, recipe.name)
            except MediaError as error:
                assert recipe.name in str(error)
                continue
            read.append(recipe.name)
            if bad := wrong(named, first):
                astray[recipe.name] = bad
    assert not astray
    assert {"closed.mp4", "closed.mkv", "mjpeg.mov"} <= set(read)


@pytest.mark.parametrize("kind", ["mp4", "mkv", "ts"])
@pytest.mark.parametrize(("name", "more"), [("open", ":open-gop=1"), ("refresh", ":intra-refresh=1")])
def test_recovery_points_are_jumped_to_once_they_have_proved_right(
    name: str, more: str, kind: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(film_pyav, "_DEAR", 20)
    path = written(x264(f"{name}.{kind}", more), folder)
    reader = open_pyav(str(path), path.name)
    assert not reader.index.closed and not wrong(reader)
    assert reader._proved and len(reader._starts) > 3


REFUSED = {
    x264("lacks-b.avi", pts=LACKING): "frames were left out",
    x264("raw.h264"): "no time stamp",
    x264("twice.ts", bytes=lambda film: film + film): "same time stamp|start anew",
    x264("askew.mp4", rotation=45): "right angles",
}


@pytest.mark.parametrize("recipe", REFUSED, ids=lambda recipe: recipe.name)
@pytest.mark.parametrize("reader", list(READERS))
def test_what_cannot_be_numbered_is_refused(recipe: Recipe, reader: str, folder: Path) -> None:
    path = written(recipe, folder)
    for film in (path, path.read_bytes()):
        with pytest.raises(MediaError, match=f"{recipe.name}: .*({REFUSED[recipe]})") as found:
            opened(reader, film, recipe.name)
        assert str(folder) not in str(found.value)
    with pytest.raises(MediaError, match=REFUSED[recipe]):
        film_table(path)


def test_a_film_whose_metadata_is_not_utf8_is_read(folder: Path) -> None:
    path = written(x264("latin.mp4", metadata={"title": "xyz"}, bytes=latin), folder)
    assert path.read_bytes().count(b"\xe4\xf6\xfc") == 2
    assert not wrong(opened("av", path, path.name))


def latin(film: bytes) -> bytes:
    """The title and the name of the handler in Latin-1."""
    return film.replace(b"xyz", b"\xe4\xf6\xfc").replace(b"VideoHandler", b"Video\xe4\xf6\xfcHand"[:12])
