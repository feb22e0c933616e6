"""The layout of an answer said in words: line ends, signs before items, checkboxes and tables become marks. Pure."""

from __future__ import annotations

import re

_GOOD = "✓✔✅☑🗹🟢👍"
_BAD = "✗✘❌☒✖🗷🚫⛔🔴👎☐⬜"
_SIGN = rf"(?P<yes>[{_GOOD}]|\[[ ]?[xX✓✔][ ]?\])|(?P<no>[{_BAD}]|\[[ ]?\](?=[ \t]*\w))"
_SIGNED = re.compile(rf"[ \t]*(?:[-+•][ \t]*|\d{{1,2}}[.)][ \t]*)?(?:{_SIGN})[ \t]*(?P<item>[^{_GOOD}{_BAD}\[\n]*)")
_ITEM_END = re.compile(r"\s*(?:[:;(\[—–=]|\s-\s|\.(?=\s|$)|$)")
_RULE = re.compile(r"[ \t|:+=-]*-{2,}[ \t|:+=-]*")
_FLAG = re.compile(rf"(?:yes|no|true|false|none|y|n|[01]|[{_GOOD}{_BAD}])", re.IGNORECASE)
_WRAPPED = 60
"""Characters of a line from which on it may have been broken for its width, in the middle of a sentence."""


def in_words(text: str) -> str:
    r"""``text`` on one line, with marks in place of what its layout says.

    A line end parts items, unless a long line goes on in lower case. A sign or a checkbox before an item becomes the
    item's own yes or no. A row of a table becomes "first cell: yes", or its cells with commas; its heading is left out.

    >>> in_words("Hook: no\nGrasper: yes")
    'Hook: no; Grasper: yes'
    >>> in_words("✅ two structures\n[ ] cystic plate (barely seen)")
    'two structures: yes; cystic plate: no'
    >>> in_words("| tool | seen |\n|---|---|\n| hook | no |")
    'hook: no'
    """
    lines: list[str] = []
    table_ended = False
    for line in text.splitlines():
        if "|" in line and _RULE.fullmatch(line):
            if lines and not table_ended:
                lines.pop()  # the heading of the table
            table_ended = True
            continue
        if line.strip():
            lines.append(_signs(_row(line)))
    return _joined(lines)


def _row(line: str) -> str:
    """A row of a table as words; any other line as it is."""
    if "|" not in line:
        return line
    cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
    flag = next((cell for cell in cells[1:] if _FLAG.fullmatch(cell)), None)
    return f"{cells[0]}: {flag}" if flag else ", ".join(cell for cell in cells if cell)


def _signs(line: str) -> str:
    """Signs before items as their values, "✅ A ❌ B" as "A: yes; B: no"; other lines as they are."""
    if not _SIGNED.match(line) or not line.strip():
        return line
    said: list[str] = []
    place = 0
    while (match := _SIGNED.match(line, place)) and match.end() > place:
        item = match["item"].strip()
        end = _ITEM_END.search(item)
        name = item[: end.start()] if end else item
        verdict = "yes" if match["yes"] else "no"
        said.append(f"{name.rstrip(' ,')}: {verdict}" if name else verdict)
        place = match.end()
    return "; ".join(said) + line[place:]


def _joined(lines: list[str]) -> str:
    text = ""
    for line in lines:
        before, after = text.rstrip(), line.strip()
        if not before or not after:
            text = before + after
        elif before[-1].isalnum() or before[-1] in f"\"')%{_GOOD}{_BAD}":
            goes_on = len(before) - before.rfind(";") > _WRAPPED and after[0].islower()
            parts = after[0].isalnum() or after[0] in "\"'"
            text = f"{before}{' ' if goes_on or not parts else '; '}{after}"
        else:
            text = f"{before} {after}"
    return text
