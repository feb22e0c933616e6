"""Numbers and looks of what a scene is made of: tissues (by canonical target id) and materials."""

from __future__ import annotations

from enum import IntEnum
from typing import NamedTuple

TISSUES: tuple[str, ...] = (
    "abdominal_wall_cavity",
    "liver",
    "gallbladder",
    "cystic_plate",
    "cystic_duct",
    "cystic_artery",
    "cystic_pedicle",
    "peritoneum",
    "omentum",
    "gut",
    "fluid",
    "blood_vessel",
    "adhesion",
)
TISSUE: dict[str, int] = {name: n for n, name in enumerate(TISSUES)}
"""Owner number of each tissue; the wall is the background, 0."""
METAL_CLIP = 40
"""Owner number of clips left on duct and artery: neither tissue nor instrument."""
TOOL = 50
"""Owner number of the first instrument; the others follow."""


class Material(IntEnum):
    """What a surface is made of."""

    WALL = 0
    LIVER = 1
    GALLBLADDER = 2
    PLATE = 3
    DUCT = 4
    ARTERY = 5
    FAT = 6
    MEMBRANE = 7
    GUT = 8
    FLUID = 9
    VESSEL = 10
    ADHESION = 11
    SHAFT = 12
    STEEL = 13
    DARK = 14
    CERAMIC = 15
    BAG = 16
    TITANIUM = 17
    OMENTUM = 18


class Look(NamedTuple):
    """How a material takes light: colour, then strengths of clouding, grain, vessels, bumps, gloss and metal sheen."""

    red: float
    green: float
    blue: float
    cloud: float
    fine: float
    vessel: float
    bump: float
    gloss: float
    metal: float


LOOKS: dict[Material, Look] = {
    Material.WALL: Look(0.50, 0.25, 0.20, 0.13, 0.03, 0.55, 0.10, 0.10, 0.0),
    Material.LIVER: Look(0.43, 0.14, 0.105, 0.13, 0.05, 0.0, 0.10, 0.65, 0.0),
    Material.GALLBLADDER: Look(0.72, 0.66, 0.64, 0.09, 0.02, 0.75, 0.12, 0.80, 0.0),
    Material.PLATE: Look(0.68, 0.42, 0.34, 0.20, 0.07, 0.75, 0.20, 0.40, 0.0),
    Material.DUCT: Look(0.82, 0.68, 0.50, 0.08, 0.03, 0.30, 0.08, 0.70, 0.0),
    Material.ARTERY: Look(0.70, 0.30, 0.25, 0.08, 0.03, 0.0, 0.08, 0.70, 0.0),
    Material.FAT: Look(0.92, 0.66, 0.32, 0.12, 0.06, 0.45, 0.24, 0.55, 0.0),
    Material.MEMBRANE: Look(0.84, 0.54, 0.38, 0.14, 0.04, 0.90, 0.16, 0.70, 0.0),
    Material.GUT: Look(0.76, 0.42, 0.36, 0.08, 0.02, 0.45, 0.08, 0.70, 0.0),
    Material.FLUID: Look(0.36, 0.02, 0.02, 0.05, 0.0, 0.0, 0.05, 1.0, 0.0),
    Material.VESSEL: Look(0.58, 0.04, 0.05, 0.05, 0.02, 0.0, 0.05, 0.9, 0.0),
    Material.ADHESION: Look(0.85, 0.66, 0.54, 0.10, 0.05, 0.20, 0.12, 0.5, 0.0),
    Material.SHAFT: Look(0.15, 0.155, 0.17, 0.04, 0.03, 0.0, 0.015, 0.12, 0.25),
    Material.STEEL: Look(0.66, 0.65, 0.61, 0.05, 0.03, 0.0, 0.03, 0.25, 1.0),
    Material.DARK: Look(0.10, 0.09, 0.09, 0.04, 0.02, 0.0, 0.02, 0.05, 0.1),
    Material.CERAMIC: Look(0.86, 0.83, 0.76, 0.03, 0.01, 0.0, 0.01, 0.30, 0.15),
    Material.BAG: Look(0.50, 0.54, 0.57, 0.07, 0.02, 0.0, 0.32, 0.6, 0.1),
    Material.TITANIUM: Look(0.74, 0.75, 0.78, 0.02, 0.02, 0.0, 0.02, 0.30, 1.0),
    Material.OMENTUM: Look(0.92, 0.66, 0.30, 0.14, 0.06, 0.50, 0.24, 0.60, 0.0),
}
