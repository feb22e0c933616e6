"""Defects of a tree as a whole: ids, splits, manifests, and how many problems are told."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import orjson
import pytest
from surgsigma_hub.schema import FORMAT_VERSION
from surgsigma_hub.shards.manifest import load_manifest
from surgsigma_hub.shards.sample_checks import ABSOLUTE
from surgsigma_hub.shards.validate import validate

from handmade import SHARD, entries, only, part, rewrite, sample, save, small_tree, tar_bytes, write_part


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    return small_tree(tmp_path / "surgsigma")


def test_an_id_twice_in_the_tree(tree: Path) -> None:
    twin = sample(0)
    write_part(tree, [[sample(n) for n in range(0, 4)], [sample(4), sample(5), twin]])
    problem = only(validate(tree), "id")
    assert problem.where == f"data/phase_recognition/synthetic/train-00001.tar:{twin[0].id}"
    assert SHARD in problem.what


def test_a_video_in_two_splits_of_a_source(tree: Path) -> None:
    write_part(tree, [[sample(n, split="test", video="op0-train") for n in range(20, 22)]])
    problem = only(validate(tree), "split")
    assert problem.severity == "error"
    assert "synthetic/op0-train" in problem.what and "test, train" in problem.what


def test_a_video_in_two_splits_of_two_sources_is_a_warning(tree: Path) -> None:
    made, media = sample(0, source="other", split="test")
    write_part(tree, [[(replace(made, canonical_video_id="synthetic/op0-train"), media)]])
    report = validate(tree)
    problem = only(report, "split")
    assert problem.severity == "warning" and report.ok and report.warnings == (problem,)
    assert "other/test" in problem.what and "synthetic/train" in problem.what


def test_missing_and_unlisted_tars(tree: Path) -> None:
    (tree / SHARD).rename(tree / SHARD.replace("00000", "00007"))
    report = validate(tree)
    assert only(report, "missing").where == SHARD
    assert only(report, "unlisted").where == SHARD.replace("00000", "00007")
    assert len(report.problems) == 2


def test_a_wrong_manifest(tree: Path) -> None:
    path = tree / "data/phase_recognition/synthetic/train.manifest.json"
    good = load_manifest(path)
    first = replace(good.shards[0], samples=9, bytes=1, sha256="0" * 64, blocks=((0, 0), (512, 1)))
    save(
        tree,
        replace(
            good, videos=("ghost",), members=("target.mp4",), media_bytes=3, shards=(first, *good.shards[1:]),
            options={"root": "/home/ann/copy"},
        ),
    )  # fmt: skip
    report = validate(tree)
    whats = " | ".join(p.what for p in report.problems)
    for words in (
        "says 6 samples", "says media_bytes 3", "videos lists 'ghost'", "videos lacks", "members lists",
        "members lacks", "samples of the shard: 4", "no sample 1 starts at byte 512", "/home/ann",
    ):  # fmt: skip
        assert words in whats, words


def test_a_manifest_in_the_wrong_place_or_unreadable_or_newer(tree: Path) -> None:
    folder = tree / "data/phase_recognition/synthetic"
    (folder / "val.manifest.json").write_bytes((folder / "train.manifest.json").read_bytes())
    (folder / "dev.manifest.json").write_bytes(b"{}")
    raw = orjson.loads((folder / "test.manifest.json").read_bytes())
    (folder / "test.manifest.json").write_bytes(orjson.dumps({**raw, "format_version": "2.0"}))
    (folder / "odd.manifest.json").write_bytes(b"[1]")
    report = validate(tree)
    assert "2.0" in only(report, "version").what and FORMAT_VERSION in only(report, "version").what
    manifests = {p.where.rsplit("/", 1)[1] for p in report.problems if p.kind == "manifest"}
    assert {"val.manifest.json", "dev.manifest.json", "odd.manifest.json"} <= manifests
    assert str(tree) not in str(report.as_dict())


def test_every_problem_is_found_in_one_run(tree: Path) -> None:
    (tree / "data/phase_recognition/synthetic/test-00001.tar").unlink()
    (tree / "data/phase_recognition/synthetic/zz.tar").write_bytes(b"")
    (tree / ".build").mkdir()
    members = [e for made, media in part(tree) for e in entries(made, media, fps=0)]
    rewrite(tree, [("../x", b""), *members])
    report = validate(tree)
    assert set(report.by_kind) == {"missing", "unlisted", "unfinished", "tar", "schema", "blocks"}
    assert report.by_kind["schema"] == 4


def test_problems_are_counted_beyond_what_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("surgsigma_hub.shards.problems.MAX_SHOWN", 2)
    (tmp_path / "x.tar").write_bytes(tar_bytes(e for n in range(5) for e in entries(*sample(n), fps=-1)))
    report = validate(tmp_path / "x.tar")
    assert len(report.problems) == 2 and report.by_kind == {"schema": 5} and report.counts["errors"] == 5


@pytest.mark.parametrize(
    ("text", "hit"),
    [
        ("/data/x.png", True), ("see /home/a/b", True), ("C:\\data\\x", True), ("D:/data", True),
        ("file:///x", True), ("\\\\server\\share", True), ('"/mnt/x/y"', True),
        ("grasper and/or hook", False), ("https://example.org/a/b", False), ("10 / 20", False), ("km/h", False),
        ("data/phase/x.tar", False), ("ratio 1:2", False), ("Note: /", False),
    ],
)  # fmt: skip
def test_what_counts_as_an_absolute_path(text: str, hit: bool) -> None:
    assert bool(ABSOLUTE.search(text)) is hit
