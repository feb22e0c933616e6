"""Image captioning: a description of the picture that says what the facts say and no more."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import combinations
from typing import Literal

from ..ontology import NULL, Kind, concept
from ..ontology.forms import Forms, forms
from ..records import Answer, Coverage, Fact, Frame, Label, Native
from .common.answers import (
    NOT_TISSUE,
    distinct_ids,
    distinct_triplets,
    names,
    native_names,
    ordered_verdicts,
    set_slots,
    triplet_clauses,
)
from .common.base import AnswerKind, Draft, MediaIn, Task
from .common.wording import joined
from .reading import InContext, PlainText

_NOTHING_DONE = frozenset({NULL, "stay_still", "travel"})
"""Actions that do nothing to tissue: beside those of other arms, "still and moving" would be said of one surgeon."""


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."


def _instruments(frame: Frame, found: tuple[str, ...], *, also: bool = False) -> str:
    """What is in view, by kind: "a grasper and two hooks", where a source boxes two hooks under one name."""
    boxed = Counter((b.label.id, b.label.native) for b in frame.instrument_boxes or ())
    often = {id: max((n for (known, _), n in boxed.items() if known == id), default=1) for id in found}
    things = joined([forms("instrument", id).counted(often[id]) for id in found])
    be = "are" if max(often.values()) > 1 else set_slots("instrument", found)["be"]
    return _sentence(f"{things} {be} {'also ' if also else ''}in view")


def _scene(frame: Frame) -> list[str]:
    """Sentences on instruments and on what they do; a lack is told only where the list is whole."""
    present = None if frame.instruments is None else distinct_ids("instrument", frame.instruments)
    if frame.triplets:
        said = {t.instrument.id for t in frame.triplets}
        others = tuple(id for id in present or () if id not in said)
        triplets = distinct_triplets(frame.triplets)
        clauses = _sentence(triplet_clauses(triplets, all_in_view=frame.holds_all(Fact.TRIPLETS), described=True))
        return [clauses, _instruments(frame, others, also=True)] if others else [clauses]
    done = set_slots("action", distinct_ids("action", frame.actions or (), _NOTHING_DONE))
    doing: list[str] = []
    if done["list"]:
        doing = [_sentence(f"the {done['things']} in progress {done['things_be']} {done['list']}")]
    if present:
        return [_instruments(frame, present), *doing]
    if frame.holds_all(Fact.INSTRUMENTS):
        return ["No instrument is in view."]
    return doing or (["No instrument is acting on tissue."] if frame.holds_all(Fact.TRIPLETS) else [])


def _shows(frame: Frame) -> bool:
    """Whether anything that can be seen is known of a frame; phase, step and a lack are no such thing."""
    seen = (frame.triplets, frame.instruments, frame.actions, frame.criteria, _tissues(frame), _worked_on(frame))
    return any(seen)


def _tissues(frame: Frame) -> tuple[str, ...]:
    """The tissues in view, where all of them are known."""
    return distinct_ids("target", frame.tissues or (), NOT_TISSUE) if frame.holds_all(Fact.TISSUES) else ()


def _worked_on(frame: Frame) -> tuple[str, ...]:
    """The tissues that are acted on, where these are listed; triplets say it in what is done."""
    listed = frame.coverage_of(Fact.TISSUES) is Coverage.ACTED_ON and not frame.triplets
    return distinct_ids("target", frame.tissues or (), NOT_TISSUE) if listed else ()


def _surroundings(frame: Frame) -> list[str]:
    """One entry for each fact beside phase, step and instruments; an empty fact is worth no sentence."""
    said: list[str] = []
    tissues = _tissues(frame)
    if tissues:
        said.append(_sentence(f"{set_slots('target', tissues)['a_list']} can be seen"))
    worked_on = _worked_on(frame)
    if worked_on:
        said.append(_sentence(f"the surgeon is working on {set_slots('target', worked_on)['a_list']}"))
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


def _named(kind: Literal["phase", "step"], label: Label | None) -> Forms | None:
    """How a phase or step is said; None too for one that stands for none of the others, which describes nothing."""
    if label is None or concept(kind, label.id).catch_all:
        return None
    return forms(kind, label.id)


def _draft(frame: Frame) -> Iterator[Draft]:
    scene, around = _scene(frame), _surroundings(frame)
    phase, step = _named("phase", frame.phase), _named("step", frame.step)
    smoke = frame.clean_image is not None  # said where it is seen, but not a subject worth a caption of its own
    acting = any(t.action.id != NULL for t in frame.triplets or ())  # instrument, action and target: more than one fact
    facts = (phase is not None) + (step is not None) + len(scene) + acting + len(around) - smoke
    if facts < 2 or not _shows(frame):
        return  # one fact alone is the answer of a recognition task, not a caption; nor is what cannot be seen
    body = " ".join([*scene, *around, *([f"The step is {step.name}."] if step else [])])
    labels: list[Label] = [label for label in (frame.phase, frame.step) if label is not None]
    for triplet in frame.triplets or ():
        labels += (triplet.instrument, triplet.action, triplet.target)
    labels += (*(frame.instruments or ()), *(frame.tissues or ()), *(frame.actions or ()))
    labels += (v.criterion for v in frame.criteria or ())
    told: dict[Kind, object] = {"phase": phase, "step": step, "criterion": frame.criteria}
    yield Draft(
        answer=Answer(text=body if phase is None else f"The phase is {phase.name}. {body}"),
        answer_group="without_phase" if phase is None else "with_phase",
        slots={"body": body} if phase is None else {"body": body, "label": phase.name, "short": phase.short},
        native=Native(labels=native_names(labels)),
        named=frozenset(kind for kind, held in told.items() if held),
    )


_SHOWN = (Fact.INSTRUMENTS, Fact.ACTIONS, Fact.TISSUES, Fact.CRITERIA)
_NAMED = (Fact.PHASE, Fact.STEP)

parse = InContext(PlainText("a description of the image"))

TASK = Task(
    name="image_captioning",
    title="Image captioning",
    description="Describe the image: procedure, phase, instruments, what they do, tissues and view.",
    family="reasoning",
    media_in=MediaIn.IMAGE,
    answer=AnswerKind.TEXT,
    hub_category="image-to-text",
    needs=(
        frozenset({Fact.TRIPLETS}),
        *(frozenset({shown, named}) for shown in _SHOWN for named in _NAMED),
        *(frozenset(pair) for pair in combinations(_SHOWN, 2)),
    ),
    whole=frozenset({Fact.TISSUES}),
    level=3,
    parse=parse,
    draft=_draft,
)
