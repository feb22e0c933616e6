"""Safety assessment: which criteria of a safe view are met."""

from __future__ import annotations

from collections.abc import Iterator

from ..ontology import concept
from ..records import Answer, AnswerCriterion, Fact, Frame
from .answers import natives
from .base import AnswerKind, Draft, MediaIn, Task


def _draft(frame: Frame) -> Iterator[Draft]:
    if not frame.criteria:
        return
    verdicts = [(concept("criterion", v.criterion.id).name, "yes" if v.met else "no") for v in frame.criteria]
    met = sum(v.met for v in frame.criteria)
    yield Draft(
        answer=Answer(
            text="; ".join(f"{name}: {said}" for name, said in verdicts),
            criteria=tuple(AnswerCriterion(v.criterion.id, v.met, v.scores) for v in frame.criteria),
        ),
        answer_group="all" if met == len(verdicts) else "not_all",
        slots={
            "asked": "; ".join(f"({n}) {name}" for n, (name, _) in enumerate(verdicts, 1)),
            "verdicts": "; ".join(f"{name}: {said}" for name, said in verdicts),
        },
        native=natives(v.criterion for v in frame.criteria),
    )


TASK = Task(
    name="safety_assessment",
    title="Safety assessment",
    description="Say for each criterion of the safe view whether the picture meets it.",
    family="reasoning",
    media_in=MediaIn.IMAGE,
    answer=AnswerKind.CRITERIA,
    hub_category="visual-question-answering",
    needs=(frozenset({Fact.CRITERIA}),),
    level=3,
    draft=_draft,
)
