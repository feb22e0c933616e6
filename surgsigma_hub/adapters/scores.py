"""How right a typed answer is, 0 to 1, by the kind of answer of its task.

========== ==========================================================================================================
label      1 for the right label, else 0
labels     F1 of the two sets; two empty sets agree (1)
triplets   F1 of the two sets of whole triplets
boxes      twice the sum of IoU over the best one-to-one pairing within each label, divided by the number of boxes on
           both sides: F1 with IoU in place of hit or miss. A box without a name fits where only one label is asked for
criteria   criteria with the right verdict, divided by all criteria that either side names
seconds    1 up to ``max(0.5 s, 10 %)`` away, then falling in a straight line to 0 a further ``max(1 s, truth)`` away
========== ==========================================================================================================

Free text and media have no such score. A label that is an example of a right one counts as it: "stomach" where the
source of the sample knows only the bowel.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace

from ..errors import SurgSigmaError
from ..ontology import Kind, concepts, with_broader
from ..records import Answer, AnswerBox
from ..tasks import AnswerKind, get_task
from .formats.grpo import verifiable_tasks

_DECIMALS = 3  # boxes are compared as finely as answers print them


def _label(found: Answer, truth: Answer) -> float:
    return float(found.labels == truth.labels)


def _labels(found: Answer, truth: Answer) -> float:
    return _f1(set(found.labels), set(truth.labels))


def _triplets(found: Answer, truth: Answer) -> float:
    return _f1(set(found.triplets), set(truth.triplets))


def _f1(found: Collection[object], truth: Collection[object]) -> float:
    if not found and not truth:
        return 1.0
    return 2 * len({*found} & {*truth}) / (len(found) + len(truth))


def _boxes(found: Answer, truth: Answer) -> float:
    if not found.boxes or not truth.boxes:
        return float(not found.boxes and not truth.boxes)
    labels = {box.label for box in truth.boxes}
    only = next(iter(labels)) if len(labels) == 1 else ""
    sides: defaultdict[str, tuple[list[AnswerBox], list[AnswerBox]]] = defaultdict(lambda: ([], []))
    for box in found.boxes:
        sides[box.label or only][0].append(box)
    for box in truth.boxes:
        sides[box.label][1].append(box)
    total = sum(best_total([[iou(a, b) for b in right] for a in left]) for left, right in sides.values())
    return 2 * total / (len(found.boxes) + len(truth.boxes))


def _criteria(found: Answer, truth: Answer) -> float:
    told, right = ({c.criterion: c.met for c in one.criteria} for one in (found, truth))
    named = {*told, *right}
    return sum(told.get(c) == right.get(c) for c in named) / len(named) if named else 1.0


def _seconds(found: Answer, truth: Answer) -> float:
    if found.seconds is None or truth.seconds is None:
        return float(found.seconds is truth.seconds)
    beyond = abs(found.seconds - truth.seconds) - max(0.5, 0.1 * truth.seconds)
    return 1.0 - min(max(beyond, 0.0) / max(1.0, truth.seconds), 1.0)


_SCORES: dict[AnswerKind, Callable[[Answer, Answer], float]] = {
    AnswerKind.LABEL: _label,
    AnswerKind.LABELS: _labels,
    AnswerKind.TRIPLETS: _triplets,
    AnswerKind.BOXES: _boxes,
    AnswerKind.CRITERIA: _criteria,
    AnswerKind.SECONDS: _seconds,
}


def score(task: str, found: Answer, truth: Answer) -> float:
    """How right ``found`` is, 0 to 1; the table above says how.

    Raises:
        UnknownNameError: no such task.
        SurgSigmaError: the task answers with free text or a medium.

    >>> score("instrument_recognition", Answer("", labels=("hook",)), Answer("", labels=("grasper", "hook")))
    0.6666666666666666
    """
    kind = get_task(task).answer
    if kind not in _SCORES:
        raise SurgSigmaError(
            f"an answer of {task!r} ({kind}) cannot be scored by a rule",
            hint=f"Tasks that can: {', '.join(verifiable_tasks())}.",
        )
    return _SCORES[kind](_as_broad(found, truth, get_task(task).label_kinds), truth)


def _as_broad(found: Answer, truth: Answer, kinds: Sequence[Kind]) -> Answer:
    """``found`` with each label that ``truth`` does not hold as the broader one that it holds, where there is one."""
    right = {*truth.labels, *(box.label for box in truth.boxes), *(t.target for t in truth.triplets)}

    def broad(id: str) -> str:
        wider = (one for kind in kinds if id in concepts(kind) for one in with_broader(kind, id))
        return id if id in right else next((one for one in wider if one in right), id)

    return replace(
        found,
        labels=tuple(dict.fromkeys(map(broad, found.labels))),
        boxes=tuple(replace(box, label=broad(box.label)) for box in found.boxes),
        triplets=tuple(replace(t, target=broad(t.target)) for t in found.triplets),
    )


def iou(a: AnswerBox, b: AnswerBox) -> float:
    """Intersection over union of two boxes, corners rounded to three decimals as answers print them.

    >>> iou(AnswerBox("", 0, 0, 1, 0.5), AnswerBox("", 0, 0, 0.5, 1))
    0.3333333333333333
    """
    ax1, ay1, ax2, ay2 = (round(c, _DECIMALS) for c in (a.x1, a.y1, a.x2, a.y2))
    bx1, by1, bx2, by2 = (round(c, _DECIMALS) for c in (b.x1, b.y1, b.x2, b.y2))
    shared = max(0.0, min(ax2, bx2) - max(ax1, bx1)) * max(0.0, min(ay2, by2) - max(ay1, by1))
    union = (ax2 - ax1) * (ay2 - ay1) + (bx2 - bx1) * (by2 - by1) - shared
    return min(shared / union, 1.0) if union > 0 else 0.0


def best_total(values: Sequence[Sequence[float]]) -> float:
    """The largest sum that pairs rows with columns, each used at most once (Hungarian method, n² m steps).

    >>> best_total([[0.9, 0.8], [0.8, 0.0]])
    1.6
    """
    if not values or not values[0]:
        return 0.0
    if len(values) > len(values[0]):
        values = list(zip(*values, strict=True))
    rows, columns = len(values), len(values[0])
    of_row, of_column = [0.0] * (rows + 1), [0.0] * (columns + 1)
    owner = [0] * (columns + 1)  # row of each column, from 1 on; column 0 holds the row that looks for a place
    for row in range(1, rows + 1):
        owner[0], at = row, 0
        least, before, used = [float("inf")] * (columns + 1), [0] * (columns + 1), [False] * (columns + 1)
        while owner[at]:
            used[at], step, following = True, float("inf"), 0
            for c in range(1, columns + 1):
                if used[c]:
                    continue
                cost = -values[owner[at] - 1][c - 1] - of_row[owner[at]] - of_column[c]
                if cost < least[c]:
                    least[c], before[c] = cost, at
                if least[c] < step:
                    step, following = least[c], c
            for c in range(columns + 1):
                if used[c]:
                    of_row[owner[c]] += step
                    of_column[c] -= step
                else:
                    least[c] -= step
            at = following
        while at:
            owner[at] = owner[before[at]]
            at = before[at]
    return sum(values[owner[c] - 1][c - 1] for c in range(1, columns + 1) if owner[c])
