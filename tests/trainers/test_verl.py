"""verl reads our Parquet with the configuration of README.md, loses no prompt, and calls our reward.

Its trainer is not run: that wants GPUs, and an engine such as vLLM to sample with.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import yaml
from surgsigma_hub.adapters import Options, get_adapter
from surgsigma_hub.adapters.exporting import export

from drawn import write_stills
from kit import Environment, demo, environment, follow, near, printed, readme, tiny

pytestmark = pytest.mark.slow
__all__ = ["demo"]


@pytest.fixture(scope="module")
def verl() -> Environment:
    return environment("verl")


@pytest.fixture(scope="module")
def model(verl: Environment, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny(verl, "qwen2_5_vl", tmp_path_factory.mktemp("models"))


@dataclass(frozen=True)
class Followed:
    """What the lines of README.md make, up to the configuration that verl's trainer would run with."""

    folder: Path
    config: dict[str, Any]


@pytest.fixture(scope="module")
def followed(verl: Environment, model: Path, demo: Path, tmp_path_factory: pytest.TempPathFactory) -> Followed:
    folder = tmp_path_factory.mktemp("readme")
    changes = {"--out rl\n": "--out rl --per-task 12\n", "=verl_reward": "=verl_reward --cfg job > config.yaml"}
    lines = readme("verl", model=model, **changes)
    assert set(printed(follow(verl, lines, demo, folder))) <= set(lines.split())
    return Followed(folder / "rl", yaml.safe_load((folder / "rl" / "config.yaml").read_text("utf-8")))


def read(verl: Environment, model: Path, out: Path, config: Any, folder: Path) -> list[tuple[dict[str, Any], Any]]:
    """Each row of an export and what verl makes of it."""
    given = {**config, "data": {**config["data"], "cache_dir": str(folder / "cache")}}
    (folder / "given.json").write_text(json.dumps(given), "utf-8")
    found = {
        one["id"]: one
        for one in verl.probe("verl", folder / "seen.jsonl", str(model), str(folder / "given.json"), cwd=out)
    }
    rows = [row for path in out.glob("*.parquet") for row in pq.read_table(path).to_pylist()]
    assert set(found) == {row["id"] for row in rows}, "no prompt is filtered away"
    return [(row, found[row["id"]]) for row in rows]


def test_every_prompt_arrives_and_our_reward_is_called(
    verl: Environment, model: Path, followed: Followed, tmp_path: Path
) -> None:
    pairs = read(verl, model, followed.folder, followed.config, tmp_path)
    assert len(pairs) > 80
    for row, found in pairs:
        assert len(found["images"]) == len(row["images"]), "each picture, and each frame of a clip"
        assert found["right"] == pytest.approx(1, abs=1e-3), f"{row['id']}: shares of a box have four decimals"
        assert found["wrong"] == 0, row["id"]


def test_boxes_of_the_reward_are_those_of_what_the_model_sees(
    verl: Environment, model: Path, followed: Followed, tmp_path: Path
) -> None:
    stills = write_stills(tmp_path / "surgsigma")
    export(tmp_path / "surgsigma", get_adapter("verl"), out=tmp_path / "rl", options=Options(boxes="qwen2_5_vl"))
    sizes = set()
    for row, found in read(verl, model, tmp_path / "rl", followed.config, tmp_path):
        (picture,) = found["images"]
        sizes.add(tuple(picture["size"]))
        assert row["extra_info"]["size"] == picture["size"]
        assert near(stills[row["id"]].box, picture["box"], picture["size"])
    assert len(sizes) == 4
