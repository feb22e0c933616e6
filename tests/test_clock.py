"""The clock of a film: by time, by number, or refused with the reading that fits."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from surgsigma_hub.media.clock import Clock, read_clock
from surgsigma_hub.media.moments import Deviation, FilmPlaces
from surgsigma_hub.media.numbering import Refusal
from surgsigma_hub.records import Film, FilmFile, Recording, Stated, VideoFrame

PATH = Path("case.mp4")
T = 720
"""Seconds of the recording in these tests: 18,000 frames at 25 a second."""


@dataclass
class Table:
    """A film as ``film_table`` would read it."""

    seconds: npt.NDArray[np.float64]
    fps: float
    constant: bool = True
    late: float = 0.0
    told: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.seconds)


def steady(frames: int, fps: float) -> Table:
    return Table(np.arange(frames) / fps, fps)


def lossy(frames: int, every: int, *, retimed: bool = False) -> Table:
    """A film at 25 a second that lost one frame in so many, time stamps kept or not."""
    kept = np.array([n for n in range(frames) if n % every != every // 2])
    return steady(len(kept), 25) if retimed else Table(kept / 25, len(kept) / frames * 25, constant=False)


def read(table: Table, *, counted: bool = True, lasts: float = T, **more: Any) -> Clock | Refusal:
    stated = {k: more.pop(k) for k in ("starts_at", "video_fps") if k in more}
    file = FilmFile(path=PATH, fps=25.0, counted=counted)
    wanted = Recording(
        media=file, place="videos/case.mp4", absent="gone", moments=range(int(lasts)), lasts=lasts,
        said_by="labels.txt", stated=Stated(**stated), **{"within": 0.08, **more},
    )  # fmt: skip
    return read_clock(wanted, file, table)


def taken(found: Clock | Refusal) -> Clock:
    assert isinstance(found, Clock), found
    return found


def refused(found: Clock | Refusal) -> str:
    assert isinstance(found, Refusal), found
    return found.detail


def frame(found: Clock | Refusal, seconds: float) -> int | None:
    picture = FilmPlaces(taken(found)).picture(seconds, Deviation())
    return picture.index if isinstance(picture, VideoFrame) else None


# ------------------------------------------------------------------------------------------------------------ by time


def test_a_film_as_released_is_on_the_releases_grid_and_nothing_is_told() -> None:
    assert read(steady(25 * T, 25)) == Clock(Film(PATH, 25.0), pytest.approx(0.04))  # type: ignore[arg-type]
    assert [frame(read(steady(25 * T, 25)), s) for s in (0, 1, 719)] == [0, 25, 17_975]


@pytest.mark.parametrize("fps", [30.0, 30000 / 1001, 50.0, 60.0, 24.0, 15.0])
@pytest.mark.parametrize("counted", [True, False])
def test_a_film_encoded_anew_at_another_rate_is_found_by_time(fps: float, counted: bool) -> None:
    found = taken(read(steady(round(T * fps), fps), counted=counted))
    assert found.film.seconds == () and found.film.fps == pytest.approx(fps)
    for second in (0, 1, 39, 719):
        assert abs((frame(found, second) or 0) / fps - second) <= 0.5 / fps + 1e-9
    assert f"{fps:.6g} frames a second" in found.told[0]


@pytest.mark.parametrize("counted", [True, False])
def test_frames_lost_with_time_stamps_kept_do_not_add_up(counted: bool) -> None:
    table = lossy(25 * T, 250)
    found = taken(read(table, counted=counted))
    assert "frames of it are missing" in found.told[0] and found.film.fps == 25
    for second in range(0, T, 7):
        index = frame(found, second)
        assert (index is None) == (25 * second % 250 == 125), "only a label whose own frame was lost has none"
        assert index is None or round(25 * float(table.seconds[index])) == 25 * second


def test_the_largest_deviation_is_kept() -> None:
    places, seen = FilmPlaces(taken(read(steady(round(T * 30000 / 1001), 30000 / 1001)))), Deviation()
    for second in range(T):
        places.picture(second, seen)
    assert 0.016 < seen.seconds <= 1001 / 60000 and seen.frames == pytest.approx(seen.seconds * 30000 / 1001)


# ---------------------------------------------------------------------------------------------------------- by number


def test_all_frames_with_a_clock_a_little_wrong_are_found_by_number_where_labels_are_numbers() -> None:
    found = taken(read(steady(25 * T, 24.9)))
    assert [frame(found, s) for s in (0, 1, 719)] == [0, 25, 17_975] and "by number" in found.told[0]
    assert "2.89" in found.told[0], "how far the time stamps are off"
    assert "video_fps=24.9" in refused(read(steady(25 * T, 24.9), counted=False, beyond=1.0))


@pytest.mark.parametrize("fps", [30.0, 30000 / 1001, 50.0, 20.0])
def test_all_frames_shown_at_another_rate_are_refused_and_taken_when_it_is_stated(fps: float) -> None:
    table = steady(25 * T, fps)
    assert f"--option video_fps={fps:.6g})" in refused(read(table))
    found = read(table, video_fps=fps)
    assert [frame(found, s) for s in (0, 1, 719)] == [0, 25, 17_975]
    assert taken(found).film.fps == 25, "moments keep the release's rate"
    assert "30000" not in refused(read(table, video_fps=12.0)) and "video_fps" in refused(read(table, video_fps=12.0))


def test_labels_that_need_not_reach_the_end_leave_two_rates_open() -> None:
    longer = {"counted": False, "beyond": 0.25 * T}
    assert taken(read(steady(25 * (T + 20), 25), **longer)).told == ()
    assert "goes on for 60 s" in taken(read(steady(25 * (T + 60), 25), **longer)).told[0]
    assert "video_fps=24)" in refused(read(steady(25 * T, 24), **longer)), "a film of 24 is shown at 25, and back"
    assert taken(read(steady(30 * (T + 60), 30), **longer))
    detail = refused(read(steady(25 * (T + 10), 21.0), **longer))
    assert "video_fps=21)" in detail and "video_fps=25)" in detail
    assert taken(read(steady(25 * (T + 10), 21.0), video_fps=25.0, **longer)).film.fps == 21


# ------------------------------------------------------------------------------------------------------------- length


@pytest.mark.parametrize("lost", [0.2, 1.0, 5.0, 60.0])
def test_a_shorter_film_is_refused_and_taken_when_its_start_is_stated(lost: float) -> None:
    table = steady(round(25 * (T - lost)), 25)
    detail = refused(read(table))
    assert f"--option starts_at={lost:.6g})" in detail and "--option starts_at=0)" in detail
    assert [frame(read(table, starts_at=lost), s) for s in (0, 70, 719)] == [
        None,
        round(25 * (70 - lost)),
        round(25 * (719 - lost)),
    ]
    assert frame(read(table, starts_at=0.0), 70) == 1750


def test_a_film_that_ends_too_soon_may_be_the_first_of_the_parts_beside_it() -> None:
    assert "would fit the first part of a recording, whose 2 parts (a, b)" in refused(
        read(steady(25 * T // 2, 25), parts="2 parts (a, b) have to be joined first")
    )
    for whole in (steady(25 * T, 25), steady(25 * 2 * T, 25)):
        found = read(whole, parts="2 parts (a, b) have to be joined first")
        assert isinstance(found, Clock) or "parts" not in found.detail


def test_a_longer_film_is_refused_and_taken_when_its_start_is_stated() -> None:
    table = steady(25 * (T + 30), 25)
    assert "--option starts_at=-30)" in refused(read(table)) and "--option starts_at=0)" in refused(read(table))
    assert frame(read(table, starts_at=-30.0), 0) == 750 and frame(read(table, starts_at=0.0), 0) == 0
    assert taken(read(steady(25 * T + 12, 25))).told == ("it ends 0.48 s after the recording does",)
    assert isinstance(read(steady(25 * 2 * T, 25), starts_at=0.0), Refusal), "twice as long is another film"


@pytest.mark.parametrize("late", [0.4, 8.0])
def test_times_of_a_film_whose_sound_begins_first_are_refused_and_taken_when_their_zero_is_stated(late: float) -> None:
    """As in a part cut out of a recording without encoding it anew: pictures begin at the next key frame."""
    table = steady(round(25 * (T - late)), 25)
    table.late = late
    detail = refused(read(table, counted=False, within=10.0))
    assert f"--option starts_at={late:.3g})" in detail and "--option starts_at=0)" in detail
    found = read(table, counted=False, starts_at=late)
    assert [frame(found, s) for s in (0, 70)] == [None, round(25 * (70 - late))]
    assert frame(read(table, counted=False, starts_at=0.0), 70) == 1750
    assert frame(read(table, within=10.0), 70) == 1750, "numbers count frames, whatever is heard"
    table.late = 0.09
    assert frame(read(table, counted=False, within=10.0), 70) == 1750, "sound is stored by frames of its own"


def test_frames_lost_and_timed_anew_are_refused() -> None:
    detail = refused(read(lossy(25 * T, 250, retimed=True)))
    assert "no cure" in detail and "17928 frames" in detail


def test_several_options_hold_together() -> None:
    table = steady(25 * (T - 60), 30.0)
    found = read(table, video_fps=30.0, starts_at=60.0)
    assert [frame(found, s) for s in (0, 60, 100)] == [None, 0, 1000]
