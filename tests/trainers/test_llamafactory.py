"""LLaMA-Factory reads our exports with its own code, and a tiny model is trained by the lines of README.md."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from surgsigma_hub.adapters import Options, get_adapter
from surgsigma_hub.adapters.exporting import Choice, export

from drawn import SHARES, SINGLE, write_clips, write_stills
from kit import (
    Environment,
    Pair,
    check_answers,
    check_boxes,
    check_times,
    demo,
    environment,
    follow,
    frames_seen,
    printed,
    readme,
    tiny,
)

pytestmark = pytest.mark.slow
__all__ = ["demo"]


@pytest.fixture(scope="module")
def factory() -> Environment:
    return environment("llamafactory")


@pytest.fixture(scope="module")
def models(factory: Environment, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("models")
    return {family: tiny(factory, family, folder) for family in ("qwen2_5_vl", "qwen3_vl")}


def arguments(line: str) -> dict[str, Any]:
    """The options of a command line by name."""
    return {name: int(word) if word.isdigit() else word for name, word in re.findall(r"--(\w+) (\S+)", line)}


def read(factory: Environment, model: Path, out: Path, how: str, folder: Path) -> list[Pair]:
    """Each record of an export and what LLaMA-Factory makes of it, in order."""
    told = arguments(how.replace("DIR", str(out)))
    given = {
        **told, "stage": "sft", "do_train": True, "model_name_or_path": str(model), "finetuning_type": "full",
        "cutoff_len": 16384, "output_dir": str(folder / "out"), "use_cpu": True, "bf16": False,
        "overwrite_cache": True, "report_to": "none",
    }  # fmt: skip
    found = factory.probe("llamafactory", folder / "seen.jsonl", given)
    records = json.loads((out / "train.json").read_text("utf-8"))
    assert len(found) == len(records), "every record arrives"
    return list(zip(records, found, strict=True))


@pytest.mark.parametrize("family", ["qwen2_5_vl", "qwen3_vl"])
@pytest.mark.parametrize("reasoning", ["drop", "inline"])
def test_answers_alone_are_learned_and_traces_as_asked(
    factory: Environment, models: dict[str, Path], demo: Path, tmp_path: Path, family: str, reasoning: Any
) -> None:
    adapter = get_adapter("sharegpt")
    report = export(
        demo / "surgsigma", adapter, out=tmp_path / "sft", options=Options(boxes=family, reasoning=reasoning),
        choice=Choice(per_task=25),
    )  # fmt: skip
    check_answers(read(factory, models[family], tmp_path / "sft", report.how, tmp_path), reasoning)


@pytest.mark.parametrize("family", ["qwen2_5_vl", "qwen3_vl"])
def test_boxes_meet_what_the_model_sees(
    factory: Environment, models: dict[str, Path], tmp_path: Path, family: str
) -> None:
    stills = write_stills(tmp_path / "tree")
    adapter = get_adapter("sharegpt")
    report = export(tmp_path / "tree", adapter, out=tmp_path / "sft", options=Options(boxes=family))
    sizes = check_boxes(read(factory, models[family], tmp_path / "sft", report.how, tmp_path), stills, family)
    assert len(sizes) == 4 and len(stills) == 4 * len(SHARES)
    if family == "qwen2_5_vl":  # the model rounds what LLaMA-Factory has shrunk
        assert (1036, 588) in sizes


def test_clips_keep_their_frames_and_times(factory: Environment, models: dict[str, Path], tmp_path: Path) -> None:
    clips = write_clips(tmp_path / "tree", SINGLE)
    adapter = get_adapter("sharegpt")
    report = export(tmp_path / "tree", adapter, out=tmp_path / "sft", options=Options(model="qwen3_vl"))
    pairs = read(factory, models["qwen3_vl"], tmp_path / "sft", report.how, tmp_path)
    check_times(pairs, clips, "qwen3_vl")
    for record, found in pairs:
        count, fps = clips[record["id"]]
        if fps <= 2:  # it looks at two frames a second, and repeats the last where their number is odd
            assert frames_seen(found["videos"][0]["levels"]) == [*range(count), *[count - 1] * (count % 2)]


def test_the_lines_of_the_readme_train(
    factory: Environment, models: dict[str, Path], demo: Path, tmp_path: Path
) -> None:
    own = (
        "--output_dir model --max_steps 3 --logging_steps 1 --per_device_train_batch_size 2 --use_cpu --bf16 false "
        "--report_to none --max_samples 40 --save_strategy no"
    )
    lines = readme("llamafactory", model=models["qwen2_5_vl"], **{"--output_dir model": own})
    assert set(printed(follow(factory, lines, demo, tmp_path))) <= set(lines.split())
    log = [json.loads(row) for row in (tmp_path / "model" / "trainer_log.jsonl").read_text().splitlines()]
    losses = [row["loss"] for row in log if "loss" in row]
    assert len(losses) == 3 and all(0 < loss < 12 for loss in losses)
