"""verl reads our Parquet with its own data set, loses no prompt, and calls our reward."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from surgsigma_hub.adapters import Options, get_adapter
from surgsigma_hub.adapters.exporting import Choice, export

from drawn import write_stills
from kit import Environment, demo, environment, near, tiny

pytestmark = pytest.mark.slow
__all__ = ["demo"]


@pytest.fixture(scope="module")
def verl() -> Environment:
    return environment("verl")


@pytest.fixture(scope="module")
def model(verl: Environment, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny(verl, "qwen2_5_vl", tmp_path_factory.mktemp("models"))


def settings(how: str, out: Path) -> dict[str, Any]:
    """The words of the printed line as verl nests them."""
    found: dict[str, Any] = {}
    for name, value in re.findall(r"([\w.]+)=(\S+)", how.replace("DIR", str(out)).split(" ..., ")[0]):
        at = found
        *above, last = name.split(".")
        for part in above:
            at = at.setdefault(part, {})
        at[last] = value[1:-1].split(",") if value.startswith("[") else int(value) if value.isdigit() else value
    return found


def read(verl: Environment, model: Path, out: Path, how: str, folder: Path) -> list[tuple[dict[str, Any], Any]]:
    """Each row of an export and what verl makes of it."""
    given = settings(how, out)
    given["data"]["cache_dir"] = str(folder / "cache")
    found = {one["id"]: one for one in verl.probe("verl", folder / "seen.jsonl", str(model), given, cwd=out)}
    rows = [row for path in out.glob("*.parquet") for row in pq.read_table(path).to_pylist()]
    assert set(found) == {row["id"] for row in rows}, "no prompt is filtered away"
    return [(row, found[row["id"]]) for row in rows]


def test_every_prompt_arrives_and_our_reward_is_called(
    verl: Environment, model: Path, demo: Path, tmp_path: Path
) -> None:
    options, choice = Options(boxes="qwen2_5_vl"), Choice(per_task=12)
    report = export(demo / "surgsigma", get_adapter("verl"), out=tmp_path / "rl", options=options, choice=choice)
    for row, found in read(verl, model, tmp_path / "rl", report.how, tmp_path):
        assert len(found["images"]) == len(row["images"]), "each picture, and each frame of a clip"
        assert found["right"] == pytest.approx(1, abs=1e-3), f"{row['id']}: shares of a box have four decimals"
        assert found["wrong"] == 0, row["id"]


def test_boxes_of_the_reward_are_those_of_what_the_model_sees(verl: Environment, model: Path, tmp_path: Path) -> None:
    stills = write_stills(tmp_path / "tree")
    report = export(tmp_path / "tree", get_adapter("verl"), out=tmp_path / "rl", options=Options(boxes="qwen2_5_vl"))
    sizes = set()
    for row, found in read(verl, model, tmp_path / "rl", report.how, tmp_path):
        (picture,) = found["images"]
        sizes.add(tuple(picture["size"]))
        assert row["extra_info"]["size"] == picture["size"]
        assert near(stills[row["id"]].box, picture["box"], picture["size"])
    assert len(sizes) == 4
