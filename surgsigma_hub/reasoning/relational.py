"""Level 2 of a trace: where tools and tissue meet, what an act is for and typical of, and what acts on what."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import groupby

from ..ontology import NULL
from ..ontology.forms import acting_on, forms
from ..records import BoxExtent, Fact, Label, Triplet
from ..tasks.common.answers import box_text
from ..tasks.common.base import AnswerKind, Draft, Task
from ..tasks.common.timeline import State, ids_of
from .bank import Wording
from .evidence import measures
from .measures import Measure, Name
from .phrases import (
    Triple,
    boxed_in,
    clauses,
    deed,
    doing,
    in_order,
    name_of,
    nouns,
    purposes_of,
    thereafter,
    turned,
    verbs,
)
from .scene_facts import Memory, Scene

_MOST_STATES = 6
"""Of a longer row of states, the last ones are told: they lead to what follows."""

_PAIRS = {Name.OVERLAP: "overlap", Name.APART: "apart", Name.NEAREST: "nearest"}


def relational(
    task: Task, scene: Scene, draft: Draft, words: Wording, memory: Memory, seen: Sequence[str]
) -> list[str]:
    """The sentences of level 2; none where nothing is known. What is asked, if it is of this level, comes last.

    A box that level 1 has not ``seen`` stands behind the instrument that acts.
    """
    answer = draft.answer
    asks_actions = task.answer is AnswerKind.LABELS and "action" in task.label_kinds
    if scene.is_clip:
        said = _clip(scene, answer.labels if asks_actions else None, words)
    else:
        said = _moment(task, scene, draft, asks_actions, words, memory, seen)
    if asks_actions:
        said.append(_actions(answer.labels, words) if answer.labels else words.say("no_actions"))
    return said


def _moment(
    task: Task, scene: Scene, draft: Draft, asks_actions: bool, words: Wording, memory: Memory, seen: Sequence[str]
) -> list[str]:
    frame, answer = scene.frames[0], draft.answer
    if frame.triplets is None:
        ids = _acts(scene)
        return [_actions(ids, words)] if ids and not asks_actions else []
    triplets = tuple(dict.fromkeys(map(ids_of, frame.triplets)))
    if asks_actions and triplets:
        # What the answer does not name would contradict it; then the lists of the source differ.
        triplets = tuple(t for t in triplets if t[1] == NULL or t[1] in answer.labels)
    if not triplets:
        nothing = not asks_actions and (frame.holds_all(Fact.TRIPLETS) or task.answer is AnswerKind.TRIPLETS)
        return [words.say("no_relations")] if nothing else []
    asked = draft.key.partition("-")[0] if draft.question == "done_by" else ""
    acting = [t for t in triplets if t[1] != NULL and asked in ("", t[0])]
    reason: list[str] = []
    if acting:
        chosen = words.pick(acting)
        reason = _use(chosen, words)
    if not reason or words.number() & 1:
        found = [m for m in measures(scene, memory) if asked in ("", m.subject)]
        reason = _meeting(triplets, found, words) or reason
    order = turned(triplets, words.number())
    if task.answer is AnswerKind.LABEL and acting and words.number() & 1:
        order = (chosen,)  # where no act is asked for or described, one may stand for all
    boxes = _boxes(scene, memory, words, seen)
    return [*reason, words.say("relations", {"clauses": clauses(order, words.number(), boxes=boxes)})]


def _boxes(scene: Scene, memory: Memory, words: Wording, seen: Sequence[str]) -> dict[str, str]:
    """Instruments that are in view once, each to its box as it stands behind the name, unless it was ``seen``."""
    found: dict[str, str] | None = memory.things.get("tool_boxes")
    if found is None:
        boxes = scene.frames[0].instrument_boxes or ()
        often = Counter(b.label.id for b in boxes)
        found = memory.things["tool_boxes"] = {b.label.id: box_text(b.box) for b in boxes if often[b.label.id] == 1}
    style, tip = words.number(), scene.frames[0].box_extent is BoxExtent.TIP
    return {
        id: f"(tip at {box})" if tip else boxed_in(box, style)
        for id, box in found.items()
        if not any(box in said for said in seen)
    }


def _meeting(triplets: tuple[Triple, ...], found: Sequence[Measure], words: Wording) -> list[str]:
    """One sentence on how near an instrument is to tissue: to what it acts on, if that was measured."""
    pairs = [m for m in found if m.name in _PAIRS and forms("instrument", m.subject).acts]
    if not pairs:
        return []
    acting = {(i, t) for i, a, t in triplets if a != NULL}
    idle = {i for i, a, _ in triplets if a == NULL}
    own = [m for m in pairs if (m.subject, m.other) in acting and m.name is not Name.APART]
    own = own or [m for m in pairs if m.subject in idle and m.name is Name.APART]
    own = own or [m for m in pairs if m.name is Name.NEAREST] or [m for m in pairs if m.name is Name.OVERLAP]
    if not own:
        return []
    m = words.pick(own)
    slots = {
        "one": name_of("instrument", m.subject),
        "other": name_of("target", m.other),
        **verbs("instrument", m.subject),
    }
    return [words.say(_PAIRS[m.name], slots)]


def _use(triple: Triple, words: Wording) -> list[str]:
    """What an act is for."""
    _, action, target = triple
    known = purposes_of(action, target)
    if not known or (target == NULL and " it" in f" {known[0]}"):
        return []
    purpose = words.pick(known)
    how = acting_on if words.number() & 1 else deed
    return [words.say("purpose", {"doing": how(action, target), "purpose": purpose})]


def _acts(scene: Scene) -> tuple[str, ...]:
    """Actions at a moment, from the frame or else from the intervals of the video."""
    labels: Iterable[Label] | None = scene.frames[0].actions
    ids = {a.id for a in (labels if labels is not None else (s.label for s in scene.segments))} - {NULL}
    return in_order("action", frozenset(ids))


def _actions(ids: tuple[str, ...], words: Wording) -> str:
    return words.say("actions", {"doing": nouns(ids), "action_noun": "actions" if len(ids) > 1 else "action"})


# ------------------------------------------------------------------------------------------------------------- clips


def _clip(scene: Scene, only: tuple[str, ...] | None, words: Wording) -> list[str]:
    """What is done in a clip, in order of time; of actions that are asked for, only those of the answer."""
    states = [kept for state in scene.states[-_MOST_STATES:] if (kept := _kept(state, only))]
    if only is not None and not any(isinstance(one, Triplet) for state in states for one in state):
        return []  # actions alone are the answer itself
    if not states:
        return []
    style = words.number()
    told = [said for said, _ in groupby(_told(state, style) for state in states)]
    if len(told) == 1:
        return [words.say("throughout", {"first": told[0]})]
    said = [words.say("order", {"first": told[0], "then": told[1]})]
    links, start = thereafter(), words.number()
    for n, more in enumerate(told[2:]):
        said.append(f"{links[(start + n) % len(links)]}, {more}.")
    return said


def in_time(scene: Scene, words: Wording) -> list[str]:
    """What is done in a clip, a sentence for each state in order of time."""
    return _clip(scene, None, words)


def _kept(state: State, only: tuple[str, ...] | None) -> State:
    if only is None:
        return state
    return tuple(one for one in state if (one if isinstance(one, str) else one.action.id) in only)  # type: ignore[return-value]


def _told(state: State, style: int) -> str:
    if isinstance(state[0], Triplet):
        return clauses(tuple(ids_of(t) for t in state if isinstance(t, Triplet)), style, at_once=True)
    return f"the surgeon is {doing(tuple(s for s in state if isinstance(s, str)))}"
