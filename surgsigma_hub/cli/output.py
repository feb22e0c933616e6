"""Printing, the one place that writes to a screen: tables, JSON and numbers that read well, and nothing that acts.

Names, keys and messages come from data and servers of others. A terminal takes some characters for orders (to move, to
recolour, to set the title, to write backwards), so they are shown as what they are.
"""

from __future__ import annotations

import json
import logging
import sys
import textwrap
import unicodedata
from collections.abc import Sequence
from typing import Any

import orjson

from ..visible import ACTING, visible


class EscapingFormatter(logging.Formatter):
    """Log records as lines that a terminal shows and does not obey."""

    def format(self, record: logging.LogRecord) -> str:
        """The record's line."""
        return visible(super().format(record))


def say(text: str = "", *, end: str = "\n", error: bool = False) -> None:
    """Print ``text`` on stdout, or on stderr where it is an ``error``."""
    print(visible(text), end=end, file=sys.stderr if error else sys.stdout)


def say_over(text: str) -> None:
    """Show ``text`` on stderr over what was there before; an empty one clears the line."""
    print(f"\r{visible(text):60}" + ("" if text else "\r"), end="", file=sys.stderr, flush=True)


def print_json(value: Any) -> None:
    """``value`` as indented JSON on stdout, escaped where a character could act."""
    try:
        text = orjson.dumps(value, option=orjson.OPT_INDENT_2 | orjson.OPT_NON_STR_KEYS, default=_plain).decode()
    except orjson.JSONEncodeError:  # names of files that are not UTF-8
        text = json.dumps(value, indent=2, default=_plain)
    print("".join(json.dumps(c)[1:-1] if unicodedata.category(c) in ACTING and c != "\n" else c for c in text))


def _plain(value: Any) -> Any:
    if isinstance(value, set | frozenset):
        return sorted(value)
    if hasattr(value, "items"):
        return dict(value)
    raise TypeError(f"{type(value).__name__} has no JSON form")


def table(header: Sequence[str], rows: Sequence[Sequence[object]], *, total: Sequence[object] | None = None) -> str:
    """Rows under a header; columns of numbers to the right, thousands apart."""
    body = [*rows, total] if total is not None else list(rows)
    if not body:
        return "(none)"
    cells = [[_cell(value) for value in row] for row in body]
    right = [all(isinstance(row[n], int | float | None) for row in rows) for n in range(len(header))]
    widths = [max(len(h), *(len(row[n]) for row in cells)) for n, h in enumerate(header)]

    def line(values: Sequence[str]) -> str:
        padded = (v.rjust(w) if r else v.ljust(w) for v, w, r in zip(values, widths, right, strict=True))
        return "  ".join(padded).rstrip()

    rule = "  ".join("-" * w for w in widths)
    lines = [line(list(header)), rule, *(line(row) for row in cells)]
    if total is not None:
        lines.insert(len(lines) - 1, rule)
    return "\n".join(lines)


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:,}" if isinstance(value, int) else visible(str(value).replace("\n", "\\n"))


def plural(count: int, noun: str) -> str:
    """A number and what it counts.

    >>> plural(1, "shard"), plural(1200, "shard")
    ('1 shard', '1,200 shards')
    """
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def wrapped(text: str, indent: str = "    ") -> str:
    """``text`` in lines that fit a terminal."""
    return textwrap.fill(" ".join(text.split()), 100, initial_indent=indent, subsequent_indent=indent)


def on_terminal() -> bool:
    """Whether progress may be shown: only to a person."""
    return sys.stderr.isatty()
