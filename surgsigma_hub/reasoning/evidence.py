"""Evidence by measure: what the boxes of a moment or a clip tell, as kinds of sentence with their slots."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from ..ontology import Kind, concepts
from ..ontology.forms import Article, forms, number_word
from ..records import Box, Coverage, Fact, Frame, LabeledBox
from ..tasks.common.answers import NOT_TISSUE, box_text, boxed_name
from ..tasks.common.base import Draft
from .measures import Measure, Name, of_boxes, of_motion, turned
from .phrases import ONE, SIDES, name_of, verbs
from .scene_facts import Memory, Scene

Evidence = tuple[str, Mapping[str, str]]
"""A kind of sentence and its slots."""


def measures(scene: Scene, memory: Memory) -> tuple[Measure, ...]:
    """The measures of a scene: of the boxes of a moment, of the motion in a clip."""
    if scene.is_clip:
        whole = all(f.coverage_of(Fact.INSTRUMENT_BOXES) is Coverage.ALL_IN_VIEW for f in scene.frames)
        return of_motion(scene.frames) if whole else ()  # else two boxes of a name may be of two instruments
    known: tuple[Measure, ...] | None = memory.things.get("measures")
    if known is None:
        frame = scene.frames[0]
        tissues = [b for b in frame.tissue_boxes or () if b.label.id not in NOT_TISSUE]
        known = memory.things["measures"] = of_boxes(frame.instrument_boxes or (), tissues)
    return known


def evidence(scene: Scene, memory: Memory, about: frozenset[str] | None, *, of_tissue: bool) -> list[Evidence]:
    """What can be said by measure at level 1, for one to choose from. Kept for the other samples of the moment.

    Args:
        scene: What is looked at.
        memory: Where it is kept.
        about: Ids of what the answer depends on: nothing is said of another thing. None where all that is seen counts.
        of_tissue: Whether tissue is listed, by class.
    """
    key = ("evidence", of_tissue, about)
    known: list[Evidence] | None = None if scene.is_clip else memory.things.get(key)
    if known is None:
        known = [told for id, told in _every(scene, memory) if about is None or id in about]
        counts = not scene.is_clip and _all_tools(scene.frames[0], about)
        if counts and (number := _counted(scene.frames[0], by_class=of_tissue)) > 1:
            known.append(("count", {"count": number_word(number)}))
        if not scene.is_clip:
            memory.things[key] = known
    return known


def _every(scene: Scene, memory: Memory) -> list[tuple[str, Evidence]]:
    """All that can be said by measure, with the id of what it is said of."""
    known: list[tuple[str, Evidence]] | None = None if scene.is_clip else memory.things.get("told")
    if known is None:
        some = _single(measures(scene, memory))
        # Of large organs that overlap, the centres say little.
        some = [m for m in some if m.name is not Name.SIDE or _kind(m.subject) == "instrument"]
        known = [(m.subject, told) for m in some if (told := _told(m, scene.frames[0])) is not None]
        if not scene.is_clip:
            memory.things["told"] = known
    return known


def _all_tools(frame: Frame, about: frozenset[str] | None) -> bool:
    return about is None or about >= {b.label.id for b in frame.instrument_boxes or ()}


_RELATIONS = {
    "further to the left": "left",
    "further to the right": "right",
    "higher in the image": "above",
    "lower in the image": "below",
}


def deciding(draft: Draft, scene: Scene, memory: Memory) -> Evidence | None:
    """What was measured that decides which of two things is asked for; None where nothing was."""
    id = draft.answer.boxes[0].label
    found = measures(scene, memory)
    if draft.question == "place_contact":
        tissue = draft.key.removeprefix("meets-")
        if Measure(Name.OVERLAP, id, tissue, "") not in found:
            return None
        names = {"one": name_of("instrument", id), "other": name_of("target", tissue)}
        return "overlap", {**names, **verbs("instrument", id)}
    two = {draft.slots["first"], draft.slots["second"]}
    if draft.question == "place_size":
        return _larger(id, [m for m in found if m.name is Name.SHARE and _definite(m.subject) in two])
    side = _RELATIONS.get(draft.slots["relation"])
    for m in (turned(m) if m.other == id else m for m in found if m.name is Name.SIDE):
        if m.subject == id and m.value == side and {_definite(m.subject), _definite(m.other)} == two:
            return _side(m)
    return None


def _larger(id: str, shares: Sequence[Measure]) -> Evidence | None:
    """The boxes of two things in per cent of the image, the larger one first."""
    large = next((m for m in shares if m.subject == id), None)
    small = next((m for m in shares if m.subject != id), None)
    if large is None or small is None or large.value == small.value:
        return None
    one, other = (name_of(_kind(m.subject), m.subject) for m in (large, small))
    return "larger", {"one": one, "more": large.value, "other": other, "less": small.value}


def verdict_on(kind: Kind, id: str, *, there: bool) -> Evidence:
    """That a thing is in view, or is not."""
    said, agreeing = forms(kind, id), verbs(kind, id)
    if there:
        return "there", {"a_name": said.a, **agreeing}
    if kind == "instrument":
        return "no_tool", {"name": said.name, **agreeing}
    # "Connective tissue is not in view": only what is one thing is "the".
    name = said.the if said.article in (Article.COUNT, Article.NAME) else said.name
    return "no_tissue", {"the_name": name, **agreeing}


def _side(m: Measure) -> Evidence:
    kind = _kind(m.subject)
    one, other = name_of(kind, m.subject), name_of(kind, m.other)
    return "side", {"one": one, "other": other, "side": SIDES[m.value], **verbs(kind, m.subject)}


def _kind(id: str) -> Kind:
    """Of which kind a thing is that was measured: a bag is measured as an instrument alone."""
    return "instrument" if id in concepts("instrument") else "target"


def _definite(id: str) -> str:
    return forms(_kind(id), id).the


def _counted(frame: Frame, *, by_class: bool) -> int:
    """How many instruments are in view; 0 where one is named that has no box, or where not all may be boxed.

    Where instruments are listed ``by_class``, two graspers are "a grasper", and not counted beside it.
    """
    boxed = {b.label.id for b in frame.instrument_boxes or ()}
    whole = frame.holds_all(Fact.INSTRUMENT_BOXES) and {label.id for label in frame.instruments or ()} <= boxed
    number = len(frame.instrument_boxes or ())
    return number if whole and (not by_class or len(boxed) == number) else 0


def spots_of(scene: Scene, memory: Memory, about: frozenset[str] | None) -> list[Evidence]:
    """Things that are in view once, by their boxes: where they are, or in a clip from where to where they go.

    Kept for the other samples of the moment; of nothing but what the answer is ``about``.
    """
    known: list[tuple[str, Evidence]] | None = None if scene.is_clip else memory.things.get("spots")
    if known is not None:
        return [told for id, told in known if about is None or id in about]
    boxed = [f for f in scene.frames if f.instrument_boxes is not None or f.tissue_boxes is not None]
    if not boxed:
        return []
    first, last = _boxed_once(boxed[0]), _boxed_once(boxed[-1])
    if scene.is_clip:
        return [
            ("path", {"name": name_of(k, id), "start": box_text(box), "end": box_text(last[k, id]), **verbs(k, id)})
            for (k, id), box in first.items()
            if k == "instrument" and (k, id) in last and last[k, id] != box and (about is None or id in about)
        ]
    known = memory.things["spots"] = [
        (id, ("where", {"name": name, "box": box_text(box), **said}))
        for (k, id), box in first.items()
        for name, said in [_boxed(k, id, boxed[0])]
    ]
    return [told for id, told in known if about is None or id in about]


def _boxed_once(frame: Frame) -> dict[tuple[Kind, str], Box]:
    """Boxes of labels that have one box, and are of one kind, by kind and id."""
    tools, organs = frame.instrument_boxes or (), frame.tissue_boxes or ()
    often = Counter(b.label.id for b in (*tools, *organs))
    kinds: tuple[tuple[Kind, Sequence[LabeledBox]], ...] = (("instrument", tools), ("target", organs))
    return {
        (kind, b.label.id): b.box
        for kind, boxes in kinds
        for b in boxes
        if often[b.label.id] == 1 and (kind == "instrument" or b.label.id not in NOT_TISSUE)
    }


def _single(found: Iterable[Measure]) -> list[Measure]:
    """Measures of classes that are in view once, so that "the grasper" is one grasper; of two sides the plainer."""
    some = list(found)
    shares = [m.subject for m in some if m.name is Name.SHARE]
    sides = {(m.subject, m.other): m for m in reversed(some) if m.name is Name.SIDE}
    plain = (m for m in some if m.name is not Name.SIDE or m is sides[m.subject, m.other])
    return [m for m in plain if shares.count(m.subject) < 2]


def _boxed(kind: Kind, id: str, frame: Frame) -> tuple[str, Mapping[str, str]]:
    """Name of what a box encloses, and the verbs in its number: of scissors boxed at their tip, the tip."""
    name = boxed_name(kind, id, frame)
    return name, verbs(kind, id) if name == name_of(kind, id) else ONE


def _told(m: Measure, frame: Frame) -> Evidence | None:
    kind = _kind(m.subject)
    name, said = _boxed(kind, m.subject, frame)
    if m.name is Name.SHARE:
        return "share", {"name": name, "per_cent": m.value, **said}
    if m.name is Name.EXTENT:
        wide, _, high = m.value.partition(" x ")
        return "extent", {"name": name, "wide": wide, "high": high, **said}
    if m.name is Name.EDGE:
        return "edge" if kind == "instrument" else "tissue_edge", {"name": name, "edge": m.value, **said}
    if m.name is Name.SIDE:
        if sum(map(ord, m.subject)) & 1:  # told from either thing
            m = turned(m)
        return _side(m)
    if m.name is Name.MOVED and m.way:  # who works in one place does not stay still
        return "moved", {"name": name, "way": m.value, **said}
    return None
