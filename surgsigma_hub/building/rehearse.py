"""The samples that a source would give, worded but without media: nothing is decoded, encoded or written."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from ..media.moments import Seen
from ..ontology import resolve_timeline
from ..records import Cut, Defect, Frame, Media, Sample, Video
from ..source import Source
from ..tasks import Draft, Task
from ..tasks.common.base import DepthMap, Masks, asked_in
from ..tasks.common.compose import compose, moment_id, sample_id
from ..tasks.common.further import every_course_draft, every_draft
from ..tasks.common.question_kinds import Style
from ..tasks.common.timeline import Timeline, begins_a_second

_NO_HASH = "0" * 64


def rehearse(
    source: Source, video: Video, tasks: Iterable[Task], style: Style = Style.VARIED
) -> Iterator[tuple[Task, Draft, Sample]]:
    """Every sample of one video: first those of its frames in order of time, then those of its course.

    Media are named as the build names them, with a hash of zeros and a size of one pixel. Frames that the source
    calls defective are passed over.

    Raises:
        LabelError: a native label that the ontology does not know.
    """
    chosen = list(tasks)
    name = source.info.name
    moments: list[Frame] = []
    seen = Seen(source, video, look=False)
    native = seen.course()
    course = None if native is None else resolve_timeline(name, native)
    timeline = None if course is None else Timeline(course)

    def composed(task: Task, frame: Frame, draft: Draft) -> Sample:
        media = described_media(draft)
        return compose(
            task, draft, id=sample_id(task, source.info, video, frame, draft), info=source.info, video=video,
            frame=frame, media=media, size=(1, 1), style=style,
            before=None if timeline is None else timeline.phase_before(frame),
        )  # fmt: skip

    for found in seen.frames():
        if isinstance(found, Defect):
            continue
        frame = source.resolved(found)
        if begins_a_second(frame, moments):
            moments.append(frame)
        for task in chosen:
            for draft in every_draft(task, frame, name, moment_id(source.info, video, frame), style):
                if asked_in(video.split, draft):
                    yield task, draft, composed(task, frame, draft)
    if course is None:
        return
    whole = replace(course, moments=tuple(moments))
    for task in chosen:
        for moment, draft in every_course_draft(task, whole, video.canonical_id, style):
            if asked_in(video.split, draft):
                yield task, draft, composed(task, moment, draft)


def described_media(draft: Draft) -> list[Media]:
    """The members that a draft would get, inputs first."""
    inputs = (None,) if draft.inputs is None else draft.inputs
    found = [
        Media("video.mp4", "video", "input", _NO_HASH)
        if isinstance(one, Cut)
        else Media("image.jpg", "image", "input", _NO_HASH)
        for one in inputs
    ]
    match draft.target:
        case Masks():
            found.append(Media("target.png", "mask", "target", _NO_HASH))
        case DepthMap():
            found.append(Media("target.png", "depth", "target", _NO_HASH))
        case Cut():
            found.append(Media("target.mp4", "video", "target", _NO_HASH))
        case None:
            pass
        case _:
            found.append(Media("target.jpg", "image", "target", _NO_HASH))
    return found
