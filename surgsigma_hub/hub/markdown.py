"""Writing Markdown, the one place that does: texts of others are shown, and are neither markup nor HTML nor links."""

from __future__ import annotations

import re
from collections.abc import Iterable

from ..visible import visible

MARK = "<!-- Written by surgsigma-hub from the manifests of this tree; changes are lost when it is written again. -->"
"""First line of every generated page."""

_ACTS = re.compile(r"[\\`*\[\]|~]|(?<!\w)_|_(?!\w)|^\s*(?:[#+-]|\d+[.)])(?=\s)")
_LINKS = re.compile(r":(?=//)|(?<=\bwww)\.|@", re.IGNORECASE)
_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
_LONGEST = 1000


class Markup(str):
    """Markdown that was written on purpose; every other text is escaped on its way into a page."""

    __slots__ = ()


def plain(value: object) -> str:
    r"""A value as it reads, on one line.

    >>> plain("<b>|a_b|\n# www.x.org, http://x")
    '&lt;b&gt;\\|a_b\\| # www\\.x.org, http\\://x'
    """
    text = _one_line(value)
    text = _ACTS.sub(lambda m: f"\\{m[0]}" if len(m[0]) == 1 else f"{m[0][:-1]}\\{m[0][-1]}", text)
    text = _LINKS.sub(lambda m: f"\\{m[0]}", text)
    return "".join(_ENTITIES.get(c, c) for c in text)


def code(value: object) -> Markup:
    """A value as a span of code.

    >>> code("a`b")
    '`` a`b ``'
    """
    text = _one_line(value)
    if "`" not in text:
        return Markup(f"`{text}`" if text else "")
    fence = "`" * (max(len(run) for run in re.findall("`+", text)) + 1)
    return Markup(f"{fence} {text} {fence}")


def link(title: object, target: str) -> Markup:
    """A link to a page of the tree, whose ``target`` is of our own making."""
    return Markup(f"[{plain(title)}]({target})")


def table(head: Iterable[str], rows: Iterable[Iterable[object]]) -> str:
    """A Markdown table; cells are shown as they read, unless they are :class:`Markup`."""
    titles = list(head)
    lines = [f"| {' | '.join(titles)} |", f"| {' | '.join(['---'] * len(titles))} |"]
    lines += [f"| {' | '.join(map(_cell, row))} |" for row in rows]
    return "\n".join(lines)


def _cell(value: object) -> str:
    # A code span in a table ends at a bar, so that one is escaped there too.
    return re.sub(r"(?<!\\)\|", r"\\|", value) if isinstance(value, Markup) else plain(value)


def _one_line(value: object) -> str:
    text = str(value)
    text = text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."
    return visible(" ".join(text.split()), keep="")
