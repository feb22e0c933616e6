"""Tissue recognition: which tissues and organs are in the picture."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from ..records import Coverage, Fact, Frame, Label
from .common.actors import singled_out, tissue_acted_on
from .common.answers import label_set_draft
from .common.base import AnswerKind, Draft, MediaIn, Task
from .reading import InContext, LabelSet


def _draft(frame: Frame) -> Iterator[Draft]:
    if frame.holds_all(Fact.TISSUES):
        yield label_set_draft("target", frame.tissues or ())
    elif frame.holds_all(Fact.TISSUE_BOXES):
        yield label_set_draft("target", [b.label for b in frame.tissue_boxes or ()])
    elif frame.tissues is not None:
        yield from _acted_on(frame)


def _acted_on(frame: Frame) -> Iterator[Draft]:
    """Where only the tissues are known that instruments act on: which these are, of all instruments and of each.

    That nothing is acted on does not tell which tissues are in view, so there is no "none".
    """
    said: list[Label] = list(frame.tissues or ())
    if frame.triplets is not None:
        said = [t.target for t in frame.triplets if tissue_acted_on(t)]
    made = label_set_draft("target", said)
    if frame.coverage_of(Fact.TISSUES) is Coverage.ACTED_ON and made.answer.labels:
        yield replace(made, question="acted_on", answer_group="acted_on")
    actors = [actor for actor in singled_out(frame) if tissue_acted_on(actor.triplet)]
    if len(actors) == 1 and frame.holds_all(Fact.TRIPLETS):
        return  # asked already
    for actor in actors:
        one = label_set_draft("target", [actor.triplet.target])
        slots = {**one.slots, **actor.slots}
        yield replace(one, question="acted_on_by", answer_group="acted_on_by", key=actor.key, slots=slots)


parse = InContext(LabelSet("target"), ("target",))

TASK = Task(
    name="tissue_recognition",
    title="Tissue and organ recognition",
    description="Name the tissues and organs in the image, or those that are acted on.",
    family="understanding",
    media_in=MediaIn.IMAGE,
    answer=AnswerKind.LABELS,
    hub_category="visual-question-answering",
    needs=(frozenset({Fact.TISSUES}), frozenset({Fact.TISSUE_BOXES})),
    whole=frozenset({Fact.TISSUE_BOXES}),
    level=1,
    label_kinds=("target",),
    parse=parse,
    draft=_draft,
)
