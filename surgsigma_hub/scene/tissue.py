"""Draws the tissue of a patient in a given state into a canvas."""

from __future__ import annotations

import math

import numpy as np

from . import anatomy
from .anatomy import Lobe, Patient, Point, View
from .canvas import Canvas
from .script import State
from .things import METAL_CLIP, TISSUE, Material

DUCT_RADIUS, ARTERY_RADIUS = 0.021, 0.0125
SHOWN_FROM = 0.6
"""How far clipping or cutting must be before its result is drawn."""


class Body:
    """Draws one patient.

    Args:
        canvas: An empty canvas; its background becomes the abdominal wall.
        camera: Who looks, and from where.
        who: The patient.
        fine: Whether curves are drawn in small pieces.
    """

    def __init__(self, canvas: Canvas, camera: View, who: Patient, fine: bool) -> None:
        self.canvas, self.camera, self.who, self.pieces = canvas, camera, who, 3 if fine else 1

    def blob(
        self,
        place: Point,
        radii: tuple[float, float, float],
        tissue: str,
        material: Material,
        turn: tuple[float, float] = (1.0, 0.0),
    ) -> None:
        """An ellipsoid of tissue; ``turn`` is the direction of its first radius in the patient."""
        c, (a, b, d) = self.camera, radii
        self.canvas.ellipsoid(
            *c.at(place),
            (a * c.zoom, b * c.zoom, d * c.zoom),
            TISSUE[tissue],
            material,
            (c.cos * turn[0] - c.sin * turn[1], c.sin * turn[0] + c.cos * turn[1]),
        )

    def cord(
        self, points: list[Point], radii: list[float], tissue: str, material: Material, depth: float = 1.0
    ) -> None:
        """A tube of tissue along a curve."""
        if self.pieces > 1 and len(points) > 2:
            points, radii = anatomy.smooth(points, radii, self.pieces)
        elif len(points) == 5:
            points, radii = points[::2], radii[::2]  # too small for more
        c = self.camera
        self.canvas.chain([c.at(p) for p in points], [r * c.zoom for r in radii], TISSUE[tissue], material)

    def lobe(self, lobe: Lobe, left: float, tissue: str, material: Material) -> None:
        """A lobe of fat of which the share ``left`` is there."""
        a, b, c = lobe.radii
        self.blob(lobe.place, (a * left, b * left, c * left), tissue, material, lobe.turn)

    def draw(self, state: State, sway: float, bagging: bool) -> None:
        """Draw everything; the nearer body wins."""
        canvas, rise, M = self.canvas, self.who.liver, Material
        wall = canvas.xs * np.float32(-0.12) + canvas.ys * np.float32(-0.25) - np.float32(0.42)
        np.copyto(canvas.z, wall * np.float32(self.camera.zoom))
        self.blob((-0.25, -0.36 + rise, -0.33), (0.8, 0.45, 0.32), "liver", M.LIVER)
        self.blob((0.45, -0.24 + rise, -0.36), (0.62, 0.52, 0.26), "liver", M.LIVER)
        self.blob((-0.66, 0.1 + rise, -0.4), (0.36, 0.36, 0.22), "liver", M.LIVER)
        if state.plate > 0.05 or state.detached > 0:
            self._bed(state)  # before anything lies over the liver
        gut: list[Point] = [(0.08, 0.56, -0.16), (0.36, 0.5, -0.13), (0.6, 0.42, -0.14), (0.95, 0.44, -0.2)]
        self.cord(gut, [0.11, 0.12, 0.12, 0.12], "gut", M.GUT)
        for lobe in self.who.omentum:
            self.lobe(lobe, 1.0, "omentum", M.OMENTUM)
        self._gallbladder(state, sway, bagging)
        for lobe in self.who.fat:
            left = min(1.0, (state.fat - lobe.early) * 5)
            if left > 0.15 and state.fat > 0:
                self.lobe(lobe, left, "cystic_pedicle", M.FAT)
        m = state.membrane
        if m > 0:
            for x, y, a, b in ((0.25, 0.18, 0.105, 0.075), (0.32, 0.215, 0.11, 0.085), (0.37, 0.25, 0.075, 0.07)):
                radii = (a * (0.35 + 0.65 * m), b * (0.35 + 0.65 * m), 0.05)
                middle = (0.33 + (x - 0.33) * m, 0.23 + (y - 0.23) * m, 0.085)
                self.blob(middle, radii, "peritoneum", M.MEMBRANE, (0.83, 0.55))
        if state.pool > 0.02:
            size = (0.25 + 0.75 * state.pool) * 0.17
            self.blob((0.10, 0.325, 0.005), (size, size * 0.42, 0.012), "fluid", M.FLUID)
            self.blob((0.10 + size * 0.7, 0.335, 0.004), (size * 0.5, size * 0.3, 0.012), "fluid", M.FLUID)
        if state.bleed > 0.05:
            self.cord(anatomy.VESSEL, [0.010, 0.013, 0.012, 0.011], "blood_vessel", M.VESSEL)
            drop = state.bleed
            self.blob((0.425, 0.265, 0.06), (0.03 * drop, 0.022 * drop, 0.02), "blood_vessel", M.VESSEL)
        if state.adhesion > 0.05:
            for n in range(3):
                x, end = -0.13 + 0.055 * n, 0.16 + 0.2 * state.adhesion
                band: list[Point] = [
                    (x, 0.02 + 0.03 * n, 0.12),
                    (x - 0.04, 0.16, 0.11),
                    (x - 0.07 + 0.02 * n, end, 0.0),
                ]
                self.cord(band, [0.016, 0.006, 0.015], "adhesion", M.ADHESION)

    def _gallbladder(self, state: State, sway: float, bagging: bool) -> None:
        """The gallbladder, the plate it lay on, its duct and its artery."""
        M, lean = Material, self.who.lean
        neck = None
        if state.bagged < 0.85:
            points, radii = anatomy.gallbladder(self.who, state, sway, bagging)
            self.cord(points, radii, "gallbladder", M.GALLBLADDER)
            neck = points[-1]
        duct = [DUCT_RADIUS * lean * f for f in (1.15, 1.0, 1.0, 1.1, 1.3)]
        artery = [ARTERY_RADIUS * lean * f for f in (1.15, 1.0, 1.0, 1.1, 1.3)]
        if state.cut_duct > SHOWN_FROM:
            self.cord(anatomy.DUCT[2:], duct[2:], "cystic_duct", M.DUCT)  # the stump
            if neck is not None:
                end = (neck[0] + 0.035, neck[1] + 0.03, neck[2])
                self.cord([neck, end], duct[:2], "cystic_duct", M.DUCT)
        else:
            course = anatomy.DUCT if neck is None else [neck, *anatomy.DUCT[1:]]
            self.cord(course, duct, "cystic_duct", M.DUCT)
        cut = state.cut_artery > SHOWN_FROM
        self.cord(
            anatomy.ARTERY[2:] if cut else anatomy.ARTERY, artery[2:] if cut else artery, "cystic_artery", M.ARTERY
        )
        if state.clip_duct > SHOWN_FROM:
            self._clips(anatomy.DUCT, DUCT_RADIUS * lean)
        if state.clip_artery > SHOWN_FROM:
            self._clips(anatomy.ARTERY, ARTERY_RADIUS * lean)

    def _bed(self, state: State) -> None:
        """Patches on the liver where the gallbladder lay, from its neck upwards."""
        c, width = self.camera, 0.055 * state.plate + 0.045 * state.detached
        ax, ay, bx, by = 0.18, 0.10, 0.09 - 0.2 * state.detached, 0.0 - 0.25 * state.detached
        for along, across, a, b, angle in self.who.bed:
            w = width * (1.1 - 0.3 * abs(along - 0.5))
            x, y, _ = c.at((ax + (bx - ax) * along + across * w, ay + (by - ay) * along - across * w, 0.0))
            turn = (math.cos(angle), math.sin(angle))
            radii = (a * w * c.zoom, b * w * c.zoom)
            self.canvas.stain(x, y, radii, turn, TISSUE["liver"], TISSUE["cystic_plate"], Material.PLATE)

    def _clips(self, course: list[Point], r: float) -> None:
        """Two metal clips across the course, on the side that stays."""
        zoom = self.camera.zoom
        (ax, ay, az), (bx, by, bz) = self.camera.at(course[2]), self.camera.at(course[3])
        length = ((bx - ax) ** 2 + (by - ay) ** 2) ** 0.5
        dx, dy = (by - ay) / length * r * zoom * 1.5, (bx - ax) / length * r * zoom * 1.5
        for t in (0.12, 0.34):
            x, y, z = ax + (bx - ax) * t, ay + (by - ay) * t, az + (bz - az) * t + r * zoom
            self.canvas.tube((x - dx, y + dy, z), (x + dx, y - dy, z), 0.006 * zoom, METAL_CLIP, Material.TITANIUM)
