"""GraSP's frames: numbers that count unsteadily, and what a key frame of each second or of each 35 s says."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

from ...errors import BadRowError
from ...records import Defect, Label, Reason
from ..coco import CocoFile, CocoImage, read_coco

_NOT_LABELLED = -1
_CASE = re.compile(r"(?:.*/)?(CASE[0-9]{3})/([0-9]{5,9})\.jpe?g", re.IGNORECASE)
_DIGITS = 9
"""Digits in the name of a frame at its full rate."""


@dataclass(frozen=True, slots=True)
class Seconds:
    """The time of a frame by its number, by the key frames of each second: the k-th of them is second k.

    Numbers count 30 a second in some operations, 45 in others with gaps, so that no rate makes a time of them.

    Attributes:
        numbers: Numbers of the key frames of one operation, rising.
        step: Numbers from one to the next where there is no gap.
    """

    numbers: tuple[int, ...]
    step: int = field(default=30)

    @classmethod
    def of(cls, numbers: Sequence[int]) -> Seconds:
        """From the numbers of all key frames of an operation, in any order."""
        rising = tuple(sorted(set(numbers)))
        apart = sorted(b - a for a, b in pairwise(rising))
        return cls(rising, apart[len(apart) // 2] if apart else 30)

    def at(self, number: int) -> float | None:
        """Seconds from the start of the operation; None before its first key frame and inside of a gap.

        >>> Seconds((0, 45, 90, 200), 45).at(45), Seconds((0, 45, 90, 200), 45).at(60), Seconds((0, 45, 90), 45).at(900)
        (1.0, 1.3333333333333333, None)
        """
        place = bisect_right(self.numbers, number) - 1
        beyond = number - self.numbers[place] if place >= 0 else 0
        return None if place < 0 or beyond >= self.step else place + beyond / self.step


Cases = Mapping[str, Mapping[str, Mapping[int, tuple[CocoFile, CocoImage]]]]
"""Entries by operation, kind of file and number of the frame."""


def entries_by_case(paths: Mapping[str, Sequence[tuple[Path, str]]]) -> tuple[Cases, tuple[Defect, ...]]:
    """The images that files list, and what belongs to no operation.

    Args:
        paths: By kind, the files and their places for messages.
    """
    found: dict[str, dict[str, dict[int, tuple[CocoFile, CocoImage]]]] = {}
    lost: list[Defect] = []
    for kind, path, where in ((kind, *one) for kind, several in paths.items() for one in several):
        try:
            file = read_coco(path, where)
        except BadRowError as error:
            lost.append(Defect(Reason.ROW_MALFORMED, where, error.message))
            continue
        lost += file.defects
        for image in file.images.values():
            match = _CASE.fullmatch(image.name)
            if match is None:
                detail = f"{image.name!r:.60} is not named like CASE001/000000068.jpg"
                lost.append(Defect(Reason.ROW_MALFORMED, f"{where} image {image.id}", detail))
                continue
            entries = found.setdefault(match[1].upper(), {one: {} for one in paths})[kind]
            entries.setdefault(int(match[2]), (file, image))
    return found, tuple(lost)


def images_of_seconds(numbers: Sequence[int], folders: Sequence[Mapping[int, Path]]) -> tuple[Path | None, ...] | None:
    """The image of each second of an operation; None where no folder fits.

    Args:
        numbers: Of the key frames of each second, rising.
        folders: Images by number of each folder. Names of nine digits hold these numbers; of others, one a second,
            the k-th is second k, whatever its number.
    """
    for images in folders:
        if any(n in images and len(images[n].stem) == _DIGITS for n in numbers):
            return tuple(images.get(n) for n in numbers)
    for images in folders:
        if abs(len(images) - len(numbers)) <= 1:
            return tuple(images.values())[: len(numbers)]
    return None


def names_of(file: CocoFile, key: str) -> Mapping[int, str]:
    """Names of a vocabulary by number, as ``phases_categories`` and the like give them."""
    entries = file.document.get(key)
    found = entries if isinstance(entries, list) else []
    return {e["id"]: e["name"] for e in found if isinstance(e, dict) and {"id", "name"} <= e.keys()}


def stage_of(
    file: CocoFile, image: CocoImage, notes: Sequence[Mapping[str, Any]], key: str
) -> tuple[Label | None, tuple[Defect, ...]]:
    """The phase or step that the annotations of an image agree on.

    Args:
        file: Where the names are.
        image: Which image.
        notes: Its annotations.
        key: ``phases`` or ``steps``.
    """
    names = names_of(file, f"{key}_categories")
    said = {str(note[key])[:20]: note[key] for note in notes if note.get(key, _NOT_LABELLED) != _NOT_LABELLED}
    known = [n for n in said.values() if isinstance(n, int) and n in names]
    if len(said) <= 1 and len(known) == len(said):
        return (Label(names[known[0]]) if known else None), ()
    where = f"{file.where} image {image.id}"
    return None, (
        Defect(Reason.LABEL_CORRUPT, where, f"{key} {', '.join(said)}: expected one number of the vocabulary"),
    )


def actions_of(
    file: CocoFile, image: CocoImage, notes: Sequence[Mapping[str, Any]]
) -> tuple[tuple[str, ...] | None, tuple[Defect, ...]]:
    """Names of what all instruments of an image do, each once; None where one of them is not labelled."""
    names = names_of(file, "actions_categories")
    found: dict[str, None] = {}
    for note in notes:
        acts = note.get("actions")
        if not acts:
            return None, ()
        if not isinstance(acts, list) or not all(isinstance(a, int) and a in names for a in acts):
            detail = f"actions {acts!r:.60}: expected numbers of the vocabulary; actions left out"
            return None, (Defect(Reason.LABEL_UNKNOWN, f"{file.where} image {image.id}", detail),)
        found |= dict.fromkeys(names[a] for a in acts)
    return tuple(found), ()
