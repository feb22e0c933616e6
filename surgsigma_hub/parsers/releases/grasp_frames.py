"""GraSP's frames: numbers that count unsteadily, and what a key frame of each second or of each 35 s says."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

from ...records import Coverage, Defect, Fact, FileImage, Frame, ImageRef, Label, Reason, Stills, VideoTimeline
from ..coco import CocoEntries, CocoFile, CocoImage, entries_in, instruments_in
from ..runs import Layer, course_of

GRID = 30
"""Moments a second on which all frames are named; key frames of objects lie between those of seconds."""
_NOT_LABELLED = -1
_OTHER = "Other"
_CASE = r"(?:.*/)?(?P<case>CASE[0-9]{3})/(?P<frame>[0-9]{5,9})\.jpe?g"
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


Entries = Mapping[int, tuple[CocoFile, CocoImage]]
"""Entries of one kind of file by number of the frame."""
Cases = Mapping[str, Mapping[str, Entries]]
"""Entries by operation and kind of file: ``long`` of each second, ``short`` of each 35 s."""


def entries_by_case(paths: Mapping[str, Sequence[tuple[Path, str]]]) -> tuple[Cases, CocoEntries]:
    """The images that files list by operation, and what of the files belongs to none.

    Args:
        paths: By kind, the files and their places for messages.
    """
    files = ((kind, *one) for kind, several in paths.items() for one in several)
    read = entries_in(files, _CASE, "CASE001/000000068.jpg")
    found: dict[str, dict[str, dict[int, tuple[CocoFile, CocoImage]]]] = {}
    for entry in read.found:
        entries = found.setdefault(entry.name["case"].upper(), {one: {} for one in paths})[entry.kind]
        entries.setdefault(int(entry.name["frame"]), (entry.file, entry.image))
    return found, read


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
    return {
        e["id"]: e["name"]
        for e in found
        if isinstance(e, dict) and type(e.get("id")) is int and isinstance(e.get("name"), str)
    }


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


# ------------------------------------------------------------------------------------------- from entries to moments


def moments_of_case(
    case: str, entries: Mapping[str, Entries], stills: Sequence[ImageRef | None], pictures: Mapping[int, Path]
) -> Iterator[Frame | Defect]:
    """The key frames of one operation, and what is left out of them.

    Args:
        case: The operation, for messages.
        entries: Its entries by kind of file.
        stills: Image of each second, in the order of the key frames of each second.
        pictures: Images by number, at the full rate; key frames of objects need theirs.
    """
    found: dict[int, Frame] = {}
    for second, ((_, (file, image)), picture) in enumerate(zip(sorted(entries["long"].items()), stills, strict=False)):
        stages = {key: stage_of(file, image, file.notes(image), f"{key}s") for key in ("phase", "step")}
        yield from (d for _, defects in stages.values() for d in defects)
        if picture is None:
            yield Defect(Reason.MEDIA_MISSING, f"{case}/{second}", f"no {image.name} among the frames")
            continue
        said: dict[str, Any] = {key: label for key, (label, _) in stages.items()}
        found[GRID * second] = Frame(index=GRID * second, fps=GRID, image=picture, **said)
    seconds = Seconds.of(list(entries["long"]))
    for number, (file, image) in sorted(entries["short"].items()):
        at = seconds.at(number)
        if at is None or number not in pictures:
            lacks = "its second is not known" if at is None else "no frame of its number: these need all frames"
            yield Defect(Reason.MEDIA_MISSING, f"{file.where} image {image.id}", f"{image.name}: {lacks}")
            continue
        objects, defects = file.objects(image)
        acts, more = actions_of(file, image, file.notes(image))
        yield from (*defects, *more)
        index = round(GRID * at)
        frame = found.get(index) or Frame(index=index, fps=GRID, image=FileImage(pictures[number]))
        found[index] = replace(
            frame, size=(image.width, image.height), **instruments_in(objects, whole=not defects), **_done(acts)
        )
    yield from (found[index] for index in sorted(found))


def course_of_case(entries: Mapping[str, Entries], stills: Sequence[ImageRef | None]) -> VideoTimeline:
    """Phases and steps of one operation as intervals, over the image of each second."""
    named: dict[Layer, dict[int, str | None]] = {"phase": {}, "step": {}}
    for second, (_, (file, image)) in enumerate(sorted(entries["long"].items())):
        for key, names in named.items():
            label, _ = stage_of(file, image, file.notes(image), f"{key}s")
            names[second] = label.native if label is not None else None
    return replace(course_of(named, fps=1), footage=Stills(tuple(stills), 1.0))


def _done(acts: tuple[str, ...] | None) -> dict[str, Any]:
    """The actions of a frame; one that none of the names fits makes the list partial."""
    coverage = {Fact.ACTIONS: Coverage.ANNOTATED_ONLY} if acts and _OTHER in acts else {}
    return {"actions": None if acts is None else tuple(Label(a) for a in acts if a != _OTHER), "coverage": coverage}
