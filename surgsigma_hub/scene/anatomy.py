"""The anatomy of one drawn patient and how it changes over the operation. Nothing is drawn here.

Places are ``(x, y, z)`` in the patient: the picture's centre in a wide view is near 0, its height near 1, z points to
the camera.
"""

from __future__ import annotations

import math
import random
from dataclasses import dataclass
from functools import lru_cache

from .script import State

Point = tuple[float, float, float]

VIEWS: dict[str, tuple[float, float, float]] = {
    "preparation": (0.0, 0.02, 0.98),
    "calot_triangle_dissection": (0.19, 0.12, 1.55),
    "clipping_and_cutting": (0.21, 0.14, 1.7),
    "gallbladder_dissection": (0.05, 0.03, 1.25),
    "gallbladder_packaging": (0.0, 0.1, 1.1),
    "cleaning_and_coagulation": (0.12, 0.06, 1.2),
    "gallbladder_extraction": (-0.05, 0.1, 1.05),
}
"""Where the camera points (x, y in the patient) and how near it is, by phase."""

TRIANGLE: tuple[Point, ...] = tuple(
    (0.19 + 0.05 * column + 0.02 * row, 0.145 + 0.03 * row + 0.012 * column, 0.0)
    for row in range(3)
    for column in range(4)
)
"""Places between duct, artery and liver: the hepatocystic triangle."""

DUCT: list[Point] = [
    (0.165, 0.185, 0.0),
    (0.215, 0.225, 0.02),
    (0.27, 0.262, 0.02),
    (0.36, 0.335, -0.03),
    (0.45, 0.44, -0.12),
]
"""Course of the cystic duct, from the neck of the gallbladder down."""

ARTERY: list[Point] = [
    (0.105, 0.06, 0.04),
    (0.185, 0.105, 0.05),
    (0.27, 0.13, 0.05),
    (0.36, 0.16, 0.03),
    (0.5, 0.24, -0.06),
]
"""Course of the cystic artery, from the gallbladder towards the liver hilum."""

VESSEL: list[Point] = [(0.36, 0.20, 0.05), (0.40, 0.245, 0.07), (0.455, 0.25, 0.05), (0.5, 0.29, 0.02)]
"""Course of the vessel that may bleed."""


@dataclass(frozen=True, slots=True)
class View:
    """A camera: from places in the patient to places in a picture that is 1 high and ``aspect`` wide."""

    x: float
    y: float
    zoom: float
    cos: float
    sin: float
    aspect: float

    def at(self, p: Point) -> Point:
        """``p`` of the patient in the picture."""
        dx, dy = (p[0] - self.x) * self.zoom, (p[1] - self.y) * self.zoom
        return (
            self.aspect / 2 + dx * self.cos - dy * self.sin,
            0.5 + dx * self.sin + dy * self.cos,
            p[2] * self.zoom,
        )


@dataclass(frozen=True, slots=True)
class Lobe:
    """A lobe of fat; ``early`` says at which amount of fat left (1..0) it is gone."""

    place: Point
    radii: tuple[float, float, float]
    turn: tuple[float, float]
    early: float


@dataclass(frozen=True, slots=True)
class Patient:
    """What differs between patients: sizes, the places of fat lobes, and how the camera is held."""

    fat: tuple[Lobe, ...]
    omentum: tuple[Lobe, ...]
    bed: tuple[tuple[float, float, float, float, float], ...]  # patches: along, across, two radii, angle
    plump: float
    lean: float
    liver: float
    roll: float
    drift: tuple[float, float, float]


@lru_cache(maxsize=64)
def patient(seed: int, video: int, fine: bool) -> Patient:
    """The patient of one video; ``fine`` asks for more and smaller lobes of fat, for larger pictures."""
    rng = random.Random(f"{seed}/{video}/patient")
    sizes = {"plump": rng.uniform(0.85, 1.15), "lean": rng.uniform(0.9, 1.1)}
    sizes |= {"liver": rng.uniform(-0.04, 0.05), "roll": rng.uniform(-0.22, 0.22)}
    drift = (rng.uniform(0, 6.28), rng.uniform(0, 6.28), rng.uniform(0, 6.28))
    count = 30 if fine else 7
    size = (19 / count) ** 0.45
    fat = []
    for n in range(count):
        along = (n + rng.random()) / count
        across = rng.uniform(-1, 1)
        r = rng.uniform(0.03, 0.064) * size
        x = 0.17 + 0.23 * along + 0.02 * across
        y = 0.16 + 0.10 * along + across * (0.03 + 0.05 * along)
        place = (x, y, 0.045 + rng.uniform(0, 0.025))
        early = (rng.random() * 0.7 + along * 0.3) * 0.9
        # One lobe in the middle lasts to the end: there is something to dissect as long as fat is left.
        fat.append(_lobe(rng, place, r, -0.04 if n == count // 2 else early))
    omentum = []
    count = 46 if fine else 9
    size = (19 / count) ** 0.4
    for n in range(count):
        x = -0.78 + 1.3 * (n + rng.random()) / count
        depth = rng.random()
        r = rng.uniform(0.05, 0.14) * size
        place = (x, 0.345 + 0.2 * depth + 0.1 * abs(x + 0.2), -0.15 + 0.1 * depth)
        omentum.append(_lobe(rng, place, r, 0.0))
    bed = [
        ((n + 0.5) / 7, rng.uniform(-0.3, 0.3), rng.uniform(1.0, 1.5), rng.uniform(0.8, 1.05), rng.uniform(0, math.pi))
        for n in range(7)
    ]
    return Patient(fat=tuple(fat), omentum=tuple(omentum), bed=tuple(bed), drift=drift, **sizes)


def _lobe(rng: random.Random, place: Point, r: float, early: float) -> Lobe:
    longer, angle = rng.uniform(1.0, 1.55), rng.uniform(0, math.pi)
    return Lobe(place, (r * longer, r, r * 0.6), (math.cos(angle), math.sin(angle)), early)


def view(who: Patient, phase: str, before: str, phase_progress: float, seconds: float, aspect: float) -> View:
    """The camera: settled on the phase, coming over from the phase before, never quite still."""
    ease = min(1.0, phase_progress * 4)
    ease = ease * ease * (3 - 2 * ease)
    a, b = VIEWS[before], VIEWS[phase]
    x, y, zoom = (p + (q - p) * ease for p, q in zip(a, b, strict=True))
    d = who.drift
    roll = who.roll + 0.03 * math.sin(seconds * 0.31 + d[0])
    return View(
        x + 0.02 * math.sin(seconds * 0.43 + d[1]),
        y + 0.015 * math.sin(seconds * 0.57 + d[2]),
        zoom * (1 + 0.03 * math.sin(seconds * 0.23 + d[0])),
        math.cos(roll),
        math.sin(roll),
        aspect,
    )


def gallbladder(who: Patient, state: State, sway: float, bagging: bool) -> tuple[list[Point], list[float]]:
    """Axis and radii of the gallbladder, from fundus to neck; while ``bagging`` it goes into the mouth of the bag."""
    off = state.detached
    pull = 0.045 * state.plate * (1 - off)
    at_rest = ((-0.17, -0.22, 0.0), (-0.08, -0.1, 0.03), (0.02, 0.03, 0.03), (0.1, 0.12, 0.02), (0.165, 0.185, 0.0))
    radii = [r * who.plump for r in (0.105, 0.125, 0.1, 0.066, 0.034)]
    points: list[Point] = []
    for n, (x, y, z) in enumerate(at_rest):
        low = n / 4
        # Peeling starts at the neck: the lower part goes first.
        loose = min(1.0, max(0.0, off * 2 - (1 - low)))
        points.append(
            (
                x - pull * low - 0.17 * loose * (0.4 + 0.6 * low) + 0.012 * sway * (1 - low * (1 - off)),
                y + pull * 0.6 * low + 0.10 * loose - 0.05 * off * low,
                z + 0.06 * loose,
            )
        )
    if bagging:
        s = 1 - 0.45 * state.bagged
        points = [(x * s - 0.02, y * s + 0.06 + 0.14 * state.bagged, 0.1) for x, y, _ in points]
        radii = [r * s for r in radii]
    return points, radii


def smooth(points: list[Point], radii: list[float], pieces: int) -> tuple[list[Point], list[float]]:
    """A curve through the points in ``pieces`` straight bits between each two of them (Catmull-Rom)."""
    rows = [(*p, r) for p, r in zip(points, radii, strict=True)]
    out = []
    for n in range(len(rows) - 1):
        before, a, b, after = rows[max(0, n - 1)], rows[n], rows[n + 1], rows[min(len(rows) - 1, n + 2)]
        for k in range(pieces):
            t = k / pieces
            t2, t3 = t * t, t * t * t
            out.append(
                tuple(
                    0.5 * (2 * q + (s - p) * t + (2 * p - 5 * q + 4 * s - u) * t2 + (3 * q - p - 3 * s + u) * t3)
                    for p, q, s, u in zip(before, a, b, after, strict=True)
                )
            )
    out.append(rows[-1])
    return [(x, y, z) for x, y, z, _ in out], [max(r, 0.001) for _, _, _, r in out]
