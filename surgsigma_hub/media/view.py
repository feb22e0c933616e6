"""Whether a frame shows a surgical field at all: some videos are blanked, or filmed outside the body, in places."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from ..errors import SurgSigmaError

OUTSIDE = "outside the body"
SAMPLES = 4000
"""About as many pixels of a frame are looked at."""
DARK = 24
"""A pixel up to this value in all channels is black: unlit, or the rim around the round view of an endoscope."""
LEAST_LIT = 0.02
"""A frame with a smaller share of pixels that are not black is "black"; real scenes have a quarter and more."""
WHITE = 235
"""All but the darkest 2% of the lit pixels reach this in all channels: "white"."""
SPREAD = 8
"""The middle 96% of the lit pixels lie within so many steps, in every channel: "one colour"."""
CHROMA = 0.12
"""A pixel has a colour where its channels differ by this share of the largest; metal and smoke mostly stay below."""
WARM_IN_COOL, COOL = 0.10, 0.25
"""Outside the body: at most this share of the lit pixels is red, orange or yellow, at least this one green or blue."""
WARM_IN_GREY, EDGES, CONTRAST = 0.03, 40.0, 120.0
"""Outside the body too: hardly a warm pixel, and hard edges. Thick smoke is as grey, but soft: its edges stay below."""


def no_view(pixels: npt.NDArray[Any]) -> str | None:
    """Why a frame shows no surgical field: ``black``, ``white``, ``one colour``, ``outside the body``; None if it may.

    Made for white-light endoscopy, where tissue is red, orange or yellow, and made to spare frames: smoke, fog, a lens
    full of blood and close instruments all count as a view, and so does an operating room that looks warm. Not for
    fluorescence, narrow-band light or the eye, where the field itself is green, blue or grey.

    Args:
        pixels: ``(H, W, 3)`` uint8.

    Raises:
        SurgSigmaError: pixels of another shape.

    >>> no_view(np.zeros((48, 64, 3), np.uint8))
    'black'
    """
    if pixels.ndim != 3 or pixels.shape[2] != 3 or pixels.dtype != np.uint8:
        raise SurgSigmaError(f"pixels of shape {pixels.shape} and {pixels.dtype}, expected (H, W, 3) uint8")
    step = max(1, round((pixels.shape[0] * pixels.shape[1] / SAMPLES) ** 0.5))
    thin = pixels[::step, ::step].astype(np.int16)
    brightest = thin.max(axis=2)
    lit = brightest > DARK
    if lit.mean() < LEAST_LIT:
        return "black"
    seen = thin[lit]
    low, high = np.percentile(seen, (2, 98), axis=0)
    if low.min() >= WHITE:
        return "white"
    if (high - low).max() <= SPREAD:
        return "one colour"
    return OUTSIDE if _outside(thin, seen, brightest[lit]) else None


def _outside(thin: npt.NDArray[np.int16], seen: npt.NDArray[np.int16], brightest: npt.NDArray[np.int16]) -> bool:
    red, green, blue = seen.T
    coloured = brightest - seen.min(axis=1) >= CHROMA * brightest
    warm = float((coloured & (red >= green) & (red > blue)).mean())
    if warm <= WARM_IN_COOL and float((coloured & (red < np.maximum(green, blue))).mean()) >= COOL:
        return True
    if warm > WARM_IN_GREY:
        return False
    grey = thin.mean(axis=2)
    edges = np.abs(np.diff(grey, axis=1))[(thin.max(axis=2) > DARK)[:, 1:]]
    low, high = np.percentile(seen.mean(axis=1), (2, 98))
    return bool(edges.size and np.percentile(edges, 95) >= EDGES and high - low >= CONTRAST)
