"""Text on images: one font, wrapped or cut to a width in pixels."""

from __future__ import annotations

from functools import cache

from PIL import ImageFont

from ..errors import SurgSigmaError


@cache
def font(size: int) -> ImageFont.FreeTypeFont:
    """The font that comes with Pillow, so that a sheet looks the same everywhere."""
    made = ImageFont.load_default(size)
    if not isinstance(made, ImageFont.FreeTypeFont):
        raise SurgSigmaError("this Pillow is built without FreeType", hint="Install Pillow from its own wheels.")
    return made


def wrap(text: str, lettering: ImageFont.FreeTypeFont, width: int, most: int) -> list[str]:
    """``text`` in lines of at most ``width`` pixels; what does not fit into ``most`` lines is cut off visibly."""
    text = text[: (most + 1) * width]  # a character takes a pixel at least, so that no more is looked at
    lines: list[str] = []
    line = ""
    for word in text.split():
        joined = f"{line} {word}" if line else word
        if lettering.getlength(joined) <= width:
            line = joined
            continue
        if line:
            lines.append(line)
        while lettering.getlength(word) > width:
            fits = max(1, _fitting(word, lettering, width))
            lines.append(word[:fits])
            word = word[fits:]
        line = word
    lines += [line] if line else []
    return lines if len(lines) <= most else [*lines[: most - 1], cut(" ".join(lines[most - 1 :]), lettering, width)]


def cut(text: str, lettering: ImageFont.FreeTypeFont, width: float) -> str:
    """``text``, its end replaced by dots where it is wider than ``width`` pixels."""
    if len(text) <= width and lettering.getlength(text) <= width:
        return text
    return f"{text[: _fitting(text, lettering, width, end='...')].rstrip()}..."


def _fitting(text: str, lettering: ImageFont.FreeTypeFont, width: float, *, end: str = "") -> int:
    """How many characters from the beginning fit, ``end`` behind them, found by halving."""
    low, high = 0, min(len(text), int(width))
    while low < high:
        middle = (low + high + 1) // 2
        if lettering.getlength(text[:middle] + end) <= width:
            low = middle
        else:
            high = middle - 1
    return low
