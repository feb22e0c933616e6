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
from surgsigma_hub.tasks.common.question_kinds import Form, QuestionKind, form_of, kind_of

OPTIONS = {"videos": "3", "frames": "40", "width": "64", "height": "48"}


def typed(answer: dict[str, Any]) -> dict[str, Any]:
    boxes = [{k: round(v, 3) if isinstance(v, float) else v for k, v in box.items()} for box in answer["boxes"]]
    criteria = [(c["criterion"], c["met"]) for c in answer["criteria"]]
    return {**{k: answer[k] for k in ("labels", "triplets", "seconds")}, "boxes": boxes, "criteria": criteria}


def test_what_is_said_is_what_is_meant(tmp_path: Path) -> None:
    out = tmp_path / "surgsigma"
    build("synthetic", out=out, options=OPTIONS, joint=0.5, explained=0.4)
    forms: Counter[str] = Counter()
    kinds: Counter[str] = Counter()
    asked_for: Counter[str | None] = Counter()
    for manifest in load_tree(out):
        task = get_task(manifest.task)
        for shard in manifest.shards:
            with (out / manifest.folder / shard.name).open("rb") as file:
                for key, members in read_shard(file, where=shard.name):
                    doc = orjson.loads(members["json"])
                    question, said = (turn["content"] for turn in doc["messages"][-2:])
                    kinds[kind_of(doc["provenance"]["template"])] += 1
                    asked_for[form_of(doc["provenance"]["template"])] += 1
                    marks = [mark.split(":")[0] for mark in doc["provenance"]["augmentation"]]
                    forms.update(marks)
                    if task.answer is AnswerKind.MASK and key.endswith("-all"):
                        continue  # the words present the mask of all, and name no class
                    read = orjson.loads(orjson.dumps(task.parse(said, question=question)))
                    assert typed(read) == typed(doc["answer"]), (key, said)
    assert min(forms[form] for form in ("compound", "turns", "explained")) > 20
    assert {*kinds} == {*QuestionKind} - {QuestionKind.SOURCE}, "every kind of question of ours is asked"
    assert {*asked_for} == {None, *Form}, "every form is asked for"


def test_the_style_of_the_paper_asks_plain_open_questions_alone(tmp_path: Path) -> None:
    out = tmp_path / "surgsigma"
    build("synthetic", out=out, options={**OPTIONS, "videos": "1"}, style="paper", joint=0.0, explained=0.0)
    templates = []
    for manifest in load_tree(out):
        for shard in manifest.shards:
            with (out / manifest.folder / shard.name).open("rb") as file:
                templates += [
                    orjson.loads(members["json"])["provenance"]["template"]
                    for _, members in read_shard(file, where=shard.name)
                ]
    assert len(templates) > 100
    assert {kind_of(t) for t in templates} == {QuestionKind.OPEN} and {form_of(t) for t in templates} == {None}
