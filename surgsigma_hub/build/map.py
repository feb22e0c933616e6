"""Map: one video to one part. A unit of work is idempotent, atomic and independent of all others."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from ..errors import LabelError, MediaError, SampleError
from ..media.image import png_bytes, to_jpeg
from ..media.masks import render
from ..ontology import resolve_frame
from ..records import Defect, Frame, Media, Reason, Video
from ..schema import sample_bytes
from ..source import Source
from ..tasks import Draft, Task, get_task
from ..tasks.base import Masks
from ..tasks.compose import compose, sample_id
from .check import check_sample
from .parts import Blob, PartWriter
from .plan import Settings, defect_line

Progress = Callable[[int, int], None]
"""Called with the samples and the bytes added since the last call."""


@dataclass(frozen=True, slots=True)
class MapJob:
    """One video to map, and where its part goes."""

    settings: Settings
    video: Video
    folder: Path
    cache_dir: Path


def map_video(job: MapJob, progress: Progress) -> None:
    """Write the part of ``job.video`` unless it is there already."""
    if (job.folder / "part.json").exists():
        return
    temporary = job.folder.with_name(f".{job.folder.name}.{os.getpid()}.tmp")
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir(parents=True)
    part = PartWriter(temporary, job.settings.seed)
    try:
        _fill(part, job, progress)
        part.close()
    except BaseException:
        part.abandon()
        shutil.rmtree(temporary, ignore_errors=True)
        raise
    if job.folder.exists():  # a sibling finished the same unit first; its bytes are the same
        shutil.rmtree(temporary)
    else:
        temporary.rename(job.folder)


def _fill(part: PartWriter, job: MapJob, progress: Progress) -> None:
    source = job.settings.open_source(job.cache_dir)
    tasks = [get_task(name) for name in job.settings.tasks]
    for found in source.frames(job.video):
        if isinstance(found, Defect):
            part.add_defect(defect_line(job.video.id, found))
            continue
        part.frames += 1
        part.clipped_boxes += sum(b.clipped for b in (*(found.instrument_boxes or ()), *(found.tissue_boxes or ())))
        try:
            frame = resolve_frame(source.info.name, found)
        except LabelError as error:
            part.add_defect(_defect(job.video, found, Reason.LABEL_UNKNOWN, str(error.message)))
            continue
        _add_frame(part, job, source, tasks, frame, progress)


def _add_frame(
    part: PartWriter, job: MapJob, source: Source, tasks: list[Task], frame: Frame, progress: Progress
) -> None:
    drafts = [(task, draft) for task in tasks for draft in _drafts(task, frame)]
    if not drafts:
        return  # the facts of this frame serve no task that was asked for
    if frame.image is None:
        part.add_defect(_defect(job.video, frame, Reason.MEDIA_MISSING, "the frame has no picture"))
        return
    try:
        image = to_jpeg(frame.image, quality=job.settings.jpeg_quality)
    except MediaError as error:
        part.add_defect(_defect(job.video, frame, Reason(error.reason), error.message))
        return
    size = (image.width, image.height)
    stored = part.add_media("image.jpg", image.data)
    picture = Media("image.jpg", "image", "input", hashlib.sha256(image.data).hexdigest())
    for task, draft in drafts:
        id = sample_id(task, source.info, job.video, frame, draft)
        if part.has(id):
            part.add_defect(_defect(job.video, frame, Reason.DUPLICATE_ID, f"a second sample {id}"))
            continue
        try:
            media, blobs = [picture], [stored]
            if isinstance(draft.target, Masks):
                target, blob = _mask(part, draft.target, size)
                media.append(target)
                blobs.append(blob)
            sample = compose(task, draft, id=id, info=source.info, video=job.video, frame=frame, media=media, size=size)
            check_sample(sample)
        except MediaError as error:
            part.add_defect(_defect(job.video, frame, Reason(error.reason), f"{task.name}: {error.message}"))
            continue
        except SampleError as error:
            part.add_defect(_defect(job.video, frame, Reason.SAMPLE_INVALID, f"{id}: {error.message}"))
            continue
        text = sample_bytes(sample)
        part.add_row(task.name, id, text, blobs)
        progress(1, len(text) + sum(b.length for b in blobs))


def _drafts(task: Task, frame: Frame) -> Iterator[Draft]:
    return iter(()) if task.draft is None else task.draft(frame)


def _mask(part: PartWriter, draft: Masks, size: tuple[int, int]) -> tuple[Media, Blob]:
    pixels = render((m.mask for m in draft.regions), width=size[0], height=size[1])
    data = png_bytes(pixels)
    return Media("target.png", "mask", "target", hashlib.sha256(data).hexdigest()), part.add_media("target.png", data)


def _defect(video: Video, frame: Frame, reason: Reason, detail: str) -> dict[str, str]:
    return defect_line(video.id, Defect(reason, f"{video.id} frame {frame.index} at {frame.fps:g} fps", detail))
