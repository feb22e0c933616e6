"""LLaMA-Factory, ShareGPT form: ``conversations`` of ``from`` and ``value``, with ``images`` and ``videos``."""

from __future__ import annotations

from typing import Any

from ..base import Adapter, Options
from ..boxes import TrainerResize
from ..conversation import Conversation
from ..note import Written

SIDES = {"user": "human", "assistant": "gpt"}
TEMPLATES = {
    "internvl": "intern_vl",
    "llava": "llava",
    "qwen2_5_vl": "qwen2_vl",
    "qwen2_vl": "qwen2_vl",
    "qwen3_vl": "qwen3_vl_nothink",
}
"""Its template for a family (0.9.5). ``qwen3_vl`` would put an empty thought before each answer without a trace, and
train it; ``qwen3_vl_nothink`` trains what stands in the record, a trace in it included."""


def conversations(talk: Conversation) -> list[dict[str, str]]:
    """The turns as ``from`` and ``value``."""
    return [{"from": SIDES[turn.role], "value": turn.text} for turn in talk.turns]


def _write(talk: Conversation, options: Options) -> dict[str, Any]:
    record: dict[str, Any] = {"id": talk.id, "task": talk.task, "conversations": conversations(talk)}
    if talk.system is not None:
        record["system"] = talk.system
    # A clip in frames stays one clip: a list of pictures in the list of clips.
    record["images"] = [m.value for m in talk.media if m.kind == "image"]
    record["videos"] = [m.value for m in talk.media if m.kind == "video"]
    return record


def _info(file: str, options: Options) -> dict[str, Any]:
    columns = {"messages": "conversations", "images": "images", "videos": "videos"}
    if options.system is not None:
        columns["system"] = "system"
    return {"file_name": file, "formatting": "sharegpt", "columns": columns}


def _how(written: Written) -> str:
    words = [
        f"llamafactory-cli train ... --dataset_dir DIR --media_dir DIR --dataset {','.join(written.names.values())}"
    ]
    if written.family is not None:
        words.append(f"--template {TEMPLATES[written.family]}")
    if written.bounds is not None:
        words.append(f"--image_min_pixels {written.bounds[0]} --image_max_pixels {written.bounds[1]}")
    if written.rate is not None:
        words.append(f"--video_fps {written.rate}")
    return " ".join(words)


ADAPTER = Adapter(
    name="sharegpt",
    trainer="LLaMA-Factory",
    description="conversations with from and value, images and videos, and a dataset_info.json",
    write=_write,
    videos=("file", "frames"),
    suffix=".json",
    info=_info,
    resizes=TrainerResize(),
    clocked=True,
    how=_how,
    rate="--video_fps",
)
