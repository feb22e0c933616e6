"""Records of tracked instruments by frame, as CholecTrack20 ships them: one JSON object a video.

Nothing is raised: what cannot be read is a :class:`Defect`. Numbers of frames count from 1.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from ...errors import BadRowError
from ...media.boxes import BoxOutsideError, from_xywh, within_unit
from ...plain_file import MAX_TEXT, read_plain
from ...records import Defect, Label, LabeledBox, Reason, Triplet
from ...records.bulk import set_directly
from ..strict_json import as_utf8, read_json, repeated_in
from .tracked_triplets import TripletNames, triplets_of

_NONE = -1
"""Of any id: not annotated."""
_WITHOUT_ACT = (_NONE, -2, None)
"""Of a triplet: an instrument that is none of any, or of which it is not annotated what it does."""
_OUT_OF_VIEW = [_NONE] * 4
"""As a box: the instrument is only tracked on."""
_NUMBERS = frozenset({int, float})
_NUMBERED = re.compile(rb'"([0-9]+)"[ \t\r\n]*:')
_PIXELS = 1.1
"""A box with a number above it is in pixels: those in 0..1 cross the border by less."""


@set_directly
@dataclass(frozen=True, slots=True)
class TrackedFrame:
    """What is said of one frame: ``None`` where a record of it cannot be read or nothing is said."""

    boxes: tuple[LabeledBox, ...] | None
    phase: str | None
    triplets: tuple[Triplet, ...] | None = None


@dataclass(frozen=True, slots=True)
class TrackedVideo:
    """What one file says.

    Attributes:
        frames: By number as in the file, rising.
        defects: What is left out.
        presumed: Whether names of phases are those given by the caller, since the file has none.
        presumed_acts: Whether names of verbs and targets are those of CholecT50, likewise.
    """

    frames: Mapping[int, TrackedFrame]
    defects: tuple[Defect, ...]
    presumed: bool
    presumed_acts: bool = True


def read_tracks(
    path: Path | None, where: str, tools: Mapping[int, str], phases: Mapping[int, str], *, every: int
) -> TrackedVideo:
    """Read the file of one video; one that is missing or cannot be used is one defect.

    Args:
        path: None where it is missing.
        where: Its place for messages, relative to the root.
        tools: Names of instruments by id where the file has no table of them.
        phases: Names of phases likewise.
        every: Numbers of frames are 1 and every so many after it; others are told and left out.
    """
    try:
        document = read_json(path) if path is not None else None
    except BadRowError as error:
        return _nothing(where, error.message)
    rows = document.get("annotations") if isinstance(document, dict) else None
    if not isinstance(document, dict) or not isinstance(rows, dict):
        return _nothing(where, "the file is missing" if path is None else "no object 'annotations' of frame to records")
    # A label for each name and not for each record: a frozen record costs more to make than all else that is read.
    names = {id: Label(name) for id, name in (_names(document, "tools") or tools).items()}
    own = _names(document, "phases") or _names(document, "phase")
    acts = TripletNames.of(
        _names(document, "verbs") or _names(document, "verb"), _names(document, "targets") or _names(document, "target")
    )
    defects: list[Defect] = []
    frames: dict[int, TrackedFrame] = {}
    video = document.get("video")
    size = (video.get("width"), video.get("height")) if isinstance(video, dict) else (None, None)
    repeated = repeated_in(rows)
    for key in sorted(sorted(rows), key=len):
        records = rows[key]
        number = int(key) if key.isascii() and key.isdigit() and len(key) < 10 else 0
        if number % every != 1 or key in repeated or number in frames or not isinstance(records, list):
            detail = f"expected one list of records for each number 1, {1 + every}, ...: it is left out"
            defects.append(Defect(Reason.ROW_MALFORMED, f"{where} frame {key[:20]}", detail))
            continue
        usual = _usual(records, names, own or phases)
        if usual is not None:
            frames[number] = usual
            continue
        frames[number], told = _frame(records, f"{where} frame {key[:20]}", names, own or phases, acts, size)
        defects += told
    return TrackedVideo(frames, tuple(defects), own is None, acts.presumed)


def numbers_in(path: Path | None) -> bytes | None:
    """Digest of the numbers that are keys in a file, a tenth of the work of reading it: twins number the same frames.

    Empty where there is no file; None where keys may be written otherwise, so that any file may be its twin.
    """
    try:
        data = read_plain(path, most=MAX_TEXT) if path is not None else b""
    except OSError:
        data = b""
    if b"\\" in data or b"\0" in data:  # escaped, or not in UTF-8
        return None
    return hashlib.sha256(b" ".join(sorted(_NUMBERED.findall(data)))).digest() if data else b""


def signature_of(path: Path | None) -> str:
    """Digest of the numbers of frames and the boxes of a file: files of equal ones hold the same labels.

    Empty where there is no file, it is no JSON or holds no records.
    """
    try:
        document = orjson.loads(as_utf8(read_plain(path, most=MAX_TEXT))) if path is not None else None
    except (BadRowError, OSError, orjson.JSONDecodeError):
        return ""
    rows = document.get("annotations") if isinstance(document, dict) else None
    if not isinstance(rows, dict) or not rows:
        return ""
    digest = hashlib.sha256()
    for key, records in sorted(rows.items()):
        found = [r.get("tool_bbox") for r in records if isinstance(r, dict)] if isinstance(records, list) else []
        digest.update(b"%b %b\n" % (orjson.dumps(key), b" ".join(sorted(map(orjson.dumps, found)))))
    return digest.hexdigest()


def _nothing(where: str, detail: str) -> TrackedVideo:
    return TrackedVideo({}, (Defect(Reason.ROW_MALFORMED, where, detail),), False)


def _names(document: dict[str, Any], kind: str) -> dict[int, str] | None:
    """Names by id as the file's own table gives them; None without one."""
    table = document.get("categories")
    rows = table.get(kind) if isinstance(table, dict) else None
    if not isinstance(rows, list):
        return None
    found = {r["id"]: r["name"] for r in rows if isinstance(r, dict) and type(r.get("id")) is int and _is_text(r)}
    return found or None


def _is_text(row: dict[str, Any]) -> bool:
    return isinstance(row.get("name"), str)


def _usual(records: list[Any], tools: Mapping[int, Label], phases: Mapping[int, str]) -> TrackedFrame | None:
    """What :func:`_frame` says of a frame in which nothing has to be told, cut or named further; None of any other.

    Nearly every frame is one, by half of the work.
    """
    boxes: list[LabeledBox] = []
    phase: int | None = None
    for record in records:
        try:
            (x, y, w, h), id = record["tool_bbox"], record["instrument"]
            said, act = record["phase"], record["triplet"]
        except (TypeError, KeyError, ValueError):
            return None
        if type(id) is not int or type(said) is not int or act not in _WITHOUT_ACT:
            return None
        label = tools.get(id)
        box = within_unit(x, y, w, h) if type(x) is type(y) is type(w) is type(h) is float else None
        if label is None or box is None or (phase is not None and said != phase):
            return None
        phase = said
        boxes.append(LabeledBox(label, box))
    name = None if phase is None else phases.get(phase)
    return None if name is None else TrackedFrame(tuple(boxes), name)


def _frame(
    records: list[Any],
    place: str,
    tools: Mapping[int, Label],
    phases: Mapping[int, str],
    names: TripletNames,
    size: tuple[Any, Any],
) -> tuple[TrackedFrame, list[Defect]]:
    boxes: list[LabeledBox] | None = []
    seen: list[dict[str, Any]] = []
    acts = False
    named: set[int | str] = set()
    defects: list[Defect] = []
    for record in records:
        try:
            box = _box(record, tools, size)
        except BadRowError as error:
            reason = Reason.BOX_OUTSIDE if isinstance(error, BoxOutsideError) else Reason.ROW_MALFORMED
            defects.append(Defect(reason, place, f"{error.message}: the frame has no list of instruments"))
            boxes = None
        else:
            if box is not None and boxes is not None:
                boxes.append(box)
                seen.append(record)
                acts = acts or record.get("triplet") not in _WITHOUT_ACT
        phase = record.get("phase") if isinstance(record, dict) else None
        if phase is not None:
            named.add(phase if type(phase) is int else str(phase))
    named.discard(_NONE)
    known = [phases[n] for n in named if type(n) is int and n in phases]
    if len(named) > 1 or len(known) < len(named):
        detail = f"phase {sorted(map(str, named))}, expected one of {min(phases)} to {max(phases)}: it is left out"
        defects.append(Defect(Reason.LABEL_UNKNOWN, place, detail))
        known = []
    triplets = None
    try:
        triplets = triplets_of(seen, boxes, names) if acts and boxes else None
    except BadRowError as error:
        defects.append(Defect(Reason.LABEL_CORRUPT, place, f"{error.message}: the frame has no list of triplets"))
    return TrackedFrame(None if boxes is None else tuple(boxes), known[0] if known else None, triplets), defects


def _box(record: Any, tools: Mapping[int, Label], size: tuple[Any, Any]) -> LabeledBox | None:
    """The box of a record; None where the instrument is out of view.

    Raises:
        BadRowError: it is no record, its instrument is unknown or its box no box.
    """
    values = record.get("tool_bbox") if isinstance(record, dict) else None
    if not isinstance(values, list) or len(values) != 4 or not _NUMBERS.issuperset(map(type, values)):
        raise BadRowError(f"tool_bbox {str(values)[:60]}, expected four numbers")
    if values == _OUT_OF_VIEW:
        return None
    id = record.get("instrument")
    label = tools.get(id) if type(id) is int else None
    if label is None:
        raise BadRowError(f"instrument {str(record.get('instrument'))[:20]} is not one of {sorted(tools)}")
    width, height = (1.0, 1.0)
    if max(values) > _PIXELS:
        if not all(type(n) is int and n > 0 for n in size):
            raise BadRowError(f"tool_bbox {values} is in pixels, and the file does not say of what size")
        width, height = size
    box, clipped = from_xywh(*values, width=width, height=height)
    return LabeledBox(label, box, clipped)
