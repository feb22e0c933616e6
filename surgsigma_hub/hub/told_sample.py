"""A sample as a card tells it: conversation, trace and typed answer in words, and its JSON as a list that folds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ..ontology.forms import noun_of
from ..records import without_tags
from .markdown import code, plain

_KEYS = ("id", "task", "source", "media", "messages", "answer", "reasoning", "native", "provenance")
_LEVELS = ("perceptual", "relational", "contextual")
_LONGEST = 240
"""Characters of a text; what is longer is cut."""
_MOST = 4
"""Entries of a list."""


def told(doc: Mapping[str, Any]) -> list[str]:
    """Question, answer, reasoning and typed answer of a sample, as paragraphs."""
    text = [f"**{'Question' if turn['role'] == 'user' else 'Answer'}:** {said(turn)}" for turn in doc["messages"]]
    levels = [f"- *{level.capitalize()}:* {plain(trace)}" for level in _LEVELS if (trace := doc["reasoning"][level])]
    if levels:
        text.append("**Reasoning:**\n\n" + "\n".join(levels))
    if labels := list(dict.fromkeys(doc["answer"]["labels"] or [b["label"] for b in doc["answer"]["boxes"]])):
        text.append(f"**Typed answer:** {', '.join(plain(noun_of(label)) for label in labels)}")
    return text


def said(turn: Mapping[str, Any], longest: int | None = None) -> str:
    """A turn of a conversation on one line, without the marks of its media; cut after ``longest`` characters."""
    text = " ".join(without_tags(turn["content"]).split())
    return plain(text if longest is None or len(text) <= longest else f"{text[:longest]}…")


def in_part(doc: Mapping[str, Any]) -> str:
    """The JSON of a sample as a list in a list: what is empty is left out, what is long is cut."""
    return "\n".join(_listed({key: doc[key] for key in _KEYS if key in doc}, ""))


def _listed(fields: Mapping[str, Any], indent: str) -> Iterator[str]:
    for key, value in fields.items():
        if value in (None, [], "", {}):
            continue
        if isinstance(value, dict):
            yield f"{indent}- {code(key)}:"
            yield from _listed(value, indent + "  ")
        elif isinstance(value, list) and isinstance(value[0], dict):
            yield f"{indent}- {code(key)}:"
            yield from (f"{indent}  - {_inline(one)}" for one in value[:_MOST])
            yield from (f"{indent}  - {rest} more" for rest in [len(value) - _MOST] if rest > 0)
        else:
            yield f"{indent}- {code(key)}: {_inline(value)}"


def _inline(value: Any) -> str:
    """A value on one line."""
    if isinstance(value, dict):
        return ", ".join(f"{code(key)} {_inline(one)}" for key, one in value.items() if one not in (None, [], "", {}))
    if isinstance(value, list):
        more = f", {len(value) - _MOST} more" if len(value) > _MOST else ""
        return ", ".join(map(_inline, value[:_MOST])) + more
    if isinstance(value, float):
        return f"{value:.4g}"
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return plain(text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…")
