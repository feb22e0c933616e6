"""Level 1 of a trace: what is in view, and where."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from ..media.boxes import region_words
from ..ontology import NULL, Kind
from ..records import Answer, Box, Frame, LabeledBox
from ..tasks.answers import NOT_TISSUE, box_text
from ..tasks.base import AnswerKind, Task
from ..tasks.wording import joined
from .bank import Wording
from .moment import Memory, Scene
from .pieces import be, in_order, name_of, size_words, the_list, thing_in_view, things_in_view

_MOST_PLACES = 4
"""Of more tissues than these, places are told only where they are asked for."""


def perceptual(task: Task, scene: Scene, answer: Answer, words: Wording, memory: Memory) -> str:
    """The sentences of level 1; empty where nothing is known."""
    said: list[str] = []
    tools = _things("instrument", task, scene, answer, memory)
    if tools is not None and tools.text:
        said.append(words.say("instruments", a_list=tools.text, are=tools.be))
    elif tools is not None and not scene.is_clip:
        said.append(words.say("no_instruments"))
    anatomy = _things("target", task, scene, answer, memory)
    if anatomy is not None and anatomy.text:
        said.append(words.say("tissues", the_list=anatomy.text, are=anatomy.be))
    elif anatomy is not None and "target" in task.label_kinds and not scene.is_clip:
        said.append(words.say("no_tissues"))
    if not scene.is_clip and scene.frames[0].clean_image is not None:
        said.append(words.say("smoke"))
    if answer.boxes and task.label_kinds:
        kind = task.label_kinds[0]
        boxes = "; ".join([f"{name_of(kind, b.label)} {box_text(b)}" for b in answer.boxes])
        said.append(words.say("boxes", boxes=boxes))
    elif task.answer is AnswerKind.BOXES and any(s is not None and s.text and s.asked for s in (tools, anatomy)):
        # What is listed but has no box is in view all the same.
        said.append(words.say("no_boxes", what="anatomy" if "target" in task.label_kinds else "instruments"))
    elif task.answer is AnswerKind.MASK and answer.labels:
        said.append(words.say("asked", the_list=the_list("instrument", answer.labels)))
    return " ".join(said)


class _Things(NamedTuple):
    """Things of one kind in view; an empty text is a true none, ``asked`` tells that the answer is of this kind."""

    text: str
    be: str
    asked: bool


def _things(kind: Kind, task: Task, scene: Scene, answer: Answer, memory: Memory) -> _Things | None:
    """What is in view of one kind, in words; None where nobody looked. Kept for the other samples of the scene."""
    known: dict[Any, _Things | None] = memory.things
    asked = kind in task.label_kinds
    alone = task.level == 1
    boxed = asked and task.answer is AnswerKind.BOXES
    places = task.label_kinds != ("target",)
    key = (kind, asked, alone, boxed, places, answer.labels if asked and alone else ())
    if key not in known:
        known[key] = _look(*key, scene)
    return known[key]


def _look(
    kind: Kind, asked: bool, alone: bool, boxed: bool, places: bool, also: tuple[str, ...], scene: Scene
) -> _Things | None:
    found: set[str] | None = set(also) if asked and alone else None
    for frame in scene.frames:
        ids = (boxed and _boxed(kind, frame)) or _ids(kind, frame, with_triplets=not alone)
        if ids is not None:
            found = (found or set()) | set(ids)
    if found is None:
        return None
    order = in_order(kind, frozenset(found) - (NOT_TISSUE if kind == "target" else frozenset({NULL})))
    boxes: Sequence[LabeledBox] = ()
    if not scene.is_clip:
        frame = scene.frames[0]
        if kind == "instrument":
            boxes = (frame.instrument_boxes or ()) if places else ()
        elif asked or (not alone and len(order) <= _MOST_PLACES):
            boxes = frame.tissue_boxes or ()
    if not boxes:
        return _Things(things_in_view(kind, order), be(kind, order), asked)
    pieces = _placed(kind, order, boxes, sized=asked and alone)
    return _Things(joined(pieces), be(kind, order) if kind == "target" or len(pieces) < 2 else "are", asked)


def _ids(kind: Kind, frame: Frame, *, with_triplets: bool) -> Iterable[str] | None:
    """Ids of what is in view: the list of the source, else what is boxed or outlined, else what a triplet names."""
    if kind == "target":
        if frame.tissues is not None:
            return [t.id for t in frame.tissues]
        return None if frame.tissue_boxes is None else [b.label.id for b in frame.tissue_boxes]
    acting = [t.instrument.id for t in frame.triplets or ()]
    masks = frame.instrument_masks
    if frame.instruments is not None:
        listed = [i.id for i in frame.instruments]
    elif frame.instrument_boxes is not None:
        listed = [b.label.id for b in frame.instrument_boxes]
    elif masks is not None and all(m.label is not None for m in masks):
        listed = [m.label.id for m in masks if m.label is not None]
    else:
        return acting or None
    # A list that lacks what acts is answered as it is, but not repeated beside the act.
    return [*listed, *acting] if with_triplets else listed


def _boxed(kind: Kind, frame: Frame) -> Iterable[str]:
    if kind == "instrument":
        return [b.label.id for b in frame.instrument_boxes or ()]
    return [b.label.id for b in frame.tissue_boxes or () if b.label.id not in NOT_TISSUE]


def _placed(kind: Kind, ids: tuple[str, ...], boxes: Sequence[LabeledBox], *, sized: bool) -> list[str]:
    """Things in view, each with its place where that is known."""
    own: dict[str, list[Box]] = {id: [] for id in ids}
    for one in boxes:
        if one.label.id in own:
            own[one.label.id].append(one.box)
    pieces: list[str] = []
    for id, some in own.items():
        if len(some) > 1:
            some.sort(key=lambda b: (b.x1, b.y1, b.x2, b.y2))
        if kind == "target" and len(some) > 1:
            # A tissue in several places stays one tissue; instruments of one class are several things.
            regions = dict.fromkeys(map(region_words, some))
            pieces.append(f"{thing_in_view(kind, id, '', '')} {joined([f'in the {r}' for r in regions])}")
            continue
        pieces += [thing_in_view(kind, id, region_words(b), size_words(b) if sized else "") for b in some]
        if not some:
            pieces.append(thing_in_view(kind, id, "", ""))
    return pieces
