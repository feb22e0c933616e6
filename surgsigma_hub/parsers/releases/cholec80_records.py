"""Cholec80 as TFRecords (the release of CAMMA's TF-Cholec80): one file per video, one Example per second.

What ``frame_id`` begins with, and whether it counts seconds or frames of 25 per second, is not documented, so it is
read off each file; a file that leaves it open is refused and not guessed.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from ...errors import BadRowError
from ...records import Defect, FileSlice, Frame, Label, Reason, Stills, VideoTimeline
from ..runs import course_of
from ..tfrecord import Buffer, Feature, Span, TFRecordError, looks_like_tfrecord, opened, parse_example, read_records

TOOLS = ("Grasper", "Bipolar", "Hook", "Scissors", "Clipper", "Irrigator", "SpecimenBag")
PHASES = (
    *("Preparation", "CalotTriangleDissection", "ClippingCutting", "GallbladderDissection"),
    *("GallbladderRetraction", "CleaningCoagulation", "GallbladderPackaging"),
)
"""Phases in the order of these files, in which 4 and 6 are swapped against every other form of the dataset."""

_FPS, _VIDEO_COUNT = 25, 80
_NOT_RECORDS = frozenset({".txt", ".png", ".jpg", ".jpeg", ".mp4", ".json", ".md", ".csv", ".zip", ".gz", ".tar"})


@dataclass(frozen=True, slots=True)
class Recorded:
    """One second: what is annotated (None where it is not) and where in the file its PNG is."""

    phase: str | None
    tools: tuple[str, ...] | None
    picture: Span


@dataclass(slots=True)
class RecordedVideo:
    """Seconds of one file, and what was left out as reason, place in the file and detail."""

    seconds: dict[int, Recorded] = field(default_factory=dict)
    problems: list[tuple[Reason, str, str]] = field(default_factory=list)


def record_files(folder: Path) -> list[Path]:
    """The TFRecord files of a folder by name, whatever their suffix."""
    files = (p for p in sorted(folder.iterdir()) if p.is_file() and p.suffix.lower() not in _NOT_RECORDS)
    return [p for p in files if looks_like_tfrecord(p)]


def number_inside(path: Path) -> int | None:
    """The number of the video that the first record names as ``videoNN``."""
    try:
        with opened(path) as buffer:
            for payload in read_records(buffer):
                return _video_number(buffer, parse_example(buffer, payload))
    except TFRecordError:
        pass
    return None


def numbered_records(paths: Sequence[Path]) -> dict[int, Path]:
    """TFRecord files by number of the video: by the name, by the place in a full set, or as the records say.

    Raises:
        BadRowError: a file that none of these tells, or a second one of a video.
    """
    named = [re.match(r"video_?([0-9]{1,3})(?![0-9])", path.name) for path in paths]
    numbers = [int(match[1]) if match else None for match in named]
    if None in numbers and len(paths) == _VIDEO_COUNT:
        numbers = list(range(1, _VIDEO_COUNT + 1))
    found: dict[int, Path] = {}
    for number, path in zip(numbers, paths, strict=True):
        number = number if number is not None else number_inside(path)
        if number is None or number in found:
            what = f"as {found[number].name} does" if number in found else "nor do its records"
            raise BadRowError(
                f"the name of {path.name} does not say which video it is {what}; name the files video01.tfrecord, "
                f"... or keep all {_VIDEO_COUNT}"
            )
        found[number] = path
    return found


def moments_recorded(
    path: Path | None, where: str, number: int
) -> tuple[list[Frame], list[Defect], VideoTimeline | None]:
    """Labels and pictures of each second of a file, what was left out, and the video as a whole.

    Args:
        path: The file; None where it is missing, which tells nothing.
        where: Its place for messages.
        number: Number of the video.
    """
    if path is None:
        return [], [Defect(Reason.ROW_MALFORMED, where, "the file is missing")], None
    recorded = read_video(path, number)
    images = {n: FileSlice(path, r.picture.offset, r.picture.length) for n, r in recorded.seconds.items()}
    frames = [
        Frame(
            index=_FPS * second,
            fps=_FPS,
            image=images[second],
            phase=None if found.phase is None else Label(found.phase),
            instruments=None if found.tools is None else tuple(Label(tool) for tool in found.tools),
        )
        for second, found in recorded.seconds.items()
    ]
    course = course_of({"phase": {n: r.phase for n, r in recorded.seconds.items()}}, fps=1)
    stills = Stills(tuple(images.get(n) for n in range(max(images) + 1)), 1.0) if images else None
    defects = [Defect(reason, f"{where} {place}", detail) for reason, place, detail in recorded.problems]
    return frames, defects, replace(course, footage=stills)


def read_video(path: Path, number: int) -> RecordedVideo:
    """All seconds of the file of video ``number``; a damaged file gives what can be read of it."""
    video, found, twice = RecordedVideo(), dict[int, Recorded](), set[int]()
    seen: set[int] = set()  # ids of records left out too: the first of all tells the base
    total, good_start, n = 0, False, -1
    with opened(path) as buffer:
        try:
            for n, payload in enumerate(read_records(buffer)):
                try:
                    features = parse_example(buffer, payload)
                    frame_id = _frame_id(features)
                    good_start |= n == 0
                    if frame_id in seen:
                        twice.add(frame_id)
                    seen.add(frame_id)
                    found[frame_id] = _recorded(buffer, features, number, f"record {n}", video)
                    total = max((total, *features.get("total_frames", Feature()).ints))
                except BadRowError as error:
                    video.problems.append((Reason.ROW_MALFORMED, f"record {n}", error.message))
        except TFRecordError as error:
            detail = f"{error.message}; {n + 1} records before it were read"
            video.problems.append((Reason.ROW_MALFORMED, f"record {n + 1}", detail))
            total = 0
    if total and n + 1 < total - 1:  # a last second more or less occurs in every form of the dataset
        video.problems.append((Reason.ROW_MALFORMED, f"record {n + 1}", f"the file ends, total_frames is {total}"))
    ids = sorted(seen)
    for frame_id in sorted(twice):
        found.pop(frame_id, None)
        video.problems.append((Reason.DUPLICATE_ID, f"frame_id {frame_id}", "in several records; all are left out"))
    if ids and (ids[0] > 1 or (ids[0] == 1 and not good_start)):
        detail = f"frame_id begins at {ids[0]}, expected 0 or 1 in a good first record: all {len(ids)} are left out"
        video.problems.append((Reason.ROW_MALFORMED, "frame_id", detail))
        return video
    step = math.gcd(*(i - ids[0] for i in ids)) if ids else 0
    unit = _FPS if step and step % _FPS == 0 else 1
    video.seconds = {(frame_id - ids[0]) // unit: found[frame_id] for frame_id in sorted(found)}
    return video


def _frame_id(features: dict[str, Feature]) -> int:
    ints = features.get("frame_id", Feature()).ints
    if len(ints) != 1 or ints[0] < 0:
        raise BadRowError(f"frame_id {list(ints)[:3]}, expected one number from 0 up")
    return ints[0]


def _recorded(buffer: Buffer, features: dict[str, Feature], number: int, where: str, video: RecordedVideo) -> Recorded:
    named = _video_number(buffer, features)
    if named not in (None, number):
        raise BadRowError(f"video_id is that of video {named}, expected {number}")
    pictures = features.get("frame", Feature()).blobs
    if len(pictures) != 1:
        raise BadRowError(f"{len(pictures)} images in feature 'frame', expected one")
    ids, flags = features.get("phase", Feature()).ints, features.get("instruments", Feature()).ints
    phase, tools = None, None
    if len(ids) == 1 and 0 <= ids[0] < len(PHASES):
        phase = PHASES[ids[0]]
    else:
        detail = f"phase {list(ids)[:3]}, expected one of 0..{len(PHASES) - 1}; the frame keeps its other facts"
        video.problems.append((Reason.LABEL_UNKNOWN, where, detail))
    if len(flags) == len(TOOLS) and set(flags) <= {0, 1}:
        tools = tuple(tool for tool, flag in zip(TOOLS, flags, strict=True) if flag)
    else:
        detail = f"instruments {list(flags)[:8]}, expected {len(TOOLS)} of 0 or 1; the frame keeps its other facts"
        video.problems.append((Reason.ROW_MALFORMED, where, detail))
    return Recorded(phase, tools, pictures[0])


def _video_number(buffer: Buffer, features: dict[str, Feature]) -> int | None:
    blobs = features.get("video_id", Feature()).blobs
    match = re.fullmatch(rb"video_?([0-9]{1,3})", blobs[0].read(buffer)) if len(blobs) == 1 else None
    return int(match[1]) if match else None
