"""TRL, GRPO and other trainers that ask and reward: a prompt, images, and what a reward needs to check an answer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from ...errors import UnfitError
from ...tasks import AnswerKind, all_tasks, get_task
from ..base import Adapter, Options
from ..conversation import Conversation
from .trl import how, messages

VERIFIABLE = frozenset(
    {
        AnswerKind.LABEL,
        AnswerKind.LABELS,
        AnswerKind.BOXES,
        AnswerKind.TRIPLETS,
        AnswerKind.CRITERIA,
        AnswerKind.SECONDS,
    }
)
"""Kinds of answers that a program can compare."""


def verifiable_tasks() -> tuple[str, ...]:
    """Names of the tasks whose answers can be checked."""
    return tuple(name for name, task in all_tasks().items() if task.answer in VERIFIABLE)


def check_verifiable(sample: Mapping[str, Any]) -> None:
    """Refuses a sample whose answer no program can compare.

    Raises:
        UnfitError: it is a text.
    """
    task = get_task(sample["task"])
    if task.answer not in VERIFIABLE:
        raise UnfitError(
            f"sample {sample['id']}: no program can tell whether an answer of {task.name} is right",
            reason="unverifiable",
            hint=f"Tasks that can be rewarded: {', '.join(verifiable_tasks())}.",
        )


def _write(talk: Conversation, options: Options) -> dict[str, Any]:
    talk = talk.as_images()
    size = talk.boxes.seen(talk.size) if talk.size is not None else None
    return {
        "id": talk.id,
        "task": talk.task,
        "prompt": messages(talk)[:-1],
        "images": talk.images(),
        "solution": orjson.dumps(talk.answer).decode(),
        "space": talk.boxes.space,
        "size": list(size) if size is not None else None,
    }


ADAPTER = Adapter(
    name="grpo",
    trainer="TRL GRPOTrainer",
    description="prompt and images; solution is the typed answer as JSON, boxes in shares of the frame; "
    "get_task(task).parse(completion, space=space, size=size, question=...) reads what a model prints",
    write=_write,
    turns=False,
    videos=("frames",),
    check=check_verifiable,
    how=how,
)
