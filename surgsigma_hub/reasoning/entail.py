"""Whether a trace comes to its answer: the last level, or the answer written beside it, states all that is asked."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from ..ontology import KINDS, NULL, Kind, concepts
from ..ontology.forms import forms
from ..records import Answer, AnswerTriplet, Box
from ..tasks.common.base import AnswerKind, Task
from ..tasks.reading.lexicon import Reading
from .claim import Claim, Relation, What
from .claims import claims

Claims = tuple[Claim, ...]
SameBox = Callable[[tuple[float, float, float, float], Box], bool]
Found = tuple[int, str, str]
"""Level, words, why: what an objection is made of."""


def kinds_of(answer: Answer, task: Task | None) -> tuple[Kind, ...]:
    """The vocabularies that the labels of an answer are from; without a task, all that hold every one of them."""
    if task is not None:
        return task.label_kinds
    return tuple(k for k in KINDS if answer.labels and all(id in concepts(k) for id in answer.labels))


def readings_of(answer: Answer, task: Task | None) -> frozenset[Reading]:
    """What the answer itself allows to be named."""
    found: set[Reading] = {(k, id) for k in kinds_of(answer, task) for id in answer.labels}
    for t in answer.triplets:
        found |= {("instrument", t.instrument), ("action", t.action), ("target", t.target)}
    found |= {(k, b.label) for k in kinds_of(answer, task) for b in answer.boxes}
    found |= {("criterion", c.criterion) for c in answer.criteria}
    return frozenset(found)


def entailed(
    levels: Mapping[int, Claims],
    said: Claims,
    answer: Answer | None,
    task: Task | None,
    same_box: SameBox,
    asked: str | None,
) -> Iterator[Found]:
    """What keeps the trace from coming to ``answer``, and where the answer beside it says something else.

    Args:
        levels: Claims of each level.
        said: Claims of what stands in ``<answer>``.
        answer: The true answer; None where only the trace and its own answer are compared.
        task: The task, where it is known.
        same_box: Whether stated corners are those of a box.
        asked: The thing that the question asks for, where it asks whether it is there.
    """
    everything = tuple(c for some in levels.values() for c in some)
    if said and levels:
        yield from _contradictions(everything, said)
    if answer is None:
        return
    if task is not None and task.answer is AnswerKind.MASK and not levels:
        return  # a mask speaks for itself: parts of instruments have no reasoning of their own
    deepest = max(levels, default=0)
    last = (*levels.get(deepest, ()), *said)
    yield from ((deepest, words, why) for words, why in _labels(last, answer, task, asked))
    yield from ((deepest, words, why) for words, why in _typed(last, answer, task, same_box, asked))
    if task is not None and task.answer is AnswerKind.TEXT:
        for claim in claims(answer.text):
            if claim.what is What.NAMED and not any(_shares(claim, c) for c in everything):
                yield deepest, claim.text, f"the answer names {_plain(claim)}, which the trace does not"


def _named(some: Claims, kind: Kind, id: str) -> bool:
    return any(c.what is What.NAMED and c.role in ("present", "later") and (kind, id) in c.readings for c in some)


def _shares(a: Claim, b: Claim) -> bool:
    return b.what is What.NAMED and not set(a.readings).isdisjoint(b.readings)


def _plain(claim: Claim) -> str:
    kind, id = claim.readings[0]
    return f"{kind} {id}"


def _contradictions(trace: Claims, said: Claims) -> Iterator[Found]:
    for claim in said:
        if claim.what is What.NAMED and not any(_shares(claim, c) for c in trace):
            yield 0, claim.text, f"the answer names {_plain(claim)}, which its trace does not"
        if claim.what is What.RELATED and claim.relation is not None:
            relations = [c.relation for c in trace if c.relation is not None]
            if relations and not any(_agree(claim.relation, r) for r in relations):
                yield 0, claim.text, "the answer contradicts what its trace says of actions"
        if claim.what is What.VERDICT:
            for other in trace:
                same = other.readings == claim.readings and other.number == claim.number
                if other.what is What.VERDICT and same and other.holds is not claim.holds:
                    yield 0, claim.text, "the answer contradicts the verdict in its trace"


def _agree(a: Relation, b: Relation) -> bool:
    return all(not x or not y or not set(x).isdisjoint(y) for x, y in zip(a, b, strict=True))


def _labels(last: Claims, answer: Answer, task: Task | None, asked: str | None) -> Iterator[tuple[str, str]]:
    kinds = kinds_of(answer, task)
    for id in answer.labels:
        if not any(_named(last, k, id) for k in kinds):
            yield id, f"the trace does not come to the answer {id}"
    if task is None or task.answer is not AnswerKind.LABELS:
        return
    if asked is not None:
        yield from _lack(last, asked, there=bool(answer.labels))
        return
    for claim in last:
        own = claim.what is What.NAMED and claim.role == "present" and all(k in kinds for k, _ in claim.readings)
        if own and not any(id in answer.labels for _, id in claim.readings):
            yield claim.text, f"the trace names {_plain(claim)}, which the answer does not"
    if not answer.labels and not any(c.what is What.NONE_OF and c.kind in kinds for c in last):
        yield "", f"the trace does not say that there is no {kinds[0]}, which is the answer"


def _lack(last: Claims, asked: str, *, there: bool) -> Iterator[tuple[str, str]]:
    """Of a question whether one thing is there: what else is named does not matter, a lack has to be said."""
    denied = any(c.what is What.ABSENT and any(id == asked for _, id in c.readings) for c in last)
    if denied is there:
        yield asked, f"the trace {'says' if denied else 'does not say'} that {asked} is not there"


def _typed(
    last: Claims, answer: Answer, task: Task | None, same_box: SameBox, asked: str | None
) -> Iterator[tuple[str, str]]:
    kind = None if task is None else task.answer
    relations = [c.relation for c in last if c.relation is not None]
    for t in answer.triplets:
        lies_there = t.action == NULL and not forms("instrument", t.instrument).acts  # a bag is in view, no more
        if lies_there and _named(last, "instrument", t.instrument):
            continue
        if not any(_states(relation, t) for relation in relations):
            words = f"{t.instrument} {t.action} {t.target}"
            yield words, f"the trace does not come to the answer {words}"
    idle = any(c.what in (What.UNRELATED, What.NONE_OF) for c in last)
    if kind is AnswerKind.TRIPLETS and not answer.triplets and not idle:
        yield "", "the trace does not say that no instrument acts, which is the answer"
    if asked is not None and kind is AnswerKind.BOXES and not answer.boxes:
        yield from _lack(last, asked, there=False)
    else:
        yield from _boxes(last, answer, task, same_box)
    yield from _criteria([c for c in last if c.what is What.VERDICT], answer)
    if answer.seconds is not None:
        wanted = answer.seconds
        times = [c.number for c in last if c.what is What.SECONDS and c.number is not None]
        if not any(same_time(t, wanted) for t in times):
            yield f"{wanted:g} s", f"the trace does not come to the answer of {wanted:g} s"


def same_time(a: float, b: float) -> bool:
    """Whether two durations in seconds are the same as far as words go."""
    return abs(a - b) <= max(0.051, 0.005 * b)


def _boxes(last: Claims, answer: Answer, task: Task | None, same_box: SameBox) -> Iterator[tuple[str, str]]:
    stated = [(c, c.corners) for c in last if c.corners is not None]
    for box in answer.boxes:
        wanted = Box(box.x1, box.y1, box.x2, box.y2)
        if not any(
            same_box(corners, wanted) and (not c.readings or any(id == box.label for _, id in c.readings))
            for c, corners in stated
        ):
            yield box.label, f"the trace does not come to the box of {box.label} in the answer"
    if task is None or task.answer is not AnswerKind.BOXES or answer.boxes:
        return
    if not any(c.what in (What.NONE_OF, What.NO_BOX) and c.kind in task.label_kinds for c in last):
        yield "", f"the trace does not say that there is no {task.label_kinds[0]}, which is the answer"


def _criteria(verdicts: list[Claim], answer: Answer) -> Iterator[tuple[str, str]]:
    order = [id for id in concepts("criterion") if any(c.criterion == id for c in answer.criteria)]
    for asked in answer.criteria:
        said = [c.holds for c in verdicts if _about(c, asked.criterion, order)]
        if not said:
            yield asked.criterion, f"the trace does not come to a verdict on {asked.criterion}"
        elif said != [asked.met] * len(said):
            yield asked.criterion, f"in the answer, {asked.criterion} is {'met' if asked.met else 'not met'}"


def _states(relation: Relation, triplet: AnswerTriplet) -> bool:
    instruments, actions, targets = relation
    return triplet.instrument in instruments and triplet.action in actions and triplet.target in (targets or (NULL,))


def _about(claim: Claim, criterion: str, order: list[str]) -> bool:
    if claim.readings:
        return ("criterion", criterion) in claim.readings
    return bool(claim.number) and order[int(claim.number or 0) - 1 : int(claim.number or 0)] == [criterion]
