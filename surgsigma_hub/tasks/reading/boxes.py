"""Labelled boxes in the forms that models print: lists, points, JSON, tags; in shares, thousandths or pixels."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from ...errors import BadRowError, SurgSigmaError
from ...ontology import Kind
from ...records import Answer, AnswerBox
from ..common.answers import NOT_TISSUE, boxes_text
from ..common.base import Size, Space
from .corners import Corners, by_sides, corners_in, shares, space_of, to_box
from .denial import denied
from .labels import says_none
from .lexicon import lexicon
from .strip import answer_part, bad
from .words import tokens

_CONNECTS_WORDS = (
    "and at another one second third also also in it of is are to with respectively other more region location "
    "box found seen"
)
_CONNECTS = frozenset(_CONNECTS_WORDS.split())
_BOX_KEYS_WORDS = "bbox_2d bbox box box_2d bounding_box boundingbox coordinates boxes bboxes"
_BOX_KEYS = frozenset(_BOX_KEYS_WORDS.split())
_NAME_KEYS_WORDS = "label name class category instrument tool tissue organ structure object class_name text"
_NAME_KEYS = frozenset(_NAME_KEYS_WORDS.split())
_BOX_START = re.compile(r"<box>|<\|box_start\|>", re.IGNORECASE)
_BOX_END = re.compile(r"</box>|<\|box_end\|>", re.IGNORECASE)
_Y_FIRST = frozenset({"box_2d"})  # Gemini's key: y before x


@dataclass(frozen=True, slots=True)
class _Named:
    numbers: tuple[float, ...]
    name: str


@dataclass(frozen=True, slots=True)
class Boxes:
    """Reads boxes with labels of ``kind``; the label of a box that bears no known name is empty."""

    kind: Kind

    def __call__(
        self, text: str, *, size: Size | None = None, space: Space | None = None, procedure: str | None = None
    ) -> Answer:
        """The boxes in the order of the text, in 0..1.

        Args:
            text: What a model printed.
            size: Width and height of the picture that pixels refer to.
            space: What the numbers are; None decides: all up to 1 are shares of the frame, otherwise pixels where
                ``size`` is given, otherwise thousandths.
            procedure: Not used.

        Raises:
            BadAnswerError: no box and no "none", half a box, or a box that is empty, inside out or outside.
            SurgSigmaError: ``space`` is "pixel" without a ``size``, or a size that is not positive.
        """
        if space == "pixel" and size is None:
            raise SurgSigmaError("boxes in pixels need the size of the image", hint="Give size=(width, height).")
        if size is not None and min(size) <= 0:
            raise SurgSigmaError(f"an image cannot have the size {size}", hint="Give size=(width, height) in pixels.")
        expected = f"{self.kind} boxes, or none"
        part = answer_part(_BOX_END.sub("] ", _BOX_START.sub(" [", text)), expected)
        part = by_sides(part)
        told = shares(part)
        part, space = told, (space if told == part else "unit")
        try:
            found = _from_json(part)
            named = [_Named(f.numbers, self._label(f.name)) for f in found] if found else self._from_text(part)
            if not named:
                if says_none(self.kind, part) or self._all_denied(part):
                    return Answer(text=boxes_text(self.kind, ()))
                raise bad(expected, part, "it holds no box and does not say that there is none")
            where = space or space_of([n for b in named for n in b.numbers], size)
            if where == "thousand" and space is None and max(n for b in named for n in b.numbers) > 1020:
                raise bad(expected, part, "numbers over 1000 are pixels, which need the size of the image")
            boxes = [(b.name, to_box(b.numbers, where, size)) for b in named]
        except BadRowError as error:
            raise bad(expected, part, error.message) from None
        left_out = NOT_TISSUE if self.kind == "target" else frozenset[str]()
        typed = tuple(AnswerBox(name, b.x1, b.y1, b.x2, b.y2) for name, b in boxes if name not in left_out)
        return Answer(text=boxes_text(self.kind, typed), boxes=typed)

    def _all_denied(self, part: str) -> bool:
        """Whether labels are named and each is denied: "there is no hook in view"."""
        read = tokens(part)
        spans = lexicon(self.kind).find(read)
        return bool(spans) and denied(read, spans) == {*range(len(spans))}

    def _label(self, name: str) -> str:
        ids = {i for span in lexicon(self.kind).find(name) for i in span.ids(self.kind)}
        return ids.pop() if len(ids) == 1 else ""

    def _from_text(self, part: str) -> list[_Named]:
        """Boxes with the name that stands before each, or behind each where none stands before the first."""
        found = corners_in(part)
        if not found:
            return []
        gaps = self._gaps(part, found)
        count = len(found)
        if not gaps[0] or re.search(r"\bbbox_2d\b|\"box", part[: found[0].start]):
            behind = ["" if not g else g[0] for g in gaps[1:]] if gaps else []
            if any(behind):
                return [_Named(c.numbers, n or "") for c, n in zip(found, behind, strict=True)]
        if len(set(gaps[0] or ())) == count > 1 and not any(gaps[1:]):
            return [_Named(c.numbers, n) for c, n in zip(found, dict.fromkeys(gaps[0] or ()), strict=True)]
        named: list[_Named] = []
        name = ""
        for corners, gap in zip(found, gaps, strict=False):
            name = name if gap is None else gap[-1] if gap else ""
            named.append(_Named(corners.numbers, name))
        return named

    def _gaps(self, part: str, found: Sequence[Corners]) -> list[list[str] | None]:
        """The labels before each box and after the last; None where nothing but connecting words stands there."""
        gaps: list[list[str] | None] = []
        edges = [0, *(e for c in found for e in (c.start, c.end)), len(part)]
        for start, end in zip(edges[::2], edges[1::2], strict=True):
            read = tokens(part[start:end])
            spans = lexicon(self.kind).find(read)
            no = denied(read, spans)
            named = [s.ids(self.kind) for n, s in enumerate(spans) if n not in no and s.ids(self.kind)]
            words = {t.word for t in read if not t.is_mark}
            if not named and words <= _CONNECTS:
                gaps.append(None)
            else:
                gaps.append([ids[0] if len(ids) == 1 else "" for ids in named])
        return gaps


def _from_json(part: str) -> list[_Named]:
    """Boxes of the JSON in a text; nothing where there is no JSON, or it has no objects."""
    starts = [at for at in (part.find("["), part.find("{")) if at >= 0]
    end = max(part.rfind("]"), part.rfind("}"))
    if not starts or "{" not in part or end < 0:
        return []
    try:
        content = json.loads(part[min(starts) : end + 1])
    except (ValueError, RecursionError):
        return []
    return list(_walk(content, "", 0))


def _walk(node: Any, name: str, depth: int) -> Iterator[_Named]:
    if depth > 6:
        return
    if isinstance(node, dict):
        own = next((v for k, v in node.items() if k.casefold() in _NAME_KEYS and isinstance(v, str)), name)
        for key, value in node.items():
            if key.casefold() in _BOX_KEYS:
                fours = _fours(value)
                if not fours and value != []:
                    raise BadRowError(f"the value of {key!r} does not make a box")
                for numbers in fours:
                    a, b, c, d = numbers
                    yield _Named((b, a, d, c) if key.casefold() in _Y_FIRST else numbers, own)
            elif isinstance(value, list | dict):
                fours = _fours(value)
                if fours:
                    yield from (_Named(n, key) for n in fours)
                else:
                    yield from _walk(value, name, depth + 1)
    elif isinstance(node, list):
        for item in node:
            yield from _walk(item, name, depth + 1)


def _fours(value: Any) -> list[tuple[float, ...]]:
    """The boxes in a JSON value: four numbers, two points, an object of four numbers, or a list of such."""
    if isinstance(value, str):
        return [c.numbers for c in corners_in(value)]
    if isinstance(value, dict):
        value = list(value.values())
        return _fours(value) if all(map(_is_number, value)) else []
    if not isinstance(value, list):
        return []
    if len(value) == 4 and all(map(_is_number, value)):
        return [tuple(map(float, value))]
    if len(value) == 2 and all(isinstance(p, list) and len(p) == 2 and all(map(_is_number, p)) for p in value):
        return [tuple(float(n) for p in value for n in p)]
    made = [_fours(v) for v in value if isinstance(v, list)]
    if len(made) == len(value) and all(made):
        return [n for numbers in made for n in numbers]
    return []


def _is_number(value: Any) -> bool:
    return (isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e9) or value != value
