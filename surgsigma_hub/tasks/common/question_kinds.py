"""Kinds of question: one typed answer asked for openly, as a choice, a check or a count, in a context or in a form.

A sample whose answer stays the same keeps its id: which kind it takes is drawn from task and id, by the shares that the
task's template file states. Questions with an answer of their own (existence, place, order) are samples of their own,
see ``further``. The name of the question group tells the kind, and stands in ``provenance.template``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from ...errors import UnknownNameError
from ...records import Frame
from .wording import word


class Style(StrEnum):
    """Which questions a build asks."""

    VARIED = "varied"
    """Every kind."""
    PAPER = "paper"
    """Plain open questions alone, as the paper family asks them."""


def chosen_style(name: str) -> Style:
    """The style of that name.

    Raises:
        UnknownNameError: no such style.
    """
    if name not in list(Style):
        raise UnknownNameError("style of questions", name, list(Style))
    return Style(name)


class QuestionKind(StrEnum):
    """What a question asks for."""

    OPEN = "open"
    EXISTENCE = "existence"
    CHECK = "check"
    COUNT = "count"
    PLACE = "place"
    ORDER = "order"
    CHOICE = "choice"
    CONTEXT = "context"
    SOURCE = "source"
    """In the source's own words, question and answer: see ``shipped``."""


class Form(StrEnum):
    """The form that a question asks its answer to have."""

    WORD = "word"
    NUMBER = "number"
    LIST = "list"
    LETTER = "letter"
    LETTERS = "letters"
    JSON = "json"
    SENTENCE = "sentence"


def kind_of(template: str) -> QuestionKind:
    """The kind of question, by ``provenance.template``.

    >>> kind_of("phase_recognition/choice/12+letter/0"), kind_of("instrument_recognition/default/3+default/1")
    (<QuestionKind.CHOICE: 'choice'>, <QuestionKind.OPEN: 'open'>)
    """
    group = template.split("/")[1].partition("_")[0]
    return QuestionKind(group) if group in list(QuestionKind) else QuestionKind.OPEN


def form_of(template: str) -> Form | None:
    """The form asked for, by ``provenance.template``; None where the question leaves it open.

    >>> form_of("phase_recognition/choice/12+letter/0")
    <Form.LETTER: 'letter'>
    """
    group = template.partition("+")[2].partition("/")[0]
    return Form(group) if group in list(Form) else None


@dataclass(frozen=True, slots=True)
class Setting:
    """What may decide the kind of a question beside the draft.

    Attributes:
        source: Whose labels the options of a choice are taken from.
        frame: The moment, for what can be given beside the question; None gives nothing.
        before: The phase before that of the moment, where it is known.
        plain: Whether only open questions are asked.
    """

    source: str = ""
    frame: Frame | None = None
    before: str | None = None
    plain: bool = True


PLAIN = Setting()


@dataclass(frozen=True, slots=True)
class Asked:
    """A question and its answer before wording: groups, slots, and the form asked for with the answer in it."""

    question: str
    answer: str
    slots: Mapping[str, str]
    form: Form | None = None
    formed: str = ""

    def worded(self, task: str, id: str, *, follows: bool = False) -> tuple[str, str, str]:
        """Question, answer and the name of the templates; it ``follows`` other questions or is the first."""
        return word(
            task,
            id,
            question=self.question,
            answer=self.answer,
            slots=self.slots,
            form=self.form,
            formed=self.formed,
            follows=follows,
        )


OPEN_GROUPS = frozenset({"default", "clip", "all"})
"""Question groups whose question may be asked in another way: their answer is all that the task asks for."""
