"""ms-swift: ``messages`` with tags in the text, ``images``, ``videos``, and on request ``objects`` for the boxes.

With ``boxes="objects"`` each box is a ``<bbox>`` and each name of what is boxed a ``<ref-object>``; ms-swift writes
both as the model at hand expects them: Qwen-VL's as ``<|box_start|>`` tokens, or as a list in brackets where
QWENVL_BBOX_FORMAT=new is in its environment (4.6.0). The words of the questions then say nothing of numbers.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from ...ontology import concept
from ...records import AnswerBox, Box
from ...tasks import get_task
from ...tasks.common.answers import box_text
from ..base import Adapter, Options
from ..box_text import OURS
from ..conversation import Conversation
from ..note import Written


def _write(talk: Conversation, options: Options) -> dict[str, Any]:
    messages = [{"role": turn.role, "content": turn.text} for turn in talk.turns]
    record: dict[str, Any] = {"id": talk.id, "task": talk.task, "messages": messages}
    if talk.system is not None:
        messages.insert(0, {"role": "system", "content": talk.system})
    for kind in ("image", "video"):
        values = [m.value for m in talk.media if m.kind == kind]
        if values:
            record[f"{kind}s"] = values
    if options.convention.convention == "objects" and (objects := _take_objects(talk, messages)):
        record["objects"] = objects
    return record


def _take_objects(talk: Conversation, messages: list[dict[str, str]]) -> dict[str, Any]:
    """Boxes and names out of the turns, placeholders in their stead; nothing where there is no box."""
    boxes = [AnswerBox(b["label"], b["x1"], b["y1"], b["x2"], b["y2"]) for b in talk.answer["boxes"] or ()]
    exact = {box_text(box): box for box in boxes}
    kind = next(iter(get_task(talk.task).label_kinds), None)
    names = {concept(kind, box.label).name for box in boxes if box.label} if kind is not None else set()
    found: dict[str, Any] = {"ref": [], "bbox": [], "bbox_type": "norm1"}
    for message in messages:
        if message["role"] == "system":
            continue
        parts: list[str] = []
        at, text = 0, message["content"]
        for match in OURS.finditer(text):
            box = exact.get(match.group()) or Box(*(float(n) for n in match.groups()))
            found["bbox"].append([box.x1, box.y1, box.x2, box.y2])
            parts += [_refs(text[at : match.start()], names, found["ref"]), "<bbox>"]
            at = match.end()
        message["content"] = "".join([*parts, _refs(text[at:], names, found["ref"])])
    return found if found["bbox"] else {}


def _refs(text: str, names: Iterable[str], found: list[str]) -> str:
    longest_first = sorted(names, key=len, reverse=True)
    if not longest_first:
        return text
    pattern = re.compile(rf"\b(?:{'|'.join(map(re.escape, longest_first))})\b", re.IGNORECASE)

    def take(match: re.Match[str]) -> str:
        found.append(match.group())
        return "<ref-object>"

    return pattern.sub(take, text)


def _part(record: Mapping[str, Any]) -> str:
    return "boxes" if "objects" in record else "video" if "videos" in record else ""


def _how(written: Written) -> str:
    words = []
    if written.boxes.convention == "objects":
        words.append("QWENVL_BBOX_FORMAT=new")
    if written.bounds is not None:
        words.append(f"MIN_PIXELS={written.bounds[0]} MAX_PIXELS={written.bounds[1]}")
    if written.rate is not None:
        words.append(f"FPS={written.rate}")
    words.append(f"swift sft --dataset {written.files}, from inside DIR: paths of media are relative to it")
    return " ".join(words)


ADAPTER = Adapter(
    name="swift",
    trainer="ms-swift",
    description="messages with tags, images and videos; objects for boxes on request",
    write=_write,
    videos=("file", "frames"),
    objects=True,
    part=_part,
    paired=("qwen2_5_vl", "qwen2_vl", "qwen3_vl"),  # by way of qwen-vl-utils 0.0.14
    clocked=True,
    how=_how,
    rate="FPS",
)
