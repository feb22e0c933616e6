"""Manifests of strangers: every reader of a tree refuses them by an error of ours, and nothing leaves the tree."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pytest
import surgsigma_hub
from surgsigma_hub.adapters import Options, get_adapter
from surgsigma_hub.adapters.exporting import export
from surgsigma_hub.cli.describe import tree_dict
from surgsigma_hub.enrich.cache import AnswerCache
from surgsigma_hub.enrich.prompts import Settings
from surgsigma_hub.enrich.run import estimate
from surgsigma_hub.errors import ShardError, SurgSigmaError
from surgsigma_hub.hub.cards import refresh
from surgsigma_hub.preview import preview
from surgsigma_hub.shards.answer_statistics import count_answers
from surgsigma_hub.shards.manifest import load_tree
from surgsigma_hub.shards.manifest_checks import MAX_BLOCK
from surgsigma_hub.shards.validate import validate

from handmade import SHARD, small_tree

MANIFEST = "data/phase_recognition/synthetic/train.manifest.json"


def _stream(tree: Path, out: Path) -> None:
    with surgsigma_hub.stream(tree, "phase_recognition", decode="bytes") as rows:
        for _ in zip(rows, range(100), strict=False):
            pass


def _load(tree: Path, out: Path) -> None:
    for _ in surgsigma_hub.load_dataset(tree, "phase_recognition", split="train", streaming=True):
        pass


def _load_to_cache(tree: Path, out: Path) -> None:
    surgsigma_hub.load_dataset(tree, "phase_recognition", split="train", cache_dir=out)


def _estimate(tree: Path, out: Path) -> None:
    estimate(tree, Settings(model="m", what=("reasoning",)), cache=AnswerCache(out / "cache"))


def _export(tree: Path, out: Path) -> None:
    export(tree, get_adapter("trl"), out=out / "x", options=Options())


READERS: dict[str, Callable[[Path, Path], Any]] = {
    "stream": _stream,
    "load_dataset": _load,
    "load_dataset into a cache": _load_to_cache,
    "enrich": _estimate,
    "export": _export,
    "info": lambda tree, out: tree_dict(tree),
    "info --answers": lambda tree, out: count_answers(tree),
    "preview": lambda tree, out: preview(tree, out / "sheet.png"),
    "cards": lambda tree, out: refresh(tree),
}
OF_SHARDS = [name for name in READERS if name not in ("info", "cards")]
"""Those that open every shard."""


DEEP = "deep"
"""Stands for lists in one another, a thousand deep."""


CHANGES: dict[str, dict[str, Any]] = {
    "a task that climbs": {"task": "../../../x"},
    "an absolute source": {"source": "/tmp/x"},
    "a split in capitals": {"split": "TRAIN"},
    "an empty split": {"split": ""},
    "a split with a line break": {"split": "train\n"},
    "another task": {"task": "step_recognition"},
    "samples that are text": {"samples": "6"},
    "samples that are true": {"samples": True},
    "samples that are not whole": {"samples": 6.0},
    "too many samples": {"samples": 10**6},
    "less than no samples": {"samples": -6},
    "bytes above all files": {"bytes": 2**64 - 1},
    "bytes that are not the sum": {"bytes": 1},
    "members that are a text": {"members": "image.jpg"},
    "a member that climbs": {"members": ["../image.jpg"]},
    "videos that are numbers": {"videos": [1]},
    "a video with a control character": {"videos": ["a\u001b[31mb"]},
    "options that are a list": {"options": []},
    "options without end": {"options": {"x": DEEP}},
    "a task without end": {"task": DEEP},
    "a builder that is no text": {"builder": ["x"]},
    "shards that are no list": {"shards": {"0": 1}},
    "shards that are texts": {"shards": ["train-00000.tar"]},
    "another field": {"script": "x"},
    "a version that is a number": {"format_version": 1.0},
    "a version without end": {"format_version": DEEP},
    "a version of digits of elsewhere": {"format_version": "１.０"},
    "a version of many digits": {"format_version": f"{'9' * 5000}.0"},
}
SHARDS: dict[str, dict[str, Any]] = {
    "a name that climbs": {"name": "../../../../outside.tar"},
    "an absolute name": {"name": "/tmp/outside.tar"},
    "a name of another split": {"name": "test-00000.tar"},
    "a name with a folder": {"name": "x/train-00000.tar"},
    "a name with a line break": {"name": "train-00000.tar\n"},
    "digits of elsewhere": {"name": "train-٠٠٠٠٠.tar"},
    "a name twice": {"name": "train-00001.tar"},
    "a name that is a number": {"name": 7},
    "a sha256 that is none": {"sha256": "x" * 64},
    "a sha256 that is a number": {"sha256": 7},
    "bytes that are text": {"bytes": "9"},
    "samples that are a list": {"samples": [4]},
    "another field": {"url": "http://x"},
    "blocks that are texts": {"blocks": ["ab"]},
    "blocks of three": {"blocks": [[0, 0, 0]]},
    "blocks that are not whole": {"blocks": [[0, 0.5]]},
    "blocks that are a number": {"blocks": 3},
    "a block before the begin": {"blocks": [[-512, 0]]},
    "a block behind the end": {"blocks": [[0, 0], [2**40, 1]]},
    "a block above all files": {"blocks": [[0, 0], [2**64 - 1, 1]]},
    "blocks that fall": {"blocks": [[0, 0], [1024, 2], [512, 3]]},
    "a first block that is not the first": {"blocks": [[512, 0]]},
}
FILES: dict[str, bytes] = {
    "nothing": b"",
    "noise": b"\x93NUMPY\xff",
    "a list": b"[]",
    "a number": b"7",
    "null": b"null",
    "brackets without end": b"[" * 10**6,
    "half of one": b'{"task": "phase_recognition", "sou',
    "no fields": b"{}",
}


def changed(tree: Path, change: dict[str, Any]) -> None:
    raw = orjson.loads((tree / MANIFEST).read_bytes())
    text = orjson.dumps({**raw, **change})
    (tree / MANIFEST).write_bytes(text.replace(b'"deep"', b"[" * 1000 + b"]" * 1000))


def changed_shard(tree: Path, change: dict[str, Any]) -> None:
    shards = orjson.loads((tree / MANIFEST).read_bytes())["shards"]
    changed(tree, {"shards": [{**shards[0], **change}, *shards[1:]]})


CASES: dict[str, Callable[[Path], object]] = {
    **{name: lambda tree, c=c: changed(tree, c) for name, c in CHANGES.items()},  # type: ignore[misc]
    **{f"shard: {name}": lambda tree, c=c: changed_shard(tree, c) for name, c in SHARDS.items()},  # type: ignore[misc]
    **{f"file: {name}": lambda tree, d=d: (tree / MANIFEST).write_bytes(d) for name, d in FILES.items()},  # type: ignore[misc]
    "a block larger than a reader holds": lambda tree: changed_shard(tree, {"bytes": MAX_BLOCK + 2048}),
    "more samples than lie in the bytes": lambda tree: changed_shard(tree, {"samples": 2**40}),
}


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    (tmp_path / "outside.tar").write_bytes(b"not yours")
    return small_tree(tmp_path / "a" / "tree")


@pytest.mark.parametrize("case", CASES)
def test_every_reader_refuses_it_by_name(tree: Path, tmp_path: Path, case: str) -> None:
    CASES[case](tree)
    before = sorted(str(p) for p in tmp_path.rglob("*"))
    for name, reader in READERS.items():
        with pytest.raises(SurgSigmaError, match=r"train\.manifest\.json"):
            reader(tree, tmp_path / "out")
            pytest.fail(f"{name} took it")
    report = validate(tree)
    assert not report.ok and any(p.where == MANIFEST for p in report.problems)
    assert str(tmp_path) not in str(report.as_dict())
    left = [p for p in sorted(str(p) for p in tmp_path.rglob("*")) if p not in before]
    assert all(p.startswith(str(tmp_path / "out")) for p in left)


@pytest.mark.parametrize("place", ["data/phase_recognition/Syn thetic/train", "data/a..b/synthetic/train"])
def test_a_manifest_at_a_place_of_no_name(tree: Path, tmp_path: Path, place: str) -> None:
    path = tree / f"{place}.manifest.json"
    path.parent.mkdir(parents=True)
    path.write_bytes((tree / MANIFEST).read_bytes())
    for reader in READERS.values():
        with pytest.raises(ShardError):
            reader(tree, tmp_path / "out")
    assert not validate(tree).ok


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no FIFO on this system")
@pytest.mark.parametrize("place", [MANIFEST, SHARD])
def test_a_fifo_is_not_waited_for(tree: Path, tmp_path: Path, place: str) -> None:
    (tree / place).unlink()
    os.mkfifo(tree / place)
    done = threading.Event()

    def run() -> None:
        for name in READERS if place == MANIFEST else OF_SHARDS:
            with pytest.raises(SurgSigmaError, match="FIFO"):
                READERS[name](tree, tmp_path / "out")
        assert any("FIFO" in p.what for p in validate(tree).problems)
        done.set()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(60)
    assert done.is_set()


@pytest.mark.parametrize("place", [MANIFEST, SHARD, "data/phase_recognition/synthetic", "data/phase_recognition"])
def test_links_that_lead_out_are_not_followed(tree: Path, tmp_path: Path, place: str) -> None:
    """Not even to a file that is what the manifest says: a reader of a tree reads that tree."""
    (tree / place).rename(tmp_path / "elsewhere")
    (tree / place).symlink_to(tmp_path / "elsewhere")
    for name in OF_SHARDS if place == SHARD else READERS:
        with pytest.raises(SurgSigmaError, match="leads out of the tree"):
            READERS[name](tree, tmp_path / "out")
            pytest.fail(f"{name} took it")
    assert any("leads out of the tree" in p.what for p in validate(tree).problems)


def test_links_inside_a_tree_and_to_a_tree_are_followed(tree: Path, tmp_path: Path) -> None:
    (tree / SHARD).rename(tree / "data" / "real")
    (tree / SHARD).symlink_to(tree / "data" / "real")
    (tmp_path / "link").symlink_to(tree)
    assert validate(tmp_path / "link").ok
    _stream(tmp_path / "link", tmp_path)
    _load(tmp_path / "link", tmp_path)


def test_a_tree_as_the_hub_keeps_it_is_read(tree: Path, tmp_path: Path) -> None:
    """Links into ``blobs``, which huggingface_hub makes beside the snapshots."""
    home = tmp_path / "datasets--org--name"
    (home / "blobs").mkdir(parents=True)
    for n, path in enumerate(sorted(p for p in tree.rglob("*") if p.is_file())):
        place = home / "snapshots" / "abc" / path.relative_to(tree)
        place.parent.mkdir(parents=True, exist_ok=True)
        path.rename(home / "blobs" / str(n))
        place.symlink_to(home / "blobs" / str(n))
    found = home / "snapshots" / "abc"
    assert validate(found).ok and len(load_tree(found)) == 3
    _stream(found, tmp_path)
    _load(found, tmp_path)


def test_a_manifest_that_is_too_large_is_not_read(tree: Path) -> None:
    with (tree / MANIFEST).open("r+b") as file:
        file.truncate(1 << 40)  # a hole that takes no room
    with pytest.raises(ShardError, match="more than"):
        load_tree(tree)
    assert any("more than" in p.what for p in validate(tree).problems)
