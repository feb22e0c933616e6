"""Action recognition: which surgical actions are performed."""

from __future__ import annotations

from collections.abc import Iterator

from ..records import Fact, Frame
from .answers import labels_answer, names, natives, unique_ids
from .base import AnswerKind, Draft, MediaIn, Task
from .wording import joined


def _draft(frame: Frame) -> Iterator[Draft]:
    if frame.actions is None:
        return
    ids = unique_ids("action", frame.actions)
    words = names("action", ids)
    yield Draft(
        answer=labels_answer("action", ids),
        answer_group="none" if not ids else "one" if len(ids) == 1 else "several",
        slots={"actions": joined(words), "listed": ", ".join(words)},
        native=natives(frame.actions),
    )


TASK = Task(
    name="action_recognition",
    title="Action recognition",
    description="Name the surgical actions that the instruments perform, or say that none is performed.",
    family="reasoning",
    media_in=MediaIn.IMAGE_OR_CLIP,
    answer=AnswerKind.LABELS,
    hub_category="visual-question-answering",
    needs=(frozenset({Fact.ACTIONS}),),
    level=2,
    draft=_draft,
)
