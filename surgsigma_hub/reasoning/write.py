"""Writing a three-level trace from facts: what is seen and where, what acts on what, where in the operation this is.

The rules are those of the public traces: the depth follows the task, the last level leads to the answer. Nothing is
said that the annotations do not hold, and nothing that begins after the moment or the clip looked at, but the answer.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ..ontology import NULL, Kind, concepts
from ..records import Answer, Course, Frame, Label, Reasoning, Triplet
from ..tasks.base import AnswerKind, DepthMap, Draft, Task
from ..tasks.timeline import State, ids_of
from ..tasks.wording import are, joined, seconds_text
from .bank import Wording
from .moment import Memory, Scene
from .perceptual import perceptual
from .pieces import clauses, doing, in_order, name_of

_MOST_STATES = 6
"""Of a longer row of states, the last ones are told: they lead to what follows."""


def reason(
    task: Task,
    frame: Frame,
    draft: Draft,
    procedure: str,
    course: Course | None = None,
    *,
    seed: str = "",
    memory: Memory | None = None,
) -> Reasoning:
    """The reasoning that leads from what is seen to the answer of ``draft``.

    Args:
        task: The task of the draft; its ``level`` is the depth asked for.
        frame: The moment of the draft, labels resolved.
        draft: The sample before wording; its answer is what the last level comes to.
        procedure: Canonical id of the operation.
        course: The video as a whole, for clips and for what came before.
        seed: Chooses among the wordings; the id of the sample.
        memory: Shared by the calls on one video, which makes them faster and changes nothing.

    Returns:
        The trace. A level about which nothing is known is None; all are where no label explains the answer (depth,
        smoke to be removed, masks without labels).
    """
    if _unexplained(task, frame, draft):
        return Reasoning()
    memory = memory or Memory()
    scene = memory.scene(frame, course, draft)
    words = Wording(seed)
    seen = perceptual(task, scene, draft.answer, words, memory)
    relational = _relational(task, scene, draft.answer, words) if task.level > 1 else ""
    contextual = _contextual(task, scene, draft.answer, procedure, words) if task.level > 2 else ""
    level = 3 if contextual else 2 if relational else 1 if seen else 0
    return Reasoning(level, seen or None, relational or None, contextual or None)


def _unexplained(task: Task, frame: Frame, draft: Draft) -> bool:
    if isinstance(draft.target, DepthMap) or (draft.target is not None and draft.target is frame.clean_image):
        return True
    if task.answer is not AnswerKind.MASK:
        return False
    named = draft.answer.labels  # of instruments, of their parts, or none although there are masks
    return not all(id in concepts("instrument") for id in named) or (not named and bool(frame.instrument_masks))


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
            said.append(words.say("relations", clauses=clauses(triplets)))
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
    return in_order("action", frozenset(ids))


def _actions(ids: tuple[str, ...], words: Wording) -> str:
    many = len(ids) > 1
    return words.say(
        "actions", doing=doing(ids), are="are" if many else "is", action_noun="actions" if many else "action"
    )


def _in_order(states: Sequence[State], words: Wording) -> str:
    told = [_told(state) for state in states]
    if len(told) == 1:
        return words.say("throughout", first=told[0])
    return words.say("order", first=told[0], then="; then ".join(told[1:]))


def _told(state: State) -> str:
    if isinstance(state[0], Triplet):
        return clauses(tuple(ids_of(t) for t in state if isinstance(t, Triplet)), at_once=True)
    return f"the surgeon is {doing(tuple(s for s in state if isinstance(s, str)))}"


# -------------------------------------------------------------------------------------------- level 3: contextual


def _contextual(task: Task, scene: Scene, answer: Answer, procedure: str, words: Wording) -> str:
    said: list[str] = []
    operation = name_of("procedure", procedure)
    if scene.before_phase:
        said.append(words.say("earlier_phase", label=name_of("phase", scene.before_phase)))
    if scene.before_step and "step" in task.label_kinds:
        said.append(words.say("earlier_step", label=name_of("step", scene.before_step)))
    present: list[tuple[Kind, str]] = [("step", scene.step)] if scene.step else []
    present += [("phase", scene.phase)] if scene.phase else []
    if "step" in task.label_kinds:
        present.reverse()
    placed = [words.say(kind, label=name_of(kind, id), procedure=operation) for kind, id in present]
    verdicts = _verdicts(scene, words)
    # What is asked comes last.
    said += [*verdicts, *placed] if task.answer is AnswerKind.LABEL else [*placed, *verdicts]
    if answer.seconds is not None:
        said.append(words.say("remaining", act=_ending(scene, answer.seconds), seconds=seconds_text(answer.seconds)))
    elif task.answer is AnswerKind.LABEL and task.label_kinds == ("action",):
        said.append(words.say("next", doing=doing(answer.labels)))
    return " ".join(said)


def _verdicts(scene: Scene, words: Wording) -> list[str]:
    criteria = scene.frames[0].criteria if scene.frames and not scene.is_clip else None
    said: list[str] = []
    for kind, met in (("criteria_met", True), ("criteria_unmet", False)):
        ids = in_order("criterion", frozenset(v.criterion.id for v in criteria or () if v.met is met))
        if ids:
            named = [name_of("criterion", id) for id in ids]
            said.append(words.say(kind, list=joined(named), are=are(named)))
    return said


def _ending(scene: Scene, seconds: float) -> str:
    """The action that ends ``seconds`` after the clip; the question names it."""
    end = scene.window.end
    acts = [s.label.id for s in scene.segments if abs(s.end_seconds - end - seconds) < 0.01]
    return doing((acts[0],)) if acts else "the action under way"
