"""Printing: tables, JSON and numbers that read well."""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Sequence
from typing import Any

import orjson


def print_json(value: Any) -> None:
    """``value`` as indented JSON on stdout."""
    text = orjson.dumps(value, option=orjson.OPT_INDENT_2 | orjson.OPT_NON_STR_KEYS, default=_plain)
    print(text.decode())


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
    return f"{value:,}" if isinstance(value, int) else str(value)


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
