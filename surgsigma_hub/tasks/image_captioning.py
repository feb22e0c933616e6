"""Image captioning: a description made of the facts of a picture."""

from __future__ import annotations

from collections.abc import Iterator

from ..ontology import concept
from ..records import Answer, Fact, Frame
from .answers import names, unique_ids
from .base import AnswerKind, Draft, MediaIn, Task
from .triplet_recognition import phrase
from .wording import counted, joined, with_article


def _draft(frame: Frame) -> Iterator[Draft]:
    sentences = [s for s in (_workflow(frame), _scene(frame), _tissue(frame), _safety(frame), _view(frame)) if s]
    if len(sentences) < 2:
        return  # one fact is a label, not a description
    caption = " ".join(sentences)
    yield Draft(answer=Answer(text=caption), slots={"caption": caption})


def _workflow(frame: Frame) -> str:
    if frame.phase is None:
        return ""
    phase = concept("phase", frame.phase.id).name
    if frame.step is None:
        return f"The procedure is in the phase of {phase}."
    return f"The procedure is in the phase of {phase}, at the step of {concept('step', frame.step.id).name}."


def _scene(frame: Frame) -> str:
    if frame.triplets:
        clauses = joined([phrase(t) for t in dict.fromkeys(frame.triplets)])
        return f"{clauses[0].upper()}{clauses[1:]}."
    if frame.instruments is None:
        return ""
    ids = unique_ids("instrument", frame.instruments)
    if not ids:
        return "No instrument is in view."
    return f"In view: {joined([with_article(n) for n in names('instrument', ids)])}."


def _tissue(frame: Frame) -> str:
    # What the triplets name already is not said again.
    named = {t.target.id for t in frame.triplets or ()}
    ids = [i for i in unique_ids("target", frame.tissues or ()) if i not in named]
    return f"Also to be seen: {joined([f'the {n}' for n in names('target', ids)])}." if ids else ""


def _safety(frame: Frame) -> str:
    if not frame.criteria:
        return ""
    met = [concept("criterion", v.criterion.id).name for v in frame.criteria if v.met]
    if len(met) == len(frame.criteria):
        return f"All {counted(len(met), 'criterion').replace('criterions', 'criteria')} of a safe view are met."
    return (
        f"Of the criteria of a safe view, these are met: {joined(met)}."
        if met
        else ("None of the criteria of a safe view is met.")
    )


def _view(frame: Frame) -> str:
    return "Smoke veils the view." if frame.clean_image is not None else ""


TASK = Task(
    name="image_captioning",
    title="Image captioning",
    description="Describe the picture: workflow, instruments and what they do, tissue, safety, as far as annotated.",
    family="understanding",
    media_in=MediaIn.IMAGE,
    answer=AnswerKind.TEXT,
    hub_category="image-to-text",
    needs=(
        frozenset({Fact.PHASE, Fact.TRIPLETS}),
        frozenset({Fact.PHASE, Fact.INSTRUMENTS}),
    ),
    level=2,
    draft=_draft,
)
