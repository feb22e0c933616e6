"""Enriching a small tree through a real server that behaves well, badly and not at all."""

from __future__ import annotations

import json
import logging
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from surgsigma_hub.errors import BuildError, EndpointError, ShardError, SurgSigmaError, UnknownNameError
from surgsigma_hub.shards.manifest import load_tree
from surgsigma_hub.shards.reader import read_shard
from surgsigma_hub.shards.validate import validate

import enrichtree
from builds import digests
from chatserver import Act, chat, honest, reworded, said, text_of
from enrichtree import MODEL, docs, lied_to, lying, run, samples

KEY = "sk-never-to-be-seen-4711"


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return enrichtree.made(tmp_path_factory.mktemp("enrich") / "surgsigma")


# ---------------------------------------------------------------------------------------------- what is accepted


def test_true_text_is_taken_and_false_text_is_not(tree: Path, tmp_path: Path) -> None:
    old_bytes = digests(tree)
    with chat(lying) as server:
        report = run(tree, tmp_path / "rich", server, api_key=KEY)
    assert digests(tree) == old_bytes, "the old tree is only read"
    assert server.keys == {f"Bearer {KEY}"} and server.paths == {"/v1/chat/completions"}
    old, new = docs(tree), docs(tmp_path / "rich")
    assert list(old) == list(new)
    for (key, a), b in zip(samples(tree).items(), samples(tmp_path / "rich").values(), strict=True):
        assert list(a) == list(b) and {m: d for m, d in a.items() if m != "json"} == {
            m: d for m, d in b.items() if m != "json"
        }, key
    outcomes: Counter[str] = Counter()
    for key, was in old.items():
        now = new[key]
        caption = was["messages"][-1]["content"]
        if was["task"] == "instrument_recognition" or (was["task"] == "image_captioning" and lied_to(caption)):
            outcomes["lied"] += was["task"] == "image_captioning"
            assert now == was
            continue
        outcomes["taken"] += 1
        if was["task"] == "image_captioning":
            assert now["messages"][-1]["content"] == now["answer"]["text"] == reworded(caption)
            mark = "enriched:caption@v1"
        else:
            assert now["reasoning"]["perceptual"] == "The liver is in view. A grasper is in view, as it is seen."
            assert now["reasoning"]["level"] == 3 and now["reasoning"]["relational"] is None
            assert now["messages"] == was["messages"] and now["answer"] == was["answer"]
            mark = "enriched:reasoning@v1"
        signed = {**was["provenance"], "model": MODEL, "augmentation": [mark]}
        assert now["provenance"] == signed and signed["label_origin"] == "synthetic"
        assert list(now) == list(was)
    assert outcomes["lied"] > 2 and outcomes["taken"] > 10
    assert report.rejected == {"claim": outcomes["lied"]} and report.accepted == outcomes["taken"] == report.changed
    assert "snare" in report.examples["claim"][0]["detail"]
    assert report.texts == outcomes["lied"] + outcomes["taken"] and not report.failed and not report.not_asked
    assert report.tokens == 50 * report.requests == 50 * len(server.bodies)


def test_the_new_tree_is_whole(tree: Path, tmp_path: Path) -> None:
    import pyarrow.parquet as pq

    out = tmp_path / "rich"
    with chat(lying) as server:
        run(tree, out, server)
    found = validate(out)
    assert found.ok and not found.warnings, found.problems[:3]
    assert set(digests(out)) == {*digests(tree), "reports/enrich.json"}
    old, new = docs(tree), docs(out)
    linked = 0
    for manifest in load_tree(out):
        rows = pq.read_table(out / "catalog" / f"{manifest.task}-{manifest.source}-{manifest.split}.parquet")
        answers = dict(zip(rows["id"].to_pylist(), rows["answer"].to_pylist(), strict=True))
        assert answers == {
            k: d["answer"]["text"] for k, d in new.items() if (d["task"], d["split"]) == (manifest.task, manifest.split)
        }
        keys = [k for k, d in new.items() if (d["task"], d["split"]) == (manifest.task, manifest.split)]
        assert ("enriched" in manifest.options) is any(new[k] != old[k] for k in keys)
        for shard in manifest.shards:
            name = f"{manifest.folder}/{shard.name}"
            with (out / name).open("rb") as file:
                same = all(new[key] == old[key] for key, _ in read_shard(file, where=name))
            assert (out / name).samefile(tree / name) is same, "shards without new text are links"
            linked += same
    assert linked
    assert MODEL in (out / "README.md").read_text() + (out / "cards" / "synthetic.md").read_text()
    report = json.loads((out / "reports" / "enrich.json").read_text())
    assert report["model"] == MODEL and report["rejected"]["claim"] > 0 and "requests" not in report
    assert str(tmp_path) not in (out / "reports" / "enrich.json").read_text()


def test_only_what_was_chosen(tree: Path, tmp_path: Path) -> None:
    with chat() as server:
        report = run(tree, tmp_path / "a", server, what=("reasoning",), splits=["test"])
        assert {(p.task, p.split) for p in report.parts if p.texts} == {("phase_recognition", "test")}
        again = run(tmp_path / "a", tmp_path / "b", server, tasks=["image_captioning"], model="/srv/models/other-7b")
        assert {p.task for p in again.parts} == {"image_captioning"}
        with pytest.raises(SurgSigmaError, match="no captioning task"):
            run(tree, tmp_path / "c", server, what=("caption",), tasks=["phase_recognition"])
        with pytest.raises(SurgSigmaError, match="nothing to write anew"):
            run(tree, tmp_path / "c", server, tasks=["instrument_recognition"])
        with pytest.raises(UnknownNameError, match="image_caption"):
            run(tree, tmp_path / "c", server, tasks=["image_caption"])
    assert validate(tmp_path / "b").ok
    models = {d["provenance"]["model"] for d in docs(tmp_path / "b").values()}
    assert models == {None, MODEL, "other-7b"}, "a model called by its folder is published by its name alone"


def test_pictures_go_along_when_asked_for(tree: Path, tmp_path: Path) -> None:
    with chat() as server:
        run(tree, tmp_path / "a", server, splits=["test"])
        assert not any("base64" in body for body in server.bodies)
        server.bodies.clear()
        run(tree, tmp_path / "b", server, splits=["test"], tasks=["image_captioning"], images=True)
        assert server.bodies and all("data:image/jpeg;base64,/9j/" in body for body in server.bodies)


# ------------------------------------------------------------------------------------------- what passes by itself


def test_what_passes_by_itself_is_waited_out(tree: Path, tmp_path: Path) -> None:
    ways: list[list[Act]] = [
        [Act(429, {"error": {"message": "slow down"}}, {"Retry-After": "0.2"})],
        [Act(500, "oops"), Act(503, "oops")],
        [Act(200, '{"choices": [')],
        [Act(200, {"choices": []}), Act(200, {"error": "busy"})],
        [Act(200, {"choices": [{"message": {"content": "x"}}]}, seconds=0.9)],
    ]

    def script(body: dict[str, Any], before: int) -> Act:
        way = ways[sum(text_of(body).encode()) % len(ways)]
        return way[before] if before < len(way) else honest(body, before)

    with chat(script) as server:
        report = run(tree, tmp_path / "rich", server, timeout=0.6, concurrency=4)
    assert report.accepted == report.texts and not report.failed and not report.rejected
    assert report.requests == len(server.bodies) > len(set(server.bodies)) and report.retries > len(ways)
    assert report.requests - report.retries == len(set(server.bodies))
    for body in set(server.bodies):
        times = [t for t, b in zip(server.times, server.bodies, strict=True) if b == body]
        if sum(text_of(json.loads(body)).encode()) % len(ways) == 0:
            assert times[1] - times[0] >= 0.2, "Retry-After is a promise"


def test_what_does_not_pass_is_counted_and_asked_for_again_next_time(tree: Path, tmp_path: Path) -> None:
    def script(body: dict[str, Any], before: int) -> Act:
        kind = sum(text_of(body).encode()) % 7
        acts = {
            0: Act(200, {"choices": []}), 1: Act(500, "down"), 2: Act(400, {"error": {"message": "too long"}}),
            3: Act(429, "no", {"Retry-After": "3600"}), 4: said("half of it", finish="length"),
        }  # fmt: skip
        return acts.get(kind) or honest(body, before)

    with chat(script) as server:
        report = run(tree, tmp_path / "rich", server, retries=1)
        assert set(report.failed) == {"bad_reply", "server_error", "refused_request", "rate_limited"}
        assert set(report.rejected) == {"cut"}
        assert report.texts == report.accepted + sum(report.failed.values()) + report.rejected["cut"]
        assert "too long" in report.examples["refused_request"][0]["detail"]
        assert max(Counter(server.bodies).values()) == 2
        assert validate(tmp_path / "rich").ok
        failed = {b for b in server.bodies if sum(text_of(json.loads(b)).encode()) % 7 in range(4)}
        server.bodies.clear()
        server.script = honest
        again = run(tree, tmp_path / "rich", server)
        assert set(server.bodies) == failed and len(server.bodies) == len(failed)
    assert not again.failed and again.accepted == report.texts - report.rejected["cut"]


def test_a_server_that_drips_or_sleeps_is_left(tree: Path, tmp_path: Path) -> None:
    def script(body: dict[str, Any], before: int) -> Act:
        if sum(text_of(body).encode()) % 5 == 0:
            return Act(200, "x" * 8000, drip=0.05)  # 400 s
        return honest(body, before)

    started = time.monotonic()
    with chat(script) as server:
        report = run(tree, tmp_path / "rich", server, timeout=0.4, retries=0, splits=["val", "test"])
    assert report.failed["timeout"] > 0 and report.accepted > 0
    assert "0.4 s" in report.examples["timeout"][0]["detail"] and time.monotonic() - started < 200


@pytest.mark.parametrize(("status", "words"), [(401, "refused"), (404, "no such address or model"), (402, "pay")])
def test_what_will_not_change_ends_the_run(
    tree: Path, tmp_path: Path, status: int, words: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    with chat(lambda *_: Act(status, {"error": {"message": f"wrong: {KEY}"}})) as server:
        with pytest.raises(EndpointError, match=words) as failed:
            run(tree, tmp_path / "rich", server, api_key=KEY, concurrency=2)
        assert len(server.bodies) <= 4
    assert KEY not in str(failed.value) + caplog.text and "wrong: ***" in str(failed.value)
    assert not (tmp_path / "rich").exists()


def test_an_endpoint_that_is_gone_is_noticed(tree: Path, tmp_path: Path) -> None:
    with chat() as server:
        pass
    with pytest.raises(EndpointError, match="in a row got no answer") as failed:
        run(tree, tmp_path / "rich", server, retries=1)
    assert "no connection" in str(failed.value) and not (tmp_path / "rich").exists()
    with chat(lambda *_: Act(200, "<html>")) as page, pytest.raises(EndpointError, match="no JSON"):
        run(tree, tmp_path / "rich", page, retries=0, splits=["test"])


def test_places_where_something_would_be_lost(tree: Path, tmp_path: Path) -> None:
    with chat() as server:
        for out in (tree, tree / "rich", tree.parent):
            with pytest.raises(BuildError, match="side by side"):
                run(tree, out, server)
        (tmp_path / "mine").mkdir()
        (tmp_path / "mine" / "thesis.tex").write_text("x")
        with pytest.raises(BuildError, match="not made by this command"):
            run(tree, tmp_path / "mine", server)
        with pytest.raises(ShardError):
            run(tmp_path / "nothing", tmp_path / "rich", server)
        run(tree, tmp_path / "rich", server, splits=["test"])
        with pytest.raises(BuildError, match="made from another tree"):
            run(tmp_path / "rich", tmp_path / "rich2", server, splits=["test"])
            run(tree, tmp_path / "rich2", server, splits=["test"])
    assert (tmp_path / "mine" / "thesis.tex").read_text() == "x"


def test_a_damaged_shard_is_not_made_to_look_whole(tree: Path, tmp_path: Path) -> None:
    import shutil

    shutil.copytree(tree, tmp_path / "t")
    shard = next((tmp_path / "t" / "data" / "image_captioning").rglob("*-train-*.tar"))
    data = bytearray(shard.read_bytes())
    data[data.index(b"\xff\xd8\xff") + 200] ^= 1
    shard.write_bytes(data)
    with chat() as server, pytest.raises(ShardError, match="sha256"):
        run(tmp_path / "t", tmp_path / "rich", server)
    assert not (tmp_path / "rich").exists()
