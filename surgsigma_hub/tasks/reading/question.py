"""Answers that only mean something beside their question: a letter, a bare yes or no."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

from ...errors import BadAnswerError
from ...ontology import Kind
from ...records import Answer, AnswerCriterion
from ..common.answers import criteria_text
from ..common.base import Reader, Size, Space
from .criteria import named_criteria
from .labels import denied_in
from .lexicon import lexicon
from .strip import answer_part

_OPTION = re.compile(r"^[ \t]{0,4}\(?([A-Z])[.):][ \t]{1,4}(\S.{0,200})$", re.MULTILINE)
_LEAD = (
    r"(?:(?:i\s(?:would\s)?(?:choose|pick|select|say|answer|go\s(?:with|for))|only|just|it\sis|"
    r"(?:(?:the|my)\s)?(?:(?:best|correct|right|final|most\slikely)\s)?(?:answers?|options?|choices?|letters?)"
    r"(?:\s(?:is|are|would\sbe))?)\s?:?\s)"
)
_LETTERS = re.compile(
    rf"{_LEAD}{{0,2}}(?P<letters>[A-Z](?:(?:, and | and |, | & |; |[,;/ ]){_LEAD}?[A-Z])*)\s?[.:]?"
    r"(?:[,.]?\s(?:because|since|as|[–—-])\s(?P<why>.*))?",
    re.IGNORECASE,
)
_WRAPPED = re.compile(r"[\[\]{}()\"']+")
_ALL_BUT = re.compile(
    r"(?:all|every\w*|each)\b[^.;:]{0,40}?\b(?:except|but|besides|other\sthan|apart\sfrom)\b(?:\sfor\b)?(?P<but>.*)",
    re.IGNORECASE,
)
_KEY = re.compile(r"\s*(?:final\s)?(?:answers?|options?|choices?|letters?|selected)\s*[:=]\s*", re.IGNORECASE)
_EVERY = re.compile(r"(?:all|both)(?:\s(?:of\s)?(?:them|these|the\soptions|options|the\sabove|above))?", re.IGNORECASE)
_OPEN = re.compile(r"\b[A-Z]\)?\s?(?:or|vs)\s\(?[A-Z]\b")
_YES_NO = re.compile(r"(yes|no)\b(?! (?:instrument|tool|action|tissue|organ|structure)s?\b)", re.IGNORECASE)
_NOT_SO = re.compile(r"not(?:\s(?:yet|fully|quite|really|completely))?|partially|partly|only partially", re.IGNORECASE)
_BUT = re.compile(
    r"\b(?:but|though|although|however|partial(?:ly)?|partly|not|criteri(?:on|a)|[1-3])\b|n't", re.IGNORECASE
)
_ZERO = re.compile(r"zero|0|none", re.IGNORECASE)


def _chosen(part: str, options: Mapping[str, str]) -> tuple[str, ...]:
    """The letters of the options that an answer names and nothing else, as it may print them; () for none such.

    >>> four = dict.fromkeys("ABCD", "")
    >>> [_chosen(said, four) for said in ("B and D", '["B", "D"]', "The answer is (C)", "A because of it", "A hook")]
    [('B', 'D'), ('B', 'D'), ('C',), ('A',), ()]
    """
    bare = " ".join(_WRAPPED.sub(" ", _KEY.sub("", _WRAPPED.sub(" ", part), count=1)).split()).replace(" ,", ",")
    if _EVERY.fullmatch(bare):
        return tuple(options)
    if all_but := _ALL_BUT.match(bare):
        said = {*re.findall(r"\b[A-Z]\b", all_but["but"])}
        said |= {one for one, what in options.items() if what.casefold() in all_but["but"].casefold()}
        return tuple(one for one in options if one not in said) if said <= {*options} and said else ()
    if len(bare) > 1 and bare.isalpha() and bare == "".join(sorted({*bare} & {*options})):
        return tuple(bare)
    match = _LETTERS.fullmatch(bare)
    if match is None:
        return ()
    letters = re.findall(r"\b[A-Z]\b", match["letters"].upper())
    others = {*re.findall(r"\b[A-Z]\b", match["why"] or "")} & {*options} - {*letters}
    return tuple(letters) if {*letters} <= {*options} and not others else ()


def _spelled_out(part: str, options: Mapping[str, str]) -> str:
    """An answer with what the letters stand for in their places: "A is absent; B and C are present"."""
    letter = re.compile(rf"(?<![\w'])([{''.join(options)}])(?=\s*(?:$|[,;.:)&/(]|(?:and|is|are)\b))")
    return part if _OPEN.search(part) else letter.sub(lambda m: options[m[1]], part)


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
            if options:
                if chosen := _chosen(part, options):
                    return read("; ".join(options[one] for one in chosen))
                try:
                    return read(text)
                except BadAnswerError:
                    if (said := _spelled_out(part, options)) == part:
                        raise
                    return read(said)
            return self._to_what_is_asked(read, text, part, question)
        return read(text)

    def _to_what_is_asked(self, read: Callable[[str], Answer], text: str, part: str, question: str) -> Answer:
        """The answer to a question that names a thing, or asks how many there are."""
        bare = _KEY.sub("", _WRAPPED.sub(" ", part), count=1).strip()
        said = _YES_NO.match(bare)
        if said or _NOT_SO.fullmatch(bare):
            yes = said is not None and said[1].casefold() == "yes"
            found = self._verdict(read, text, question, yes=yes, bare=said is None or len(bare) < 5)
            if found is not None:
                return found
        if _ZERO.fullmatch(bare) and "how many" in question.casefold():
            return read("none")
        try:
            return read(text)
        except BadAnswerError:
            asked = self._named(question)
            if self.closed and asked and asked <= {id for kind in self.kinds for id in denied_in(kind, part)}:
                return read("none")  # "there is no grasper"
            raise

    def _named(self, text: str) -> set[str]:
        return {i for kind in self.kinds for span in lexicon(kind).find(text) for i in span.ids(kind)}

    def _verdict(
        self, read: Callable[[str], Answer], text: str, question: str, *, yes: bool, bare: bool
    ) -> Answer | None:
        if self.kinds == ("criterion",):
            asked = named_criteria(question)
            told = not bare and (named_criteria(text) or _BUT.search(text))
            if told or len(asked) != 1:
                return None
            typed = tuple(AnswerCriterion(id, yes) for id in asked)
            return Answer(text=criteria_text(typed), criteria=typed)
        if not self._named(question) or not (yes or self.closed):
            return None
        if not yes:
            return read("none")
        try:
            return read(text)
        except BadAnswerError:
            return read(question)
