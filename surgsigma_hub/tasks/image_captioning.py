"""Image captioning: a description of the picture that says what the facts say and no more."""

from __future__ import annotations

from collections.abc import Iterator

from ..ontology import concept
from ..ontology.forms import forms
from ..records import Answer, Fact, Frame, Label, Native
from .answers import (
    NOT_TISSUE,
    distinct_ids,
    distinct_triplets,
    names,
    native_names,
    ordered_verdicts,
    set_slots,
    triplet_clauses,
)
from .base import AnswerKind, Draft, MediaIn, Task
from .reading import InContext, PlainText
from .wording import joined


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."


def _instruments(found: tuple[str, ...], *, also: bool = False) -> str:
    said = set_slots("instrument", found)
    return _sentence(f"{said['a_list']} {said['be']} {'also ' if also else ''}in view")


def _scene(frame: Frame) -> list[str]:
    """Sentences on instruments: with what they do where that is known."""
    present = None if frame.instruments is None else distinct_ids("instrument", frame.instruments)
    if frame.triplets:
        said = {t.instrument.id for t in frame.triplets}
        others = tuple(id for id in present or () if id not in said)
        clauses = _sentence(triplet_clauses(distinct_triplets(frame.triplets)))
        return [clauses, _instruments(others, also=True)] if others else [clauses]
    if present is not None:
        return [_instruments(present) if present else "No instrument is in view."]
    return [] if frame.triplets is None else ["No instrument is acting on tissue."]


def _surroundings(frame: Frame) -> list[str]:
    """One entry for each fact beside phase, step and instruments; an empty fact is worth no sentence."""
    said: list[str] = []
    tissues = distinct_ids("target", frame.tissues or (), NOT_TISSUE)
    if tissues:
        said.append(_sentence(f"{set_slots('target', tissues)['a_list']} can be seen"))
    if frame.criteria:
        verdicts = ordered_verdicts(frame.criteria)
        met = names("criterion", (v.criterion.id for v in verdicts if v.met))
        unmet = names("criterion", (v.criterion.id for v in verdicts if not v.met))
        parts = [f"Safety criteria met: {joined(met)}."] if met else []
        parts += [f"Safety criteria not met: {joined(unmet)}."] if unmet else []
        said.append(" ".join(parts))
    if frame.clean_image is not None:
        said.append("Smoke veils part of the view.")
    return said


def _draft(frame: Frame) -> Iterator[Draft]:
    scene, around = _scene(frame), _surroundings(frame)
    step = [] if frame.step is None else [f"The step is {concept('step', frame.step.id).name}."]
    smoke = frame.clean_image is not None  # said where it is seen, but not a subject worth a caption of its own
    facts = (frame.phase is not None) + len(step) + bool(scene) + len(around) - smoke
    if facts < 2 or (frame.phase is None and not scene):
        return  # one fact alone is the answer of a recognition task, not a caption
    body = " ".join([*step, *scene, *around])
    phase = None if frame.phase is None else forms("phase", frame.phase.id)
    labels: list[Label] = [label for label in (frame.phase, frame.step) if label is not None]
    for triplet in frame.triplets or ():
        labels += (triplet.instrument, triplet.action, triplet.target)
    labels += (*(frame.instruments or ()), *(frame.tissues or ()), *(v.criterion for v in frame.criteria or ()))
    yield Draft(
        answer=Answer(text=body if phase is None else f"The phase is {phase.name}. {body}"),
        answer_group="without_phase" if phase is None else "with_phase",
        slots={"body": body} if phase is None else {"body": body, "label": phase.name, "short": phase.short},
        native=Native(labels=native_names(labels)),
    )


_SUBJECTS = (Fact.PHASE, Fact.TRIPLETS, Fact.INSTRUMENTS)
_DETAILS = (Fact.STEP, Fact.TISSUES, Fact.CRITERIA)

parse = InContext(PlainText("a description of the picture"))

TASK = Task(
    name="image_captioning",
    title="Image captioning",
    description="Describe the picture: procedure, phase, instruments, what they do, tissues and view.",
    family="reasoning",
    media_in=MediaIn.IMAGE,
    answer=AnswerKind.TEXT,
    hub_category="image-to-text",
    needs=(
        frozenset({Fact.PHASE, Fact.TRIPLETS}),
        frozenset({Fact.PHASE, Fact.INSTRUMENTS}),
        *(frozenset({subject, detail}) for subject in _SUBJECTS for detail in _DETAILS),
    ),
    level=3,
    parse=parse,
    draft=_draft,
)
