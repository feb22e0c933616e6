"""Images in pairs: two folders side by side whose files have the same names, or ``N.png`` beside ``N_gt.png``."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass
from pathlib import Path

from ..errors import BadRowError
from ..source.layout import is_added
from ..source.numbered_files import SUFFIXES

_DEEPEST = 8
"""Levels below the root that are looked at."""


@dataclass(frozen=True, slots=True)
class Pair:
    """One pair by the name that both have, without ending."""

    name: str
    number: int
    given: Path
    wanted: Path


@dataclass(frozen=True, slots=True)
class PairFolder:
    """The pairs of one folder, by number; ``lonely`` are images that lack a partner."""

    folder: Path
    pairs: tuple[Pair, ...]
    lonely: tuple[Path, ...]


def paired_folders(root: Path, *, given: Set[str], wanted: Set[str], suffix: str) -> list[PairFolder]:
    """All folders below a root that hold pairs, in order.

    Args:
        root: To be searched.
        given: Names, in lower case, of folders of images that are asked about.
        wanted: Names of folders of images that are the answer.
        suffix: What ends the name of such an image where both lie in one folder: ``_gt``.

    Raises:
        BadRowError: a folder has two folders of one side; the message names them.
    """
    found: list[PairFolder] = []
    for folder, folders, images in _walk(root):
        sides = [[name for name in folders if name.lower() in words] for words in (given, wanted)]
        if all(sides):
            for several in sides:
                if len(several) > 1:
                    raise BadRowError(f"{' and '.join(several)} in {folder.name} are the same side; keep one of them")
            left, right = (_by_name(folder / side[0]) for side in sides)
            found.append(_matched(folder, left, right))
        marked = {name.removesuffix(suffix): path for name, path in images.items() if name.endswith(suffix)}
        if marked and not ({folder.name.lower()} & (given | wanted)):
            rest = {name: path for name, path in images.items() if not name.endswith(suffix)}
            found.append(_matched(folder, rest, marked))
    return found


def same_size(one: Path, other: Path) -> tuple[tuple[int, int], tuple[int, int]] | None:
    """The sizes of two images where these differ or cannot be told; None where they are alike."""
    from PIL import Image

    sizes: list[tuple[int, int]] = []
    for path in (one, other):
        try:
            with Image.open(path) as image:
                sizes.append(image.size)
        except (OSError, ValueError, Image.DecompressionBombError):
            sizes.append((0, 0))
    return None if sizes[0] == sizes[1] != (0, 0) else (sizes[0], sizes[1])


def _walk(root: Path, depth: int = 0) -> Iterator[tuple[Path, list[str], dict[str, Path]]]:
    folders: list[str] = []
    for entry in sorted(os.scandir(root), key=lambda e: e.name):
        if entry.is_dir() and not is_added(entry.name):
            folders.append(entry.name)
    yield root, folders, _by_name(root)
    for name in folders if depth < _DEEPEST else ():
        yield from _walk(root / name, depth + 1)


def _by_name(folder: Path) -> dict[str, Path]:
    """Images of a folder by name without ending; of two endings the one that comes first in ``SUFFIXES``."""
    found: dict[str, Path] = {}
    paths = (folder / entry.name for entry in os.scandir(folder) if entry.is_file() and not is_added(entry.name))
    for path in sorted(paths, key=lambda p: (SUFFIXES.index(s) if (s := p.suffix.lower()) in SUFFIXES else 9, p.name)):
        if path.suffix.lower() in SUFFIXES:
            found.setdefault(path.stem, path)
    return found


def _matched(folder: Path, given: Mapping[str, Path], wanted: Mapping[str, Path]) -> PairFolder:
    both = sorted(given.keys() & wanted.keys())
    numbers = _numbers(both)
    pairs = [Pair(name, number, given[name], wanted[name]) for name, number in zip(both, numbers, strict=True)]
    lonely = [path for side, other in ((given, wanted), (wanted, given)) for n, path in side.items() if n not in other]
    return PairFolder(folder, tuple(sorted(pairs, key=lambda p: p.number)), tuple(sorted(lonely)))


def _numbers(names: list[str]) -> list[int]:
    """The last number in each name; where two names have one or a name has none, the places of all in order."""
    found = [re.findall("[0-9]{1,9}", name) for name in names]
    numbers = [int(one[-1]) for one in found if one]
    return numbers if len(set(numbers)) == len(names) else list(range(len(names)))
