"""What trainers ask of a record, as their code was seen to read it; each reader gives the same plain form.

A reader checks the rules of its trainer with ``assert`` and returns turns as ``(role, text)``, pictures and films.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Read:
    """A record in plain form; ``thought`` is the trace that stands apart."""

    turns: list[tuple[str, str]]
    images: list[Any] = field(default_factory=list)
    videos: list[Any] = field(default_factory=list)
    system: str | None = None
    thought: str | None = None


def _alternate(read: Read, *, ends: str = "assistant") -> Read:
    roles = [role for role, _ in read.turns]
    assert roles == [("user", "assistant")[n % 2] for n in range(len(roles))], "turns must alternate, the user first"
    assert roles[-1] == ends
    assert all(text.strip() for _, text in read.turns), "no turn may be empty"
    for role, text in read.turns:
        if role == "assistant":
            assert "<image>" not in text and "<video>" not in text, "no tag may stand in an answer"
    return read


def _counted(read: Read) -> Read:
    """A tag for each medium, and no trace that stands apart: these trainers drop what they do not know by name."""
    said = "".join(text for _, text in read.turns)
    assert said.count("<image>") == len(read.images), "a tag for each picture"
    assert said.count("<video>") == len(read.videos), "a tag for each film"
    return _alternate(read)


_SIDES = {"human": "user", "gpt": "assistant"}


def _from_value(record: Mapping[str, Any]) -> list[tuple[str, str]]:
    return [(_SIDES[turn["from"]], turn["value"]) for turn in record["conversations"]]


def read_sharegpt(record: Mapping[str, Any]) -> Read:
    """LLaMA-Factory: both columns are always there, a film is a path or a list of pictures."""
    assert isinstance(record["images"], list) and isinstance(record["videos"], list)
    return _counted(Read(_from_value(record), record["images"], record["videos"], record.get("system")))


def _one_or_list(record: Mapping[str, Any], kind: str) -> list[Any]:
    value = record.get(kind, [])
    assert value != [] or kind not in record, "no key where there is nothing"
    return value if isinstance(value, list) else [value]


def read_qwen(record: Mapping[str, Any]) -> Read:
    """Qwen-VL finetune: ``image`` and ``video`` are a path or a list; ``images`` is not read at all."""
    assert "images" not in record and "videos" not in record
    return _counted(Read(_from_value(record), _one_or_list(record, "image"), _one_or_list(record, "video")))


def read_llava(record: Mapping[str, Any]) -> Read:
    """LLaVA: the first turn begins with the tag and a new line."""
    images, videos = (_one_or_list(record, kind) for kind in ("image", "video"))
    read = Read(_from_value(record), images, videos)
    assert record["id"] and read.turns[0][1].startswith(("<image>", "<video>"))
    assert read.turns[0][1].replace("<image>", "").replace("<video>", "").startswith("\n")
    return _counted(read)


def read_swift(record: Mapping[str, Any]) -> Read:
    """ms-swift: a key for media only where there are some; placeholders of boxes and names match ``objects``."""
    messages = list(record["messages"])
    system = messages.pop(0)["content"] if messages[0]["role"] == "system" else None
    turns = [(m["role"], m["content"]) for m in messages]
    assert record.get("images") != [] and record.get("videos") != []
    said = "".join(text for _, text in turns)
    objects = record.get("objects", {"ref": [], "bbox": [], "bbox_type": "norm1"})
    assert said.count("<bbox>") == len(objects["bbox"]) and said.count("<ref-object>") == len(objects["ref"])
    assert objects["bbox_type"] == "norm1"
    assert all(len(box) == 4 and min(box) >= 0 and max(box) <= 1 for box in objects["bbox"])
    assert all(box[0] < box[2] and box[1] < box[3] for box in objects["bbox"])
    return _counted(Read(turns, record.get("images", []), record.get("videos", []), system))


def _parts(content: Any) -> str:
    assert isinstance(content, list) and all(set(part) <= {"type", "text"} for part in content)
    return "".join("<image>" if part["type"] == "image" else part["text"] for part in content)


def _trl(record: Mapping[str, Any], key: str, ends: str) -> Read:
    messages = list(record[key])
    system = _parts(messages.pop(0)["content"]) if messages[0]["role"] == "system" else None
    read = Read(
        [(m["role"], _parts(m["content"])) for m in messages], record["images"], [], system,
        messages[-1].get("reasoning_content"),
    )  # fmt: skip
    assert sum(text.count("<image>") for _, text in read.turns) == len(read.images)
    return _alternate(read, ends=ends)


def read_trl(record: Mapping[str, Any]) -> Read:
    """TRL: typed parts, an empty image part for each picture."""
    return _trl(record, "messages", "assistant")


def read_grpo(record: Mapping[str, Any]) -> Read:
    """TRL, GRPO: the prompt ends with the question."""
    return _trl(record, "prompt", "user")


def read_verl(record: Mapping[str, Any]) -> Read:
    """verl: texts with tags (typed parts make every row fall out unseen), and what its reward gets."""
    messages = [dict(m) for m in record["prompt"]]
    assert all(isinstance(m["content"], str) for m in messages)
    system = messages.pop(0)["content"] if messages[0]["role"] == "system" else None
    assert all(set(image) == {"image"} for image in record["images"])
    assert record["reward_model"]["style"] == "rule" and isinstance(record["reward_model"]["ground_truth"], str)
    assert isinstance(record["extra_info"]["index"], int) and record["data_source"] and record["ability"]
    read = Read([(m["role"], m["content"]) for m in messages], [i["image"] for i in record["images"]], [], system)
    assert "".join(text for _, text in read.turns).count("<image>") == len(read.images)
    return _alternate(read, ends="user")


def read_easyr1(record: Mapping[str, Any]) -> Read:
    """EasyR1: one text with a tag for each path, and all that its reward is given in ``answer``."""
    assert set(record) == {"id", "task", "problem", "images", "answer"} and isinstance(record["answer"], str)
    assert record["problem"].count("<image>") == len(record["images"])
    return _alternate(Read([("user", record["problem"])], record["images"]), ends="user")


REWARDED = ("easyr1", "grpo", "verl")
"""Formats of prompts alone, whose answers are rewarded."""
ONE_TEXT = ("easyr1",)
"""Formats without turns: what was said before stands above the last question."""

READERS: dict[str, Callable[[Mapping[str, Any]], Read]] = {
    "easyr1": read_easyr1,
    "grpo": read_grpo,
    "llava": read_llava,
    "qwen": read_qwen,
    "sharegpt": read_sharegpt,
    "swift": read_swift,
    "trl": read_trl,
    "verl": read_verl,
}
