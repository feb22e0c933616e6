"""What a command is, and what all commands share."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """One word after ``surgsigma``.

    Attributes:
        help: One line for the list of commands.
        description: What it does, for its own ``--help``.
        examples: Command lines to copy, each with what it is for.
        arguments: Adds its arguments to a parser.
        run: Does it; returns the exit code.
        json: Whether it takes ``--json``.
    """

    name: str
    help: str
    description: str
    examples: tuple[tuple[str, str], ...]
    arguments: Callable[[argparse.ArgumentParser], None]
    run: Callable[[argparse.Namespace], int]
    json: bool = False

    @property
    def epilog(self) -> str:
        """The examples as help text."""
        return "examples:\n" + "\n".join(f"  {line}\n      {purpose}" for line, purpose in self.examples)


_UNITS = {"": 1, "B": 1, "KB": 2**10, "MB": 2**20, "GB": 2**30, "KIB": 2**10, "MIB": 2**20, "GIB": 2**30}


def size(text: str) -> int:
    """Bytes from a text such as ``256MB`` (units are powers of 1024).

    >>> size("256MB"), size("1.5 GiB"), size("4096")
    (268435456, 1610612736, 4096)
    """
    digits = text.strip().rstrip("BbKkMmGgIi").strip()
    unit = text.strip()[len(digits) :].strip().upper()
    try:
        if unit in _UNITS and (value := float(digits) * _UNITS[unit]) >= 1:
            return int(value)
    except (ValueError, OverflowError):
        pass
    raise argparse.ArgumentTypeError(f"{text!r} is not a size (expected a number with KB, MB or GB, such as 256MB)")


def share(text: str) -> float:
    """A share from ``0.05`` or ``5%``.

    >>> share("5%"), share("0.25")
    (0.05, 0.25)
    """
    try:
        value = float(text[:-1]) / 100 if text.endswith("%") else float(text)
        if 0 <= value <= 1:
            return value
    except ValueError:
        pass
    raise argparse.ArgumentTypeError(f"{text!r} is not a share (expected 0..1 or a percentage, such as 0.05 or 5%)")


_MOST = 2**53
"""No count of ours is larger; beyond it JSON loses digits."""


def _shown(text: str) -> str:
    return repr(text) if len(text) <= 40 else f"{text[:40]!r}..."


def positive(text: str) -> int:
    """A whole number of at least 1."""
    try:
        if 1 <= (value := int(text)) <= _MOST:
            return value
        if value > _MOST:
            raise argparse.ArgumentTypeError(f"{_shown(text)} is too large (expected at most {_MOST})")
    except ValueError:
        pass
    raise argparse.ArgumentTypeError(f"{_shown(text)} is not a whole number of at least 1")


def seed(text: str) -> int:
    """A whole number to seed an order with."""
    try:
        if abs(value := int(text)) <= _MOST:
            return value
    except ValueError:
        pass
    raise argparse.ArgumentTypeError(f"{_shown(text)} is not a whole number from {-_MOST} to {_MOST}")


def printable(text: str) -> str:
    """A text that can be written into a file of records."""
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            raise argparse.ArgumentTypeError(f"{text!r} is not UTF-8") from None
    return text


def above_0(text: str) -> float:
    """A number above 0."""
    try:
        if 0 < (value := float(text)) < float("inf"):
            return value
    except ValueError:
        pass
    raise argparse.ArgumentTypeError(f"{text!r} is not a number above 0")


def pair(text: str) -> tuple[str, str]:
    """``KEY=VALUE`` in two parts.

    >>> pair("split_scheme=challenge")
    ('split_scheme', 'challenge')
    """
    key, equals, value = text.partition("=")
    if not equals or not key.strip():
        raise argparse.ArgumentTypeError(f"{text!r} is not of the form KEY=VALUE")
    return key.strip(), value
