"""Samples to reason about: frames of the synthetic source, and a short made-up course with drafts over its clips."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

from surgsigma_hub.ontology import resolve_frame, resolve_timeline
from surgsigma_hub.reasoning import Facts, Objection, check, reason
from surgsigma_hub.reasoning.warrants import warrants_for
from surgsigma_hub.records import Answer, Cut, Defect, Frame, Reasoning, Segment, Stills, Verdict, VideoTimeline
from surgsigma_hub.registry import get_source
from surgsigma_hub.tasks import AnswerKind, Draft, Task
from surgsigma_hub.tasks.common.further import thing_asked

from task_frames import PICTURE, TASKS, boxed, frame, label, labels, triplet

PROCEDURE = "laparoscopic_cholecystectomy"
WARRANTS = warrants_for(PROCEDURE, "synthetic")
"""What was counted on drawn operations, as comes with the package."""
NAMES = [name for name, task in TASKS.items() if task.draft is not None]
"""Tasks over frames."""


def trace(task: str, seen: Frame, draft: Draft, course: VideoTimeline | None = None, seed: str = "s") -> Reasoning:
    return reason(TASKS[task], seen, draft, PROCEDURE, course, seed=seed, warrants=WARRANTS)


def drafted(task: str, seen: Frame) -> list[Draft]:
    """Drafts of a task on one frame; none where the task looks at courses only."""
    draft = TASKS[task].draft
    return [] if draft is None else list(draft(seen))


def by_name_alone(name: str, seen: Frame, draft: Draft) -> bool:
    """Whether a list of names is asked for and nothing else is known: a trace could only say the answer again."""
    task = TASKS[name]
    boxed = bool(seen.tissue_boxes if "target" in task.label_kinds else seen.instrument_boxes)
    return task.answer is AnswerKind.LABELS and task.level == 1 and not (boxed and draft.answer.labels)


def judged(
    task: str, made: Reasoning | str, seen: Frame, draft: Draft, course: VideoTimeline | None = None
) -> tuple[Objection, ...]:
    return check(made, facts_of(seen, draft, course), draft.answer, TASKS[task], asked=thing_asked(draft.key))


def facts_of(seen: Frame, draft: Draft | None = None, course: VideoTimeline | None = None) -> Facts:
    return Facts.of_frame(seen, PROCEDURE, course, draft=draft, warrants=WARRANTS)


def text_of(made: Reasoning) -> str:
    return "\n".join(t for t in (made.perceptual, made.relational, made.contextual) if t)


@cache
def synthetic() -> tuple[tuple[Frame, ...], VideoTimeline]:
    """One drawn operation with its course."""
    source = get_source("synthetic")
    drawn = source(options=source.options_type(videos=1, frames=90, width=64, height=48))  # type: ignore[call-arg]
    (video,) = drawn.videos()
    frames = tuple(resolve_frame("synthetic", f) for f in drawn.frames(video) if not isinstance(f, Defect))
    course = drawn.course(video)
    assert course is not None
    return frames, replace(resolve_timeline("synthetic", course), moments=frames)


SCENE = frame(
    phase=label("calot_triangle_dissection"),
    step=label("clear_triangle"),
    instruments=labels("grasper", "hook"),
    tissues=labels("gallbladder", "liver"),
    triplets=(triplet("grasper", "retract", "gallbladder"), triplet("hook", "dissect", "cystic_duct")),
    instrument_boxes=(boxed("grasper", 0.0, 0.1, 0.3, 0.3), boxed("hook", 0.643, 0.7, 0.92, 0.998)),
    criteria=(Verdict(label("two_structures"), True), Verdict(label("cystic_plate"), False)),
    clean_image=PICTURE,
)


# ------------------------------------------------------------------------------------------------ a made-up course


def _segment(layer: str, id: str, start: float, end: float) -> Segment:
    return Segment(layer, label(id), start, end)  # type: ignore[arg-type]


SEGMENTS = (
    _segment("action", "grasp", 0, 20),
    _segment("action", "dissect", 20, 50),
    _segment("action", "clip", 52, 60),
    _segment("action", "cut", 60, 70),
    _segment("phase", "preparation", 0, 20),
    _segment("phase", "calot_triangle_dissection", 20, 52),
    _segment("phase", "clipping_and_cutting", 52, 70),
    _segment("step", "expose_gallbladder", 0, 20),
    _segment("step", "clear_triangle", 20, 52),
    _segment("step", "clip_duct_and_artery", 52, 60),
    _segment("step", "divide_duct_and_artery", 60, 70),
)
ACTS = {"grasp": ("grasper", "gallbladder"), "dissect": ("hook", "cystic_duct"), "clip": ("clipper", "cystic_artery")}
FOOTAGE = Stills((None,) * 70, 1.0)


def moment(second: int, **facts: object) -> Frame:
    at = {s.layer: s.label for s in SEGMENTS if s.start_seconds <= second < s.end_seconds}
    return Frame(index=second, fps=1.0, **{k: v for k, v in at.items() if k != "action"}, **facts)  # type: ignore[arg-type]


def _annotated(second: int) -> Frame:
    act = next((s.label.id for s in SEGMENTS if s.layer == "action" and s.start_seconds <= second < s.end_seconds), "")
    if act not in ACTS:
        return moment(second, instruments=(), triplets=())
    instrument, target = ACTS[act]
    return moment(second, instruments=labels(instrument), triplets=(triplet(instrument, act, target),))


BARE = VideoTimeline(segments=SEGMENTS, footage=FOOTAGE)
RICH = replace(BARE, moments=tuple(_annotated(n) for n in range(70)))


def next_action(course: VideoTimeline, start: float, end: float, coming: str) -> tuple[Task, Frame, Draft]:
    """As the task drafts it: the frame is the first one that is not seen any more."""
    answer = Answer(text=coming, labels=(coming,))
    return TASKS["next_action_planning"], moment(int(end)), Draft(answer=answer, inputs=(Cut(FOOTAGE, start, end),))


def remaining(course: VideoTimeline, start: float, end: float, seconds: float) -> tuple[Task, Frame, Draft]:
    answer = Answer(text=f"{seconds:g} seconds", seconds=seconds)
    task = TASKS["action_remaining_prediction"]
    return task, moment(int(end)), Draft(answer=answer, inputs=(Cut(FOOTAGE, start, end),))


def caption(course: VideoTimeline, start: float, end: float, text: str) -> tuple[Task, Frame, Draft]:
    draft = Draft(answer=Answer(text=text), inputs=(Cut(FOOTAGE, start, end),))
    return TASKS["video_captioning"], moment(int(start)), draft


def clips(course: VideoTimeline) -> list[tuple[Task, Frame, Draft]]:
    said = "The hook is dissecting the cystic duct." if course.moments else "The surgeon is dissecting."
    both = "The surgeon is grasping, then the surgeon is dissecting."
    return [
        next_action(course, 40, 50, "clip"),
        next_action(course, 10, 20, "dissect"),
        next_action(course, 55, 60, "cut"),
        remaining(course, 25, 35, 15),
        remaining(course, 52, 55, 5),
        caption(course, 30, 40, said),
        *([] if course.moments else [caption(course, 10, 30, both)]),
    ]
