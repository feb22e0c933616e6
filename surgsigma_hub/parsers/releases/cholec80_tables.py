"""Cholec80's two tables: the phase of each frame at 25 a second, and the tools of every 25th."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ...records import Defect, Frame, VideoTimeline
from ..frame_tables import (
    Flags,
    FrameRows,
    FrameTable,
    Text,
    lacking_rows,
    moments_of,
    read_frame_table,
    whole_seconds,
)
from ..runs import course_of
from .cholec80_records import TOOLS

FPS = 25
_PHASE = FrameTable(columns=(Text("Phase"),), kind="phase")
_TOOL = FrameTable(columns=(Flags(TOOLS),), kind="tool", every=FPS)


@dataclass(frozen=True, slots=True)
class Tables:
    """What the two tables of one video say; ``where`` are their places for messages, phases first."""

    phase: FrameRows
    tool: FrameRows
    where: tuple[str, str]

    @property
    def phases(self) -> list[int]:
        """Frames at whole seconds that have a phase; those that have tools are the keys of ``tool.listed``."""
        return whole_seconds([*self.phase.named["Phase"]], FPS)

    @property
    def lasts(self) -> float:
        """The second at which the last label ends."""
        return (max(self.phase.last, self.tool.last) + 1) / FPS

    def moments(self) -> list[Frame]:
        """One moment a second, without pictures."""
        return moments_of(fps=FPS, phase=self.phase.named["Phase"], instruments=self.tool.listed)

    def course(self) -> VideoTimeline:
        """Phases as intervals."""
        return course_of({"phase": self.phase.named["Phase"]}, fps=FPS)

    def defects(self) -> list[Defect]:
        """What is left out, and seconds that one table has and the other lacks."""
        phases, tools = self.phases, [*self.tool.listed]
        return [
            *(*self.phase.defects, *self.tool.defects),
            *lacking_rows(self.where[1], self.tool, tools, phases, FPS),
            *lacking_rows(self.where[0], self.phase, phases, tools, FPS),
        ]

    def pictured(self) -> tuple[list[int], int, frozenset[float]]:
        """For copies with one picture a second: seconds that need one, where labels end, and which may lack one.

        The last second often has a phase, but neither tools nor a picture.
        """
        tools = self.tool.listed
        seconds = sorted({n // FPS for n in (*self.phases, *tools)})
        last = max(tools, default=FPS * (seconds[-1] - 1) if seconds else 0) // FPS
        tail = {s for s in seconds[-1:] if FPS * s not in tools and (FPS * (s - 1) in tools or not tools)}
        return [s for s in seconds if s <= last], seconds[-1] + 1 if seconds else 1, frozenset(tail)


def read_tables(phase: tuple[Path | None, str], tool: tuple[Path | None, str]) -> Tables:
    """Read the tables of one video, each given by its path and its place for messages."""
    return Tables(read_frame_table(*phase, _PHASE), read_frame_table(*tool, _TOOL), (phase[1], tool[1]))
