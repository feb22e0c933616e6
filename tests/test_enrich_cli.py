"""The command, with the checker of reasoning traces in its place, and where the key may be."""

from __future__ import annotations

import copy
import json
import logging
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from surgsigma_hub.api import build, enrich_tree
from surgsigma_hub.cli import main
from surgsigma_hub.enrich import judge
from surgsigma_hub.records import Answer, Reasoning
from surgsigma_hub.tasks import Task

import enrichtree
from chatserver import Act, Chat, chat, honest, reworded, said, text_of
from enrichtree import docs, instruments

KEY = "sk-never-to-be-seen-4711"


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return enrichtree.made(tmp_path_factory.mktemp("enrich") / "surgsigma")


@dataclass(frozen=True)
class Facts:
    doc: Any

    @classmethod
    def of_sample(cls, doc: Any) -> Facts:
        return cls(copy.deepcopy(doc))  # as it is when it is judged


@dataclass(frozen=True)
class Objection:
    level: int
    claim: str
    why: str


@pytest.fixture(autouse=True)
def checker(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, ...]]:
    """A stand-in for the package of traces with its interface; gives the calls it got."""
    calls: list[tuple[Any, ...]] = []

    def check(
        trace: Reasoning | str,
        facts: Facts,
        answer: Answer | None,
        task: Task | None = None,
        *,
        asked: str | None = None,
    ) -> tuple[Objection, ...]:
        calls.append((trace, facts, answer, task))
        text = trace if isinstance(trace, str) else f"{trace.perceptual} {trace.contextual}"
        found = instruments(facts.doc, text, "caption" if isinstance(trace, str) else "reasoning")
        return () if found is None else (Objection(1, *found.split(": ")),)

    def read_trace(text: str) -> tuple[Reasoning, str | None]:
        one, three = (line.partition(": ")[2] for line in text.splitlines())
        return Reasoning(3, one, None, three), None

    for part in (check, read_trace, Facts):
        monkeypatch.setattr(judge, part.__name__, part)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    return calls


def command(tree: Path, out: Path, server: Chat, *more: str) -> int:
    return main(["enrich", str(tree), "--out", str(out), "--endpoint", server.url, "--model", "m", *more])


def test_a_run_and_its_report(
    tree: Path, tmp_path: Path, checker: list[Any], capsys: pytest.CaptureFixture[str]
) -> None:
    with chat() as server:
        assert command(tree, tmp_path / "rich", server) == 0
    shown = capsys.readouterr().out
    assert "image_captioning" in shown and "instrument_recognition" not in shown and "Sent: " in shown
    assert main(["validate", str(tmp_path / "rich")]) == 0
    captions = [c for c in checker if isinstance(c[0], str)]
    traces = [c for c in checker if isinstance(c[0], Reasoning)]
    tasks = [d["task"] for d in docs(tree).values()]
    assert len(captions) == tasks.count("image_captioning") and len(traces) == tasks.count("phase_recognition")
    assert all(answer is None and task.name == "image_captioning" for _, _, answer, task in captions)
    assert all(answer.labels and task.name == "phase_recognition" for _, _, answer, task in traces)
    assert server.keys == {None}


def test_after_captions_alone_the_trace_of_the_rules_is_still_a_witness(
    tree: Path, tmp_path: Path, checker: list[Any]
) -> None:
    with chat() as server:
        assert command(tree, tmp_path / "one", server, "--what", "caption", "--split", "test") == 0
        assert {facts.doc["provenance"]["model"] for _, facts, *_ in checker} == {None}
        checker.clear()
        assert command(tmp_path / "one", tmp_path / "two", server, "--split", "test") == 0
    seen = [facts.doc for _, facts, *_ in checker]
    captions = [d for d in seen if d["task"] == "image_captioning"]
    assert captions and all(d["provenance"]["augmentation"] == ["enriched:caption@v1"] for d in captions)
    assert all(d["provenance"]["model"] is None for d in seen)
    signed = [d["provenance"] for d in docs(tmp_path / "two").values() if d["id"] in {d["id"] for d in captions}]
    assert all(p["model"] == "m" and p["augmentation"] == ["enriched:caption@v1"] for p in signed)


def test_a_spent_budget_is_no_error(tree: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with chat() as server:
        assert command(tree, tmp_path / "rich", server, "--max-requests", "5") == 0
        assert len(server.bodies) == 5
        shown = capsys.readouterr().out
        assert re.search(r"The budget of requests is spent: \d+ texts not asked for", shown)
        assert command(tree, tmp_path / "rich", server, "--json") == 0
        assert len(server.bodies) == len(set(server.bodies))
    report = json.loads(capsys.readouterr().out)
    assert report["cached"] == 5 and report["accepted"] > 40 and report["not_asked"] == 0


def test_a_dry_run_sends_and_writes_nothing(tree: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with chat() as server:
        assert command(tree, tmp_path / "rich", server, "--dry-run") == 0
        shown = capsys.readouterr().out
        assert command(tree, tmp_path / "rich", server, "--dry-run", "--json", "--what", "caption") == 0
        assert not server.bodies
    assert "Would send " in shown and "tokens" in shown and "system:" in shown and "Text:" in shown
    found = json.loads(capsys.readouterr().out)
    assert 0 < found["requests"] <= 24 and found["samples"] == 24 and found["tokens"] > 24 * 100
    assert list(tmp_path.iterdir()) == []


def test_parameters_of_the_request(tree: Path, tmp_path: Path) -> None:
    with chat() as server:
        more = ("--param", "max_tokens=null", "--param", "reasoning_effort=low", "--split", "test", "--what", "caption")
        assert command(tree, tmp_path / "rich", server, *more) == 0
        body = json.loads(server.bodies[0])
    assert body["reasoning_effort"] == "low" and "max_tokens" not in body and body["model"] == "m"


def test_the_key_stays_in_the_environment(
    tree: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    def echoing(body: dict[str, Any], before: int) -> Act:
        if sum(json.dumps(body).encode()) % 4 == 0:
            return Act(400, {"error": {"message": f"who are you, {KEY}?"}})
        return Act(503, f"Bearer {KEY}") if before == 0 else honest(body, before)

    with chat(echoing) as server:
        assert command(tree, tmp_path / "rich", server, "--api-key-env", "MY_KEY") == 2
        assert "MY_KEY" in capfd.readouterr().err and not server.bodies
        monkeypatch.setenv("MY_KEY", f" {KEY}\n")
        caplog.set_level(logging.DEBUG)
        root = logging.getLogger()
        root.addHandler(caplog.handler)
        line = ("--api-key-env", "MY_KEY", "-vv", "--debug")
        monkeypatch.setattr("surgsigma_hub.enrich.client.random.uniform", lambda *_: 0.01)
        assert command(tree, tmp_path / "rich", server, *line) == 0
        assert server.keys == {f"Bearer {KEY}"}
        server.script = lambda *_: Act(401, f"no such key: {KEY}")
        assert command(tree, tmp_path / "rich2", server, *line) == 2
    shown = capfd.readouterr()
    assert "who are you, ***?" in shown.out and "no such key: ***" in shown.err
    assert KEY not in shown.out + shown.err + caplog.text
    files = [p for p in tmp_path.rglob("*") if p.is_file()]
    assert len(files) > 40 and not [p for p in files if KEY.encode() in p.read_bytes()]


def test_wrong_calls(tree: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with chat() as server:
        assert command(tree, tree, server) == 2
        assert "side by side" in capsys.readouterr().err
        for wrong in (("--concurrency", "0"), ("--timeout", "-1"), ("--max-requests", "x"), ("--param", "x")):
            assert command(tree, tmp_path / "rich", server, *wrong) == 2
        assert main(["enrich", str(tree), "--out", str(tmp_path / "x"), "--endpoint", "nowhere", "--model", "m"]) == 2
        assert "http" in capsys.readouterr().err and not server.bodies


def test_the_real_checker_takes_true_words_and_refuses_false_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing stands in here: a tree as built, traces and all, and a server that lies every third time."""
    monkeypatch.undo()
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    built = tmp_path / "surgsigma"
    tasks = ("image_captioning", "phase_recognition")
    options = {"videos": "1", "frames": "12", "width": "64", "height": "48"}
    assert build("synthetic", out=built, tasks=tasks, options=options).ok

    lies = 0

    def every_third_lies(body: dict[str, Any], n: int) -> Act:
        nonlocal lies
        if len(text_of(body)) % 3:
            return honest(body, n)
        lies += 1
        return said(reworded(text_of(body)).replace(".", ". A needle driver is pulling the suture.", 1))

    with chat(every_third_lies) as server:
        report = enrich_tree(built, out=tmp_path / "rich", endpoint=server.url, model="m", cache=tmp_path / "cache")
    assert (
        lies > 3
        and report.accepted >= 0.9 * (len(server.bodies) - lies)
        and set(report.rejected) <= {"claim", "numbers"}
    )
    assert sum(report.rejected.values()) >= lies
