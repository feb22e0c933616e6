"""Answers that only mean something beside their question: a letter, a bare yes or no."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from ...errors import BadAnswerError
from ...ontology import Kind
from ...records import Answer, AnswerCriterion
from ..common.answers import criteria_text
from ..common.base import Reader, Size, Space
from .criteria import named_criteria
from .lexicon import lexicon
from .strip import answer_part

_OPTION = re.compile(r"^[ \t]{0,4}\(?([A-Z])[.):][ \t]{1,4}(\S.{0,200})$", re.MULTILINE)
_LETTERS = re.compile(
    r"(?:(?:the )?(?:correct |right )?(?:answers?|options?|choices?)(?: is| are|:)? ?)?"
    r"\(?([A-Z])\)?(?:(?:, and |, | and | & |,)\(?([A-Z])\)?)*[.)]?",
    re.IGNORECASE,
)
_YES_NO = re.compile(r"(yes|no)\b(?! (?:instrument|tool|action|tissue|organ|structure)s?\b)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class InContext:
    """Reads an answer beside its question, where that is given; else as ``reader`` does.

    Letters stand for the options that the question lists. A yes says that what the question names is there, a no that
    it is not; of criteria, that those named are met or not.

    Args:
        reader: Reads answers that speak for themselves.
        kinds: Vocabularies of what a question can name.
        closed: Whether a no to what is named is an answer by itself; of two stages, the other one must be named.
    """

    reader: Reader
    kinds: tuple[Kind, ...] = ()
    closed: bool = True

    def __call__(
        self,
        text: str,
        *,
        size: Size | None = None,
        space: Space | None = None,
        procedure: str | None = None,
        question: str | None = None,
    ) -> Answer:
        """The typed answer.

        Args:
            text: What was printed, with or without reasoning and tags.
            size: As of ``Reader``.
            space: As of ``Reader``.
            procedure: As of ``Reader``.
            question: What was asked; None where the answer speaks for itself.

        Raises:
            BadAnswerError: the text does not read as an answer of the task.
        """
        read = partial(self.reader, size=size, space=space, procedure=procedure)
        if question is not None:
            part = answer_part(text, f"an answer to {question[:80]!r}")
            options = dict(_OPTION.findall(question))
            if options and _LETTERS.fullmatch(part):
                letters = re.findall(r"\b[A-Z]\b", part.upper())
                if all(letter in options for letter in letters):
                    return read("; ".join(options[one] for one in letters))
            if not options and (said := _YES_NO.match(part)):
                yes = said[1].casefold() == "yes"
                found = self._verdict(read, text, question, yes=yes, bare=len(part) < 5)
                if found is not None:
                    return found
        return read(text)

    def _verdict(
        self, read: Callable[[str], Answer], text: str, question: str, *, yes: bool, bare: bool
    ) -> Answer | None:
        if self.kinds == ("criterion",):
            asked = named_criteria(question)
            if not bare or len(asked) != 1:
                return None
            typed = tuple(AnswerCriterion(id, yes) for id in asked)
            return Answer(text=criteria_text(typed), criteria=typed)
        named = [i for kind in self.kinds for span in lexicon(kind).find(question) for i in span.ids(kind)]
        if not named or (not self.closed and not (yes and bare)):
            return None
        if not yes:
            return read("none")
        try:
            return read(text)
        except BadAnswerError:
            return read(question)
