"""Drafts of box answers, for instruments and for tissue alike."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from ..media.boxes import region_words
from ..ontology import Kind, concept
from ..records import LabeledBox
from .answers import box_text, boxes_answer, natives, reading_order
from .base import Draft
from .wording import joined


def box_drafts(kind: Kind, found: Sequence[LabeledBox]) -> Iterator[Draft]:
    """All boxes at once, then each one that a question can name without doubt.

    A class with one instance is asked for by name. Where a class has several, its instance is asked for by the part of
    the picture it lies in, if it is the only one of its class there.
    """
    boxes = reading_order(found)
    names = [concept(kind, b.label.id).name for b in boxes]
    yield Draft(
        question="all",
        answer_group="all" if boxes else "none",
        slots={"boxes": joined([f"{n} {box_text(b)}" for n, b in zip(names, boxes, strict=True)])},
        answer=boxes_answer(kind, boxes),
        native=natives(b.label for b in boxes),
    )
    per_class = Counter(b.label.id for b in boxes)
    per_place = Counter((b.label.id, region_words(b.box)) for b in boxes)
    for box, name in zip(boxes, names, strict=True):
        region = region_words(box.box)
        alone = per_class[box.label.id] == 1
        if not alone and per_place[box.label.id, region] > 1:
            continue
        yield Draft(
            key=box.label.id if alone else f"{box.label.id}_{region.replace(' ', '_')}",
            question="named" if alone else "region",
            answer_group="named" if alone else "region",
            slots={"name": name, "region": region, "box": box_text(box)},
            answer=boxes_answer(kind, [box]),
            native=natives([box.label]),
        )
