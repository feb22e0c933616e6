"""A tree whose pictures say what is in them: a green box where the label says, frames as grey as their number.

Whoever reads it through a trainer can compare the numbers that are learned with what the model sees.
"""

from __future__ import annotations

import io
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw
from surgsigma_hub import records as r
from surgsigma_hub.media.video import encode_video

from handmade import sample, write_part

SIZES = ((1920, 1080), (1280, 800), (854, 480), (320, 240))
BANNER = (4000, 120)
"""A frame of extreme shape."""
SHARES = ((0.25, 0.25, 0.5, 0.75), (0.0, 0.0, 0.125, 0.25), (0.625, 0.5, 1.0, 1.0))
"""Boxes in shares of the frame: inside, and in two corners."""
CLIPS = ((2, 1.0), (3, 1.0), (4, 1.0), (5, 1.0), (8, 2.0), (14, 1.0), (12, 4.0))
"""Frames and frames a second."""
SINGLE = (1, 1.0)
"""A clip of one frame, which ms-swift cannot read."""
DARK, STEP = 30, 14
"""Grey of the first frame, and by how much the next is lighter."""


@dataclass(frozen=True)
class Still:
    """What was drawn: the size of the frame, and the box in shares of it."""

    size: tuple[int, int]
    box: tuple[float, float, float, float]


def level(number: int) -> int:
    """The grey of frame ``number`` of a clip."""
    return DARK + STEP * number


def _picture(still: Still) -> bytes:
    width, height = still.size
    image = Image.new("RGB", still.size, (40, 40, 40))
    x1, y1, x2, y2 = (round(share * side) for share, side in zip(still.box, (width, height) * 2, strict=True))
    ImageDraw.Draw(image).rectangle((x1, y1, x2 - 1, y2 - 1), fill=(40, 220, 40))
    out = io.BytesIO()
    image.save(out, "JPEG", quality=95, subsampling=0)
    return out.getvalue()


def _clip(folder: Path, count: int, fps: float) -> bytes:
    path = folder / "clip.mp4"
    encode_video(path, (np.full((240, 320, 3), level(n), np.uint8) for n in range(count)), fps=fps)
    data = path.read_bytes()
    path.unlink()
    return data


def write_stills(tree: Path, *more: tuple[int, int]) -> dict[str, Still]:
    """``instrument_localization``, a box in each size of frame, and in more; what was drawn by id."""
    found: dict[str, Still] = {}
    samples: list[Any] = []
    for n, still in enumerate(Still(size, box) for size in (*SIZES, *more) for box in SHARES):
        x1, y1, x2, y2 = still.box
        text = f"The hook is at [{x1:.3f}, {y1:.3f}, {x2:.3f}, {y2:.3f}]."
        made, media = sample(
            n,
            task="instrument_localization",
            media=[("image.jpg", "image", "input", _picture(still))],
            answer=r.Answer(text=text, boxes=(r.AnswerBox("hook", *still.box),)),
            question="Where is the hook?",
            size=still.size,
        )
        samples.append((replace(made, messages=(made.messages[0], r.Message("assistant", text))), media))
        found[made.id] = still
    write_part(tree, [samples])
    return found


def write_clips(tree: Path, *more: tuple[int, float]) -> dict[str, tuple[int, float]]:
    """``action_remaining_prediction``, clips of several lengths and rates, and more; frames and rate by id."""
    found: dict[str, tuple[int, float]] = {}
    samples: list[Any] = []
    for n, (count, fps) in enumerate((*CLIPS, *more)):
        text = f"In {count / fps:g} seconds."
        made, media = sample(
            n,
            task="action_remaining_prediction",
            media=[("video.mp4", "video", "input", _clip(tree.parent, count, fps))],
            answer=r.Answer(text=text, seconds=count / fps),
            question="When does it end?",
            size=(320, 240),
        )
        medium = replace(made.media[0], num_frames=count, fps=fps)
        talk = (made.messages[0], r.Message("assistant", text))
        samples.append((replace(made, media=(medium,), messages=talk, fps=fps), media))
        found[made.id] = (count, fps)
    write_part(tree, [samples])
    return found
