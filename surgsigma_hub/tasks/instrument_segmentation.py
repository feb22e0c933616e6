"""Instrument segmentation: the pixels of the instruments, as a black and white mask."""

from __future__ import annotations

from collections.abc import Iterator

from ..ontology import concept
from ..ontology.forms import forms
from ..records import Answer, Fact, Frame, LabeledMask, Native
from .common.answers import NONE, distinct_ids, names, native_names, plain_list, the_instances
from .common.base import AnswerKind, Draft, Masks, MediaIn, Task
from .reading import InContext, MaskLabels


def _draft(frame: Frame) -> Iterator[Draft]:
    yield from _whole(frame)
    yield from _parts(frame)


def _parts(frame: Frame) -> Iterator[Draft]:
    """One draft for each kind of part in view, of all instruments together."""
    masks = [m for m in frame.part_masks or () if m.label is not None]
    for id in distinct_ids("part", (m.label for m in masks if m.label is not None)):
        name = concept("part", id).name
        own = tuple(m for m in masks if m.label is not None and m.label.id == id)
        yield Draft(
            answer=Answer(text=f"mask of {name}", labels=(id,)),
            question="by_part",
            answer_group="by_part",
            key=f"part-{id}",
            slots={"part": name, "parts": forms("part", id).several or name},
            native=Native(labels=native_names(m.label for m in own if m.label is not None)),
            target=Masks(own),
        )


def _whole(frame: Frame) -> Iterator[Draft]:
    masks = frame.instrument_masks
    if masks is None or not frame.holds_all(Fact.INSTRUMENT_MASKS):
        return  # a mask of all, or of all of a class, would leave out what is in view
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
            slots={"name": name, "thing": the_instances(own, id), "be": _be(own, id)},
            native=Native(labels=native_names(m.label for m in own if m.label is not None)),
            target=Masks(own),
        )


def _be(masks: tuple[LabeledMask, ...], id: str) -> str:
    said = forms("instrument", id)
    return said.be if the_instances(masks, id) == said.the else "are"


parse = InContext(MaskLabels(("instrument", "part")))

TASK = Task(
    name="instrument_segmentation",
    title="Instrument segmentation",
    description="Mark the pixels of the instruments, or of the kind or part that is named, in white on black.",
    family="understanding",
    media_in=MediaIn.IMAGE,
    answer=AnswerKind.MASK,
    hub_category="image-segmentation",
    needs=(frozenset({Fact.INSTRUMENT_MASKS}), frozenset({Fact.PART_MASKS})),
    whole=frozenset({Fact.INSTRUMENT_MASKS}),
    level=1,
    label_kinds=("instrument", "part"),
    parse=parse,
    draft=_draft,
)
