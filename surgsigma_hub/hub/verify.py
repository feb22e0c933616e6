"""Check a tree that somebody published, or one on disk: names, sizes and digests against its manifests.

Of a dataset on the Hub one listing of the commit gives name, size and sha256 of every file; only manifests, cards and a
seeded sample of shards are downloaded. In a folder every shard is hashed. What
:func:`~surgsigma_hub.shards.validate.validate` finds in a whole tree on disk is found here in the shards of the sample.
"""

from __future__ import annotations

import hashlib
import re
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase, translate
from pathlib import Path
from typing import Any

import orjson

from ..errors import ShardError, SurgSigmaError
from ..schema import check_format_version, schema_text
from ..shards.frontmatter import check_ours, read_card, split_card
from ..shards.manifest import MAX_MANIFEST, Manifest, Shard, parse_manifest
from ..shards.problems import Notes, Problem
from ..shards.shard_check import ShardCheck, check_shard
from ..visible import size_text
from .cards import stale
from .configs import front_matter, make_configs
from .published import PIN, data_digest
from .repository import RemoteFile, find_dataset

SAMPLE = 3
"""Shards that are read from end to end unless the caller says otherwise."""

_HASHERS = 4
"""Threads that hash; each keeps a core busy where the disk is fast."""
_SMALL = re.compile(r"data/.+\.manifest\.json|cards/[^/]+\.md|README\.md|LICENSES\.md|schema\.json|pin\.json")
_MANIFEST = re.compile(r"data/[^/]+/[^/]+/[^/]+\.manifest\.json")


@dataclass(frozen=True, slots=True)
class VerifyReport:
    """What was verified and what is wrong with it.

    Attributes:
        where: Path, or ``ORG/NAME`` and the commit.
        checked: Files, manifests, shards, digests compared, shards read whole and samples in them, bytes of all shards.
    """

    where: str
    problems: tuple[Problem, ...]
    checked: Mapping[str, int]

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong; warnings do not count."""
        return not any(p.severity == "error" for p in self.problems)

    def as_dict(self) -> dict[str, Any]:
        """For ``--json``."""
        problems = [
            {"where": p.where, "what": p.what, "expected": p.expected, "kind": p.kind, "severity": p.severity}
            for p in self.problems
        ]
        return {"where": self.where, "ok": self.ok, "checked": dict(self.checked), "problems": problems}


def verify(
    target: str, *, sample: int = SAMPLE, seed: int = 0, say: Callable[[str], None] = lambda line: None
) -> VerifyReport:
    """Verify a tree on disk, or a dataset on the Hub at a revision.

    Args:
        target: A folder, or ``ORG/NAME`` with ``@REVISION`` if it is not the newest.
        sample: Shards to read from end to end; 0 for none.
        seed: Which shards these are.
        say: Told what happens.

    Raises:
        SurgSigmaError: there is nothing of that name, or the Hub cannot be asked.
        ShardError: it is of a newer format version than this package reads.
    """
    if Path(target).is_dir():
        return _Check(str(target), _local(Path(target)), Path(target), sample, seed, say).run(whole=True)
    repository, state = find_dataset(target)
    repo = repository.name
    with tempfile.TemporaryDirectory(prefix="surgsigma-verify-") as folder:
        base, names = Path(folder), [name for name in state.files if _SMALL.fullmatch(name)]
        say(f"Reading {len(names):,} manifests and cards of {repo} at commit {state.commit[:12]} ...")
        repository.download(names, state.commit, base)
        one = _Check(f"{repo}@{state.commit}", state.files, base, sample, seed, say)
        one.fetch = lambda places: repository.download(places, state.commit, base)
        return one.run(whole=False)


def _local(tree: Path) -> dict[str, RemoteFile]:
    """What a listing of a folder says; digests are not known before a file is read."""
    found: dict[str, RemoteFile] = {}
    for pattern in ("data/*/*/*", "catalog/*", "join/*", "cards/*", "assets/*", "*"):
        for path in tree.glob(pattern):
            place = path.relative_to(tree).as_posix()
            if path.is_file() and not any(part.startswith(".") for part in place.split("/")):
                found[place] = RemoteFile(path.stat().st_size, "", None)
    return found


@dataclass(slots=True)
class _Check:
    """One check; collects problems.

    Attributes:
        files: Listing of all that is there.
        base: Folder that holds the small files, and shards once they were fetched.
    """

    where: str
    files: Mapping[str, RemoteFile]
    base: Path
    sample: int
    seed: int
    say: Callable[[str], None]
    fetch: Callable[[Sequence[str]], None] = lambda places: None
    notes: Notes = field(default_factory=Notes)
    checked: dict[str, int] = field(default_factory=lambda: dict.fromkeys(
        ("files", "manifests", "shards", "digests", "read", "samples", "bytes"), 0))  # fmt: skip

    def run(self, *, whole: bool) -> VerifyReport:
        """All checks; ``whole`` where the tree is on disk, so that its pages can be written anew and compared."""
        self.checked["files"] = len(self.files)
        manifests = [m for place in sorted(self.files) if _MANIFEST.fullmatch(place) and (m := self._manifest(place))]
        if not manifests:
            if not self.notes.problems:
                raise ShardError(f"{self.where}: holds no manifest (data/<task>/<source>/<split>.manifest.json)",
                                 hint="Is this a tree of this package?")  # fmt: skip
            return self._report()
        if whole:
            self.files = self._hashed(manifests)
        self._shards(manifests)
        self._read(manifests)
        self._card(manifests)
        self._pages(fresh=whole)
        self._pin(manifests)
        return self._report()

    def _report(self) -> VerifyReport:
        return VerifyReport(self.where, tuple(self.notes.problems), self.checked)

    def _manifest(self, place: str) -> Manifest | None:
        try:
            if self.files[place].size > MAX_MANIFEST:
                raise ShardError(f"{place}: {self.files[place].size:,} bytes, more than a manifest has")
            found = parse_manifest((self.base / place).read_bytes(), where=place, place=place)
        except ShardError as error:
            if "format version" in error.message:
                raise
            self.notes.add(place, "manifest", error.message.removeprefix(f"{place}: "), "a manifest of this package")
            return None
        self.checked["manifests"] += 1
        return found

    def _hashed(self, manifests: Sequence[Manifest]) -> dict[str, RemoteFile]:
        """The listing of a folder with the digests of those shards whose size is right; others are wrong anyway."""
        listed = {f"{m.folder}/{s.name}": s.bytes for m in manifests for s in m.shards}
        places = [place for place, size in listed.items() if place in self.files and self.files[place].size == size]
        self.say(f"Hashing {len(places):,} shards ({size_text(sum(listed[place] for place in places))}) ...")
        with ThreadPoolExecutor(max_workers=_HASHERS) as pool:
            digests = pool.map(lambda place: _sha256(self.base / place), places)
            found = {p: replace(self.files[p], sha256=d) for p, d in zip(places, digests, strict=True)}
        return {**self.files, **found}

    def _shards(self, manifests: Sequence[Manifest]) -> None:
        listed: set[str] = set()
        for manifest in manifests:
            for shard in manifest.shards:
                place = f"{manifest.folder}/{shard.name}"
                listed.add(place)
                self.checked["shards"] += 1
                self.checked["bytes"] += shard.bytes
                self._shard(place, shard)
            if manifest.catalog not in self.files:
                self.notes.add(manifest.catalog, "missing", "the tree lacks this catalog", "one for each manifest")
        for place in sorted(self.files):
            if place.startswith("data/") and place.endswith(".tar") and place not in listed:
                self.notes.add(place, "unlisted", "no manifest lists this shard", "an entry in a manifest")

    def _shard(self, place: str, shard: Shard) -> None:
        there = self.files.get(place)
        if there is None:
            self.notes.add(place, "missing", "the manifest lists this shard, but it is not there", "the shard")
            return
        if there.size != shard.bytes:
            self.notes.add(place, "size", f"has {there.size:,} bytes", f"{shard.bytes:,}, as the manifest says")
        if there.sha256 is not None:
            self.checked["digests"] += 1
            if there.sha256 != shard.sha256:
                self.notes.add(place, "sha256", f"is {there.sha256}", f"{shard.sha256}, as the manifest says")

    def _read(self, manifests: Sequence[Manifest]) -> None:
        """Read a sample of the shards from end to end."""
        whole = [
            (m, s) for m in manifests for s in m.shards
            if (there := self.files.get(f"{m.folder}/{s.name}")) is not None and there.size == s.bytes
        ]  # fmt: skip
        drawn = sorted(whole, key=lambda pair: _lot(self.seed, f"{pair[0].folder}/{pair[1].name}"))[: self.sample]
        for manifest, shard in drawn:
            place = f"{manifest.folder}/{shard.name}"
            self.say(f"Reading {place} ({shard.bytes:,} bytes) ...")
            self.fetch([place])
            names = tuple((name, str(getattr(manifest, name))) for name in ("task", "source", "split"))
            seen = check_shard(ShardCheck(self.base, place, True, shard, names, without_media=manifest.without_media))
            self.notes.take(seen.notes)
            self.checked["read"] += 1
            self.checked["samples"] += seen.samples

    def _card(self, manifests: Sequence[Manifest]) -> None:
        """The configs of README.md against the manifests, and what each of its patterns matches."""
        place = "README.md"
        if place not in self.files:
            self.notes.add(place, "missing", "there is no card", "a README.md that lists the configs")
            return
        try:
            front, _ = split_card(read_card(self.base / place, where=place), where=place)
            version = check_ours(front, where=place)["format_version"]
            check_format_version(str(version), where=place)
            entries = {e["config_name"]: e["data_files"] for e in front["configs"]}
        except (ShardError, KeyError, TypeError) as error:
            what = error.message if isinstance(error, ShardError) else f"a config without {error}"
            if "newer" in what:
                raise
            self.notes.add(place, "card", what.removeprefix(f"{place}: "), "a card that this package wrote")
            return
        strays = [p for p in self.files if p.startswith("data/") and p.endswith(".tar")]
        known = {f"{m.folder}/{s.name}" for m in manifests for s in m.shards}
        folders: dict[str, list[str]] = {}
        for one in strays:
            folder, _, name = one.rpartition("/")
            folders.setdefault(folder, []).append(name)
        configs = make_configs(manifests, strays=[p for p in strays if p not in known and p.count("/") == 3])
        wanted = front_matter(configs)
        for key in ("configs", "dataset_info"):
            for name in _differences(front.get(key), wanted[key]):
                self.notes.add(place, "stale", f"{key} of {name} are not those of the manifests", "a fresh card")
        for config in configs:
            for split in config.splits:
                given = [e["path"] for e in entries.get(config.name, ()) if e.get("split") == split.name]
                found = set(_matched(given, folders))
                if entries.get(config.name) and found != set(split.tars):
                    what = f"config {config.name}, split {split.name} matches {len(found):,} tars"
                    self.notes.add(place, "config", what, f"the {len(split.tars):,} of its manifests")

    def _pages(self, *, fresh: bool) -> None:
        if "schema.json" in self.files and (self.base / "schema.json").read_text("utf-8", "replace") != schema_text():
            self.notes.add("schema.json", "stale", "is not the schema of this version", "surgsigma schema", "warning")
        if "LICENSES.md" not in self.files:
            self.notes.add("LICENSES.md", "missing", "there is no page of licences", "LICENSES.md")
        if not fresh or self.notes.by_kind["missing"]:
            return
        try:
            places = stale(self.base)
        except (ShardError, SurgSigmaError) as error:
            self.notes.add("README.md", "card", error.message, "a tree that cards can be written of")
            return
        for place in places:
            self.notes.add(place, "stale", "is not what the manifests give", f"surgsigma card {self.base.name}")

    def _pin(self, manifests: Sequence[Manifest]) -> None:
        if PIN not in self.files:
            return
        try:
            stated = orjson.loads((self.base / PIN).read_bytes())["data_sha256"]
        except (OSError, ValueError, KeyError, TypeError):
            self.notes.add(PIN, "pin", "cannot be read", "JSON with data_sha256")
            return
        if stated != (found := data_digest(manifests)):
            self.notes.add(PIN, "pin", f"says data_sha256 {stated}", f"{found}, that of the manifests")


def _differences(found: Any, wanted: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    given = {e.get("config_name"): e for e in found or () if isinstance(e, dict)} if isinstance(found, list) else {}
    for entry in wanted:
        if given.pop(entry["config_name"], None) != entry:
            yield str(entry["config_name"])
    yield from map(str, given)


def _matched(given: Sequence[Any], folders: Mapping[str, Sequence[str]]) -> Iterator[str]:
    """What patterns match of tars, by folder; a star stays inside its folder."""
    for pattern in (str(p) for one in given for p in (one if isinstance(one, list) else [one])):
        outer, _, inner = pattern.rpartition("/")
        parts, form = outer.split("/"), re.compile(translate(inner))
        for folder, names in folders.items():
            if len(steps := folder.split("/")) == len(parts) and all(map(fnmatchcase, steps, parts)):
                yield from (f"{folder}/{name}" for name in names if form.match(name))


def _sha256(path: Path) -> str:
    with path.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def _lot(seed: int, place: str) -> bytes:
    return hashlib.sha256(f"{seed}:{place}".encode()).digest()
