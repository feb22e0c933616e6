"""Where the instruments of a moment go: tips exactly on a visible pixel of their target, shafts towards their ports."""

from __future__ import annotations

import math
import random
from typing import Any

import numpy as np
import numpy.typing as npt

from .anatomy import Point, View
from .canvas import FAR, Canvas
from .script import NULL, Hand
from .things import TISSUE, TOOL
from .tools import Pose

PORTS = {"right": (0.42, 0.55), "left": (3.0, 0.45), "top": (-1.9, 0.5), "low": (1.95, 0.5)}
"""Direction (angle, spread) in which the shaft of each port leaves the picture."""
_BACK = (0.1, 0.18, 0.28, 0.4, 0.55, 0.7)
_AIM: dict[str, tuple[float, float]] = {
    "cystic_plate": (0.1, 0.0),
    "cystic_duct": (0.31, 0.295),
    "cystic_artery": (0.31, 0.145),
    "cystic_pedicle": (0.28, 0.2),
    "peritoneum": (0.3, 0.2),
    "omentum": (-0.1, 0.4),
    "gut": (0.4, 0.4),
    "fluid": (0.1, 0.33),
    "blood_vessel": (0.41, 0.25),
    "adhesion": (-0.13, 0.18),
    "abdominal_wall_cavity": (0.02, 0.22),
    "specimen_bag": (0.0, 0.2),
}
_AIM_BY_PORT: dict[str, dict[str, tuple[float, float]]] = {
    "gallbladder": {"top": (-0.15, -0.24), "left": (-0.02, 0.02), "right": (0.07, 0.0), "low": (0.02, 0.1)},
    "liver": {"left": (-0.35, -0.02), "low": (0.3, 0.02), "right": (0.33, -0.05), "top": (0.2, -0.2)},
}


def place(
    hand: Hand, rng: random.Random, seconds: float, camera: View, canvas: Canvas, shown: npt.NDArray[np.bool_]
) -> tuple[Hand, Pose]:
    """The pose of one instrument over what is drawn so far.

    Args:
        hand: What the instrument does.
        rng: Of the act, so that an instrument stays where it is while the act lasts.
        seconds: Time of the frame, for small movements.
        camera: The view.
        canvas: Tissue, and the instruments that may lie below this one.
        shown: Pixels that the endoscope shows.

    Returns:
        The hand, with a null action if its target cannot be seen, and its pose.
    """
    angle, spread = PORTS[hand.port]
    angle += rng.uniform(-spread, spread) / 2
    size = (0.75 + 0.25 * camera.zoom) * rng.uniform(0.95, 1.08)
    wave = 0.5 + 0.5 * math.sin(seconds * 1.7 + rng.uniform(0, 6.28))
    x, y = _wish(hand, rng, camera)
    x += 0.02 * math.sin(seconds * 1.3 + rng.uniform(0, 6.28))
    y += 0.02 * math.sin(seconds * 1.1 + rng.uniform(0, 6.28))
    if hand.target != NULL:
        want = TOOL if hand.target == "specimen_bag" else TISSUE[hand.target]
        found = _nearest(canvas, shown, want, x, y, camera.aspect)
        if found is None:
            hand = Hand(hand.instrument, NULL, NULL, hand.port)
        else:
            x, y = found
    dx, dy = math.cos(angle), math.sin(angle)
    if hand.instrument == "specimen_bag":
        z = 0.1 * camera.zoom
    else:
        z = _ground(canvas, x, y) + (0.12 if hand.verb in (NULL, "irrigate") else 0.01) * camera.zoom
    # The shaft comes from the camera's side: steeply enough to pass over what lies between tip and port.
    over = (_ground(canvas, x + dx * back, y + dy * back) + 0.02 - z for back in _BACK)
    rise = max(0.28, *(height / back for height, back in zip(over, _BACK, strict=True)))
    return hand, Pose(
        x=x,
        y=y,
        z=z,
        dx=dx,
        dy=dy,
        opening=0.12 if hand.verb in ("grasp", "retract") else 0.3 + 0.6 * wave,
        size=size,
        side=1.0 if dy < 0.3 else -1.0,
        rise=min(rise, 1.6),
    )


def _ground(canvas: Canvas, x: float, y: float) -> float:
    """Height of what is drawn at a place; far down outside the picture."""
    row, column = int(y * canvas.height), int(x * canvas.height)
    if 0 <= row < canvas.height and 0 <= column < canvas.width:
        return float(canvas.z[row, column])
    return FAR


def _wish(hand: Hand, rng: random.Random, camera: View) -> tuple[float, float]:
    """Where the tip wants to go in the picture, before it is moved onto its target."""
    jitter = rng.uniform(-0.03, 0.03), rng.uniform(-0.03, 0.03)
    if hand.instrument == "specimen_bag":
        x, y, _ = camera.at((-0.02, 0.2, 0.0))
        return x, min(0.7, y)
    if hand.target == NULL:
        angle, far = PORTS[hand.port][0] + rng.uniform(-0.5, 0.5), rng.uniform(0.08, 0.22)
        return camera.aspect / 2 + math.cos(angle) * far, 0.5 + math.sin(angle) * far
    spot = _AIM_BY_PORT[hand.target][hand.port] if hand.target in _AIM_BY_PORT else _AIM[hand.target]
    place: Point = (spot[0] + jitter[0], spot[1] + jitter[1], 0.0)
    x, y, _ = camera.at(place)
    return x, y


def _nearest(
    canvas: Canvas, shown: npt.NDArray[Any], want: int, x: float, y: float, aspect: float
) -> tuple[float, float] | None:
    """Centre of the shown pixel of ``want`` nearest to ``(x, y)``, not too near the rim, where a tip is hard to see."""
    h = canvas.height
    is_part = np.asarray(canvas.owners, np.uint8) == want
    rows, columns = np.nonzero(is_part.take(canvas.part) & shown)
    if not len(rows):
        return None
    away = (columns + (0.5 - x * h)) ** 2 + (rows + (0.5 - y * h)) ** 2
    off_centre = (columns - aspect * h / 2) ** 2 + (rows - h / 2) ** 2
    best = int(np.argmin(away + np.maximum(off_centre - (0.34 * h) ** 2, 0) * 4))
    return (int(columns[best]) + 0.5) / h, (int(rows[best]) + 0.5) / h
