"""Repack: a tree in another layout. What the shards say stays; each is read whole once, then its samples as needed."""

from __future__ import annotations

import hashlib
import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import BuildError
from ..schema import Layout
from ..shards.config_names import FRAMES
from ..shards.lock import only_writer
from ..shards.manifest import Manifest, Shard, load_tree
from ..shards.shard_names import shard_name
from ..version import code_digest
from ..whole_files import write_atomic
from .commit import MARK, STAGING, staged_manifest, write_part
from .copying import copy_rest
from .medium_shards import TALK, medium_jobs
from .new_tree import become, check_out, drop_records, keep_own_work
from .pool import run_jobs
from .shuffle import Job, shard_edges, write_shard
from .tar_rows import ScanJob, TarRows, TaskJob, scan_shard


@dataclass(frozen=True, slots=True, kw_only=True)
class RepackReport:
    """What was repacked.

    Attributes:
        conversations: Of the parts that have another layout now.
        media: Stored media of these parts, before and after.
        bytes: Bytes of their tars, before and after.
        kept: Manifests of parts that are as they were.
    """

    conversations: int
    media: tuple[int, int]
    bytes: tuple[int, int]
    kept: tuple[str, ...]
    seconds: float

    def as_dict(self) -> dict[str, Any]:
        """For ``--json``."""
        names = ("conversations", "media", "bytes", "kept")
        return {**{name: getattr(self, name) for name in names}, "seconds": round(self.seconds, 1)}


def repack(
    tree: Path, out: Path, *, layout: Layout, workers: int, progress: bool, finish: Callable[[Path], None]
) -> RepackReport:
    """Write ``out``: the tree with everything that has a choice laid out in another way.

    Args:
        tree: The built tree; it is only read.
        out: The new tree, made whole or not at all.
        layout: ``frames``: each input medium once, with all conversations about it; ``tasks``: back.
        workers: Processes; the bytes do not depend on their number.
        progress: Whether to show progress bars.
        finish: Called with the unfinished new tree: writes what describes it.

    Raises:
        BuildError: ``out`` holds something, cannot be written, the tree changed meanwhile, or media are not in it.
        ShardError: the tree is damaged, or there is none.
    """
    started = time.monotonic()
    check_out(tree, out)
    everything = load_tree(tree)
    chosen = [m for m in everything if m.layout != layout and not any(name.startswith("target.") for name in m.members)]
    if not chosen:
        raise BuildError(f"{tree}: nothing has another layout than {layout}", hint="See: surgsigma info TREE")
    if bare := sorted({m.source for m in chosen if m.without_media}):
        raise BuildError(
            f"{tree} holds {', '.join(bare)} without media, and a layout goes by them",
            hint="Join your own copy first: surgsigma join --help, or lay out the full tree.",
        )
    both = {m.source for m in chosen} & {m.source for m in everything if m.task == FRAMES and layout == "frames"}
    if both:
        raise BuildError(f"{tree} holds {', '.join(sorted(both))} in both layouts: which one counts cannot be told")
    work = Path(f"{out.resolve()}.repack")
    with only_writer(work, shown=out, work="repack"):
        run = _Run(tree, work, layout, everything, chosen)
        run.prepare()
        run_jobs(scan_shard, run.scans(), workers=workers, title="read", progress=progress)
        jobs = run.jobs()
        run_jobs(
            write_shard, [j for some in jobs.values() for j in some], workers=workers, title="write", progress=progress
        )
        made = run.stage(jobs)
        run.check_unchanged()
        become(out, work, finish)
    talks = sum(m.rows for m in made)
    media = (talks, sum(m.samples for m in made))
    return RepackReport(
        conversations=talks,
        media=media if layout == "frames" else (sum(m.samples for m in chosen), talks),
        bytes=(sum(m.bytes for m in chosen), sum(m.bytes for m in made)),
        kept=tuple(m.path for m in everything if m not in chosen),
        seconds=time.monotonic() - started,
    )


@dataclass(slots=True)
class _Run:
    tree: Path
    work: Path
    layout: Layout
    everything: Sequence[Manifest]
    chosen: Sequence[Manifest]

    def prepare(self) -> None:
        """Keep the work of a stopped run on the same tree."""
        keep_own_work(self.work, self._digest(), ("found", STAGING))
        (self.work / "found").mkdir(exist_ok=True)

    def check_unchanged(self) -> None:
        """Hold the tree against what it was.

        Raises:
            BuildError: a shard or manifest was changed, exchanged or removed.
        """
        if (self.work / MARK).read_text() != self._digest():
            shutil.rmtree(self.work, ignore_errors=True)
            raise BuildError(
                f"{self.tree}: was changed while it was repacked",
                hint="Nothing was written. Let whatever changes the tree end, then repack again.",
            )

    def _digest(self) -> str:
        whole = hashlib.sha256(f"{code_digest()} {self.layout}".encode())
        for manifest in self.everything:
            whole.update(manifest.dumps())
            for shard in manifest.shards:
                try:
                    stat = (self.tree / manifest.folder / shard.name).stat()
                except OSError:
                    whole.update(b"gone")
                else:
                    whole.update(f"{stat.st_size} {stat.st_mtime_ns} {stat.st_ino}\n".encode())
        return whole.hexdigest()

    @property
    def _tasks(self) -> tuple[str, ...]:
        return tuple(sorted({task for m in self.chosen for task in m.counts}))

    def scans(self) -> list[ScanJob]:
        """What to look through."""
        return [
            ScanJob(
                self.tree, m.folder, shard, m.layout, _number(m, "seed", 0), self._tasks, self._found(m, shard)
            )
            for m in self.chosen
            for shard in m.shards
        ]  # fmt: skip

    def _found(self, manifest: Manifest, shard: Shard) -> Path:
        return self.work / "found" / f"{manifest.task}-{manifest.source}-{shard.name}.npy"

    def jobs(self) -> dict[tuple[str, str, str], Sequence[Job]]:
        """The new shards by task, source and split."""
        made: dict[tuple[str, str, str], Sequence[Job]] = {}
        for source, split in sorted({(m.source, m.split) for m in self.chosen}):
            mine = [m for m in self.chosen if (m.source, m.split) == (source, split)]
            shards = [(m, shard) for m in mine for shard in m.shards]
            found = [np.load(self._found(m, shard)) for m, shard in shards]
            for number, one in enumerate(found):
                one["file"] = number
            rows, files = np.concatenate(found), TarRows(tuple(self.tree / m.folder / s.name for m, s in shards))
            size = _number(mine[0], "shard_bytes", 256 << 20)
            if self.layout == "frames":
                seed, folder = _number(mine[0], "seed", 0), self._folder(FRAMES, source)
                made[FRAMES, source, split] = medium_jobs(
                    rows[list(TALK.names or ())], files, name=source, split=split, folder=folder, seed=seed,
                    shard_bytes=size,
                )  # fmt: skip
                continue
            for number, task in enumerate(self._tasks):
                of_task = rows[rows["task"] == number]
                if len(of_task):
                    of_task = of_task[np.argsort(of_task["order"], kind="stable")]
                    edges = shard_edges(len(of_task), int(of_task["bytes"].sum()), size, name=f"{task}/{split}")
                    folder = self._folder(task, source)
                    made[task, source, split] = [
                        TaskJob(folder / shard_name(task, source, split, n), files, of_task[begin:end])
                        for n, (begin, end) in enumerate(edges)
                    ]
        return made

    def _folder(self, task: str, source: str) -> Path:
        return self.work / STAGING / "data" / task / source

    def stage(self, jobs: dict[tuple[str, str, str], Sequence[Job]]) -> list[Manifest]:
        """Complete the new tree but for what describes it; the manifests of what is new in it."""
        staging, made = self.work / STAGING, list[Manifest]()
        options = {m.source: self._options(m) for m in self.everything}
        for (task, source, split), some in jobs.items():
            paths = [job.path for job in some]
            manifest = staged_manifest(paths, task=task, source=source, split=split, options=options[source])
            write_part(manifest, staging)
            made.append(manifest)
        drop_records(job.path for some in jobs.values() for job in some)
        gone = {m.catalog for m in self.chosen} | {f"{m.folder}/{s.name}" for m in self.chosen for s in m.shards}
        copy_rest(self.tree, staging, leave={*gone, *(m.path for m in self.everything)})
        for manifest in self.everything:
            if manifest not in self.chosen:
                same = replace(manifest, options=options[manifest.source])
                write_atomic(staging / same.path, same.dumps(), sync=False)
        return made

    def _options(self, manifest: Manifest) -> dict[str, Any]:
        """How a part was built, in words that fit the new layout."""
        kept = {name: value for name, value in manifest.options.items() if name != "layout"}
        return kept if self.layout == "tasks" else {**kept, "layout": self.layout}


def _number(manifest: Manifest, option: str, otherwise: int) -> int:
    value = manifest.options.get(option, otherwise)
    return value if type(value) is int else otherwise
