"""The published text form of a three-level reasoning trace: ``<think>Level 1: ... Level 2: ...</think><answer>...``."""

from __future__ import annotations

import re
from typing import Literal

from ..errors import BadRowError
from ..records import Trace
from .grounding import shortened

Level = Literal[1, 2, 3]

_BLANK = r"[ \t]{0,8}"
_MARKS = r"[#*_>]{0,8}"
_ASIDE = r"(?:\([^()\n]{0,80}\))?"  # "Level 1 (Perceptual grounding):"
_HEADING = rf"{_MARKS}{_BLANK}\blevel{_BLANK}([1-3]){_BLANK}{_ASIDE}{_BLANK}{_MARKS}{_BLANK}:{_BLANK}{_MARKS}"
_AT_LINE_START = re.compile(rf"^{_BLANK}{_HEADING}", re.IGNORECASE | re.MULTILINE)
_ANYWHERE = re.compile(_HEADING, re.IGNORECASE)
_THINK = re.compile(r"<think>(.*?)(?:</think>|<answer>|\Z)", re.IGNORECASE | re.DOTALL)
_ANSWER = re.compile(r"<answer>(.*?)(?:</answer>|\Z)", re.IGNORECASE | re.DOTALL)
_TAGS = re.compile(r"</?(?:think|answer)>", re.IGNORECASE)


def parse_trace(text: str, *, unmarked: Level | None = None, model: str | None = None) -> Trace | None:
    r"""Read the levels of a trace; the words of each level are kept as they are.

    Tags may be missing or left open, the blank after a level's colon too, and levels may be missing or in any order.
    The sentence before the first level ("This is a Level 1 task ...") names the depth only and is dropped. A heading
    inside a line counts only where no line begins with one.

    Args:
        text: With or without ``<think>``; an ``<answer>`` part is ignored, and may contradict the trace.
        unmarked: The level that a text without any heading belongs to; None reads no level from such a text.
        model: What wrote the trace, when known.

    Returns:
        The trace, or None where the text holds no level.

    Raises:
        BadRowError: control tokens of a language model (``<|``).

    >>> parse_trace("<think>A Level 1 task.\n\nLevel 1:A hook.\nLevel 2: It cuts.</think>").relational
    'It cuts.'
    """
    if "<|" in text:
        raise BadRowError(f"trace {shortened(text)} holds control tokens of a language model ('<|')")
    body = thought_of(text)
    headings = list(_AT_LINE_START.finditer(body)) or list(_ANYWHERE.finditer(body))
    levels: dict[int, list[str]] = {}
    for n, heading in enumerate(headings):
        end = headings[n + 1].start() if n + 1 < len(headings) else len(body)
        words = body[heading.end() : end].strip()
        if words:
            levels.setdefault(int(heading.group(1)), []).append(words)
    if not headings and unmarked is not None and body.strip():
        levels[unmarked] = [body.strip()]
    if not levels:
        return None
    perceptual, relational, contextual = ("\n\n".join(levels[n]) if n in levels else None for n in (1, 2, 3))
    return Trace(perceptual, relational, contextual, model)


def levels_of(text: str) -> tuple[int, ...]:
    r"""The numbers of the level headings of a reasoning part, in the order of the text, repeats too.

    >>> levels_of("<think>Level 1: A hook.\nLevel 3: The end.</think><answer>hook</answer>")
    (1, 3)
    """
    body = thought_of(text)
    return tuple(int(h.group(1)) for h in list(_AT_LINE_START.finditer(body)) or list(_ANYWHERE.finditer(body)))


def thought_of(text: str) -> str:
    """The reasoning part: what stands in ``<think>``, or all but the answer where there is no such tag.

    >>> thought_of("<think>A hook.</think><answer>hook</answer>")
    'A hook.'
    """
    match = _THINK.search(text)
    if match is not None:
        return match.group(1)
    return _TAGS.sub("", _ANSWER.sub("", text))


def answer_of(text: str) -> str | None:
    """What stands in ``<answer>``, or None.

    >>> answer_of("<think>A hook.</think> <answer> hook </answer>")
    'hook'
    """
    match = _ANSWER.search(text)
    return match.group(1).strip() if match else None
