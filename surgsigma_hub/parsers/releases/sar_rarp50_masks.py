"""Masks of SAR-RARP50: parts of the robot's instruments, once a second, where all instruments in view are parted."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from ...records import Defect, FileImage, Frame, Label, LabeledMask, Reason
from ..class_masks import MaskCodes, read_class_mask

_PARTS = {1: "Tool clasper", 2: "Tool wrist", 3: "Tool shaft"}
_OTHERS = {4: "Suturing needle", 5: "Thread", 6: "Suction tool", 7: "Needle Holder", 8: "Clamps", 9: "Catheter"}
_OTHER_TOOLS = frozenset({"Suction tool", "Needle Holder", "Clamps"})
_MASK = MaskCodes.of(_PARTS | _OTHERS, 0)


def read_part_masks(masks: Mapping[int, Path], where: Callable[[Path], str], *, fps: float) -> Iterator[Frame | Defect]:
    """Frames with the parts of all instruments in view, by number; of masks with other tools, how many there are.

    Args:
        masks: The mask of each frame, by its 0-based number at ``fps``.
        where: Place of a file for messages.
        fps: Frames per second that numbers count.
    """
    passed: list[str] = []
    for number, path in sorted(masks.items()):
        mask, defects = read_class_mask(FileImage(path), where(path), _MASK)
        yield from defects
        if mask is None or not mask.complete:
            continue
        if mask.regions.keys() & _OTHER_TOOLS:
            passed.append(where(path))
            continue
        parts = [LabeledMask(Label(name), mask.regions[name].mask) for name in _PARTS.values() if name in mask.regions]
        yield Frame(index=number, fps=fps, size=(mask.width, mask.height), part_masks=tuple(parts))
    if passed:
        detail = f"{len(passed)} masks show tools whose parts have no class ({', '.join(sorted(_OTHER_TOOLS))})"
        yield Defect(Reason.LABEL_MISSING, passed[0], f"{detail}: parts are not all there are", len(passed))


def lossy_masks(paths: Sequence[Path], where: Callable[[Path], str]) -> tuple[Defect, ...]:
    """What to say of masks that a copy turned into JPEG, which blurs their numbers."""
    if not paths:
        return ()
    detail = f"{len(paths)} masks are JPEG, which blurs their numbers, expected PNG: left out"
    return (Defect(Reason.LABEL_CORRUPT, where(min(paths)), detail, len(paths)),)
