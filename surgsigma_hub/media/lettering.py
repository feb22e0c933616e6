"""Text on pictures: one font, wrapped or cut to a width in pixels."""

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
            fits = next(n for n in range(len(word), 0, -1) if n == 1 or lettering.getlength(word[:n]) <= width)
            lines.append(word[:fits])
            word = word[fits:]
        line = word
    lines += [line] if line else []
    return lines if len(lines) <= most else [*lines[: most - 1], cut(" ".join(lines[most - 1 :]), lettering, width)]


def cut(text: str, lettering: ImageFont.FreeTypeFont, width: float) -> str:
    """``text``, its end replaced by dots where it is wider than ``width`` pixels."""
    if lettering.getlength(text) <= width:
        return text
    while text and lettering.getlength(f"{text}...") > width:
        text = text[:-1]
    return f"{text.rstrip()}..."
