"""Look for what must not leave with a tree: metadata of media, marks of the machine that built it, signs of a patient.

Identifiers are found by patterns, ``private_patterns.csv`` beside this module or a file of the same form; they find
what looks like one, and know nothing of what it means.
"""

from __future__ import annotations

import csv
import getpass
import io
import platform
import re
import tarfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

import orjson
import pyarrow.parquet as pq

from ..errors import ShardError, SurgSigmaError
from ..media.metadata import probe
from ..media.mp4_boxes import private_parts
from ..shards.manifest import load_tree
from ..shards.problems import Notes, Problem
from ..shards.sample_checks import ABSOLUTE
from ..shards.tree_files import TreeFiles
from .published import published_files

_IDS = ("id", "video_id", "canonical_video_id")
_TEXTS = ("messages", "answer", "reasoning", "native")
_COMMON = {"localhost", "runner", "ubuntu", "debian", "docker", "surgsigma", "sandbox", "administrator"}
_SHORTEST = 6
"""Characters of a user's or a machine's name that is looked for: shorter ones, such as ``root``, are words as well."""


@dataclass(frozen=True, slots=True)
class Pattern:
    """What something private looks like.

    Attributes:
        name: What is found, with its article.
        where: ``text`` of samples and pages, or their ``id``.
    """

    name: str
    where: str
    form: re.Pattern[str]


@dataclass(frozen=True, slots=True)
class ScrubReport:
    """What was looked at and what was found."""

    problems: tuple[Problem, ...]
    files: int
    samples: int

    @property
    def ok(self) -> bool:
        """Whether nothing was found."""
        return not self.problems

    def as_dict(self) -> dict[str, Any]:
        """For ``--json``."""
        found = [{"where": p.where, "kind": p.kind, "what": p.what, "expected": p.expected} for p in self.problems]
        return {"ok": self.ok, "files": self.files, "samples": self.samples, "problems": found}


def read_patterns(path: Path | None = None) -> tuple[Pattern, ...]:
    """Patterns of a CSV file with the columns ``name``, ``where`` (``text`` or ``id``) and ``pattern``.

    Args:
        path: None takes those of the package.

    Raises:
        SurgSigmaError: naming the line that does not fit.
    """
    shown = path.name if path is not None else "private_patterns.csv"
    place = path if path is not None else resources.files("surgsigma_hub.hub") / "private_patterns.csv"
    made: list[Pattern] = []
    try:
        for number, row in enumerate(csv.DictReader(io.StringIO(place.read_text("utf-8"))), 2):
            try:
                if row["where"] not in ("text", "id"):
                    raise ValueError(f"where is {row['where']!r}, expected text or id")
                made.append(Pattern(row["name"], row["where"], re.compile(row["pattern"])))
            except (KeyError, TypeError, ValueError, re.error) as error:
                raise SurgSigmaError(f"{shown} line {number}: {error}; columns are name, where, pattern") from None
    except (OSError, UnicodeDecodeError) as error:
        raise SurgSigmaError(f"{shown}: the patterns cannot be read ({error})") from None
    return tuple(made)


def scrub_check(tree: Path, patterns: Sequence[Pattern] | None = None) -> ScrubReport:
    """Look at everything of a tree that would be published.

    Args:
        tree: Its folder.
        patterns: What identifiers look like; None takes those of the package.

    Raises:
        ShardError: there is no tree, or a file of it is missing.
    """
    look = _Look(tuple(patterns if patterns is not None else read_patterns()))
    files = published_files(tree, load_tree(tree))
    opened = TreeFiles(tree)
    for file in files:
        opened.check(file.place)
        if file.place.endswith(".tar"):
            look.shard(file.place, file.path)
        elif file.place.endswith(".parquet"):
            look.catalog(file.place, file.path)
        elif file.place.endswith((".png", ".jpg")):
            look.medium(file.place, file.path.name, file.path.read_bytes())
        else:
            text = file.path.read_text("utf-8", "replace")
            look.machine(file.place, text)
            if file.place.endswith(".json"):
                look.paths(file.place, text)
    return ScrubReport(tuple(look.notes.problems), len(files), look.samples)


class _Look:
    """Collects what is found."""

    def __init__(self, patterns: Sequence[Pattern]) -> None:
        self.notes, self.samples = Notes(), 0
        self._patterns = patterns
        names = {n for n in (_user(), platform.node().partition(".")[0]) if len(n) >= _SHORTEST} - _COMMON
        home = str(Path.home())
        marks = [rf"(?<!\w){re.escape(name)}(?!\w)" for name in sorted(names)]
        marks += [re.escape(home)] if len(home) >= _SHORTEST else []
        self._machine = re.compile("|".join(marks)) if marks else None

    def shard(self, place: str, path: Path) -> None:
        """One tar: its headers, the texts of its samples, its media."""
        try:
            with tarfile.open(path, "r:") as tar:
                for member in tar:
                    where = f"{place}:{member.name}"
                    self._header(where, member)
                    data = tar.extractfile(member)
                    if data is None:
                        continue
                    kind = member.name.partition(".")[2]
                    if kind == "json":
                        self.samples += 1
                        self._sample(where, data.read())
                    else:
                        self.medium(where, kind, data.read())
        except (tarfile.TarError, OSError) as error:
            raise ShardError(
                f"{place}: cannot be read ({error})", hint="See what is wrong with: surgsigma validate"
            ) from None

    def medium(self, where: str, name: str, data: bytes) -> None:
        """One image or clip: what it carries besides pixels."""
        if name.endswith(".mp4"):
            parts = list(private_parts(io.BytesIO(data), len(data)))
        else:
            seen = probe(data)
            parts = list(seen.private) if seen else []
            if data[:4] == b"\x89PNG" and b"iCCP" in data[:4096]:
                parts.append("iCCP chunk (a colour profile)")
        for part in parts:
            self.notes.add(where, "metadata", f"carries a {part}", "pixels and what is needed to show them")

    def catalog(self, place: str, path: Path) -> None:
        """One catalog: metadata that a writer adds."""
        for key, value in (pq.read_schema(path).metadata or {}).items():
            if key == b"manifest" and place.startswith("join/"):  # that of the tree with its media
                self.machine(place, value.decode(errors="replace"))
                self.paths(place, value.decode(errors="replace"))
            elif key != b"ARROW:schema":
                self.notes.add(place, "metadata", f"carries the metadata {key.decode(errors='replace')!r}", "none")
                self.machine(place, value.decode(errors="replace"))

    def machine(self, where: str, text: str) -> None:
        """Names of the user, the machine and its home folder."""
        if self._machine and (found := self._machine.search(text)):
            self.notes.add(where, "machine", f"names {found[0]!r}, of the machine that built it", "no such name")

    def paths(self, where: str, text: str) -> None:
        """Absolute paths among the values of a JSON file."""
        for value in _strings(orjson.loads(text)):
            if found := ABSOLUTE.search(value):
                self.notes.add(where, "path", f"holds the path {found[0]!r}", "no path of any machine")

    def _header(self, where: str, member: tarfile.TarInfo) -> None:
        said = {
            "a time": member.mtime, "a user number": member.uid, "a group number": member.gid,
            "a user": member.uname, "a group": member.gname, "further headers": dict(member.pax_headers),
        }  # fmt: skip
        for what, value in said.items():
            if value:
                self.notes.add(where, "tar", f"its header says {what}: {str(value)[:80]}", "headers that say nothing")

    def _sample(self, where: str, data: bytes) -> None:
        try:
            doc = orjson.loads(data)
            ids = [str(doc.get(name)) for name in _IDS]
            texts = [text for name in _TEXTS for text in _strings(doc.get(name))]
        except (orjson.JSONDecodeError, AttributeError):
            self.notes.add(where, "json", "is no sample", "see surgsigma validate")
            return
        for text in (*ids, *texts):
            self.machine(where, text)
        for pattern in self._patterns:
            for text in ids if pattern.where == "id" else texts:
                if found := pattern.form.search(text):
                    self.notes.add(where, "identifier", f"{pattern.where} holds {pattern.name}: {found[0]!r}",
                                   "nothing that may lead to a person")  # fmt: skip


def _strings(value: Any) -> Iterator[str]:
    """All texts in a JSON value."""
    level = [value]
    while level:
        one = level.pop()
        if isinstance(one, str):
            yield one
        elif isinstance(one, dict):
            level.extend(one.values())
        elif isinstance(one, list):
            level.extend(one)


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a process without a name of its own, as in many containers
        return ""
