"""Frames of PyAV in another size or pixel format, on one thread."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

EXACT = 0x2 | 0x40000 | 0x80000
"""How frames are scaled and change colour space on the way into a tree: FFmpeg's ``SWS_BILINEAR`` with
``SWS_ACCURATE_RND`` and ``SWS_BITEXACT``, by which its vector code rounds as its C code does."""
FAST = 0x2
"""``SWS_BILINEAR`` alone: a third of the cost, and pixels that follow the processor."""


def reformatted(
    frame: Any,
    *,
    width: int | None = None,
    height: int | None = None,
    format: str,
    rounding: int = EXACT,
    by: Any = None,
) -> Any:
    """A frame in another size (pixels; None: its own) and pixel format, such as ``"rgb24"``.

    Args:
        frame: An ``av.VideoFrame``.
        width: None: as it is.
        height: None: as it is.
        format: A pixel format of FFmpeg.
        rounding: :data:`EXACT` or :data:`FAST`.
        by: An ``av.video.reformatter.VideoReformatter`` that is used for a whole film, so that the conversion is set
            up once; None: the frame's own.
    """
    options = _one_thread()
    if by is None:
        return frame.reformat(width, height, format, interpolation=rounding, **options)
    return by.reformat(frame, width, height, format, interpolation=rounding, **options)


@lru_cache(maxsize=1)
def _one_thread() -> dict[str, int]:
    """Since PyAV 17 a conversion starts a thread a core by default, which it joins when it is freed.

    A forked worker of a DataLoader has no such thread, and would wait for ever when it frees what its parent made.
    """
    import av

    return {"threads": 1} if int(av.__version__.split(".")[0]) >= 17 else {}
