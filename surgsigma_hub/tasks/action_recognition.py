"""Action recognition: which actions are performed; for now in a picture, not yet in a clip."""

from __future__ import annotations

from collections.abc import Iterator

from ..records import Fact, Frame
from .answers import label_set_draft
from .base import AnswerKind, Draft, MediaIn, Task
from .reading import LabelSet
from .wording import joined, participle


def _slots(names: list[str]) -> dict[str, str]:
    many = len(names) > 1
    return {
        "doing": joined([participle(n) for n in names]),
        "action_noun": "actions" if many else "action",
        "are": "are" if many else "is",
    }


def _draft(frame: Frame) -> Iterator[Draft]:
    if frame.actions is not None:
        yield label_set_draft("action", frame.actions, _slots)


parse = LabelSet("action")

TASK = Task(
    name="action_recognition",
    title="Action recognition",
    description="Name the surgical actions that are being performed.",
    family="understanding",
    media_in=MediaIn.IMAGE_OR_CLIP,
    answer=AnswerKind.LABELS,
    hub_category="visual-question-answering",
    needs=(frozenset({Fact.ACTIONS}),),
    level=2,
    label_kinds=("action",),
    parse=parse,
    draft=_draft,
)
