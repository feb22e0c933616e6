"""One shard of each kind of media: the sha256 of the repository, and the same from other machines and heaps."""

from __future__ import annotations

import hashlib
import json
import platform
import warnings
from pathlib import Path

import av
import pytest
from av.video.frame import PictureType
from surgsigma_hub.media import video

import golden
from machines import MACHINES, Machine, ffmpeg_flags, numpy_features

KEPT = json.loads(golden.FILE.read_text())


@pytest.fixture(scope="module")
def here() -> dict[str, str]:
    return golden.sums()


@pytest.mark.parametrize("kind", golden.KINDS)
def test_a_shard_of_each_kind_is_the_one_of_the_repository(kind: str, here: dict[str, str]) -> None:
    if here[kind] == KEPT["shards"][kind]:
        return
    now, then = golden.versions(), KEPT["made_with"]
    made_by = golden.KINDS[kind].made_by
    if other := [f"{name} {then[name]} (here: {now[name]})" for name in made_by if now[name] != then[name]]:
        said = f"the shard {kind!r} was NOT compared with the repository's, which was made with {', '.join(other)}"
        warnings.warn(f"{said}. Keep today's with: {golden.REFRESH}", stacklevel=1)
        pytest.skip(said)
    same = ", ".join(f"{name} {now[name]}" for name in made_by)
    pytest.fail(
        f"the shard {kind!r} has the sha256 {here[kind]}, in tests/golden.json it is {KEPT['shards'][kind]},\n"
        f"made with the same {same}; C library here: {' '.join(platform.libc_ver())}.\n"
        f"If this change is meant to change bytes, say so in CHANGELOG.md and keep them with: {golden.REFRESH}\n"
        "If this machine alone fails, something follows its processor or its heap: see tests/machines.py.",
        pytrace=False,
    )


@pytest.mark.parametrize("machine", MACHINES, ids=lambda m: m.name)
def test_shards_are_the_same_on_every_machine_and_in_every_heap(machine: Machine, here: dict[str, str]) -> None:
    assert machine.run("golden:sums") == here


@pytest.mark.skipif(platform.machine() != "x86_64", reason="which instruction sets differ is known of x86-64")
def test_the_clips_would_differ_without_the_option_of_the_encoder(
    monkeypatch: pytest.MonkeyPatch, here: dict[str, str]
) -> None:
    """The clips above are hard enough: x264 left to itself gives other bytes with other instructions."""
    found = set()
    for params in ("", "asm=0"):
        monkeypatch.setitem(video.ENCODER, "x264-params", params)
        found.add(hashlib.sha256(golden.shard("clip")).hexdigest())
    assert len(found) == 2


def test_the_clips_have_pictures_between_pictures(tmp_path: Path) -> None:
    """Without B-pictures the reads of memory that nobody has written would not show."""
    video.encode_video(tmp_path / "film.mp4", (golden.pattern(n) for n in range(40)), fps=8)
    with av.open(str(tmp_path / "film.mp4")) as container:
        kinds = [PictureType(frame.pict_type) for frame in container.decode(video=0)]
    assert kinds.count(PictureType.B) > 5, kinds


def test_every_kind_is_kept() -> None:
    assert list(KEPT["shards"]) == list(golden.KINDS), f"refresh with: {golden.REFRESH}"
    assert list(KEPT["made_with"]) == list(golden.versions())


def test_a_machine_is_what_it_says() -> None:
    """The limits take hold: without them the tests above would compare a machine with itself."""
    if platform.machine() != "x86_64":
        pytest.skip("the names of instruction sets are those of x86-64")
    plain, limited = (Machine(name).run("test_golden:inside") for name in ("", "0"))
    assert plain["ffmpeg"] != 0 == limited["ffmpeg"]
    assert plain["numpy"] != limited["numpy"] or not plain["numpy"]
    assert plain["scaled"] != limited["scaled"], "FFmpeg's own default follows the processor"


def inside() -> dict[str, object]:
    """What a process of a machine may use."""
    frame = av.VideoFrame.from_ndarray(golden.pattern(0), format="rgb24")
    return {
        "ffmpeg": ffmpeg_flags(),
        "numpy": numpy_features(),
        "scaled": hashlib.sha256(frame.reformat(120, 90, format="yuv420p").to_ndarray().tobytes()).hexdigest(),
    }
