"""The 15-column vectors in which CAMMA's triplet datasets store one instrument of one frame.

Columns: 0 triplet, 1 instrument, 2 its score, 3-6 its box (x, y, w, h in 0..1), 7 verb, 8 target, 9 its score, 10-13
its box (never filled in public data), 14 phase. The null of every column is -1.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

from ...errors import BadRowError
from ...records import Reason

NULL = -1
NULL_VERB, NULL_TARGET = "null_verb", "null_target"
NAMES: dict[str, tuple[str, ...]] = {
    "instrument": ("grasper", "bipolar", "hook", "scissors", "clipper", "irrigator"),
    "verb": (
        *("grasp", "retract", "dissect", "coagulate", "clip", "cut", "aspirate", "irrigate", "pack"),
        NULL_VERB,
    ),
    "target": (
        *("gallbladder", "cystic_plate", "cystic_duct", "cystic_artery", "cystic_pedicle", "blood_vessel", "fluid"),
        *("abdominal_wall_cavity", "liver", "adhesion", "omentum", "peritoneum", "gut", "specimen_bag"),
        NULL_TARGET,
    ),
    "phase": (
        *("preparation", "carlot-triangle-dissection", "clipping-and-cutting", "gallbladder-dissection"),
        *("gallbladder-packaging", "cleaning-and-coagulation", "gallbladder-extraction"),
    ),
}
"""The published vocabulary, by id."""

Names = Mapping[str, tuple[str, ...]]
Triples = Mapping[int, tuple[int, int, int]]
"""Instrument, verb and target id of each triplet id."""


@cache
def published_triplets() -> tuple[str, ...]:
    """What each of the 100 triplet ids stands for, as published: ``grasper,dissect,cystic_plate``."""
    text = (resources.files(__package__) / "triplets.csv").read_text("utf-8")
    return tuple(text.splitlines()[1:])


_COLUMNS = 15
_PLACES = {"triplet": 0, "instrument": 1, "verb": 7, "target": 8, "phase": 14}
_SIZES = {"triplet": 100, **{kind: len(names) for kind, names in NAMES.items()}}
_BOX = slice(3, 7)


class VectorError(BadRowError):
    """A vector that cannot be believed, with the quarantine reason."""

    reason = Reason.ROW_MALFORMED

    @classmethod
    def because(cls, reason: Reason, message: str) -> VectorError:
        """The error with a reason other than ``ROW_MALFORMED``."""
        made = cls(message)
        made.reason = reason
        return made


@dataclass(frozen=True, slots=True)
class Vector:
    """One checked vector: ids (-1 for none), and the native box or None where all four sides are -1."""

    triplet: int
    instrument: int
    verb: int
    target: int
    phase: int
    box: tuple[float, float, float, float] | None


def parse_vectors(rows: Any, triples: Triples) -> list[Vector]:
    """The vectors of one frame, checked one by one and against each other.

    Args:
        rows: What the file holds for the frame.
        triples: What each triplet id stands for; an id that it does not hold is not checked.

    Raises:
        VectorError: no vector, wrong length or type, an id outside the vocabulary, ids that contradict each other, or
            more than one phase.
    """
    if not isinstance(rows, list) or not rows:
        raise VectorError(f"{str(rows)[:40]!r} instead of a list of vectors")
    vectors = [_vector(row, triples, f"vector {n}") for n, row in enumerate(rows)]
    phases = sorted({v.phase for v in vectors})
    if len(phases) > 1:
        raise VectorError(f"the vectors of one frame name the phases {phases}, expected one")
    return vectors


def has_box(row: Any) -> bool:
    """Whether this native vector fills the instrument's box."""
    return isinstance(row, list) and len(row) == _COLUMNS and row[_BOX] != [NULL] * 4


def _vector(row: Any, triples: Triples, where: str) -> Vector:
    if not isinstance(row, list) or len(row) != _COLUMNS:
        found = f"{len(row)} columns" if isinstance(row, list) else f"a {type(row).__name__}"
        raise VectorError(f"{where} has {found}, expected {_COLUMNS}")
    ids: dict[str, int] = {}
    for kind, place in _PLACES.items():
        value = row[place]
        if not _is_number(value) or value != value // 1:
            raise VectorError(f"{where}: {kind} id {str(value)[:20]!r} is not a whole number")
        if not NULL <= value < _SIZES[kind]:
            expected = f"expected -1..{_SIZES[kind] - 1}"
            raise VectorError.because(
                Reason.LABEL_UNKNOWN, f"{where}: {kind} id {str(value)[:20]} is outside the vocabulary, {expected}"
            )
        ids[kind] = int(value)
    box = row[_BOX]
    if not all(_is_number(side) for side in box):
        raise VectorError(f"{where}: box {str(box)[:60]} is not four numbers")
    found_ids = (ids["instrument"], ids["verb"], ids["target"])
    if ids["triplet"] != NULL:
        expected_ids = triples.get(ids["triplet"], found_ids)
        if expected_ids != found_ids or NULL in found_ids:
            raise VectorError.because(
                Reason.LABEL_CORRUPT,
                f"{where}: triplet {ids['triplet']} with instrument, verb, target {found_ids}, "
                f"expected {expected_ids if expected_ids != found_ids else 'ids from 0 up'}",
            )
    elif ids["instrument"] == NULL and found_ids != (NULL, NULL, NULL):
        raise VectorError.because(
            Reason.LABEL_CORRUPT, f"{where}: verb {found_ids[1]}, target {found_ids[2]} without an instrument"
        )
    x, y, w, h = (float(side) for side in box)
    return Vector(**ids, box=(x, y, w, h) if has_box(row) else None)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e9  # false for NaN


def names_in(categories: Any) -> tuple[dict[str, tuple[str, ...]], list[tuple[str, str]]]:
    """Names by kind and id, the file's own before the published ones, and the places where the two differ."""
    names: dict[str, tuple[str, ...]] = {}
    differences: list[tuple[str, str]] = []
    for kind, published in NAMES.items():
        own = _own(categories, kind)
        names[kind] = tuple(own.get(i, name) for i, name in enumerate(published))
        for i, name in sorted(own.items()):
            if i >= len(published) or name != published[i]:
                expected = repr(published[i]) if i < len(published) else f"ids 0..{len(published) - 1}"
                differences.append((f"{kind}.{i}", f"{name!r}, expected {expected}; the file's own name is used"))
    return names, differences


def triples_in(categories: Any) -> dict[int, tuple[int, int, int]]:
    """What each triplet id stands for by the names in the file's own categories."""
    places = [{name: i for i, name in _own(categories, kind).items()} for kind in ("instrument", "verb", "target")]
    triples: dict[int, tuple[int, int, int]] = {}
    for id, name in _own(categories, "triplet").items():
        parts = name.split(",")
        if len(parts) == 3 and all(part in place for part, place in zip(parts, places, strict=True)):
            i, v, t = (place[part] for part, place in zip(parts, places, strict=True))
            triples[id] = (i, v, t)
    return triples


def read_label_mapping(text: str) -> dict[int, tuple[int, int, int]]:
    """The table ``ivt,i,v,t,iv,it`` of the release.

    Raises:
        BadRowError: naming the line.
    """
    triples: dict[int, tuple[int, int, int]] = {}
    for n, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        try:
            ivt, i, v, t = (int(cell) for cell in line.split(",")[:4])
        except ValueError:
            raise BadRowError(f"line {n}: {line[:60]!r} is not ivt,i,v,t,iv,it in numbers") from None
        triples[ivt] = (i, v, t)
    return triples


def _own(categories: Any, kind: str) -> dict[int, str]:
    """The file's own names of a kind: a mapping of id text to name, or (as its README says) a list of both."""
    table = categories.get(kind) if isinstance(categories, dict) else None
    pairs: list[tuple[Any, Any]] = []
    if isinstance(table, dict):
        pairs = list(table.items())
    elif isinstance(table, list):
        pairs = [(row.get("id"), row.get("name")) for row in table if isinstance(row, dict)]
    return {int(k): v for k, v in pairs if re.fullmatch("[0-9]{1,3}", str(k)) and isinstance(v, str)}
