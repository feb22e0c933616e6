"""The page: cards in rows under a title."""

from __future__ import annotations

from collections.abc import Sequence

from PIL import Image, ImageChops, ImageDraw

from ..media.lettering import cut, font
from ..media.overlay import colours
from ..shards.sampling import Picked
from .cards import card
from .pictures import picture_height
from .style import CARD_WIDTH, EDGE, GAP, GREY, INK, MARGIN, PAGE


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
    page = Image.new("RGB", (width, top + sum(heights) + GAP * (len(rows) - 1) + MARGIN), PAGE)
    pen = ImageDraw.Draw(page)
    tasks, sources = ({p.doc[name] for p in picked} for name in ("task", "source"))
    said = f"{_count(len(picked), 'sample')}, {_count(len(tasks), 'task')}, from {', '.join(sorted(sources))}"
    pen.text((MARGIN, MARGIN - 4), cut(title, font(28), width - 2 * MARGIN), font=font(28), fill=INK)
    pen.text((MARGIN, MARGIN + 34), cut(said, font(15), width - 2 * MARGIN), font=font(15), fill=GREY)
    y = top
    for row, height in zip(rows, heights, strict=True):
        for n, one in enumerate(row):
            _paste_rounded(page, one.draw(height), (MARGIN + n * (CARD_WIDTH + GAP), y))
        y += height + GAP
    return page


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _paste_rounded(page: Image.Image, one: Image.Image, place: tuple[int, int]) -> None:
    """Paste a card with round corners and a thin edge."""
    large = Image.new("L", (one.width * 4, one.height * 4), 0)  # drawn large and shrunk: smooth corners
    pen = ImageDraw.Draw(large)
    pen.rounded_rectangle((0, 0, large.width - 1, large.height - 1), 48, fill=255)
    shape = large.resize(one.size, Image.Resampling.LANCZOS)
    pen.rounded_rectangle((4, 4, large.width - 5, large.height - 5), 44, fill=0)
    rim = large.resize(one.size, Image.Resampling.LANCZOS)
    one.paste(EDGE, (0, 0), ImageChops.darker(rim, shape))
    page.paste(one, place, shape)
