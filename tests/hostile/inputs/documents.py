"""The JSON of a sample, one field of it changed, inside a tree that is right in everything else."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import orjson

from handmade import SHARD, part, rewrite, small_tree

from ..guard import Sandbox
from ..registry import Maker, hostile

GONE = object()
"""Takes the field out."""

CHANGES: dict[str, tuple[str, Any]] = {
    "no-task": ("task", GONE),
    "task-unknown": ("task", "brain_surgery"),
    "task-number": ("task", 7),
    "task-climbs": ("task", "../../secret"),
    "id-number": ("id", 7),
    "id-empty": ("id", ""),
    "no-media": ("media", GONE),
    "media-null": ("media", None),
    "media-text": ("media", "image.jpg"),
    "media-none": ("media", []),
    "medium-number": ("media.0", 7),
    "medium-null": ("media.0", None),
    "no-member": ("media.0.member", GONE),
    "member-list": ("media.0.member", ["image.jpg"]),
    "member-other": ("media.0.member", "video.mp4"),
    "member-climbs": ("media.0.member", "../../secret.txt"),
    "kind-other": ("media.0.kind", "hologram"),
    "kind-video": ("media.0.kind", "video"),
    "role-number": ("media.0.role", 1),
    "sha-number": ("media.0.sha256", 1),
    "sha-climbs": ("media.0.sha256", "../../../../../../secret.txt"),
    "messages-null": ("messages", None),
    "messages-empty": ("messages", []),
    "message-text": ("messages.0", "<image> What?"),
    "content-null": ("messages.1.content", None),
    "content-number": ("messages.0.content", 7),
    "content-list": ("messages.0.content", [{"type": "text", "text": "What?"}]),
    "tags-many": ("messages.0.content", "<image>" * 5000),
    "role-system": ("messages.0.role", "system"),
    "answer-null": ("answer", None),
    "answer-text": ("answer", "preparation"),
    "boxes-null": ("answer.boxes", None),
    "boxes-number": ("answer.boxes", 3),
    "box-list": ("answer.boxes", [[0, 0, 1, 1]]),
    "box-text": ("answer.boxes", [{"label": "hook", "x1": "a", "y1": 0, "x2": 1, "y2": 1}]),
    "box-far": ("answer.boxes", [{"label": "hook", "x1": 1e300, "y1": 0, "x2": 1, "y2": 1}]),
    "answer-text-number": ("answer.text", 12),
    "reasoning-null": ("reasoning", None),
    "reasoning-list": ("reasoning", [1, 2, 3]),
    "level-text": ("reasoning.level", "3"),
    "level-list": ("reasoning.level", [3]),
    "level-ninety": ("reasoning.level", 90),
    "trace-number": ("reasoning", {"level": 1, "perceptual": 7, "relational": None, "contextual": None}),
    "trace-none": ("reasoning", {"level": 3, "perceptual": None, "relational": None, "contextual": None}),
    "width-text": ("width", "64"),
    "width-negative": ("width", -64),
    "width-huge": ("width", 10**18),
    "source-list": ("source", ["a"]),
    "source-null": ("source", None),
    "license-list": ("license", ["mit"]),
    "license-null": ("license", None),
    "split-long": ("split", "9" * 5000),
    "version-number": ("format_version", 1),
    "version-new": ("format_version", "9.9"),
    "version-long": ("format_version", "1." + "9" * 5000),
}


def changed(document: dict[str, Any], place: str, value: Any) -> dict[str, Any]:
    """A copy with the field at ``place`` (names and numbers joined by dots) set to ``value``."""
    made = copy.deepcopy(document)
    *way, last = [int(step) if step.isdecimal() else step for step in place.split(".")]
    inner: Any = made
    for step in way:
        inner = inner[step]
    if value is GONE:
        del inner[last]
    else:
        inner[last] = value
    return made


def tree_with(box: Sandbox, text: bytes) -> Path:
    """A small tree whose first training sample has this JSON."""
    tree = small_tree(box.inside / "tree")
    members = []
    for n, (made, media) in enumerate(part(tree)):
        members.append((f"{made.id}.json", orjson.dumps(made) if n else text))
        members += [(f"{made.id}.{member}", data) for member, data in media.items()]
    rewrite(tree, members)
    for other in (tree / SHARD).parent.glob("test*"):  # it would be read first
        other.unlink()
    return tree


def honest() -> dict[str, Any]:
    """The first training sample of the small tree, as JSON, with a trace."""
    document: dict[str, Any] = orjson.loads(orjson.dumps(part(Path())[0][0]))
    trace = {"level": 3, "perceptual": "Nothing is in view.", "relational": None, "contextual": "It is preparation."}
    return {**document, "reasoning": trace}


def _field(place: str, value: Any) -> Maker:
    return lambda box: tree_with(box, orjson.dumps(changed(honest(), place, value)))


def _text(text: bytes) -> Maker:
    return lambda box: tree_with(box, text)


for name, (place, value) in CHANGES.items():
    hostile(f"sample/{name}")(_field(place, value))

for name, text in {
    "empty": b"",
    "no-json": b"\xff\xfe{",
    "list": b"[]",
    "null": b"null",
    "number": b"9" * 400,
    "nan": b'{"id": NaN}',
    "nested": b"[" * 100_000,
    "nested-object": b'{"a":' * 100_000,
}.items():
    hostile(f"sample/{name}")(_text(text))
