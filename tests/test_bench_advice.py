"""The rules of ``surgsigma bench`` over made-up measurements."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from surgsigma_hub.bench.advice import PARTS, RULES, Here, Measured, Verdict, judge


def measured(threads: int = 1, rate: float = 100.0, **more: Any) -> Measured:
    shares = dict.fromkeys(PARTS, 0.0) | more.pop("shares", {"jpeg": 0.9, "wait": 0.1})
    workers = more.get("workers", 0)
    given = {
        "rates": (rate, rate, rate), "first_sample": 0.1, "cores": None if workers else float(threads),
        "memory": 10**8, "shares": None if workers else shares, "loop_waits": 1.0,
    }  # fmt: skip
    return Measured(threads=threads, **given | more)


def here(**more: Any) -> Here:
    return Here(**{"cores": 4, "remote": False} | more)


def told(verdict: Verdict) -> dict[str, str]:
    return {advice.rule: advice.text for advice in verdict.advice}


@pytest.mark.parametrize("cache", [False, True])
def test_the_network(cache: bool) -> None:
    verdict = judge([measured(shares={"read": 0.8, "jpeg": 0.2}, cores=0.2)], here(remote=True, cache=cache))
    assert (verdict.bound, verdict.share) == ("network", 0.8)
    text = told(verdict)["network"]
    assert "connections" in text and ("cache=FOLDER" in text) is not cache
    assert "--threads" not in told(verdict)["threads"]  # more threads would wait as well


def test_the_disk() -> None:
    verdict = judge([measured(shares={"read": 0.7, "jpeg": 0.3})], here())
    assert verdict.bound == "disk" and "block" in told(verdict)["disk"] and "network" not in told(verdict)


def test_a_missing_decoder() -> None:
    slow = measured(shares={"jpeg": 0.6, "resize": 0.4})
    assert "surgsigma-hub[stream]" in told(judge([slow], here(simplejpeg=False)))["simplejpeg"]
    assert "simplejpeg" not in told(judge([slow], here()))
    assert "simplejpeg" not in told(judge([measured(shares={"png": 0.9})], here(simplejpeg=False)))  # would not help


@pytest.mark.parametrize(("kernel", "share", "rule"), [
    ("pillow", 0.3, "torch_resize"), ("pillow", 0.1, ""), ("torch", 0.6, "smaller"), ("torch", 0.3, ""), ("", 0.0, ""),
])  # fmt: skip
def test_resizing(kernel: str, share: float, rule: str) -> None:
    found = told(judge([measured(shares={"resize": share, "jpeg": 1 - share})], here(kernel=kernel)))
    assert {"torch_resize", "smaller"} & set(found) == ({rule} if rule else set())


def test_resizing_by_a_torch_that_is_not_there() -> None:
    slow = measured(shares={"resize": 0.8})
    assert "surgsigma-hub[torch]" in told(judge([slow], here(kernel="pillow", torch=False)))["torch_resize"]
    assert "surgsigma-hub[torch]" not in told(judge([slow], here(kernel="pillow")))["torch_resize"]


def test_films() -> None:
    slow = measured(shares={"video": 0.8})
    assert "torchcodec" in told(judge([slow], here()))["video"]
    assert "video" not in told(judge([measured(shares={"video": 0.3})], here()))


def test_how_many_threads() -> None:
    def advice(*all_: Measured, **more: Any) -> str:
        return told(judge(all_, here(**more)))["threads"]

    assert "try --threads 2,4" in advice(measured(1, 100), measured(2, 190))
    assert "cores are busy" in advice(measured(1, 100), measured(2, 190), cores=2)
    assert advice(measured(1, 100), measured(2, 103)).startswith("threads=1 is enough")
    assert advice(measured(1, 100), measured(2, 180), measured(4, 120)) == "threads=2 was the fastest."
    assert "try" not in advice(measured(1, 100), measured(2, 110))  # it hardly helped
    assert "try --threads 0,2" in advice(measured(0, 100))


def test_workers_against_threads() -> None:
    threads = measured(2, 200)
    assert "num_workers=0" in told(judge([threads, measured(0, 205, workers=2)], here()))["workers"]
    assert "use them" in told(judge([threads, measured(0, 300, workers=2)], here()))["workers"]
    assert "workers" not in told(judge([threads], here()))
    assert judge([threads, measured(0, 300, workers=2)], here()).best is threads


def test_a_loop_with_a_step() -> None:
    fast, slow = measured(loop_waits=0.01, shares={"wait": 0.9, "jpeg": 0.1}), measured(loop_waits=0.4)
    assert judge([fast], here(step=0.1)).bound == "loop"
    assert "keeps up" in told(judge([fast], here(step=0.1)))["fed"]
    assert "holds it up" in told(judge([slow], here(step=0.1)))["fed"]
    assert "fed" not in told(judge([slow], here()))


def test_figures_that_say_little() -> None:
    assert "differ by 50%" in told(judge([measured(rates=(100.0, 80.0, 130.0))], here()))["noise"]
    assert "noise" not in told(judge([measured(rates=(100.0, 90.0, 110.0))], here()))
    assert "got 0.9" in told(judge([measured(2, cores=0.9)], here()))["crowded"]
    assert "crowded" not in told(judge([measured(8, cores=3.9)], here()))  # all that there are
    assert "crowded" not in told(judge([measured(cores=0.1, shares={"read": 0.9, "jpeg": 0.1})], here(remote=True)))
    assert "7 samples" in told(judge([measured(skipped=7)], here()))["skipped"]


@settings(max_examples=200)
@given(
    shares=st.lists(st.floats(0, 1), min_size=len(PARTS), max_size=len(PARTS)).filter(lambda s: sum(s) > 0),
    rates=st.lists(st.floats(0.01, 1e6), min_size=1, max_size=5),
    threads=st.lists(st.integers(0, 64), min_size=1, max_size=4, unique=True),
    remote=st.booleans(),
    kernel=st.sampled_from(["", "torch", "pillow"]),
    step=st.sampled_from([0.0, 0.1]),
)
def test_there_is_always_one_bound_and_plain_advice(
    shares: list[float], rates: list[float], threads: list[int], remote: bool, kernel: str, step: float
) -> None:
    parts = {name: share / sum(shares) for name, share in zip(PARTS, shares, strict=True)}
    all_ = [measured(n, rates=tuple(rates), shares=parts) for n in threads]
    verdict = judge(all_, here(remote=remote, kernel=kernel, step=step))
    assert verdict.share == max(parts.values())
    assert verdict.bound in {"network", "disk", "loop", "hand-over", *PARTS} - {"read", "wait"}
    assert [a.rule for a in verdict.advice] == [name for name in RULES if name in told(verdict)]
    assert "threads" in told(verdict) and not {"network", "disk"} <= set(told(verdict))
