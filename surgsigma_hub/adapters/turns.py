"""A medium with several conversations as one, turn after turn: the picture stands in the first question only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from ..conformance import form_problem
from ..errors import SampleError
from ..shards.by_medium import samples_of
from .conversation import TAG, Conversation


def conversations_of(sample: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The samples behind what a stream gives: itself, or those of a medium in turns.

    Raises:
        SampleError: a medium of another form than ours.
    """
    if not isinstance(sample, Mapping) or "conversations" not in sample:
        return [sample]
    if problem := form_problem(sample, ("id", "source", "media", "conversations"), layout="frames"):
        raise SampleError(
            f"medium {str(sample.get('id'))[:200]}: {problem}",
            hint="Expected what stream(..., talk='turns') gives, or the JSON of a shard by medium.",
        )
    try:
        return list(samples_of(sample))
    except KeyError as error:
        raise SampleError(f"medium {sample['id']}: {error.args[0]} is missing") from None


def in_turns(talks: Sequence[Conversation], medium: Mapping[str, Any]) -> Conversation:
    """One conversation of several about one medium, in their order.

    Args:
        talks: Each as a conversation of its own; one or more.
        medium: What they are about, as the JSON of a shard by medium.

    Returns:
        With the medium's id; its task names all tasks, joined by ``+``, and its answer holds the boxes of all.
    """
    first, *others = talks
    later = [
        replace(turn, text=TAG.sub("", turn.text)) if turn.role == "user" else turn
        for one in others
        for turn in one.turns
    ]
    return replace(
        first,
        id=medium["id"],
        task="+".join(dict.fromkeys(one.task for one in talks)),
        turns=(*first.turns, *later),
        answer={**first.answer, "boxes": [box for one in talks for box in one.answer["boxes"] or ()]},
        sample=medium,
    )
