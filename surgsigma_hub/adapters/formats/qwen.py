"""Qwen-VL's own fine-tuning code: ``conversations``, and ``image``, ``images`` or ``video``."""

from __future__ import annotations

from typing import Any

from ..base import Adapter, Options
from ..conversation import Conversation
from .sharegpt import conversations


def _write(talk: Conversation, options: Options) -> dict[str, Any]:
    record: dict[str, Any] = {"id": talk.id, "task": talk.task}
    if any(isinstance(m.value, list) for m in talk.media):
        talk = talk.as_images()
    images = [m.value for m in talk.media if m.kind == "image"]
    videos = [m.value for m in talk.media if m.kind == "video"]
    if images:
        record |= {"image": images[0]} if len(images) == 1 else {"images": images}
    if videos:
        record["video"] = videos[0] if len(videos) == 1 else videos
    record["conversations"] = conversations(talk)
    record |= talk.apart()
    return record


ADAPTER = Adapter(
    name="qwen",
    trainer="Qwen-VL finetune",
    description="conversations with from and value, and the path of what is looked at",
    write=_write,
    videos=("file", "frames"),
    suffix=".jsonl",
    system=False,
    how='in qwenvl/data/__init__.py: {"annotation_path": "DIR/{file}", "data_path": "DIR"}',
)
