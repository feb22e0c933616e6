"""Traces of every source, on its fixture: accepted by the checker, and made of nothing from outside the window."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from surgsigma_hub.api import list_sources
from surgsigma_hub.media.moments import Seen
from surgsigma_hub.ontology import concepts, resolve_timeline
from surgsigma_hub.reasoning import Facts, check, reason
from surgsigma_hub.reasoning.claim import WARRANTED, What
from surgsigma_hub.reasoning.claims import claims
from surgsigma_hub.reasoning.format import shortened
from surgsigma_hub.reasoning.warrants import Warrants, warrants_for
from surgsigma_hub.records import Defect, Frame, Label, Reasoning, Segment, Verdict, VideoTimeline
from surgsigma_hub.registry import get_source
from surgsigma_hub.source import parse_options
from surgsigma_hub.tasks import AnswerKind, Draft, Task, all_tasks

from reasoning_cases import by_name_alone, text_of
from test_contract import NAMES, options_of, root_of

MOST = 40
"""Samples of one task that are looked at, spread over the source."""


def samples(name: str, cache: Path) -> Iterator[tuple[Task, Frame, Draft, VideoTimeline | None]]:
    kind = get_source(name)
    source = kind(root_of(name), parse_options(kind, options_of(name)), cache_dir=cache)
    for video in list(source.videos())[:3]:
        frames = [source.resolved(f) for f in source.frames(video) if not isinstance(f, Defect)]
        course = Seen(source, video, look=False).course()
        whole = None if course is None else replace(resolve_timeline(name, course), moments=tuple(frames))
        for task in all_tasks().values():
            drafted = [(f, d) for f in frames for d in (task.draft(f) if task.draft else ())]
            drafted += list(task.draft_course(whole)) if whole is not None and task.draft_course else []
            for seen, draft in drafted[:: 1 + len(drafted) // MOST]:
                yield task, seen, draft, whole


def elsewhere(frame: Frame, draft: Draft, course: VideoTimeline | None) -> tuple[Frame, VideoTimeline | None]:
    """The same sample with other facts wherever it may not look: outside its window, and beyond what it asks for."""
    asks = {k for k in ("phase", "step") if any(id in concepts(k) for id in draft.answer.labels)}  # type: ignore[arg-type]
    named = draft.answer.text.lower()
    other = {}
    for kind, id in (("phase", "capsulorhexis"), ("step", "trocar_placement")):
        held: Label | None = getattr(frame, kind)
        told = held is not None and concepts(kind)[held.id].name.lower() in named  # type: ignore[index]
        other[kind] = held if kind in asks or told else Label("x", id)
    if not draft.answer.criteria and not any(concepts("criterion")[c].name in named for c in concepts("criterion")):
        other["criteria"] = (Verdict(Label("x", "vesicles_exposed"), True),)  # type: ignore[assignment]
    frame = replace(frame, **other)  # type: ignore[arg-type]
    if course is None:
        return frame, None
    cut = draft.cut
    start, end = (cut.start_seconds, cut.end_seconds) if cut else (frame.seconds, frame.seconds)
    kept = [s for s in course.segments if s.start_seconds < end and s.end_seconds > start]
    if cut is None:
        kept = [s for s in course.segments if s.start_seconds <= start < s.end_seconds and s.layer == "action"]
    strange = [
        Segment("action", Label("x", "staple"), end + 5, end + 9),
        Segment("phase", Label("x", "idle"), 0, 0.001),
    ]
    moments = [m for m in course.moments if start - 1e-6 <= m.seconds < end - 1e-6] if cut else []
    return frame, replace(course, segments=(*kept, *strange), moments=tuple(moments))


@pytest.mark.parametrize("name", NAMES)
def test_traces_of_a_source(name: str, tmp_path: Path) -> None:
    info = list_sources()[name]
    warrants: Warrants = warrants_for(info.procedure, name)
    for n, (task, seen, draft, course) in enumerate(samples(name, tmp_path)):

        def written(
            seen: Frame, course: VideoTimeline | None, n: int = n, task: Task = task, draft: Draft = draft
        ) -> Reasoning:
            return reason(task, seen, draft, info.procedure, course, seed=f"{n}", warrants=warrants)

        made = written(seen, course)
        if not made.level and by_name_alone(task.name, seen, draft):
            continue
        facts = Facts.of_frame(seen, info.procedure, course, draft=draft, warrants=warrants)
        assert check(made, facts, draft.answer, task) == (), (task.name, made)
        assert not made.level or made.perceptual or made.relational, "no trace without anything seen"
        assert made == written(*elsewhere(seen, draft, course)), (task.name, draft.key, "something unseen counts")
        named = [c for c in claims(text_of(made)) if c.what is What.NAMED and c.role == "earlier"]
        assert not any(kind in ("phase", "step") for c in named for kind, _ in c.readings), made
        if task.answer is not AnswerKind.TEXT and made.level:
            short = shortened(made)
            assert check(short, facts, draft.answer, task) == (), (task.name, short)
            assert len(text_of(short)) <= len(text_of(made))
        if "action" not in task.label_kinds and made.contextual:  # what a warrant names is of this operation
            cited = {id for c in claims(made.contextual) if c.role in WARRANTED for k, id in c.readings if k == "phase"}
            assert cited <= {row.label for row in warrants.rows}
