"""Configs of a tree: plain `datasets`, plain `webdataset` and globs must find exactly what the manifests say."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import warnings
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from surgsigma_hub.errors import ShardError
from surgsigma_hub.hub.cards import refresh
from surgsigma_hub.hub.configs import front_matter, make_configs, stray_tars, tree_configs
from surgsigma_hub.schema import shard_features
from surgsigma_hub.shards.frontmatter import MOST_ALIASES, dump_yaml, split_card
from surgsigma_hub.shards.manifest import Manifest, Shard, load_tree
from surgsigma_hub.tasks import all_tasks

from handmade import MEMBERS, PARTS, SMALL, SOURCES, Part, add_strays, counts, write_tree

SCRIPT = Path(__file__).parent / "check_plain_datasets.py"


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("plain") / "surgsigma"
    write_tree(made)
    add_strays(made)
    refresh(made, sources=SOURCES)
    return made


def members_of(config: str) -> frozenset[str]:
    return frozenset(
        m for p in PARTS if config in (p.task, p.source, f"{p.task}-{p.source}", "all") for m in MEMBERS[p.task]
    )


def run_plain(python: str, tree: Path) -> dict[str, Any]:
    done = subprocess.run(
        [python, str(SCRIPT), str(tree)], capture_output=True, text=True, cwd=tree.parent, env={**os.environ}
    )
    assert done.returncode == 0, done.stderr[-3000:]
    loaded: dict[str, Any] = json.loads(done.stdout)
    return loaded


def check_plain(summary: dict[str, Any]) -> None:
    expected = counts()
    assert set(summary["configs"]) == set(expected)
    assert summary["default"] == "phase_recognition"
    for mode in ("streaming", "arrow"):
        for config, splits in expected.items():
            found = summary[mode][config]
            assert {s: f["samples"] for s, f in found.items()} == splits, (mode, config)
            features = shard_features(members_of(config))._to_yaml_list()
            for split, f in found.items():
                assert f["declared"] == f["unique"] == f["samples"]
                assert f["features"] == features
                sources = {p.source for p in PARTS if p.split == split and config in name_set(p)}
                assert set(f["sources"]) == sources, (mode, config, split)
                first = f["first"]
                assert first["key"] == first["id"] == first["json"]["id"]
                assert first["json"]["split"] == split
                assert set(first["media"]) == set(MEMBERS[first["json"]["task"]])
                for member, what in first["media"].items():
                    if member.endswith(".mp4"):
                        assert what["bytes"] > 100
                    else:
                        assert what == ["L" if member == "target.png" else "RGB", *SMALL]
    assert summary["streaming"]["phase_recognition"]["train"]["shards"] == 4


def name_set(part: Part) -> set[str]:
    return {part.task, part.source, f"{part.task}-{part.source}", "all"}


def test_unpatched_datasets_loads_every_config_both_ways(tree: Path) -> None:
    check_plain(run_plain(sys.executable, tree))


def test_another_version_of_datasets_loads_every_config(tree: Path) -> None:
    other = os.environ.get("SURGSIGMA_OTHER_PYTHON")
    if not other:
        message = "SURGSIGMA_OTHER_PYTHON is not set: the configs were tried with one version of datasets only"
        warnings.warn(message, stacklevel=1)
        pytest.skip(message)
    check_plain(run_plain(other, tree))


def test_webdataset_reads_the_same_tars(tree: Path) -> None:
    webdataset = pytest.importorskip("webdataset")
    for config in tree_configs(tree, load_tree(tree)):
        for split in config.splits:
            urls = [str(tree / tar) for tar in split.tars]
            data = webdataset.WebDataset(urls, shardshuffle=False, empty_check=False).decode("pil")
            samples = list(data)
            assert len(samples) == split.samples
            for sample in samples:
                assert sample["json"]["id"] == sample["__key__"]
                assert {m["member"] for m in sample["json"]["media"]} <= set(sample)


def test_names_and_counts_are_those_of_the_manifests(tmp_path: Path) -> None:
    configs = make_configs(write_tree(tmp_path))
    assert {c.name: {s.name: s.samples for s in c.splits} for c in configs} == counts()
    assert [c.kind for c in configs] == ["task"] * 3 + ["source"] * 3 + ["pair"] * 5 + ["all"]
    for config in configs:
        assert [s.name for s in config.splits][:1] != [
            "train_extra"
        ]  # train and test come before splits of other names
        for split in config.splits:
            assert split.bytes == sum((tmp_path / tar).stat().st_size for tar in split.tars)


@pytest.mark.parametrize("strays", [False, True])
def test_globs_match_exactly_the_listed_tars(tmp_path: Path, strays: bool) -> None:
    manifests = write_tree(tmp_path)
    if strays:
        add_strays(tmp_path)
    for config in tree_configs(tmp_path, manifests):
        for split in config.splits:
            found = {p.relative_to(tmp_path).as_posix() for pattern in split.patterns for p in tmp_path.glob(pattern)}
            assert found == set(split.tars), (config.name, split.name)
            if not strays:
                assert len(split.patterns) == 1


def test_stray_tars_are_found(tmp_path: Path) -> None:
    manifests = write_tree(tmp_path)
    assert stray_tars(tmp_path, manifests) == frozenset()
    add_strays(tmp_path)
    assert stray_tars(tmp_path, manifests) == {
        "data/phase_recognition/gamma/train-00000.tar",
        "data/phase_recognition/beta/train-00007.tar",
    }


def test_a_split_without_tars_is_left_out(tmp_path: Path) -> None:
    part = Part("phase_recognition", "alpha", "train", (1,), ("alpha/v1",))
    full = write_tree(tmp_path, (part,))[0]
    empty = replace(full, split="test", samples=0, bytes=0, shards=(), videos=())
    configs = make_configs([full, empty])
    assert all([s.name for s in c.splits] == ["train"] for c in configs)


def renamed(manifest: Manifest, **changes: str) -> Manifest:
    made = replace(manifest, **changes)  # type: ignore[arg-type]
    return replace(made, shards=tuple(replace(s, name=f"{made.split}-00000.tar") for s in made.shards[:1]))


@pytest.mark.parametrize(
    "changes",
    [
        {"split": "all"},
        {"source": "phase_recognition"},
        {"task": "all"},
    ],
)
def test_names_that_mean_two_things_are_refused(tmp_path: Path, changes: dict[str, str]) -> None:
    good = write_tree(tmp_path, PARTS[:1])[0]
    make_configs([renamed(good)])
    with pytest.raises(ShardError):
        make_configs([renamed(good, **changes)])


def test_yaml_is_small_and_reads_back_in_full(tmp_path: Path) -> None:
    from datasets import Features

    configs = make_configs(write_tree(tmp_path))
    text = dump_yaml(front_matter(configs))
    assert text.count("name: canonical_video_id") == 1  # the json column is written once, by anchor
    loaded = yaml.safe_load(text)
    assert [c["config_name"] for c in loaded["configs"]] == [c["config_name"] for c in loaded["dataset_info"]]
    assert [c["config_name"] for c in loaded["configs"] if c.get("default")] == [configs[0].name]
    for config, info in zip(configs, loaded["dataset_info"], strict=True):
        assert Features._from_yaml_list(info["features"]) == shard_features(config.members)


def test_forty_sources_have_front_matter_that_every_yaml_reader_takes() -> None:
    """The npm package yaml refuses the 100th alias of an anchor; 300 configs share a handful of features."""
    shard = Shard("train-00000.tar", "0" * 64, 2048, 1, ((0, 0),))
    tasks = sorted(all_tasks())
    parts = [
        Manifest(
            task=tasks[(5 * number + 3 * turn) % len(tasks)], source=f"source{number:02d}", split=split, samples=1,
            bytes=2048, media_bytes=1, members=("image.jpg", "target.png") if turn else ("image.jpg",), videos=(),
            options={}, shards=(replace(shard, name=f"{split}-00000.tar"),),
        )
        for number in range(40) for turn in range(6) for split in ("train", "val", "test")
    ]  # fmt: skip
    front = front_matter(make_configs(parts))
    text = dump_yaml(front)
    assert len(front["configs"]) > 280 and len(text.encode()) < 250_000
    aliases = Counter(re.findall(r"\*(features\d+)$", text, re.MULTILINE))
    assert max(aliases.values()) == MOST_ALIASES < 100 and sum(aliases.values()) > 3 * MOST_ALIASES
    assert yaml.safe_load(text) == front
    assert split_card(f"---\n{text}---\n", where="x")[0] == front


def test_importing_configs_does_not_import_datasets() -> None:
    code = (
        "import sys, surgsigma_hub.hub.configs, surgsigma_hub.hub.loading, surgsigma_hub.hub.cards, "
        "surgsigma_hub.hub.pointer; assert not {'datasets', 'huggingface_hub', 'pyarrow'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
