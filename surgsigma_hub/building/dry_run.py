"""Dry run: what a build would make and what does not fit, without decoding a picture or writing a file of the tree.

The same units read the same labels and footage as in a build; only media are told by their headers. So it says nothing
of pixels: damage behind a header, and clips that show no surgical view.
"""

from __future__ import annotations

import tempfile
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ..media.clips import plan_clip
from ..media.frame_side import Size, bounded
from ..media.image import picture_size
from ..records import Cut, Drawn, ImageRef, Media
from ..tasks.common.base import DepthMap, Masks
from .degenerate import refusals
from .map import MapJob, fill
from .media import MediaStore, Stored
from .parts import Blob, PartWriter, read_summary
from .plan import Plan, Settings, make_plan, states_of
from .pool import run_jobs
from .report import BuildReport, ReportRow, counts_of

_UNMADE = "0" * 64
"""The digest of a medium that nobody made."""


class _CountingPart(PartWriter):
    """A part of counts and defects alone."""

    def add_media(self, member: str, data: bytes) -> Blob:
        return Blob(member, 0, len(data))

    def add_row(
        self, task: str, id: str, text: bytes, blobs: list[Blob], *, answer: str | None = None, medium: int = 0
    ) -> None:
        self.count_row(task, id, (0, 0, len(text), len(text), len(text), medium), answer)


class _HeaderMedia(MediaStore):
    """Media by what their headers say; each is there, and of the size that it would have."""

    def picture(self, ref: ImageRef) -> Stored:
        def make() -> Stored:
            return self._unmade(
                Media("image.jpg", "image", "input", _UNMADE), picture_size(ref), self.settings.frame_side
            )

        return self._once(ref.name if isinstance(ref, Drawn) else ref, make)

    def _clip(self, cut: Cut) -> Stored:
        def make() -> Stored:
            clip = plan_clip(cut, max_fps=self.settings.clip_fps, max_side=self.settings.clip_side)
            media = Media("video.mp4", "video", "input", _UNMADE, clip.num_frames, clip.fps)
            return self._unmade(media, (clip.width, clip.height))

        return self._once((id(cut.footage), cut.start_seconds, cut.end_seconds), make)

    def _mask(self, masks: Masks, frame: Stored) -> Stored:
        return self._unmade(Media("target.png", "mask", "target", _UNMADE), frame.full, self.settings.frame_side)

    def _depth(self, depth: DepthMap, frame: Stored) -> Stored:
        return self._unmade(Media("target.png", "depth", "target", _UNMADE), frame.full, self.settings.frame_side)

    def _unmade(self, media: Media, full: Size, side: int | None = None) -> Stored:
        return Stored(media, self.part.add_media(media.member, b""), bounded(full, side), full)


def _read_video(job: MapJob, progress: Callable[[int, int], None]) -> None:
    job.folder.mkdir()
    part = _CountingPart(job.folder, job.settings.seed)
    try:
        fill(part, job, progress, media=_HeaderMedia)
        part.close()
    except BaseException:
        part.abandon()
        raise


def run_dry(settings: Settings, *, workers: int, max_quarantine: float, progress: bool) -> BuildReport:
    """Read one source as a build would, and report what would come out.

    Args:
        settings: As of the build.
        workers: Processes.
        max_quarantine: Above this share of things left out, a build would fail.
        progress: Whether to show a progress bar.

    Returns:
        A report that is not committed; its rows count samples, and neither media nor bytes.

    Raises:
        SurgSigmaError: as a build, but that nothing comes out is a report without rows.
    """
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="surgsigma-dry-run-") as name:
        folder = Path(name)
        plan = make_plan(settings, settings.open_source(folder / "cache"))
        (folder / "cache").mkdir(exist_ok=True)
        jobs = [
            MapJob(settings, video, folder / f"{n:05d}", folder / "cache", states_of(video))
            for n, video in enumerate(plan.videos)
        ]
        run_jobs(_read_video, jobs, workers=workers, title="read", progress=progress)
        parts = [job.folder for job in jobs]
        summaries = [read_summary(part) for part in parts]
        report = counts_of(plan.videos, [(part,) for part in parts])
    refused = refusals(summaries)
    return BuildReport(
        rows=_rows(plan, summaries, frozenset(one.task for one in refused)),
        **report,
        refused=refused,
        moved=plan.moved,
        max_quarantine=max_quarantine,
        seconds=time.monotonic() - started,
        committed=False,
        dry_run=True,
    )


def _rows(plan: Plan, summaries: Sequence[Mapping[str, Any]], refused: frozenset[str]) -> tuple[ReportRow, ...]:
    found: Counter[tuple[str, str]] = Counter()
    for video, summary in zip(plan.videos, summaries, strict=True):
        for task, samples in summary["samples"].items():
            found[task, video.split] += samples
    return tuple(
        ReportRow(task, plan.settings.source, split, samples, 0, 0)
        for (task, split), samples in sorted(found.items())
        if task not in refused
    )
