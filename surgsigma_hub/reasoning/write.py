"""Writing a three-level trace from facts: what is seen and where, what acts on what, where in the operation this is.

The rules are those of the public traces: the depth follows the task, the last level leads to the answer. Nothing is
said that the annotations do not hold, and nothing that begins after the moment or the clip looked at, but the answer.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache, lru_cache

from ..media.boxes import region_words
from ..ontology import NULL, Kind, concept, concepts
from ..records import Answer, Box, Course, Frame, Label, LabeledBox, Reasoning, Triplet
from ..tasks.answers import NOT_TISSUE, box_text
from ..tasks.base import AnswerKind, DepthMap, Draft, Task
from ..tasks.wording import are, joined, participle, with_article
from .bank import Wording
from .mentions import find
from .moment import Scene, State, ids_of, scene_of

_MOST_STATES = 6
"""Of a longer row of states, the last ones are told: they lead to what follows."""


def reason(
    task: Task, frame: Frame, draft: Draft, procedure: str, course: Course | None = None, *, seed: str = ""
) -> Reasoning:
    """The reasoning that leads from what is seen to the answer of ``draft``.

    Args:
        task: The task of the draft; its ``level`` is the depth asked for.
        frame: The moment of the draft, labels resolved.
        draft: The sample before wording; its answer is what the last level comes to.
        procedure: Canonical id of the operation.
        course: The video as a whole, for clips and for what came before.
        seed: Chooses among the wordings; the id of the sample.

    Returns:
        The trace. A level about which nothing is known is None; all are where no label explains the answer (depth,
        smoke to be removed, masks without labels).
    """
    if _unexplained(task, frame, draft):
        return Reasoning()
    scene = scene_of(frame, course, draft)
    words = Wording(seed)
    perceptual = _perceptual(task, scene, draft.answer, words)
    relational = _relational(task, scene, draft.answer, words) if task.level > 1 else ""
    contextual = _contextual(task, scene, draft.answer, procedure, words) if task.level > 2 else ""
    level = 3 if contextual else 2 if relational else 1 if perceptual else 0
    return Reasoning(level, perceptual or None, relational or None, contextual or None)


def _unexplained(task: Task, frame: Frame, draft: Draft) -> bool:
    if isinstance(draft.target, DepthMap) or (draft.target is not None and draft.target is frame.clean_image):
        return True
    return task.answer is AnswerKind.MASK and not draft.answer.labels and bool(frame.instrument_masks)


# ---------------------------------------------------------------------------------------------- pieces, made once


@cache
def _order(kind: Kind) -> dict[str, int]:
    return {id: n for n, id in enumerate(concepts(kind))}


@cache
def _name(kind: Kind, id: str) -> str:
    return concept(kind, id).name


@lru_cache(maxsize=4096)
def _sorted(kind: Kind, ids: frozenset[str]) -> tuple[str, ...]:
    """Ids in the order of the vocabulary, which tells nothing."""
    return tuple(sorted(ids, key=_order(kind).__getitem__))


@lru_cache(maxsize=4096)
def _doing(ids: tuple[str, ...]) -> str:
    words = [participle(_name("action", id)) for id in ids]
    text = joined(words)
    # "Clipping and cutting" is a phase as well as two actions.
    apart = all(m.ids("action") for m in find(text))
    return text if apart else f"{', '.join(words[:-1])} as well as {words[-1]}"


@lru_cache(maxsize=4096)
def _the(kind: Kind, ids: tuple[str, ...]) -> str:
    return joined([f"the {_name(kind, id)}" for id in ids])


@lru_cache(maxsize=4096)
def _are(kind: Kind, ids: tuple[str, ...]) -> str:
    return are([_name(kind, id) for id in ids])


@lru_cache(maxsize=8192)
def _piece(kind: Kind, id: str, region: str, size: str) -> str:
    """One thing in view: "a hook in the top left"."""
    name = _name(kind, id)
    thing = with_article(name) if kind == "instrument" else f"the {name}"
    place = f" in the {region}" if region else ""
    return f"{thing}{place} (a {size} part of the view)" if size else f"{thing}{place}"


@lru_cache(maxsize=8192)
def _clause(instrument: str, action: str, target: str, alone: bool) -> str:
    """What one instrument does; ``alone`` says that no other triplet is of its class."""
    name = _name("instrument", instrument)
    subject = f"the {name}" if alone else with_article(name)
    where = "" if target == NULL else _name("target", target)
    if action == NULL:
        does = f"in view at the {where} without acting" if where else "in view without acting"
    else:
        doing = participle(_name("action", action))
        does = f"{doing} the {where}" if where else f"{doing} without a named target"
    return f"{subject} {are([name])} {does}"


@lru_cache(maxsize=8192)
def _clauses(triplets: tuple[tuple[str, str, str], ...], link: str = "") -> str:
    instruments = [i for i, _, _ in triplets]
    made = [_clause(i, a, t, instruments.count(i) == 1) for i, a, t in triplets]
    return link.join(made) if link else joined(made)


@cache
def _cell(region: int) -> str:
    row, column = divmod(region, 3)
    return region_words(Box(column / 3 + 0.1, row / 3 + 0.1, column / 3 + 0.2, row / 3 + 0.2))


def _region(box: Box) -> str:
    row, column = int((box.y1 + box.y2) * 1.5), int((box.x1 + box.x2) * 1.5)
    return _cell(3 * (row if row < 3 else 2) + (column if column < 3 else 2))


def size_words(box: Box) -> str:
    """How much of the view a box takes up: small below 1/20, large from 1/5 on.

    >>> size_words(Box(0.0, 0.0, 0.2, 0.2)), size_words(Box(0.0, 0.0, 0.5, 0.5))
    ('small', 'large')
    """
    area = (box.x2 - box.x1) * (box.y2 - box.y1)
    return "small" if area < 0.05 else "medium" if area < 0.2 else "large"


# -------------------------------------------------------------------------------------------- level 1: perceptual


def _instruments(frame: Frame) -> Iterable[str] | None:
    """Ids of what is in view: the list of the source, else what is boxed or outlined, else what a triplet names."""
    if frame.instruments is not None:
        return (i.id for i in frame.instruments)
    if frame.instrument_boxes is not None:
        return (b.label.id for b in frame.instrument_boxes)
    if frame.instrument_masks is not None and all(m.label is not None for m in frame.instrument_masks):
        return (m.label.id for m in frame.instrument_masks if m.label is not None)
    return (t.instrument.id for t in frame.triplets) if frame.triplets else None


def _tissues(frame: Frame) -> Iterable[str] | None:
    if frame.tissues is not None:
        return (t.id for t in frame.tissues)
    return None if frame.tissue_boxes is None else (b.label.id for b in frame.tissue_boxes)


def _seen(kind: Kind, scene: Scene, task: Task, answer: Answer) -> frozenset[str] | None:
    """What is in view of one kind; None where nobody looked."""
    if task.answer is AnswerKind.BOXES and kind in task.label_kinds:
        boxes = scene.frames[0].instrument_boxes if kind == "instrument" else scene.frames[0].tissue_boxes
        found: set[str] | None = {b.label.id for b in boxes or ()}
    else:
        found = None
        for frame in scene.frames:
            ids = _instruments(frame) if kind == "instrument" else _tissues(frame)
            if ids is not None:
                found = (found or set()) | set(ids)
    if kind in task.label_kinds and task.level == 1:
        found = (found or set()) | set(answer.labels)
    if found is None:
        return None
    return frozenset(found) - (NOT_TISSUE if kind == "target" else frozenset({NULL}))


def _placed(kind: Kind, ids: tuple[str, ...], boxes: Sequence[LabeledBox], sized: bool) -> str:
    """Things in view, each with its place where that is known."""
    pieces: list[str] = []
    for id in ids:
        own = [b.box for b in boxes if b.label.id == id]
        own.sort(key=lambda b: (b.x1, b.y1, b.x2, b.y2))
        # A tissue in several places stays one tissue; instruments of one class are several things.
        if kind == "target" and len(own) > 1:
            regions = dict.fromkeys(_region(b) for b in own)
            pieces.append(f"{_piece(kind, id, '', '')} {joined([f'in the {r}' for r in regions])}")
            continue
        pieces += [_piece(kind, id, _region(b), size_words(b) if sized else "") for b in own]
        if not own:
            pieces.append(_piece(kind, id, "", ""))
    return joined(pieces)


def _perceptual(task: Task, scene: Scene, answer: Answer, words: Wording) -> str:
    said: list[str] = []
    frame = scene.frames[0] if scene.frames and not scene.is_clip else None
    sized = task.level == 1
    instruments = _seen("instrument", scene, task, answer)
    if instruments:
        ids = _sorted("instrument", instruments)
        boxes = frame.instrument_boxes if frame else None
        listed = _placed("instrument", ids, boxes or (), sized)
        several = ids if not boxes or len(boxes) < 2 else (*ids, *ids)
        said.append(words.say("instruments", a_list=listed, are=_are("instrument", several)))
    elif instruments is not None and not scene.is_clip:
        said.append(words.say("no_instruments"))
    tissues = _seen("target", scene, task, answer)
    if tissues:
        ids = _sorted("target", tissues)
        boxes = frame.tissue_boxes if frame else None
        listed = _placed("target", ids, boxes or (), sized)
        said.append(words.say("tissues", the_list=listed, are=_are("target", ids)))
    elif tissues is not None and "target" in task.label_kinds and not scene.is_clip:
        said.append(words.say("no_tissues"))
    if frame is not None and frame.clean_image is not None:
        said.append(words.say("smoke"))
    if answer.boxes and task.label_kinds:
        kind = task.label_kinds[0]
        said.append(words.say("boxes", boxes="; ".join(f"{_name(kind, b.label)} {box_text(b)}" for b in answer.boxes)))
    elif task.answer is AnswerKind.MASK and answer.labels:
        said.append(words.say("asked", the_list=_the("instrument", answer.labels)))
    return " ".join(said)


# -------------------------------------------------------------------------------------------- level 2: relational


def _relational(task: Task, scene: Scene, answer: Answer, words: Wording) -> str:
    said: list[str] = []
    asks_actions = task.answer is AnswerKind.LABELS and "action" in task.label_kinds
    if scene.is_clip:
        if not asks_actions and scene.states:
            said.append(_in_order(scene.states[-_MOST_STATES:], words))
    else:
        triplets = _triplets(scene.frames[0].triplets)
        if asks_actions and triplets:
            # What the answer does not name would contradict it; then the lists of the source differ.
            triplets = tuple(t for t in triplets if t[1] == NULL or t[1] in answer.labels)
        if triplets:
            said.append(words.say("relations", clauses=_clauses(triplets)))
        elif triplets is not None and not asks_actions:
            said.append(words.say("no_relations"))
        elif triplets is None and not asks_actions:
            ids = _acts(scene)
            if ids:
                said.append(_actions(ids, words))
    if asks_actions:
        said.append(_actions(answer.labels, words) if answer.labels else words.say("no_actions"))
    return " ".join(said)


def _triplets(triplets: tuple[Triplet, ...] | None) -> tuple[tuple[str, str, str], ...] | None:
    return None if triplets is None else tuple(dict.fromkeys(map(ids_of, triplets)))


def _acts(scene: Scene) -> tuple[str, ...]:
    """Actions at a moment, from the frame or else from the intervals of the video."""
    labels: Iterable[Label] | None = scene.frames[0].actions
    ids = {a.id for a in (labels if labels is not None else (s.label for s in scene.segments))} - {NULL}
    return _sorted("action", frozenset(ids))


def _actions(ids: tuple[str, ...], words: Wording) -> str:
    many = len(ids) > 1
    return words.say(
        "actions", doing=_doing(ids), are="are" if many else "is", action_noun="actions" if many else "action"
    )


def _in_order(states: Sequence[State], words: Wording) -> str:
    told = [_told(state) for state in states]
    if len(told) == 1:
        return words.say("throughout", first=told[0])
    return words.say("order", first=told[0], then="; then ".join(told[1:]))


def _told(state: State) -> str:
    if isinstance(state[0], Triplet):
        return _clauses(tuple(ids_of(t) for t in state if isinstance(t, Triplet)), " while ")
    return f"the surgeon is {_doing(tuple(s for s in state if isinstance(s, str)))}"


# -------------------------------------------------------------------------------------------- level 3: contextual


def _contextual(task: Task, scene: Scene, answer: Answer, procedure: str, words: Wording) -> str:
    said: list[str] = []
    operation = _name("procedure", procedure)
    if scene.before_phase:
        said.append(words.say("earlier_phase", label=_name("phase", scene.before_phase)))
    if scene.before_step and "step" in task.label_kinds:
        said.append(words.say("earlier_step", label=_name("step", scene.before_step)))
    present: list[tuple[Kind, str]] = [("step", scene.step)] if scene.step else []
    present += [("phase", scene.phase)] if scene.phase else []
    if "step" in task.label_kinds:
        present.reverse()
    placed = [words.say(kind, label=_name(kind, id), procedure=operation) for kind, id in present]
    verdicts = _verdicts(scene, words)
    # What is asked comes last.
    said += [*verdicts, *placed] if task.answer is AnswerKind.LABEL else [*placed, *verdicts]
    if answer.seconds is not None:
        said.append(words.say("remaining", act=_ending(scene, answer.seconds), seconds=seconds_text(answer.seconds)))
    elif task.answer is AnswerKind.LABEL and task.label_kinds == ("action",):
        said.append(words.say("next", doing=_doing(answer.labels)))
    return " ".join(said)


def _verdicts(scene: Scene, words: Wording) -> list[str]:
    criteria = scene.frames[0].criteria if scene.frames and not scene.is_clip else None
    said: list[str] = []
    for kind, met in (("criteria_met", True), ("criteria_unmet", False)):
        ids = _sorted("criterion", frozenset(v.criterion.id for v in criteria or () if v.met is met))
        if ids:
            named = [_name("criterion", id) for id in ids]
            said.append(words.say(kind, list=joined(named), are=are(named)))
    return said


def _ending(scene: Scene, seconds: float) -> str:
    """The action that ends ``seconds`` after the clip; the question names it."""
    end = scene.window.end
    acts = [s.label.id for s in scene.segments if abs(s.end_seconds - end - seconds) < 0.01]
    return _doing((acts[0],)) if acts else "the action under way"


def seconds_text(seconds: float) -> str:
    """A duration in words, to the hundredth of a second.

    >>> seconds_text(1.0), seconds_text(12.5)
    ('1 second', '12.5 seconds')
    """
    number = f"{seconds:.2f}".rstrip("0").rstrip(".")
    return f"{number} second{'' if number == '1' else 's'}"
