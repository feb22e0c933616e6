"""ms-swift reads our exports with its own code, and a tiny model is trained by the lines of README.md."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest
from surgsigma_hub.adapters import Options, get_adapter
from surgsigma_hub.adapters.exporting import Choice, export
from surgsigma_hub.adapters.report import ExportReport

from drawn import SINGLE, SIZES, write_clips, write_stills
from kit import (
    INSIDE,
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
def swift() -> Environment:
    return environment("swift")


@pytest.fixture(scope="module")
def models(swift: Environment, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("models")
    return {family: tiny(swift, family, folder) for family in ("qwen2_5_vl", "qwen3_vl")}


def variables(how: str) -> dict[str, str]:
    """What stands before the command: ``NAME=VALUE`` words."""
    return dict(word.split("=", 1) for word in how.split(" swift sft")[0].split() if "=" in word)


def read(swift: Environment, model: Path, out: Path, report: ExportReport, folder: Path) -> list[Pair]:
    """Each record of an export and what ms-swift makes of it, in order."""
    files = list(report.files)
    found = swift.probe("swift", folder / "seen.jsonl", str(model), files, cwd=out, **variables(report.how))
    records = [json.loads(line) for name in files for line in (out / name).read_text("utf-8").splitlines()]
    assert len(found) == len(records) == report.records, "every record arrives"
    return list(zip(records, found, strict=True))


@pytest.mark.parametrize("family", ["qwen2_5_vl", "qwen3_vl"])
@pytest.mark.parametrize("reasoning", ["drop", "inline"])
def test_answers_alone_are_learned_and_traces_as_asked(
    swift: Environment, models: dict[str, Path], demo: Path, tmp_path: Path, family: str, reasoning: Any
) -> None:
    report = export(
        demo / "surgsigma", get_adapter("swift"), out=tmp_path / "sft",
        options=Options(boxes=family, reasoning=reasoning), choice=Choice(per_task=25),
    )  # fmt: skip
    check_answers(read(swift, models[family], tmp_path / "sft", report, tmp_path), reasoning)


@pytest.mark.parametrize("family", ["qwen2_5_vl", "qwen3_vl"])
@pytest.mark.parametrize("boxes", ["family", "objects"])
def test_boxes_meet_what_the_model_sees(
    swift: Environment, models: dict[str, Path], tmp_path: Path, family: str, boxes: str
) -> None:
    """Also those that ms-swift writes itself, with the variable that the export names."""
    stills = write_stills(tmp_path / "tree")
    options = Options(boxes=family if boxes == "family" else "objects", model=family)
    report = export(tmp_path / "tree", get_adapter("swift"), out=tmp_path / "sft", options=options)
    assert len(check_boxes(read(swift, models[family], tmp_path / "sft", report, tmp_path), stills, family)) == len(
        SIZES
    )


@pytest.mark.parametrize("family", ["qwen2_5_vl", "qwen3_vl"])
def test_clips_keep_their_times(swift: Environment, models: dict[str, Path], tmp_path: Path, family: str) -> None:
    clips = write_clips(tmp_path / "tree", SINGLE)
    report = export(tmp_path / "tree", get_adapter("swift"), out=tmp_path / "sft", options=Options(model=family))
    assert sum(report.left_out["short"].values()) == 1, "the clip of one frame, at which it would fail"
    pairs = read(swift, models[family], tmp_path / "sft", report, tmp_path)
    assert len(pairs) == len(clips) - 1
    check_times(pairs, clips, family)
    lost = 0
    for record, found in pairs:
        count, fps = clips[record["id"]]
        shown = frames_seen(found["videos"][0]["levels"])
        if fps <= 2:
            assert len(set(shown)) == count // 2 * 2, "of an odd number qwen-vl-utils leaves one out"
            lost += count % 2
    assert any(note.startswith(f"{lost} records have videos with an odd number") for note in report.notes)


def test_a_clip_of_one_frame_cannot_be_read(swift: Environment, models: dict[str, Path], tmp_path: Path) -> None:
    """Why the export leaves it out."""
    write_clips(tmp_path / "tree", SINGLE)
    adapter = dataclasses.replace(get_adapter("swift"), paired=())
    export(tmp_path / "tree", adapter, out=tmp_path / "sft", options=Options(model="qwen3_vl"))
    given = json.dumps(["train-video.jsonl"])
    words = [swift.python, INSIDE / "probe_swift.py", models["qwen3_vl"], given, tmp_path / "seen.jsonl"]
    with pytest.raises(pytest.fail.Exception, match="nframes"):
        swift.run(*words, cwd=tmp_path / "sft")


def test_the_lines_of_the_readme_train(swift: Environment, models: dict[str, Path], demo: Path, tmp_path: Path) -> None:
    own = (
        "--max_steps 3 --logging_steps 1 --per_device_train_batch_size 1 --use_cpu true --torch_dtype float32 "
        "--report_to none --save_strategy no --add_version false --output_dir ../model"
    )
    lines = readme("swift", model=models["qwen2_5_vl"], **{"--output_dir ../model": own})
    assert set(printed(follow(swift, lines, demo, tmp_path))) <= set(lines.split())
    log = [json.loads(row) for row in (tmp_path / "model" / "logging.jsonl").read_text().splitlines()]
    losses = [row["loss"] for row in log if "loss" in row]
    assert len(losses) == 3 and all(0 < loss < 13 for loss in losses)
