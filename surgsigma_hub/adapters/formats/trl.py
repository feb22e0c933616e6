"""TRL, supervised fine-tuning: ``messages`` of typed parts, and ``images``."""

from __future__ import annotations

from typing import Any

from ..base import Adapter, Options
from ..conversation import TAG, Conversation
from ..note import Written

THOUGHT = "reasoning_content"


def parts(text: str) -> list[dict[str, str]]:
    r"""A turn as parts of a content list, an empty image part for each tag.

    >>> parts("<image>\nWhat is seen?")
    [{'type': 'image'}, {'type': 'text', 'text': 'What is seen?'}]
    """
    made: list[dict[str, str]] = []
    at = 0
    for match in TAG.finditer(text):
        if match.start() > at:
            made.append({"type": "text", "text": text[at : match.start()]})
        made.append({"type": match.group(1)})
        at = match.end()
    return made if at == len(text) and made else [*made, {"type": "text", "text": text[at:]}]


def messages(talk: Conversation) -> list[dict[str, Any]]:
    """The turns of a conversation, a system prompt before them."""
    made: list[dict[str, Any]] = []
    if talk.system is not None:
        made.append({"role": "system", "content": [{"type": "text", "text": talk.system}]})
    for turn in talk.turns:
        message: dict[str, Any] = {"role": turn.role, "content": parts(turn.text)}
        if turn.thought is not None:
            message[THOUGHT] = turn.thought
        made.append(message)
    return made


def _write(talk: Conversation, options: Options) -> dict[str, Any]:
    talk = talk.as_images()
    return {"id": talk.id, "task": talk.task, "messages": messages(talk), "images": talk.images()}


def how(written: Written) -> str:
    """What reads the file."""
    loaded = f"load_dataset('json', data_files='{written.file}')['train']"
    return f"{loaded}.cast_column('images', List(Image())), from inside DIR"


ADAPTER = Adapter(
    name="trl",
    trainer="TRL SFTTrainer",
    description="messages with typed content parts, and images; videos as frames",
    write=_write,
    videos=("frames",),
    thought=THOUGHT,
    how=how,
)
