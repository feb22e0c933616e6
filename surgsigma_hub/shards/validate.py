"""Checking a tree or one shard from the outside: everything is read, nothing is trusted, every problem is named."""

from __future__ import annotations

import hashlib
import os
import sys
from array import array
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, Literal

import numpy as np
from tqdm import tqdm

from ..errors import ShardError
from ..plain_file import open_plain
from .manifest import JOURNAL, WORK_DIR, Manifest, Shard, manifest_bytes, read_form
from .manifest_checks import contradictions
from .sample_checks import absolute_paths, check
from .tree_files import TreeFiles
from .walk import Damage, Group, HashingReader, groups

MAX_SHOWN = 1000
"""Problems of one kind that are kept with their place; further ones are only counted."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong: where (``shard:key``, relative to what was checked), what was found, what was expected."""

    where: str
    what: str
    expected: str
    kind: str
    severity: Literal["error", "warning"] = "error"

    def __str__(self) -> str:
        return f"{self.where}: {self.what} (expected: {self.expected})"


@dataclass(frozen=True, slots=True)
class ValidationReport:
    """What was checked and what is wrong with it.

    Attributes:
        problems: In the order found; of each kind at most ``MAX_SHOWN``.
        counts: Shards, samples, media members, bytes and videos seen, and the numbers of errors and warnings.
        by_kind: Number of problems of each kind, those not kept in ``problems`` included.
    """

    problems: tuple[Problem, ...]
    counts: Mapping[str, int]
    by_kind: Mapping[str, int] = field(default_factory=dict)

    @property
    def ok(self) -> bool:
        """Whether there is no error; warnings do not count."""
        return self.counts["errors"] == 0

    @property
    def errors(self) -> tuple[Problem, ...]:
        """Problems that make the data wrong."""
        return tuple(p for p in self.problems if p.severity == "error")

    @property
    def warnings(self) -> tuple[Problem, ...]:
        """Problems that depend on how the data will be used."""
        return tuple(p for p in self.problems if p.severity == "warning")

    def as_dict(self) -> dict[str, Any]:
        """For ``--json``."""
        problems = [
            {"where": p.where, "what": p.what, "expected": p.expected, "kind": p.kind, "severity": p.severity}
            for p in self.problems
        ]
        return {"ok": self.ok, "counts": dict(self.counts), "by_kind": dict(self.by_kind), "problems": problems}


def validate(path: Path, *, progress: bool = False) -> ValidationReport:
    """Check a tree, or one shard (with its part of the manifest beside it, if there is one).

    Args:
        path: The tree's folder, or a tar.
        progress: Show a progress bar on stderr.

    Returns:
        Every problem found; nothing that the data holds stops the check.

    Raises:
        ShardError: there is nothing at ``path`` to check.
    """
    if path.is_file():
        run = _Run(path.parent, whole=False)
        run.one_shard(path)
    elif path.is_dir():
        run = _Run(path, whole=True)
        run.tree(progress)
    else:
        raise ShardError(f"{path}: no such file or folder", hint="Give the folder of a built tree, or one of its tars.")
    return run.report()


@dataclass(slots=True)
class _Seen:
    """What a shard turned out to hold."""

    sha256: str = ""
    bytes: int = 0
    media_bytes: int = 0
    members: set[str] = field(default_factory=set)
    videos: set[str] = field(default_factory=set)
    starts: list[int] = field(default_factory=list)


class _Run:
    """One check; collects problems and what has to be compared over the whole tree."""

    def __init__(self, base: Path, *, whole: bool) -> None:
        self._base = base
        self._files = TreeFiles(base) if whole else None  # a shard alone may be a link to anywhere
        self._problems: list[Problem] = []
        self._by_kind: Counter[str] = Counter()
        self._severities: Counter[str] = Counter()
        self._counts: Counter[str] = Counter()
        self._hashes = array("Q")  # of every key: 8 bytes a sample, so that a tree of millions fits
        self._shards: list[tuple[int, Path]] = []  # index of the first sample, shard
        self._splits: dict[str, dict[str, set[str]]] = {}  # canonical video -> source -> splits

    def report(self) -> ValidationReport:
        self._repeated_keys()
        self._leaks()
        counts = {name: self._counts[name] for name in ("shards", "samples", "media", "bytes")}
        counts["videos"] = len(self._splits)
        counts["errors"], counts["warnings"] = self._severities["error"], self._severities["warning"]
        return ValidationReport(tuple(self._problems), counts, dict(sorted(self._by_kind.items())))

    def _note(
        self, where: str, kind: str, what: str, expected: str, severity: Literal["error", "warning"] = "error"
    ) -> None:
        where, what, expected = (_plain(text) for text in (where, what, expected))
        self._by_kind[kind] += 1
        self._severities[severity] += 1
        if self._by_kind[kind] <= MAX_SHOWN:
            self._problems.append(Problem(where, what, expected, kind, severity))

    def _name(self, path: Path) -> str:
        return path.relative_to(self._base).as_posix()

    def tree(self, progress: bool) -> None:
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
                self._note(self._name(tar), "unlisted", "no manifest lists this shard", f"an entry in {wanted}")
        if any((self._base / WORK_DIR).glob(f"*/{JOURNAL}")):
            what = "a build was stopped while it changed this tree"
            self._note(WORK_DIR, "unfinished", what, "one build: the next build into this tree finishes that change")
        elif (self._base / WORK_DIR).exists():
            self._note(WORK_DIR, "unfinished", "work of a build that has not ended", "no such folder", "warning")
        total = sum(s.bytes for _, m in manifests for s in m.shards)
        with tqdm(total=total, unit="B", unit_scale=True, disable=not progress, file=sys.stderr) as bar:
            for path, manifest in manifests:
                seen: list[_Seen | None] = []
                for shard in manifest.shards:
                    bar.set_postfix_str(f"{manifest.task} {manifest.source} {shard.name}", refresh=False)
                    seen.append(self._listed_shard(path.parent / shard.name, shard, manifest))
                    bar.update(shard.bytes)
                self._compare(path, manifest, [s for s in seen if s is not None], whole=None not in seen)

    def one_shard(self, path: Path) -> None:
        beside = path.parent / f"{path.stem.rpartition('-')[0]}.manifest.json"
        if not beside.is_file():
            self._shard(path, None)
            return
        manifest = self._manifest(beside)
        entries = [s for s in manifest.shards if s.name == path.name] if manifest else []
        if manifest and entries:
            self._listed_shard(path, entries[0], manifest)
            return
        if manifest:
            self._note(path.name, "unlisted", "no manifest lists this shard", f"an entry in {beside.name}")
        self._shard(path, None)

    def _manifest(self, path: Path) -> Manifest | None:
        where = self._name(path)
        try:
            if self._files:
                self._files.check(where)
            manifest = read_form(manifest_bytes(path), where=where)
        except ShardError as error:
            kind = "version" if "format version" in error.message else "manifest"
            what = error.message.replace(str(path), where).removeprefix(f"{where}: ")
            self._note(where, kind, what, error.hint or "a manifest of this package")
            return None
        if self._files and manifest.path != where:
            self._note(where, "manifest", f"is the manifest of {manifest.path}", "task, source and split of its place")
        for found in contradictions(manifest):
            self._note(where, "manifest", found.what, found.expected)
        for place, text in absolute_paths({"options": dict(manifest.options)}):
            self._note(where, "path", f"{place} holds an absolute path: {text}", "no path of any machine")
        return manifest

    def _listed_shard(self, path: Path, entry: Shard, manifest: Manifest) -> _Seen | None:
        where = path.name if path.parent == self._base else f"{manifest.folder}/{entry.name}"
        seen = self._shard(path, manifest)
        if seen is None:
            return None
        for what, found, listed in (
            ("bytes", seen.bytes, entry.bytes),
            ("sha256", seen.sha256, entry.sha256),
            ("samples", len(seen.starts), entry.samples),
        ):
            if found != listed:
                self._note(where, "manifest", f"{what} of the shard: {found}", f"{listed}, as the manifest says")
        wrong = [b for b in entry.blocks if not (b[1] < len(seen.starts) and seen.starts[b[1]] == b[0])]
        if wrong:
            what = f"no sample {wrong[0][1]} starts at byte {wrong[0][0]} ({len(wrong)} such blocks)"
            self._note(where, "blocks", what, "block offsets of the manifest where samples start")
        return seen

    def _shard(self, path: Path, manifest: Manifest | None) -> _Seen | None:
        """What a tar holds; None where it cannot be read, which is noted."""
        where, seen = self._name(path), _Seen()
        try:
            with self._open(path) as file:
                self._shards.append((len(self._hashes), path))
                reader = HashingReader(file)
                for found in groups(reader):
                    if isinstance(found, Damage):
                        place = f"{where}:{found.name}" if found.name else f"{where} at byte {found.offset}"
                        self._note(place, "tar", found.what, found.expected)
                    else:
                        self._sample(found, f"{where}:{found.key}", seen, manifest)
                seen.sha256, seen.bytes = reader.finish(), reader.bytes
        except ShardError as error:
            self._note(where, "missing", error.message.removeprefix(f"{where}: "), "the shard itself")
            return None
        except FileNotFoundError:
            self._note(where, "missing", "the manifest lists this shard, but there is no such file", "the shard")
            return None
        except OSError as error:
            self._note(where, "missing", f"cannot be read ({error.strerror or error})", "the shard")
            return None
        self._counts["shards"] += 1
        self._counts["bytes"] += seen.bytes
        return seen

    def _open(self, path: Path) -> BinaryIO:
        return os.fdopen(self._files.open(self._name(path)), "rb") if self._files else open_plain(path)

    def _sample(self, group: Group, where: str, seen: _Seen, manifest: Manifest | None) -> None:
        for note in group.notes:
            self._note(where, "tar", note.what, note.expected)
        doc, findings = check(group.key, group.members)
        for finding in findings:
            self._note(where, finding.kind, finding.what, finding.expected)
        media = {name: data for name, data in group.members.items() if name != "json"}
        seen.starts.append(group.offset)
        seen.media_bytes += sum(map(len, media.values()))
        seen.members |= set(media)
        self._counts["samples"] += 1
        self._counts["media"] += len(media)
        digest = hashlib.blake2b(group.key.encode("utf-8", "surrogateescape"), digest_size=8).digest()
        self._hashes.append(int.from_bytes(digest, "big"))
        for name in ("task", "source", "split") if manifest else ():
            if name in doc and doc[name] != getattr(manifest, name):
                self._note(where, "place", f"{name} is {doc[name]!r}", f"{getattr(manifest, name)!r}, as its manifest")
        if {"canonical_video_id", "source", "split"} <= set(doc):
            seen.videos.add(doc["canonical_video_id"])
            by_source = self._splits.setdefault(doc["canonical_video_id"], {})
            by_source.setdefault(doc["source"], set()).add(doc["split"])

    def _compare(self, path: Path, manifest: Manifest, seen: list[_Seen], *, whole: bool) -> None:
        if not whole:
            return  # the missing shard is named already, and sums without it say nothing
        where = self._name(path)
        found_bytes = sum(s.media_bytes for s in seen)
        if found_bytes != manifest.media_bytes:
            self._note(
                where, "manifest", f"says media_bytes {manifest.media_bytes}", f"{found_bytes}, as in its shards"
            )
        for name in ("members", "videos"):
            found, listed = set[str]().union(*(getattr(s, name) for s in seen)), set(getattr(manifest, name))
            for extra in sorted(listed - found):
                self._note(where, "manifest", f"{name} lists {extra!r}", "only what is in its shards")
            for absent in sorted(found - listed):
                self._note(where, "manifest", f"{name} lacks {absent!r}", "all that is in its shards")

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
            path, wanted = self._shards[shard][1], set(places)
            for place, key in enumerate(self._keys(path)):
                if place not in wanted:
                    continue
                where = self._name(path)
                if key in owners:
                    self._note(f"{where}:{key}", "id", f"the id is in {owners[key]} too", "ids unique over the tree")
                owners.setdefault(key, where)

    def _keys(self, path: Path) -> Iterator[str]:
        with suppress(OSError), self._open(path) as file:  # it was read a moment ago
            for found in groups(HashingReader(file)):
                if isinstance(found, Group):
                    yield found.key

    def _leaks(self) -> None:
        for video, by_source in sorted(self._splits.items()):
            for source, splits in sorted(by_source.items()):
                if len(splits) > 1:
                    what = f"video {video} is in the splits {', '.join(sorted(splits))}"
                    self._note(source, "split", what, "every video in one split of its source")
            if len(by_source) > 1 and len(set[str]().union(*by_source.values())) > 1:
                places = ", ".join(
                    f"{source}/{'+'.join(sorted(splits))}" for source, splits in sorted(by_source.items())
                )
                expected = "one split for one surgery, where these sources are trained and tested on together"
                self._note(video, "split", f"the same surgery is in {places}", expected, "warning")


def _plain(text: str) -> str:
    """A text that any terminal and any JSON takes: names of files need not be UTF-8."""
    return text.encode("utf-8", "backslashreplace").decode()
