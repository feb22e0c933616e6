"""Frames of PyAV in another size or pixel format, on one thread."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

EXACT = 0x2 | 0x40000 | 0x80000
"""How frames are scaled and change colour space on the way into a tree: FFmpeg's ``SWS_BILINEAR`` with
``SWS_ACCURATE_RND`` and ``SWS_BITEXACT``, by which its vector code rounds as its C code does."""
FAST = 0x2
"""``SWS_BILINEAR`` alone: a third of the cost, and pixels that follow the processor."""

_BT601, _LIMITED, _FULL = 5, 1, 2
_NOT_SAID = 2, 0
_OTHER_MATRICES = (1, 4, 7, 9)
"""BT.709, FCC, SMPTE 240M and BT.2020, by FFmpeg's numbers: not all have a name in every PyAV."""


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

    Red stays red: what its film says of matrix and range is heeded, and ``"yuv420p"`` comes out by BT.601 in limited
    range, which is how everybody reads a film that says nothing, as those that we write.

    Args:
        frame: An ``av.VideoFrame``.
        width: None: as it is.
        height: None: as it is.
        format: A pixel format of FFmpeg.
        rounding: :data:`EXACT` or :data:`FAST`.
        by: An ``av.video.reformatter.VideoReformatter`` that is used for a whole film, so that the conversion is set
            up once; None: the frame's own.
    """
    told = _as_recorded(frame, to_yuv=format == "yuv420p")
    options = {"interpolation": rounding, **_one_thread(), **told}
    made = (
        by.reformat(frame, width, height, format, **options) if by else frame.reformat(width, height, format, **options)
    )
    if told:
        made.colorspace, made.color_range = _NOT_SAID  # PyAV up to 16 leaves there what the frame was
    return made


def _as_recorded(frame: Any, to_yuv: bool) -> dict[str, int]:
    """What PyAV must be told of a frame by another matrix or in full range.

    HD recordings go by BT.709: read by BT.601, as PyAV up to 16 does by itself, a red of (180, 40, 30) is
    (166, 24, 31). From YUV to YUV every version would hand on the numbers as they are.
    """
    told = {}
    if int(frame.colorspace) in _OTHER_MATRICES:
        told = {"src_colorspace": int(frame.colorspace), "dst_colorspace": _BT601}
    if int(frame.color_range) == _FULL and frame.format.name not in ("rgb24", "gray"):
        told |= {"src_color_range": _FULL, "dst_color_range": _LIMITED if to_yuv else _FULL}
    return told


@lru_cache(maxsize=1)
def _one_thread() -> dict[str, int]:
    """Since PyAV 17 a conversion starts a thread a core by default, which it joins when it is freed.

    A forked worker of a DataLoader has no such thread, and would wait for ever when it frees what its parent made.
    """
    import av

    return {"threads": 1} if int(av.__version__.split(".")[0]) >= 17 else {}
