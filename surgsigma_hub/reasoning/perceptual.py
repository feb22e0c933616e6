"""Level 1 of a trace: what is in view, where, and what can be measured of each thing by itself."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple, TypeGuard

from ..media.boxes import region_words
from ..ontology import NULL, Kind
from ..ontology.forms import Article, forms, is_finding
from ..records import Answer, Box, BoxExtent, Fact, Frame, LabeledBox
from ..tasks.common.answers import NOT_TISSUE, OF_TIP, box_text, boxed_name, the_instances
from ..tasks.common.base import AnswerKind, Draft, Task
from ..tasks.common.wording import joined
from .bank import Wording
from .evidence import Evidence, evidence, spots_of
from .phrases import (
    be,
    boxed_in,
    in_order,
    lying,
    place,
    size_words,
    thing_in_view,
    turned,
)
from .scene_facts import Memory, Scene

_MOST_TISSUES = 3
"""So many tissues are told, with their places, where they are not asked for: those that matter, then any others."""

_NOTED = 2
"""Of so many short lists of a description, one stands as in notes, without articles; long ones always do."""
_TO_BOX = (" ", " ", " at ", " in ", " within ", " inside ")
"""Between a name and the box that the answer gives."""
_ARTICLE = re.compile(r"^(?:the|an?) ")
_MOST_STYLES = 4
"""Ways to choose among what need not be told; few, since what is chosen is kept for the other samples of the moment."""
_BY_WORDS = 5
"""Of so many lists, one gives places in words; the others, and every long list of what is asked for, give boxes."""
_MOST_OF_IMAGE = 0.4
"""What takes up a larger share of the image than this is in no one part of it."""
_PLAIN = frozenset({"edge", "tissue_edge", "side", "count"})
"""Measures without a number that tells one scene from the next."""
_OF_NUMBERS = 4
"""Of so many measures, all but one are numbers where there are any."""
_UNPLACED = 3
"""Of so many lists, one leaves places out that are not asked for."""

_Found = tuple[tuple[str, ...], Sequence[LabeledBox]]

CONDITIONS = ("cystic_duct", "cystic_artery", "cystic_plate", "cystic_pedicle")
"""Tissues by which a critical view is judged."""


def perceptual(
    task: Task, scene: Scene, draft: Draft, words: Wording, memory: Memory, told: Evidence | None = None
) -> list[str]:
    """The sentences of level 1; none where nothing is known.

    What is in view comes first, then one thing by its box, then one thing more. Of all that is known some is said, so
    that traces stay short and unlike one another; what the answer needs is always said. Where one piece of evidence
    decides the answer it is ``told``, and no other; where one thing is asked about, the evidence is about it.
    """
    answer, style = draft.answer, words.number()
    about = _matters(task, scene, draft)
    on_tissue = draft.question.startswith("acted_on")  # what is treated is told by what treats it
    meeting = draft.question == "place_contact"
    with_tools = task.label_kinds != ("target",) or scene.is_clip or on_tissue
    one = told is not None
    tools = _things("instrument", task, scene, answer, memory, style, told=one) if with_tools else None
    needs_tissue = task.answer in (AnswerKind.TEXT, AnswerKind.CRITERIA) or task.label_kinds == ("target",)
    with_tissue = needs_tissue or meeting or (style & 8 and task.level > 1) or tools is None or not tools.text
    anatomy = _things("target", task, scene, answer, memory, style, told=one) if with_tissue else None
    said = [*_in_view(task, scene, tools, anatomy, words)]
    if len(said) > 1 and (style & 1 if task.level > 1 else "target" in task.label_kinds):
        said.reverse()  # at level 1 what is asked for comes first
    if told is not None:
        drawn = _asked(task, scene, answer, words, tools, anatomy) if answer.boxes else []
        return [*said, words.say(*told), *drawn]
    smoke = not scene.is_clip and scene.frames[0].clean_image is not None
    if smoke and (style & 16 or task.answer is AnswerKind.TEXT or not said):
        said.append(words.say("smoke"))
    boxed = any(some is not None and some.by_box for some in (tools, anatomy))  # and are not told again
    spots = [] if boxed or task.answer is AnswerKind.BOXES else spots_of(scene, memory, about)
    if spots and (style & 1 or tools is None or not tools.text):
        said.append(words.say(*words.pick(spots)))
    named = " ".join(said)
    more = [told for told in evidence(scene, memory, about, of_tissue=needs_tissue) if _is_of(named, told)]
    if more and (not spots or task.level == 1 or len(said) < 3 or task.answer is AnswerKind.TEXT):
        numbers = [told for told in more if told[0] not in _PLAIN]
        said.append(words.say(*words.pick(numbers if numbers and words.number() % _OF_NUMBERS else more)))
    asked = _asked(task, scene, answer, words, tools, anatomy)
    return said + asked


def _is_of(named: str, told: Evidence) -> bool:
    """Whether a measure is of things that were named before it."""
    said = (told[1][slot].removeprefix(OF_TIP) for slot in ("name", "one", "other") if slot in told[1])
    return all(name in named for name in said)


def _matters(task: Task, scene: Scene, draft: Draft) -> frozenset[str] | None:
    """Ids of what the answer depends on, so that nothing else is measured for it; None where all counts."""
    answer, frame = draft.answer, scene.frames[0]
    if draft.question in ("acted_on_by", "done_by"):
        return frozenset([draft.key.partition("-")[0]])
    if draft.question in ("by_name", "by_region"):
        asked = [b.label for b in answer.boxes] or answer.labels
        return frozenset(asked) if len({*asked}) == 1 else None
    if task.answer is AnswerKind.CRITERIA:
        return frozenset(CONDITIONS)
    if draft.question == "acted_on":
        return frozenset(answer.labels)
    if task.level == 1 and task.label_kinds:
        every = frame.tissue_boxes if task.label_kinds == ("target",) else frame.instrument_boxes
        return frozenset(b.label.id for b in every or ())
    if task.answer in (AnswerKind.TEXT, AnswerKind.IMAGE, AnswerKind.VIDEO) or scene.is_clip:
        return None
    worked_on = {t.target.id for t in frame.triplets or ()}
    return frozenset({b.label.id for b in frame.instrument_boxes or ()} | worked_on)


def _in_view(task: Task, scene: Scene, tools: _Things | None, anatomy: _Things | None, words: Wording) -> Iterator[str]:
    in_view = any(f.holds_all(Fact.TISSUES) or f.tissue_boxes is not None for f in scene.frames)
    if task.level > 1 and in_view and not scene.is_clip and _short(tools) and _short(anatomy) and words.number() % 8:
        every = joined(sorted([*tools.pieces, *anatomy.pieces], key=lambda piece: "[" not in piece))
        yield said_once(words.say("tissues", {"the_list": every, "are": "are"}))
        return
    if tools is not None and tools.text:
        kind = "instruments_over_time" if scene.is_clip else "instruments"
        slots = {"a_list": tools.text, "are": tools.be, "things": "instruments" if tools.be == "are" else "instrument"}
        yield said_once(
            words.say("instruments_noted", {"names": tools.names}) if tools.names else words.say(kind, slots)
        )
    elif tools is not None and not scene.is_clip and (tools.asked or _complete(scene.frames[0])):
        yield words.say("no_instruments")
    if anatomy is not None and anatomy.text:
        kind = f"{'tissues' if in_view else 'acted_on'}{'_over_time' if scene.is_clip else ''}"
        slots = {"the_list": anatomy.text, "are": anatomy.be, "things": _structures(anatomy.be)}
        told = words.say("tissues_noted", {"names": anatomy.names}) if anatomy.names else words.say(kind, slots)
        yield said_once(told)
    elif anatomy is not None and anatomy.asked and task.answer is not AnswerKind.TEXT and not scene.is_clip:
        yield words.say("no_tissues")


def _short(things: _Things | None) -> TypeGuard[_Things]:
    """Whether things stand in a list that may be joined with another one."""
    return things is not None and 0 < len(things.pieces) <= _MOST_TISSUES and not things.names


_SAID_BEFORE = re.compile(r"(?:In|Within|The|This)\b[^,:]*?\b(view|image|scene|frame|field)\b")


def said_once(text: str) -> str:
    """``text`` without a second mention of the image or view that it opens with.

    >>> said_once("In this image, I see a hook at the top of the image and a grasper (lower left).")
    'In this image, I see a hook at the top and a grasper (lower left).'
    """
    said = _SAID_BEFORE.match(text)
    return text if said is None else f"{text[: said.end()]}{text[said.end() :].replace(f' of the {said[1]}', '')}"


def _structures(number: str) -> str:
    return "structures" if number == "are" else "structure"


def _complete(frame: Frame) -> bool:
    return any(map(frame.holds_all, (Fact.INSTRUMENTS, Fact.INSTRUMENT_BOXES, Fact.INSTRUMENT_MASKS)))


class _Things(NamedTuple):
    """Things of one kind in view, each in words; none is a true none, ``asked`` tells that the answer is of this kind.

    With ``by_box`` their boxes stand in the text. ``names`` is the list as it stands in notes.
    """

    pieces: tuple[str, ...]
    be: str
    asked: bool
    by_box: bool
    names: str = ""

    @property
    def text(self) -> str:
        """All of them as a list."""
        return joined(self.pieces)


def _asked(
    task: Task, scene: Scene, answer: Answer, words: Wording, tools: _Things | None, anatomy: _Things | None
) -> list[str]:
    """What the answer of a task of level 1 needs beyond what is in view."""
    if answer.boxes and task.label_kinds:
        kind, frame = task.label_kinds[0], scene.frames[0]
        link = words.pick(_TO_BOX)
        boxes = "; ".join([f"{boxed_name(kind, b.label, frame)}{link}{box_text(b)}" for b in answer.boxes])
        return [words.say("boxes", {"boxes": boxes, "boxes_noun": "boxes" if len(answer.boxes) > 1 else "box"})]
    if task.answer is AnswerKind.BOXES and any(s is not None and s.text and s.asked for s in (tools, anatomy)):
        # What is listed but has no box is in view all the same.
        return [words.say("no_boxes", {"what": "anatomy" if "target" in task.label_kinds else "instruments"})]
    if task.answer is AnswerKind.MASK and answer.labels:
        masks = scene.frames[0].instrument_masks or ()
        return [words.say("asked", {"the_list": joined([the_instances(masks, id) for id in answer.labels])})]
    return []


# ------------------------------------------------------------------------------------------------------- what is seen


def _things(
    kind: Kind, task: Task, scene: Scene, answer: Answer, memory: Memory, style: int, *, told: bool
) -> _Things | None:
    """What is in view of one kind, in words; None where nobody looked. Kept for the other samples of the scene."""
    known: dict[Any, _Found | None] = memory.things
    described = task.answer is AnswerKind.TEXT  # names all that is listed
    # Of triplets, targets are asked for as what is acted on, which is no list of what is in view.
    asked = kind in task.label_kinds and not (kind == "target" and task.answer is AnswerKind.TRIPLETS)
    alone = task.level == 1
    boxed = asked and task.answer is AnswerKind.BOXES
    places = task.label_kinds != ("target",)
    matter: tuple[str, ...] | None = None
    if kind == "target":
        if boxed and len(answer.boxes) == 1:
            matter = (answer.boxes[0].label,)
        elif told and answer.labels:
            matter = answer.labels
        elif not asked and not described:
            matter = CONDITIONS if task.answer is AnswerKind.CRITERIA else _worked_on(scene)
    key = (kind, asked, alone, boxed, places, answer.labels if asked and alone else (), matter, style % _MOST_STYLES)
    if key not in known:
        known[key] = _look(*key, scene)
    found = known[key]
    if found is None:
        return None
    order, boxes = found
    order = turned(order, style // _MOST_STYLES)
    long = len(order) > _MOST_TISSUES
    if described:
        by_box = bool(boxes) and style % 8 > 0
    else:
        by_box = bool(boxes) and not boxed and (asked if long else style % _BY_WORDS > 0)
    if by_box and kind == "target":
        boxes = [b for b in boxes if _has_place(b.box)]  # a box of nearly all tells nothing
    extents = {f.box_extent for f in scene.frames}
    whole = extents <= {None, BoxExtent.WHOLE}  # a tip is no size of a tool
    tip = kind == "instrument" and BoxExtent.TIP in extents
    if boxes:
        pieces = _placed(kind, order, boxes, style, sized=asked and alone and whole, by_box=by_box, tip=tip)
    else:
        pieces = [thing_in_view(kind, id) for id in order]
    several = len(pieces) > 1 or sum(b.label.id in order for b in boxes) > 1  # "two graspers" is one piece
    counted = kind == "instrument" or any(map(is_finding, order))
    number = "are" if counted and several else be(kind, order)
    listed_whole = kind == "instrument" or any(f.holds_all(Fact.TISSUES) or f.tissue_boxes for f in scene.frames)
    long_list = asked and long and task.answer is AnswerKind.LABELS
    as_notes = long or style // 8 % _NOTED > 0
    noted = as_notes and (described or long_list) and listed_whole and not scene.is_clip and bool(pieces)
    bare = (", ", "; ")[style >> 4 & 1].join([_ARTICLE.sub("", piece) for piece in pieces]) if noted else ""
    return _Things(tuple(pieces), number, asked, by_box, bare)


def _worked_on(scene: Scene) -> tuple[str, ...]:
    return tuple(t.target.id for t in (scene.frames[0].triplets or ()) if not scene.is_clip)


def _look(
    kind: Kind,
    asked: bool,
    alone: bool,
    boxed: bool,
    places: bool,
    also: tuple[str, ...],
    matter: tuple[str, ...] | None,
    style: int,
    scene: Scene,
) -> _Found | None:
    """Ids of what is to be told, and the boxes of some of them."""
    found: set[str] | None = set(also) if asked and alone else None
    if also and kind == "target" and not any(f.holds_all(Fact.TISSUES) for f in scene.frames):
        frames: tuple[Frame, ...] = ()  # of tissue that is acted on, what this question is about
    else:
        frames = scene.frames
    for frame in frames:
        ids = (boxed and _boxed(kind, frame)) or _ids(kind, frame, with_triplets=not alone)
        if ids is not None:
            found = (found or set()) | set(ids)
    if found is None:
        return None
    order = in_order(kind, frozenset(found) - (NOT_TISSUE if kind == "target" else frozenset({NULL})))
    if boxed and matter is not None and len(matter) == 1:
        order = matter
    if matter is not None and len(order) > _MOST_TISSUES:
        first = [id for id in order if id in matter][:_MOST_TISSUES]
        rest = [id for id in order if id not in matter]
        turn = style % max(len(rest), 1)  # nothing else may be in view
        others = rest[turn:] + rest[:turn]
        order = in_order(kind, frozenset([*first, *others[: max(_MOST_TISSUES - 1 - len(first), 0)]]))
    boxes: Sequence[LabeledBox] = ()
    if not scene.is_clip:
        frame = scene.frames[0]
        boxes = (
            frame.instrument_boxes
            if kind == "instrument" and places
            else frame.tissue_boxes
            if kind == "target"
            else ()
        ) or ()
    return order, boxes


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


def _has_place(box: Box) -> bool:
    """Whether a box lies in some part of the image.

    One over most of it lies in all parts, and one in the middle third that stays on one side of the midline is called
    central by some and lateral by others.
    """
    if (box.x2 - box.x1) * (box.y2 - box.y1) > _MOST_OF_IMAGE:
        return False
    return all(_is_plain(start, end) for start, end in ((box.x1, box.x2), (box.y1, box.y2)))


def _is_plain(start: float, end: float) -> bool:
    """Whether a stretch of the image lies in an outer third, or crosses the midline."""
    return not 2 / 3 < start + end < 4 / 3 or start < 0.5 < end


def _placed(
    kind: Kind, ids: tuple[str, ...], boxes: Sequence[LabeledBox], style: int, *, sized: bool, by_box: bool, tip: bool
) -> list[str]:
    """Things in view, each with its place where that is known, in words or ``by_box``, which may be that of its tip."""
    own: dict[str, list[Box]] = {id: [] for id in ids}
    for one in boxes:
        if one.label.id in own:
            own[one.label.id].append(one.box)
    placed = by_box or sized or style % _UNPLACED != 0
    pieces: list[str] = []
    for id, some in own.items():
        if len(some) > 1:
            some.sort(key=lambda b: (b.x1, b.y1, b.x2, b.y2))
        if kind == "target" and len(some) > 1 and not is_finding(id):
            # A tissue in several places stays one tissue; instruments of one class are several things.
            parts = dict.fromkeys(region_words(b) for b in some if placed and _has_place(b))
            regions = [place(r, style) for r in parts]
            # Of what can be counted nobody says whether one kidney or two were seen.
            again = " and again ".join(regions) if forms(kind, id).article is Article.COUNT else joined(regions)
            pieces.append(f"{thing_in_view(kind, id)} {again}".strip())
            continue
        if len(some) > 1 and not placed:  # "one grasper and another grasper" only where their places follow
            pieces.append(forms(kind, id).counted(len(some)))
            continue
        for n, b in enumerate(some):
            thing = thing_in_view(kind, id, size_words(b) if sized else "", n if len(some) > 1 else -1)
            if by_box:
                pieces.append(
                    f"{thing} (tip at {box_text(b)})" if tip else f"{thing} {boxed_in(box_text(b), style // 9)}"
                )
            elif placed and _has_place(b) and (sized or len(own) <= _MOST_TISSUES or style >> len(pieces) & 1):
                where = lying(place(region_words(b), style // 5 + 37 * len(pieces)), style // 9 + 3 * len(pieces))
                pieces.append(f"{thing} {where}")
            else:
                pieces.append(thing)
        if not some:
            pieces.append(thing_in_view(kind, id))
    # "A grasper and the uterus [...]" would be read as one place of both.
    return sorted(pieces, key=lambda piece: "[" not in piece) if by_box else pieces
