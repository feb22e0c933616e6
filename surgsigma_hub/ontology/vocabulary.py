"""The whole vocabulary at a glance: each label with every source's names of it, and why names that differ are one."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import resources

from . import KINDS, Concept, Kind, concepts, native_names, sources_with_names

LABELLED: tuple[Kind, ...] = tuple(kind for kind in KINDS if kind != "procedure")
"""Kinds that annotations name; the procedure is a source's own."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A label as all sources use it.

    Attributes:
        concept: The label itself.
        native: Source to its own names of the label, each as in its files; sources without one are not keys.
        narrower: Ids of the labels that this one is the broader word for.
        fold: Why names that differ by more than their spelling are one label; empty where none do.
        codes: What published terminologies number it, by terminology; those without a number for just this are no keys.
    """

    concept: Concept
    native: Mapping[str, tuple[str, ...]]
    narrower: tuple[str, ...]
    fold: str
    codes: Mapping[str, str] = field(default_factory=dict)

    @property
    def names(self) -> tuple[str, ...]:
        """Different native names of all sources, sorted."""
        return tuple(sorted({name for names in self.native.values() for name in names}))


def vocabulary(kinds: Iterable[Kind] = LABELLED, sources: Iterable[str] | None = None) -> list[Entry]:
    """Labels by kind, in the order of their tables.

    Args:
        kinds: Which kinds of label.
        sources: Only labels that one of these sources has a name for; None gives every label.

    Raises:
        SurgSigmaError: a source has no table of names.
    """
    asked = None if sources is None else tuple(sources)
    native = _native(asked if asked is not None else sources_with_names())
    found = []
    for kind in kinds:
        known = concepts(kind)
        narrower: dict[str, list[str]] = {}
        for concept in known.values():
            if concept.broader:
                narrower.setdefault(concept.broader, []).append(concept.id)
        for id, concept in known.items():
            names = native.get((kind, id), {})
            if asked is None or names:
                fold = folds().get((kind, id), "")
                found.append(Entry(concept, names, tuple(narrower.get(id, ())), fold, codes().get((kind, id), {})))
    return found


def _native(sources: Iterable[str]) -> dict[tuple[str, str], dict[str, tuple[str, ...]]]:
    found: dict[tuple[str, str], dict[str, tuple[str, ...]]] = {}
    for source in sources:
        for (kind, name), id in native_names(source).items():
            of = found.setdefault((kind, id), {})
            of[source] = (*of.get(source, ()), name)
    return found


@cache
def folds() -> dict[tuple[str, str], str]:
    """Why native names that differ by more than their spelling are one label, by kind and id (``folds.csv``)."""
    text = (resources.files(__package__) / "folds.csv").read_text("utf-8")
    return {(row["kind"], row["id"]): row["reason"] for row in csv.DictReader(text.splitlines())}


@cache
def codes() -> dict[tuple[str, str], dict[str, str]]:
    """Ids of labels in published terminologies, by kind and id (``terminology.csv``): ids alone, no definitions.

    Those of SNOMED CT are the numbers that DICOM (part 16) names for free use; those of OntoSPM are the names of its
    classes (behind ``#`` of their address), of which it has none for a part of our labels. ``seen_in`` says where.
    """
    text = (resources.files(__package__) / "terminology.csv").read_text("utf-8")
    found: dict[tuple[str, str], dict[str, str]] = {}
    for row in csv.DictReader(text.splitlines()):
        found.setdefault((row["kind"], row["id"]), {})[row["system"]] = row["code"]
    return found


def spelling(name: str) -> str:
    """A native name without what spellings differ in: capitals, blanks, underscores, hyphens.

    >>> spelling("CalotTriangleDissection") == spelling("calot-triangle dissection")
    True
    """
    return re.sub(r"[\W_]+", "", name).casefold()
