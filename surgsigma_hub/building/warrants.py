"""Counting the warrants of a source: its videos of one split read once, labels only, no image."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tqdm import tqdm

from ..errors import BuildError, LabelError, SurgSigmaError, UnknownNameError
from ..media.moments import Seen
from ..ontology import resolve_timeline
from ..reasoning.warrants import DEFINITION, MIN_SECONDS, MIN_VIDEOS, Row, Warrants, read_file, rows_text
from ..reasoning.warrants.count import Counts
from ..records import Defect, Frame, Reason, Video
from ..registry import get_source
from ..source import Source, check_stated, parse_options
from ..tasks.common.timeline import begins_a_second
from ..whole_files import write_atomic

_SOURCE_CACHE = ".cache"


@dataclass(frozen=True, slots=True, kw_only=True)
class WarrantsReport:
    """What was counted.

    Attributes:
        moments: Annotated moments, at most one a second.
        citable: Signs of each kind with enough evidence to be cited.
        typical: Of these, signs that are typical of one label.
        too_few: Signs that were seen, but too rarely or in too few videos to be cited.
        left_out: Frames that could not be read, by reason.
    """

    source: str
    procedure: str
    splits: Sequence[str]
    videos: int
    moments: int
    citable: Mapping[str, int]
    typical: Mapping[str, int]
    too_few: int
    left_out: Mapping[str, int]
    seconds: float

    def as_dict(self) -> dict[str, Any]:
        """For ``--json``."""
        fields = ("source", "procedure", "splits", "videos", "moments", "citable", "typical", "too_few", "left_out")
        return {**{name: getattr(self, name) for name in fields}, "seconds": round(self.seconds, 1)}


def count_warrants(
    name: str,
    *,
    root: Path | None,
    out: Path,
    options: Mapping[str, str] | None = None,
    splits: Sequence[str] = (),
    progress: bool = False,
) -> WarrantsReport:
    """Count the warrants of a source and write them into ``out``, in place of its rows there; other rows stay.

    Args:
        name: The source.
        root: Folder of your copy of it.
        out: The file, made if it is not there.
        options: Options of the source as strings.
        splits: Splits to count on; ``train`` when empty. Counting on what is tested on would leak it into the traces.
        progress: Show a progress bar on stderr.

    Raises:
        UnknownNameError: a split that the split scheme does not have, or an option for a video that is not there.
        BuildError: no video, or no labelled moment, in these splits.
        SurgSigmaError: the source cannot be opened, or ``out`` is there and no file of warrants.
    """
    started = time.monotonic()
    kind = get_source(name)
    source = kind(root, parse_options(kind, options or {}), cache_dir=out.parent / _SOURCE_CACHE / name)
    known = source.info.split_schemes[source.split_scheme]
    chosen = tuple(splits) or ("train",)
    for split in chosen:
        if split not in known:
            raise UnknownNameError("split", split, known, where=f"{name} ({source.split_scheme})")
    kept = tuple(row for row in read_file(out) if row.source != name) if out.exists() else ()
    listed = tuple(source.videos())
    check_stated(source, (video.id for video in listed))
    videos = [video for video in listed if video.split in chosen]
    if not videos:
        raise BuildError(
            f"no video of {name} is in split {' or '.join(chosen)}",
            hint=f"Split scheme {source.split_scheme!r}; choose another with --option split_scheme=NAME.",
        )
    counts, left_out = Counts(name), Counter[str]()
    for video in tqdm(videos, desc=f"warrants {name}", unit="video", disable=not progress):
        _count(source, video, counts, left_out)
    if not counts.total:
        raise BuildError(
            f"no labelled moment in the {len(videos)} videos of {name} in split {' or '.join(chosen)}",
            hint="; ".join(f"{n:,} left out as {reason}" for reason, n in left_out.items()),
        )
    rows = counts.rows()
    out.parent.mkdir(parents=True, exist_ok=True)
    write_atomic(out, rows_text([*kept, *rows]).encode())
    citable, typical, too_few = _told(rows)
    return WarrantsReport(
        source=name, procedure=source.info.procedure, splits=chosen, videos=counts.seen, moments=counts.total,
        citable=citable, typical=typical, too_few=too_few, left_out=dict(left_out),
        seconds=time.monotonic() - started,
    )  # fmt: skip


def _count(source: Source, video: Video, counts: Counts, left_out: Counter[str]) -> None:
    moments: list[Frame] = []
    for found in source.frames(video):
        if isinstance(found, Defect):
            left_out[found.reason] += 1
            continue
        if not begins_a_second(found, moments):
            continue
        try:
            moments.append(source.resolved(found))
        except LabelError:
            left_out[Reason.LABEL_UNKNOWN] += 1
    course = Seen(source, video, look=False).course()
    try:
        whole = None if course is None else replace(resolve_timeline(source.info.name, course), moments=tuple(moments))
    except LabelError:
        left_out[Reason.LABEL_UNKNOWN] += 1
        whole = None
    counts.add(moments, whole)


def _told(rows: Sequence[Row]) -> tuple[dict[str, int], dict[str, int], int]:
    warrants = Warrants(tuple(rows))
    citable: Counter[str] = Counter()
    typical: Counter[str] = Counter()
    too_few = 0
    for kind, sign in dict.fromkeys((row.kind, row.sign) for row in rows if row.kind and any(row.sign)):
        support = warrants.support(kind, sign)  # type: ignore[arg-type]
        citable[kind] += bool(support.labels)
        typical[kind] += support.typical is not None
        too_few += not support.labels
    return dict(citable), dict(typical), too_few


def own_rows(path: Path | None, source: str) -> tuple[Row, ...]:
    """The rows of a file of warrants that traces of ``source`` may cite.

    Raises:
        SurgSigmaError: no such file, no file of warrants, or none that has rows of ``source`` or of a definition.
    """
    if path is None:
        return ()
    rows = tuple(row for row in read_file(path) if row.source in (source, DEFINITION))
    if not rows:
        raise SurgSigmaError(
            f"file of warrants {path.name}: no row of source {source!r}",
            hint=f"Count them with: surgsigma warrants {source} --out {path.name}",
        )
    return rows


def evidence_needed() -> str:
    """How much evidence a sign needs to be cited, in words."""
    return f"{MIN_SECONDS} seconds in {MIN_VIDEOS} videos"
