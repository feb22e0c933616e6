"""Counting warrants: which signs go with which labels, moment by moment, over the videos of a split."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from ...ontology import NULL
from ...records import Frame, VideoTimeline
from ...tasks import get_task
from ...tasks.common.timeline import Timeline, ids_of
from . import Row, Sign, WarrantKind, last_act, signs_in

Key = tuple[WarrantKind, str, Sign]


@dataclass(slots=True)
class Counts:
    """Seconds and videos by kind, label and sign; one ``add`` for each video."""

    source: str
    seconds: Counter[Key] = field(default_factory=Counter)
    videos: Counter[Key] = field(default_factory=Counter)
    total: int = 0
    seen: int = 0

    def add(self, moments: Iterable[Frame], course: VideoTimeline | None) -> None:
        """Count one video: its moments, at most one a second, labels resolved, and its course where there is one."""
        here: Counter[Key] = Counter()
        count = 0
        for frame in moments:
            count += 1
            here.update(_of_moment(frame))
        if course is not None:
            here.update(_changes(course))
        self.seconds.update(here)
        self.videos.update(here.keys())
        self.total += count
        self.seen += count > 0

    def rows(self) -> list[Row]:
        """The counts as rows; the first says how much was looked at."""
        found = [Row(self.source, "", "", Sign(), self.total, self.seen)]
        found += (
            Row(self.source, kind, label, sign, seconds, self.videos[kind, label, sign])
            for (kind, label, sign), seconds in self.seconds.items()
        )
        return sorted(found)


def _of_moment(frame: Frame) -> set[Key]:
    found: set[Key] = set()
    signs = (Sign(), *signs_in(frame))
    if frame.phase is not None:
        found |= {("phase", frame.phase.id, sign) for sign in signs}
    if frame.step is not None:
        found |= {("step", frame.step.id, sign) for sign in signs}
    for triplet in frame.triplets or ():
        instrument, action, target = ids_of(triplet)
        found.add(("action", action, Sign(instrument)))
        if NULL not in (action, target):
            found.add(("action", action, Sign(instrument, "", target)))
    return found


def _changes(course: VideoTimeline) -> Counter[Key]:
    """Each change from the action seen last to the one that begins next, as the planning task asks for it."""
    found: Counter[Key] = Counter()
    draft = get_task("next_action_planning").draft_course
    times = Timeline(course)
    for _, one in draft(course) if draft else ():
        cut = one.cut
        last = (
            None
            if cut is None
            else last_act(times.within("action", cut.start_seconds, cut.end_seconds), cut.end_seconds)
        )
        if last is not None:
            found["next", one.answer.labels[0], Sign("", last)] += 1
    return found
