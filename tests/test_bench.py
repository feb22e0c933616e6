"""``surgsigma bench`` on real trees: shares that add up, the network named where it bounds, nothing left behind."""

from __future__ import annotations

import json
import multiprocessing
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest
import surgsigma_hub
from surgsigma_hub.api import build
from surgsigma_hub.bench.advice import PARTS
from surgsigma_hub.bench.measure import Plan, Setting, measure
from surgsigma_hub.bench.timed import Clock, TimedDecoder, TimedPlace
from surgsigma_hub.cli import main
from surgsigma_hub.errors import SurgSigmaError
from surgsigma_hub.streaming import Frames, Rgb

from builds import SMALL
from handmade import rewrite, small_tree
from webserver import serve

SHORT = ["--seconds", "0.3", "--rounds", "1"]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Pictures, masks and clips."""
    tree = tmp_path_factory.mktemp("built") / "tree"
    tasks = ["phase_recognition", "instrument_segmentation", "action_recognition"]
    build("synthetic", out=tree, options={**SMALL, "frames": "30"}, tasks=tasks)
    return tree


def bench(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, Any]:
    assert main(["bench", *arguments, "--json"]) == 0
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def test_time_inside_a_part_counts_once() -> None:
    clock = Clock()

    def work() -> None:
        with clock.part("video"):
            time.sleep(0.02)
            with clock.part("resize"):
                time.sleep(0.05)
            time.sleep(0.02)

    begin = time.perf_counter()
    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    spent = clock.spent()
    assert spent["video"] >= 0.04 and spent["resize"] >= 0.1
    assert sum(spent.values()) <= 2 * (time.perf_counter() - begin)
    assert set(spent) == set(PARTS) and spent["json"] == 0


def test_a_part_that_raises_is_left() -> None:
    clock = Clock()
    with pytest.raises(ValueError), clock.part("video"), clock.part("resize"):
        raise ValueError
    before = clock.spent()
    time.sleep(0.01)
    with clock.part("json"):
        pass
    assert clock.spent() | {"json": 0} == before | {"json": 0}


def test_measured_streams_give_the_same_and_others_are_as_they_were(built: Path) -> None:
    clock = Clock()
    stream = surgsigma_hub.stream(built, decode=Rgb(short_side=24), frames=Frames(count=2), threads=2)
    timed = stream.measured(lambda place: TimedPlace(place, clock), lambda plain: TimedDecoder(plain, clock))
    plain = {item.key: item for item in stream}
    for item in timed:
        assert item.sample == plain[item.key].sample
        assert {m: d.tobytes() for m, d in item.media.items()} == {
            m: d.tobytes() for m, d in plain[item.key].media.items()
        }
    spent = clock.spent()
    assert all(spent[name] > 0 for name in ("read", "json", "jpeg", "png", "video", "resize"))
    assert type(stream._decoder).__name__ == "Decoder"  # no timing in a stream that nobody measures


def test_a_small_tree(built: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = bench(capsys, str(built), "phase_recognition", "--threads", "0,2", "--short-side", "32", *SHORT)
    assert [s["name"] for s in found["settings"]] == ["0 threads", "2 threads"]
    for setting in found["settings"]:
        assert sum(setting["shares"].values()) == pytest.approx(1) and min(setting["shares"].values()) >= 0
        assert setting["shares"]["jpeg"] > 0 and setting["shares"]["resize"] > 0 and setting["shares"]["video"] == 0
        assert setting["rate"] > 0 and setting["first_sample"] > 0 and len(setting["rates"]) == 1
        assert setting["bytes_per_second"] == pytest.approx(setting["rate"] * found["sample_bytes"], rel=0.01)
        assert setting["skipped"] == 0
    assert found["here"]["remote"] is False and found["here"]["kernel"] == "pillow"
    assert "torch" not in sys.modules or found["here"]["torch"]
    assert str(built) not in json.dumps(found)


def test_samples_end_a_round_and_epochs_follow_each_other(built: Path) -> None:
    seen: list[str] = []
    plan = Plan(opening={"tree": built, "config": "phase_recognition", "decode": "bytes"}, samples=1000, rounds=2)
    report = measure(plan, [Setting(0)], progress=seen.append)
    assert report.samples < 1000 and len(report.measured[0].rates) == 2
    assert seen == ["warming up: 0 threads", "round 1 of 2: 0 threads", "round 2 of 2: 0 threads"]
    assert not multiprocessing.active_children()


def test_films(built: Path, capsys: pytest.CaptureFixture[str]) -> None:
    films = [str(built), "action_recognition", "--frames", "4", "--threads", "1", *SHORT]
    found = bench(capsys, *films)
    assert found["bound"] == "video"
    assert "video" in [advice["rule"] for advice in found["advice"]]
    assert main(["bench", *films]) == 0
    out = capsys.readouterr().out
    assert "Bound by: video (" in out and "samples/s" in out and "Decoding videos takes" in out


def test_over_a_slow_line_the_network_bounds(
    built: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with serve(built) as web:
        web.delay, web.rate = 0.1, 400_000.0
        line = ["--threads", "1", "--connections", "2", "--samples", "100", "--rounds", "1"]
        found = bench(capsys, web.url, "phase_recognition", *line)
        assert found["here"]["remote"] and found["bound"] == "network"
        assert "cache=FOLDER" in next(a["text"] for a in found["advice"] if a["rule"] == "network")


@pytest.mark.slow
@pytest.mark.torch
def test_workers(built: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("torch")
    found = bench(capsys, str(built), "phase_recognition", "--threads", "1", "--workers", "1", *SHORT)
    assert [s["name"] for s in found["settings"]] == ["1 thread", "1 worker"]
    assert found["settings"][1]["shares"] is None and found["settings"][1]["rate"] > 0
    assert "workers" in [advice["rule"] for advice in found["advice"]]


def test_a_step_that_the_stream_keeps_up_with(built: Path, capsys: pytest.CaptureFixture[str]) -> None:
    step = ["--step", "0.2", "--batch", "2", "--decode", "bytes", "--threads", "1"]
    found = bench(capsys, str(built), "phase_recognition", *step, *SHORT)
    assert found["bound"] == "loop" and found["settings"][0]["loop_waits"] < 0.5


def test_damaged_samples_are_counted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tree = small_tree(tmp_path / "t")
    rewrite(tree, [("a.json", b"{}"), ("a.image.jpg", b"x")], samples=1)
    found = bench(capsys, str(tree), "phase_recognition", "--threads", "0", "--samples", "3", "--rounds", "1")
    assert found["settings"][0]["skipped"] > 0 and found["advice"][0]["rule"] == "skipped"


def test_what_cannot_be_measured_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str], built: Path) -> None:
    assert main(["bench", str(tmp_path / "nothing")]) == 2
    assert "no such folder" in capsys.readouterr().err
    assert main(["bench", str(built), "phase_recogniton", *SHORT]) == 2
    assert "phase_recognition" in capsys.readouterr().err
    for bad in (["--threads", "1,x"], ["--threads", "-1"], ["--seconds", "0"], ["--decode", "view"]):
        assert main(["bench", str(built), *bad]) == 2
        assert "error" in capsys.readouterr().err
    with pytest.raises(SurgSigmaError):
        measure(Plan(opening={"tree": tmp_path / "nothing"}), [Setting(0)])
    assert not multiprocessing.active_children()
