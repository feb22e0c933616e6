"""Checking a tree or one shard from the outside: everything is read, nothing is trusted, every problem is named."""

from __future__ import annotations

import concurrent.futures as futures
import hashlib
import multiprocessing
import os
import sys
from array import array
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures.process import BrokenProcessPool
from dataclasses import replace
from pathlib import Path

import numpy as np
from tqdm import tqdm

from ..errors import ShardError
from .manifest import JOURNAL, WORK_DIR, Manifest, Shard, manifest_bytes, read_form
from .manifest_checks import contradictions
from .problems import Notes, ValidationReport
from .sample_checks import absolute_paths
from .shard_check import Seen, ShardCheck, check_shard
from .tree_files import TreeFiles

QUICK_SHARE = 0.05
"""Share of the shards that a quick check hashes: a fault in one of 60 is then found with 95 %."""

SAMPLE = 1 << 18
"""Bytes that are hashed while one sample is checked in full: 0.25 ms against 1 GB/s (both of one core)."""
START = 4000 * SAMPLE
"""Work that a further process is started for. Starting one takes 0.4 s of processor time, most of it imports: some
1,600 samples. Beyond that the gain is bounded by idle cores and by the largest shard, which one process checks."""


def validate(
    path: Path, *, workers: int = 1, quick: bool = False, share: float = QUICK_SHARE, seed: int = 0,
    progress: bool = False,
) -> ValidationReport:  # fmt: skip
    """Check a tree, or one shard (with its part of the manifest beside it, if there is one).

    Args:
        path: The tree's folder, or a tar.
        workers: Processes at most; the report does not depend on their number, and as many are started as are worth
            it, see :data:`START`. With more than one, a script needs the usual ``if __name__ == "__main__":`` guard.
        quick: Of a tree, check all manifests, the sizes of all shards and that splits are disjoint by the manifests,
            and hash ``share`` of the shards; samples are not looked at, and their counts are those of the manifests.
        share: Share (0..1) of the shards to hash, one at least; only for ``quick``.
        seed: Which shards these are; another day, another seed.
        progress: Show a progress bar on stderr.

    Returns:
        Every problem found; nothing that the data holds stops the check.

    Raises:
        ShardError: there is nothing at ``path`` to check, or a worker was killed.
    """
    if path.is_file():
        run = _Run(path.parent, whole=False)
        run.one_shard(path)
    elif path.is_dir():
        run = _Run(path, whole=True)
        try:
            run.tree(workers, progress, (share, seed) if quick else None)
        except BrokenProcessPool:
            raise ShardError(
                f"{path}: a worker that checked it was killed, most likely for lack of memory",
                hint="Check it again with fewer --workers.",
            ) from None
    else:
        raise ShardError(f"{path}: no such file or folder", hint="Give the folder of a built tree, or one of its tars.")
    return run.report()


class _Run:
    """One check; collects problems and what has to be compared over the whole tree."""

    def __init__(self, base: Path, *, whole: bool) -> None:
        self._base = base
        self._files = TreeFiles(base) if whole else None  # a shard alone may be a link to anywhere
        self._notes = Notes()
        self._counts: Counter[str] = Counter()
        self._quickly = False
        self._hashes = array("Q")
        self._shards: list[tuple[int, ShardCheck]] = []  # index of the first sample, shard
        self._splits: dict[str, dict[str, set[str]]] = {}  # canonical video -> source -> splits

    def report(self) -> ValidationReport:
        self._repeated_keys()
        self._leaks()
        counts = {name: self._counts[name] for name in ("shards", "samples", "media", "bytes")}
        counts["videos"] = len(self._splits)
        if self._quickly:
            counts["hashed"] = self._counts["hashed"]
        severities = self._notes.severities
        counts["errors"], counts["warnings"] = severities["error"], severities["warning"]
        return ValidationReport(tuple(self._notes.problems), counts, dict(sorted(self._notes.by_kind.items())))

    def _name(self, path: Path) -> str:
        return path.relative_to(self._base).as_posix()

    def tree(self, workers: int, progress: bool, quick: tuple[float, int] | None) -> None:
        manifest_paths = sorted(self._base.glob("data/*/*/*.manifest.json"))
        tars = sorted(self._base.glob("data/**/*.tar"))
        if not manifest_paths and not tars:
            raise ShardError(
                f"{self._base}: no built data (no data/<task>/<source>/<split>.manifest.json)",
                hint="Run: surgsigma build --help",
            )
        manifests = [(p, m) for p in manifest_paths if (m := self._manifest(p)) is not None]
        listed = {p.parent / s.name for p, m in manifests for s in m.shards}
        for tar in tars:
            if tar not in listed:
                wanted = f"{tar.stem.rpartition('-')[0]}.manifest.json"
                self._notes.add(self._name(tar), "unlisted", "no manifest lists this shard", f"an entry in {wanted}")
        if any((self._base / WORK_DIR).glob(f"*/{JOURNAL}")):
            what = "a build was stopped while it changed this tree"
            self._notes.add(WORK_DIR, "unfinished", what, "one build: the next build into this tree finishes it")
        elif (self._base / WORK_DIR).exists():
            self._notes.add(WORK_DIR, "unfinished", "work of a build that has not ended", "no such folder", "warning")
        jobs = [[self._job(path, shard, manifest) for shard in manifest.shards] for path, manifest in manifests]
        if quick is not None:
            jobs = self._quick(manifests, jobs, *quick)
        flat = [job for own in jobs for job in own]
        total = sum(job.entry.bytes for job in flat if job.entry)
        with tqdm(total=total, unit="B", unit_scale=True, disable=not progress, file=sys.stderr) as bar:
            results = _results(flat, workers)
            for (path, manifest), own in zip(manifests, jobs, strict=True):
                seen: list[Seen] = []
                for job in own:
                    bar.set_postfix_str(f"{manifest.task} {manifest.source} {Path(job.place).name}", refresh=False)
                    seen.append(self._take(job, next(results)))
                    bar.update(job.entry.bytes if job.entry else 0)
                if quick is None and all(one.readable for one in seen):
                    self._compare(path, manifest, seen)  # a missing shard is named already; sums without it say nothing

    def one_shard(self, path: Path) -> None:
        beside = path.parent / f"{path.stem.rpartition('-')[0]}.manifest.json"
        manifest = self._manifest(beside) if beside.is_file() else None
        job = ShardCheck(self._base, path.name, inside=False)
        if manifest:
            entries = [s for s in manifest.shards if s.name == path.name]
            if entries:
                job = self._job(path, entries[0], manifest)
            else:
                wanted = f"an entry in {beside.name}"
                self._notes.add(path.name, "unlisted", "no manifest lists this shard", wanted)
        self._take(job, check_shard(job))

    def _job(self, beside: Path, entry: Shard, manifest: Manifest) -> ShardCheck:
        names = tuple((name, str(getattr(manifest, name))) for name in ("task", "source", "split"))
        return ShardCheck(
            self._base, self._name(beside.parent / entry.name), self._files is not None, entry, names,
            without_media=manifest.without_media,
        )  # fmt: skip

    def _take(self, job: ShardCheck, seen: Seen) -> Seen:
        """Add what a check found to what is known of the tree."""
        self._notes.take(seen.notes)
        if not seen.readable:
            return seen
        if job.hash_only:
            self._counts["hashed"] += 1
        else:
            self._shards.append((len(self._hashes), job))
            self._counts.update(shards=1, bytes=seen.bytes, samples=seen.samples, media=seen.media)
        self._hashes.extend(seen.hashes)
        for video, by_source in seen.splits.items():
            for source, splits in by_source.items():
                self._splits.setdefault(video, {}).setdefault(source, set()).update(splits)
        return seen

    def _quick(
        self, manifests: Sequence[tuple[Path, Manifest]], jobs: list[list[ShardCheck]], share: float, seed: int
    ) -> list[list[ShardCheck]]:
        """Look at sizes and at what the manifests say; the shards that are left to hash."""
        self._quickly = True
        there: list[list[ShardCheck]] = []
        for (_, manifest), own in zip(manifests, jobs, strict=True):
            there.append([job for job in own if self._has_its_size(job)])
            self._counts.update(samples=manifest.samples)
            for video in manifest.videos:
                self._splits.setdefault(video, {}).setdefault(manifest.source, set()).add(manifest.split)
        lots = sorted((_lot(seed, job.place), job.place) for own in there for job in own)
        chosen = {place for lot, place in lots if lot < share} or {place for _, place in lots[:1]}
        return [[replace(job, hash_only=True) for job in own if job.place in chosen] for own in there]

    def _has_its_size(self, job: ShardCheck) -> bool:
        try:
            with job.open() as file:
                size = os.fstat(file.fileno()).st_size
        except (OSError, ShardError):
            self._take(job, check_shard(job))  # which says what is wrong
            return False
        self._counts.update(shards=1, bytes=size)
        if job.entry and size != job.entry.bytes:
            what = f"bytes of the shard: {size}"
            self._notes.add(job.place, "manifest", what, f"{job.entry.bytes}, as the manifest says")
            return False
        return True

    def _manifest(self, path: Path) -> Manifest | None:
        where = self._name(path)
        try:
            if self._files:
                self._files.check(where)
            manifest = read_form(manifest_bytes(path), where=where)
        except ShardError as error:
            kind = "version" if "format version" in error.message else "manifest"
            what = error.message.replace(str(path), where).removeprefix(f"{where}: ")
            self._notes.add(where, kind, what, error.hint or "a manifest of this package")
            return None
        if self._files and manifest.path != where:
            expected = "task, source and split of its place"
            self._notes.add(where, "manifest", f"is the manifest of {manifest.path}", expected)
        names = [shard.name for shard in manifest.shards]
        for found in contradictions(names, manifest.blocks, samples=manifest.samples, bytes=manifest.bytes):
            self._notes.add(where, "manifest", found.what, found.expected)
        for place, text in absolute_paths({"options": dict(manifest.options)}):
            self._notes.add(where, "path", f"{place} holds an absolute path: {text}", "no path of any machine")
        return manifest

    def _compare(self, path: Path, manifest: Manifest, seen: list[Seen]) -> None:
        where = self._name(path)
        found_bytes = sum(s.media_bytes for s in seen)
        if found_bytes != manifest.media_bytes:
            what = f"says media_bytes {manifest.media_bytes}"
            self._notes.add(where, "manifest", what, f"{found_bytes}, as in its shards")
        talks: Counter[str] = Counter()
        for one in seen:
            talks.update(one.conversations)
        if dict(talks) != dict(manifest.conversations):
            what = f"says conversations {dict(manifest.conversations)}"
            self._notes.add(where, "manifest", what, f"{dict(sorted(talks.items()))}, as in its shards")
        for name in ("videos",) if manifest.without_media else ("members", "videos"):
            found, listed = set[str]().union(*(getattr(s, name) for s in seen)), set(getattr(manifest, name))
            for extra in sorted(listed - found):
                self._notes.add(where, "manifest", f"{name} lists {extra!r}", "only what is in its shards")
            for absent in sorted(found - listed):
                self._notes.add(where, "manifest", f"{name} lacks {absent!r}", "all that is in its shards")

    def _repeated_keys(self) -> None:
        hashes = np.frombuffer(self._hashes, dtype=np.uint64) if self._hashes else np.zeros(0, np.uint64)
        ordered = np.sort(hashes)
        twice = np.unique(ordered[1:][ordered[1:] == ordered[:-1]])
        if not len(twice):
            return
        first_of = [first for first, _ in self._shards]
        suspects: dict[int, list[int]] = {}  # shard -> places in it
        for index in np.flatnonzero(np.isin(hashes, twice)).tolist():
            shard = bisect_right(first_of, index) - 1
            suspects.setdefault(shard, []).append(index - first_of[shard])
        owners: dict[str, str] = {}
        for shard, places in sorted(suspects.items()):
            job, wanted = self._shards[shard][1], set(places)
            for place, key in enumerate(job.ids()):
                if place not in wanted:
                    continue
                if key in owners:
                    what = f"the id is in {owners[key]} too"
                    self._notes.add(f"{job.place}:{key}", "id", what, "ids unique over the tree")
                owners.setdefault(key, job.place)

    def _leaks(self) -> None:
        for video, by_source in sorted(self._splits.items()):
            for source, splits in sorted(by_source.items()):
                if len(splits) > 1:
                    what = f"video {video} is in the splits {', '.join(sorted(splits))}"
                    self._notes.add(source, "split", what, "every video in one split of its source")
            if len(by_source) > 1 and len(set[str]().union(*by_source.values())) > 1:
                places = ", ".join(
                    f"{source}/{'+'.join(sorted(splits))}" for source, splits in sorted(by_source.items())
                )
                expected = "one split for one surgery, where these sources are trained and tested on together"
                self._notes.add(video, "split", f"the same surgery is in {places}", expected, "warning")


def _lot(seed: int, place: str) -> float:
    """0..1, by the seed and the place alone."""
    return int.from_bytes(hashlib.sha256(f"{seed}:{place}".encode()).digest()[:8], "big") / 2**64


def _results(jobs: Sequence[ShardCheck], workers: int) -> Iterator[Seen]:
    """What each shard holds, in the order of ``jobs``."""
    work = sum(job.entry.bytes if job.hash_only else job.entry.samples * SAMPLE for job in jobs if job.entry)
    processes = min(workers, len(jobs), 1 + work // START)
    if processes == 1:
        yield from map(check_shard, jobs)
        return
    # Spawned: a forked child would share the state of the threads of whoever calls.
    context = multiprocessing.get_context("spawn")
    with futures.ProcessPoolExecutor(processes, mp_context=context) as pool:
        yield from pool.map(check_shard, jobs)
