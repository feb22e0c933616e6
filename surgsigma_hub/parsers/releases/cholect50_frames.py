"""Images of CholecT50: whole in the full release, cropped in its challenge part, so that boxes of one fit it alone."""

from __future__ import annotations

from ...errors import MediaError
from ...media.image import picture_size
from ...records import NumberedImages

WHOLE = frozenset({(854, 480), (1920, 1080)})
"""Width and height in the full release."""
CROPPED = frozenset({(774, 434), (612, 344), (586, 328), (706, 396), (810, 454)})
"""In the challenge part: one of each of its five videos, in the shape of the whole."""


def size_seen(images: NumberedImages | None) -> tuple[int, int] | None:
    """Width and height of the first image of a video that can be read; None where none can."""
    for image in images.images.values() if images is not None else ():
        try:
            return picture_size(image)
        except MediaError:
            continue
    return None
