"""From what a model predicts to the 16-bit map that is stored."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

import numpy as np
import numpy.typing as npt

from ..errors import SurgSigmaError


class Sense(StrEnum):
    """What a larger predicted value means."""

    NEARER = "larger is nearer"
    FARTHER = "larger is farther"


def to_relative_depth(prediction: npt.NDArray[Any], sense: Sense) -> npt.NDArray[np.uint16]:
    """One prediction as ``(H, W)`` uint16, larger is farther: 0 the nearest pixel, 65535 the farthest.

    The range of each picture is stretched to the whole 16 bits. A prediction of inverse depth is turned round
    (``max - value``) and not divided (``1 / value``): its zero is arbitrary (Depth Anything V2, arXiv 2406.09414), so a
    reciprocal would invent a shape. The order of near and far is right, proportions of distance are not. A picture
    without any difference gives zeros.

    Raises:
        SurgSigmaError: not ``(H, W)``, or a value that is no number.

    >>> to_relative_depth(np.array([[4.0, 3.0, 2.0]]), Sense.NEARER)
    array([[    0, 32768, 65535]], dtype=uint16)
    """
    if prediction.ndim != 2 or not prediction.size:
        raise SurgSigmaError(f"the model predicted a depth map of shape {prediction.shape}, expected (H, W)")
    values = prediction.astype(np.float64)
    low, high = float(values.min()), float(values.max())
    if not (np.isfinite(low) and np.isfinite(high)):
        raise SurgSigmaError(
            "the model predicted depth that is not a number (NaN or infinite)",
            hint="Its weights are damaged, or it is not made for this precision; choose another with --model.",
        )
    if high == low:
        return np.zeros(values.shape, np.uint16)
    place = (high - values if sense is Sense.NEARER else values - low) / (high - low)
    return np.rint(place * 65535).astype(np.uint16)
