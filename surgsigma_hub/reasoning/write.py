"""Writing a three-level trace from facts: what is seen and where, what acts on what, and why that gives the answer.

The rules are those of the public traces: the depth follows the task, the last level leads to the answer. Nothing is
said that the annotations do not hold, nothing from outside the moment or the clip looked at, and no phase, step or
verdict that was not asked for. Where neither level 1 nor level 2 holds anything, there is no trace.
"""

from __future__ import annotations

from collections.abc import Sequence

from ..ontology import concepts
from ..records import Frame, Reasoning, VideoTimeline
from ..tasks.common.base import AnswerKind, DepthMap, Draft, Task
from ..tasks.common.further import thing_asked
from .bank import Wording
from .contextual import contextual
from .evidence import deciding, verdict_on
from .perceptual import perceptual
from .phrases import nouns
from .relational import in_time, relational
from .scene_facts import Memory, Scene
from .warrants import Warrants, warrants_for


def reason(
    task: Task,
    frame: Frame,
    draft: Draft,
    procedure: str,
    course: VideoTimeline | None = None,
    *,
    seed: str = "",
    memory: Memory | None = None,
    warrants: Warrants | None = None,
) -> Reasoning:
    """The reasoning that leads from what is seen to the answer of ``draft``.

    Args:
        task: The task of the draft; its ``level`` is the depth asked for.
        frame: The moment of the draft, labels resolved.
        draft: The sample before wording; its answer is what the last level comes to.
        procedure: Canonical id of the operation.
        course: The video as a whole, for clips.
        seed: Chooses among the wordings; the id of the sample.
        memory: Shared by the calls on one video, which makes them faster and changes nothing.
        warrants: What may be cited as typical; None takes those that come with the package for recorded sources.

    Returns:
        The trace. A level about which nothing is known is None; all are where nothing seen explains the answer (depth,
        smoke to be removed, a video to be made, masks without labels, a moment of which only the phase or the answer
        itself is known).
    """
    if _unexplained(task, frame, draft):
        return Reasoning()
    memory = memory or Memory()
    warrants = warrants_for(procedure) if warrants is None else warrants
    scene = memory.scene(frame, course, draft)
    words = Wording(seed)
    if draft.question.startswith("place") or draft.question.startswith("order"):
        return _of_two(task, scene, draft, words, memory)
    if draft.question == "existence":
        return _whether_there(task, scene, draft, words, memory)
    seen = perceptual(task, scene, draft, words, memory) if scene.frames else []
    relations = relational(task, scene, draft, words, memory, seen) if task.level > 1 else []
    if (not seen and not relations) or _says_again(task, scene, draft, seen, relations):
        return Reasoning()
    context = contextual(task, scene, draft, procedure, words, memory, warrants) if task.level > 2 else []
    level = 3 if context else 2 if relations else 1
    return Reasoning(level, *(" ".join(said) or None for said in (seen, relations, context)))


def _of_two(task: Task, scene: Scene, draft: Draft, words: Wording, memory: Memory) -> Reasoning:
    """Which of two: the measure, or the order of time, that decides it; no trace where none does."""
    if draft.question.startswith("order"):
        if len(scene.states) < 2:
            return Reasoning()
        course = in_time(scene, words)
        kind = "came_first" if draft.question == "order_first" else "came_last"
        return Reasoning(2, " ".join(course), words.say(kind, {"doing": nouns(draft.answer.labels)}))
    told = deciding(draft, scene, memory)
    if told is None:
        return Reasoning()
    return Reasoning(1, " ".join(perceptual(task, scene, draft, words, memory, told)))


def _whether_there(task: Task, scene: Scene, draft: Draft, words: Wording, memory: Memory) -> Reasoning:
    """Whether a thing is there: all of its kind that is in view, then that it is among them or is not."""
    id = thing_asked(draft.key)
    if id is None or task.label_kinds == ("action",):
        return Reasoning()
    there = bool(draft.answer.labels or draft.answer.boxes)
    frame = scene.frames[0]
    others = {label.id for label in (*(frame.instruments or ()), *(frame.tissues or ()))} - {id}
    if there and not others and not _any_box(scene):
        return Reasoning()  # the answer alone
    told = verdict_on(task.label_kinds[0], id, there=there)
    return Reasoning(1, " ".join(perceptual(task, scene, draft, words, memory, told)))


_TOLD = frozenset({AnswerKind.LABELS, AnswerKind.TEXT, AnswerKind.IMAGE, AnswerKind.VIDEO})


def _says_again(task: Task, scene: Scene, draft: Draft, seen: Sequence[str], relations: Sequence[str]) -> bool:
    """Whether all that is known is the answer itself, or what the question gives, and nothing that it follows from."""
    if not seen:
        return task.answer in _TOLD and (len(relations) == 1 or task.answer is not AnswerKind.LABELS)
    bare = task.level == 1 and task.answer is AnswerKind.LABELS and len(seen) == 1
    of_tissue = "target" in task.label_kinds
    placed = any(frame.tissue_boxes if of_tissue else frame.instrument_boxes for frame in scene.frames)
    return bare and not (draft.answer.labels and placed)


def _any_box(scene: Scene) -> bool:
    return any(frame.instrument_boxes or frame.tissue_boxes for frame in scene.frames)


def _unexplained(task: Task, frame: Frame, draft: Draft) -> bool:
    if task.answer is AnswerKind.VIDEO:
        return True  # what the video shows stands in the question, and is not there to be seen
    if isinstance(draft.target, DepthMap) or (draft.target is not None and draft.target is frame.clean_image):
        return True
    if task.answer is not AnswerKind.MASK:
        return False
    named = draft.answer.labels  # of instruments, of their parts, or none although there are masks
    return not all(id in concepts("instrument") for id in named) or (not named and bool(frame.instrument_masks))
