"""What a build did: per task, source and split; and what it left out, by reason and by video."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from ..records import Reason
from .degenerate import Refusal


@dataclass(frozen=True, slots=True)
class ReportRow:
    """One task, source and split."""

    task: str
    source: str
    split: str
    samples: int
    media: int
    bytes: int


NO_FAILURE = frozenset({Reason.CLIP_INCOMPLETE, Reason.NO_SURGICAL_VIEW, Reason.CATCH_ALL})
"""Counted and reported, but no sign of a bad copy: clips over a missing still, which is counted itself and would count
again in every clip around it, footage in which no operation is seen, and answers that are nothing to train on."""


def quarantined_share(quarantined: Mapping[str, int], frames: int) -> float:
    """Things left out, but for :data:`NO_FAILURE`, as a share of those plus the frames read.

    >>> quarantined_share({"media_missing": 1, "clip_incomplete": 7}, 3), quarantined_share({}, 0)
    (0.25, 0.0)
    """
    left_out = sum(count for reason, count in quarantined.items() if reason not in NO_FAILURE)
    return left_out / max(1, left_out + frames)


def footage_report(parts: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """The largest deviation over all videos, which video it is of, and by video what is told.

    Args:
        parts: Summary of each video's part, with ``footage`` and ``labels``.
    """
    told = {video: list(part["footage"].get("told", ())) for video, part in parts.items()}
    first: dict[str, str] = {}
    for video, part in parts.items():
        if part["labels"] and (other := first.setdefault(part["labels"], video)) != video:
            told[video].append(f"its labels are those of {other}, moment by moment")
    worst = max(parts, key=lambda video: parts[video]["footage"].get("deviation_ms", 0.0), default="")
    found = parts[worst]["footage"] if worst else {}
    return {
        "deviation_ms": found.get("deviation_ms", 0.0),
        "deviation_frames": found.get("deviation_frames", 0.0),
        "deviation_video": worst if found.get("deviation_ms") else None,
        "told": {video: lines for video, lines in told.items() if lines},
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildReport:
    """The outcome of a build.

    Attributes:
        rows: What was written, by task, source and split.
        frames: Annotated frames read.
        clipped_boxes: Boxes that reached a little outside their frame and were cut at its edge.
        quarantined: Things left out, by reason.
        quarantined_by_video: The same by video, then reason.
        examples: For each reason, the first few of what was left out.
        footage: How far pictures are from the moments of their labels at most, and what is told of the footage and the
            labels of each video, see :func:`footage_report`.
        refused: Tasks that were not built, since one answer nearly always fits.
        max_quarantine: The share above which the build fails.
        committed: Whether the tree was changed.
    """

    rows: tuple[ReportRow, ...]
    frames: int
    clipped_boxes: int
    quarantined: Mapping[str, int]
    quarantined_by_video: Mapping[str, Mapping[str, int]]
    examples: Mapping[str, tuple[Mapping[str, str], ...]] = field(default_factory=dict)
    footage: Mapping[str, Any] = field(default_factory=dict)
    refused: tuple[Refusal, ...] = ()
    max_quarantine: float
    seconds: float
    committed: bool

    @property
    def quarantined_share(self) -> float:
        """See :func:`quarantined_share`."""
        return quarantined_share(self.quarantined, self.frames)

    @property
    def ok(self) -> bool:
        """Whether the share of quarantined things is within the limit."""
        return self.quarantined_share <= self.max_quarantine

    def as_dict(self) -> dict[str, Any]:
        """For ``--json``."""
        return {**asdict(self), "quarantined_share": self.quarantined_share, "ok": self.ok}
