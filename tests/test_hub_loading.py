"""load_dataset and register: same samples streaming or not, from folder or Hub; names are checked before any tar."""

from __future__ import annotations

import json
import pickle
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import datasets
import orjson
import pytest
from surgsigma_hub.errors import ShardError, SurgSigmaError, UnknownNameError
from surgsigma_hub.hub import register as registering
from surgsigma_hub.hub.builder import flat_features
from surgsigma_hub.hub.cards import refresh
from surgsigma_hub.hub.loading import load_dataset, register, unregister
from surgsigma_hub.schema import FORMAT_VERSION
from surgsigma_hub.shards.manifest import load_manifest
from surgsigma_hub.whole_files import write_atomic

from fakehub import FakeHub, serve
from handmade import PARTS, SMALL, SOURCES, add_strays, counts, entries, make_sample, tar_bytes, write_tree
from hub_client import PYTHON

NOW = b'"format_version": "%s"' % FORMAT_VERSION.encode()
ALPHA = "data/phase_recognition/alpha/train-00000.tar"


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("load") / "surgsigma"
    write_tree(made)
    add_strays(made)
    refresh(made, sources=SOURCES)
    return made


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def own(tmp_path: Path) -> Path:
    """A tree that a test may break."""
    write_tree(tmp_path / "surgsigma")
    return tmp_path / "surgsigma"


@pytest.fixture(scope="module")
def hub(tree: Path) -> Iterator[FakeHub]:
    with serve() as server:
        server.add("org/surgsigma", tree)
        yield server


def test_every_config_streams_in_full(tree: Path) -> None:
    for config, splits in counts().items():
        loaded = load_dataset(tree, config, streaming=True)
        assert {s: len({r["id"] for r in d}) for s, d in loaded.items()} == splits, config
        for split, data in loaded.items():
            assert data.features == flat_features()
            assert data.num_shards == sum(len(p.shards) for p in parts(config) if p.split == split)
            assert data.info.splits[split].num_examples == splits[split]


def parts(config: str) -> list[Any]:
    return [p for p in PARTS if config in (p.task, p.source, f"{p.task}-{p.source}", "all")]


def test_columns_hold_what_was_written(tree: Path) -> None:
    for part in PARTS:
        rows = list(load_dataset(tree, f"{part.task}-{part.source}", split=part.split, streaming=True))
        for number, row in enumerate(rows):
            sample, files = make_sample(part, number)
            written = orjson.loads(orjson.dumps(sample))
            assert {k: row[k] for k in written} == written
            assert [i["role"] for i in row["images"]] == [m.role for m in sample.media if m.kind != "video"]
            for image in row["images"]:
                image["image"].load()
                assert image["image"].size == SMALL
            assert [v["video"]["bytes"] for v in row["videos"]] == [
                data for member, data in files.items() if member.endswith(".mp4")
            ]
    assert set(row) == set(flat_features())


def test_arrow_and_streaming_give_the_same(tree: Path, cache: Path) -> None:
    arrow = load_dataset(tree, "all", cache_dir=cache)
    stream = load_dataset(tree, "all", streaming=True)
    assert set(arrow) == set(stream) == {"train", "test", "train_extra"}
    for split in arrow:
        assert arrow[split].features == flat_features()
        plain = list(stream[split].decode(False))
        assert arrow[split]["id"][:] == [r["id"] for r in plain]
        undecoded = arrow[split].cast_column(
            "images", datasets.List({"image": datasets.Image(decode=False), "role": datasets.Value("string")})
        )
        for one, other in zip(undecoded, plain, strict=True):
            assert one == other


def test_default_config_and_default_place(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tree.parent)
    loaded = load_dataset(streaming=True)
    assert next(iter(loaded["train"]))["task"] == "phase_recognition"
    assert set(load_dataset("surgsigma", "beta", streaming=True)) == {"train"}
    monkeypatch.chdir(tree.parent.parent)
    with pytest.raises(SurgSigmaError, match="no such folder"):
        load_dataset(config="beta")


def test_split_expressions(tree: Path, cache: Path) -> None:
    assert len(load_dataset(tree, "all", split="train[:3]+test", cache_dir=cache)) == 7
    assert len(list(load_dataset(tree, "all", split="train+test", streaming=True))) == 18
    assert len(list(load_dataset(tree, "all", split="all", streaming=True))) == 19
    with pytest.raises(SurgSigmaError, match="cannot be sliced"):
        load_dataset(tree, "all", split="train[:3]", streaming=True)


@pytest.mark.parametrize("streaming", [True, False])
def test_unknown_names_are_refused_before_any_medium_is_read(own: Path, cache: Path, streaming: bool) -> None:
    for tar in own.rglob("*.tar"):
        tar.unlink()
    with pytest.raises(UnknownNameError, match="Did you mean 'phase_recognition'"):
        load_dataset(own, "phase_recogniton", streaming=streaming, cache_dir=cache)
    for split in ("tets", "train+tets", "tets[:5]"):
        with pytest.raises(UnknownNameError, match="Did you mean 'test'"):
            load_dataset(own, "alpha", split=split, streaming=streaming, cache_dir=cache)
    with pytest.raises(ShardError, match="named in the manifest is missing"):
        list(load_dataset(own, "alpha", split="test", streaming=True))
    assert not list(cache.rglob("*alpha*arrow"))


def test_newer_manifest_is_refused(own: Path) -> None:
    path = own / "data/phase_recognition/alpha/train.manifest.json"
    write_atomic(path, path.read_bytes().replace(NOW, NOW.replace(b"1.", b"1.9")))
    with pytest.raises(ShardError, match=r"1\.9"):
        load_dataset(own, "toys", streaming=True)


@pytest.mark.parametrize("streaming", [True, False])
@pytest.mark.parametrize("damage", ["newer", "medium", "json", "key", "cut"])
def test_damage_is_a_shard_error_that_names_the_place(own: Path, tmp_path: Path, damage: str, streaming: bool) -> None:
    part = PARTS[0]
    samples = [make_sample(part, n) for n in range(3)]
    sample, files = samples[1]
    if damage == "newer":
        samples[1] = replace(sample, format_version="1.7"), files
    elif damage == "medium":
        samples[1] = sample, {}
    data = tar_bytes(e for made, media in samples for e in entries(made, media))
    if damage == "json":
        data = data.replace(
            b'{"format_version":"%s","id":"alpha-v1-train-000001' % FORMAT_VERSION.encode(),
            b'?"format_version":"%s","id":"alpha-v1-train-000001' % FORMAT_VERSION.encode(),
        )
    elif damage == "key":
        data = data.replace(b'"modality"', b'"modalitx"')
    elif damage == "cut":
        data = data[: len(data) // 2]
    write_atomic(own / ALPHA, data)
    with pytest.raises(ShardError, match=r"phase_recognition/alpha/train-00000\.tar") as caught:
        loaded = load_dataset(own, "alpha", split="train", streaming=streaming, cache_dir=tmp_path / "cache")
        list(loaded)
    assert str(tmp_path) not in str(caught.value)


def test_a_rebuilt_tree_is_not_served_from_the_old_cache(own: Path, tmp_path: Path) -> None:
    def count() -> int:
        return len(load_dataset(own, "alpha", split="train", cache_dir=tmp_path / "cache"))

    assert count() == 5
    write_tree(own, (replace(PARTS[0], shards=(3, 4)),))
    assert count() == 7


def test_a_tree_whose_manifest_lies_is_caught(own: Path, tmp_path: Path) -> None:
    path = own / "data/phase_recognition/alpha/train.manifest.json"
    write_atomic(path, replace(load_manifest(path), samples=6).dumps())
    with pytest.raises(ShardError, match="says 6 samples"):
        load_dataset(own, "alpha", cache_dir=tmp_path / "cache")


def test_streams_survive_pickling_and_resume(tree: Path) -> None:
    stream = pickle.loads(pickle.dumps(load_dataset(tree, "all", split="train", streaming=True)))
    ids = [r["id"] for r in stream]
    reader = iter(stream)
    head = [next(reader)["id"] for _ in range(5)]
    state = stream.state_dict()
    again = load_dataset(tree, "all", split="train", streaming=True)
    again.load_state_dict(state)
    assert head + [r["id"] for r in again] == ids


def test_options_that_do_not_go_together(tree: Path) -> None:
    with pytest.raises(SurgSigmaError, match="revision"):
        load_dataset(tree, "all", revision="main")
    with pytest.raises(SurgSigmaError, match="num_proc"):
        load_dataset(tree, "all", streaming=True, num_proc=2)


def test_a_half_copied_tree_says_so(tree: Path, tmp_path: Path) -> None:
    (tmp_path / "README.md").write_bytes((tree / "README.md").read_bytes())
    with pytest.raises(ShardError, match="holds no manifest"):
        load_dataset(tmp_path, "all", streaming=True)


def client(hub: FakeHub, home: Path, code: str, **more: str) -> Any:
    prelude = (
        "import json, surgsigma_hub\n"
        "from surgsigma_hub.errors import *\n"
        "def fails(f, *a, **k):\n"
        "    try: f(*a, **k)\n"
        "    except SurgSigmaError as e: return [type(e).__name__, str(e)]\n"
        "def count(d): return {s: len({r['id'] for r in v}) for s, v in d.items()}\n"
    )
    done = subprocess.run(
        [PYTHON, "-c", prelude + code],
        env=hub.environment(home, **more),
        cwd=home,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.splitlines()[-1])


def test_from_the_hub(hub: FakeHub, tmp_path: Path) -> None:
    hub.log.clear()
    found = client(
        hub,
        tmp_path,
        "load = surgsigma_hub.load_dataset\n"
        "out = {'config': fails(load, 'org/surgsigma', 'phase_recogniton'),\n"
        "       'split': fails(load, 'org/surgsigma', 'alpha', split='tets'),\n"
        "       'repo': fails(load, 'org/other', 'alpha'),\n"
        "       'revision': fails(load, 'org/surgsigma', 'alpha', revision='v9')}\n"
        "out['streaming'] = count(load('org/surgsigma', 'all', streaming=True))\n"
        "out['prefix'] = count(load('hf://datasets/org/surgsigma', 'beta', streaming=True, revision='v1'))\n"
        "out['arrow'] = count(load('org/surgsigma', 'phase_recognition'))\n"
        "print(json.dumps(out))\n",
    )
    assert found["config"][0] == found["split"][0] == "UnknownNameError"
    assert "Did you mean 'phase_recognition'" in found["config"][1]
    assert "not found" in found["repo"][1]
    assert "no revision 'v9'" in found["revision"][1]
    assert found["streaming"] == counts()["all"]
    assert found["prefix"] == counts()["beta"]
    assert found["arrow"] == counts()["phase_recognition"]


def test_wrong_names_cost_no_tar_and_one_split_costs_its_own_tars(hub: FakeHub, tmp_path: Path) -> None:
    hub.log.clear()
    client(hub, tmp_path, "print(json.dumps(fails(surgsigma_hub.load_dataset, 'org/surgsigma', 'alphq')))")
    assert all(line.endswith("README.md") for line in hub.log)
    code = "d = surgsigma_hub.load_dataset('org/surgsigma', 'alpha', split='test', streaming=True)\nprint(len(list(d)))"
    assert client(hub, tmp_path, code) == 2
    assert [line.rsplit("/", 1)[1] for line in hub.tars()] == ["test-00000.tar"]


def test_a_busy_hub_is_asked_again(hub: FakeHub, tmp_path: Path) -> None:
    hub.fail["alpha/train-00001.tar"] = 1
    code = "print(json.dumps(count(surgsigma_hub.load_dataset('org/surgsigma', 'alpha', streaming=True))))"
    assert client(hub, tmp_path, code) == counts()["alpha"]
    assert hub.fail["alpha/train-00001.tar"] == 0


def test_no_network_is_said_plainly(hub: FakeHub, tmp_path: Path) -> None:
    code = "print(json.dumps(fails(surgsigma_hub.load_dataset, 'org/surgsigma', 'alpha')))"
    kind, text = client(hub, tmp_path, code, HF_HUB_OFFLINE="1")
    assert kind == "SurgSigmaError"
    assert "could not be reached" in text


@pytest.fixture
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.chdir(tmp_path)
    yield tmp_path
    unregister()


def test_register_makes_the_bare_name_work_from_anywhere(tree: Path, nowhere: Path) -> None:
    before = datasets.load.dataset_module_factory, datasets.inspect.dataset_module_factory
    register(tree)
    register(tree)
    assert set(datasets.get_dataset_config_names("surgsigma")) == set(counts())
    loaded = datasets.load_dataset("surgsigma", "alpha", streaming=True)
    assert {s: len(list(d)) for s, d in loaded.items()} == counts()["alpha"]
    assert "image.jpg" in loaded["train"].features
    unregister()
    unregister()
    assert (datasets.load.dataset_module_factory, datasets.inspect.dataset_module_factory) == before


def test_register_leaves_other_names_and_a_folder_of_that_name_alone(tree: Path, nowhere: Path) -> None:
    register(tree)
    (nowhere / "other").mkdir()
    (nowhere / "other" / "a.csv").write_text("x\n1\n")
    assert datasets.get_dataset_config_names("other") == ["default"]
    write_tree(nowhere / "surgsigma", PARTS[:1])
    refresh(nowhere / "surgsigma", sources=SOURCES)
    assert "beta" not in datasets.get_dataset_config_names("surgsigma")


def test_register_remembers_a_relative_folder(tree: Path, nowhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tree.parent)
    register()
    monkeypatch.chdir(nowhere)
    assert "beta" in datasets.get_dataset_config_names("surgsigma")


def test_register_refuses_what_is_no_tree(nowhere: Path) -> None:
    before = datasets.load.dataset_module_factory
    with pytest.raises(SurgSigmaError, match="no such folder"):
        register("nothing_here")
    assert datasets.load.dataset_module_factory is before


def test_register_a_hub_dataset(hub: FakeHub, tmp_path: Path) -> None:
    code = (
        "import datasets\n"
        "surgsigma_hub.register('org/surgsigma', revision='v1')\n"
        "d = datasets.load_dataset('surgsigma', 'beta', streaming=True)\n"
        "print(json.dumps({s: len(list(v)) for s, v in d.items()}))"
    )
    hub.log.clear()
    assert client(hub, tmp_path, code) == counts()["beta"]
    assert not any("/main/" in line for line in hub.log)


def test_canary_private_names_of_datasets_are_still_there(monkeypatch: pytest.MonkeyPatch) -> None:
    registering.check_patchable()
    from datasets.builder import Key
    from datasets.utils.file_utils import xopen

    assert Key(0, 1)
    assert callable(xopen)
    monkeypatch.delattr(datasets.inspect, "dataset_module_factory")
    with pytest.raises(SurgSigmaError, match="no longer resolves names"):
        registering.check_patchable()
