"""A contact sheet: a few samples of a tree or shard as cards, with their answers drawn in."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image, ImageChops, ImageDraw

from .errors import ShardError
from .media.lettering import cut, font, wrap
from .media.overlay import Colour, colours, depth_picture, draw_boxes, draw_mask, fitted, open_member
from .ontology import concepts
from .shards.manifest import write_atomic
from .shards.pick import Picked, pick
from .tasks import all_tasks

CARD_WIDTH = 420
PICTURE_HEIGHTS = (210, 320)
"""Least and largest height of the picture part; what is taller gets dark borders at its sides."""
MARGIN = 32
GAP = 20
_PAD = 18

_PAGE, _CARD, _EDGE, _DARK = (240, 242, 245), (255, 255, 255), (222, 226, 231), (17, 20, 26)
_INK, _SOFT, _GREY, _TINT = (24, 29, 39), (71, 80, 96), (138, 146, 160), (243, 245, 248)
_MET, _UNMET = (22, 145, 84), (196, 62, 54)
_FAMILY: dict[str, Colour] = {
    "understanding": (37, 99, 205),
    "reasoning": (124, 58, 190),
    "planning": (194, 110, 8),
    "generation": (13, 133, 124),
}


def preview(path: Path, out: Path, *, count: int = 12, task: str | None = None, seed: int = 0) -> int:
    """Write a PNG of samples, spread over the tasks and sources of a tree.

    Args:
        path: The folder of a tree, or one tar.
        out: The PNG to write.
        count: How many samples at most.
        task: Only this task.
        seed: Shows other samples; the same data and seed give the same picture.

    Returns:
        The number of samples shown.

    Raises:
        ShardError: nothing to show there, or a damaged shard.
        UnknownNameError: the tree has no such task.
    """
    picked = pick(path, count=count, task=task, seed=seed)
    if not picked:
        raise ShardError(f"{path}: holds no sample to show")
    image = sheet(picked, title=path.resolve().stem if path.is_file() else path.resolve().name)
    data = io.BytesIO()
    image.save(data, "PNG", compress_level=7)
    write_atomic(out, data.getvalue())
    return len(picked)


def sheet(picked: Sequence[Picked], *, title: str) -> Image.Image:
    """The cards of ``picked`` in rows under a title."""
    palette = colours(b["label"] for p in picked for b in p.doc["answer"].get("boxes", ()))
    tall = picture_height(picked)
    cards = [card(p, palette, tall) for p in picked]
    columns = min(len(cards), 4 if len(cards) > 6 else 3)
    rows = [cards[n : n + columns] for n in range(0, len(cards), columns)]
    heights = [max(c.height for c in row) for row in rows]
    top = MARGIN + 64
    width = 2 * MARGIN + columns * CARD_WIDTH + (columns - 1) * GAP
    page = Image.new("RGB", (width, top + sum(heights) + GAP * (len(rows) - 1) + MARGIN), _PAGE)
    pen = ImageDraw.Draw(page)
    tasks, sources = ({p.doc[name] for p in picked} for name in ("task", "source"))
    said = f"{_count(len(picked), 'sample')}, {_count(len(tasks), 'task')}, from {', '.join(sorted(sources))}"
    pen.text((MARGIN, MARGIN - 4), cut(title, font(28), width - 2 * MARGIN), font=font(28), fill=_INK)
    pen.text((MARGIN, MARGIN + 34), cut(said, font(15), width - 2 * MARGIN), font=font(15), fill=_GREY)
    y = top
    for row, height in zip(rows, heights, strict=True):
        for n, one in enumerate(row):
            _paste_rounded(page, one.draw(height), (MARGIN + n * (CARD_WIDTH + GAP), y))
        y += height + GAP
    return page


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


# ----------------------------------------------------------------------------------------------------- one card


@dataclass(frozen=True, slots=True)
class _Line:
    """A piece of a card's text part; ``mark`` is a verdict's sign, ``chips`` are drawn instead of ``text``."""

    text: str
    size: int
    colour: Colour
    before: int = 0
    mark: bool | None = None
    chips: tuple[str, ...] = ()
    bar: Colour | None = None
    right: str = ""


@dataclass(frozen=True, slots=True)
class Card:
    """One sample: picture, then title, question and answer, and at the bottom where it comes from."""

    picture: Image.Image
    lines: tuple[_Line, ...]
    origin: tuple[_Line, ...]

    @property
    def height(self) -> int:
        """The least height that shows everything."""
        return self.picture.height + _total(self.lines) + _total(self.origin) + 2 * _PAD

    def draw(self, height: int) -> Image.Image:
        """The card, made ``height`` tall."""
        made = Image.new("RGB", (CARD_WIDTH, height), _CARD)
        made.paste(self.picture, (0, 0))
        pen = ImageDraw.Draw(made)
        starts = (self.picture.height + _PAD, height - _PAD - _total(self.origin))
        for lines, y in zip((self.lines, self.origin), starts, strict=True):
            for line in lines:
                y += line.before
                _draw_line(pen, line, y)
                y += _height(line)
        return made


def _total(lines: Sequence[_Line]) -> int:
    return sum(line.before + _height(line) for line in lines)


def card(picked: Picked, palette: Mapping[str, Colour], tall: int) -> Card:
    """The card of a sample, its picture part ``tall`` pixels high."""
    return Card(picture(picked, palette, tall), tuple(_lines(picked.doc)), tuple(_origin(picked.doc)))


def picture_height(picked: Sequence[Picked]) -> int:
    """One height for the pictures of a sheet, so that rows line up and most pictures fill their part."""
    natural: list[int] = [
        round(CARD_WIDTH * p.doc["height"] / p.doc["width"])
        for p in picked
        if p.doc.get("width") and p.doc.get("height") and len(_panes(p.doc)) == 1
    ]
    return min(max([PICTURE_HEIGHTS[0], *natural]), PICTURE_HEIGHTS[1])


def _panes(doc: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The media that are shown side by side; a mask is drawn into the input instead."""
    return [m for m in doc["media"] if m["kind"] != "mask"]


def picture(picked: Picked, palette: Mapping[str, Colour], tall: int) -> Image.Image:
    """The picture part of a card: input with boxes and mask, beside it a target that is a picture of its own."""
    area = Image.new("RGB", (CARD_WIDTH, tall), _DARK)
    panes: list[tuple[str, Image.Image | None]] = []
    masks = [m for m in picked.doc["media"] if m["kind"] == "mask"]
    split = _panes(picked.doc)
    width = (CARD_WIDTH - 2 * (len(split) - 1)) // max(1, len(split))
    for entry in split:
        data = picked.media.get(entry["member"], b"")
        found = depth_picture(data) if entry["kind"] == "depth" else open_member(entry["member"], data)
        if found is not None:
            found = fitted(found, (width, tall))
            if entry["role"] == "input":
                for mask in masks:
                    found = draw_mask(found, picked.media.get(mask["member"], b""))
                found = draw_boxes(found, picked.doc["answer"].get("boxes", ()), palette)
        name = "depth, near is bright" if entry["kind"] == "depth" else entry["role"]
        if entry["kind"] == "video":
            name = f"{entry['role']} film, first frame" if entry["role"] == "input" else "target film, first frame"
        panes.append((name if len(split) > 1 or entry["kind"] == "video" else "", found))
    if not panes:
        area.paste(_TINT, (0, 0, CARD_WIDTH, tall))
        where = (CARD_WIDTH / 2, tall / 2)
        ImageDraw.Draw(area).text(where, "asked in words alone", font=font(16), fill=_GREY, anchor="mm")
    pen = ImageDraw.Draw(area)
    for n, (name, found) in enumerate(panes):
        left = n * (width + 2)
        if found is None:
            where = (left + width / 2, tall / 2)
            pen.text(where, "cannot be shown here", font=font(15), fill=_GREY, anchor="mm")
        else:
            area.paste(found, (left + (width - found.width) // 2, (tall - found.height) // 2))
        if name:
            wide = round(font(12).getlength(name)) + 12
            pen.rectangle((left, tall - 20, left + wide, tall), fill=_DARK)
            pen.text((left + 6, tall - 10), name, font=font(12), fill=(205, 211, 220), anchor="lm")
    return area


def _lines(doc: Mapping[str, Any]) -> list[_Line]:
    inner = CARD_WIDTH - 2 * _PAD
    accent = _FAMILY.get(doc.get("family", ""), _SOFT)
    known = all_tasks().get(doc["task"])
    made = [
        _Line(
            known.title if known else doc["task"].replace("_", " ").capitalize(), 18, accent, right=doc.get("split", "")
        )
    ]
    for message in doc["messages"]:
        text = " ".join(message["content"].replace("<image>", "").replace("<video>", "").split())
        user = message["role"] == "user"
        lettering, most = font(15), 4 if user else 6
        for n, part in enumerate(wrap(text, lettering, inner - (0 if user else 14), most)):
            made.append(_Line(part, 15, _SOFT if user else _INK, 10 if n == 0 else 0, bar=None if user else accent))
    answer = doc["answer"]
    for n, verdict in enumerate(answer.get("criteria", ())):
        concept = concepts("criterion").get(verdict["criterion"])
        name = concept.name if concept else verdict["criterion"].replace("_", " ")
        scores = " ".join(f"{s:g}" for s in verdict.get("scores", ()))
        made.append(_Line(name, 15, _INK, 10 if n == 0 else 2, mark=bool(verdict["met"]), right=scores))
    chips = [c.replace("_", " ") for c in answer.get("labels", ())] if not answer.get("boxes") else []
    chips += [" > ".join(t[k].replace("_", " ") for k in ("instrument", "action", "target"))
              for t in answer.get("triplets", ())]  # fmt: skip
    if answer.get("seconds") is not None:
        chips.append(f"{answer['seconds']:g} s")
    for n, row in enumerate(_chip_rows(chips, inner)[:3]):
        made.append(_Line("", 13, accent, 12 if n == 0 else 6, chips=tuple(row)))
    return made


def _origin(doc: Mapping[str, Any]) -> list[_Line]:
    source = _Line(doc.get("source", ""), 12, _GREY, 14, right=doc.get("license", ""))
    return [source, *(_Line(part, 12, _GREY, 1) for part in wrap(doc["id"], font(12), CARD_WIDTH - 2 * _PAD, 2))]


def _height(line: _Line) -> int:
    return line.size + (10 if line.chips else 6)


def _draw_line(pen: ImageDraw.ImageDraw, line: _Line, y: int) -> None:
    lettering, x, middle = font(line.size), _PAD, y + _height(line) / 2
    if line.bar is not None:
        pen.rectangle((x, y, x + 3, y + _height(line) - 1), fill=line.bar)
        x += 14
    if line.mark is not None:
        _draw_mark(pen, x + 8, round(middle), line.mark)
        x += 26
    for chip in line.chips:
        wide = round(lettering.getlength(chip)) + 18
        soft = (*(c + (255 - c) * 7 // 8 for c in line.colour),)
        pen.rounded_rectangle((x, y, x + wide, y + line.size + 9), 6, fill=soft)
        pen.text((x + 9, middle), chip, font=lettering, fill=line.colour, anchor="lm")
        x += wide + 6
    room = CARD_WIDTH - _PAD - x
    if line.right:
        small = font(min(line.size, 13))
        pen.text((CARD_WIDTH - _PAD, middle), line.right, font=small, fill=_GREY, anchor="rm")
        room -= round(small.getlength(line.right)) + 10
    if line.text:
        pen.text((x, middle), cut(line.text, lettering, room), font=lettering, fill=line.colour, anchor="lm")


def _draw_mark(pen: ImageDraw.ImageDraw, x: int, y: int, met: bool) -> None:
    pen.ellipse((x - 8, y - 8, x + 8, y + 8), fill=_MET if met else _UNMET)
    strokes = [[(x - 4, y), (x - 1, y + 3), (x + 4, y - 3)]]
    if not met:
        strokes = [[(x - 3, y - 3), (x + 3, y + 3)], [(x - 3, y + 3), (x + 3, y - 3)]]
    for stroke in strokes:
        pen.line(stroke, fill=_CARD, width=2)


def _chip_rows(chips: Sequence[str], width: int) -> list[list[str]]:
    rows: list[list[str]] = []
    room = 0
    for chip in chips:
        chip = cut(chip, font(13), width - 18)
        wide = round(font(13).getlength(chip)) + 24
        if wide > room:
            rows.append([])
            room = width + 6
        rows[-1].append(chip)
        room -= wide
    return rows


def _paste_rounded(page: Image.Image, one: Image.Image, place: tuple[int, int]) -> None:
    """Paste a card with round corners and a thin edge."""
    large = Image.new("L", (one.width * 4, one.height * 4), 0)  # drawn large and shrunk: smooth corners
    pen = ImageDraw.Draw(large)
    pen.rounded_rectangle((0, 0, large.width - 1, large.height - 1), 48, fill=255)
    shape = large.resize(one.size, Image.Resampling.LANCZOS)
    pen.rounded_rectangle((4, 4, large.width - 5, large.height - 5), 44, fill=0)
    rim = large.resize(one.size, Image.Resampling.LANCZOS)
    one.paste(_EDGE, (0, 0), ImageChops.darker(rim, shape))
    page.paste(one, place, shape)
