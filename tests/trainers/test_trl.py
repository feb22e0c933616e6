"""The program of README.md for TRL trains, and teaches the answers alone, with the boxes that the model sees."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from drawn import BANNER, SIZES, write_stills
from kit import Environment, answers, check_boxes, demo, environment, follow, readme, tiny

pytestmark = pytest.mark.slow
__all__ = ["demo"]
LAST = "SFTTrainer(name, config, data_collator=collator, train_dataset=rows).train()\n"
TRAINED = """
trainer = SFTTrainer(name, config, data_collator=collator, train_dataset=rows.select(range(40)))
trainer.train()
import json
print(json.dumps({"losses": [entry["loss"] for entry in trainer.state.log_history if "loss" in entry]}))
"""
LOOKED_AT = """
import json, seen
for row in rows:
    batch = collator([row])
    learned = seen.learned(batch["input_ids"][0], batch["labels"][0], collator.processor.tokenizer)
    print(json.dumps({"id": row["id"], "learned": learned, **seen.media(batch, collator.processor)}))
"""


@pytest.fixture(scope="module")
def trl() -> Environment:
    return environment("trl")


@pytest.fixture(scope="module")
def model(trl: Environment, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny(trl, "qwen2_5_vl", tmp_path_factory.mktemp("models"))


def run(trl: Environment, model: Path, home: Path, folder: Path, ending: str) -> list[Any]:
    """The lines of JSON that the program prints with another ending, on the tree of ``home``."""
    own = (
        'output_dir="../model", max_steps=3, logging_steps=1, per_device_train_batch_size=2, use_cpu=True, bf16=False, '
        'report_to="none", save_strategy="no", disable_tqdm=True, '
    )
    folder.mkdir()
    program = folder / "train.py"
    program.write_text(readme("trl", model=model, **{'output_dir="../model", ': own, LAST: ending}), "utf-8")
    said = follow(trl, f"python {program.name}", home, folder).splitlines()
    return [json.loads(line) for line in said if line.startswith('{"')]


def test_the_program_of_the_readme_trains(trl: Environment, model: Path, demo: Path, tmp_path: Path) -> None:
    (found,) = run(trl, model, demo, tmp_path / "home", TRAINED)
    losses = found["losses"]
    assert len(losses) == 3 and all(0 < loss < 12 for loss in losses)


def test_boxes_meet_what_the_model_sees(trl: Environment, model: Path, tmp_path: Path) -> None:
    stills = write_stills(tmp_path / "surgsigma", BANNER)
    found = {one["id"]: one for one in run(trl, model, tmp_path, tmp_path / "home", LOOKED_AT)}
    rows = (tmp_path / "home" / "sft-trl" / "train.jsonl").read_text("utf-8").splitlines()
    pairs = [(record, found[record["id"]]) for record in map(json.loads, rows)]
    assert len(pairs) == len(stills) == len(found)
    assert len(check_boxes(pairs, stills, "qwen2_5_vl")) == len(SIZES) + 1
    for record, one in pairs:
        ((answer,),) = answers(record)
        assert [text.rstrip("\n") for text in one["learned"]] == [f"{answer['text']}<|im_end|>"]
