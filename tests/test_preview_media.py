"""The picture part of a card: pairs, films, depth, and media that cannot be shown."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import orjson
import pytest
from PIL import Image
from surgsigma_hub import records as r
from surgsigma_hub.media.colourmap import ramp
from surgsigma_hub.media.video import spread_frames
from surgsigma_hub.preview import CARD_WIDTH, picture, sheet
from surgsigma_hub.preview.cards import card
from surgsigma_hub.preview.pictures import _pane
from surgsigma_hub.preview.strips import frame_count, strip
from surgsigma_hub.shards.sampling import Picked

from handmade import film, jpeg, mask, noise, sample

Given = tuple[str, r.MediaKind, r.MediaRole, bytes]
TALL = 240
GREEN, BLUE = (9, 200, 9), (9, 9, 200)
FILM = [(250, 5 * n, 5 * n) for n in range(40)]


def picked(media: list[Given], *, task: str = "phase_recognition", **changes: Any) -> Picked:
    size = changes.pop("size", (64, 48))
    made, members = sample(task=task, media=media, size=size, answer=changes.pop("answer", None))
    return Picked(orjson.loads(orjson.dumps(replace(made, **changes))), members, "x.tar")


def drawn(media: list[Given], **changes: Any) -> np.ndarray:
    return np.asarray(picture(picked(media, **changes), {}, TALL)).astype(int)


def texts(one: Picked) -> list[str]:
    made = card(one, {}, TALL)
    return [line.text for line in (*made.lines, *made.origin)]


def name_of(one: Picked, number: int) -> str:
    return _pane(one, one.doc["media"][number], (200, 200)).name


def near(pixels: np.ndarray, colour: tuple[int, int, int]) -> np.ndarray:
    """Where a colour is, JPEG's and H.264's blur allowed for."""
    return (abs(pixels - colour) < 30).all(axis=2)


IMAGE: Given = ("image.jpg", "image", "input", jpeg(BLUE))


# --------------------------------------------------------------------------------------------- films in the memory


def test_frames_are_spread_with_first_and_last() -> None:
    data = film(FILM, (96, 64), fps=10)
    for count, want in ((6, [0, 8, 16, 23, 31, 39]), (2, [0, 39]), (1, [0])):
        found = spread_frames(data, count, "video.mp4")
        assert [round(s * 10) for s, _ in found] == want
        for seconds, pixels in found:
            assert abs(int(pixels[32, 48, 1]) - 5 * round(seconds * 10)) < 12, "another frame than the time says"
    assert len(spread_frames(film(FILM[:3], (96, 64)), 6, "video.mp4")) == 3


@pytest.mark.parametrize("backend", ["decord", "av"])
def test_both_readers_read_from_memory(backend: str, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip(backend)
    monkeypatch.setenv("SURGSIGMA_VIDEO", backend)
    assert len(spread_frames(film(FILM, (96, 64)), 4, "video.mp4")) == 4


def test_a_strip_shows_its_frames_in_order() -> None:
    frames = [(s, Image.fromarray(p)) for s, p in spread_frames(film(FILM, (96, 64)), 6, "v")]
    made = np.asarray(strip(frames, (420, 220))).astype(int)
    assert made.shape[1] <= 420 and made.shape[0] <= 220
    wide, high = made.shape[1] // 3, made.shape[0] // 2
    cells = [made[high * row + high // 3, wide * column + wide // 2, 1] for row in (0, 1) for column in range(3)]
    assert (np.diff(cells) > 20).all(), cells


def test_shape_decides_on_six_or_eight() -> None:
    assert frame_count((640, 480), (420, 295)) == 6
    assert frame_count((1080, 1920), (420, 300)) == 8


# ------------------------------------------------------------------------------------------------------ the panes


def test_a_pair_stands_side_by_side_under_its_names() -> None:
    media: list[Given] = [IMAGE, ("target.jpg", "image", "target", jpeg(GREEN))]
    pixels = drawn(media, task="desmoking")
    half = CARD_WIDTH // 2
    assert near(pixels[:, :half], BLUE).sum() > 20_000 and not near(pixels[:, half:], BLUE).any()
    assert near(pixels[:, half:], GREEN).sum() > 20_000
    rows = [
        np.flatnonzero(near(part, c).any(axis=1)) for part, c in ((pixels[:, :half], BLUE), (pixels[:, half:], GREEN))
    ]
    assert rows[0][0] == rows[1][0] and rows[0][-1] == rows[1][-1], "not aligned"
    one = picked(media, task="desmoking")
    assert [name_of(one, n) for n in (0, 1)] == ["with smoke", "without"]
    later = picked(media, task="next_frame_generation", answer=r.Answer("picture after 3 seconds"))
    assert [name_of(later, n) for n in (0, 1)] == ["now", "after 3 seconds"]
    assert name_of(picked(media, task="next_frame_generation"), 1) == "later"


def test_films_are_strips_and_say_their_length() -> None:
    media: list[Given] = [("video.mp4", "video", "input", film(FILM, (96, 64), fps=10))]
    one = picked(media, size=(96, 64))
    entry = {**one.doc["media"][0], "num_frames": 40, "fps": 10.0}
    assert _pane(one, entry, (420, 240)).name == "clip, 4 s at 10 fps"
    pixels = drawn(media, size=(96, 64))
    for colour in (FILM[0], FILM[39]):
        assert near(pixels, colour).sum() > 2000, "the first or the last frame is not shown"


def test_a_picture_beside_a_film_takes_less_room() -> None:
    media: list[Given] = [IMAGE, ("target.mp4", "video", "target", film([GREEN] * 12, (96, 64)))]
    pixels = drawn(media, task="video_generation")
    blue, green = (np.flatnonzero(near(pixels, c).any(axis=0)) for c in (BLUE, GREEN))
    assert blue[-1] < green[0] and blue[-1] - blue[0] < green[-1] - green[0]
    alone = drawn(media[1:], task="video_generation")
    assert np.flatnonzero(near(alone, GREEN).any(axis=0))[0] < 20, "without an input the film has all the room"


def test_depth_stands_beside_its_picture_with_a_legend() -> None:
    pixels = drawn([IMAGE, ("target.png", "depth", "target", mask((0, 0, 32, 48)))], task="depth_estimation")
    half = pixels[:, CARD_WIDTH // 2 :]
    ends = [tuple(int(v) for v in ramp()[n]) for n in (0, -1)]
    far, close = (np.flatnonzero(near(half, c).any(axis=0)) for c in reversed(ends))
    assert far.size and close.size and far[0] < close[0], "the white, left half is far"
    assert near(pixels[:, : CARD_WIDTH // 2], BLUE).any()


def test_a_mask_without_a_picture_is_shown_itself() -> None:
    pixels = drawn([("target.png", "mask", "target", mask())])
    assert (pixels > 240).all(axis=2).sum() > 10_000


# ---------------------------------------------------------------------------------------- what cannot be shown


@pytest.mark.parametrize(
    ("entry", "why"),
    [
        (("image.jpg", "image", "input", b"damaged"), "not a readable image"),
        (("image.jpg", "image", "input", b""), "empty"),
        (("image.jpg", "image", "input", noise("JPEG", 1, (64, 48))[:900]), "damaged"),
        (("video.mp4", "video", "input", b"damaged"), "cannot be opened as a video"),
        (("target.mp4", "video", "target", b""), "empty"),
        (("target.png", "depth", "target", jpeg()), "one channel"),
    ],
)
def test_what_is_damaged_says_so(entry: Given, why: str) -> None:
    one = picked([entry])
    pane = _pane(one, one.doc["media"][0], (420, 240))
    assert why in pane.why and pane.picture is None and not pane.frames
    assert not near(np.asarray(picture(one, {}, TALL)).astype(int), BLUE).any()


def test_a_member_that_is_not_in_the_shard_says_so() -> None:
    one = picked([IMAGE])
    one.media.clear()
    assert _pane(one, one.doc["media"][0], (420, 240)).why == "not in the shard"
    assert sheet([one], title="t").width > CARD_WIDTH


def test_without_a_reader_of_films_the_panel_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SURGSIGMA_VIDEO", "none")  # no reader has that name
    one = picked([("video.mp4", "video", "input", b"x")])
    assert "unknown video reader 'none' in SURGSIGMA_VIDEO" in _pane(one, one.doc["media"][0], (420, 240)).why
    assert sheet([one], title="t").width > CARD_WIDTH


def test_a_broken_mask_is_noted_and_the_picture_stays() -> None:
    pixels = drawn([IMAGE, ("target.png", "mask", "target", b"broken")])
    assert near(pixels, BLUE).sum() > 30_000
    whole = drawn([IMAGE])
    assert (pixels != whole).any(), "nothing tells that the mask is broken"


def test_an_almost_black_picture_is_called_so() -> None:
    one = picked([("image.jpg", "image", "input", jpeg((1, 1, 1)))])
    assert _pane(one, one.doc["media"][0], (420, 240)).note == "almost black"
    assert not _pane(picked([IMAGE]), picked([IMAGE]).doc["media"][0], (420, 240)).note


# ------------------------------------------------------------------------------------------------- the text part


def test_reasoning_is_shown_by_level_and_empty_levels_are_not() -> None:
    trace = r.Reasoning(3, "The hook is seen.", " ", "So it is dissection. " * 30)
    made = card(picked([IMAGE], reasoning=trace), {}, TALL)
    numbered = [(line.number, line.text) for line in made.lines if line.number is not None]
    assert [n for n, _ in numbered] == [1, 3, 0] and numbered[0][1] == "The hook is seen."
    assert numbered[-1][1].endswith("...")
    assert not [line for line in card(picked([IMAGE]), {}, TALL).lines if line.number is not None]


def test_all_turns_are_shown_in_short() -> None:
    turns = tuple(r.Message("user" if n % 2 == 0 else "assistant", f"turn {n} " + "word " * 60) for n in range(12))
    shown = texts(picked([IMAGE], messages=turns))
    assert [n for n in range(12) if any(t.startswith(f"turn {n} ") for t in shown)] == list(range(8))
    assert "and 4 more turns" in shown
    assert not any("more turns" in t for t in texts(picked([IMAGE], messages=turns[:8])))


def test_augmentation_and_origin_are_shown() -> None:
    marks = r.Provenance("model", "a-model", "t", ("low_light", "blur"))
    made = card(picked([IMAGE], provenance=marks), {}, TALL)
    assert [line.chips for line in made.origin if line.chips] == [("low light", "blur")]
    assert any(line.text == "synthetic, model labels of a-model" for line in made.origin)
    assert not [line for line in card(picked([IMAGE]), {}, TALL).origin if line.chips]


def test_labels_without_room_are_counted() -> None:
    labels = tuple(f"label_number_{n}" for n in range(40))
    made = card(picked([IMAGE], answer=r.Answer("x", labels=labels)), {}, TALL)
    chips = [chip for line in made.lines for chip in line.chips]
    assert chips[-1] == f"+ {40 - (len(chips) - 1)} more" and len([1 for line in made.lines if line.chips]) == 3
