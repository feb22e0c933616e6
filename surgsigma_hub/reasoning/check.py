"""Judging a trace against facts: each claim has to be held by them, and the trace has to lead to the answer.

Unknown words are no objection. A label that the facts do not hold is one, also where its kind was never annotated:
what nobody annotated, nobody can vouch for.
"""

from __future__ import annotations

from dataclasses import dataclass

from ..ontology import NULL, concepts
from ..records import Answer, Box, Reasoning, Trace
from ..tasks.common.answers import NOT_TISSUE
from ..tasks.common.base import Task
from ..tasks.reading.lexicon import Reading
from .claim import WARRANTED, Claim, Region, Relation, What
from .claims import claims
from .entail import entailed, readings_of, same_time
from .facts import Facts
from .format import read_trace
from .measures import Measure, Name, turned

IOU = 0.9
"""Overlap that a stated box needs with one in the facts."""

_ROUNDING = 0.0011
PUBLIC_SIZES = ((840, 476), (854, 480))
"""Sizes of the pictures that public traces give pixels of."""


@dataclass(frozen=True, slots=True)
class Objection:
    """Something a trace says that does not hold.

    Attributes:
        level: Level of the trace (1 to 3), 0 for the answer that stands with it.
        claim: The words objected to.
        why: What the facts hold instead.
    """

    level: int
    claim: str
    why: str


def check(
    trace: Reasoning | Trace | str,
    facts: Facts,
    answer: Answer | None = None,
    task: Task | None = None,
    *,
    asked: str | None = None,
) -> tuple[Objection, ...]:
    """All that is wrong with a trace; empty means that it is accepted.

    Args:
        trace: A trace by levels, or its text in the published form (``<answer>`` is judged with it).
        facts: What may be said.
        answer: The true answer, which the trace has to come to; None checks the claims alone.
        task: The task, for the vocabularies that the answer is from and for the depth of unmarked text.
        asked: The thing asked for, where the question is whether it is there; see ``further.thing_asked``.

    Raises:
        BadRowError: a text with control tokens of a language model (``<|``).
    """
    levels, said = _levels(trace, task)
    made = {n: claims(text) for n, text in levels.items()}
    deepest = max(levels, default=0)
    allowed = readings_of(answer, task) if answer is not None else frozenset()
    found: dict[Objection, None] = {}
    answered = claims(said) if said else ()
    for n, some in (*made.items(), (0, answered)) if said else made.items():
        # The answer is true, but only where the trace has come to it: earlier, it would be known too soon.
        known = allowed if n in (deepest, 0) else frozenset()
        times = (*facts.seconds, *((answer.seconds,) if answer and answer.seconds is not None else ()))
        for claim in some:
            why = _why(claim, facts, known, times)
            if why:
                found[Objection(n, claim.text, why)] = None
    if not levels and not facts.evident:
        return tuple(found)  # nothing is seen that could give the answer
    for n, claim_text, why in entailed(made, answered, answer, task, same_box, asked):
        found[Objection(n, claim_text, why)] = None
    return tuple(found)


def _levels(trace: Reasoning | Trace | str, task: Task | None) -> tuple[dict[int, str], str | None]:
    said: str | None = None
    if isinstance(trace, str):
        unmarked = 3 if task is None or task.level == 3 else 2 if task.level == 2 else 1
        trace, said = read_trace(trace, unmarked=unmarked)  # type: ignore[arg-type]
    texts = (trace.perceptual, trace.relational, trace.contextual)
    return {n: text for n, text in enumerate(texts, 1) if text}, said


def _why(claim: Claim, facts: Facts, known: frozenset[Reading], times: tuple[float, ...]) -> str:
    """Why a claim does not hold; empty where it does."""
    what = claim.what
    if what is What.NAMED:
        return _named(claim, facts, known)
    if what is What.ABSENT:
        return _absent(claim, facts)
    if what is What.NONE_OF and claim.kind is not None:
        return _none_of(claim, facts)
    if what is What.NO_BOX:
        boxes = [
            b.label for b in facts.boxes if b.kind == claim.kind and (b.kind != "target" or b.label not in NOT_TISSUE)
        ]
        return f"the facts hold boxes of {_list(boxes)}" if boxes else ""
    if what is What.PLACED and claim.region is not None:
        return _placed(claim, facts, claim.region)
    if what is What.SIZED:
        sizes = {s for _, id in claim.readings for s in facts.sizes_of(id)}
        return "" if claim.size in sizes else f"its size in the facts: {_list(sizes)}"
    if what is What.BOXED:
        return _boxed(claim, facts)
    if what is What.RELATED and claim.relation is not None:
        return _related(claim.relation, facts)
    if what is What.UNRELATED:
        if facts.triplets is None:
            return "what instruments act on is not in the facts"
        acting = [t for t in facts.triplets if t[1] != NULL]
        return f"the facts hold {_list(' '.join(t) for t in acting)}" if acting else ""
    if what is What.VERDICT:
        return _verdict(claim, facts)
    if what is What.SECONDS and claim.number is not None:
        number = claim.number
        near = any(same_time(number, t) for t in times)
        return "" if near else f"the times in the facts: {_list(f'{t:g} s' for t in times)}"
    if what is What.SMOKE:
        if facts.smoke is None:
            return "whether there is smoke is not in the facts"
        return "" if facts.smoke is claim.holds else f"the facts hold {'' if facts.smoke else 'no '}smoke"
    if what is What.COUNT:
        return _count(claim, facts)
    if what is What.MEASURED and claim.measured is not None:
        return _measured(claim, facts)
    return ""


def _list(words: object) -> str:
    return ", ".join(sorted(words)) or "none"  # type: ignore[call-overload]


def _measured(claim: Claim, facts: Facts) -> str:
    ids, others = {id for _, id in claim.readings}, {id for _, id in claim.other}
    held: set[Measure] = set()
    for one in facts.measures:
        if one.name is claim.measured:
            held |= {one, turned(one)} if one.name is Name.SIDE else {one}
            held |= {Measure(one.name, one.other, one.subject, one.value)} if one.name in _EITHER_WAY else set()
    own = [m for m in held if m.subject in ids and (m.other in others or (not others and not m.other))]
    if any(m.value == claim.value for m in own):
        return ""
    if not own:
        return f"this was not measured ({claim.measured})"
    return f"measured was: {_list({m.value for m in own})}"


_EITHER_WAY = frozenset({Name.OVERLAP, Name.APART})


def _warranted(claim: Claim, facts: Facts) -> str:
    """A warrant holds for what the facts support; an action that is seen needs none."""
    for kind, id in claim.readings:
        allowed = {claim.role} | ({"typical", "defined"} if claim.role == "fits" else set())
        if any((grade, kind, id) in facts.supports for grade in allowed):
            return ""
        if kind not in ("phase", "step") and id in facts.labels.get(kind, ()):
            return ""
    kind, id = claim.readings[0]
    held = _list(f"{grade} {id}" for grade, k, id in facts.supports if k == kind)
    return f"that anything in view speaks so for {kind} {id} is not in the facts; held are: {held}"


def _named(claim: Claim, facts: Facts, known: frozenset[Reading]) -> str:
    if claim.role in WARRANTED:
        return _warranted(claim, facts)
    for kind, id in claim.readings:
        if (kind, id) in known:
            return ""
        if claim.role == "later" and kind in ("phase", "step", "action"):
            continue
        if claim.role == "earlier" and (kind, id) in facts.earlier:
            return ""
        if kind == "procedure":
            held = id == facts.procedure
        elif kind in ("phase", "step"):
            held = claim.role == "present" and id == (facts.phase if kind == "phase" else facts.step)
        elif kind == "criterion":
            held = id in facts.criteria
        else:
            held = id in facts.labels.get(kind, ())
        if held:
            return ""
    kind = claim.readings[0][0]
    if claim.role == "later":
        return f"what comes later is not in the facts ({kind} {claim.readings[0][1]})"
    if claim.role == "earlier" and kind in ("phase", "step"):
        over = _list(id for layer, id in facts.earlier if layer == kind)
        return f"{kind} {claim.readings[0][1]} is not in the facts as over; over: {over}"
    return f"{kind} {claim.readings[0][1]} is not in the facts; {_held(kind, facts)}"


def _held(kind: str, facts: Facts) -> str:
    if kind in ("phase", "step", "procedure"):
        held = getattr(facts, kind)
        return f"the {kind} is {held}" if held else f"no {kind} was annotated"
    if kind == "criterion":
        return f"judged were: {_list(facts.criteria)}"
    if kind not in facts.labels:
        return f"no {kind} was annotated"
    return f"held are: {_list(facts.labels[kind])}"  # type: ignore[index]


def _absent(claim: Claim, facts: Facts) -> str:
    why = ""
    for kind, id in claim.readings:
        if kind in ("phase", "step"):
            held = facts.phase if kind == "phase" else facts.step
            if held is not None and held != id:
                return ""
            why = f"the {kind} is {held}" if held else f"no {kind} was annotated"
        elif kind in ("instrument", "target", "action"):
            if id in facts.labels.get(kind, ()):
                why = f"the facts hold {kind} {id}"
            elif kind in facts.complete:
                return ""
            else:
                why = why or f"whether {kind} {id} is absent is not in the facts"
        else:
            return ""
    return why


def _none_of(claim: Claim, facts: Facts) -> str:
    kind = claim.kind
    assert kind is not None
    held = facts.labels.get(kind, frozenset())
    if kind == "target":
        held = held - NOT_TISSUE
    others = any(word in claim.text.lower().split() for word in ("other", "further", "more"))
    if held and not others:
        return f"the facts hold {_list(held)}"
    return "" if kind in facts.complete else f"whether there is any {kind} is not in the facts"


def _placed(claim: Claim, facts: Facts, region: Region) -> str:
    places = [r for _, id in claim.readings for r in facts.regions_of(id)]
    if not places:
        return "its place is not in the facts"
    for place in places:
        if region.row in (None, place.row) and region.column in (None, place.column):
            return ""
    return f"its place in the facts: {_list(f'{p.row} {p.column}' for p in places)}"


def _boxed(claim: Claim, facts: Facts) -> str:
    assert claim.corners is not None
    ids = {id for _, id in claim.readings}
    boxes = [b for b in facts.boxes if not ids or b.label in ids]
    if any(same_box(claim.corners, b.box, facts.size) for b in boxes):
        return ""
    shown = (f"{b.label} [{b.box.x1:.3f}, {b.box.y1:.3f}, {b.box.x2:.3f}, {b.box.y2:.3f}]" for b in boxes)
    return f"no such box in the facts; boxes held: {_list(shown)}"


def same_box(corners: tuple[float, float, float, float], box: Box, size: tuple[int, int] | None = None) -> bool:
    """Whether corners in shares, thousandths or pixels of the frame are those of ``box``.

    >>> same_box((643, 0, 920, 298), Box(0.643, 0.0, 0.92, 0.298))
    True
    """
    units: list[tuple[float, float]] = [(1.0, 1.0)]
    if max(corners) > 1:
        units = [(1000.0, 1000.0), *PUBLIC_SIZES, *((size,) if size else ())]
    for width, height in units:
        x1, y1, x2, y2 = corners[0] / width, corners[1] / height, corners[2] / width, corners[3] / height
        if x1 > x2 or y1 > y2:
            continue
        pairs = ((x1, box.x1), (y1, box.y1), (x2, box.x2), (y2, box.y2))
        if all(abs(a - b) <= _ROUNDING for a, b in pairs) or _iou(Box(x1, y1, x2, y2), box) >= IOU:
            return True
    return False


def _iou(a: Box, b: Box) -> float:
    shared = max(0.0, min(a.x2, b.x2) - max(a.x1, b.x1)) * max(0.0, min(a.y2, b.y2) - max(a.y1, b.y1))
    whole = (a.x2 - a.x1) * (a.y2 - a.y1) + (b.x2 - b.x1) * (b.y2 - b.y1) - shared
    return shared / whole if whole > 0 else 0.0


def _related(relation: Relation, facts: Facts) -> str:
    if facts.triplets is None:
        # Without triplets, an action that is known may be named, but not tied to an instrument or a target.
        return "which instrument does what to what is not in the facts"
    if any(fits(relation, t) for t in facts.triplets):
        return ""
    return f"the facts hold {_list(' '.join(t) for t in facts.triplets)}"


def fits(relation: Relation, triplet: tuple[str, str, str]) -> bool:
    """Whether a triplet is what the words say, as far as they say something."""
    return all(not ids or id in ids for ids, id in zip(relation, triplet, strict=True))


def _verdict(claim: Claim, facts: Facts) -> str:
    judged = [id for id in concepts("criterion") if id in facts.criteria]
    if claim.readings:
        ids = [id for _, id in claim.readings if id in facts.criteria]
    elif claim.number:
        ids = judged[int(claim.number) - 1 : int(claim.number)]
    else:
        if not judged:
            return "no criterion was judged"
        holds = all(facts.criteria[id] for id in judged)
        return "" if holds is claim.holds else f"not met: {_list(id for id in judged if not facts.criteria[id])}"
    if not ids:
        return "this criterion was not judged"
    if all(facts.criteria[id] is claim.holds for id in ids):
        return ""
    return f"the facts hold {ids[0]} as {'met' if facts.criteria[ids[0]] else 'not met'}"


def _count(claim: Claim, facts: Facts) -> str:
    known = set(facts.counts)
    if "instrument" in facts.complete:
        known.add(len(facts.labels.get("instrument", ())))
    if not known:
        return "how many instruments there are is not in the facts"
    return "" if claim.number in known else f"instruments in the facts: {_list(map(str, known))}"
