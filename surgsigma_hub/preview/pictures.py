"""The picture part of a card: what is looked at and what is to be made, side by side, each kind in its own way."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageStat

from ..errors import MediaError, SurgSigmaError
from ..media.colourmap import ramp
from ..media.image import decode_rgb
from ..media.lettering import cut, font, wrap
from ..media.overlay import Colour, depth_picture, draw_boxes, draw_mask, fitted
from ..media.video import spread_frames
from ..shards.sampling import Picked
from ..tasks.depth_estimation import has_gaps
from .strips import frame_count, strip
from .style import CAPTION, CARD_WIDTH, DARK, GREY, PICTURE_HEIGHTS, RIM, TINT

_CAPTION_HIGH = 20
_BETWEEN = 2
_STILL_SHARE = 0.36
"""Share of the width that a still has beside a strip of frames."""
_BLACK = 6
"""Mean brightness (0..255) under which a picture is called almost black, so that nobody takes it for a fault."""

_NAMES = {
    "desmoking": {"image.jpg": "with smoke", "target.jpg": "without"},
    "next_frame_generation": {"image.jpg": "now", "target.jpg": "later"},
    "depth_estimation": {"image.jpg": "picture"},
}
"""What the media of a task are called; others are called by their part."""


@dataclass(slots=True)
class _Pane:
    """One medium on its way into the picture: ``picture`` or ``frames``, or ``why`` it cannot be shown."""

    name: str
    picture: Image.Image | None = None
    frames: Sequence[tuple[float, Image.Image]] = ()
    why: str = ""
    depth: bool = False
    note: str = ""


def picture_height(picked: Sequence[Picked]) -> int:
    """One height for the pictures of a sheet, so that rows line up and most pictures fill their part."""
    natural: list[int] = [
        round(CARD_WIDTH * p.doc["height"] / p.doc["width"])
        for p in picked
        if p.doc.get("width") and p.doc.get("height") and len(_shown(p.doc)) == 1
    ]
    return min(max([PICTURE_HEIGHTS[0], *natural]), PICTURE_HEIGHTS[1])


def picture(picked: Picked, palette: Mapping[str, Colour], tall: int) -> Image.Image:
    """The picture part of a card: input with boxes and mask, beside it a target that is a medium of its own."""
    area = Image.new("RGB", (CARD_WIDTH, tall), DARK)
    shown = _shown(picked.doc)
    if not shown:
        area.paste(TINT, (0, 0, CARD_WIDTH, tall))
        where = (CARD_WIDTH / 2, tall / 2)
        ImageDraw.Draw(area).text(where, "asked in words alone", font=font(16), fill=GREY, anchor="mm")
        return area
    left = 0
    for entry, width in zip(shown, _widths(shown), strict=True):
        pane = _pane(picked, entry, (width, tall))
        area.paste(_draw_pane(pane, (width, tall), picked, palette, named=len(shown) > 1), (left, 0))
        left += width + _BETWEEN
    return area


def _shown(doc: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The media that are shown side by side; a mask is drawn into the input where there is one."""
    media: list[dict[str, Any]] = list(doc["media"])
    inputs = any(m["role"] == "input" and m["kind"] == "image" for m in media)
    return [m for m in media if m["kind"] != "mask" or not inputs]


def _widths(shown: Sequence[Mapping[str, Any]]) -> list[int]:
    free = CARD_WIDTH - _BETWEEN * (len(shown) - 1)
    clips = [m["kind"] == "video" for m in shown]
    if len(shown) == 2 and clips.count(True) == 1:
        still = round(free * _STILL_SHARE)
        return [free - still if clip else still for clip in clips]
    each = free // len(shown)
    return [each] * (len(shown) - 1) + [free - each * (len(shown) - 1)]


# ------------------------------------------------------------------------------------------------------ one medium


def _pane(picked: Picked, entry: Mapping[str, Any], size: tuple[int, int]) -> _Pane:
    """The medium, decoded; never raises on what its bytes hold."""
    member, kind = entry["member"], entry["kind"]
    pane = _Pane(_name(picked.doc, entry), depth=kind == "depth")
    data = picked.media.get(member)
    try:
        if data is None:
            raise MediaError(f"{member}: not in the shard")
        if kind == "video":
            shape = (picked.doc.get("width") or 4, picked.doc.get("height") or 3)
            found = spread_frames(data, frame_count(shape, _strip_size(size)), member)
            pane.frames = [(seconds, Image.fromarray(pixels)) for seconds, pixels in found]
        elif kind == "depth":
            pane.picture = depth_picture(data, member, gaps=has_gaps(picked.doc))
        else:
            pane.picture = decode_rgb(data, member)
    except SurgSigmaError as error:
        said = error.message.removeprefix(f"{member}: ")
        pane.why = f"{said}. {error.hint}" if error.hint else said
    except (OSError, ValueError) as error:
        pane.why = str(error)
    for one in [f for _, f in pane.frames] or ([pane.picture] if pane.picture is not None else []):
        if kind != "depth" and max(ImageStat.Stat(one.convert("L").resize((32, 32))).mean) < _BLACK:
            pane.note = "almost black"
    return pane


def _name(doc: Mapping[str, Any], entry: Mapping[str, Any]) -> str:
    member, kind = entry["member"], entry["kind"]
    if kind == "depth":
        return "depth"
    if kind == "video":
        fps, frames = entry.get("fps"), entry.get("num_frames")
        length = f", {frames / fps:.3g} s at {fps:.3g} fps" if fps and frames else ""
        return f"{'target ' if entry['role'] == 'target' else ''}clip{length}"
    text = str(doc["answer"].get("text", ""))
    if doc["task"] == "next_frame_generation" and member == "target.jpg" and text.startswith("picture after "):
        return text.removeprefix("picture ")
    return str(_NAMES.get(doc["task"], {}).get(member, entry["role"]))


def _strip_size(size: tuple[int, int]) -> tuple[int, int]:
    return size[0], size[1] - _CAPTION_HIGH


def _draw_pane(
    pane: _Pane, size: tuple[int, int], picked: Picked, palette: Mapping[str, Colour], *, named: bool
) -> Image.Image:
    """One medium in its place, with its caption under it or, where it fills the height, on its lower edge."""
    made = Image.new("RGB", size, DARK)
    if pane.why:
        _draw_reason(made, pane)
        return made
    if pane.frames:
        body = strip(pane.frames, _strip_size(size))
    else:
        assert pane.picture is not None
        body = fitted(pane.picture, size)
        if not pane.depth:
            body = _annotated(body, pane, picked, palette)
    text = _joined(pane) if named or pane.frames else pane.note
    below = _CAPTION_HIGH if text and size[1] - body.height >= _CAPTION_HIGH else 0
    at = ((size[0] - body.width) // 2, (size[1] - body.height - below) // 2)
    made.paste(body, at)
    if body.size != size and not pane.frames:
        ImageDraw.Draw(made).rectangle((at[0] - 1, at[1] - 1, at[0] + body.width, at[1] + body.height), outline=RIM)
    if pane.depth:
        _legend(made, at, body.size, below=bool(below))
    elif text and below:
        _caption(made, text, (size[0] // 2, at[1] + body.height + _CAPTION_HIGH // 2), centred=True)
    elif text:
        _caption(made, text, (at[0], at[1] + body.height - 10), centred=False)
    return made


def _annotated(body: Image.Image, pane: _Pane, picked: Picked, palette: Mapping[str, Colour]) -> Image.Image:
    """The input with its masks and boxes; a target is left as it is."""
    doc = picked.doc
    first = next((m for m in doc["media"] if m["role"] == "input" and m["kind"] == "image"), None)
    if first is None or pane.name != _name(doc, first):
        return body
    for mask in (m["member"] for m in doc["media"] if m["kind"] == "mask"):
        try:
            body = draw_mask(body, picked.media.get(mask, b""), name=mask)
        except MediaError as error:
            pane.note = error.message
    return draw_boxes(body, doc["answer"].get("boxes", ()), palette)


def _joined(pane: _Pane) -> str:
    return ", ".join(filter(None, (pane.name, pane.note)))


# ---------------------------------------------------------------------------------------------------- small pieces


def _caption(image: Image.Image, text: str, at: tuple[int, int], *, centred: bool) -> None:
    pen, lettering = ImageDraw.Draw(image), font(12)
    if centred:
        pen.text(at, cut(text, lettering, image.width - 8), font=lettering, fill=CAPTION, anchor="mm")
        return
    text = cut(text, lettering, image.width - at[0] - 12)
    pen.rectangle((at[0], at[1] - 10, at[0] + round(lettering.getlength(text)) + 12, at[1] + 10), fill=DARK)
    pen.text((at[0] + 6, at[1]), text, font=lettering, fill=CAPTION, anchor="lm")


def _legend(image: Image.Image, at: tuple[int, int], size: tuple[int, int], *, below: bool) -> None:
    """The ramp from near to far, under a depth map or on its lower edge."""
    pen, lettering = ImageDraw.Draw(image), font(12)
    y = at[1] + size[1] + (_CAPTION_HIGH // 2 if below else -_CAPTION_HIGH // 2)
    if not below:
        pen.rectangle((at[0], y - 10, at[0] + size[0] - 1, y + 10), fill=DARK)
    left, right = at[0] + 6, at[0] + size[0] - 6
    if right - left < 90:  # too narrow for words on both sides
        left, right = 6, image.width - 6
    pen.text((left, y), "near", font=lettering, fill=CAPTION, anchor="lm")
    pen.text((right, y), "far", font=lettering, fill=CAPTION, anchor="rm")
    left, right = left + round(lettering.getlength("near")) + 6, right - round(lettering.getlength("far")) - 6
    bar = Image.fromarray(np.repeat(ramp(max(2, right - left))[None], 6, axis=0))
    image.paste(bar, (left, y - 3))


def _draw_reason(image: Image.Image, pane: _Pane) -> None:
    """What stands where a medium cannot be shown."""
    pen, small = ImageDraw.Draw(image), font(13)
    middle = image.width / 2
    lines = wrap(f"cannot be shown: {pane.why}", small, image.width - 32, 5)
    y = image.height / 2 - 40  # the same for panels side by side, however many lines each has
    pen.rectangle((6, 6, image.width - 7, image.height - 7), outline=RIM)
    what = cut(pane.name, font(15), image.width - 24)
    pen.text((middle, y + 8), what, font=font(15), fill=CAPTION, anchor="mm")
    for n, line in enumerate(lines):
        pen.text((middle, y + 34 + 18 * n), line, font=small, fill=GREY, anchor="mm")
