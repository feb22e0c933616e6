"""EasyR1, reinforcement learning: ``problem`` with ``<image>`` tags, ``images``, and ``answer`` for its reward.

Its reward gets the answer and nothing else of a row, so ``answer`` holds what ``verl_reward`` finds in two columns:
``surgsigma_hub.adapters.rewards.easyr1_reward`` reads it (2026-07-30: verl/utils/dataset.py, workers/reward). There is
no place for turns: questions and answers before the last question stand above it, a line each.
"""

from __future__ import annotations

from typing import Any

import orjson

from ..base import Adapter, Options
from ..boxes import TrainerResize
from ..conversation import TAG, Conversation
from ..note import Written
from .grpo import check_verifiable

RESIZE = TrainerResize(max_pixels=4_194_304, min_pixels=262_144, shortest=1)
"""Its ``data.max_pixels`` and ``data.min_pixels``: what is smaller is made larger before the model looks."""


def _write(talk: Conversation, options: Options) -> dict[str, Any]:
    talk = talk.as_images()
    *before, asked = (turn.text for turn in talk.turns[:-1])
    size = talk.boxes.seen(talk.size) if talk.size is not None else None
    truth = {
        "solution": talk.answer,
        "task": talk.task,
        "question": TAG.sub("", asked),
        "space": talk.boxes.space,
        "size": list(size) if size is not None else None,
    }
    return {
        "id": talk.id,
        "task": talk.task,
        "problem": "\n".join([*before, asked]),
        "images": talk.images(),
        "answer": orjson.dumps(truth).decode(),
    }


def _how(written: Written) -> str:
    least, most = written.bounds or (RESIZE.min_pixels, RESIZE.max_pixels)
    return (
        f"python -m verl.trainer.main config=examples/config.yaml data.train_files=DIR/{written.file} "
        f"data.image_dir=DIR data.format_prompt=null data.min_pixels={least} data.max_pixels={most} "
        "data.max_prompt_length=8192 worker.reward.reward_function=reward.py:easyr1_reward ..., with a reward.py of "
        "the line: from surgsigma_hub.adapters.rewards import easyr1_reward"
    )


ADAPTER = Adapter(
    name="easyr1",
    trainer="EasyR1",
    description="problem, images and answer, which is the typed answer as JSON with its task and question",
    write=_write,
    turns=False,
    videos=("frames",),
    system=False,
    resizes=RESIZE,
    check=check_verifiable,
    how=_how,
)
