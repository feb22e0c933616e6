"""Map: one video, or one run of its frames, to one part. A unit is idempotent, atomic and independent of all others."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from time import process_time
from types import MappingProxyType

from ..errors import LabelError, MediaError, SampleError
from ..media.moments import Seen
from ..ontology import resolve_timeline
from ..reasoning import Memory, reason
from ..reasoning.warrants import Warrants, warrants_for
from ..records import Defect, Frame, Reason, Sample, Video, VideoTimeline
from ..schema import sample_bytes
from ..shards.by_medium import is_about_one_medium, medium_hash
from ..source import Modality, Source
from ..tasks import Draft, Task, get_task
from ..tasks.common.base import TRAINING, asked_in
from ..tasks.common.compose import compose, moment_id, sample_id
from ..tasks.common.dialogue import ALONE, Shares, companions_of, talk_about
from ..tasks.common.further import every_course_draft, every_draft, is_further, may_be_reasoned
from ..tasks.common.timeline import Timeline, begins_a_second
from ..temporary import temporary_name
from .check import check_sample
from .degenerate import counted_answer
from .extra import Extra
from .frame_runs import CLIP_WEIGHT, WHOLE, FrameRun, Turns
from .inputs import Inputs
from .labels import LabelDigest, each_box_once
from .media import MediaStore
from .parts import PartWriter
from .plan import FileState, Settings, check_unchanged, defect_line

Progress = Callable[[int, int], None]
"""Called with the samples and the bytes added since the last call."""


SAME_SHAPE = 0.01
"""Share by which the ratio of width and height may differ between labels and picture: sizes are whole numbers."""
_CONTRADICTS = str(Reason.FOOTAGE_CONTRADICTS)


@dataclass(frozen=True, slots=True)
class MapJob:
    """One video to map, and where its part goes.

    Attributes:
        states: Of the files of the video, as they were planned with.
        run: The share of the video that goes into this part.
    """

    settings: Settings
    video: Video
    folder: Path
    cache_dir: Path
    states: tuple[FileState | None, ...]
    run: FrameRun = WHOLE


def map_video(job: MapJob, progress: Progress) -> None:
    """Write the part of ``job.video``, or of a run of it, unless it is there already."""
    if (job.folder / "part.json").exists():
        return
    temporary = temporary_name(job.folder)
    temporary.mkdir(parents=True)
    part = PartWriter(temporary, job.settings.seed)
    try:
        inputs = fill(part, job, progress)
        check_unchanged(job.video, job.states)
        part.inputs = inputs.noted(job.video.files, first=job.run.first)
        part.close()
    except BaseException:
        part.abandon()
        shutil.rmtree(temporary, ignore_errors=True)
        raise
    try:
        temporary.rename(job.folder)
    except OSError:
        shutil.rmtree(temporary)
        if not (job.folder / "part.json").exists():
            raise
        # Another process finished the same unit first; its bytes are the same.


def fill(part: PartWriter, job: MapJob, progress: Progress, *, media: type[MediaStore] = MediaStore) -> Inputs:
    """Put everything that one run of a video gives into ``part``, its media by way of ``media``; what was read."""
    started = process_time()
    source = job.settings.open_source(job.cache_dir)
    endoscopic = source.info.modality is not Modality.SURGICAL_MICROSCOPY
    store = media(part, job.settings, endoscopic)
    mapper = _Mapper(part, job, source, progress, store)
    part.reading += process_time() - started  # most sources read their tables when a recording is opened
    mapper.run()
    return store.inputs


@dataclass(slots=True)
class _Mapper:
    """One run of a video on its way into a part."""

    part: PartWriter
    job: MapJob
    source: Source
    progress: Progress
    media: MediaStore
    tasks: list[Task] = field(init=False)
    companions: list[Task] = field(init=False)
    course: VideoTimeline | None = field(init=False, default=None)
    extra: Extra = field(init=False)
    timeline: Timeline | None = field(init=False, default=None)
    memory: Memory = field(init=False, default_factory=Memory)
    seen: Seen = field(init=False)
    labels: LabelDigest = field(init=False, default_factory=LabelDigest)
    turns: Turns = field(init=False)
    moments: list[Frame] = field(init=False, default_factory=list)
    shares: Shares = field(init=False)
    warrants: Warrants = field(init=False)

    def __post_init__(self) -> None:
        self.tasks = [get_task(name) for name in self.job.settings.tasks]
        self.seen = Seen(self.source, self.job.video.as_listed)
        self.turns = Turns(self.job.run)
        self.shares = Shares(self.job.settings.joint, self.job.settings.explained)
        self.extra = Extra.of(self.job.settings)
        info = self.source.info
        self.warrants = warrants_for(info.procedure, info.name, self.job.settings.warrants)
        joint = self.shares.joint and self.job.video.split == TRAINING
        names = sorted({name for task in self.tasks for name in companions_of(task.name)}) if joint else ()
        self.companions = [get_task(name) for name in names]

    def run(self) -> None:
        """All frames, then the course, for which one frame a second is kept."""
        video, part, first = self.job.video, self.part, self.job.run.first
        started, opened = process_time(), part.reading
        self.course = self._resolved_course()
        part.reading += process_time() - started
        for frame in self._frames():
            for one in self.extra.added(video, frame):
                self._add_frame(one)
        if self.course is not None:
            self.course = replace(self.course, moments=tuple(self.moments))
            for task in self.tasks:
                for moment, draft in every_course_draft(task, self.course, video.canonical_id, self.job.settings.style):
                    part.at += 1
                    if self.turns.takes(moment_id(self.source.info, video, moment), CLIP_WEIGHT):
                        self._add(task, moment, draft)
        part.weight, part.things, part.taken = self.turns.weight, self.turns.things, self.turns.taken
        part.making = process_time() - started - (part.reading - opened)
        if first:
            part.footage = self.seen.summary()
            part.labels = self.labels.hexdigest()

    def _frames(self) -> Iterator[Frame]:
        """The frames of this run; what is to be told of all frames of the video is told by the first one."""
        video, part, first = self.job.video, self.part, self.job.run.first
        looks_further = self.course is not None and any(task.draft_course for task in self.tasks)
        for found in self._labels():
            part.at += 1
            if isinstance(found, Defect):
                if first:
                    part.add_defect(defect_line(video.id, found))
                continue
            frame, repeated = each_box_once(found)
            if first:
                part.frames += 1
                self.labels.update(found)
                if repeated:
                    detail = "a box of the same label and place occurs again; it counts once"
                    self._defect(found, Reason.DUPLICATE_ID, detail)
                boxes = (*(found.instrument_boxes or ()), *(found.tissue_boxes or ()))
                part.clipped_boxes += sum(b.clipped for b in boxes)
            own = self.turns.takes(moment_id(self.source.info, video, found))
            kept = looks_further and begins_a_second(found, self.moments)
            if not own and not kept:
                continue
            try:
                frame = self.source.resolved(frame)
            except LabelError as error:
                if own:
                    self._defect(found, Reason.LABEL_UNKNOWN, str(error.message))
                continue
            if kept:
                self.moments.append(frame)
            if own:
                part.add_verdicts(frame.criteria or ())
                yield frame

    def _labels(self) -> Iterator[Frame | Defect]:
        """All that the labels say, while the clock of reading runs."""
        found = self.seen.frames()
        while True:
            started = process_time()
            one = next(found, None)
            self.part.reading += process_time() - started
            if one is None:
                return
            yield one

    def _add_frame(self, frame: Frame) -> None:
        info, video = self.source.info, self.job.video
        stem = moment_id(info, video, frame)
        style = self.job.settings.style
        drafts = [(t, d) for t in self.tasks for d in every_draft(t, frame, info.name, stem, style)]
        if not drafts:
            return  # the facts of this frame serve no task that was asked for
        if frame.image is None:
            self._defect(frame, Reason.MEDIA_MISSING, "the frame has no image")
            return
        try:
            self._check_size(frame, self.media.picture(frame.image).full)
        except MediaError as error:  # once for the frame, not once for each of its tasks
            self._defect(frame, Reason(error.reason), error.message)
            return
        beside = self._beside(frame, drafts)
        for task, draft in drafts:
            self._add(task, frame, draft, beside)

    def _check_size(self, frame: Frame, size: tuple[int, int]) -> None:
        """Hold the size that the labels state against that of the picture.

        Raises:
            MediaError: another shape, so that places in the labels are not places in the picture.
        """
        if frame.size is None or frame.size == size:
            return
        (width, height), (ours, theirs) = size, frame.size
        sizes = f"{width}x{height}, the labels say {ours}x{theirs}"
        if abs(width * theirs - height * ours) > SAME_SHAPE * height * ours:
            raise MediaError(f"the image is {sizes}: not a rescale", reason=_CONTRADICTS)
        self.part.rescaled[sizes] += 1

    def _beside(self, frame: Frame, drafts: list[tuple[Task, Draft]]) -> dict[str, tuple[Task, Draft]]:
        """What can be asked beside another question: the question on this picture as a whole, answered in words.

        Of all tasks that can be joined, asked for or not: a sample must not change with what else is built.
        """
        found: dict[str, tuple[Task, Draft]] = {}
        for task in self.companions:
            if task.name in self.job.settings.tasks:
                made = [draft for one, draft in drafts if one is task and not is_further(draft)]
            else:
                made = list(task.draft(frame)) if task.draft else []
            made = [draft for draft in made if asked_in(TRAINING, draft)]
            main = made if len(made) == 1 else [draft for draft in made if not draft.key]
            if len(main) == 1:
                found[task.name] = (task, main[0])
        return found

    def _phase_before(self, frame: Frame) -> str | None:
        if self.timeline is None and self.course is not None:
            self.timeline = Timeline(self.course)
        return None if self.timeline is None else self.timeline.phase_before(frame)

    def _resolved_course(self) -> VideoTimeline | None:
        video = self.job.video
        course = self.seen.course()
        try:
            return None if course is None else resolve_timeline(self.source.info.name, course)
        except LabelError as error:
            if self.job.run.first:
                self.part.add_defect(defect_line(video.id, Defect(Reason.LABEL_UNKNOWN, video.id, str(error.message))))
            return None

    def _add(
        self, task: Task, frame: Frame, draft: Draft, beside: Mapping[str, tuple[Task, Draft]] = MappingProxyType({})
    ) -> None:
        part, video, info = self.part, self.job.video, self.source.info
        id = sample_id(task, info, video, frame, draft)
        if not asked_in(video.split, draft):
            detail = f"{task.name}: {draft.answer.text!r} stands for none of the labels, and is nothing to train on"
            self._defect(frame, Reason.CATCH_ALL, detail)
            return
        if part.has(id):
            self._defect(frame, Reason.DUPLICATE_ID, f"a second sample {id}")
            return
        try:
            draft = self.media.fitted(draft)
            stored = self.media.members(draft, frame.image)
            media = [s.media for s in stored]
            talk, trace = ALONE, None
            if may_be_reasoned(draft):
                trace = reason(
                    task, frame, draft, info.procedure, self.course, seed=id, memory=self.memory, warrants=self.warrants
                )
            if video.split == TRAINING and not is_further(draft):
                talk = talk_about(task, draft, id, beside, self.shares)
            sample = compose(
                task, draft, id=id, info=info, video=video, frame=frame, media=media, size=stored[0].size, talk=talk,
                reasoning=trace, style=self.job.settings.style, before=self._phase_before(frame),
            )  # fmt: skip
            check_sample(sample)
        except MediaError as error:
            self._defect(frame, Reason(error.reason), f"{task.name}: {error.message}")
            return
        except SampleError as error:
            self._defect(frame, Reason.SAMPLE_INVALID, f"{id}: {error.message}")
            return
        text = sample_bytes(sample)
        blobs = [s.blob for s in stored]
        part.add_row(
            task.name, id, text, blobs, answer=counted_answer(task, draft), medium=self._medium(sample),
        )  # fmt: skip
        self.progress(1, len(text) + sum(b.length for b in blobs))

    def _medium(self, sample: Sample) -> int:
        by_medium = self.job.settings.layout == "frames" and is_about_one_medium([m.role for m in sample.media])
        return medium_hash(vars(sample)) if by_medium else 0

    def _defect(self, frame: Frame, reason: Reason, detail: str) -> None:
        video = self.job.video.id
        self.part.add_defect(
            defect_line(video, Defect(reason, f"{video} frame {frame.index} at {frame.fps:g} fps", detail))
        )
