"""Comparing the media of a copy with what was noted of them when their tree was stripped."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import orjson

from ..errors import MediaError
from ..media.alignment import best_reading
from ..media.perceptual import ALIKE, bits_apart, clip_hash, picture_hash

_ENOUGH = 200
"""Media of one video that are hashed to say what they show."""

Read = Callable[[], Iterator[tuple[str, bytes]]]
"""What reads the media of a sample: members and bytes."""


class Rows(Protocol):
    """What a copy holds, by the task and the id of a sample."""

    def find(self, task: str, id: str) -> tuple[dict[str, Any], Read] | None:
        """Its JSON, and what reads its media."""


@dataclass(slots=True)
class Comparison:
    """A tree without media against a copy.

    Attributes:
        same: Samples whose media are the same bytes.
        missing: Samples for which the copy has no media, and the first of them.
    """

    same: int = 0
    missing: int = 0
    first_missing: str = ""
    _doubtful: dict[str, list[tuple[Mapping[str, Any], dict[str, Any], Read]]] = field(default_factory=dict)

    def add(self, notes: Sequence[Mapping[str, Any]], rows: Rows) -> None:
        """Hold every sample of one part of the tree against the copy."""
        for note in notes:
            there = rows.find(note["task"], note["id"])
            if there is None:
                self.missing += 1
                self.first_missing = self.first_missing or note["id"]
            elif orjson.loads(note["media"]) == there[0]["media"]:
                self.same += 1
            else:
                self._doubtful.setdefault(note["video_id"], []).append((note, *there))

    @property
    def recognised(self) -> int:
        """Samples that show the same in other bytes, where nothing is :meth:`wrong`."""
        return sum(map(len, self._doubtful.values()))

    def wrong(self) -> Iterator[str]:
        """What is wrong, a line for each video that does not show what was labelled."""
        for video, some in sorted(self._doubtful.items()):
            try:
                if line := _verdict(some):
                    yield f"{video}: {line}"
            except MediaError as error:
                yield f"{video}: {error.message}"


def _verdict(some: Sequence[tuple[Mapping[str, Any], dict[str, Any], Read]]) -> str:
    """What is wrong with the media of one video that have other bytes; empty where they are recognised."""
    wanted: dict[int, int] = {}
    there: dict[int, int] = {}
    other = ""
    for note, doc, read in some[:_ENOUGH]:
        if (doc["width"], doc["height"]) != (note["width"], note["height"]):
            return (
                f"frame {note['frame_index']} is {doc['width']}x{doc['height']}, expected "
                f"{note['width']}x{note['height']}: extract it at its full size"
            )
        first = next((m for m in doc["media"] if m["role"] == "input"), None)
        if first is None or note["hash"] is None:
            continue
        is_clip = first["kind"] == "video"
        if note["frame_index"] in wanted and not is_clip:
            continue
        data = dict(read())[first["member"]]
        found = clip_hash(data, doc["id"]) if is_clip else picture_hash(data, doc["id"])
        if not is_clip:
            wanted[note["frame_index"]], there[note["frame_index"]] = note["hash"], found
        if bits_apart(found, note["hash"]) > ALIKE:
            what = "a clip at frame" if is_clip else "frame"
            other = other or f"{what} {note['frame_index']} shows something else than was labelled"
    reading = best_reading(wanted, there)
    if reading is not None and not reading.plain:
        return reading.words
    return f"{other}, and no shift or rate fits" if other else ""
