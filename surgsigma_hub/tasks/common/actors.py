"""Instruments that words can single out, and what each does: for questions on one instrument instead of on all."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from ...media.boxes import region_words
from ...ontology import NULL, concept, concepts
from ...records import Fact, Frame, Triplet
from .answers import NOT_TISSUE, distinct_triplets
from .wording import are

_RINSED = frozenset({"irrigate", "aspirate"})
_NOT_YET = frozenset({NULL, "approach", "travel", "stay_still"})
"""Actions that do nothing to their target, or not yet."""


@dataclass(frozen=True, slots=True)
class Actor:
    """One instrument of a frame and the one thing that it does.

    Attributes:
        key: For the key of a draft.
        slots: ``{instrument}``, its name without article and, where the name does not do, its place
            ("grasper in the bottom left"), and the verb ``{be}`` that fits it.
    """

    triplet: Triplet
    key: str
    slots: dict[str, str]


def singled_out(frame: Frame) -> Iterator[Actor]:
    """The acting instruments of a frame that words single out, in the order of the vocabulary.

    Where everything that is done is listed, the name does, if the list holds it once. Where the list may lack
    something, another instrument of that name may be in view: then it must have one box, and its place is told.
    """
    triplets = distinct_triplets(frame.triplets or ())
    often = Counter(t.instrument.id for t in triplets)
    boxes = {b.label.id: b.box for b in frame.instrument_boxes or ()}
    boxed = Counter(b.label.id for b in frame.instrument_boxes or ())
    order = list(concepts("instrument"))
    for one in sorted(triplets, key=lambda t: order.index(t.instrument.id)):
        id = one.instrument.id
        if often[id] > 1 or boxed[id] > 1 or one.action.id == NULL:
            continue
        name = concept("instrument", id).name
        if frame.holds_all(Fact.TRIPLETS):
            yield Actor(one, id, {"instrument": name, "be": are([name])})
        elif id in boxes:
            region = region_words(boxes[id])
            key = f"{id}-{region.replace(' ', '-')}"
            yield Actor(one, key, {"instrument": f"{name} in the {region}", "be": are([name])})


def tissue_acted_on(triplet: Triplet) -> str | None:
    """The tissue or organ that a triplet acts on, by canonical id; None for fluid, a bag, a cavity or nothing."""
    target, action = triplet.target.id, triplet.action.id
    if action in _NOT_YET or target in NOT_TISSUE or (target == "abdominal_wall_cavity" and action in _RINSED):
        return None
    return target
