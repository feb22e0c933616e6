"""Characters that act or hide, made visible: for screens and pages that show names and texts of others."""

from __future__ import annotations

import unicodedata

ACTING = frozenset({"Cc", "Cf", "Cs", "Co", "Zl", "Zp"})
"""Unicode's categories of control, format (direction, no width, tags), surrogate, private and line ends."""


def visible(text: str, *, keep: str = "\n\t") -> str:
    r"""``text`` with a backslash form for every character that a terminal or a page could obey or hide.

    Args:
        text: Any text.
        keep: Characters that stay as they are.

    >>> print(visible("a\x1b[31mred " + chr(0x202E) + "kcab"))
    a\x1b[31mred \u202ekcab
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(c if c in keep or unicodedata.category(c) not in ACTING else _code(c) for c in text)


def _code(c: str) -> str:
    return f"\\x{ord(c):02x}" if ord(c) < 256 else f"\\u{ord(c):04x}" if ord(c) < 65536 else f"\\U{ord(c):08x}"
