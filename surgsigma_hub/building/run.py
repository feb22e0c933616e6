"""The build: lock, plan, map, shuffle, commit. Run again after a kill, it goes on where it was.

Afterwards the tree holds exactly what the source yields today, within what was asked for.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from functools import partial
from itertools import chain
from pathlib import Path

from ..errors import BuildError, ShardError
from ..shards.config_names import FRAMES
from ..shards.lock import only_writer
from ..shards.manifest import WORK_DIR, Manifest, load_tree
from ..temporary import remove_leftovers
from ..whole_files import write_atomic
from .commit import MARK, STAGING, commit, discard, finish_interrupted, stage, staged_manifest, staged_row
from .degenerate import refusals
from .frame_runs import map_videos
from .inputs import write_inputs
from .map import MapJob, map_video
from .medium_shards import MediumJob, medium_jobs, talks_of_parts
from .parts import read_defects, read_summary
from .plan import Plan, Settings, make_plan, states_of
from .pool import run_jobs
from .report import BuildReport, ReportRow, counts_of, quarantined_share, write_reports
from .scope import Difference, Scope, difference
from .shuffle import Job, record_path, shard_jobs, write_shard
from .units import Engine, check_results

logger = logging.getLogger(__name__)


def run_build(
    settings: Settings,
    *,
    scope: Scope,
    out: Path,
    workers: int,
    max_quarantine: float,
    progress: bool,
    finish: Callable[[Path], None],
    engine: Engine | None = None,
) -> BuildReport:
    """Build one source into the tree at ``out``.

    Args:
        settings: What decides the bytes.
        scope: The tasks and splits that were asked for; what of them the source yields no more leaves the tree.
        out: The tree; made when absent, added to when present.
        workers: Processes; the bytes do not depend on their number.
        max_quarantine: Above this share of things left out, the tree is not changed.
        progress: Whether to show progress bars.
        finish: Called with the tree after the shards are in it, still under the lock: writes what describes the tree.
        engine: Runs the units on a cluster that shares ``out``; None: processes of this machine.

    Raises:
        BuildError: the output cannot be written, another build is at work in it, or nothing came out.
        LayoutError: the root does not look like the source.
        ShardError: the tree was written by a newer format version.
    """
    started = time.monotonic()
    work_home = out / WORK_DIR
    with only_writer(work_home, shown=out, work="build"):
        finish_interrupted(out, finish, keep=settings.source)
        old = _check_tree(out, settings)
        work = work_home / settings.source
        plan = make_plan(settings, settings.open_source(work / "cache"))
        _prepare(work, plan)
        run = partial(run_jobs, workers=workers, progress=progress, engine=engine)
        parts = _map(plan, work, run)
        every_part = [folder for runs in parts for folder in runs]
        report = counts_of(plan.videos, parts)
        refused = refusals(map(read_summary, every_part))
        report["refused"] = [asdict(one) for one in refused]
        reports = write_reports(work / STAGING, scope, report, chain.from_iterable(map(read_defects, parts)))
        failed = quarantined_share(report["quarantined"], report["frames"]) > max_quarantine
        rows: tuple[ReportRow, ...] = ()
        changed = Difference()
        if not failed:
            tasks = [name for name in settings.tasks if name not in {one.task for one in refused}]
            manifests = _shuffle(plan, tasks, work, parts, run)
            if not manifests:
                raise BuildError(
                    f"no sample came out of source {settings.source!r}",
                    hint=f"Left out: {report['quarantined'] or 'nothing'}; frames read: {report['frames']}."
                    + "".join(f"\n  {d['where']}: {d['detail']}" for few in report["examples"].values() for d in few)
                    + "".join(f"\nNot built: {one.line}" for one in refused),
                )
            rows = tuple(staged_row(m, work / STAGING) for m in manifests)
            changed = difference(old, manifests, scope=scope, now=plan.now)
            kept = (*reports, write_inputs(work / STAGING, settings.source, every_part))
            commit(out, work, stage(out, work, manifests, scope=scope, reports=kept), finish)
            discard(work)
    return BuildReport(
        rows=rows,
        frames=report["frames"],
        clipped_boxes=report["clipped_boxes"],
        agreement=report["agreement"],
        quarantined=report["quarantined"],
        quarantined_by_video=report["quarantined_by_video"],
        examples=report["examples"],
        footage=report["footage"],
        refused=refused,
        moved=plan.moved,
        max_quarantine=max_quarantine,
        quarantine_file=reports[1] if not failed else (work / STAGING / reports[1]).relative_to(out).as_posix(),
        difference=changed,
        seconds=time.monotonic() - started,
        committed=not failed,
    )


def _check_tree(out: Path, settings: Settings) -> list[Manifest]:
    """The manifests of the tree. Refuses one of a newer format, or with this source built in another way."""
    for folder in (out, out / "cards"):  # which are written in place
        remove_leftovers(folder, r".+\.md|schema\.json")
    if not any(out.glob("data/*/*/*.manifest.json")):
        return []
    try:
        manifests = load_tree(out)
    except ShardError as error:
        raise ShardError(f"cannot add to the tree: {error.message}", hint=error.hint) from None
    for manifest in manifests:
        if manifest.source == settings.source and dict(manifest.options) != settings.published():
            raise BuildError(
                f"{out} holds {manifest.source} built with other settings: "
                f"{_differences(manifest.options, settings.published())}",
                hint="Mixed settings would mix splits. Use the same settings, another --out, "
                f"or remove {out}/data/*/{manifest.source} first.",
            )
        lacking = set(manifest.conversations) - set(settings.tasks)
        if manifest.source == settings.source and lacking:
            raise BuildError(
                f"{manifest.path} holds conversations of {', '.join(sorted(lacking))}, which are not asked for now",
                hint="What is laid out by medium is built as a whole: leave --task out, or name all of its tasks.",
            )
    return manifests


def _differences(there: Mapping[str, object], now: Mapping[str, object]) -> str:
    """The settings that differ, as a user can compare them; what a manifest is silent about is the default."""
    told = [{name: repr(value) for name, value in one.items()} for one in (there, now)]
    return "; ".join(
        f"{name} is {told[0].get(name, 'the default')} there, {told[1].get(name, 'the default')} now"
        for name in {**there, **now}
        if told[0].get(name) != told[1].get(name)
    )


def _prepare(work: Path, plan: Plan) -> None:
    """Keep the parts of an unfinished build with the same plan; drop those of any other."""
    mark = work / MARK
    if work.exists() and (not mark.exists() or mark.read_text() != plan.digest):
        if (work / "parts").exists():
            logger.warning(
                "%s holds an unfinished build, of other settings or inputs or by another version of surgsigma-hub: "
                "its parts are made anew",
                work,
            )
        discard(work, keep="cache")
    remove_leftovers(work / "parts")
    write_atomic(mark, plan.digest.encode())


def _map(plan: Plan, work: Path, run: Callable[..., None]) -> list[tuple[Path, ...]]:
    """The parts of each video, those of its runs in order."""
    (work / "cache").mkdir(parents=True, exist_ok=True)
    jobs = [
        MapJob(plan.settings, video, work / "parts" / f"{n:05d}-{video.id}", work / "cache", states_of(video))
        for n, video in enumerate(plan.videos)
    ]
    return map_videos(map_video, jobs, partial(run, title="map"))


def _shuffle(
    plan: Plan, tasks: Sequence[str], work: Path, parts: list[tuple[Path, ...]], run: Callable[..., None]
) -> list[Manifest]:
    settings, staging = plan.settings, work / STAGING
    splits: dict[str, list[Path]] = {name: [] for name in sorted({video.split for video in plan.videos})}
    for runs, video in zip(parts, plan.videos, strict=True):
        splits[video.split] += runs
    jobs: dict[tuple[str, str], Sequence[Job]] = {}
    for task in tasks:
        folder = staging / "data" / task / settings.source
        for split, own in splits.items():
            made = shard_jobs(own, task=task, split=split, folder=folder, shard_bytes=settings.shard_bytes)
            if made:
                jobs[task, split] = made
    if settings.layout == "frames":
        for split, own in splits.items():
            jobs |= {(FRAMES, split): media} if (media := _by_medium(settings, own, tasks, split, staging)) else {}
    everything = [job for made in jobs.values() for job in made]
    run(write_shard, everything, title="shuffle")
    check_results([record_path(job.path) for job in everything])
    manifest = partial(staged_manifest, source=settings.source, options=settings.published())
    return [manifest([job.path for job in made], task=task, split=split) for (task, split), made in jobs.items()]


def _by_medium(
    settings: Settings, parts: Sequence[Path], tasks: Sequence[str], split: str, staging: Path
) -> list[MediumJob]:
    talks, rows = talks_of_parts(parts, tasks)
    return medium_jobs(
        talks, rows, name=settings.source, split=split, folder=staging / "data" / FRAMES / settings.source,
        seed=settings.seed, shard_bytes=settings.shard_bytes,
    )  # fmt: skip
