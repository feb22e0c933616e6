"""Label files of CholecT50: one JSON object per video, of the full release or of the challenge part."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from ...errors import BadRowError
from ...media.boxes import BoxOutsideError, from_xywh
from ...records import Coverage, Defect, Fact, Frame, Label, LabeledBox, Reason, Triplet, VideoTimeline
from ..runs import course_of, course_of_lists
from ..strict_json import read_json, repeated_in
from .triplet_vectors import (
    NAMES,
    NULL,
    NULL_TARGET,
    NULL_VERB,
    Names,
    Triples,
    Vector,
    VectorError,
    has_box,
    names_in,
    parse_vectors,
    triples_in,
)

_KEY = re.compile("[0-9]{1,6}")
_NO_VERB, _NO_TARGET = NAMES["verb"].index(NULL_VERB), NAMES["target"].index(NULL_TARGET)
_PART = dict.fromkeys(
    (Fact.INSTRUMENTS, Fact.TISSUES, Fact.ACTIONS, Fact.TRIPLETS, Fact.INSTRUMENT_BOXES, Fact.ACTION_SEGMENTS),
    Coverage.ANNOTATED_ONLY,
)
"""What the lists of the challenge part hold: in one frame of five an instrument in plain view has no label."""


@dataclass(frozen=True, slots=True)
class LabelledVideo:
    """What a label file says, its vectors checked.

    Attributes:
        names: Names by kind and id, the file's own before the published ones.
        seconds: The vectors of each second that can be believed, rising.
        listed: All seconds that the file labels once, rising.
        doubtful: Number of keys that are no second, or name one more than once.
        boxed: Whether any instrument has a box.
        part: Whether the file labels some seconds, and not every instrument in them.
        declared: Number of seconds that the file says it has; None where it does not.
        defects: What is left out.
    """

    names: Names = field(default_factory=lambda: NAMES)
    seconds: Mapping[int, list[Vector]] = field(default_factory=dict)
    listed: tuple[int, ...] = ()
    doubtful: int = 0
    boxed: bool = False
    part: bool = False
    declared: int | None = None
    defects: tuple[Defect, ...] = ()

    @property
    def lasts(self) -> int:
        """The second at which the last label ends; 0 without any."""
        return self.listed[-1] + 1 if self.listed else 0

    @property
    def sparse(self) -> bool:
        """Whether labels leave out more than a tenth of the seconds between the first and the last."""
        return self.part or 10 * len(self.listed) < 9 * (self.lasts - self.listed[0] if self.listed else 0)

    @property
    def told(self) -> tuple[str, ...]:
        """That the file says another number of seconds than it labels."""
        if self.declared in (None, len(self.listed), self.lasts):
            return ()
        found = f"the file labels {len(self.listed)} seconds, the last is {self.lasts - 1}"
        return (f"num_frames is {self.declared}, {found}",)


def read_labelled_video(path: Path, where: str, number: int, triples: Triples) -> LabelledVideo:
    """Read a label file.

    Args:
        path: The file.
        where: Its place for messages.
        number: Number of the video.
        triples: What each triplet id stands for; empty takes the file's own categories.

    Raises:
        VectorError: the file cannot be used at all.
    """
    document = _document(path, number)
    categories, annotations = document.get("categories"), document["annotations"]
    names, differences = names_in(categories)
    defects = [Defect(Reason.LABEL_UNKNOWN, f"{where} categories.{place}", detail) for place, detail in differences]
    keys, doubtful = _frame_keys(annotations)
    defects += [Defect(reason, f"{where} frame {key[:40]}", detail) for key, reason, detail in doubtful]
    triples = triples or triples_in(categories)
    seconds: dict[int, list[Vector]] = {}
    for second, key in sorted(keys.items()):
        try:
            seconds[second] = parse_vectors(annotations[key], triples)
        except VectorError as error:
            defects.append(Defect(error.reason, f"{where} frame {key}", error.message))
    declared = document.get("num_frames")
    return LabelledVideo(
        names=names,
        seconds=seconds,
        listed=tuple(sorted(keys)),
        doubtful=len(doubtful),
        boxed=_has_boxes(annotations),
        part=_labels_a_part(document, keys),
        declared=declared if type(declared) is int else None,
        defects=tuple(defects),
    )


def _document(path: Path, number: int) -> dict[str, Any]:
    """The label file of a video, its outer form checked.

    Raises:
        VectorError: the file cannot be used at all.
    """
    try:
        document = read_json(path)
    except BadRowError as error:
        raise VectorError(error.message) from None
    if not isinstance(document, dict) or not isinstance(document.get("annotations"), dict):
        raise VectorError("no object 'annotations' of frame number to vectors")
    if twice := repeated_in(document):
        raise VectorError.because(Reason.DUPLICATE_ID, f"the file repeats {', '.join(sorted(twice))}")
    stated = document.get("video")
    if isinstance(stated, int) and stated != number:
        raise VectorError(f"the file says video {stated}, its name says VID{number:02d}")
    if document.get("fps", 1) != 1:
        raise VectorError(f"fps {str(document['fps'])[:20]}, expected 1: its frame numbers would be misread")
    return document


def _frame_keys(annotations: dict[str, Any]) -> tuple[dict[int, str], list[tuple[str, Reason, str]]]:
    """Frame numbers with their keys, and the keys that are no frame number or name a frame more than once."""
    keys: dict[int, str] = {}
    doubtful: list[tuple[str, Reason, str]] = []
    twice: set[int] = set()
    repeated = repeated_in(annotations)
    for key in annotations:
        if _KEY.fullmatch(key) is None:
            doubtful.append((key, Reason.ROW_MALFORMED, "the key is no frame number (0..999999)"))
            continue
        if key in repeated or int(key) in keys:
            twice.add(int(key))
        keys.setdefault(int(key), key)
    detail = "the file holds this frame more than once; it is left out, since either may be wrong"
    doubtful.extend((keys[index], Reason.DUPLICATE_ID, detail) for index in sorted(twice))
    return {index: key for index, key in keys.items() if index not in twice}, doubtful


def _has_boxes(annotations: dict[str, Any]) -> bool:
    """Whether any frame has the box of an instrument."""
    return any(has_box(row) for rows in annotations.values() if isinstance(rows, list) for row in rows)


def _labels_a_part(document: dict[str, Any], seconds: Collection[int]) -> bool:
    """Whether a label file is of the challenge part, which labels some seconds and not every instrument in them.

    It says so. Where that was lost, boxes tell it on fewer than half of the seconds from the first to the last.
    """
    info = document.get("info")
    if isinstance(info, dict) and "challenge" in str(info.get("dataset")).lower():
        return True
    span = max(seconds, default=0) - min(seconds, default=0) + 1
    return 2 * len(seconds) < span and _has_boxes(document["annotations"])


# ----------------------------------------------------------------------------------------------- what vectors amount to


def moments_of_vectors(video: LabelledVideo, where: str) -> tuple[list[Frame], list[Defect]]:
    """One moment a second, without pictures; boxes that are none cost the boxes of their moment.

    Args:
        video: As :func:`read_labelled_video` gives it.
        where: Place of the file, for messages.
    """
    frames: list[Frame] = []
    defects: list[Defect] = []
    for second, vectors in video.seconds.items():
        boxes: tuple[LabeledBox, ...] | None = None
        try:
            boxes = _boxes(vectors, video.names) if video.boxed else None
        except BadRowError as error:
            reason = Reason.BOX_OUTSIDE if isinstance(error, BoxOutsideError) else Reason.ROW_MALFORMED
            detail = f"{error.message}; the frame keeps its other facts"
            defects.append(Defect(reason, f"{where} frame {second}", detail))
        frame = _frame(second, vectors, boxes, video.names)
        frames.append(replace(frame, coverage=_PART if video.part else {}))
    return frames, defects


def course_of_vectors(video: LabelledVideo) -> VideoTimeline | None:
    """Runs of phases and of verbs as segments; None where there is none.

    What cannot be read leaves the end of a run open. Where a file labels a part, a verb that is not said may be done
    by an instrument without label: then no end is known.
    """
    names = video.names
    done = {n: _verbs(vectors, names) if _complete(vectors) else None for n, vectors in video.seconds.items()}
    named = {n: None if v[0].phase == NULL else names["phase"][v[0].phase] for n, v in video.seconds.items()}
    acts, phases = course_of_lists("action", done, fps=1), course_of({"phase": named}, fps=1)
    segments = sorted(acts.segments, key=lambda s: (s.start_seconds, names["verb"].index(s.label.native)))
    if video.part:
        segments = [replace(s, start_known=False, end_known=False) for s in segments]
    if not segments and not phases.segments:
        return None
    return VideoTimeline(
        segments=(*segments, *phases.segments),
        origins={**phases.origins, **acts.origins},
        labelled={**acts.labelled, **phases.labelled},
        coverage={Fact.ACTION_SEGMENTS: Coverage.ANNOTATED_ONLY} if video.part else {},
    )


def _boxes(vectors: list[Vector], names: Names) -> tuple[LabeledBox, ...] | None:
    """Boxes of all instruments of a frame; None where one of them has no box, since the list would be half true.

    Raises:
        BadRowError: a box that is empty or outside the frame.
    """
    boxes: list[LabeledBox] = []
    for vector in vectors:
        if vector.instrument == NULL:
            continue
        if vector.box is None:
            return None
        box, clipped = from_xywh(*vector.box)
        boxes.append(LabeledBox(Label(names["instrument"][vector.instrument]), box, clipped))
    return tuple(boxes)


def _complete(vectors: list[Vector]) -> bool:
    """Whether all is said of what the instruments do; one without triplet id would make the list half true."""
    return all(v.triplet != NULL for v in vectors if v.instrument != NULL)


def _frame(
    index: int,
    vectors: list[Vector],
    boxes: tuple[LabeledBox, ...] | None,
    names: Names,
) -> Frame:
    phase = vectors[0].phase  # the same in all of them, or the parser would have refused
    present = [v for v in vectors if v.instrument != NULL]
    complete = _complete(vectors)
    targets = [names["target"][v.target] for v in present if v.target not in (NULL, _NO_TARGET)]
    triples = dict.fromkeys((v.instrument, v.verb, v.target) for v in present)
    labels = {kind: [Label(name) for name in names[kind]] for kind in ("instrument", "verb", "target")}
    triplets = [Triplet(labels["instrument"][i], labels["verb"][v], labels["target"][t]) for i, v, t in triples]
    return Frame(
        index=index,
        fps=1,
        phase=None if phase == NULL else Label(names["phase"][phase]),
        instruments=_labels([names["instrument"][v.instrument] for v in present]),
        tissues=_labels(targets) if complete else None,
        actions=_labels(_verbs(vectors, names)) if complete else None,
        triplets=tuple(triplets) if complete else None,
        instrument_boxes=boxes,
    )


def _verbs(vectors: list[Vector], names: Names) -> list[str]:
    return [names["verb"][v.verb] for v in vectors if v.instrument != NULL and v.verb not in (NULL, _NO_VERB)]


def _labels(names: list[str]) -> tuple[Label, ...]:
    """Labels in order, each once."""
    return tuple(Label(name) for name in dict.fromkeys(names))
