"""The two text tables of one Cholec80 video: a phase for each frame, tools once a second, both by frame number."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from ..records import Defect, Reason
from .releases.cholec80_records import TOOLS
from .tables import BadLine, read_numbered

FPS = 25
"""Frames per second that the numbers count, from 0."""


@dataclass(frozen=True, slots=True)
class Tables:
    """What both tables say.

    Attributes:
        by_frame: Phase by frame number, every good row.
        phases: Phase by second.
        present: Tools by second.
        ends: Second at which the longer table does.
        beyond: Seconds by which the recording may end later: the rest of a second, since the tables end with whole
            ones, and rows that cannot be read.
        defects: What was left out.
    """

    by_frame: Mapping[int, str]
    phases: Mapping[int, str]
    present: Mapping[int, tuple[str, ...]]
    ends: float
    beyond: float
    defects: tuple[Defect, ...]

    @property
    def seconds(self) -> list[int]:
        """The seconds that one of the tables has, rising."""
        return sorted(self.phases.keys() | self.present.keys())


@dataclass(frozen=True, slots=True)
class _Table:
    where: str
    columns: tuple[str, ...]
    rows: dict[int, tuple[str, ...]]
    defects: list[Defect]


def read_tables(phase: Path | None, tool: Path | None, *, phase_place: str, tool_place: str) -> Tables:
    """Read what is there; a missing table is a defect, and so is what cannot be read of one.

    Args:
        phase: ``videoNN-phase.txt``; None where it is missing.
        tool: ``videoNN-tool.txt``; likewise.
        phase_place: The place of the file for messages, relative to the root, whether or not it is there.
        tool_place: Likewise.
    """
    named = _read(phase, phase_place, ("Phase",), "phase")
    tools = _read(tool, tool_place, TOOLS, "tool")
    defects, bad = [*named.defects, *tools.defects], len(tools.defects) if tool else 0
    present: dict[int, tuple[str, ...]] = {}
    for frame, cells in tools.rows.items():
        strange = sorted(set(cells) - {"0", "1"})
        if frame % FPS or strange:
            found = f"{strange[0][:20]!r} instead of 0 or 1" if strange else f"not a multiple of {FPS}"
            defects.append(Defect(Reason.ROW_MALFORMED, f"{tool_place} frame {frame}", found))
            bad += 1
            continue
        present[frame // FPS] = tuple(t for t, cell in zip(tools.columns, cells, strict=True) if cell == "1")
    phases = {frame // FPS: cells[0] for frame, cells in named.rows.items() if not frame % FPS}
    unread = len(named.defects) if phase else 0
    if phases and present:
        defects += _gaps(tool_place, phases.keys() - present.keys(), max(present), bad)
        defects += _gaps(phase_place, present.keys() - phases.keys(), max(phases), unread)
    last = max((*named.rows, *tools.rows), default=-1)
    by_frame = {frame: cells[0] for frame, cells in named.rows.items()}
    return Tables(by_frame, phases, present, (last + 1) / FPS, 1 + unread / FPS, tuple(defects))


def _read(path: Path | None, where: str, columns: tuple[str, ...], kind: str) -> _Table:
    if path is None:
        detail = f"the file is missing: no {kind} facts of this video"
        return _Table(where, columns, {}, [Defect(Reason.ROW_MALFORMED, where, detail)])
    rows, defects = dict[int, tuple[str, ...]](), list[Defect]()
    table = read_numbered(path, columns=columns)
    twice: set[int] = set()
    for row in table.rows:
        if isinstance(row, BadLine):
            defects.append(Defect(Reason.ROW_MALFORMED, f"{where} line {row.line}", row.detail))
        elif row.number in rows and rows[row.number] != row.cells:
            twice.add(row.number)
        elif row.number in rows:
            detail = f"frame {row.number} occurs twice, with the same content"
            defects.append(Defect(Reason.DUPLICATE_ID, f"{where} line {row.line}", detail))
        else:
            rows[row.number] = row.cells
    for frame in sorted(twice):
        del rows[frame]
        detail = "the frame occurs more than once and with different content; all are left out"
        defects.append(Defect(Reason.DUPLICATE_ID, f"{where} frame {frame}", detail))
    return _Table(where, table.columns, rows, defects)


def _gaps(where: str, missing: set[int], last: int, bad: int) -> Iterator[Defect]:
    """One defect for seconds that the other table has and this one lacks, beyond its bad rows and a tail second."""
    missing = missing - {last + 1}
    if len(missing) > bad:
        detail = f"no good row for {len(missing)} seconds of the other table, the first is frame {FPS * min(missing)}"
        yield Defect(Reason.ROW_MALFORMED, where, detail)
