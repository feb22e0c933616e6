"""The one definition of a sample: JSON Schema and ``datasets.Features``, both read off ``records.Sample``."""

from __future__ import annotations

import re
import types
from dataclasses import fields, is_dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, Literal, Union, get_args, get_origin, get_type_hints

import orjson

from . import records
from .errors import ShardError, UnknownNameError

if TYPE_CHECKING:
    from datasets import Features

KEY = re.compile(r"[A-Za-z0-9_-]+")
"""What a sample id, which is also its key in the tar, may look like (a dot would cut the key short)."""

MAX_KEY = 88
"""Longest sample id: with the longest member name it fits the name field of a plain tar header."""

MAX_MEMBER = 512 << 20
"""Most bytes of a member of a shard, which a reader may hold as a whole; our longest clips have a hundredth of it."""

MAX_JSON = 4 << 20
"""Most bytes of a sample's JSON, which takes up to some 30 times as many once it is read; ours have about 2,000."""

FORMAT_VERSION = "1.1"
"""Version of the form of samples and trees; a reader accepts its own major version with any minor up to its own.

1.1: shards are named by task, source and split, so that no two of a tree have one name; samples are those of 1.0.
"""
READ_VERSIONS = ("1.0", FORMAT_VERSION)
"""Versions that are usual, told without a look at their parts."""

Layout = Literal["tasks", "frames"]
"""How a part of a tree is laid out: a sample for each conversation, or one for each input medium."""


def chosen_layout(name: str) -> Layout:
    """The layout of a name.

    Raises:
        UnknownNameError: there is none.
    """
    if name not in get_args(Layout):
        raise UnknownNameError("layout", name, get_args(Layout))
    return name  # type: ignore[return-value]


_FORMS: dict[Layout, type] = {"tasks": records.Sample, "frames": records.MediumSample}

MEMBERS: dict[str, str] = {
    "image.jpg": "image",
    "video.mp4": "video",
    "target.png": "image",
    "target.jpg": "image",
    "target.mp4": "video",
}
"""The media members a sample can have, and the kind of column each becomes."""

_CONSTRAINTS: dict[tuple[str, str], dict[str, Any]] = {
    ("Sample", "format_version"): {"pattern": r"^\d+\.\d+$"},
    ("Sample", "id"): {"pattern": f"^{KEY.pattern}$", "maxLength": MAX_KEY},
    ("Sample", "frame_index"): {"minimum": 0},
    ("Sample", "fps"): {"exclusiveMinimum": 0},
    ("Sample", "start_seconds"): {"minimum": 0},
    ("Sample", "end_seconds"): {"minimum": 0},
    ("Sample", "width"): {"minimum": 1},
    ("Sample", "height"): {"minimum": 1},
    ("Sample", "messages"): {"minItems": 2},
    ("Media", "member"): {"enum": list(MEMBERS)},
    ("Media", "sha256"): {"pattern": "^[0-9a-f]{64}$"},
    ("Reasoning", "level"): {"minimum": 0, "maximum": 3},
    **{("AnswerBox", side): {"minimum": 0, "maximum": 1} for side in ("x1", "y1", "x2", "y2")},
    ("Answer", "seconds"): {"minimum": 0},
    ("MediumSample", "conversations"): {"minItems": 1},
}
_DEALT = (records.Conversation.__name__, records.MediumSample.__name__)
"""Records among which the fields of a sample are dealt."""


def _constraint(record: str, name: str) -> dict[str, Any]:
    if record in _DEALT:
        return _CONSTRAINTS.get((record, name)) or _CONSTRAINTS.get(("Sample", name), {})
    return _CONSTRAINTS.get((record, name), {})


_SCALARS: dict[type, tuple[str, str]] = {
    str: ("string", "string"),
    int: ("integer", "int64"),
    float: ("number", "float64"),
    bool: ("boolean", "bool"),
}


def _optional(hint: Any) -> tuple[Any, bool]:
    if get_origin(hint) in (Union, types.UnionType):
        inner = [a for a in get_args(hint) if a is not type(None)]
        if len(inner) == 1:
            return inner[0], True
    return hint, False


def _json_schema(hint: Any, constraint: dict[str, Any]) -> dict[str, Any]:
    hint, nullable = _optional(hint)
    if get_origin(hint) is Literal:
        options: list[Any] = list(get_args(hint))
        return {"enum": [*options, None] if nullable else options}
    if get_origin(hint) is tuple:
        return {"type": "array", "items": _json_schema(get_args(hint)[0], {}), **constraint}
    if isinstance(hint, type) and is_dataclass(hint):
        hints = get_type_hints(hint)
        names = [f.name for f in fields(hint)]
        properties = {n: _json_schema(hints[n], _constraint(hint.__name__, n)) for n in names}
        return {"type": "object", "properties": properties, "required": names, "additionalProperties": False}
    kind = _SCALARS[hint][0]
    return {"type": [kind, "null"] if nullable else kind, **constraint}


@cache
def json_schema(layout: Layout = "tasks") -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of a sample's JSON member, in the layout by task or by medium."""
    about = "One conversation about one piece of media" if layout == "tasks" else "One medium and all that is asked"
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "surgsigma-hub sample" if layout == "tasks" else "surgsigma-hub sample of the layout frames",
        "description": f"{about}, format version {FORMAT_VERSION}.",
        **_json_schema(_FORMS[layout], {}),
    }


def schema_text() -> str:
    """``schema.json`` as it is written to disk, with the form of the layout ``frames`` under ``$defs``."""
    other = {name: value for name, value in json_schema("frames").items() if name != "$schema"}
    both = {**json_schema(), "$defs": {"frames": other}}
    return orjson.dumps(both, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE).decode()


def _feature(hint: Any) -> Any:
    from datasets import List, Value

    hint, _ = _optional(hint)
    if get_origin(hint) is Literal:
        return Value("string")
    if get_origin(hint) is tuple:
        return List(_feature(get_args(hint)[0]))
    if is_dataclass(hint):
        hints = get_type_hints(hint)
        return {f.name: _feature(hints[f.name]) for f in fields(hint)}
    return Value(_SCALARS[hint][1])


def json_features(layout: Layout = "tasks") -> dict[str, Any]:
    """The features of the ``json`` column, in the order of ``records.Sample`` or ``records.MediumSample``."""
    made: dict[str, Any] = _feature(_FORMS[layout])
    return made


def shard_features(members: frozenset[str], layout: Layout = "tasks") -> Features:
    """Features of a config whose shards hold the given media members, as the packaged WebDataset builder reads them."""
    from datasets import Features, Image, Value, Video

    columns: dict[str, Any] = {"__key__": Value("string")}
    for member, kind in MEMBERS.items():
        if member in members:
            columns[member] = Image() if kind == "image" else Video(decode=False)
    columns["json"] = json_features(layout)
    return Features(columns)


def sample_bytes(sample: records.Sample) -> bytes:
    """The JSON member of a sample: all keys present, in the order of the record."""
    return orjson.dumps(sample)


def check_format_version(version: object, *, where: str) -> None:
    """Refuse data of a newer or foreign format version.

    Raises:
        ShardError: naming both versions.
    """
    if version in READ_VERSIONS:  # told at once, since streams ask of every sample
        return
    parts = version.split(".") if isinstance(version, str) else []
    if len(parts) != 2 or not all(part.isascii() and part.isdigit() and len(part) < 10 for part in parts):
        shown = repr(version)[:40] if isinstance(version, str) else f"of type {type(version).__name__}"
        raise ShardError(f"{where}: format version {shown} is not of the form MAJOR.MINOR")
    major, minor = map(int, parts)
    ours = tuple(int(part) for part in FORMAT_VERSION.split("."))
    if major != ours[0] or minor > ours[1]:
        raise ShardError(
            f"{where}: format version {version}, this package reads up to {FORMAT_VERSION}",
            hint="Upgrade with: pip install -U surgsigma-hub" if (major, minor) > ours else "Rebuild the tree.",
        )
