"""Canonical vocabularies and the native names that map to them; an unmapped name is an error, never a guess.

``<kind>s.csv`` holds the concepts (id, display name, definition, and for phases and steps whether one is a
catch-all), ``native/<source>.csv`` every native name of one source (kind, native, id). Both are data: adding a word
means adding a row.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass, replace
from functools import cache
from importlib import resources
from typing import Any, Literal, get_args

from ..errors import LabelError, SurgSigmaError, UnknownNameError
from ..records import Frame, Label, LabeledBox, LabeledMask, Triplet, Verdict, VideoTimeline

Kind = Literal["procedure", "phase", "step", "instrument", "action", "target", "criterion", "part"]
KINDS: tuple[Kind, ...] = get_args(Kind)
NULL = "null"
"""Canonical id of "no action" and "no target" in a triplet."""

_FILES = {
    "procedure": "procedures.csv",
    "phase": "phases.csv",
    "step": "steps.csv",
    "instrument": "instruments.csv",
    "action": "actions.csv",
    "target": "targets.csv",
    "criterion": "criteria.csv",
    "part": "parts.csv",
}


@dataclass(frozen=True, slots=True)
class Concept:
    """One entry of a vocabulary: ``name`` reads well inside a sentence, ``definition`` is one sentence of our own.

    ``catch_all`` marks a label that a source gives to whatever none of its other labels fits. It says nothing of what
    is being done: it is no answer to train on, gives no reason, and is never explained. ``broader`` is the id of a
    concept of the same kind that this one is an example of: some sources tell stomach and colon apart, others do not.
    """

    kind: str
    id: str
    name: str
    definition: str
    catch_all: bool = False
    broader: str = ""


@cache
def concepts(kind: Kind) -> dict[str, Concept]:
    """All concepts of one kind by id, in the order of the table."""
    text = (resources.files(__package__) / _FILES[kind]).read_text("utf-8")
    return {
        r["id"]: Concept(kind, r["id"], r["name"], r["definition"], r.get("catch_all") == "yes", r.get("broader", ""))
        for r in csv.DictReader(text.splitlines())
    }


def concept(kind: Kind, id: str) -> Concept:
    """The concept of that id.

    Raises:
        UnknownNameError: no such id.

    >>> concept("phase", "clipping_and_cutting").name
    'clipping and cutting'
    """
    try:
        return concepts(kind)[id]
    except KeyError:
        raise UnknownNameError(kind, id, concepts(kind), where="the ontology") from None


@cache
def with_broader(kind: Kind, id: str) -> tuple[str, ...]:
    """A label and those that it is an example of, the nearest first.

    Raises:
        UnknownNameError: no such id, or a broader one that is not of its kind.

    >>> with_broader("target", "stomach"), with_broader("target", "liver")
    (('stomach', 'gut'), ('liver',))
    """
    broader = concept(kind, id).broader
    return (id, *with_broader(kind, broader)) if broader else (id,)


@cache
def native_names(source: str) -> dict[tuple[str, str], str]:
    """``(kind, native name) -> canonical id`` of one source.

    Raises:
        SurgSigmaError: the source has no table, or its table names an unknown kind or concept, or a name twice.
    """
    table = resources.files(__package__) / "native" / f"{source}.csv"
    if not table.is_file():
        raise SurgSigmaError(
            f"source {source!r} has no table of label names",
            hint=f"Add surgsigma_hub/ontology/native/{source}.csv with the columns kind,native,id.",
        )
    found: dict[tuple[str, str], str] = {}
    for row in csv.DictReader(table.read_text("utf-8").splitlines()):
        kind: Any = row["kind"]
        if kind not in KINDS:
            raise UnknownNameError("kind", kind, KINDS, where=f"native/{source}.csv")
        if (kind, row["native"]) in found:
            raise SurgSigmaError(f"native/{source}.csv maps {kind} {row['native']!r} twice")
        found[kind, row["native"]] = concept(kind, row["id"]).id
    return found


@cache
def sources_with_names() -> tuple[str, ...]:
    """The sources that have a table of native names, sorted."""
    tables = (resources.files(__package__) / "native").iterdir()
    return tuple(sorted(t.name.removesuffix(".csv") for t in tables if t.name.endswith(".csv")))


@cache
def resolve(source: str, kind: Kind, native: str) -> Label:
    """The canonical label of a native name.

    Raises:
        LabelError: the source's table does not hold the name; close names are suggested, none is taken.

    >>> resolve("cholect50", "phase", "carlot-triangle-dissection").id
    'calot_triangle_dissection'
    """
    names = native_names(source)
    try:
        return Label(native, names[kind, native])
    except KeyError:
        known = [n for k, n in names if k == kind]
        raise LabelError(f"{kind} label", native, known, where=f"source {source}") from None


def resolve_frame(source: str, frame: Frame) -> Frame:
    """``frame`` with every label resolved.

    Raises:
        LabelError: naming the first label that is not in the source's table.
    """

    def one(kind: Kind, label: Label) -> Label:
        return resolve(source, kind, label.native)

    changes: dict[str, Any] = {}
    if frame.phase is not None:
        changes["phase"] = one("phase", frame.phase)
    if frame.step is not None:
        changes["step"] = one("step", frame.step)
    kinds: tuple[tuple[str, Kind], ...] = (("instruments", "instrument"), ("tissues", "target"), ("actions", "action"))
    for name, kind in kinds:
        labels: tuple[Label, ...] | None = getattr(frame, name)
        if labels is not None:
            changes[name] = tuple(one(kind, label) for label in labels)
    if frame.triplets is not None:
        changes["triplets"] = tuple(
            Triplet(one("instrument", t.instrument), one("action", t.action), one("target", t.target))
            for t in frame.triplets
        )
    boxed: tuple[tuple[str, Kind], ...] = (("instrument_boxes", "instrument"), ("tissue_boxes", "target"))
    for name, kind in boxed:
        boxes: tuple[LabeledBox, ...] | None = getattr(frame, name)
        if boxes is not None:
            changes[name] = tuple(replace(b, label=one(kind, b.label)) for b in boxes)
    masked: tuple[tuple[str, Kind], ...] = (("instrument_masks", "instrument"), ("part_masks", "part"))
    for name, kind in masked:
        masks: tuple[LabeledMask, ...] | None = getattr(frame, name)
        if masks is not None:
            changes[name] = tuple(m if m.label is None else LabeledMask(one(kind, m.label), m.mask) for m in masks)
    if frame.checks:
        of = dict(kinds)
        changes["checks"] = tuple(replace(c, label=one(of[c.fact.value], c.label)) for c in frame.checks)
    if frame.acts:
        changes["acts"] = tuple(
            replace(a, instrument=one("instrument", a.instrument), action=one("action", a.action)) for a in frame.acts
        )
    if frame.criteria is not None:
        changes["criteria"] = tuple(Verdict(one("criterion", c.criterion), c.met, c.scores) for c in frame.criteria)
    return replace(frame, **changes)


def resolve_timeline(source: str, course: VideoTimeline) -> VideoTimeline:
    """``course`` with the label of every segment resolved.

    Raises:
        LabelError: naming the first label that is not in the source's table.
    """
    segments = (replace(s, label=resolve(source, s.layer, s.label.native)) for s in course.segments)
    return replace(course, segments=tuple(segments))
