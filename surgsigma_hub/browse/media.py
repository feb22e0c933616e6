"""The media of one sample as HTML: frames with boxes and masks, before and after, depth in colour, clips that play."""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping
from typing import Any

from PIL import Image

from ..errors import MediaError, SurgSigmaError
from ..media.image import decode_rgb
from ..media.overlay import colours, depth_picture, draw_boxes, draw_mask, fitted
from ..media.video import spread_frames
from ..preview.strips import strip
from ..tasks.depth_estimation import has_gaps
from .escape import text

WIDTH, HEIGHT = 840, 560
"""Pixels that a picture is fitted into: two of them side by side fill a screen of 1,700."""
_STRIP = (840, 220)
_FRAMES = 6
MOST_VIDEO = 16 << 20
"""Bytes of a clip that is sent along to be played; of a longer one its frames are shown."""

_DEPTH = "depth in colour: near is bright, far is dark; in the file itself, far is bright"
_DEPTH_GAPS = f"{_DEPTH}; black is where nothing was measured"
_CAPTIONS = {
    ("desmoking", "input"): "before: with smoke",
    ("desmoking", "target"): "after: without smoke",
    ("next_frame_generation", "input"): "now",
    ("next_frame_generation", "target"): "later",
}


def media_html(doc: Mapping[str, Any], media: Mapping[str, bytes], *, overlays: bool = True) -> str:
    """Every medium of a sample, beside each other; one that cannot be shown says why.

    Args:
        doc: The JSON of the sample.
        media: Its media by member.
        overlays: Whether boxes and masks are drawn into the input.
    """
    shown = [entry for entry in doc["media"] if not (overlays and _lies_over(entry, doc))]
    figures = "".join(_figure(doc, media, entry, overlays) for entry in shown)
    return f'<div class="ss-media">{figures or "<p>asked in words alone</p>"}</div>'


def _lies_over(entry: Mapping[str, Any], doc: Mapping[str, Any]) -> bool:
    """Whether a medium is drawn into another one: a mask, where there is a picture under it."""
    return entry["kind"] == "mask" and any(m["role"] == "input" and m["kind"] == "image" for m in doc["media"])


def _figure(doc: Mapping[str, Any], media: Mapping[str, bytes], entry: Mapping[str, Any], overlays: bool) -> str:
    member, kind = entry["member"], entry["kind"]
    caption = _CAPTIONS.get((doc["task"], entry["role"]), f"{entry['role']}: {kind}")
    try:
        data = media.get(member)
        if data is None:
            raise MediaError(f"{member}: not in the shard")
        if kind == "video":
            body = _video(data, entry)
        elif kind == "depth":
            gaps = has_gaps(doc)
            body = _image(depth_picture(data, member, gaps=gaps), "depth map")
            caption = _DEPTH_GAPS if gaps else _DEPTH
        else:
            body = _image(_picture(doc, media, entry, data, overlays), f"{entry['role']} {kind}")
    except (SurgSigmaError, OSError, ValueError) as error:
        said = error.message if isinstance(error, SurgSigmaError) else str(error)
        body = f'<div class="ss-missing">cannot be shown: {text(said)}</div>'
    return f"<figure>{body}<figcaption>{text(member)}, {text(caption)}</figcaption></figure>"


def _picture(
    doc: Mapping[str, Any], media: Mapping[str, bytes], entry: Mapping[str, Any], data: bytes, overlays: bool
) -> Image.Image:
    made = fitted(decode_rgb(data, entry["member"]), (WIDTH, HEIGHT))
    if not overlays or entry["role"] != "input" or entry["kind"] != "image":
        return made
    for mask in (m["member"] for m in doc["media"] if m["kind"] == "mask"):
        made = draw_mask(made, media.get(mask, b""), name=mask)
    boxes = doc["answer"]["boxes"]
    return draw_boxes(made, boxes, colours(b["label"] for b in boxes), text=15)


def _video(data: bytes, entry: Mapping[str, Any]) -> str:
    frames = [(at, Image.fromarray(pixels)) for at, pixels in spread_frames(data, _FRAMES, entry["member"])]
    body = _image(strip(frames, _STRIP), f"{len(frames)} frames of the clip")
    if len(data) > MOST_VIDEO:
        return body + f"<p>{len(data) >> 20} MB: only frames of it are shown</p>"
    return f'<video controls muted loop playsinline src="data:video/mp4;base64,{_base64(data)}"></video>{body}'


def _image(image: Image.Image, alt: str) -> str:
    data = io.BytesIO()
    image.convert("RGB").save(data, "JPEG", quality=88)
    return f'<img alt="{text(alt)}" src="data:image/jpeg;base64,{_base64(data.getvalue())}">'


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()
