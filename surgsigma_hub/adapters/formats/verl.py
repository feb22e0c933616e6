"""verl, reinforcement learning: Parquet with ``prompt``, ``images``, and what its reward needs (0.9.1).

The text of a prompt holds ``<image>`` as often as there are images; typed parts would make verl leave every row out
without an error. It knows no reward for our data: ``surgsigma_hub.adapters.rewards.verl_reward`` is one.
"""

from __future__ import annotations

import hashlib
from typing import Any

import orjson

from ..base import Adapter, Options
from ..conversation import TAG, Conversation
from ..note import Written
from .grpo import check_verifiable


def _write(talk: Conversation, options: Options) -> dict[str, Any]:
    talk = talk.as_images()
    system = [] if talk.system is None else [{"role": "system", "content": talk.system}]
    asked = [{"role": turn.role, "content": turn.text} for turn in talk.turns[:-1]]
    size = talk.boxes.seen(talk.size) if talk.size is not None else None
    return {
        "id": talk.id,
        "task": talk.task,
        "data_source": f"surgsigma/{talk.task}",
        "prompt": [*system, *asked],
        "images": [{"image": value} for value in talk.images()],
        "ability": talk.task,
        "reward_model": {"style": "rule", "ground_truth": orjson.dumps(talk.answer).decode()},
        "extra_info": {
            "index": int.from_bytes(hashlib.sha256(talk.id.encode()).digest()[:7], "big"),
            "split": talk.sample["split"],
            "task": talk.task,
            "question": TAG.sub("", asked[-1]["content"]),
            "space": talk.boxes.space,
            "size": list(size) if size is not None else None,
        },
    }


def _columns() -> Any:
    import pyarrow as pa

    text, numbers = pa.string(), pa.list_(pa.int64())
    message = pa.struct([("role", text), ("content", text)])
    told = [("index", pa.int64()), ("split", text), ("task", text), ("question", text), ("space", text)]
    return pa.schema(
        [
            ("id", text),
            ("task", text),
            ("data_source", text),
            ("prompt", pa.list_(message)),
            ("images", pa.list_(pa.struct([("image", text)]))),
            ("ability", text),
            ("reward_model", pa.struct([("style", text), ("ground_truth", text)])),
            ("extra_info", pa.struct([*told, ("size", numbers)])),
        ]
    )


def _how(written: Written) -> str:
    files = ",".join(written.names)
    return (
        f"python -m verl.trainer.main_ppo data.train_files=[{files}] data.max_prompt_length=8192 "
        "reward.custom_reward_function.path=pkg://surgsigma_hub.adapters.rewards "
        "reward.custom_reward_function.name=verl_reward ..., from inside DIR: paths of media are relative to it; "
        "data.filter_overlong_prompts=true leaves out, without an error, what is longer than max_prompt_length tokens"
    )


ADAPTER = Adapter(
    name="verl",
    trainer="verl",
    description="Parquet of prompt, images and reward_model, whose ground_truth is the typed answer as JSON",
    write=_write,
    turns=False,
    videos=("frames",),
    suffix=".parquet",
    columns=_columns,
    check=check_verifiable,
    how=_how,
)
