"""Keeping a key out of messages: masked whole, in pieces, in capitals and with other characters put in between."""

from __future__ import annotations

import re

_PIECE = 6
"""Characters of the key in a row that are masked wherever they stand; 4 where the key begins or ends with them."""
_END = 4
_MASK = "***"
_CHARACTER = re.compile(r"%([0-9A-Fa-f]{2})|.", re.DOTALL)


def masked(text: str, key: str | None) -> str:
    """``text`` without what can be told of ``key``; letters and digits alone count, whatever their case.

    >>> masked("bad key SK-NEVER-SEEN-4711, you sent s k - n e v e r", "sk-never-seen-4711")
    'bad key ***, you sent ***'
    >>> masked("Incorrect API key provided: sk-*******4711.", "sk-never-seen-4711")
    'Incorrect API key provided: sk-**********.'
    """
    plain, places = _letters(text)
    secret, _ = _letters(key or "")
    if len(secret) < _END:
        return text
    hidden = bytearray(len(text))
    for begin, end in _pieces(plain, secret):
        hidden[places[begin] : places[end - 1] + 1] = b"\1" * (places[end - 1] + 1 - places[begin])
    parts: list[str] = []
    for run in re.finditer(rb"\x01+|\x00+", bytes(hidden)):
        parts.append(_MASK if run.group()[0] else text[run.start() : run.end()])
    return "".join(parts)


def holds(text: str, key: str | None) -> bool:
    """Whether the whole key can be read in ``text``."""
    secret, _ = _letters(key or "")
    return len(secret) >= _END and secret in _letters(text)[0]


def _letters(text: str) -> tuple[str, list[int]]:
    """Letters and digits in lower case, and where each stands; ``%2d`` is one character, as in an address."""
    found: list[tuple[str, int]] = []
    for match in _CHARACTER.finditer(text):
        c = chr(int(match[1], 16)) if match[1] else match[0]
        if c.isalnum():
            found.append((c.lower()[:1], match.start()))
    return "".join(c for c, _ in found), [n for _, n in found]


def _pieces(plain: str, secret: str) -> list[tuple[int, int]]:
    found: list[tuple[int, int]] = []
    at = 0
    while at < len(plain):
        length = 0
        while at + length < len(plain) and plain[at : at + length + 1] in secret:
            length += 1
        piece = plain[at : at + length]
        if length >= min(_PIECE, len(secret)) or (
            length >= _END and (secret.startswith(piece) or secret.endswith(piece))
        ):
            found.append((at, at + length))
            at += length
        else:
            at += 1
    return found
