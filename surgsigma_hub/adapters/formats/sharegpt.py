"""LLaMA-Factory, ShareGPT form: ``conversations`` of ``from`` and ``value``, with ``images`` and ``videos``."""

from __future__ import annotations

from typing import Any

from ..base import Adapter, Options
from ..conversation import Conversation

SIDES = {"user": "human", "assistant": "gpt"}


def conversations(talk: Conversation) -> list[dict[str, str]]:
    """The turns as ``from`` and ``value``."""
    return [{"from": SIDES[turn.role], "value": turn.text} for turn in talk.turns]


def _write(talk: Conversation, options: Options) -> dict[str, Any]:
    record: dict[str, Any] = {"id": talk.id, "task": talk.task, "conversations": conversations(talk)}
    if talk.system is not None:
        record["system"] = talk.system
    # A film in frames stays one film: a list of pictures in the list of films.
    record["images"] = [m.value for m in talk.media if m.kind == "image"]
    record["videos"] = [m.value for m in talk.media if m.kind == "video"]
    record |= talk.apart()
    return record


def _info(file: str, options: Options) -> dict[str, Any]:
    columns = {"messages": "conversations", "images": "images", "videos": "videos"}
    if options.system is not None:
        columns["system"] = "system"
    return {"file_name": file, "formatting": "sharegpt", "columns": columns}


ADAPTER = Adapter(
    name="sharegpt",
    trainer="LLaMA-Factory",
    description="conversations with from and value, images and videos, and a dataset_info.json",
    write=_write,
    videos=("file", "frames"),
    suffix=".json",
    info=_info,
    how="llamafactory-cli train ... --dataset_dir DIR --media_dir DIR --dataset {names}",
)
