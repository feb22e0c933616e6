"""Qwen-VL's own fine-tuning code, whose records have the form of LLaVA's.

It reads ``image`` alone: where a record has none for the tags of its question, the next record silently takes its place
(qwenvl/data/data_processor.py, 2026-01-30).
"""

from __future__ import annotations

from ..base import Adapter
from ..note import Written
from .llava import write


def _how(written: Written) -> str:
    entry = f'{{"annotation_path": "DIR/{written.file}", "data_path": "DIR"}}'
    # Its default bound, 451,584 pixels, holds with some versions of transformers and not with others.
    bounds = f", with --min_pixels {written.bounds[0]} --max_pixels {written.bounds[1]}" if written.bounds else ""
    return f"in qwenvl/data/__init__.py: {entry}{bounds}"


ADAPTER = Adapter(
    name="qwen",
    trainer="Qwen-VL finetune",
    description="conversations with from and value, and the path of what is looked at",
    write=write,
    videos=("file", "frames"),
    suffix=".jsonl",
    paired=("qwen2_5_vl", "qwen2_vl"),  # by their video processor in transformers, 5.10; that of Qwen3-VL repeats one
    system=False,
    how=_how,
)
