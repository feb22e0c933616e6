"""Cache, kills, budgets and bounds of an enriching run, through a real server."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from surgsigma_hub.shards.validate import validate

import enrichtree
from builds import digests
from chatserver import Act, chat, honest, reworded, said, text_of
from enrichtree import docs, lying, run


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return enrichtree.made(tmp_path_factory.mktemp("enrich") / "surgsigma")


def test_a_second_run_asks_nothing_and_gives_the_same_bytes(tree: Path, tmp_path: Path) -> None:
    out = tmp_path / "rich"
    with chat(lying) as server:
        first = run(tree, out, server)
        bytes_of_first = digests(out)
        server.bodies.clear()
        second = run(tree, out, server)
        third = run(tree, tmp_path / "other", server, cache=tmp_path / "rich.enrich" / "cache")
        assert not server.bodies
    assert digests(out) == digests(tmp_path / "other") == bytes_of_first
    assert (second.requests, second.cached) == (third.requests, third.cached) == (0, first.requests)
    assert second.rejected == first.rejected and second.accepted == first.accepted
    damaged = sorted((tmp_path / "rich.enrich" / "cache").rglob("*.json"))[0]
    damaged.write_text("{")
    with chat(lying) as server:
        assert run(tree, out, server).requests == 1 == len(server.bodies)
    assert digests(out) == bytes_of_first


_CHILD = """
import signal, sys
from pathlib import Path
signal.signal(signal.SIGINT, signal.default_int_handler)  # the tests may run where it is ignored, with nohup
from surgsigma_hub.api import enrich_tree
from enrichtree import instruments
tree, out, url = sys.argv[1:]
enrich_tree(tree, out=out, endpoint=url, model="some/model-1", checker=instruments, concurrency=2)
"""


class Killed(NamedTuple):
    answered: int
    asked: set[str]


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_stopped_in_the_middle_it_asks_only_for_the_rest(tree: Path, tmp_path: Path, how: signal.Signals) -> None:
    def slow(body: dict[str, Any], before: int) -> Act:
        act = honest(body, before)
        act.seconds = 0.05
        return act

    script = tmp_path / "child.py"
    script.write_text(_CHILD)
    out = tmp_path / "rich"
    with chat(slow) as server:
        command = [sys.executable, str(script), str(tree), str(out), server.url]
        environment = {"PYTHONPATH": str(Path(__file__).parent), "NO_PROXY": "127.0.0.1", "PATH": ""}
        child = subprocess.Popen(command, stderr=subprocess.PIPE, env=environment)
        end = time.monotonic() + 120
        while server.answered < 8 and time.monotonic() < end and child.poll() is None:
            time.sleep(0.01)
        child.send_signal(how)
        _, errors = child.communicate()
        killed = Killed(server.answered, set(server.bodies))
        assert killed.answered >= 8 and not out.exists(), errors.decode()
        assert child.returncode == -how, errors.decode()
        server.script = honest
        server.bodies.clear()
        report = run(tree, out, server)
        again = killed.asked & set(server.bodies)
    if how == signal.SIGINT:
        assert not again, "what is on its way is waited for and kept"
    assert len(again) <= 4, "only what was on its way or not yet kept when the kill came is asked for again"
    assert report.cached >= killed.answered - 4 and report.accepted == report.texts
    assert validate(out).ok and not any((out.parent / "rich.enrich").glob("staging*"))


@pytest.mark.parametrize("budget", [{"max_requests": 7}, {"max_tokens_total": 1500}, {"deadline": 0.4}])
def test_a_spent_budget_leaves_the_rest_as_it_was(tree: Path, tmp_path: Path, budget: dict[str, Any]) -> None:
    def script(body: dict[str, Any], before: int) -> Act:
        act = said(reworded(text_of(body)), tokens=200)
        act.seconds = 0.1 if "deadline" in budget else 0
        return act

    with chat(script) as server:
        report = run(tree, tmp_path / "rich", server, **budget, concurrency=3)
    assert (
        report.spent
        == {"max_requests": "requests", "max_tokens_total": "tokens", "deadline": "time"}[next(iter(budget))]
    )
    assert report.not_asked > 0 < report.accepted and report.texts == report.not_asked + report.accepted
    assert len(server.bodies) == report.requests
    if "max_requests" in budget:
        assert report.requests == 7
    if "max_tokens_total" in budget:
        assert 1000 <= report.tokens <= 1500
    old, new = docs(tree), docs(tmp_path / "rich")
    assert sum(old[k] == new[k] for k in old if old[k]["task"] != "instrument_recognition") == report.not_asked
    assert validate(tmp_path / "rich").ok


@pytest.mark.parametrize("limit", [1, 3])
def test_never_more_at_once_than_allowed(tree: Path, tmp_path: Path, limit: int) -> None:
    def script(body: dict[str, Any], before: int) -> Act:
        act = honest(body, before)
        act.seconds = 0.03
        return act

    with chat(script) as server:
        run(tree, tmp_path / "rich", server, concurrency=limit, splits=["val", "test"])
    assert server.most == limit
