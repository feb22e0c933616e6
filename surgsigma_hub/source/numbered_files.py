"""Folders of images that are told apart by a number in their names."""

from __future__ import annotations

import re
from pathlib import Path

SUFFIXES = (".png", ".jpg", ".jpeg")
"""Endings of images, in any case; of two images of one number the one whose ending comes first here is taken."""


def as_ended(path: Path) -> Path:
    """The file at a path, whether its ending is written as here or in capitals; the path itself where there is none."""
    endings = dict.fromkeys((path.suffix, path.suffix.upper(), path.suffix.lower(), path.suffix.capitalize()))
    return next((other for ending in endings if (other := path.with_suffix(ending)).is_file()), path)


def numbered_images(folder: Path, stem: str) -> dict[int, Path]:
    """The images of a folder by number, rising.

    Args:
        folder: May be missing: then there are none.
        stem: Pattern of the whole name without its ending; its first group is the number. ``"([0-9]{6})"`` takes
            ``000030.png`` and leaves ``000030 (1).png``.
    """
    named = re.compile(stem)
    found: dict[int, tuple[int, str, Path]] = {}
    for path in folder.iterdir() if folder.is_dir() else ():
        suffix, match = path.suffix.lower(), named.fullmatch(path.stem)
        if match is not None and suffix in SUFFIXES:
            number, rank = int(match[1]), (SUFFIXES.index(suffix), path.name)
            if number not in found or rank < found[number][:2]:
                found[number] = (*rank, path)
    return {number: found[number][2] for number in sorted(found)}


def lacking(folder: Path, name: str) -> str:
    """What to say of a folder in which no image is named as expected, such as ``name``."""
    first = min((p.name for p in folder.iterdir()), default=None) if folder.is_dir() else None
    return f"holds {first}, ..., nothing named like {name}" if first else "is missing or empty"


def stem_pattern(names: str, **known: str) -> tuple[str, str]:
    """A pattern of names, written as for ``str.format``, as the ``stem`` of :func:`numbered_images`, and its field.

    Args:
        names: Such as ``{video}_{image:06d}.png``; its ending is not looked at.
        known: Fields whose value is known; one other holds the number.

    Raises:
        ValueError: not one field with a number, or a field that cannot be read back.

    >>> stem_pattern("{video}_{image:06d}.png", video="video01")
    ('video01_([0-9]{6}|[1-9][0-9]{6,})', 'image')
    """
    from string import Formatter

    pattern, fields = "", list[str]()
    for text, name, spec, conversion in Formatter().parse(names):
        pattern += re.escape(text)
        if name is None:
            continue
        if name in known and not spec and not conversion:
            pattern += re.escape(known[name])
            continue
        width = re.fullmatch("(?:0([0-9]{1,2}))?d?", spec or "")
        if width is None or conversion or not name.isidentifier():
            raise ValueError(f"{{{name}:{spec}}} is no number that can be read back")
        digits = f"[0-9]{{{width[1]}}}|[1-9][0-9]{{{width[1]},}}" if width[1] else "[0-9]+"  # what the format writes
        pattern += f"({digits})"
        fields.append(name)
    if len(fields) != 1:
        raise ValueError(f"{len(fields)} numbers, expected one")
    head, dot, ending = pattern.rpartition(r"\.")
    return (head if dot and f".{ending.lower()}" in SUFFIXES else pattern), fields[0]


FILMS = (".mp4", ".m4v", ".mov", ".mkv", ".avi", ".webm", ".ts", ".mpg", ".mpeg", ".wmv",
         ".mts", ".m2ts", ".vob", ".asf", ".flv")  # fmt: skip
"""Endings of films, in any case; the first is what the sources ship, the others what users make of it or what the
recorders of operating theatres write."""


def is_film(path: Path) -> bool:
    """Whether the name is that of a film."""
    return path.suffix.lower() in FILMS
