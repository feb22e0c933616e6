"""Conversations of CoPESD, a question and an answer on each picture: rows as frames, and what is left out."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ...errors import BadRowError
from ...media.boxes import BoxOutsideError, from_xywh, from_xyxy
from ...records import Coverage, Defect, Fact, Frame, Label, LabeledBox, NativeQA, Reason, Triplet
from .esd_boxes import Convention, Placed, convention_of, parse_boxes
from .esd_motions import NO_TARGET, Motion, parse_motions
from .esd_views import says_no_view

_IMAGE = re.compile(r"(?:.*[\\/])?([0-9A-Za-z_-]{1,40})[\\/]([0-9]{1,6})\.(?:jpg|jpeg|png)", re.IGNORECASE)
_FROZEN_LEAST = 5
_ONE_NAMED = dict.fromkeys(
    (Fact.INSTRUMENTS, Fact.ACTIONS, Fact.TRIPLETS, Fact.INSTRUMENT_BOXES), Coverage.ANNOTATED_ONLY
)
"""What the lists hold where a sentence is on one instrument alone: the other may be in view."""
_BOTH = frozenset({"Forceps", "Knife"})
"""The instruments of this operation, one of each: a sentence on both leaves none out."""


@dataclass(frozen=True, slots=True)
class _Item:
    """One conversation: place in its file, number of its picture, question and answer."""

    place: int
    number: int
    question: str
    answer: str


def picture_of(row: Any) -> tuple[str, int] | None:
    """Folder and number of the picture that a row is on; None where it names none."""
    image = row.get("image") if isinstance(row, dict) else None
    match = _IMAGE.fullmatch(image) if isinstance(image, str) else None
    return (match[1], int(match[2])) if match else None


def read_conversations(rows: Sequence[Any], folder: str, where: str, *, strays: bool) -> Iterator[Frame | Defect]:
    """The pictures of one folder, by number.

    Args:
        rows: All rows of the file.
        folder: The folder wanted.
        where: The file, for messages.
        strays: Whether to tell rows that name no picture: they are of no folder.
    """
    items: dict[int, _Item] = {}
    twice: set[int] = set()
    for place, row in enumerate(rows):
        picture = picture_of(row)
        if picture is None and strays:
            yield Defect(Reason.ROW_MALFORMED, f"{where} item {place}", "no image like 023521/0001.jpg")
        if picture is None or picture[0] != folder:
            continue
        try:
            item = _item(place, picture[1], row)
        except BadRowError as error:
            yield Defect(Reason.ROW_MALFORMED, f"{where} item {place}", error.message)
            continue
        other = items.setdefault(item.number, item)
        if other is not item:
            detail = f"image {item.number} is item {other.place} already"
            if (other.question, other.answer) != (item.question, item.answer):
                detail += ", with another text; both are left out"
                twice.add(item.number)
            yield Defect(Reason.DUPLICATE_ID, f"{where} item {place}", detail)
    yield from _moments(where, [item for number, item in sorted(items.items()) if number not in twice])


def _item(place: int, number: int, row: Mapping[str, Any]) -> _Item:
    """One row whose picture is known.

    Raises:
        BadRowError: not one question of "human" and one answer of "gpt".
    """
    match row.get("conversations"):
        case [{"from": "human", "value": str(question)}, {"from": "gpt", "value": str(answer)}]:
            return _Item(place, number, question, answer)
    raise BadRowError("conversations are not one turn of 'human' and one of 'gpt', each with a text 'value'")


def _moments(where: str, items: list[_Item]) -> Iterator[Frame | Defect]:
    placed: dict[int, tuple[Placed, ...] | BadRowError] = {}
    for item in items:
        try:
            placed[item.number] = parse_boxes(item.answer)
        except BadRowError as error:
            placed[item.number] = error
    reading = _Reading.of([boxes for boxes in placed.values() if not isinstance(boxes, BadRowError)])
    unsure: dict[str, list[_Item]] = {}
    for item in items:
        place = f"{where} item {item.place}"
        if says_no_view(item.answer):
            yield Defect(Reason.NO_SURGICAL_VIEW, place, "the sentence says that the lens has to be cleaned")
            continue
        motions: tuple[Motion, ...] | None = None
        boxes: tuple[LabeledBox, ...] | None = None
        try:
            motions = parse_motions(item.answer)
        except BadRowError as error:
            yield Defect(Reason.ROW_MALFORMED, place, f"{error.message}; its boxes are read all the same")
        found = placed[item.number]
        try:
            if isinstance(found, BadRowError):
                raise found
            if doubt := reading.doubt(found):
                unsure.setdefault(doubt, []).append(item)
            else:
                boxes = reading.boxes(found)
        except BadRowError as error:
            reason = Reason.BOX_OUTSIDE if isinstance(error, BoxOutsideError) else Reason.ROW_MALFORMED
            yield Defect(reason, place, f"{error.message}; the frame keeps its other facts")
        if motions is None and isinstance(found, BadRowError):
            continue
        named = [m.instrument for m in motions or ()]
        if motions is None and not isinstance(found, BadRowError):
            named = [p.instrument for p in found]
        yield _frame(item, named, motions, boxes)
    for doubt, of in unsure.items():  # one entry each: a folder that has no boxes to be believed loses no picture
        detail = f"{doubt}: no boxes of {len(of)} of {len(items)} images, which keep their other facts"
        yield Defect(Reason.LABEL_CORRUPT, f"{where} item {of[0].place}", detail)


@dataclass(frozen=True, slots=True)
class _Reading:
    """How the boxes of one video are to be read: what the numbers mean, and which boxes stand still throughout."""

    convention: Convention | None
    frozen: frozenset[tuple[Placed, ...]]

    @classmethod
    def of(cls, sentences: list[tuple[Placed, ...]]) -> _Reading:
        """The reading that fits all sentences of a video."""
        often = Counter(sentences)
        frozen = {boxes for boxes, n in often.items() if n >= _FROZEN_LEAST and n * 4 > len(sentences)}
        return cls(convention_of(p for boxes in sentences for p in boxes), frozenset(frozen))

    def doubt(self, sentence: tuple[Placed, ...]) -> str:
        """Why the boxes of a sentence cannot be believed though they are well written; empty where they can."""
        if sentence in self.frozen:
            return "the same boxes stand in over a quarter of the video's images, whatever they show"
        if self.convention is None:
            return "the boxes of this video do not tell whether they are written as corners or as sizes"
        return ""

    def boxes(self, sentence: tuple[Placed, ...]) -> tuple[LabeledBox, ...]:
        """The boxes of one sentence.

        Raises:
            BadRowError: a box that is empty or outside the picture.
        """
        read = from_xyxy if self.convention == "corners" else from_xywh
        made: list[LabeledBox] = []
        for placed in sentence:
            box, clipped = read(*placed.numbers)
            made.append(LabeledBox(Label(placed.instrument), box, clipped))
        return tuple(made)


def _frame(
    item: _Item,
    named: list[str],
    motions: tuple[Motion, ...] | None,
    boxes: tuple[LabeledBox, ...] | None,
) -> Frame:
    done = [m for m in motions or () if m.motion != "idle"]
    acting = [m for m in done if m.motion != "reach"]
    return Frame(
        index=item.number,  # the rate is not published, so that the number is an order and no time
        fps=1,
        instruments=tuple(Label(name) for name in named),
        tissues=tuple(Label(t) for t in dict.fromkeys(m.target for m in acting) if t != NO_TARGET) or None,
        actions=None if motions is None else tuple(Label(m) for m in dict.fromkeys(m.motion for m in done)),
        triplets=None
        if motions is None
        else tuple(Triplet(Label(m.instrument), Label(m.motion), Label(m.target)) for m in motions),
        instrument_boxes=boxes,
        native_qa=NativeQA(item.question, item.answer),
        coverage={} if {*named} >= _BOTH else _ONE_NAMED,
    )
