"""Clips of AutoLaparo: one motion and one phase each, and masks of six pictures of it; and the codes of its tables."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from ...records import Defect, FileImage, Frame, Label, Reason, Segment, VideoTimeline
from ...source.numbered_files import as_ended
from ..class_masks import MaskCodes, facts_in, read_class_mask
from ..frame_tables import Code, FrameRows, FrameTable

_PHASES = (
    "Preparation",
    "Dividing Ligament and Peritoneum",
    "Dividing Uterine Vessels and Ligament",
    "Transecting the Vagina",
    "Specimen Removal",
    "Suturing",
    "Washing",
)
PHASE_TABLE = FrameTable(columns=(Code("Phase", dict(enumerate(_PHASES, 1))),), kind="phase", base=1)
"""Of a film: the phase of each second, the first of which is 1."""
_MOTIONS = ("static", "up", "down", "left", "right", "zoom-in", "zoom-out")
MOTION_TABLE = FrameTable(
    columns=(Code("Label", dict(enumerate(_MOTIONS))), Code("Phase", dict(enumerate(_PHASES, 1)))),
    kind="phase",
    number="Clip",
    base=1,
)
"""Of all clips: motion and phase of each, the first of which is 1."""
CLIP_SECONDS = 10.0
"""Of a clip: 250 frames at 25 a second, the motion in the middle."""
_INSTRUMENTS = ("Grasping forceps", "LigaSure", "Dissecting and grasping forceps", "Electric hook")
_MASK = MaskCodes.of(
    {20 * n: name for n, name in enumerate((i for one in _INSTRUMENTS for i in (one, one)), 1)} | {180: "uterus"},
    0,
)
"""Grey values: of each instrument one of what moves at its end and one of its shaft, both of it; then the uterus."""


def phase_of_clip(rows: FrameRows, clip: int, where: str, *, missing: bool) -> tuple[str | None, list[Defect]]:
    """The phase of a clip by the table of all, and what is left out: its motion, or that it is not listed.

    Args:
        rows: Of :data:`MOTION_TABLE`.
        clip: Its number, from 1 on.
        where: The place of the table, for messages.
        missing: Whether the copy has no such table.
    """
    place, told = f"{where} clip {clip}", list[Defect]()
    motion, phase = (rows.named[name].get(clip - 1) for name in ("Label", "Phase"))
    if motion is not None:
        detail = f"the laparoscope's motion is {motion}: no task asks how a camera moves"
        told.append(Defect(Reason.QUESTION_UNTYPED, place, detail))
    if phase is None:
        detail = "the file is missing: no phase of this clip" if missing else "no phase of this clip"
        told.append(Defect(Reason.LABEL_MISSING, place, detail))
    return phase, told


def course_of_clip(phase: str) -> VideoTimeline:
    """The course of a clip that shows one phase, of which neither start nor end is seen."""
    shown = Segment("phase", Label(phase), 0.0, CLIP_SECONDS, start_known=False, end_known=False)
    return VideoTimeline(segments=(shown,), labelled={"phase": ((0.0, CLIP_SECONDS),)})


def moments_of_pictures(
    masks: Mapping[int, Path], phase: str | None, shown: Callable[[Path], str]
) -> Iterator[Frame | Defect]:
    """What masks of pictures of one clip say, and the phase of that clip.

    Args:
        masks: By number of the frame in the clip; the picture of each is ``imgs/<its name>.jpg`` beside its folder.
        phase: Of the clip; None where it is not known.
        shown: Place of a file for messages.
    """
    for number, path in sorted(masks.items()):
        picture = as_ended(path.parent.parent / "imgs" / f"{path.stem}.jpg")
        if not picture.is_file():
            yield Defect(Reason.MEDIA_MISSING, shown(path), f"{shown(picture)} is missing")
            continue
        mask, defects = read_class_mask(FileImage(path), shown(path), _MASK)
        yield from defects
        if mask is not None:
            facts = facts_in(mask, instruments=_INSTRUMENTS)
            del facts["tissues"]  # of all that is in view the uterus alone has a class
            if phase is not None:
                facts["phase"] = Label(phase)
            yield Frame(index=number, fps=1, image=FileImage(picture), **facts)
