"""Key frames of PSI-AVA: a COCO-like file with a box, actions, a phase and a step for every instrument in view."""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ...errors import BadRowError
from ...media.boxes import BoxOutsideError, from_xywh
from ...records import Defect, Label, LabeledBox, Reason
from ..strict_json import read_json

PHASES = dict(
    enumerate(
        (
            "Idle", "LPIL", "RPIL", "Retzius_Space", "Dorsal_Venous_Complex", "Id_Bladder_Neck", "Seminal_Vesicles",
            "Denonvilliers_Fascia", "Pedicle_Control", "Severing_Prostate_Urethra", "Bladder_Neck_Rec",
        )
    )
)  # fmt: skip
STEPS = dict(
    enumerate(
        (
            "Idle", "Id_Illiac_Vein_Artery", "Dissection_Illiac_Lymph_Nodes", "Dissection_Obturator_Lymph_Nodes",
            "Pack_Lymph_Nodes", "Prevessical_Dissection", "Ligation_Dorsal_Venous_Complex", "Prostate_Dissection",
            "Seminal_Vessicle_Dissection", "Denon_Dissection", "Cut_Prostate", "Hold_Prostate", "Pack_Prostate",
            "Pass_Suture_Urethra", "Pass_Suture_Neck", "Pull_Suture", "Tie_Suture", "Suction", "Cut", "Cut_Bladder",
            "Clip_Pedicles",
        )
    )
)  # fmt: skip
_VOCABULARIES = {
    "phase": "phase_categories",
    "step": "step_categories",
    "action": "action_categories",
    "instrument": "categories",
}
_PICTURE = re.compile(r"(CASE[0-9]{3})/([0-9]{5})\.jpg")

Problem = tuple[Reason, str, str]
"""Why, which image or annotation, and what was found."""


@dataclass(frozen=True, slots=True)
class KeyFrame:
    """What is known of one key frame; None means not annotated, or not usable.

    ``size`` is width and height of its picture in pixels. ``told`` says that the file had something on it, or that a
    problem with it was reported.
    """

    phase: Label | None = None
    step: Label | None = None
    instruments: tuple[Label, ...] | None = None
    actions: tuple[Label, ...] | None = None
    boxes: tuple[LabeledBox, ...] | None = None
    told: bool = False
    size: tuple[int, int] | None = None


def cases_in(path: Path) -> set[str]:
    """The cases that a file has key frames of.

    Raises:
        BadRowError: the file is not of the expected form.
    """
    return cases_of(_document(path))


def cases_of(document: dict[str, Any]) -> set[str]:
    """As :func:`cases_in`, of a file that was read."""
    return {match[1] for image in document["images"] if (match := _picture(image)) is not None}


def read_key_frames(path: Path | None, where: str, case: str) -> tuple[dict[int, KeyFrame], list[Defect]]:
    """The key frames of one case by second, and what was left out.

    Args:
        path: The file; None where it is missing, which tells nothing.
        where: Its place for messages.
        case: Such as ``CASE001``.
    """
    if path is None:
        return {}, []
    try:
        keys, problems = _key_frames(_document(path), case)
    except BadRowError as error:
        return {}, [Defect(Reason.ROW_MALFORMED, where, error.message)]
    return keys, [Defect(reason, f"{where} {place}", detail) for reason, place, detail in problems]


def _key_frames(document: dict[str, Any], case: str) -> tuple[dict[int, KeyFrame], list[Problem]]:
    names = {kind: _names(document, key) for kind, key in _VOCABULARIES.items()}
    images, problems = _images(document["images"])
    by_name = {image["file_name"]: id for id, image in images.items()}
    notes: dict[int, list[dict[str, Any]]] = defaultdict(list)
    torn: set[int] = set()
    for n, note in enumerate(document["annotations"]):
        note = note if isinstance(note, dict) else {}
        id, name = note.get("image_id"), note.get("image_name")
        by = by_name.get(name) if isinstance(name, str) else None
        if by is not None and type(id) is int and by == id:
            notes[by].append(note)
            continue
        candidates = {c for c in (by, id) if type(c) is int}
        torn |= candidates  # it is of one of these, whose list is half true without it
        detail = f"image_id {str(id)[:20]} and image_name {str(name)[:30]!r} are not of one usable image"
        owner = next((m for m in (_match(name), *(_picture(images.get(c)) for c in sorted(candidates))) if m), None)
        problems.append((owner[1] if owner else "", (Reason.ROW_MALFORMED, f"annotation number {n}", detail)))
    # What is of no case is told with the first one, so that it is told once.
    first = min(cases_of(document), default="")
    told = [problem for owner, problem in problems if (owner or first) == case]
    found: dict[int, KeyFrame] = {}
    for id, image in images.items():
        match = _picture(image)
        if match is None or match[1] != case:
            continue
        frame, more = _key_frame(image, notes[id], names)
        frame = replace(frame, size=(image["width"], image["height"]))
        if id in torn:
            frame = replace(frame, instruments=None, actions=None, boxes=None, told=True)
        found[int(match[2])] = frame
        told += [(reason, f"image {match[0]}", detail) for reason, detail in more]
    return found, told


def _images(entries: list[Any]) -> tuple[dict[int, dict[str, Any]], list[tuple[str, Problem]]]:
    """Usable images by id, and what is wrong with the others, each with the case it is of ("" where not told)."""
    found: dict[int, dict[str, Any]] = {}
    problems: list[tuple[str, Problem]] = []
    names: set[str] = set()
    for n, image in enumerate(entries):
        match = _picture(image)
        if match is None:
            detail = "expected a file_name such as CASE001/00001.jpg"
            problems.append(("", (Reason.ROW_MALFORMED, f"image number {n}", detail)))
            continue
        id, where = image.get("id"), f"image {match[0]}"
        if type(id) is not int or not _positive(image.get("width")) or not _positive(image.get("height")):
            problems.append((match[1], (Reason.ROW_MALFORMED, where, "expected a whole id, width and height")))
        elif match[0] in names or id in found:
            problems.append((match[1], (Reason.DUPLICATE_ID, where, "the file lists it, or its id, twice")))
        else:
            found[id] = image
        names.add(match[0])
    return found, problems


def _document(path: Path) -> dict[str, Any]:
    document = read_json(path)
    if not isinstance(document, dict) or not all(isinstance(document.get(k), list) for k in ("images", "annotations")):
        raise BadRowError("no object with the lists images and annotations")
    return document


def _picture(image: Any) -> re.Match[str] | None:
    return _match(image.get("file_name")) if isinstance(image, dict) else None


def _match(name: Any) -> re.Match[str] | None:
    return _PICTURE.fullmatch(name) if isinstance(name, str) else None


def _names(document: dict[str, Any], key: str) -> dict[int, str]:
    """The vocabulary that the file itself gives."""
    entries = document.get(key)
    found = {
        e["id"]: e["name"]
        for e in (entries if isinstance(entries, list) else [])
        if isinstance(e, dict) and type(e.get("id")) is int and isinstance(e.get("name"), str)
    }
    if not found:
        raise BadRowError(f"no vocabulary {key}: what its numbers mean is not known")
    return found


def _key_frame(
    image: dict[str, Any], notes: list[dict[str, Any]], names: dict[str, dict[int, str]]
) -> tuple[KeyFrame, list[tuple[Reason, str]]]:
    if not notes:
        return KeyFrame(), []
    problems: list[tuple[Reason, str]] = []
    whole: dict[str, Label | None] = {}
    for kind in ("phase", "step"):
        numbers = [n if type(n) is int else str(n)[:20] for n in (note.get(kind, -1) for note in notes)]
        said = {n for n in numbers if n != -1}  # -1 is the code of this family of sources for "not labelled"
        known = [n for n in said if isinstance(n, int) and n in names[kind]]
        whole[kind] = Label(names[kind][known[0]]) if len(known) == len(said) == 1 else None
        if len(said) > 1 or len(known) < len(said):
            shown = ", ".join(sorted(map(str, said)))
            problems.append((Reason.LABEL_CORRUPT, f"{kind} {shown}: expected one number of the vocabulary"))
    instruments: list[Label] | None = []
    actions: list[Label] | None = []
    boxes: list[LabeledBox] | None = []
    for note in notes:  # one bad entry makes its list half true, so the list goes
        where = f"annotation {str(note.get('id'))[:20]}"
        kind_id, acts = note.get("category_id"), note.get("actions")
        if type(kind_id) is not int or kind_id not in names["instrument"]:
            problems.append((Reason.LABEL_UNKNOWN, f"{where}: instrument {str(kind_id)[:20]}; instruments left out"))
            instruments = boxes = None
        elif instruments is not None:
            label = Label(names["instrument"][kind_id])
            instruments.append(label)
            try:
                if boxes is not None:
                    boxes.append(LabeledBox(label, *_box(note.get("bbox"), image)))
            except BadRowError as error:
                reason = Reason.BOX_OUTSIDE if isinstance(error, BoxOutsideError) else Reason.ROW_MALFORMED
                problems.append((reason, f"{where}: {error.message}; the frame keeps its other facts"))
                boxes = None
        if not isinstance(acts, list) or any(type(a) is not int or a not in names["action"] for a in acts):
            problems.append((Reason.LABEL_UNKNOWN, f"{where}: actions {str(acts)[:40]}; actions left out"))
            actions = None
        elif not acts:
            actions = None  # what this instrument does was not annotated
        elif actions is not None:
            actions += [Label(names["action"][a]) for a in acts]
    frame = KeyFrame(
        phase=whole["phase"],
        step=whole["step"],
        instruments=None if instruments is None else tuple(dict.fromkeys(instruments)),
        actions=None if actions is None else tuple(dict.fromkeys(actions)),
        boxes=None if boxes is None else tuple(boxes),
        told=True,
    )
    return frame, problems


def _box(value: Any, image: dict[str, Any]) -> tuple[Any, bool]:
    if not isinstance(value, list) or len(value) != 4 or any(type(v) not in (int, float) for v in value):
        raise BadRowError(f"bbox {str(value)[:60]}: expected x, y, width, height")
    x, y, w, h = value
    return from_xywh(x, y, w, h, width=image["width"], height=image["height"])


def _positive(value: Any) -> bool:
    return type(value) is int and value > 0
