"""One sample as a card: picture, then title, turns, reasoning and answer, and at the bottom where it comes from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from PIL import Image, ImageDraw

from ..media.lettering import cut, font, wrap
from ..media.overlay import Colour
from ..ontology import concepts
from ..records import without_tags
from ..shards.sampling import Picked
from ..tasks import all_tasks
from .pictures import picture
from .style import CARD, CARD_WIDTH, FAMILY, GREY, INK, INNER, MET, PAD, SOFT, UNMET

_INDENT = 14
_MOST_TURNS = 8
_LEVELS = ("perceptual", "relational", "contextual")


@dataclass(frozen=True, slots=True)
class Line:
    """A piece of a card's text part.

    Attributes:
        before: Empty pixels above it.
        mark: The sign of a verdict.
        number: A level of reasoning, drawn as a small disc; 0 keeps its place free.
        chips: Drawn instead of ``text``.
        bar: Colour of the bar at the left of an answer.
        right: Small text at the right edge.
    """

    text: str
    size: int
    colour: Colour
    before: int = 0
    mark: bool | None = None
    number: int | None = None
    chips: tuple[str, ...] = ()
    bar: Colour | None = None
    right: str = ""

    @property
    def height(self) -> int:
        """Its pixels without ``before``."""
        return self.size + (10 if self.chips else 6)


@dataclass(frozen=True, slots=True)
class Card:
    """One sample, not drawn yet: the row it stands in decides its height."""

    picture: Image.Image
    lines: tuple[Line, ...]
    origin: tuple[Line, ...]

    @property
    def height(self) -> int:
        """The least height that shows everything."""
        return self.picture.height + _total(self.lines) + _total(self.origin) + 2 * PAD

    def draw(self, height: int) -> Image.Image:
        """The card, made ``height`` tall."""
        made = Image.new("RGB", (CARD_WIDTH, height), CARD)
        made.paste(self.picture, (0, 0))
        pen = ImageDraw.Draw(made)
        starts = (self.picture.height + PAD, height - PAD - _total(self.origin))
        for lines, y in zip((self.lines, self.origin), starts, strict=True):
            for line in lines:
                y += line.before
                _draw_line(pen, line, y)
                y += line.height
        return made


def card(picked: Picked, palette: Mapping[str, Colour], tall: int) -> Card:
    """The card of a sample, its picture part ``tall`` pixels high."""
    doc = picked.doc
    accent = FAMILY.get(doc.get("family", ""), SOFT)
    known = all_tasks().get(doc["task"])
    title = known.title if known else doc["task"].replace("_", " ").capitalize()
    lines = [Line(title, 18, accent, right=doc.get("split", ""))]
    lines += _turns(doc["messages"], accent)
    lines += _reasoning(doc.get("reasoning") or {})
    lines += _answer(doc["answer"], accent)
    return Card(picture(picked, palette, tall), tuple(lines), tuple(_origin(doc)))


def _total(lines: Sequence[Line]) -> int:
    return sum(line.before + line.height for line in lines)


# -------------------------------------------------------------------------------------------------- what it says


def _turns(messages: Sequence[Mapping[str, Any]], accent: Colour) -> Iterator[Line]:
    """Question and answer, or all turns of a longer conversation, each in short."""
    long = len(messages) > 2
    for message in messages[:_MOST_TURNS]:
        text = " ".join(without_tags(message["content"]).split())
        user = message["role"] == "user"
        most = (1 if user else 2) if long else (4 if user else 6)
        for n, part in enumerate(wrap(text, font(15), INNER - (0 if user else _INDENT), most)):
            before = (10 if user or not long else 4) if n == 0 else 0
            yield Line(part, 15, SOFT if user else INK, before, bar=None if user else accent)
    if len(messages) > _MOST_TURNS:
        yield Line(f"and {len(messages) - _MOST_TURNS} more turns", 13, GREY, 6)


def _reasoning(reasoning: Mapping[str, Any]) -> Iterator[Line]:
    for number, level in enumerate(_LEVELS, 1):
        text = " ".join((reasoning.get(level) or "").split())
        for n, part in enumerate(wrap(text, font(13), INNER - 24, 2)):
            yield Line(part, 13, SOFT, (10 if number == 1 else 5) if n == 0 else 0, number=number if n == 0 else 0)


def _answer(answer: Mapping[str, Any], accent: Colour) -> Iterator[Line]:
    """The typed answer, as far as it is not drawn into the picture."""
    for n, verdict in enumerate(answer.get("criteria", ())):
        concept = concepts("criterion").get(verdict["criterion"])
        name = concept.name if concept else verdict["criterion"].replace("_", " ")
        scores = " ".join(f"{s:g}" for s in verdict.get("scores", ()))
        yield Line(name, 15, INK, 10 if n == 0 else 2, mark=bool(verdict["met"]), right=scores)
    chips = [c.replace("_", " ") for c in answer.get("labels", ())] if not answer.get("boxes") else []
    chips += [" > ".join(t[k].replace("_", " ") for k in ("instrument", "action", "target"))
              for t in answer.get("triplets", ())]  # fmt: skip
    if answer.get("seconds") is not None:
        chips.append(f"{answer['seconds']:g} s")
    for n, row in enumerate(_chip_rows(chips, 13, 3)):
        yield Line("", 13, accent, 12 if n == 0 else 6, chips=row)


def _origin(doc: Mapping[str, Any]) -> Iterator[Line]:
    provenance = doc.get("provenance") or {}
    rows = _chip_rows([c.replace("_", " ").replace(":", ": ") for c in provenance.get("augmentation") or ()], 11, 2)
    for n, row in enumerate(rows):
        yield Line("", 11, GREY, 14 if n == 0 else 4, chips=row)
    said = doc.get("source", "")
    if provenance.get("label_origin") in ("derived", "model"):
        by = f" of {provenance['model']}" if provenance.get("model") else ""
        said = f"{said}, {provenance['label_origin']} labels{by}"
    yield Line(said, 12, GREY, 6 if rows else 14, right=doc.get("license", ""))
    for part in wrap(doc["id"], font(12), INNER, 2):
        yield Line(part, 12, GREY, 1)


def _chip_rows(chips: Sequence[str], size: int, most: int) -> list[tuple[str, ...]]:
    """``chips`` in at most ``most`` rows; the last chip counts those for which there is no room."""
    for shown in range(len(chips), -1, -1):
        rest = [f"+ {len(chips) - shown} more"] if shown < len(chips) else []
        rows = _rows([*chips[:shown], *rest], size)
        if len(rows) <= most:
            return rows
    return []


def _rows(chips: Sequence[str], size: int) -> list[tuple[str, ...]]:
    rows: list[list[str]] = []
    room = 0
    for chip in chips:
        chip = cut(chip, font(size), INNER - 18)
        wide = round(font(size).getlength(chip)) + 24
        if wide > room:
            rows.append([])
            room = INNER + 6
        rows[-1].append(chip)
        room -= wide
    return [tuple(row) for row in rows]


# ------------------------------------------------------------------------------------------------------- drawing


def _draw_line(pen: ImageDraw.ImageDraw, line: Line, y: int) -> None:
    lettering, x, middle = font(line.size), PAD, y + line.height / 2
    if line.bar is not None:
        pen.rectangle((x, y, x + 3, y + line.height - 1), fill=line.bar)
        x += _INDENT
    if line.mark is not None:
        _draw_mark(pen, x + 8, round(middle), line.mark)
        x += 26
    if line.number is not None:
        if line.number:
            at = (x + 8, round(middle))
            pen.ellipse((at[0] - 8, at[1] - 8, at[0] + 8, at[1] + 8), fill=_pale(SOFT))
            pen.text(at, str(line.number), font=font(11), fill=SOFT, anchor="mm")
        x += 24
    for chip in line.chips:
        wide = round(lettering.getlength(chip)) + 18
        pen.rounded_rectangle((x, y, x + wide, y + line.size + 9), 6, fill=_pale(line.colour))
        pen.text((x + 9, middle), chip, font=lettering, fill=line.colour, anchor="lm")
        x += wide + 6
    room = CARD_WIDTH - PAD - x
    if line.right:
        small = font(min(line.size, 13))
        right = cut(line.right, small, room / 2)
        pen.text((CARD_WIDTH - PAD, middle), right, font=small, fill=GREY, anchor="rm")
        room -= round(small.getlength(right)) + 10
    if line.text:
        pen.text((x, middle), cut(line.text, lettering, room), font=lettering, fill=line.colour, anchor="lm")


def _pale(colour: Colour) -> Colour:
    red, green, blue = (c + (255 - c) * 7 // 8 for c in colour)
    return red, green, blue


def _draw_mark(pen: ImageDraw.ImageDraw, x: int, y: int, met: bool) -> None:
    pen.ellipse((x - 8, y - 8, x + 8, y + 8), fill=MET if met else UNMET)
    strokes = [[(x - 4, y), (x - 1, y + 3), (x + 4, y - 3)]]
    if not met:
        strokes = [[(x - 3, y - 3), (x + 3, y + 3)], [(x - 3, y + 3), (x + 3, y - 3)]]
    for stroke in strokes:
        pen.line(stroke, fill=CARD, width=2)
