"""Phases and steps of PSI-AVA second by second: a table without header that holds several operations."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ...records import Defect, Frame, Label, Reason
from ..delimited import Line, read_delimited
from ..runs import Layer
from .psi_ava_keyframes import PHASES, STEPS, KeyFrame, cases_in

_COLUMNS = ("case", "second", "id", "x1", "y1", "x2", "y2", "act1", "act2", "act3", "instrument", "step", "phase")
_NOT_LABELLED = -1
"""The code of this family of sources."""


@dataclass(frozen=True, slots=True)
class Second:
    """Names of phase and step of one second; None where not labelled, or not alike in all that says them."""

    phase: str | None = None
    step: str | None = None

    def both(self, other: Second) -> Second:
        """What the two say alike."""
        return Second(_same(self.phase, other.phase), _same(self.step, other.step))


def operations_in(path: Path) -> set[str]:
    """The operations that an annotation file tells of: a table of seconds, or the JSON of key frames.

    Raises:
        BadRowError: the JSON is not of the expected form.
    """
    names = cases_in(path) if path.suffix.lower() == ".json" else {line.cells[0] for line in _lines(path)}
    return {name for name in names if re.fullmatch("CASE[0-9]{3}", name)}


def read_seconds(path: Path | None, where: str, operation: str) -> tuple[dict[int, Second], list[Defect]]:
    """Phase and step of every second of one operation; what is said in two ways is left out.

    Args:
        path: The table; None where it is missing, which tells nothing.
        where: Its place for messages.
        operation: Such as ``CASE001``.
    """
    found: dict[int, Second] = {}
    defects: list[Defect] = []
    for line in _lines(path) if path is not None else ():
        if line.cells[0] != operation:
            continue
        place = f"{where} line {line.number}"
        numbers = Line(line.number, (*line.cells[1:2], *line.cells[-2:]), line.problem).integers()
        if numbers is None or numbers[0] < 0:
            detail = line.problem or f"{','.join(line.cells)[:80]!r}: second, step or phase is no number"
            defects.append(Defect(Reason.ROW_MALFORMED, place, detail))
            continue
        second, step, phase = numbers
        for name, number, names in (("phase", phase, PHASES), ("step", step, STEPS)):
            if number != _NOT_LABELLED and number not in names:
                detail = f"{name} {number} is not one of 0 to {max(names)}; it is left out"
                defects.append(Defect(Reason.LABEL_UNKNOWN, place, detail))
        labels = Second(PHASES.get(phase), STEPS.get(step))
        before = found.setdefault(second, labels)
        if before != labels:
            detail = f"second {second} of {operation} is said twice in two ways; what differs is left out"
            defects.append(Defect(Reason.DUPLICATE_ID, place, detail))
            found[second] = before.both(labels)
    return found, defects


def names_by_layer(seconds: Mapping[int, Second]) -> dict[Layer, dict[int, str | None]]:
    """Phases and steps by second, as :func:`..runs.course_of` takes them."""
    return {"phase": {n: s.phase for n, s in seconds.items()}, "step": {n: s.step for n, s in seconds.items()}}


def moments_of(
    keys: Mapping[int, KeyFrame], seconds: Mapping[int, Second], operation: str
) -> tuple[list[Frame], list[Defect]]:
    """What key frames and the table of seconds say together, by second; of what they contradict neither is told."""
    frames: list[Frame] = []
    defects: list[Defect] = []
    bare: list[int] = []
    for n in sorted({*keys, *seconds}):
        key, second = keys.get(n, KeyFrame()), seconds.get(n, Second())
        said: dict[str, Label | None] = {}
        for name, label, other in (("phase", key.phase, second.phase), ("step", key.step, second.step)):
            said[name] = label if other is None else Label(other)
            if label is not None and said[name] != label:
                detail = f"{name} {label.native} in the key frame, {other} in the table of seconds: left out"
                defects.append(Defect(Reason.LABEL_CORRUPT, f"{operation}/{n:05d}", detail))
                said[name] = None
        frame = Frame(
            index=n,
            fps=1,
            size=key.size,
            phase=said["phase"],
            step=said["step"],
            instruments=key.instruments,
            actions=key.actions,
            instrument_boxes=key.boxes,
        )
        if frame.facts():
            frames.append(frame)
        elif n in keys and not key.told:
            bare.append(n)
    if bare:
        detail = f"{len(bare)} key frames without any annotation, the first is {bare[0]:05d}.jpg: it is not said "
        detail += "that no instrument is in view, so they tell nothing"
        defects.append(Defect(Reason.SAMPLE_INVALID, operation, detail))
    return frames, defects


def _lines(path: Path) -> tuple[Line, ...]:
    return read_delimited(path, _COLUMNS, delimiter=",", header=False)


def _same(a: str | None, b: str | None) -> str | None:
    return a if a == b else None
