"""What a build did: per task, source and split; what it left out, by reason, by video and item by item."""

from __future__ import annotations

import gzip
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import orjson

from ..records import Reason, Video
from .degenerate import Refusal
from .parts import read_defects, read_summary
from .scope import Difference, Scope


@dataclass(frozen=True, slots=True)
class ReportRow:
    """One task, source and split."""

    task: str
    source: str
    split: str
    samples: int
    media: int
    bytes: int


NO_FAILURE = frozenset(
    {Reason.CLIP_INCOMPLETE, Reason.NO_SURGICAL_VIEW, Reason.CATCH_ALL, Reason.QUESTION_UNTYPED, Reason.LABEL_MISSING}
)
"""Counted and reported, but no sign of a bad copy: clips over a missing still, which is counted itself and would count
again in every clip around it, footage in which no operation is seen, answers that are nothing to train on,
questions of a source that no typed answer holds, and frames that a source passes over."""

_EXAMPLES = 5
"""Left-out things that a report shows of each reason."""


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


def _of_video(runs: Sequence[Path]) -> dict[str, Any]:
    """The summary of a video, from those of its runs: the first tells what is known of the video as a whole."""
    summaries = [read_summary(folder) for folder in runs]
    rescaled: Counter[str] = Counter()
    defects: Counter[str] = Counter()
    rated: Counter[str] = Counter()
    of_one_mind: Counter[str] = Counter()
    for one in summaries:
        rescaled.update(one["rescaled"])
        defects.update(one["defects"])
        rated.update(one["rated"])
        of_one_mind.update(one["of_one_mind"])
    scales = [
        f"{count} image{'s are' if count > 1 else ' is'} {sizes}, as a rescale"
        for sizes, count in sorted(rescaled.items())
    ]
    footage = {**summaries[0]["footage"], "told": [*summaries[0]["footage"]["told"], *scales]}
    told = {"footage": footage, "defects": dict(sorted(defects.items())), "rated": rated, "of_one_mind": of_one_mind}
    return {**summaries[0], **told}


def counts_of(videos: Sequence[Video], parts: Sequence[Sequence[Path]]) -> dict[str, Any]:
    """What the finished parts of these videos add up to: the fields of a report of those names.

    Args:
        videos: In the order of ``parts``.
        parts: By video, those of its runs.
    """
    total: Counter[str] = Counter()
    by_video: dict[str, dict[str, int]] = {}
    examples: dict[str, list[dict[str, str]]] = {}
    summaries: dict[str, Mapping[str, Any]] = {}
    rated: Counter[str] = Counter()
    of_one_mind: Counter[str] = Counter()
    frames = clipped = 0
    for runs, video in zip(parts, videos, strict=True):
        summaries[video.id] = summary = _of_video(runs)
        frames += summary["frames"]
        clipped += summary["clipped_boxes"]
        rated.update(summary["rated"])
        of_one_mind.update(summary["of_one_mind"])
        if not summary["defects"]:
            continue
        total.update(summary["defects"])
        by_video[video.id] = summary["defects"]
        for line in read_defects(runs):
            found = orjson.loads(line)
            kept = examples.setdefault(found["reason"], [])
            if len(kept) < _EXAMPLES:
                kept.append(found)
    return {
        "frames": frames,
        "clipped_boxes": clipped,
        "agreement": {
            criterion: {"verdicts": n, "of_one_mind": of_one_mind[criterion]} for criterion, n in sorted(rated.items())
        },
        "quarantined": dict(sorted(total.items())),
        "quarantined_by_video": by_video,
        "examples": dict(sorted(examples.items())),
        "footage": footage_report(summaries),
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildReport:
    """The outcome of a build.

    Attributes:
        rows: What was written, by task, source and split.
        frames: Annotated frames read.
        clipped_boxes: Boxes that reached a little outside their frame and were cut at its edge.
        agreement: By criterion, verdicts of several raters (``verdicts``) and in how many of them all say the same
            (``of_one_mind``); empty where a source keeps no votes.
        quarantined: Things left out, by reason.
        quarantined_by_video: The same by video, then reason.
        examples: For each reason, the first few of what was left out.
        footage: How far pictures are from the moments of their labels at most, and what is told of the footage and the
            labels of each video, see :func:`footage_report`.
        refused: Tasks that were not built, since one answer nearly always fits.
        max_quarantine: The share above which the build fails.
        quarantine_file: Every thing left out, a line of JSON each, as gzip: its place relative to the tree.
        difference: What left the tree, and what was left standing in it.
        moved: Videos that went from training to ``test``, since a benchmark tests on them.
        committed: Whether the tree was changed.
        dry_run: Whether nothing was to be written: rows count samples alone.
    """

    rows: tuple[ReportRow, ...]
    frames: int
    clipped_boxes: int
    quarantined: Mapping[str, int]
    quarantined_by_video: Mapping[str, Mapping[str, int]]
    agreement: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    examples: Mapping[str, tuple[Mapping[str, str], ...]] = field(default_factory=dict)
    footage: Mapping[str, Any] = field(default_factory=dict)
    refused: tuple[Refusal, ...] = ()
    max_quarantine: float
    quarantine_file: str = ""
    difference: Difference = field(default_factory=Difference)
    seconds: float
    committed: bool
    dry_run: bool = False
    moved: tuple[str, ...] = ()

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


def summary_place(source: str) -> str:
    """Where a tree keeps what the last build of a source did, as JSON."""
    return f"reports/{source}.json"


def quarantine_place(source: str) -> str:
    """Where a tree keeps everything that the last build of a source left out: JSON lines, gzip."""
    return f"reports/{source}.quarantine.jsonl.gz"


def write_reports(folder: Path, scope: Scope, counts: Mapping[str, Any], defects: Iterable[bytes]) -> tuple[str, str]:
    """Write both reports of a source below ``folder``; the same content gives the same bytes.

    Args:
        folder: What places are relative to.
        scope: What was built.
        counts: The summary.
        defects: Lines of JSON.

    Returns:
        The places of the summary and of the quarantined items.
    """
    places = summary_place(scope.source), quarantine_place(scope.source)
    asked = {name: None if names is None else sorted(names) for name, names in scope.asked().items()}
    summary = {"source": scope.source, **asked, "quarantine_file": places[1], **counts}
    path = folder / places[0]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(orjson.dumps(summary, option=orjson.OPT_INDENT_2) + b"\n")
    # Neither a name nor a time in the header: these alone would make two runs differ.
    with (folder / places[1]).open("wb") as file, gzip.GzipFile("", "wb", fileobj=file, mtime=0) as packed:
        for line in defects:
            packed.write(line)
    return places
