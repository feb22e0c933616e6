"""The layout ``frames``: each picture or clip once, with all that is asked about it, and back again."""

from __future__ import annotations

import os
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import orjson
import pytest
from surgsigma_hub.api import build, repack
from surgsigma_hub.cli import main
from surgsigma_hub.errors import BuildError, ShardError, SurgSigmaError, UnknownNameError
from surgsigma_hub.hub.loading import load_dataset
from surgsigma_hub.shards.answer_statistics import count_answers
from surgsigma_hub.shards.by_medium import MediumSamples, joined, medium_hash, sample_of, samples_of
from surgsigma_hub.shards.manifest import load_tree, parse_manifest
from surgsigma_hub.shards.reader import read_shard
from surgsigma_hub.shards.sampling import pick
from surgsigma_hub.shards.validate import validate

from builds import digests
from handmade import CARD, sample, write_part

SMALL = {"videos": "3", "frames": "3", "width": "96", "height": "64"}
TASKS = [
    "instrument_segmentation",
    "next_action_planning",
    "phase_recognition",
    "tissue_localization",
    "video_captioning",
]
TEXT = {"next_action_planning", "phase_recognition", "tissue_localization", "video_captioning"}
HOW: dict[str, Any] = {"options": SMALL, "tasks": TASKS, "shard_bytes": 40_000}


@pytest.fixture(scope="module")
def tasks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("tasks") / "surgsigma"
    assert build("synthetic", out=out, **HOW).ok
    return out


@pytest.fixture(scope="module")
def frames(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("frames") / "surgsigma"
    assert build("synthetic", out=out, layout="frames", **HOW).ok
    return out


def stored(tree: Path) -> dict[str, tuple[dict[str, Any], dict[str, bytes]]]:
    """Key to JSON and media of every sample of a tree."""
    found = {}
    for manifest in load_tree(tree):
        for shard in manifest.shards:
            with (tree / manifest.folder / shard.name).open("rb") as file:
                for key, members in read_shard(file, where=shard.name):
                    found[key] = orjson.loads(members.pop("json")), members
    return found


def test_samples_of_a_medium_taken_one_by_one_are_the_same(frames: Path) -> None:
    media = [document for document, _ in stored(frames).values() if "conversations" in document]
    for medium in media:
        taken = MediumSamples(medium)
        every = list(samples_of(medium))
        assert [orjson.dumps(taken.sample(n)) for n in range(len(every))] == [orjson.dumps(one) for one in every]
        assert taken.sample(0) is not taken.sample(0)
    medium = media[0]
    more = {**medium, "conversations": [{**talk, "later": 1} for talk in medium["conversations"]]}
    assert MediumSamples(more).sample(0) == sample_of(more, more["conversations"][0])
    with pytest.raises(KeyError, match="task"):
        MediumSamples({**medium, "conversations": [{"id": "a"}]})


def test_no_conversation_is_lost_or_changed(tasks: Path, frames: Path) -> None:
    before, after = stored(tasks), stored(frames)
    wanted = {id: doc for id, (doc, _) in before.items() if doc["task"] in TEXT}
    found = {}
    for key, (medium, media) in after.items():
        if "conversations" in medium:
            assert medium["id"] == key and medium["conversations"]
            for one in samples_of(medium):
                assert one["id"] not in found and media == before[one["id"]][1]
                found[one["id"]] = one
        else:
            assert (medium, media) == before[key], "what answers with a medium stays in the layout by task"
            assert medium["task"] not in TEXT
    assert found == wanted and len(found) > 60


def test_each_medium_is_stored_once(tasks: Path, frames: Path) -> None:
    once = [m["sha256"] for doc, _ in stored(frames).values() if "conversations" in doc for m in doc["media"]]
    several = [m["sha256"] for doc, _ in stored(tasks).values() if doc["task"] in TEXT for m in doc["media"]]
    assert len(once) == len(set(once)) == len(set(several)) < len(several) / 4


def test_repack_gives_the_tree_that_a_build_gives_and_back(tasks: Path, frames: Path, tmp_path: Path) -> None:
    report = repack(tasks, out=tmp_path / "f" / "surgsigma", layout="frames", workers=2)
    assert digests(tmp_path / "f" / "surgsigma") == digests(frames)
    assert report.media[1] < report.media[0] == report.conversations and report.bytes[1] < report.bytes[0]
    repack(tmp_path / "f" / "surgsigma", out=tmp_path / "t" / "surgsigma", layout="tasks")
    assert digests(tmp_path / "t" / "surgsigma") == digests(tasks)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["f", "t"]
    assert [p.name for p in (tmp_path / "f").iterdir()] == ["surgsigma"], "no work is left"


def test_manifest_catalog_and_counts(tasks: Path, frames: Path) -> None:
    import pyarrow.parquet as pq

    rows: Counter[str] = Counter()
    for manifest in load_tree(frames):
        if manifest.layout == "tasks":
            assert b"conversations" not in manifest.dumps() and manifest.task not in TEXT
            continue
        table = pq.read_table(frames / manifest.catalog)
        assert table.num_rows == manifest.rows > manifest.samples
        assert Counter(table["task"].to_pylist()) == manifest.conversations
        rows.update(table["task"].to_pylist())
        for row in table.slice(0, 20).to_pylist():
            with (frames / manifest.folder / row["shard"]).open("rb") as file:
                file.seek(row["offset"])
                _, members = next(read_shard(file, where=row["shard"]))
            assert row["id"] in {one["id"] for one in samples_of(orjson.loads(members["json"]))}
    assert rows == {m.task: sum(o.samples for o in load_tree(tasks) if o.task == m.task) for m in load_tree(tasks)
                    if m.task in TEXT}  # fmt: skip
    assert {d.task: d.guess for d in count_answers(frames)} == {d.task: d.guess for d in count_answers(tasks)}


def test_validate_info_and_preview_read_it(frames: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    report = validate(frames)
    assert report.ok, report
    assert main(["info", str(frames)]) == 0
    assert "tissue_localization" in capsys.readouterr().out
    found = pick(frames, count=12)
    assert {one.doc["task"] for one in found} == set(TASKS) and len({one.doc["id"] for one in found}) == 12
    assert main(["preview", str(frames), "--out", str(tmp_path / "p.png"), "--count", "4"]) == 0
    readme = (frames / "README.md").read_text()
    assert "Config `frames` holds each image or clip once" in readme
    assert "Laid out by task: `instrument_segmentation`" in readme
    assert (frames / "cards" / "task_phase_recognition.md").exists()


def _shortest(doc: dict[str, Any]) -> str:
    """What is spoilt must not be longer than it was: it is written in place."""
    return min((talk["id"] for talk in doc["conversations"]), key=len)


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (lambda doc: [talk.update(id=_shortest(doc)) for talk in doc["conversations"][:2]], "ids unique"),
        (lambda doc: doc["conversations"][0]["messages"][-1].update(role="user"), "user and assistant"),
        (lambda doc: doc["media"][0].update(sha256="0" * 64), "sha256"),
        (lambda doc: doc.update(conversations=[]), "minItems"),
    ],
)
def test_validate_tells_what_is_wrong_with_a_medium(frames: Path, tmp_path: Path, spoil: Any, says: str) -> None:
    tree = tmp_path / "surgsigma"
    shutil.copytree(frames, tree)
    manifest = next(m for m in load_tree(tree) if m.layout == "frames" and m.split == "train")
    path = tree / manifest.folder / manifest.shards[0].name
    data, at = path.read_bytes(), 0
    with path.open("rb") as file:
        for _, members in read_shard(file, where=path.name):
            doc = orjson.loads(members["json"])
            if len(doc["conversations"]) > 1:
                break
            at += sum(512 + len(one) + -len(one) % 512 for one in members.values())
    size = int(data[at + 124 : at + 135], 8)
    spoil(doc)
    text = orjson.dumps(doc)
    path.write_bytes(data[: at + 512] + text + b" " * (size - len(text)) + data[at + 512 + size :])
    found = validate(tree)
    assert not found.ok and any(says in f"{p.what} {p.expected}" for p in found.problems), found.problems


def test_datasets_loads_it_as_it_is(frames: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import datasets

    monkeypatch.chdir(frames.parent)
    for name in ("frames", "frames-synthetic"):
        rows = list(datasets.load_dataset("surgsigma", name, split="train", streaming=True))
        assert len(rows) == sum(m.samples for m in load_tree(frames) if m.layout == "frames" and m.split == "train")
        assert {talk["task"] for row in rows for talk in row["json"]["conversations"]} <= TEXT
    others = list(datasets.load_dataset("surgsigma", "synthetic", split="train", streaming=True))
    assert {row["json"]["task"] for row in others} == {"instrument_segmentation"}, "no config mixes two layouts"


def test_flat_columns_have_pictures_and_texts(frames: Path) -> None:
    rows = list(load_dataset(frames, "frames", split="train", streaming=True))
    after = {key: doc for key, (doc, _) in stored(frames).items() if "conversations" in doc}
    for row in rows:
        doc = after[row["id"]]
        assert [t["id"] for t in row["texts"]] == [
            talk["id"] for talk in doc["conversations"] for _ in talk["messages"][::2]
        ]
        assert all(set(t) == {"user", "assistant", "task", "id"} and "<image>" not in t["user"] for t in row["texts"])
        assert len(row["images"]) + len(row["videos"]) == len(doc["media"])
    assert any(row["images"] and row["images"][0]["image"].size == (96, 64) for row in rows)


def test_what_does_not_read_it_says_so_by_name(frames: Path, tmp_path: Path) -> None:
    from surgsigma_hub.streaming import stream

    with pytest.raises(SurgSigmaError, match=r"config 'frames' .* is laid out by medium"):
        stream(frames, "frames")
    assert (
        main(["enrich", str(frames), "--out", str(tmp_path / "o"), "--endpoint", "http://localhost:1", "--model", "m"])
        == 2
    )
    assert len(stream(frames, "instrument_segmentation")) > 0


def test_a_tree_may_hold_both_but_not_of_one_source(tasks: Path, frames: Path, tmp_path: Path) -> None:
    with pytest.raises(BuildError, match=r"built with other settings: layout is the default there, 'frames' now\n"):
        build("synthetic", out=tasks, layout="frames", **HOW)
    with pytest.raises(BuildError, match=r"holds conversations of .*tissue_localization"):
        build("synthetic", out=frames, layout="frames", **{**HOW, "tasks": ["phase_recognition"]})
    with pytest.raises(BuildError, match="nothing has another layout than frames"):
        repack(frames, out=tmp_path / "n", layout="frames")
    with pytest.raises(UnknownNameError, match="layout"):
        repack(frames, out=tmp_path / "n", layout="rows")


def test_repack_refuses_places_where_something_would_be_lost(tasks: Path, tmp_path: Path) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "x").touch()
    for out, says in ((tasks, "side by side"), (tasks / "new", "side by side"), (tmp_path / "full", "exists already")):
        with pytest.raises(BuildError, match=says):
            repack(tasks, out=out, layout="frames")
    assert [p.name for p in (tmp_path / "full").iterdir()] == ["x"]


def test_a_shard_that_is_damaged_or_changes_meanwhile(
    tasks: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tree = tmp_path / "old"
    shutil.copytree(tasks, tree)
    path = next((tree / "data" / "phase_recognition" / "synthetic").glob("*.tar"))
    good = path.read_bytes()
    path.write_bytes(good[:600] + b"X" + good[601:])
    with pytest.raises(ShardError, match=path.name):
        repack(tree, out=tmp_path / "new", layout="frames")
    path.write_bytes(good)
    from surgsigma_hub.building import repack as repacking

    whole = repacking._Run.stage

    def touched(run: Any, jobs: Any) -> Any:
        path.write_bytes(good)
        return whole(run, jobs)

    monkeypatch.setattr(repacking._Run, "stage", touched)
    with pytest.raises(BuildError, match="was changed while it was repacked"):
        repack(tree, out=tmp_path / "new", layout="frames")
    assert not (tmp_path / "new").exists()


def test_repack_that_is_killed_goes_on_and_leaves_nothing_half_written(
    tasks: Path, frames: Path, tmp_path: Path
) -> None:
    out = tmp_path / "surgsigma"
    line = [sys.executable, "-m", "surgsigma_hub.cli", "repack", str(tasks), "--layout", "frames", "--out", str(out)]
    for seen in ("found/*.npy", "staging/data/frames/*/*.tar", "staging/catalog/frames*"):
        run = subprocess.Popen(line, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while run.poll() is None and not any(Path(f"{out}.repack").glob(seen)):
            time.sleep(0.005)
        if run.poll() is None:
            os.kill(run.pid, signal.SIGKILL)
        run.wait()
        assert not out.exists() or digests(out) == digests(frames)
    if not out.exists():
        repack(tasks, out=out, layout="frames")
    assert digests(out) == digests(frames)
    assert not Path(f"{out}.repack").exists()


def test_media_that_only_look_alike_stay_apart(tasks: Path) -> None:
    one = next(doc for doc, _ in stored(tasks).values() if doc["task"] == "phase_recognition")
    same = {**one, "id": "other", "task": "step_recognition"}
    assert medium_hash(one) == medium_hash(same)
    for field, value in (("source", "b"), ("split", "b"), ("video_id", "b"), ("frame_index", 99), ("license", "b")):
        other = {**same, field: value}
        assert medium_hash(other) != medium_hash(one)
        with pytest.raises(ShardError, match=f"not about one medium: {field} differs"):
            joined([one, other])
    assert list(samples_of(joined([same, one]))) == [one, same]


def test_a_manifest_whose_conversations_cannot_be(frames: Path) -> None:
    manifest = next(m for m in load_tree(frames) if m.layout == "frames")
    for wrong in ({}, {"phase_recognition": -1}, {"Phase": 1}, [1], {"phase_recognition": 1 << 52}):
        raw = {**orjson.loads(manifest.dumps()), "conversations": wrong}
        with pytest.raises(ShardError, match="conversations"):
            parse_manifest(orjson.dumps(raw), where="m", place=manifest.path)


def test_a_task_of_a_tree_by_medium_is_told_where_to_find(frames: Path) -> None:
    with pytest.raises(SurgSigmaError, match=r"no config 'phase_recognition'(.|\n)*Load 'frames', or stream\("):
        load_dataset(frames, "phase_recognition", split="train", streaming=True)
    with pytest.raises(UnknownNameError, match="'frames-synthetik'"):
        load_dataset(frames, "frames-synthetik", split="train", streaming=True)


def test_one_picture_of_two_sources_or_splits_stays_two(tmp_path: Path) -> None:
    for source in ("synthetic", "cholect50"):
        for split in ("train", "test"):
            for task in ("phase_recognition", "step_recognition"):
                write_part(tmp_path / "t", [[sample(n, task=task, source=source, split=split) for n in range(3)]])
    (tmp_path / "t" / "README.md").write_text(CARD)
    repack(tmp_path / "t", out=tmp_path / "f", layout="frames")
    found = stored(tmp_path / "f")
    media = [doc for doc, _ in found.values()]
    assert len(media) == 2 * 2 * 3 and len({m["sha256"] for doc in media for m in doc["media"]}) == 1
    assert all(len(doc["conversations"]) == 2 for doc in media)
    for manifest in load_tree(tmp_path / "f"):
        assert {(doc["source"], doc["split"]) for doc in media if doc["id"].startswith(f"{manifest.source}-")} >= {
            (manifest.source, manifest.split)
        }


def test_a_full_disk_while_repacking_is_said_and_the_next_run_goes_on(
    tasks: Path, frames: Path, tmp_path: Path
) -> None:
    out = tmp_path / "surgsigma"
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, hard))
    try:
        with pytest.raises(BuildError, match="no space left to write"):
            repack(tasks, out=out, layout="frames")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, before)
    assert not out.exists() and not list(Path(f"{out}.repack").rglob("*.tar"))
    left = Path(f"{out}.repack") / "staging" / "data" / "frames" / "synthetic" / ".x.tar.elsewhere-1-0123abcd.tmp"
    left.touch()  # of a worker on another machine that was killed
    repack(tasks, out=out, layout="frames")
    assert digests(out) == digests(frames)
