"""What several tasks share: typed answers and their plain text, made from the facts of a frame."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cache

from ..errors import UnknownNameError
from ..media.boxes import region_words
from ..ontology import NULL, Kind, concept, concepts
from ..ontology.forms import acting_on
from ..records import (
    Answer,
    AnswerBox,
    AnswerCriterion,
    AnswerTriplet,
    BoxExtent,
    Label,
    LabeledBox,
    Native,
    Triplet,
    Verdict,
)
from .base import Draft
from .wording import are, joined, with_article

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


def label_set_draft(kind: Kind, labels: Sequence[Label], slots: Callable[[list[str]], dict[str, str]]) -> Draft:
    """The one draft of a task that answers with a set of labels; ``slots`` words the names of a non-empty set."""
    ids = distinct_ids(kind, labels, NOT_TISSUE if kind == "target" else frozenset({NULL}))
    found = names(kind, ids)
    return Draft(
        answer=Answer(text=plain_list(found), labels=ids),
        answer_group="default" if ids else NONE,
        slots=slots(found) if ids else {},
        native=Native(labels=native_names(labels)),
    )


def criteria_text(criteria: Iterable[AnswerCriterion]) -> str:
    """Plain text of verdicts.

    >>> criteria_text([AnswerCriterion("two_structures", True), AnswerCriterion("cystic_plate", False)])
    'two structures: yes; exposed cystic plate: no'
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


def triplet_clauses(triplets: Sequence[Triplet], *, at_once: bool = False, all_in_view: bool = True) -> str:
    """Triplets as one clause each: a list, or "... while ..." where they go on ``at_once``; honest about null labels.

    Two triplets of one class take the indefinite article: the facts do not tell whether it is one instrument or two.
    So does everything where the triplets are not all there are: another instrument of the class may be in view.
    """
    often = Counter(t.instrument.id for t in triplets)
    clauses: list[str] = []
    for triplet in triplets:
        instrument = concept("instrument", triplet.instrument.id).name
        definite = all_in_view and often[triplet.instrument.id] == 1
        subject = f"the {instrument}" if definite else with_article(instrument)
        target = concept("target", triplet.target.id)
        if triplet.action.id == NULL:
            does = "in view without acting" + ("" if target.id == NULL else f" on the {target.name}")
        else:
            does = acting_on(triplet.action.id, target.id) + (" without a named target" if target.id == NULL else "")
        clauses.append(f"{subject} {are([instrument])} {does}")
    return " while ".join([clauses[0], *([joined(clauses[1:])] if clauses[1:] else [])]) if at_once else joined(clauses)


# -------------------------------------------------------------------------------------------------------- boxes

_PARTS: Mapping[BoxExtent | None, str] = {BoxExtent.TIP: "tip", BoxExtent.WORKING_END: "working end"}
"""Words for what a box encloses where that is not the whole."""


def box_text(box: AnswerBox) -> str:
    """Corners with three decimals.

    >>> box_text(AnswerBox("hook", 0.282, 0.452, 0.447, 0.75249))
    '[0.282, 0.452, 0.447, 0.752]'
    """
    return f"[{box.x1:.3f}, {box.y1:.3f}, {box.x2:.3f}, {box.y2:.3f}]"


def boxes_text(kind: Kind, boxes: Iterable[AnswerBox]) -> str:
    """Plain text of boxes; a box whose label is empty, as a model may print one, stands alone.

    >>> boxes_text("instrument", [AnswerBox("hook", 0.1, 0.2, 0.3, 0.4), AnswerBox("", 0.5, 0.5, 0.6, 0.6)])
    'hook [0.100, 0.200, 0.300, 0.400]; [0.500, 0.500, 0.600, 0.600]'
    """
    return "; ".join(f"{concept(kind, b.label).name} {box_text(b)}" if b.label else box_text(b) for b in boxes) or NONE


def box_drafts(
    kind: Kind,
    slot: str,
    boxes: Iterable[LabeledBox],
    leave_out: frozenset[str] = frozenset(),
    *,
    all_in_view: bool = True,
    extent: BoxExtent | None = None,
) -> Iterator[Draft]:
    """Localization drafts: all boxes at once, and one draft for each instance that words can single out.

    An instance is asked for by name when its class occurs once, and by name and region of the picture when no other
    instance of its class lies in that region. Instances that neither singles out are asked for only among all.

    Args:
        kind: Vocabulary of the labels.
        slot: Name of the slot for the name of one instance.
        boxes: The boxes, labels resolved.
        leave_out: Ids not asked for.
        all_in_view: Whether every instance in view has a box. Where not, neither all nor "the" one of a name is asked
            for, since another may be in view.
        extent: What a box encloses; None and the whole need no words.
    """
    part = _PARTS.get(extent)
    found = [b for b in boxes if b.label.id not in leave_out]
    found.sort(key=lambda b: (b.box.x1, b.box.y1, b.box.x2, b.box.y2, b.label.id))  # reading order, left to right

    def answer(some: Sequence[LabeledBox]) -> Answer:
        typed = tuple(AnswerBox(b.label.id, b.box.x1, b.box.y1, b.box.x2, b.box.y2) for b in some)
        return Answer(text=boxes_text(kind, typed), boxes=typed)

    everything = answer(found)
    if all_in_view:
        slots = {"boxes": everything.text} if found else {}
        yield Draft(
            answer=everything,
            question="all_parts" if part else "all",
            answer_group=NONE if not found else "all_parts" if part else "all",
            key="all",
            slots={**slots, "part": part} if part else slots,
            native=Native(labels=tuple(b.label.native for b in found)),
        )
    per_class = Counter(b.label.id for b in found)
    per_region = Counter((b.label.id, region_words(b.box)) for b in found)
    for one in found:
        region = region_words(one.box)
        alone = all_in_view and per_class[one.label.id] == 1
        if not alone and per_region[one.label.id, region] > 1:
            continue
        name = concept(kind, one.label.id).name
        single = answer([one])
        said = f"{part} of the {name}" if part else name
        slots = {slot: said, "are": "is" if part else are([name]), "box": box_text(single.boxes[0])}
        yield Draft(
            answer=single,
            question="by_name" if alone else "by_region",
            answer_group="by_name" if alone else "by_region",
            key=one.label.id if alone else f"{one.label.id}-{region.replace(' ', '-')}",
            slots=slots if alone else {**slots, "region": region},
            native=Native(labels=(one.label.native,)),
        )
