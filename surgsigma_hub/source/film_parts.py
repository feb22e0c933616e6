"""Numbered parts of one film, as recorders write them: named where the film is missing or ends too soon.

Parts are never taken for the film, and are not joined here: their time stamps and the frames at their joints are the
affair of a program that writes films.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from .layout import DEEPEST, is_added
from .numbered_files import FILMS, is_film

_PART = re.compile(r"(?:[ _.-]+|[ _.-]*(?:part|pt|teil|disc|cd)[ _.-]*)([0-9]{1,3})", re.IGNORECASE)
"""What follows the name of the film: ``_1``, ``-02``, ``.part3``; not `` (1)``, which a browser gives to a copy."""
_DIGITS = re.compile(r"[0-9]+")


def films_in(folder: Path) -> list[Path]:
    """The films of one folder, by name; none where it is missing."""
    try:
        with os.scandir(folder) as entries:
            names = sorted(e.name for e in entries if is_film(Path(e.name)) and not is_added(e.name))
    except (FileNotFoundError, NotADirectoryError):
        return []
    return [folder / name for name in names]


def films_below(root: Path) -> dict[Path, list[Path]]:
    """The films of each folder below ``root`` that has any, by name, as deep as patterns of files go."""
    found: dict[Path, list[Path]] = {}
    for folder, below, names in os.walk(root, followlinks=True):
        deep = len(Path(folder).parts) - len(root.parts) >= DEEPEST
        below[:] = () if deep else sorted(name for name in below if not is_added(name))
        if any(name.lower().endswith(FILMS) for name in names):
            found[Path(folder)] = films_in(Path(folder))
    return found


def parts_of(name: str, folder: Path, films: Sequence[Path]) -> tuple[Path, ...]:
    """The parts of a film among the films of one folder, in their order; none where there is no row without a gap.

    Args:
        name: Of the film, without ending.
        folder: Where the films are; in one of that name all may be parts.
        films: By name.

    >>> folder = Path("videos")
    >>> [p.name for p in parts_of("VID01", folder, [folder / n for n in ("VID01_1.mp4", "VID01_2.mp4", "VID012.mp4")])]
    ['VID01_1.mp4', 'VID01_2.mp4']
    >>> [p.name for p in parts_of("VID01", folder / "vid01", [Path(n) for n in ("00000.MTS", "00001.MTS")])]
    ['00000.MTS', '00001.MTS']
    """
    at: dict[int, Path] = {}
    rests = {path: path.stem[len(name) :] for path in films if path.stem.casefold().startswith(name.casefold())}
    for path, rest in rests.items():
        if number := _PART.fullmatch(rest):
            at.setdefault(int(number[1]), path)
    first = next((path for path, rest in rests.items() if not rest), None)
    if first is not None:  # the first part has the name of the whole, and others go on from 1 or 2
        at.setdefault(0 if 1 in at else 1, first)
    numbers = sorted(at)
    if len(numbers) > 1 and numbers[0] in (0, 1) and numbers == [*range(numbers[0], numbers[-1] + 1)]:
        return tuple(at[n] for n in numbers)
    kinds = {(_DIGITS.sub("#", path.stem.casefold()), path.suffix.casefold()) for path in films}
    alike = folder.name.casefold() == name.casefold() and len(kinds) == 1 and "#" in next(iter(kinds))[0]
    return tuple(sorted(films)) if alike and len(films) > 1 else ()


def joining(parts: Iterable[Path], name: str) -> str:
    """How parts become the film ``name``, for messages."""
    names = [path.name for path in parts]
    shown = ", ".join(names) if len(names) < 4 else f"{names[0]}, {names[1]}, ..., {names[-1]}"
    return (
        f"{len(names)} parts ({shown}) have to be joined first: list them in parts.txt in their order, one line "
        f"\"file 'NAME'\" each, then: ffmpeg -f concat -safe 0 -i parts.txt -c copy {name}"
    )
