"""Choosing samples of the tree that the adapter tests share; its fixtures are in ``conftest``."""

from __future__ import annotations

from surgsigma_hub.streaming import StreamSample


def textual(item: StreamSample) -> bool:
    """Whether a text can be the answer, told from the tree alone."""
    return all(m["role"] == "input" for m in item.sample["media"])


def first_of_each_task(items: list[StreamSample], *, most: int = 6) -> list[StreamSample]:
    """A few samples of each task, dialogues of several turns among them."""
    found: dict[tuple[str, int], list[StreamSample]] = {}
    for item in items:
        found.setdefault((item.sample["task"], len(item.sample["messages"])), []).append(item)
    return [item for some in found.values() for item in some[:most]]
