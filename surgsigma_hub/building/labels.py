"""A digest of the labels of one video, by which two videos with the same labels are found."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from typing import Any

from ..records import Frame

_LEAST = 10
"""Moments below which two videos may be alike by chance."""


@dataclass(slots=True)
class LabelDigest:
    """What the moments of one video are labelled with, pictures apart."""

    _moments: int = 0
    _kinds: set[int] = field(default_factory=set)
    _digest: Any = field(default_factory=lambda: hashlib.blake2b(digest_size=16))

    def update(self, frame: Frame) -> None:
        """Take the next moment into account."""
        said = (
            frame.phase, frame.step, frame.instruments, frame.tissues, frame.actions, frame.triplets,
            frame.instrument_boxes, frame.tissue_boxes, frame.criteria, frame.native_qa,
        )  # fmt: skip
        text = repr(said)
        if frame.asked or frame.checks or frame.acts:
            text += repr((frame.asked, frame.checks, frame.acts))
        self._moments += 1
        self._kinds.add(hash(text))
        self._digest.update(f"{frame.index}/{frame.fps:g} {frame.variant} {text}\n".encode())

    def hexdigest(self) -> str:
        """The digest; empty where the labels are too few or too uniform to be told apart from others."""
        return self._digest.hexdigest() if self._moments >= _LEAST and len(self._kinds) > 1 else ""


def each_box_once(frame: Frame) -> tuple[Frame, int]:
    """The frame without boxes that repeat another of the same label and place, and how many these are.

    An annotation that was saved twice is no second instrument: it would be counted, and told as one more.
    """
    changed: dict[str, Any] = {}
    repeated = 0
    for name in ("instrument_boxes", "tissue_boxes"):
        boxes = getattr(frame, name) or ()
        once = tuple(dict.fromkeys(boxes)) if len(boxes) > 1 else boxes
        if len(once) < len(boxes):
            changed[name], repeated = once, repeated + len(boxes) - len(once)
    return (replace(frame, **changed), repeated) if changed else (frame, 0)
