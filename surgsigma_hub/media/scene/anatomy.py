"""The anatomy of one drawn patient, its changes over the operation, and the camera that looks at it."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass
from functools import lru_cache

from .canvas import Canvas
from .script import State
from .things import METAL_CLIP, TISSUE, Material

Point = tuple[float, float, float]

VIEWS: dict[str, tuple[float, float, float]] = {
    "preparation": (0.0, 0.02, 0.98),
    "calot_triangle_dissection": (0.19, 0.12, 1.55),
    "clipping_and_cutting": (0.21, 0.14, 1.7),
    "gallbladder_dissection": (0.05, 0.03, 1.25),
    "gallbladder_packaging": (0.0, 0.06, 1.1),
    "cleaning_and_coagulation": (0.12, 0.06, 1.2),
    "gallbladder_extraction": (-0.05, 0.05, 1.0),
}
"""Where the camera points (x, y in the patient) and how near it is, by phase."""

TRIANGLE: tuple[Point, ...] = tuple(
    (0.19 + 0.05 * column + 0.02 * row, 0.145 + 0.03 * row + 0.012 * column, 0.0)
    for row in range(3)
    for column in range(4)
)
"""Places between duct, artery and liver: the hepatocystic triangle."""


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
class Patient:
    """What differs between patients: sizes, the places of fat lobes, and how the camera is held."""

    fat: tuple[tuple[float, float, float, float, float], ...]  # x, y, z, radius, how early it goes
    omentum: tuple[tuple[float, float, float, float], ...]
    plump: float
    lean: float
    liver: float
    roll: float
    drift: tuple[float, float, float]


@lru_cache(maxsize=64)
def patient(seed: int, video: int, lobes: int) -> Patient:
    """The patient of one video; ``lobes`` is how many lobes of fat are worth drawing at the size in use."""
    rng = random.Random(f"{seed}/{video}/patient")
    fat = []
    for n in range(lobes):
        along = (n + rng.random()) / lobes
        across = rng.uniform(-1, 1)
        fat.append(
            (
                0.16 + 0.24 * along + 0.02 * across,
                0.155 + 0.10 * along + across * (0.035 + 0.05 * along),
                0.035 + rng.uniform(0, 0.02),
                rng.uniform(0.036, 0.056) * (14 / lobes) ** 0.5,
                (rng.random() * 0.7 + n / lobes * 0.3) * 0.9,
            )
        )
    count = lobes + lobes // 2
    omentum = []
    for n in range(count):
        x = -0.75 + 1.25 * (n + rng.random()) / count
        depth = rng.random()
        omentum.append((x, 0.36 + 0.18 * depth + 0.1 * abs(x + 0.2), -0.16 + 0.1 * depth, rng.uniform(0.07, 0.125)))
    return Patient(
        fat=tuple(fat),
        omentum=tuple(omentum),
        plump=rng.uniform(0.85, 1.15),
        lean=rng.uniform(0.9, 1.1),
        liver=rng.uniform(-0.04, 0.05),
        roll=rng.uniform(-0.22, 0.22),
        drift=(rng.uniform(0, 6.28), rng.uniform(0, 6.28), rng.uniform(0, 6.28)),
    )


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


def gallbladder(who: Patient, state: State, sway: float) -> tuple[list[Point], list[float]]:
    """Axis and radii of the gallbladder, from fundus to neck."""
    off = state.detached
    pull = 0.045 * state.plate * (1 - off)
    points: list[Point] = [
        (-0.17, -0.22, 0.0),
        (-0.08, -0.1, 0.03),
        (0.02, 0.03, 0.03),
        (0.1, 0.12, 0.02),
        (0.165, 0.185, 0.0),
    ]
    radii = [r * who.plump for r in (0.105, 0.125, 0.1, 0.066, 0.034)]
    moved = []
    for n, (x, y, z) in enumerate(points):
        low = n / 4
        # Peeling starts at the neck: the lower part goes first.
        loose = min(1.0, max(0.0, off * 2 - (1 - low)))
        moved.append(
            (
                x - pull * low - 0.17 * loose * (0.4 + 0.6 * low) + 0.012 * sway * (1 - low * (1 - off)),
                y + pull * 0.6 * low + 0.10 * loose - 0.05 * off * low,
                z + 0.06 * loose,
            )
        )
    return moved, radii


def duct(state: State) -> list[Point]:
    """Course of the cystic duct, from the neck down."""
    return [(0.165, 0.185, 0.0), (0.215, 0.225, 0.02), (0.27, 0.262, 0.02), (0.36, 0.335, -0.03), (0.45, 0.44, -0.12)]


def artery(state: State) -> list[Point]:
    """Course of the cystic artery, from the gallbladder towards the liver hilum."""
    return [(0.105, 0.06, 0.04), (0.185, 0.105, 0.05), (0.27, 0.13, 0.05), (0.36, 0.16, 0.03), (0.5, 0.24, -0.06)]


def draw(canvas: Canvas, cam: View, who: Patient, state: State, sway: float, bagging: bool) -> None:
    """Draw all tissue of the patient."""
    k = cam.zoom
    turn = (cam.cos, cam.sin)

    def blob(
        p: Point, radii: tuple[float, float, float], tissue: str, material: Material, round_: bool = False
    ) -> None:
        a, b, c = radii
        canvas.ellipsoid(*cam.at(p), (a * k, b * k, c * k), TISSUE[tissue], material, (1.0, 0.0) if round_ else turn)

    def cord(points: list[Point], radii: list[float], tissue: str, material: Material, depth: float = 1.0) -> None:
        canvas.chain([cam.at(p) for p in points], [r * k for r in radii], TISSUE[tissue], material, depth)

    rise = who.liver
    blob((-0.25, -0.36 + rise, -0.33), (0.8, 0.45, 0.32), "liver", Material.LIVER)
    blob((0.45, -0.24 + rise, -0.36), (0.62, 0.52, 0.26), "liver", Material.LIVER)
    blob((-0.66, 0.1 + rise, -0.4), (0.36, 0.36, 0.22), "liver", Material.LIVER)
    cord(
        [(0.08, 0.56, -0.16), (0.36, 0.5, -0.13), (0.6, 0.42, -0.14), (0.95, 0.44, -0.2)],
        [0.11, 0.12, 0.12, 0.12],
        "gut",
        Material.GUT,
    )
    for x, y, z, r in who.omentum:
        blob((x, y, z), (r, r, r * 0.8), "omentum", Material.OMENTUM, True)

    if state.plate > 0.05 or state.detached > 0:
        width = 0.055 * state.plate + 0.035 * state.detached
        top = 0.16 * state.detached
        cord(
            [(0.03 - top, -0.06 - top * 0.9, -0.075), (0.115, 0.035, -0.075), (0.17, 0.10, -0.085)],
            [width * (0.45 + state.detached * 0.6), width, width * 0.75],
            "cystic_plate",
            Material.PLATE,
            0.35,
        )
    if state.bagged < 1 and not (bagging and state.bagged > 0.85):
        points, radii = gallbladder(who, state, sway)
        if bagging:  # hanging over the mouth of the bag, going in
            s = 1 - 0.45 * state.bagged
            points = [(p[0] * s - 0.02, p[1] * s + 0.08 + 0.12 * state.bagged, 0.12) for p in points]
            radii = [r * s for r in radii]
        cord(points, radii, "gallbladder", Material.GALLBLADDER)
        neck = points[-1]
    else:
        neck = None
    _tube_with_cut(cord, duct(state), 0.021 * who.lean, "cystic_duct", Material.DUCT, state.cut_duct, neck)
    _tube_with_cut(cord, artery(state), 0.0125 * who.lean, "cystic_artery", Material.ARTERY, state.cut_artery, None)
    for clipped, course, r in ((state.clip_duct, duct(state), 0.021), (state.clip_artery, artery(state), 0.0125)):
        if clipped > 0.6:
            _clips(canvas, cam, course, r * who.lean)

    for x, y, z, r, early in who.fat:
        left = min(1.0, (state.fat - early) * 5)
        if left > 0.15:
            blob((x, y, z), (r * left, r * left, r * left), "cystic_pedicle", Material.FAT, True)
    if state.membrane > 0.05:
        m = state.membrane
        cam_at = cam.at((0.30 - 0.05 * m, 0.205 - 0.02 * m, 0.045))
        lean = (0.83, 0.55)
        canvas.ellipsoid(
            *cam_at,
            (0.155 * m * k, 0.088 * (0.4 + 0.6 * m) * k, 0.065 * k),
            TISSUE["peritoneum"],
            Material.MEMBRANE,
            (cam.cos * lean[0] - cam.sin * lean[1], cam.sin * lean[0] + cam.cos * lean[1]),
        )
    if state.pool > 0.02:
        size = (0.25 + 0.75 * state.pool) * 0.17
        blob((0.10, 0.325, 0.005), (size, size * 0.42, 0.012), "fluid", Material.FLUID)
        blob((0.10 + size * 0.7, 0.335, 0.004), (size * 0.5, size * 0.3, 0.012), "fluid", Material.FLUID)
    if state.bleed > 0.05:
        cord(
            [(0.36, 0.20, 0.05), (0.40, 0.245, 0.07), (0.455, 0.25, 0.05), (0.5, 0.29, 0.02)],
            [0.010, 0.013, 0.012, 0.011],
            "blood_vessel",
            Material.VESSEL,
        )
        blob((0.425, 0.265, 0.06), (0.03 * state.bleed, 0.022 * state.bleed, 0.02), "blood_vessel", Material.VESSEL)
    if state.adhesion > 0.05:
        for n in range(3):
            reach = state.adhesion
            x = -0.13 + 0.055 * n
            cord(
                [(x, 0.02 + 0.03 * n, 0.12), (x - 0.04, 0.16, 0.11), (x - 0.07 + 0.02 * n, 0.16 + 0.2 * reach, 0.0)],
                [0.014, 0.007, 0.013],
                "adhesion",
                Material.ADHESION,
            )


def _tube_with_cut(
    cord, course: list[Point], r: float, tissue: str, material: Material, cut: float, neck: Point | None
) -> None:  # type: ignore[no-untyped-def]
    radii = [r * f for f in (1.15, 1.0, 1.0, 1.1, 1.3)]
    if cut <= 0.6:
        cord(course, radii, tissue, material)
        return
    cord(course[2:], radii[2:], tissue, material)  # the stump
    if neck is not None:
        cord([neck, (neck[0] + 0.035, neck[1] + 0.03, neck[2])], radii[:2], tissue, material)


def _clips(canvas: Canvas, cam: View, course: list[Point], r: float) -> None:
    (ax, ay, az), (bx, by, bz) = cam.at(course[2]), cam.at(course[3])
    length = ((bx - ax) ** 2 + (by - ay) ** 2) ** 0.5
    dx, dy = (bx - ax) / length, (by - ay) / length
    reach, thick = r * cam.zoom * 1.5, 0.006 * cam.zoom
    for t in (0.12, 0.34):
        x, y, z = ax + (bx - ax) * t, ay + (by - ay) * t, az + (bz - az) * t + r * cam.zoom
        canvas.tube(
            (x - dy * reach, y + dx * reach, z),
            (x + dy * reach, y - dx * reach, z),
            thick,
            METAL_CLIP,
            Material.TITANIUM,
        )
