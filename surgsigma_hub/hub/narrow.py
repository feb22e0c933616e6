"""Markdown that fits a telephone: what would scroll sideways there, a wide table or block of code, becomes a list."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import groupby, zip_longest

_SCREEN = 350
"""Pixels that a table has on a screen of 390, within the margins of the Hub's pages."""
_CELL, _LETTER, _CODE = 27, 10, 8.5
"""Pixels beside the text of a cell, of a wide letter at 16 pixels, and of one of code."""
_LINE = 38
"""Characters of a line of code that fit."""
_FENCE = re.compile(r"^```\n(.*?)\n```$", re.DOTALL | re.MULTILINE)
_BAR = re.compile(r"(?<!\\)\|")
_SPAN = re.compile(r"`+[^`]+`+")
_LINK = re.compile(r"\]\([^)]*\)")


def narrow(text: str) -> str:
    r"""A page without what is wider than a telephone; languages in which a reader copies code stay as they are.

    >>> print(narrow("```\nhome/\n  a/very/long/path/of/a/folder/0001.png    the first\n```"))
    - `home/`
      - `a/very/long/path/of/a/folder/0001.png` the first
    """
    text = _FENCE.sub(lambda found: _layout(found[1].split("\n"), found[0]), text)
    return "\n".join(
        line
        for is_table, lines in groupby(text.split("\n"), key=lambda line: line.startswith("|"))
        for line in (_table(list(lines)) if is_table else lines)
    )


def _layout(lines: Sequence[str], as_it_was: str) -> str:
    """The layout of a folder as a list in a list; as it was where every line fits."""
    if max(map(len, lines)) <= _LINE:
        return as_it_was
    depths = sorted({_depth(line) for line in lines if line.strip()})
    made = []
    for line in filter(str.strip, lines):
        path, _, said = line.strip().partition("  ")
        made.append(f"{'  ' * depths.index(_depth(line))}- `{path}`{f' {said.strip()}' if said.strip() else ''}")
    return "\n".join(made)


def _depth(line: str) -> int:
    return len(line) - len(line.lstrip())


def _table(lines: Sequence[str]) -> Iterator[str]:
    """A table as it was where it fits, else an item for each row, with the titles of its columns."""
    head, *rows = [_cells(line) for n, line in enumerate(lines) if n != 1]
    if sum(_CELL + max(map(_widest, column)) for column in zip_longest(head, *rows, fillvalue="")) <= _SCREEN:
        yield from lines
        return
    for first, *rest in rows:
        said = [f"{title}: {cell}" if title else cell for title, cell in zip(head[1:], rest, strict=False) if cell]
        yield f"- {_strong(first)}: {'; '.join(said)}" if said else f"- {_strong(first)}"


def _cells(line: str) -> list[str]:
    return [cell.strip() for cell in _BAR.split(line.strip().strip("|"))]


def _widest(cell: str) -> float:
    """Pixels of what cannot be folded in a cell."""
    code = [_CODE * len(word) for span in _SPAN.findall(cell) for word in re.split(r"(?<=-)|\s", span.strip("`"))]
    words = re.split(r"[\s-]", _LINK.sub("", _SPAN.sub(" ", cell)))
    return max([*code, *(_LETTER * len(word.strip("*[]<>")) for word in words)], default=0)


def _strong(cell: str) -> str:
    return cell if "`" in cell or "*" in cell or not cell else f"**{cell}**"
