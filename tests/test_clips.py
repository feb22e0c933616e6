"""Clips of films and stills: which frames they hold, at what rate, and what is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from surgsigma_hub.errors import MediaError
from surgsigma_hub.media.clips import EncodedClip, encode_clip, step_for
from surgsigma_hub.media.image import load_rgb
from surgsigma_hub.media.video import encode_video, open_video
from surgsigma_hub.records import Cut, Drawn, Film, Stills, VideoFrame
from surgsigma_hub.tasks.common.timeline import picture_at

pytest.importorskip("av")

FPS, FRAMES, BITS = 25.0, 150, 10


def numbered(n: int, height: int = 96) -> npt.NDArray[np.uint8]:
    """A picture that carries its number as bars of red and white, as warm as tissue, so that it passes for a view."""
    pixels = np.zeros((height, BITS * 16, 3), np.uint8)
    for bit in range(BITS):
        pixels[:, bit * 16 : (bit + 1) * 16] = (235, 160, 130) if n >> bit & 1 else (120, 30, 25)
    pixels[: height // 4, ::2] = (200, 90, 60)  # never of one colour
    return pixels


def number_of(pixels: npt.NDArray[np.uint8]) -> int:
    wide = pixels.shape[1] / BITS
    middle = pixels[pixels.shape[0] // 2].astype(int).sum(axis=1)
    return sum(int(middle[int((bit + 0.5) * wide)] > 350) << bit for bit in range(BITS))


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Film:
    path = tmp_path_factory.mktemp("film") / "numbered.mp4"
    encode_video(path, (numbered(n) for n in range(FRAMES)), fps=FPS)
    return Film(path, FPS)


def numbers(clip: EncodedClip, folder: Path) -> list[int]:
    path = folder / "clip.mp4"
    path.write_bytes(clip.data)
    reader = open_video(path)
    assert len(reader) == clip.num_frames and reader.fps == pytest.approx(clip.fps)
    return [number_of(reader.frame(n)) for n in range(len(reader))]


@pytest.mark.parametrize(
    ("start", "end", "first", "last"),
    [(0, 1, 0, 24), (1.0, 1.2, 25, 29), (1.01, 1.21, 26, 30), (0.5, 6.0, 13, 149), (5.96, 6, 149, 149)],
)
def test_a_clip_of_a_film_is_exact_at_both_ends(
    film: Film, tmp_path: Path, start: float, end: float, first: int, last: int
) -> None:
    clip = encode_clip(Cut(film, start, end), max_fps=60, max_side=480)
    assert numbers(clip, tmp_path) == list(range(first, last + 1))
    assert clip.fps == FPS and (clip.width, clip.height) == (160, 96)


def test_a_clip_of_less_frames_keeps_the_time(film: Film, tmp_path: Path) -> None:
    clip = encode_clip(Cut(film, 1.0, 4.0), max_fps=10, max_side=48)
    assert numbers(clip, tmp_path) == list(range(25, 100, 3))
    assert clip.fps == pytest.approx(FPS / 3) and clip.height == 48


def test_stills_become_a_clip_at_their_rate(tmp_path: Path) -> None:
    stills = Stills(tuple(Drawn(str(n), lambda n=n: numbered(n, 97)) for n in range(20)), 2.0)
    clip = encode_clip(Cut(stills, 3.0, 6.0), max_fps=10, max_side=480)
    assert numbers(clip, tmp_path) == [6, 7, 8, 9, 10, 11]
    assert clip.fps == 2 and clip.height == 96, "an odd height loses a row"


def test_the_same_cut_gives_the_same_bytes(film: Film) -> None:
    one, two = (encode_clip(Cut(film, 1, 2), max_fps=10, max_side=480).data for _ in range(2))
    assert one == two


def test_what_cannot_be_a_clip_is_refused(film: Film, tmp_path: Path) -> None:
    def refused(cut: Cut) -> MediaError:
        with pytest.raises(MediaError) as found:
            encode_clip(cut, max_fps=10, max_side=480)
        assert str(tmp_path) not in str(found.value)
        return found.value

    assert "no such file" in str(refused(Cut(Film(tmp_path / "gone.mp4", 25), 0, 1)))
    assert refused(Cut(film, 7, 8)).reason == "media_missing"
    assert "ends before" in str(refused(Cut(film, 5, 7)))
    assert "25 frames a second, the source says 30" in str(refused(Cut(Film(film.path, 30), 0, 1)))
    assert refused(Cut(film, 1, 1)).reason == "media_missing"
    gap = Stills((Drawn("a", lambda: numbered(1)), None, Drawn("b", lambda: numbered(2))), 1.0)
    lacking = refused(Cut(gap, 0, 3))
    assert "still 1" in str(lacking) and lacking.reason == "clip_incomplete"
    assert encode_clip(Cut(film, 5, 6.2), max_fps=25, max_side=480).num_frames == 25, "annotations may end a bit late"
    torn = tmp_path / "torn.mp4"
    torn.write_bytes(film.path.read_bytes()[:3000])
    refused(Cut(Film(torn, 25), 0, 1))


@pytest.mark.parametrize("shade", [0, 255])
def test_black_and_white_frames_are_no_view(tmp_path: Path, shade: int) -> None:
    frames = [numbered(n) for n in range(10)]
    frames[5] = np.full_like(frames[5], shade)
    stills = Stills(tuple(Drawn(str(n), lambda p=p: p) for n, p in enumerate(frames)), 2.0)
    with pytest.raises(MediaError) as found:
        encode_clip(Cut(stills, 0, 5), max_fps=10, max_side=480)
    assert found.value.reason == "no_surgical_view"
    assert encode_clip(Cut(stills, 3, 5), max_fps=10, max_side=480).num_frames == 4


@given(st.sampled_from([1.0, 2.0, 24.0, 25.0, 29.97, 30.0, 59.94]), st.integers(0, 5000), st.integers(1, 500))
def test_a_cut_holds_the_frames_seen_within_it(fps: float, first: int, count: int) -> None:
    cut = Cut(Film(Path("x.mp4"), fps), first / fps, (first + count) / fps)
    assert cut.frames == range(first, first + count)
    for index in (first - 1, first, first + count - 1, first + count):
        assert (index in cut.frames) == (cut.start_seconds - 1e-7 <= index / fps < cut.end_seconds - 1e-7)


@given(st.floats(0.5, 240), st.floats(0.5, 240))
def test_the_step_is_the_smallest_that_keeps_the_limit(rate: float, limit: float) -> None:
    step = step_for(rate, limit)
    assert rate / step <= limit * 1.001 and (step == 1 or rate / (step - 1) > limit * 0.999)


@given(st.integers(0, FRAMES - 1), st.floats(0, 0.9))
def test_the_picture_at_a_time_is_the_frame_that_has_begun(index: int, part: float) -> None:
    film = Film(Path("x.mp4"), FPS)
    assert picture_at(film, (index + part) / FPS) == VideoFrame(film.path, index)
    stills = Stills(tuple(Drawn(str(n), lambda: numbered(0)) for n in range(FRAMES)), FPS)
    shown = picture_at(stills, (index + part) / FPS)
    assert isinstance(shown, Drawn) and shown.name == str(index)
    assert picture_at(stills, FRAMES / FPS) is None


def test_real_clips_keep_their_frames(real: Path, tmp_path: Path) -> None:
    path = sorted((real / "cholect50" / "clips").glob("*.mp4"))[0]
    clip = encode_clip(Cut(Film(path, 25.0), 5, 7), max_fps=5, max_side=480)
    made = tmp_path / "clip.mp4"
    made.write_bytes(clip.data)
    ours, theirs = open_video(made), open_video(path)
    assert len(ours) == 10
    for n in range(10):
        right, wrong = (np.abs(ours.frame(n).astype(int) - theirs.frame(125 + 5 * n + off)).mean() for off in (0, 10))
        assert right < wrong


def test_load_rgb_gives_three_channels() -> None:
    grey = Drawn("grey", lambda: np.full((4, 6), 7, np.uint8))
    assert load_rgb(grey).shape == (4, 6, 3)
