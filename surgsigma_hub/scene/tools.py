"""The instruments: one shape per class, drawn from the tip back to where the shaft leaves the picture."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

from .canvas import Canvas
from .things import Material

M = Material


@dataclass(frozen=True, slots=True)
class Pose:
    """Where an instrument is: tip, direction from the tip to the port, and how far the jaws stand open (0..1)."""

    x: float
    y: float
    z: float
    dx: float
    dy: float
    opening: float
    size: float
    side: float = 1.0  # which way bent tips turn
    rise: float = 0.28  # how steeply the shaft comes towards the camera

    def at(self, back: float, across: float = 0.0, up: float = 0.0) -> tuple[float, float, float]:
        """A place ``back`` along the axis from the tip, ``across`` beside it and ``up`` towards the camera."""
        b, a = back * self.size, across * self.size
        return (
            self.x + self.dx * b - self.dy * a,
            self.y + self.dy * b + self.dx * a,
            self.z + self.rise * b + up * self.size,
        )


class Tool:
    """Draws the parts of one instrument into a canvas."""

    def __init__(self, canvas: Canvas, pose: Pose, owner: int) -> None:
        self.canvas, self.pose, self.owner = canvas, pose, owner

    def rod(
        self,
        start: tuple[float, float],
        end: tuple[float, float],
        radius: float,
        material: Material,
        end_radius: float | None = None,
        *,
        flat: bool = False,
        up: float = 0.0,
        depth: float = 1.0,
    ) -> None:
        """A tube between two ``(back, across)`` places."""
        s = self.pose.size
        if max(radius, end_radius or 0) * s * self.canvas.height < 0.4:
            return  # thinner than a pixel
        self.canvas.tube(
            self.pose.at(*start, up),
            self.pose.at(*end, up),
            radius * s,
            self.owner,
            material,
            None if end_radius is None else end_radius * s,
            flat=flat,
            depth=depth,
        )

    def shaft(self, start: float, radius: float, material: Material) -> None:
        """The long tube out of the picture, a little wider towards the camera."""
        self.rod((start, 0), (1.9 / self.pose.size, 0), radius, material, radius * 1.45, flat=True)

    def jaws(
        self, hinge: float, radius: float, spread: float, material: Material, tip_radius: float | None = None
    ) -> None:
        """Two jaws from the hinge to the tip."""
        for side in (-1.0, 1.0):
            gap = side * (radius * 0.75 + spread * self.pose.opening)
            self.rod((hinge, side * radius * 0.5), (0.004, gap), radius, material, tip_radius)


def grasper(t: Tool) -> None:
    """Dark shaft, steel collar, two slotted jaws."""
    t.shaft(0.2, 0.032, M.SHAFT)
    t.rod((0.1, 0), (0.2, 0), 0.026, M.STEEL, 0.03, flat=True)
    t.jaws(0.12, 0.0125, 0.035, M.STEEL, 0.0145)
    spread = 0.035 * t.pose.opening + 0.009
    for side in (-1.0, 1.0):
        t.rod((0.075, side * (0.008 + spread * 0.25)), (0.022, side * spread), 0.0055, M.DARK, up=0.0095)


def bipolar(t: Tool) -> None:
    """Dark shaft, white insulation, two broad paddles."""
    t.shaft(0.17, 0.031, M.SHAFT)
    t.rod((0.12, 0), (0.17, 0), 0.027, M.CERAMIC, flat=True)
    t.jaws(0.12, 0.011, 0.04, M.STEEL, 0.02)


def hook(t: Tool) -> None:
    """Dark shaft, ceramic ring, thin rod with a bent tip."""
    t.shaft(0.15, 0.030, M.SHAFT)
    t.rod((0.115, 0), (0.15, 0), 0.022, M.CERAMIC, 0.027, flat=True)
    bend = 0.034 * t.pose.side
    t.rod((0.025, -bend), (0.125, -bend * 0.35), 0.0085, M.STEEL, 0.010)
    t.rod((0.0, 0), (0.025, -bend), 0.0075, M.STEEL, 0.0085)


def scissors(t: Tool) -> None:
    """Dark shaft, steel collar, two thin pointed blades that cross."""
    t.shaft(0.19, 0.031, M.SHAFT)
    t.rod((0.12, 0), (0.19, 0), 0.022, M.STEEL, 0.028, flat=True)
    for side in (-1.0, 1.0):
        gap = side * (0.006 + 0.045 * t.pose.opening)
        t.rod((0.13, -side * 0.006), (0.06, gap * 0.75), 0.012, M.STEEL, 0.0115)
        t.rod((0.06, gap * 0.75), (0.0, gap * 0.8), 0.0115, M.STEEL, 0.004)


def clipper(t: Tool) -> None:
    """Broad steel shaft, two long blunt jaws with a clip between them."""
    t.shaft(0.16, 0.040, M.STEEL)
    t.rod((0.115, 0), (0.165, 0), 0.030, M.STEEL, 0.041, flat=True)
    for side in (-1.0, 1.0):
        gap = side * (0.014 + 0.014 * t.pose.opening)
        t.rod((0.12, side * 0.014), (0.006, gap), 0.0145, M.STEEL, 0.0125)
        t.rod((0.045, gap * 0.75), (0.004, gap * 0.75), 0.004, M.TITANIUM, up=0.011)
    t.rod((0.115, 0), (0.03, 0), 0.006, M.DARK)


def irrigator(t: Tool) -> None:
    """A plain steel tube with holes near its end."""
    t.shaft(0.03, 0.028, M.STEEL)
    t.rod((0.012, 0), (0.04, 0), 0.026, M.STEEL, 0.028)
    for back, across in ((0.035, 0.004), (0.06, -0.009), (0.085, 0.005)):
        t.rod((back, across), (back + 0.006, across), 0.0065, M.DARK, up=0.0235)
    t.rod((0.002, 0), (0.006, 0), 0.014, M.DARK, up=0.008)


def specimen_bag(t: Tool) -> None:
    """A pouch with a rim and a cord; its mouth is the tip."""
    c, p, s = t.canvas, t.pose, t.pose.size
    for back, across, r in ((0.12, 0.0, 0.13), (0.2, 0.015, 0.145)):
        x, y, z = p.at(back, across, -0.03)
        c.ellipsoid(x, y, z, (r * s, r * s, r * s * 0.45), t.owner, M.BAG)
    rim = [(-0.005, -0.12), (-0.02, -0.06), (-0.022, 0.0), (-0.018, 0.06), (-0.003, 0.12)]
    for a, b in pairwise(rim):
        t.rod(a, b, 0.011, M.CERAMIC, up=0.0)
    t.rod((0.3, 0.02), (1.2, 0.1), 0.006, M.CERAMIC, up=-0.02)


DRAW = {
    "grasper": grasper,
    "bipolar": bipolar,
    "hook": hook,
    "scissors": scissors,
    "clipper": clipper,
    "irrigator": irrigator,
    "specimen_bag": specimen_bag,
}
"""How each class of instrument is drawn."""
