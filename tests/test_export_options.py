"""Options of ``surgsigma export`` that are wrong, swapped or extreme: each message says what, where and what to do."""

from __future__ import annotations

import itertools
import json
from pathlib import Path

import pytest
from surgsigma_hub.adapters import TrainerResize, UnfitError
from surgsigma_hub.adapters.media import choose_frames
from surgsigma_hub.cli import main
from surgsigma_hub.streaming import Frames

HUGE = "1" + "0" * 30


def refused(
    call: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str], *, tree: object = "no/tree", to: str = "trl"
) -> str:
    """What an export that is refused says, whose folder it does not make."""
    out = tmp_path / "out"
    assert main(["export", str(tree), *call, "--format", to, "--out", str(out)]) == 2
    assert not out.exists()
    said = capsys.readouterr().err
    assert "Traceback" not in said and not any(name in said for name in ("SmartResize(", "TrainerResize(", "=["))
    return said


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (["--limit", HUGE], "too large (expected at most"),
        (["--per-task", "9" * 5000], "is not a whole number of at least 1"),
        (["--seed", HUGE], "is not a whole number from"),
        (["--seed", "1.5"], "'1.5' is not a whole number from"),
        (["--part", f"1/{HUGE}"], "is not of the form I/N"),
        (["--system", "\ud800"], "is not UTF-8"),
        (["--prefix", "\ud800"], "is not UTF-8"),
        (["--system", "Look at <image>."], "the system prompt holds <image>, which trainers replace"),
        (["--where", "task="], "'task=' has no value (expected task=VALUE,...)"),
        (["--where", "reasoning_level=1.5"], "reasoning_level is a whole number, such as reasoning_level=1,2"),
        (["--where", f"reasoning_level={HUGE}"], "reasoning_level is a whole number"),
        (["--limit", "3", "phase_recognition"], "Put names before the options: surgsigma export ... phase_recognition"),
        (["--fps", "1e-320"], "Expected a rate from 1e-06 to 1e+06"),
        (["--fps", "1e308"], "Expected a rate from 1e-06 to 1e+06"),
        (["--limits", "3"], "Its options: surgsigma export --help"),
    ],
)
def test_what_no_tree_is_needed_for(
    call: list[str], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    told = refused(call, tmp_path, capsys)
    assert said in told and len(told.splitlines()[-1]) < 200


@pytest.mark.parametrize(("to", "most"), [("trl", "12,845,056"), ("sharegpt", "589,824"), ("easyr1", "4,194,304")])
def test_bounds_between_which_no_image_lies(
    to: str, most: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The least alone may be above the most that the trainer or the model has by itself."""
    told = refused(["--model", "qwen2_5_vl", "--min-pixels", "99999999"], tmp_path, capsys, to=to)
    assert f"at least 99,999,999 and at most {most} pixels: expected 0 < min_pixels <= max_pixels" in told
    assert "(--min-pixels, --max-pixels)" in told


def test_an_image_that_the_trainer_shrinks_to_nothing(
    adapter_tree: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    call = ["export", str(adapter_tree), "instrument_localization", "--format", "sharegpt", "--model", "qwen2_5_vl"]
    assert main([*call, "--out", str(tmp_path / "out"), "--min-pixels", "1", "--max-pixels", "1", "--json"]) == 0
    left_out = json.loads(capsys.readouterr().out)["left_out"]
    assert left_out["size"]["instrument_localization"] > 100, "all that have a box"
    with pytest.raises(UnfitError, match=r"1000000 x 1 within 1,024 to 589,824 pixels has no pixel left"):
        TrainerResize()((10**6, 1))


def test_names_of_digits_are_names(adapter_tree: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "no sample is left to stream" in refused(["--where", "video=7"], tmp_path, capsys, tree=adapter_tree)


def test_more_frames_than_there_are_cost_nothing() -> None:
    for length, asked in itertools.product((1, 2, 7, 1500), (1, 2, 6, 7, 8, 10**15)):
        if asked <= 10**4 or asked > length:
            chosen, _ = choose_frames(Frames(count=asked), length, 25.0, "clip", timed=False)
            assert chosen == sorted(set(chosen)) and len(chosen) == min(asked, length)
        assert choose_frames(Frames(rate=1e6), length, 25.0, "clip", timed=False) == (list(range(length)), 25.0)


def test_any_prefix_and_prompt_arrive(adapter_tree: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    call = ["export", str(adapter_tree), "instrument_recognition", "--format", "swift", "--out", str(out)]
    assert main([*call, "--limit", "2", "--prefix", 'a "b"/ü\n', "--system", "Sei genau.\n„ja“"]) == 0
    for line in (out / "train.jsonl").read_text("utf-8").splitlines():
        record = json.loads(line)
        assert record["messages"][0] == {"role": "system", "content": "Sei genau.\n„ja“"}
        assert all(path.startswith('a "b"/ü\nmedia/') for path in record["images"])
