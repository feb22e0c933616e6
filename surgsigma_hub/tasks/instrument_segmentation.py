"""Instrument segmentation: the pixels of the instruments, as a black and white mask."""

from __future__ import annotations

from collections.abc import Iterator

from ..ontology import concept
from ..records import Answer, Fact, Frame, Native
from .answers import NONE, distinct_ids, names, native_names, plain_list
from .base import AnswerKind, Draft, Masks, MediaIn, Task
from .reading import MaskLabels
from .wording import are


def _draft(frame: Frame) -> Iterator[Draft]:
    masks = frame.instrument_masks
    if masks is None:
        return
    if not masks:
        yield Draft(
            answer=Answer(text="no instrument in view"), question="all", answer_group=NONE, key="all", target=Masks(())
        )
        return
    labels = [m.label for m in masks if m.label is not None]
    complete = len(labels) == len(masks)  # a mask without a label could be of any class, so none can be asked by name
    ids = distinct_ids("instrument", labels) if complete else ()
    yield Draft(
        answer=Answer(text=f"mask of {plain_list(names('instrument', ids)) if ids else 'all instruments'}", labels=ids),
        question="all",
        answer_group="all",
        key="all",
        native=Native(labels=native_names(labels)),
        target=Masks(masks),
    )
    for id in ids:
        name = concept("instrument", id).name
        own = tuple(m for m in masks if m.label is not None and m.label.id == id)
        yield Draft(
            answer=Answer(text=f"mask of {name}", labels=(id,)),
            question="by_name",
            answer_group="by_name",
            key=id,
            slots={"instrument": name, "are": are([name])},
            native=Native(labels=native_names(m.label for m in own if m.label is not None)),
            target=Masks(own),
        )


parse = MaskLabels("instrument")

TASK = Task(
    name="instrument_segmentation",
    title="Instrument segmentation",
    description="Mark the pixels of the instruments, or of the kind that the question names, in white on black.",
    family="understanding",
    media_in=MediaIn.IMAGE,
    answer=AnswerKind.MASK,
    hub_category="image-segmentation",
    needs=(frozenset({Fact.INSTRUMENT_MASKS}),),
    level=1,
    label_kinds=("instrument",),
    parse=parse,
    draft=_draft,
)
