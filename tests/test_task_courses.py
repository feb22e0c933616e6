"""Tasks that look at more than a moment: nothing of the future goes in, and the answers are those of the intervals."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from surgsigma_hub.ontology import concepts, resolve_frame, resolve_timeline
from surgsigma_hub.ontology.forms import acting_on, forms
from surgsigma_hub.records import Cut, Drawn, Film, Frame, Segment, Stills, VideoTimeline
from surgsigma_hub.registry import get_source
from surgsigma_hub.scene import story
from surgsigma_hub.tasks import Draft, get_task
from surgsigma_hub.tasks.common.timeline import CLIP_SECONDS, Timeline
from surgsigma_hub.tasks.next_frame_generation import direction

from task_frames import boxed, label, labels, still, triplet

ACTIONS = [id for id in concepts("action") if id != "null"]


def made(task: str, course: VideoTimeline) -> list[tuple[Frame, Draft]]:
    draft = get_task(task).draft_course
    assert draft is not None
    return list(draft(course))


def seen(draft: Draft) -> Cut:
    assert draft.inputs is not None
    (cut,) = draft.inputs
    assert isinstance(cut, Cut)
    return cut


def acts(*runs: tuple[str, float, float]) -> tuple[Segment, ...]:
    return tuple(Segment("action", label(id), a, b) for id, a, b in sorted(runs, key=lambda r: r[1]))


Runs = list[tuple[str, float, float]]
RUNS = st.lists(
    st.tuples(st.sampled_from(ACTIONS), st.floats(0, 200, width=32), st.floats(0.0625, 60, width=32)), max_size=12
)
RATES = st.sampled_from([1.0, 2.0, 25.0, 29.97])


def course_of(runs: Runs, fps: float) -> VideoTimeline:
    """Action intervals (label, start, length), overlapping or not, over a film or stills, with a moment each second."""
    footage = Film(Path("x.mp4"), fps) if fps > 2 else Stills(tuple(map(still, range(int(300 * fps)))), fps)
    moments = tuple(
        Frame(index=n, fps=1.0, image=still(n), actions=labels(ACTIONS[n * 7 % len(ACTIONS)])) for n in range(40)
    )
    return VideoTimeline(segments=acts(*((id, a, a + d) for id, a, d in runs)), footage=footage, moments=moments)


# ------------------------------------------------------------------------------------------- nothing of the future


@given(RUNS, RATES)
@settings(max_examples=150)
def test_the_time_left_is_asked_without_the_rest_of_the_action(runs: Runs, fps: float) -> None:
    course = course_of(runs, fps)
    for moment, draft in made("action_remaining_prediction", course):
        cut, left = seen(draft), draft.answer.seconds
        assert left is not None and left > 0
        act = next(
            s
            for s in course.segments
            if s.label.id == draft.key
            and s.start_seconds <= cut.start_seconds + 1e-6
            and abs(s.end_seconds - cut.end_seconds - left) < 0.006
        )
        frames = cut.frames
        assert len(frames) >= 2 and cut.end_seconds - cut.start_seconds <= CLIP_SECONDS + 1e-6
        assert frames[-1] / cut.footage.fps < cut.end_seconds <= act.end_seconds, "the last frame is before the cut-off"
        assert frames[0] / cut.footage.fps >= act.start_seconds - 1e-6
        assert moment.seconds == pytest.approx(cut.end_seconds)


@given(RUNS, RATES)
@settings(max_examples=150)
def test_the_next_action_begins_after_the_footage(runs: Runs, fps: float) -> None:
    course = course_of(runs, fps)
    for _, draft in made("next_action_planning", course):
        cut = seen(draft)
        last = cut.frames[-1] / cut.footage.fps
        coming = [s for s in course.segments if s.start_seconds >= cut.end_seconds]
        first = min(s.start_seconds for s in coming)
        starting = {s.label.id for s in coming if s.start_seconds == first}
        assert draft.answer.labels == (*starting,), "exactly one action begins next, and it is the answer"
        assert last < first and len(cut.frames) >= 2
        assert sum(s.start_seconds < cut.end_seconds for s in course.segments) >= 2, "two were observed"


@given(RUNS, RATES)
@settings(max_examples=100)
def test_the_next_frame_is_asked_from_the_present_one(runs: Runs, fps: float) -> None:
    course = course_of(runs, fps)
    for now, draft in made("next_frame_generation", course):
        assert draft.inputs is None and now in course.moments, "the picture of the moment itself"
        seconds = int(draft.slots["interval"].split()[0])
        assert 1 <= seconds <= 10
        told = {id for id in ACTIONS if forms("action", id).noun in draft.slots["condition"]}
        assert told == {a.id for a in now.actions or ()}, "the action told is that of now, not of later"


@given(RUNS, RATES)
@settings(max_examples=60)
def test_ids_of_one_course_are_unique(runs: Runs, fps: float) -> None:
    course = course_of(runs, fps)
    for task in ("action_recognition", "action_remaining_prediction", "next_action_planning", "video_captioning"):
        keys = [(m.index, m.fps, d.key) for m, d in made(task, course)]
        overlapping = any(
            a.label.id == b.label.id and b.start_seconds < a.end_seconds
            for n, a in enumerate(course.segments)
            for b in (course.segments)[n + 1 :]
        )
        assert overlapping or len(set(keys)) == len(keys)


# --------------------------------------------------------------------------------------------- answers and captions


def test_captions_keep_the_order_of_time() -> None:
    hook, grasper = triplet("hook", "dissect", "liver"), triplet("grasper", "retract", "gallbladder")
    clip = triplet("clipper", "clip", "cystic_duct")
    order = (
        [(hook, grasper)] * 3
        + [()]
        + [(hook, grasper)] * 2
        + [(grasper,)]
        + [(clip, triplet("hook", "null", "null"))] * 3
    )
    moments = tuple(Frame(index=n, fps=1.0, image=still(n), triplets=t) for n, t in enumerate(order))
    footage = Stills(tuple(map(still, range(10))), 1.0)
    course = VideoTimeline(segments=acts(("dissect", 0, 6), ("clip", 7, 10)), footage=footage, moments=moments)
    ((_, draft),) = made("video_captioning", course)
    assert draft.answer.text == (
        "At first, the hook is dissecting the liver while the grasper is retracting the gallbladder. "
        "Then the grasper is retracting the gallbladder. Finally, the clip applier is clipping the cystic duct."
    )
    plain = VideoTimeline(segments=acts(("dissect", 0, 6), ("retract", 4, 8), ("clip", 8, 10)), footage=footage)
    ((_, draft),) = made("video_captioning", plain)
    assert draft.answer.text == (
        "At first, the surgeon is dissecting. Then dissection and retraction are performed at the same time. "
        "Next, the surgeon is retracting. Finally, the surgeon is clipping."
    )
    assert [len(s) for s in Timeline(plain).states(0, 10)] == [1, 2, 1, 1]


def test_a_video_to_generate_is_the_one_described() -> None:
    footage = Stills(tuple(map(still, range(80))), 2.0)
    course = VideoTimeline(segments=acts(("dissect", 0, 20), ("clip", 20, 40)), footage=footage)
    captions = made("video_captioning", course)
    videos = made("video_generation", course)
    assert len(captions) == len(videos) == 4
    for (_, caption), (moment, video) in zip(captions, videos, strict=True):
        assert video.target == seen(caption) and caption.slots["caption"] == video.slots["caption"]
        first = still(round(moment.seconds * 2)).name
        assert [i.name for i in video.inputs or () if isinstance(i, Drawn)] == (
            [first] if video.key == "picture" else []
        )


def test_motion_is_told_where_it_can_be_known() -> None:
    def moment(n: int, *boxes: tuple[str, float]) -> Frame:
        at = tuple(boxed(id, x, 0.4, x + 0.1, 0.5) for id, x in boxes)
        return Frame(index=n, fps=1.0, image=still(n), phase=label("preparation"), instrument_boxes=at)

    moves = {"hook": 0.05, "grasper": 0.0}
    moments = tuple(moment(n, *(((id, 0.2 + n * by) for id, by in moves.items()))) for n in range(12))
    course = VideoTimeline(segments=(), footage=Stills(tuple(map(still, range(12))), 1.0), moments=moments)
    _, draft = made("next_frame_generation", course)[0]
    assert draft.slots["condition"] == (
        "The phase is preparation. The grasper stays in place and the hook moves to the right."
    )
    twice = tuple(moment(n, ("hook", 0.2 + n * 0.05), ("hook", 0.5)) for n in range(12))
    _, draft = made("next_frame_generation", VideoTimeline(segments=(), footage=course.footage, moments=twice))[0]
    assert draft.slots["condition"] == "The phase is preparation.", "which of the two moved is not known"
    assert direction((0.5, 0.5), (0.45, 0.3)) == "up"


def test_clips_of_a_phase_lie_within_it() -> None:
    runs = [("preparation", 0, 70), ("calot_triangle_dissection", 70, 75.5), ("clipping_and_cutting", 75.5, 76.5)]
    course = VideoTimeline(
        segments=tuple(Segment("phase", label(id), a, b) for id, a, b in runs), footage=Film(Path("x.mp4"), 25.0)
    )
    drafts = made("phase_recognition", course)
    assert [d.answer.labels for _, d in drafts] == [("preparation",), ("preparation",), ("calot_triangle_dissection",)]
    for _, draft in drafts:
        cut = seen(draft)
        assert any(
            id == draft.answer.labels[0] and a <= cut.start_seconds and cut.end_seconds <= b for id, a, b in runs
        )
        assert draft.question == "clip" and cut.end_seconds - cut.start_seconds <= CLIP_SECONDS


# ------------------------------------------------------------------------------------------------- the drawn truth


@pytest.fixture(scope="module")
def drawn() -> tuple[int, VideoTimeline]:
    frames, fps = 240, 2.0
    kind = get_source("synthetic")
    source = kind(options=kind.options_type(videos=1, frames=frames, fps=fps, width=64, height=48))  # type: ignore[call-arg]
    (video,) = source.videos()
    course = source.course(video)
    assert course is not None
    resolved = resolve_timeline("synthetic", course)
    moments = [resolve_frame("synthetic", f) for f in source.frames(video) if isinstance(f, Frame) and f.index % 2 == 0]
    return frames, VideoTimeline(segments=resolved.segments, footage=resolved.footage, moments=tuple(moments))


def test_drawn_seconds_and_next_actions_are_those_of_the_story(drawn: tuple[int, VideoTimeline]) -> None:
    frames, course = drawn
    tale = story(0, 0, frames)
    left = made("action_remaining_prediction", course)
    assert len(left) >= 8
    for moment, draft in left:
        (name,) = draft.native.labels
        (run,) = (r for r in tale.actions if r.name == name and r.start <= moment.index < r.end)
        assert draft.answer.seconds == (run.end - moment.index) / 2.0, "to the frame"
    following = made("next_action_planning", course)
    assert len(following) >= 8
    for moment, draft in following:
        run = next(r for r in tale.actions if r.start >= moment.index)
        assert (run.name,) == draft.native.labels
        assert not any(r.name == run.name and r.start < moment.index < r.end for r in tale.actions), "not under way"


def test_drawn_captions_name_every_act_in_order(drawn: tuple[int, VideoTimeline]) -> None:
    _, course = drawn
    for moment, draft in made("video_captioning", course):
        cut = seen(draft)
        shown = [m for m in course.moments if cut.start_seconds <= m.seconds < cut.end_seconds]
        for frame in shown:
            for one in frame.triplets or ():
                if one.action.id != "null":
                    assert acting_on(one.action.id, one.target.id) in draft.answer.text
        assert moment.seconds == cut.start_seconds
        assert draft.answer.text.count(". ") == len(Timeline(course).states(cut.start_seconds, cut.end_seconds)) - 1


def test_drawn_action_clips_hold_every_act_under_way(drawn: tuple[int, VideoTimeline]) -> None:
    frames, course = drawn
    tale = story(0, 0, frames)
    for _, draft in made("action_recognition", course):
        shown = seen(draft).frames
        truth = {r.name for r in tale.actions if r.start <= shown[-1] and r.end > shown[0]}
        assert set(draft.native.labels) == truth
    lengths = [len(seen(d).frames) for _, d in made("action_recognition", course)]
    assert lengths and all(a > 1 for a in lengths) and all(a.seconds <= b.seconds for a, b in pairwise(course.moments))
