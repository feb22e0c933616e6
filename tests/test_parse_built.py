"""The last answer of every sample that a build writes reads back to its typed answer: joined and explained ones too."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import orjson
from surgsigma_hub.api import build
from surgsigma_hub.shards.manifest import load_tree
from surgsigma_hub.shards.reader import read_shard
from surgsigma_hub.tasks import AnswerKind, get_task

OPTIONS = {"videos": "3", "frames": "40", "width": "64", "height": "48"}


def typed(answer: dict[str, Any]) -> dict[str, Any]:
    boxes = [{k: round(v, 3) if isinstance(v, float) else v for k, v in box.items()} for box in answer["boxes"]]
    criteria = [(c["criterion"], c["met"]) for c in answer["criteria"]]
    return {**{k: answer[k] for k in ("labels", "triplets", "seconds")}, "boxes": boxes, "criteria": criteria}


def test_what_is_said_is_what_is_meant(tmp_path: Path) -> None:
    out = tmp_path / "surgsigma"
    build("synthetic", out=out, options=OPTIONS, joint=0.5, explained=0.4)
    forms: Counter[str] = Counter()
    for manifest in load_tree(out):
        task = get_task(manifest.task)
        for shard in manifest.shards:
            with (out / manifest.folder / shard.name).open("rb") as file:
                for key, members in read_shard(file, where=shard.name):
                    doc = orjson.loads(members["json"])
                    said = doc["messages"][-1]["content"]
                    marks = [mark.split(":")[0] for mark in doc["provenance"]["augmentation"]]
                    forms.update(marks)
                    if task.answer is AnswerKind.MASK and key.endswith("-all"):
                        continue  # the words present the mask of all, and name no class
                    read = orjson.loads(orjson.dumps(task.parse(said)))
                    assert typed(read) == typed(doc["answer"]), (key, said)
    assert min(forms[form] for form in ("compound", "turns", "explained")) > 20
