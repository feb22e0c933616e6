"""The questions on EndoVis frames (VQA and VQLA): organ, tools, what each tool does, and where it is."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ...errors import BadRowError
from ...media.boxes import BoxOutsideError, from_xyxy
from ...records import Act, Box, Coverage, Defect, Fact, FileImage, Frame, ImageRef, Label, LabeledBox, Reason
from ..questions import Asked, QuestionForms, forms, read_question_lines

FORMS = forms(
    organ=r"what organ is being operated ?\??",
    tools=r"what tools are operating(?: the organ)? ?\??",
    state=r"what is the state of (?P<tool>.+?) ?\??",
    place=r"where is (?P<tool>.+?)(?: located)? ?\??",
)
SIZE = (1280, 1024)
"""Width and height, in pixels, of the frame that boxes are of."""
_NUMBERS = re.compile(r"([0-9]{1,5}), ?([0-9]{1,5}), ?([0-9]{1,5}), ?([0-9]{1,5})")
_IDLE = "idle"


@dataclass(slots=True)
class _Told:
    """What the questions of one frame say; names in lower case with ``_``, each with the question that told it."""

    organs: dict[str, Asked] = field(default_factory=dict)
    listed: list[tuple[frozenset[str], Asked]] = field(default_factory=list)
    states: defaultdict[str, dict[str, Asked]] = field(default_factory=lambda: defaultdict(dict))
    boxes: dict[tuple[str, Box], bool] = field(default_factory=dict)
    organ_boxes: dict[tuple[str, Box], bool] = field(default_factory=dict)
    tools: dict[str, None] = field(default_factory=dict)


def read_sequence(
    files: Sequence[Mapping[int, Path]],
    images: Mapping[int, Path],
    shown: Callable[[Path], str],
    *,
    boxed: bool = False,
) -> Iterator[Frame | Defect]:
    """The frames of one sequence, what is left out of each, and of all of them the questions that were not read.

    Args:
        files: By number of the frame the files of its questions, those of another wording after the first.
        images: By number of the frame its image; one that is missing is told with its frame.
        shown: Place of a file for messages.
        boxed: Whether each question has a box, ``x1, y1, x2, y2`` in pixels of :data:`SIZE`, from 1.
    """
    asked = QuestionForms(FORMS)
    for number in sorted({n for paths in files for n in paths}):
        rows: list[Asked | Defect] = []
        for path in (paths[number] for paths in files if number in paths):
            rows += read_question_lines(path, shown(path), rest=(1,) if boxed else (0,))
        image = FileImage(images[number]) if number in images else None
        yield from read_frame(number, rows, asked, image, boxed=boxed)
    yield from asked.defects()


def read_frame(
    number: int, rows: Iterable[Asked | Defect], asked: QuestionForms, image: ImageRef | None, *, boxed: bool = False
) -> Iterator[Frame | Defect]:
    """The frame that questions are on, and what is left out.

    Args:
        number: Of the frame; it is an order and no time.
        rows: Its questions, those of another wording after the first.
        asked: Account of questions, with :data:`FORMS`.
        image: The frame's image; None where it is missing.
        boxed: Whether each question has a box, ``x1, y1, x2, y2`` in pixels of :data:`SIZE`, from 1.
    """
    told, placed = _Told(), set[str]()
    for row in rows:
        found = None if isinstance(row, Defect) else asked.read(row)
        if isinstance(row, Defect):
            yield row
        elif found is not None:
            form, match = found
            tool = _name(match["tool"]) if form in ("state", "place") else ""
            if form == "place" and not boxed and tool not in placed:
                placed.add(tool)
                asked.pass_over(row, "where an instrument is, in words")
            try:
                _add(told, form, tool, row, _box(row) if boxed else None)
            except BadRowError as error:
                reason = Reason.BOX_OUTSIDE if isinstance(error, BoxOutsideError) else Reason.ROW_MALFORMED
                yield Defect(reason, row.where, f"{error.message}; the question is left out")
    if told.organs or told.tools:
        yield _frame(number, told, image, boxed=boxed)


def _add(told: _Told, form: str, tool: str, row: Asked, box: tuple[Box, bool] | None) -> None:
    said = row.answer.casefold()
    if form == "organ":
        organ = _name(said.rpartition(" is ")[2])
        told.organs.setdefault(organ, row)
        if box is not None:
            told.organ_boxes[organ, box[0]] = box[1]
        return
    if form == "tools":
        names = [_name(name) for name in said.rpartition(" are ")[2].split(",")]
        told.listed.append((frozenset(names), row))
        told.tools.update(dict.fromkeys(names))
        return
    told.tools[tool] = None
    if box is not None:
        told.boxes[tool, box[0]] = box[1]
    if form == "state":
        told.states[tool].setdefault(_name(said.rpartition(" is ")[2]), row)


def _frame(number: int, told: _Told, image: ImageRef | None, *, boxed: bool) -> Frame:
    states = [name for of_one in told.states.values() for name in of_one]
    alone = [(tool, *one) for tool, of_one in told.states.items() if len(of_one) == 1 for one in of_one.items()]
    boxes = [LabeledBox(Label(tool), box, cut) for (tool, box), cut in told.boxes.items()]
    several = {b.label.native for b in boxes if sum(o.label == b.label for o in boxes) > 1}
    asked = [(Fact.TISSUES, row) for row in told.organs.values()]
    asked += [(Fact.INSTRUMENTS, row) for names, row in told.listed if names == {*told.tools}]
    every = {*told.states} == {*told.tools}  # else the state of some tool is not known
    return Frame(
        index=number,
        fps=1,
        image=image,
        size=SIZE if boxed else None,
        instruments=tuple(map(Label, told.tools)),
        tissues=tuple(map(Label, told.organs)) or None,
        actions=tuple(map(Label, dict.fromkeys(states))) if states else None,
        instrument_boxes=tuple(boxes) if boxed else None,
        tissue_boxes=tuple(LabeledBox(Label(o), box, cut) for (o, box), cut in told.organ_boxes.items()) or None,
        asked={fact: row.native for fact, row in asked},
        acts=tuple(Act(Label(t), Label(s), row.native) for t, s, row in alone if t not in several and s != _IDLE),
        coverage={} if every else {Fact.ACTIONS: Coverage.ANNOTATED_ONLY},
    )


def _name(text: str) -> str:
    return "_".join(text.casefold().replace("_", " ").split())


def _box(row: Asked) -> tuple[Box, bool]:
    match = _NUMBERS.fullmatch(row.rest[0]) if row.rest else None
    if match is None:
        raise BadRowError(f"{row.rest[0] if row.rest else ''!r} is no box such as '611, 202, 1005, 590'")
    x1, y1, x2, y2 = (int(number) - 1 for number in match.groups())  # counted from 1
    return from_xyxy(x1, y1, x2, y2, width=SIZE[0], height=SIZE[1])
