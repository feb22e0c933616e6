"""Where the files of a source are, as data: its home by marks, files by patterns, films and images with rates, splits.

A pattern is a path below the home, parted by ``/``. ``{number:02d}`` is a number, however it is padded; ``{name}`` is a
text of letters, digits, ``_`` and ``-``; ``{part:train|test}`` is one of these texts; ``*`` is anything within one name
and ``**/`` any folders, also none. The case of names does not matter, and hidden files and those that archives of other
systems add are not there.
"""

from __future__ import annotations

import csv
import hashlib
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import cache
from importlib import resources
from pathlib import Path
from string import Formatter

from .numbered_files import FILMS, is_film, numbered_images, stem_pattern

Fields = Mapping[str, int | str]
"""What the fields of a pattern hold for one path."""

_ADDED = frozenset({"__MACOSX", "@eaDir", "Thumbs.db", "desktop.ini", "SYNAPSE_METADATA_MANIFEST.tsv"})

DEEPEST = 8
"""Levels that ``**/`` goes down: a link to a folder above would have it go round without end."""


def is_added(name: str) -> bool:
    """Whether a file or folder is not of the dataset: hidden, or added by an archive, a download or a file browser."""
    return name.startswith(".") or name in _ADDED


@dataclass(frozen=True, slots=True, kw_only=True)
class Home:
    """How the folder that holds the dataset is known: the root, or the only such folder at most ``depth`` levels below.

    Attributes:
        all_of: Patterns of what all must be in it; one that ends with ``/`` is a folder.
        any_of: Patterns of which one at least must be in it.
        missing: What to say where no folder is the home; empty lists the marks.
        depth: Levels below the root that are looked at.
    """

    all_of: tuple[str, ...] = ()
    any_of: tuple[str, ...] = ()
    missing: str = ""
    depth: int = 1

    def fits(self, folder: Path) -> bool:
        """Whether this folder bears the marks."""
        held = (any(True for _ in matches(folder, mark)) for mark in self.all_of)
        return all(held) and (not self.any_of or any(True for m in self.any_of for _ in matches(folder, m)))

    def told(self) -> str:
        """What to say where no folder is the home."""
        marks = [*self.all_of, *([" or ".join(self.any_of)] if self.any_of else [])]
        return self.missing or f"no folder holds {' and '.join(marks)}"


class Files(Mapping[str, tuple[str, ...]]):
    """Patterns of annotation files by kind, relative to the home; of several the first that has a video counts.

    >>> Files(phase="Phase/video{number:02d}.csv", tool=("Tool/v{number:d}.csv", "**/v{number:d}_tool.csv"))["phase"]
    ('Phase/video{number:02d}.csv',)
    """

    def __init__(self, **patterns: str | tuple[str, ...]) -> None:
        self._patterns = {k: (p,) if isinstance(p, str) else p for k, p in patterns.items()}

    def __getitem__(self, kind: str) -> tuple[str, ...]:
        return self._patterns[kind]

    def __iter__(self) -> Iterator[str]:
        return iter(self._patterns)

    def __len__(self) -> int:
        return len(self._patterns)


@dataclass(frozen=True, slots=True, kw_only=True)
class Films:
    """Films of videos, one each.

    Attributes:
        places: Patterns of their names without ending, relative to the home; the first that there is counts.
        fps: Videos by frames per second, see :func:`rate_for`.
        counted: Whether labels are numbers of frames; else they are times.
        within: A film may end this many seconds before its labels do.
    """

    places: tuple[str, ...]
    fps: Mapping[float, str] = field(default_factory=lambda: {25.0: "*"})
    counted: bool = True
    within: float = 0.25

    def find(self, home: Path) -> Iterator[tuple[Fields, Path]]:
        """Films and the fields of their names; of several endings the release's own goes first."""
        for place in self.places:
            found = [(fields, path) for fields, path in matches(home, place + ".*") if is_film(path)]
            yield from sorted(found, key=lambda f: (FILMS.index(f[1].suffix.lower()), f[1]))


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageFolders:
    """Numbered images, one folder a video.

    Attributes:
        places: Patterns of the folders, relative to the home; the first that has an image counts.
        names: Name of an image: ``{image:06d}`` is its number, other fields are those of the video, ``{video}`` its id.
        fps: Videos by numbers per second, see :func:`rate_for`.
        base: Number of the first image.
        base_seconds: When the first image is seen.
        hint: What to add where no image is named so.
    """

    places: tuple[str, ...]
    names: str = "{image:06d}.png"
    fps: Mapping[float, str] = field(default_factory=lambda: {1.0: "*"})
    base: int = 0
    base_seconds: float = 0.0
    hint: str = ""

    def find(self, home: Path) -> Iterator[tuple[Fields, Path]]:
        """Folders and the fields of their names."""
        for place in self.places:
            yield from matches(home, place.rstrip("/") + "/")

    def images(self, folder: Path, fields: Fields) -> dict[int, Path]:
        """The images of a folder by number, rising."""
        return numbered_images(folder, stem_pattern(self._filled(fields))[0])

    def name(self, fields: Fields) -> str:
        """Name of an image, to be formatted with its number."""
        return re.sub(r"\{image(:[^}]*)?\}", r"{\1}", self._filled(fields))

    def _filled(self, fields: Fields) -> str:
        return filled(self.names, fields, keep="image")


def rate_for(rates: Mapping[float, str], number: int | None, id: str) -> float:
    """The rate of one video of rates that are given as data.

    Args:
        rates: By rate, the videos that have it, parted by blanks: numbers, ranges of numbers, and ids, in which a
            ``*`` is any text; ``*`` alone is all that no other rate names.
        number: Number of the video, where it has one.
        id: Its id.

    Raises:
        KeyError: no rate names the video and there is no ``*``.

    >>> rate_for({25: "*", 50: "16-20 23"}, 18, "Hei-Chole18"), rate_for({25: "*", 50: "16-20 23"}, 21, "Hei-Chole21")
    (50, 25)
    """
    others: float | None = None
    for rate, names in rates.items():
        for name in names.split():
            first, dash, last = name.partition("-")
            numbers = range(int(first), int(last if dash else first) + 1) if first.isdigit() else range(0)
            if (name != "*" and fnmatchcase(id, name)) or (number is not None and number in numbers):
                return rate
            if name == "*":
                others = rate
    if others is None:
        raise KeyError(id)
    return others


# --------------------------------------------------------------------------------------------------------- patterns


def filled(pattern: str, fields: Fields, *, keep: str = "") -> str:
    """A pattern with its fields put in; ``*`` stays, and so does the field ``keep``."""
    made = ""
    for text, name, spec, _ in Formatter().parse(pattern):
        made += text
        if name == keep and name:
            made += f"{{{name}:{spec}}}" if spec else f"{{{name}}}"
        elif name is not None:
            made += format(fields[name], "" if spec is None or "|" in spec else spec)
    return made


def matches(folder: Path, pattern: str) -> Iterator[tuple[Fields, Path]]:
    """Paths that a pattern names, in order, each with what its fields hold.

    Args:
        folder: May be missing: then there are none.
        pattern: See the module; one that ends with ``/`` names folders, any other files.
    """
    folders = pattern.endswith("/")
    return _below(folder, pattern.rstrip("/").split("/"), {}, folders=folders)


def _below(
    folder: Path, parts: list[str], fields: Fields, *, folders: bool, depth: int = 0
) -> Iterator[tuple[Fields, Path]]:
    part, rest = parts[0], parts[1:]
    if part == "**":
        yield from _below(folder, rest, fields, folders=folders)
        for name, is_folder in _listed(folder) if depth < DEEPEST else ():
            if is_folder:
                yield from _below(folder / name, parts, fields, folders=folders, depth=depth + 1)
        return
    expression = _expression(part)
    for name, is_folder in _listed(folder):
        if is_folder != (folders or bool(rest)) or (match := expression.fullmatch(name)) is None:
            continue
        found = {key: _value(text, _specs(part)[key]) for key, text in match.groupdict().items()}
        if any(fields.get(key, value) != value for key, value in found.items()):
            continue  # a field that occurs twice holds the same
        if rest:
            yield from _below(folder / name, rest, {**fields, **found}, folders=folders)
        else:
            yield {**fields, **found}, folder / name


def _listed(folder: Path) -> list[tuple[str, bool]]:
    """Names in a folder and whether they are folders, in order, without what is added; none where it is missing."""
    try:
        with os.scandir(folder) as entries:
            return sorted((e.name, e.is_dir()) for e in entries if not is_added(e.name))
    except (FileNotFoundError, NotADirectoryError):
        return []


@cache
def _expression(part: str) -> re.Pattern[str]:
    made, seen = "", set[str]()
    for text, name, spec, _ in Formatter().parse(part):
        made += ".*".join(re.escape(t) for t in text.split("*"))
        if name is not None:
            words = "|".join(map(re.escape, spec.split("|"))) if spec and "|" in spec else ""
            kind = words or ("[0-9]{1,9}" if spec else "[A-Za-z0-9_-]+")
            made += f"(?P={name})" if name in seen else f"(?P<{name}>{kind})"
            seen.add(name)
    return re.compile(made, re.IGNORECASE)


@cache
def _specs(part: str) -> Mapping[str, str]:
    """What is said of each field of a pattern where it occurs first."""
    found: dict[str, str] = {}
    for _, name, spec, _ in Formatter().parse(part):
        if name:
            found.setdefault(name, spec or "")
    return found


def _value(text: str, spec: str) -> int | str:
    """A field's value: a number, one of the texts as the pattern spells it, or the text."""
    if "|" in spec:
        return next(word for word in spec.split("|") if word.casefold() == text.casefold())
    return int(text) if spec else text


# ----------------------------------------------------------------------------------------------------------- splits


def hash_split(key: str, parts: Mapping[str, int]) -> str:
    """A split by the text alone, for sources that publish none: so many parts of all to each.

    >>> [hash_split(str(n), {"train": 7, "val": 1, "test": 2}) for n in range(269, 274)]
    ['train', 'test', 'test', 'train', 'test']
    """
    digest = hashlib.blake2b(key.encode(), digest_size=8).digest()
    place = int.from_bytes(digest, "big") % sum(parts.values())
    for split, size in parts.items():
        if place < size:
            return split
        place -= size
    raise ValueError(f"no parts: {parts}")


@cache
def split_table(source: str) -> Mapping[str, Mapping[str, str]]:
    """Split of each video by scheme, as ``loaders/<source>_splits.csv`` lists them; empty without that file.

    The first column is ``video``, each other one a scheme; an empty cell says that the scheme leaves the video out.
    """
    path = resources.files("surgsigma_hub.loaders") / f"{source}_splits.csv"
    if not path.is_file():
        return {}
    rows = list(csv.DictReader(path.read_text("utf-8").splitlines()))
    return {scheme: {r["video"]: r[scheme] for r in rows if r[scheme]} for scheme in rows[0] if scheme != "video"}
