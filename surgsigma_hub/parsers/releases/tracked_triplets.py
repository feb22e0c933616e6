"""Triplets of tracked instruments, by the ids that CholecTrack20 gives in the records of eight of its operations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ...errors import BadRowError
from ...records import Label, LabeledBox, Triplet
from .triplet_vectors import NAMES, NULL_TARGET, NULL_VERB, published_triplets

_NOT_ANNOTATED = -1
_NO_TRIPLET = -2
"""Of an instrument that is no part of any triplet: the specimen bag."""


@dataclass(frozen=True, slots=True)
class TripletNames:
    """What the ids of verbs and targets stand for.

    Attributes:
        verbs: By id; ``targets`` likewise.
        presumed: Whether these are the lists of CholecT50, since the file has none: then the id of a triplet has to
            agree with those of its parts.
    """

    verbs: Mapping[int, Label]
    targets: Mapping[int, Label]
    presumed: bool

    @classmethod
    def of(cls, verbs: Mapping[int, str] | None, targets: Mapping[int, str] | None) -> TripletNames:
        """From a file's own tables, or from CholecT50's where one of them is missing."""
        own = (verbs, targets) if verbs is not None and targets is not None else None
        named = own or (dict(enumerate(NAMES["verb"])), dict(enumerate(NAMES["target"])))
        labels, of = ({id: Label(name) for id, name in names.items()} for names in named)
        return cls(labels, of, own is None)


def triplets_of(
    records: Sequence[Mapping[str, Any]], boxes: Sequence[LabeledBox], names: TripletNames
) -> tuple[Triplet, ...] | None:
    """What the instruments in view do; None where none of them, or not each that may be part of a triplet, has one.

    Args:
        records: Those of the instruments in view.
        boxes: The boxes of these, which name the instruments.
        names: What ids stand for.

    Raises:
        BadRowError: an id is none of its list, or ids contradict each other.
    """
    found: list[Triplet] = []
    for record, box in zip(records, boxes, strict=True):
        id, instrument = record.get("triplet"), box.label
        if id == _NO_TRIPLET or (id == _NOT_ANNOTATED and instrument.native not in NAMES["instrument"]):
            if instrument.native in NAMES["instrument"]:
                return None
            continue
        if id == _NOT_ANNOTATED or id is None:
            return None
        verb, target = (_named(record, *part) for part in (("verb", names.verbs), ("target", names.targets)))
        said = f"{instrument.native},{verb.native},{target.native}"
        known = published_triplets()
        if type(id) is not int or not 0 <= id < len(known):
            raise BadRowError(f"triplet {str(id)[:20]}, expected -2, -1 or one of 0 to {len(known) - 1}")
        if names.presumed and known[id] != said:
            raise BadRowError(f"triplet {id} ({known[id]}) in a record of {said}")
        found.append(Triplet(instrument, verb, target))
    return tuple(dict.fromkeys(found)) or None


def acts_of(triplets: tuple[Triplet, ...] | None) -> dict[str, Any]:
    """Triplets, what is done and what is acted on, as fields of :class:`Frame`; none where triplets are not known."""
    if triplets is None:
        return {}
    actions = {t.action.native: t.action for t in triplets if t.action.native != NULL_VERB}
    tissues = {t.target.native: t.target for t in triplets if t.target.native != NULL_TARGET}
    return {"triplets": triplets, "actions": tuple(actions.values()), "tissues": tuple(tissues.values())}


def _named(record: Mapping[str, Any], kind: str, names: Mapping[int, Label]) -> Label:
    id = record.get(kind)
    name = names.get(id) if type(id) is int else None
    if name is None:
        raise BadRowError(f"{kind} {str(id)[:20]} is not one of {min(names)} to {max(names)}")
    return name
