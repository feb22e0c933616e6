"""``surgsigma export`` for trainers that score answers: what a row holds, and that the truth gets the full reward."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from surgsigma_hub.adapters import Options, get_adapter
from surgsigma_hub.adapters.exporting import Choice, export
from surgsigma_hub.adapters.rewards import easyr1_reward, verl_reward
from surgsigma_hub.errors import SurgSigmaError

from adaptertree import read_back


def test_parquet_has_the_columns_that_verl_reads(adapter_tree: Path, tmp_path: Path) -> None:
    """A prompt of texts, images of paths, a reward that scores the truth 1: see tests/trainers for verl itself."""
    choice = Choice(config=("instrument_localization", "phase_recognition"))
    options = Options(boxes="qwen2_5_vl", system="Be brief.")
    report = export(adapter_tree, get_adapter("verl"), out=tmp_path / "out", options=options, choice=choice)
    table = pq.read_table(tmp_path / "out" / "train.parquet")
    assert table.schema == get_adapter("verl").columns().remove_metadata()  # type: ignore[misc]
    rows = table.to_pylist()
    assert len(rows) == report.records and len({row["extra_info"]["index"] for row in rows}) == len(rows)
    plain = {r["id"]: r for r in _exported("qwen", adapter_tree, tmp_path / "plain", options, choice)}
    for row in rows:
        answer = plain[row["id"]]["conversations"][-1]["value"]
        told = (row["data_source"], answer, row["reward_model"]["ground_truth"], row["extra_info"])
        whole = row["task"] == "phase_recognition"  # boxes are rounded to pixels of a small image
        assert verl_reward(*told) == 1.0 if whole else verl_reward(*told) > 0.8, answer
        assert verl_reward(told[0], "xyz", *told[2:], reward_model=None) == 0.0
    with pytest.raises(SurgSigmaError, match="without a task"):
        verl_reward("gsm8k", "4", "4", {})
    assert "verl_reward" in report.how and f"{tmp_path}" not in report.how


def test_answers_of_easyr1_hold_all_that_its_reward_wants(adapter_tree: Path, tmp_path: Path) -> None:
    """One text of a row is given to it; boxes are in pixels of what EasyR1 leaves to the model, enlarged or not."""
    choice = Choice(config=("instrument_localization", "phase_recognition"))
    options = Options(boxes="qwen2_5_vl")
    rows = _exported("easyr1", adapter_tree, tmp_path / "out", options, choice)
    seen = set()
    for row in rows:
        told = json.loads(row["answer"])
        width, height = told["size"]
        boxes = told["solution"]["boxes"]
        right = "; ".join(
            f"{b['label']} {[b['x1'] * width, b['y1'] * height, b['x2'] * width, b['y2'] * height]}" for b in boxes
        )
        said = [right or told["solution"]["text"], "xyz"]
        one, none = easyr1_reward([{"response": text, "ground_truth": row["answer"]} for text in said])
        assert one["overall"] == one["accuracy"] == pytest.approx(1, abs=1e-3) and none["overall"] == 0.0
        seen.add((width, height, bool(boxes)))
    assert {boxed for *_, boxed in seen} == {True, False} and all(w * h > 250_000 for w, h, _ in seen)
    with pytest.raises(SurgSigmaError, match="none of ours: '4'"):
        easyr1_reward([{"response": "4", "ground_truth": "4"}])


def _exported(name: str, tree: Path, out: Path, options: Options, choice: Choice) -> list[dict[str, Any]]:
    export(tree, get_adapter(name), out=out, options=dataclasses.replace(options, system=None), choice=choice)
    return read_back(out)
