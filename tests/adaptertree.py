"""Choosing samples of the tree that the adapter tests share (its fixtures are in ``conftest``), and exports of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
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


def read_back(out: Path) -> list[dict[str, Any]]:
    """All records of an export, by nothing but ``json`` and ``pyarrow``."""
    found: list[dict[str, Any]] = [row for path in out.glob("*.parquet") for row in pq.read_table(path).to_pylist()]
    for path in sorted(out.glob("train*.json*")):
        text = path.read_text("utf-8")
        found += json.loads(text) if path.suffix == ".json" else [json.loads(line) for line in text.splitlines()]
    return found
