"""Safety assessment: which criteria of a safe view are met."""

from __future__ import annotations

from collections.abc import Iterator

from ..ontology import concept
from ..ontology.forms import forms
from ..records import Answer, AnswerCriterion, Fact, Frame, Native
from .common.answers import CRITICAL_VIEW, criteria_text, names, ordered_verdicts
from .common.base import AnswerKind, Draft, MediaIn, Task
from .common.wording import joined
from .reading import Criteria, InContext

_CRITICAL_VIEW = frozenset(CRITICAL_VIEW)


def _explained(id: str) -> str:
    criterion = concept("criterion", id)
    definition = criterion.definition.rstrip(".")
    return f"{criterion.name} ({definition[:1].lower()}{definition[1:]})"


def _draft(frame: Frame) -> Iterator[Draft]:
    if not frame.criteria:
        return  # nothing was judged, so there is nothing to ask
    verdicts = ordered_verdicts(frame.criteria)
    ids = [v.criterion.id for v in verdicts]
    asked = names("criterion", ids)
    met = [name for name, v in zip(asked, verdicts, strict=True) if v.met]
    unmet = [name for name, v in zip(asked, verdicts, strict=True) if not v.met]
    typed = tuple(AnswerCriterion(v.criterion.id, v.met, v.scores) for v in verdicts)
    text = criteria_text(typed)
    slots = {
        "safe_view": "critical view of safety" if _CRITICAL_VIEW.issuperset(ids) else "safe view",
        "criteria": joined(asked),
        "numbered": "; ".join(f"({n}) {name}" for n, name in enumerate(asked, 1)),
        "definitions": "; ".join(map(_explained, ids)),
        "verdicts": text,
        "met": joined(met),
        "unmet": joined(unmet),
        "met_clauses": joined([forms("criterion", v.criterion.id).met for v in verdicts if v.met]),
        "unmet_clauses": joined([forms("criterion", v.criterion.id).unmet for v in verdicts if not v.met]),
    }
    yield Draft(
        answer=Answer(text=text, criteria=typed),
        answer_group="some_met" if met and unmet else "all_met" if met else "none_met",
        slots=slots,
        native=Native(labels=tuple(v.criterion.native for v in verdicts)),
    )


parse = InContext(Criteria(), ("criterion",))

TASK = Task(
    name="safety_assessment",
    title="Safety assessment",
    description="Judge each criterion of a safe view, such as the critical view of safety.",
    family="reasoning",
    media_in=MediaIn.IMAGE,
    answer=AnswerKind.CRITERIA,
    hub_category="visual-question-answering",
    needs=(frozenset({Fact.CRITERIA}),),
    level=3,
    label_kinds=("criterion",),
    parse=parse,
    draft=_draft,
)
