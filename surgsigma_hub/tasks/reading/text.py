"""Answers that are free text: captions, and the words beside a generated picture."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ...records import Answer
from ..common.base import Size, Space
from .strip import answer_part, bad

_LETTERS = re.compile(r"[^\W\d_]{2}")


@dataclass(frozen=True, slots=True)
class PlainText:
    """Reads free text, on one line and without markup; ``expected`` names it in errors."""

    expected: str

    def __call__(
        self, text: str, *, size: Size | None = None, space: Space | None = None, procedure: str | None = None
    ) -> Answer:
        """The answer; ``size``, ``space`` and ``procedure`` are not used.

        Raises:
            BadAnswerError: no words.
        """
        part = answer_part(text, self.expected, keep_stop=True)
        if not _LETTERS.search(part):
            raise bad(self.expected, part, "it holds no word")
        return Answer(text=part)
