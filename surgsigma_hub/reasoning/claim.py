"""What one claim is: a thing named, placed, measured, related, judged or timed, or its lack."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal, NamedTuple

from ..ontology import Kind
from ..tasks.reading.lexicon import Reading
from .measures import Name


class What(StrEnum):
    """What a claim is about."""

    NAMED = "named"
    ABSENT = "absent"
    NONE_OF = "none of a kind"
    NO_BOX = "no box of a kind"
    PLACED = "placed"
    SIZED = "sized"
    BOXED = "boxed"
    RELATED = "related"
    UNRELATED = "nothing acts"
    VERDICT = "verdict"
    SECONDS = "seconds"
    SMOKE = "smoke"
    COUNT = "count"
    MEASURED = "measured"


Role = Literal["present", "earlier", "later", "defined", "typical", "fits", "against"]
"""How a label is named: as what is there, as what came before or comes after, or in a warrant, by its grade."""
WARRANTED: frozenset[Role] = frozenset({"defined", "typical", "fits", "against"})
"""The roles of a label that something seen is said to speak for, or against."""


class Region(NamedTuple):
    """A part of the picture; None leaves the row or the column open."""

    row: str | None
    column: str | None


class Relation(NamedTuple):
    """Instrument, action and target as ids that the words can mean; empty where nothing is said of them."""

    instruments: tuple[str, ...]
    actions: tuple[str, ...]
    targets: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Claim:
    """One claim: ``text`` are the words that make it, the other fields are filled as ``what`` needs them."""

    what: What
    text: str
    readings: tuple[Reading, ...] = ()
    role: Role = "present"
    kind: Kind | None = None
    region: Region | None = None
    corners: tuple[float, float, float, float] | None = None
    relation: Relation | None = None
    number: float | None = None
    size: str = ""
    holds: bool = True  # a verdict; whether there is smoke
    other: tuple[Reading, ...] = ()  # what a measure is taken against
    measured: Name | None = None
    value: str = ""  # of a measure
