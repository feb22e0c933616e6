"""What a reader of a screen or a page sees: characters that act or hide made visible, and bytes in units."""

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


def size_text(count: int) -> str:
    """Bytes for a reader.

    >>> size_text(999), size_text(1_500_000)
    ('999 B', '1.5 MB')
    """
    size, unit = float(count), "B"
    for bigger in ("kB", "MB", "GB", "TB"):
        if size < 1000:
            break
        size, unit = size / 1000, bigger
    return f"{count} B" if unit == "B" else f"{size:.1f} {unit}"
