"""What several tasks share: typed answers and their plain text, made from the facts of a frame."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache, lru_cache

from ...errors import UnknownNameError
from ...media.boxes import region_words, whole_ends
from ...ontology import NULL, Kind, concept, concepts
from ...ontology.forms import acting_on, forms, is_finding
from ...records import (
    Answer,
    AnswerBox,
    AnswerCriterion,
    AnswerTriplet,
    Box,
    BoxExtent,
    Frame,
    Label,
    LabeledBox,
    LabeledMask,
    Native,
    Triplet,
    Verdict,
)
from .base import Draft
from .wording import joined

NONE = "none"
"""Plain text of a true "none", and the name of the answer group that words it."""

NOT_TISSUE = frozenset({NULL, "specimen_bag", "fluid"})
"""Entries of the target vocabulary that are no tissue: a triplet can have them as target, a tissue task cannot."""


CRITICAL_VIEW = ("two_structures", "hepatocystic_triangle", "cystic_plate")
"""The three criteria of the critical view of safety, in the order in which the literature numbers them."""


def distinct_ids(kind: Kind, labels: Iterable[Label], leave_out: frozenset[str] = frozenset({NULL})) -> tuple[str, ...]:
    """Canonical ids without repeats, in the order of the vocabulary, so that the order tells nothing.

    >>> distinct_ids("instrument", [Label("Hook", "hook"), Label("Grasper", "grasper"), Label("Hook", "hook")])
    ('grasper', 'hook')
    """
    places = _places(kind)
    found = {label.id for label in labels} - leave_out
    try:
        return tuple(sorted(found, key=places.__getitem__))
    except KeyError as error:
        raise UnknownNameError(kind, str(error.args[0]), places, where="the ontology") from None


@cache
def _places(kind: Kind) -> dict[str, int]:
    return {id: place for place, id in enumerate(concepts(kind))}


def native_names(labels: Iterable[Label]) -> tuple[str, ...]:
    """Native label strings without repeats, in the order of the source."""
    return tuple(dict.fromkeys(label.native for label in labels))


def names(kind: Kind, ids: Iterable[str]) -> list[str]:
    """Display names of canonical ids."""
    return [concept(kind, id).name for id in ids]


def plain_list(words: Sequence[str]) -> str:
    """Plain text of a list of labels.

    >>> plain_list(["grasper", "hook"]), plain_list([])
    ('grasper, hook', 'none')
    """
    return ", ".join(words) or NONE


_THINGS: Mapping[str, tuple[str, str]] = {
    "instrument": ("instrument", "instruments"),
    "target": ("structure", "structures"),
    "action": ("action", "actions"),
    "part": ("part", "parts"),
}


@lru_cache(maxsize=4096)
def set_slots(kind: Kind, ids: tuple[str, ...]) -> Mapping[str, str]:
    """How a set of labels is said: as a list, with articles, and the verb and the noun that agree with it.

    >>> said = set_slots("target", ("cystic_duct", "fluid", "blood_vessel"))
    >>> said["a_list"], said["be"], said["things"]
    ('the cystic duct, fluid and a blood vessel', 'are', 'structures')
    >>> said = set_slots("action", ("retract",))
    >>> said["list"], said["doing"], said["be"]
    ('retraction', 'retracting', 'is')
    """
    every = [forms(kind, id) for id in ids]
    one, several = _THINGS[kind]
    bare = [f.noun for f in every]
    return {
        "list": joined(bare),
        "a_list": joined(bare if kind == "action" else [f.a for f in every]),
        "doing": joined([f.doing for f in every]),
        "be": "are" if len(every) > 1 or any(f.is_plural for f in every) else "is",
        "things": one if len(every) == 1 else several,
        "things_be": "is" if len(every) == 1 else "are",
    }


def label_set_draft(kind: Kind, labels: Sequence[Label]) -> Draft:
    """The one draft of a task that answers with a set of labels."""
    ids = distinct_ids(kind, labels, NOT_TISSUE if kind == "target" else frozenset({NULL}))
    return Draft(
        answer=Answer(text=plain_list(names(kind, ids)), labels=ids),
        answer_group="default" if ids else NONE,
        slots=set_slots(kind, ids) if ids else {},
        native=Native(labels=native_names(labels)),
    )


def asked_slots(kind: Kind, id: str) -> dict[str, str]:
    """How a label is said in a question whether it is there."""
    said = forms(kind, id)
    name = said.noun if kind == "action" else said.name
    return {"asked": name, "a_asked": name if kind == "action" else said.a, "the_asked": said.the, "be": said.be}


def existence_draft(kind: Kind, id: str, *, there: bool, key: str, native: Native | None = None) -> Draft:
    """The draft that asks whether one label is there; its typed answer is that label, or none."""
    ids = (id,) if there else ()
    return Draft(
        answer=Answer(text=plain_list(names(kind, ids)), labels=ids),
        question="existence",
        answer_group="existence_yes" if there else "existence_no",
        key=key,
        slots=asked_slots(kind, id),
        native=native or Native(),
    )


def criteria_text(criteria: Iterable[AnswerCriterion]) -> str:
    """Plain text of verdicts.

    >>> criteria_text([AnswerCriterion("two_structures", True), AnswerCriterion("cystic_plate", False)])
    'two structures entering the gallbladder: yes; cystic plate exposed: no'
    """
    return "; ".join(f"{concept('criterion', c.criterion).name}: {'yes' if c.met else 'no'}" for c in criteria)


def ordered_verdicts(verdicts: Iterable[Verdict]) -> list[Verdict]:
    """Verdicts in the order of the vocabulary of criteria."""
    order = list(concepts("criterion"))
    return sorted(verdicts, key=lambda v: order.index(concept("criterion", v.criterion.id).id))


# ----------------------------------------------------------------------------------------------------- triplets


def distinct_triplets(triplets: Iterable[Triplet]) -> tuple[Triplet, ...]:
    """Triplets without repeats of the same three ids, in the order of the source."""
    first: dict[tuple[str, str, str], Triplet] = {}
    for t in triplets:
        first.setdefault((t.instrument.id, t.action.id, t.target.id), t)
    return tuple(first.values())


def answer_triplets(triplets: Iterable[Triplet]) -> tuple[AnswerTriplet, ...]:
    """Triplets by canonical id."""
    return tuple(AnswerTriplet(t.instrument.id, t.action.id, t.target.id) for t in triplets)


def triplets_text(triplets: Iterable[AnswerTriplet]) -> str:
    """Plain text of triplets.

    >>> triplets_text([AnswerTriplet("hook", "dissect", "cystic_duct"), AnswerTriplet("grasper", "null", "null")])
    'hook, dissect, cystic duct; grasper, no action, no target'
    """
    kinds: tuple[Kind, Kind, Kind] = ("instrument", "action", "target")
    rows = ([(k, id) for k, id in zip(kinds, (t.instrument, t.action, t.target), strict=True)] for t in triplets)
    return "; ".join(", ".join(concept(kind, id).name for kind, id in row) for row in rows) or NONE


def triplet_clauses(
    triplets: Sequence[Triplet], *, at_once: bool = False, all_in_view: bool = True, described: bool = False
) -> str:
    """Triplets as one clause each: a list, or "... while ..." where they go on ``at_once``.

    Where the triplets are not all there are, another instrument of a class may be in view: none is "the" one then.
    That a target is not named is said where it was asked for, and not where a scene is ``described``.
    """
    often = Counter(t.instrument.id for t in triplets)
    said: Counter[str] = Counter()
    clauses: list[str] = []
    for triplet in triplets:
        id = triplet.instrument.id
        nth = said[id] if often[id] > 1 else None
        clauses.append(_clause(id, triplet.action.id, triplet.target.id, nth, all_in_view, described))
        said[id] += 1
    return " while ".join([clauses[0], *([joined(clauses[1:])] if clauses[1:] else [])]) if at_once else joined(clauses)


@lru_cache(maxsize=8192)
def _clause(instrument: str, action: str, target: str, nth: int | None, definite: bool, described: bool) -> str:
    """What one instrument does; ``nth`` counts those of its class from 0, None where it is the only one told."""
    name = forms("instrument", instrument)
    if nth is not None:
        subject, be = f"{('one', 'another', 'a third')[min(nth, 2)]} {name.single}", "is"
    else:
        subject, be = (name.the if name.acts and definite else name.a), name.be
    if action != NULL:
        done = acting_on(action, target)
        unnamed = target == NULL and not described
        return f"{subject} {be} {done} without a named target" if unnamed else f"{subject} {be} {done}"
    at = "" if target == NULL else f" at {forms('target', target).the}"
    return f"{subject} {be} in view but idle{at}" if name.acts else f"{subject} {be} in view{at}"


# -------------------------------------------------------------------------------------------------------- boxes


def the_instances(masks: Sequence[LabeledMask], id: str) -> str:
    """An instrument as it stands in a mask: "the grasper", or "the graspers" where it has masks of several.

    Two masks are two instruments where the source calls both by one name; a shaft beside its tip is none.
    """
    said = forms("instrument", id)
    often = Counter(m.label.native for m in masks if m.label is not None and m.label.id == id)
    return f"the {said.several}" if said.several and max(often.values(), default=0) > 1 else said.the


def box_text(box: Box | AnswerBox) -> str:
    """Corners with three decimals; a box that is thinner is said a thousandth wide, since none reads as empty.

    >>> box_text(AnswerBox("hook", 0.282, 0.452, 0.447, 0.75249)), box_text(Box(0.1, 0.5006, 0.3, 0.5013))
    ('[0.282, 0.452, 0.447, 0.752]', '[0.100, 0.500, 0.300, 0.501]')
    """
    x1, y1, x2, y2 = (f"{end:.3f}" for end in (box.x1, box.y1, box.x2, box.y2))
    if x1 == x2:
        x1, x2 = (f"{end / 1000:.3f}" for end in whole_ends(box.x1, box.x2, 1000))
    if y1 == y2:
        y1, y2 = (f"{end / 1000:.3f}" for end in whole_ends(box.y1, box.y2, 1000))
    return f"[{x1}, {y1}, {x2}, {y2}]"


def boxes_text(kind: Kind, boxes: Iterable[AnswerBox]) -> str:
    """Plain text of boxes; a box whose label is empty, as a model may print one, stands alone.

    >>> boxes_text("instrument", [AnswerBox("hook", 0.1, 0.2, 0.3, 0.4), AnswerBox("", 0.5, 0.5, 0.6, 0.6)])
    'hook [0.100, 0.200, 0.300, 0.400]; [0.500, 0.500, 0.600, 0.600]'
    """
    return "; ".join(f"{concept(kind, b.label).name} {box_text(b)}" if b.label else box_text(b) for b in boxes) or NONE


_EXTENTS: Mapping[BoxExtent | None, str] = {BoxExtent.TIP: "tip", BoxExtent.WORKING_END: "working end"}
"""What a box encloses, where it is not all that is seen of an instrument."""


def _part_boxed(kind: Kind, frame: Frame) -> str | None:
    """The part of an instrument that boxes end at, in words; None where they enclose all that is seen of it."""
    return _EXTENTS.get(frame.box_extent) if kind == "instrument" else None


OF_TIP = "tip of the "
"""Before the name of an instrument whose box ends at its tip."""


def boxed_name(kind: Kind, id: str, frame: Frame) -> str:
    """Name of the thing in a box in a trace: "hook", or "tip of the hook" where its box ends there."""
    said = forms(kind, id)
    return f"{OF_TIP}{said.name}" if kind == "instrument" and frame.box_extent is BoxExtent.TIP else said.name


def box_slots(kind: Kind, id: str, frame: Frame) -> dict[str, str]:
    """How the thing in a box is said: "the hook", or "the tip of the hook" where its box ends there."""
    said = forms(kind, id)
    part = _part_boxed(kind, frame)
    return {
        "name": said.name,
        "thing": f"the {part} of {said.the}" if part else said.the,
        "thing_be": "is" if part else said.be,
        "its_box": f"the bounding box of {'their' if said.is_plural else 'its'} {part}" if part
        else f"{'their' if said.is_plural else 'its'} bounding box",
    }  # fmt: skip


def _all_slots(kind: Kind, frame: Frame) -> dict[str, str]:
    part = _part_boxed(kind, frame)
    one, several = _THINGS[kind]
    if kind == "target" and any(is_finding(b.label.id) for b in frame.tissue_boxes or ()):
        one, several = "finding", "findings"
    return {
        "one": one,
        "several": several,
        "every": f"the {part} of every {one}" if part else f"every {one}",
        "all": f"the {part}s of all {several}" if part else f"all {several}",
    }


def box_answer(kind: Kind, boxes: Sequence[LabeledBox]) -> Answer:
    """The typed answer of boxes, in their order."""
    typed = tuple(AnswerBox(b.label.id, b.box.x1, b.box.y1, b.box.x2, b.box.y2) for b in boxes)
    return Answer(text=boxes_text(kind, typed), boxes=typed)


def box_drafts(
    kind: Kind,
    boxes: Iterable[LabeledBox],
    frame: Frame,
    leave_out: frozenset[str] = frozenset(),
    *,
    all_in_view: bool = True,
) -> Iterator[Draft]:
    """Localization drafts: all boxes at once, and one draft for each instance that words can single out.

    An instance is asked for by name when its class occurs once, and by name and region of the picture when no other
    instance of its class lies in that region. Instances that neither singles out are asked for only among all.

    Args:
        kind: Vocabulary of the labels.
        boxes: The boxes, labels resolved.
        frame: The frame, which says what a box encloses.
        leave_out: Ids not asked for.
        all_in_view: Whether every instance in view has a box. Where not, neither all nor "the" one of a name is asked
            for, since another may be in view.
    """
    found = [b for b in boxes if b.label.id not in leave_out]
    found.sort(key=lambda b: (b.box.x1, b.box.y1, b.box.x2, b.box.y2, b.label.id))  # reading order, left to right
    everything = box_answer(kind, found)
    if all_in_view:
        yield Draft(
            answer=everything,
            question="all",
            answer_group="all" if len(found) > 1 else "one" if found else NONE,
            key="all",
            slots={"boxes": everything.text, **_all_slots(kind, frame)},
            native=Native(labels=tuple(b.label.native for b in found)),
        )
    per_class = Counter(b.label.id for b in found)
    per_region = Counter((b.label.id, region_words(b.box)) for b in found)
    for one in found:
        region = region_words(one.box)
        alone = all_in_view and per_class[one.label.id] == 1
        if not alone and per_region[one.label.id, region] > 1:
            continue
        single = box_answer(kind, [one])
        slots = {**box_slots(kind, one.label.id, frame), "box": box_text(single.boxes[0])}
        yield Draft(
            answer=single,
            question="by_name" if alone else "by_region",
            answer_group="by_name" if alone else "by_region",
            key=one.label.id if alone else f"{one.label.id}-{region.replace(' ', '-')}",
            slots=slots if alone else {**slots, "region": region},
            native=Native(labels=(one.label.native,)),
        )
