"""From facts to typed answers: the pieces that several tasks share. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ..ontology import NULL, Kind, concept, concepts
from ..records import Answer, AnswerBox, Label, LabeledBox, Native

NONE = "none"
"""Plain form of an answer that names nothing: a true none, not a missing annotation."""


def unique_ids(kind: Kind, labels: Iterable[Label]) -> tuple[str, ...]:
    """Ids of ``labels`` without repeats and without null, in the order of the vocabulary."""
    present = {label.id for label in labels} - {NULL}
    return tuple(id for id in concepts(kind) if id in present)


def names(kind: Kind, ids: Iterable[str]) -> list[str]:
    """Display names, as they read inside a sentence."""
    return [concept(kind, id).name for id in ids]


def natives(labels: Iterable[Label]) -> Native:
    """The native names, without repeats, in the order given."""
    return Native(labels=tuple(dict.fromkeys(label.native for label in labels)))


def labels_answer(kind: Kind, ids: Sequence[str]) -> Answer:
    """Labels and their plain text, ``none`` for no label."""
    return Answer(text=", ".join(names(kind, ids)) or NONE, labels=tuple(ids))


def reading_order(boxes: Iterable[LabeledBox]) -> list[LabeledBox]:
    """Boxes from left to right, then from top to bottom."""
    return sorted(boxes, key=lambda b: (b.box.x1, b.box.y1, b.box.x2, b.box.y2, b.label.id))


def boxes_answer(kind: Kind, boxes: Sequence[LabeledBox]) -> Answer:
    """Boxes with their exact numbers, and a plain text with three decimals."""
    typed = tuple(AnswerBox(b.label.id, b.box.x1, b.box.y1, b.box.x2, b.box.y2) for b in boxes)
    return Answer(text="; ".join(f"{concept(kind, b.label.id).name} {box_text(b)}" for b in boxes) or NONE, boxes=typed)


def box_text(box: LabeledBox) -> str:
    """``[x1, y1, x2, y2]`` with three decimals."""
    b = box.box
    return f"[{b.x1:.3f}, {b.y1:.3f}, {b.x2:.3f}, {b.y2:.3f}]"
