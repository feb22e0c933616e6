"""Which reading of the numbers of images fits the labels: what is taken, what is refused, with which options."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from surgsigma_hub.media.numbering import Numbering, Refusal, image_number, read_numbering, step_of
from surgsigma_hub.records import FileImage, NumberedImages, Recording, Stated

UNHURRIED = settings(suppress_health_check=[HealthCheck.too_slow])
N = 200
"""Seconds of the recording in these tests; one is labelled each second."""


def images(numbers: Iterable[int], *, base: int = 0, **more: Any) -> NumberedImages:
    return NumberedImages(images={n: FileImage(Path(f"{n}.png")) for n in numbers}, name="{}.png", base=base, **more)


def recording(media: NumberedImages, moments: Iterable[float] = range(N), **more: Any) -> Recording:
    labelled = list(moments)
    stated = {k: more.pop(k) for k in ("starts_at", "image_fps", "image_base") if k in more}
    return Recording(
        media=media, place="frames/video01", absent="gone", moments=labelled, said_by="labels.txt",
        stated=Stated(**stated), **{"lasts": labelled[-1] + 1, **more},
    )  # fmt: skip


def read(numbers: Iterable[int], *, base: int = 0, **more: Any) -> Numbering | Refusal:
    media = images(numbers, base=base)
    return read_numbering(recording(media, **more), media)


def refused(found: Numbering | Refusal) -> str:
    assert isinstance(found, Refusal), found
    return found.detail


# ------------------------------------------------------------------------------------------------------ what is taken


@pytest.mark.parametrize("base", [0, 1])
def test_images_numbered_as_the_release_says_are_taken(base: int) -> None:
    assert read(range(base, N + base), base=base) == Numbering(base, 1.0)
    assert read(range(base, N + base + 1), base=base) == Numbering(base, 1.0), "one more at the end, as scripts make"


def test_gaps_are_no_contradiction_where_the_last_number_fits() -> None:
    assert read(n for n in range(N) if n % 7) == Numbering(0, 1.0)
    assert read(range(50, N)) == Numbering(0, 1.0), "a front that is missing, numbers kept"
    assert read([0, N - 1]) == Numbering(0, 1.0)


def test_labels_here_and_there_are_no_contradiction() -> None:
    labelled = range(0, N, 30)
    assert read(labelled, moments=labelled) == Numbering(0, 1.0)
    assert read(range(N), moments=labelled, beyond=N) == Numbering(0, 1.0)
    assert read([30], moments=[30]) == Numbering(0, 1.0)


def test_images_that_end_early_are_taken_where_they_leave_out_what_the_labels_do() -> None:
    labelled = [n for n in range(N) if n % 10 < 3 or n % 17 == 0]
    half = [n for n in labelled if n < N // 2]
    assert read(half, moments=labelled) == Numbering(0, 1.0)
    assert "starts_at" in refused(read(range(N // 2), moments=range(N)))


def test_without_labels_there_is_nothing_to_doubt() -> None:
    media = images(range(5))
    unlabelled = Recording(media=media, place="x", absent="gone", moments=(), lasts=0, said_by="labels.txt")
    assert read_numbering(unlabelled, media) == Numbering(0, 1.0)


# ---------------------------------------------------------------------------------------------------- what is refused

REFUSED: Mapping[str, tuple[Iterable[int], int, dict[str, float]]] = {
    "from 0 in place of 1": (range(N), 1, {"image_base": 0}),
    "from 1 in place of 0": (range(1, N + 1), 0, {"image_base": 1}),
    "from 1000": (range(1000, 1000 + N), 0, {"image_base": 1000}),
    "all of 25 a second": (range(1, 25 * N + 1), 1, {"image_fps": 25}),
    "all of 25 a second, from 0": (range(25 * N), 1, {"image_fps": 25, "image_base": 0}),
    "all of 25 a second, half a second longer": (range(1, 25 * N + 13), 1, {"image_fps": 25}),
    "15 a second": (range(1, 15 * N + 1), 1, {"image_fps": 15}),
    "2 a second": (range(1, 2 * N + 1), 1, {"image_fps": 2}),
    "29.97 a second": (range(1, round(29.97 * N) + 1), 1, {"image_fps": 30000 / 1001}),
    "numbered by steps of 25": (range(0, 25 * N, 25), 1, {"image_fps": 25, "image_base": 0}),
    "numbered by steps of 25 from 1": (range(1, 25 * N, 25), 1, {"image_fps": 25}),
    "one in two seconds, numbered anew": (range(1, N // 2 + 1), 1, {"image_fps": 0.5}),
}


@pytest.mark.parametrize("name", REFUSED)
def test_another_reading_is_refused_and_its_options_are_named(name: str) -> None:
    numbers, base, options = REFUSED[name]
    found = read(numbers, base=base)
    detail = refused(found)
    for option, value in options.items():
        assert f"--option {option}={value:.6g}" in detail
    assert str(min(numbers)) in detail and str(max(numbers)) in detail
    # With the options it is taken, and every label that can have an image has it.
    media = images(numbers, base=base)
    taken = read(numbers, base=base, **options)
    assert isinstance(taken, Numbering)
    held = [image_number(taken, media, s) for s in range(N)]
    assert held.count(None) == (N // 2 if options.get("image_fps") == 0.5 else 0)


def test_a_front_cut_off_and_numbered_anew_is_refused_with_both_cuts() -> None:
    detail = refused(read(range(1, N - 4), base=1))
    assert "--option starts_at=5)" in detail and "--option starts_at=0)" in detail
    assert read(range(1, N - 4), base=1, starts_at=5) == Numbering(1, 1.0, 5.0)
    assert read(range(1, N - 4), base=1, starts_at=0) == Numbering(1, 1.0)
    refused(read(range(N - 1))), "one image may be the first or the last that is missing"


def test_images_that_go_on_are_refused_with_both_ends() -> None:
    detail = refused(read(range(N + 5)))
    assert "--option starts_at=-5)" in detail and "--option starts_at=0)" in detail and "image_fps" not in detail
    media = images(range(N + 5))
    early = read_numbering(recording(media, starts_at=-5), media)
    assert isinstance(early, Numbering) and image_number(early, media, 0) == 5
    assert read(range(N + 5), starts_at=0) == Numbering(0, 1.0)


def test_a_first_number_missing_is_a_base_where_nothing_else_is() -> None:
    labelled = range(5, N - 5)
    assert "image_base=1" in refused(read(range(1, N + 1), moments=labelled, lasts=N, beyond=50))
    assert read([1, 2, *range(5, N)], moments=range(1, N - 5), lasts=N, beyond=50) == Numbering(0, 1.0), "gaps are real"
    assert read(range(1, N), moments=range(1, N)) == Numbering(0, 1.0), "the labels begin there as well"
    assert "image_base=1" in refused(read(range(1, N + 1), moments=range(1, N))), "but then it ends with them"


def test_what_the_user_states_wrongly_is_refused() -> None:
    assert isinstance(read(range(1, 50 * N + 1), base=1, image_fps=25), Refusal)
    assert isinstance(read(range(1, 25 * N + 1), base=1, starts_at=0), Refusal), "a start is no rate"
    assert isinstance(read(range(N), base=1, image_base=1), Refusal)


def test_a_rate_that_nobody_uses_is_named_as_it_is() -> None:
    assert "--option image_fps=7.3)" in refused(read(range(1, round(7.3 * N) + 1), base=1))


def test_habits_of_the_releases_script_hold_at_its_own_rate_only() -> None:
    media = images(range(1, N), base=1, base_seconds=1.0)
    wanted = recording(media, range(3, N))
    assert read_numbering(wanted, media) == Numbering(1, 1.0, 1.0)
    dense = images(range(1, 25 * N + 1), base=1, base_seconds=1.0)
    assert "image_fps=25" in refused(read_numbering(recording(dense, range(3, N)), dense))
    taken = read_numbering(recording(dense, range(3, N), image_fps=25.0), dense)
    assert isinstance(taken, Numbering) and image_number(taken, dense, 10) == 251


# ----------------------------------------------------------------------------------------------------------- in general


@UNHURRIED
@given(
    base=st.integers(0, 5), fps=st.sampled_from([1.0, 2.0, 12.5, 15.0, 25.0, 30000 / 1001]), second=st.integers(0, 9999)
)
def test_a_number_is_within_half_an_interval_of_its_moment(base: int, fps: float, second: int) -> None:
    reading = Numbering(base, fps)
    assert abs(reading.seconds(reading.number(second)) - second) <= 0.5 / fps + 1e-6


@UNHURRIED
@given(
    st.integers(20, 120), st.integers(0, 3), st.integers(0, 1), st.integers(0, 1), st.sampled_from([1, 5, 15, 25]),
    st.data(),
)  # fmt: skip
def test_a_label_is_never_on_the_image_of_another_second(
    seconds: int, begin: int, said: int, true: int, rate: int, data: st.DataObject
) -> None:
    lost = data.draw(st.sets(st.integers(1, seconds - 2), max_size=seconds // 4))
    shown = {true + n: n / rate for n in range(seconds * rate) if n // rate not in lost}
    media = images(shown, base=said)
    found = read_numbering(recording(media, range(begin, seconds)), media)
    if isinstance(found, Refusal):
        assert (said, 1) != (true, rate) and "--option" in found.detail
        return
    for second in range(begin, seconds):
        number = image_number(found, media, second)
        assert number is None or abs(shown[number] - second) <= 0.5 / rate


def test_steps() -> None:
    assert [step_of(x) for x in ([7], [0, 30, 90], [1, 26, 51], [0, 1, 30])] == [1, 30, 25, 1]
